"""Real and odd files against what nibabel, SimpleITK and pydicom say about them, read here on their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

from tests.scans.real_files import (
    COPIES,
    FRAMES_WITHOUT_PLACE,
    inputs,
    make_series,
    outcome,
    place_frames,
    read_oddly,
    single_slices,
)
from tsdesktop.core.errors import ReadError
from tsdesktop.core.volume import Volume
from tsdesktop.scans.reader import read_scan

_ONE_SLICE, _OTHER, _NO_PLACE = "geometry.too_few_slices", "read.derived_object", "geometry.no_position"
_LABELS = "read.labels_first"
_SAME_PLACE = "geometry.slices_do_not_form_volume"
REFUSED = {
    "formats_odd/complex.nii.gz": "read.complex",
    "formats_odd/ct_perfusion.nii.gz": "read.colour",
    "formats_odd/multi_chunk.nii.gz": "read.too_many_dimensions",
    "formats_odd/test.mgz": "geometry.bad_affine",
    "dicom_odd/failing/notavolume/001": _SAME_PLACE,
    "dicom_odd/failing/slicecount/001": _ONE_SLICE,
    "dicom_odd/failing/sliceincrement/001": "geometry.missing_slices",
    "dicom_odd/failing/sliceincrement/002": "geometry.missing_slices",
    "dicom_odd/failing/sliceorientation/001": "geometry.slice_orientations",
    "dicom_odd/ge/001_single_slice": _ONE_SLICE,
    "dicom_odd/generic/rgb/001": "read.colour",
    "dicom_objects/693_J2KR.dcm": _ONE_SLICE,
    "dicom_objects/693_UNCI.dcm": _ONE_SLICE,
    "dicom_objects/JPEG-LL.dcm": _OTHER,
    "dicom_objects/MR-SIEMENS-DICOM-WithOverlays.dcm": _ONE_SLICE,
    "dicom_objects/SC_rgb_16bit.dcm": "read.colour",
    "dicom_objects/bad_sequence.dcm": _ONE_SLICE,
    "dicom_objects/eCT_Supplemental.dcm": _ONE_SLICE,
    "dicom_objects/emri_small.dcm": _NO_PLACE,
    "dicom_objects/emri_small_RLE.dcm": _NO_PLACE,
    "dicom_objects/emri_small_big_endian.dcm": _NO_PLACE,
    "dicom_objects/emri_small_jpeg_2k_lossless.dcm": _NO_PLACE,
    "dicom_objects/emri_small_jpeg_2k_lossless_too_short.dcm": _NO_PLACE,
    "dicom_objects/emri_small_jpeg_ls_lossless.dcm": _NO_PLACE,
    "dicom_objects/explicit_VR-UN.dcm": _ONE_SLICE,
    "dicom_objects/liver.dcm": _LABELS,
    "dicom_objects": _NO_PLACE,
    "dicom_transfer_syntaxes/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm": _ONE_SLICE,
    "dicom_transfer_syntaxes/no-pixel-data.dcm": _OTHER,
    "dicom_transfer_syntaxes": _SAME_PLACE,
    "dicom_derived/ct_image.dcm": _ONE_SLICE,
    "dicom_derived/seg_image_ct_binary.dcm": _LABELS,
    "dicom_derived/seg_image_ct_binary_overlap.dcm": _LABELS,
    "dicom_derived/seg_image_ct_true_fractional.dcm": _LABELS,
    "dicom_derived/sr_document.dcm": _OTHER,
    "dicom_derived": _ONE_SLICE,
    "dicom_rt/ct.0.dcm": _ONE_SLICE,
    "dicom_rt/rtplan.dcm": _OTHER,
    "dicom_rt/rtss.dcm": _LABELS,
    "dicom_rt": _ONE_SLICE,
}
# Transfer syntaxes that no decoder here knows.
_UNDECODABLE = ("1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")


def expected_refusal(name: str) -> str:
    if name.startswith("dicom_transfer_syntaxes/CTImage"):
        return "read.compression" if any(syntax in name for syntax in _UNDECODABLE) else _SAME_PLACE
    return REFUSED.get(name, "")


def test_every_odd_file_loads_or_gets_its_one_sentence(data: Path) -> None:
    for path in inputs(data):
        found = outcome(path, data)
        assert found.refusal == expected_refusal(found.path), found
        assert "\n" not in found.sentence


def sampled(shape: tuple[int, ...], count: int = 300) -> NDArray[np.int64]:
    rng = np.random.default_rng(5)
    return np.stack([rng.integers(0, n, count) for n in shape], axis=-1)


def values_at(volume: Volume, world_ras: NDArray[np.float64]) -> NDArray[np.float64]:
    """The volume at world positions, which must be voxel centres."""
    exact = (world_ras - volume.affine[:3, 3]) @ np.linalg.inv(volume.affine[:3, :3]).T
    index = np.rint(exact).astype(int)
    assert np.abs(exact - index).max() < 0.02
    return np.asarray(volume.array[tuple(index.T)], np.float64)


def world(affine: NDArray[np.float64], index: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(index @ affine[:3, :3].T + affine[:3, 3])


@pytest.mark.parametrize(
    "name",
    [
        *("formats_odd/CT_pitch.nii.gz", "formats_odd/anatomical.nii", "formats_odd/example4d.nii.gz"),
        *("formats_odd/pcasl.nii.gz", "formats_odd/wm.mgz", "mr_head/chris_t1.nii.gz", "cta_aorta/example_ct.nii.gz"),
        *("ct_head_float64/ct_head.nii.gz", "ct_head_float64/ct_example.nii.gz", "dicom_ct/total.nii.gz"),
    ],
)
def test_as_nibabel_reads_it(data: Path, name: str) -> None:
    image, volume = nib.load(data / name), read_scan(data / name)
    expected = np.asanyarray(image.dataobj)
    expected = expected[..., 0] if expected.ndim == 4 else expected
    assert volume.array.shape == expected.shape
    assert np.array_equal(volume.array, expected.astype(volume.array.dtype))
    np.testing.assert_allclose(volume.affine, image.affine, atol=1e-4)


def test_the_asked_for_volume_of_a_real_4d_file(data: Path) -> None:
    expected = np.asanyarray(nib.load(data / "formats_odd/pcasl.nii.gz").dataobj)[..., 7]
    np.testing.assert_allclose(read_scan(data / "formats_odd/pcasl.nii.gz", volume_index=7).array, expected)


@pytest.mark.parametrize("name", ["FLAIR.nrrd", "MRIcrop-orig.gipl.gz", "nan.mha"])
def test_as_itk_reads_it(data: Path, name: str) -> None:
    path = data / "formats_odd" / name
    image, volume = SimpleITK.ReadImage(str(path)), read_scan(path)
    array = SimpleITK.GetArrayFromImage(image).T
    assert volume.array.shape == array.shape
    finite = np.isfinite(array)
    np.testing.assert_array_equal(volume.array[finite], array[finite])
    assert np.all(volume.array[~finite] == array[finite].min()) if name == "nan.mha" else finite.all()
    for index in sampled(array.shape, 20):
        x, y, z = image.TransformIndexToPhysicalPoint([int(n) for n in index])
        np.testing.assert_allclose(world(volume.affine, index), (-x, -y, z), atol=1e-3)


def test_a_real_sheared_ct_keeps_its_anatomy_in_place(data: Path) -> None:
    image = nib.load(data / "formats_odd/shear.nii.gz")
    volume = read_scan(data / "formats_odd/shear.nii.gz")
    assert volume.geometry.is_orthogonal
    index = sampled(volume.array.shape, 4000)
    places = (world(volume.affine, index) - image.affine[:3, 3]) @ np.linalg.inv(image.affine[:3, :3]).T
    inside = ((places > 1) & (places < np.array(image.shape) - 2)).all(axis=1)
    assert inside.sum() > 1500
    expected = ndimage.map_coordinates(np.asarray(image.dataobj), places[inside].T, order=1)
    np.testing.assert_allclose(volume.array[tuple(index[inside].T)], expected, atol=0.5)


def test_twelve_orientations_show_one_world_image(data: Path) -> None:
    volumes = [read_scan(path) for path in sorted((data / "nifti_orientations").glob("*.nii.gz"))]
    assert len(volumes) == 12
    assert len({volume.geometry.axis_codes for volume in volumes}) == 12
    reference = volumes[0]
    places = world(reference.affine, np.argwhere(np.ones(reference.array.shape, bool)))
    for volume in volumes[1:]:
        np.testing.assert_array_equal(values_at(volume, places), reference.array.ravel())


def test_a_real_series_as_itk_reads_it(data: Path) -> None:
    reader = SimpleITK.ImageSeriesReader()
    names = reader.GetGDCMSeriesFileNames(str(data / "dicom_ct/series"))
    reader.SetFileNames(names)
    image, volume = reader.Execute(), read_scan(data / "dicom_ct/series")
    assert volume.array.shape == image.GetSize()
    assert volume.array.dtype == np.int16
    assert volume.modality == "CT"
    assert volume.source.dicom_files == tuple(names) or volume.source.dicom_files == tuple(reversed(names))
    array = SimpleITK.GetArrayFromImage(image).T
    index = sampled(array.shape)
    lps = np.array([image.TransformIndexToPhysicalPoint([int(n) for n in each]) for each in index])
    np.testing.assert_array_equal(values_at(volume, lps * (-1, -1, 1)), array[tuple(index.T)])


def pixels_in_the_world(ds: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RAS+ mm and scaled values of some pixels of every frame, worked out from the standard's equation C.7.6.2.1-1."""
    frames = ds.pixel_array if int(ds.get("NumberOfFrames", 1) or 1) > 1 else ds.pixel_array[None]
    places, values = [], []
    for n, frame in enumerate(frames):
        own = ds.PerFrameFunctionalGroupsSequence[n] if "PerFrameFunctionalGroupsSequence" in ds else ds
        shared = ds.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in ds else ds

        def value(sequence: str, key: str, default: Any = None, own: Any = own, shared: Any = shared) -> Any:
            group = own.get(sequence) or shared.get(sequence)
            return (group[0] if group else ds).get(key, default)

        cosines = np.array(value("PlaneOrientationSequence", "ImageOrientationPatient"), float)
        corner = np.array(value("PlanePositionSequence", "ImagePositionPatient"), float)
        between_rows, between_columns = (float(v) for v in value("PixelMeasuresSequence", "PixelSpacing"))
        slope = float(value("PixelValueTransformationSequence", "RescaleSlope", 1))
        intercept = float(value("PixelValueTransformationSequence", "RescaleIntercept", 0))
        for r, c in sampled(frame.shape, 60):
            lps = corner + c * between_columns * cosines[:3] + r * between_rows * cosines[3:]
            places.append(lps * (-1, -1, 1))
            values.append(float(frame[r, c]) * slope + intercept)
    return np.array(places), np.array(values)


def assert_same_as_pydicom(volume: Volume, paths: list[Path], tolerance: float = 1e-4) -> None:
    assert paths
    for path in paths:
        ds = read_oddly(path)
        places, expected = pixels_in_the_world(ds)
        if "PixelPaddingValue" in ds:
            padding = float(ds.PixelPaddingValue) * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
            expected[(expected == padding) & (expected < -1024)] = -1024
        np.testing.assert_allclose(values_at(volume, places), expected, atol=tolerance)


@pytest.mark.parametrize(
    "name",
    [
        *("generic/anatomical/001", "generic/anatomical/002_non_isotropic", "generic/compressed_jpeg/001"),
        *("generic/compressed_jpegls/001", "generic/compressed_rle/001", "hitachi/001", "hyperfine/001"),
        *("philips_enhanced/001", "siemens_multiframe/001"),
    ],
)
def test_as_pydicom_places_it(data: Path, name: str) -> None:
    folder = data / "dicom_odd" / name
    assert_same_as_pydicom(read_scan(folder), sorted(folder.iterdir()))


def test_a_real_tilted_series_is_upright(data: Path) -> None:
    folder = data / "dicom_odd/failing/gantrytilting/001"
    volume = read_scan(folder)
    assert volume.notes[0].id == "note.tilt"
    for k, path in enumerate(sorted(folder.iterdir())):
        ds = read_oddly(path)
        cosines, corner = np.array(ds.ImageOrientationPatient, float), np.array(ds.ImagePositionPatient, float)
        index = sampled(volume.array.shape, 500)
        index[:, 2] = k
        from_corner = world(volume.affine, index) * (-1, -1, 1) - corner
        assert np.abs(from_corner @ np.cross(cosines[:3], cosines[3:])).max() < 0.01
        columns = from_corner @ cosines[:3] / float(ds.PixelSpacing[1])
        rows = from_corner @ cosines[3:] / float(ds.PixelSpacing[0])
        inside = (rows > 0.01) & (rows < ds.Rows - 1.01)
        assert inside.sum() > 400
        pixels = ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        expected = ndimage.map_coordinates(pixels, [rows[inside], columns[inside]], order=1, mode="nearest")
        assert np.abs(volume.array[tuple(index[inside].T)] - expected).max() <= 0.51


@pytest.mark.parametrize("number", range(23))
def test_single_real_slices_decode(data: Path, tmp_path: Path, number: int) -> None:
    paths = single_slices(data)
    assert len(paths) == 23
    path = paths[number]
    folder = make_series(path, tmp_path)
    if any(syntax in path.name for syntax in _UNDECODABLE):
        with pytest.raises(ReadError) as caught:
            read_scan(folder)
        assert caught.value.id == "read.compression"
        return
    volume = read_scan(folder)
    ds = read_oddly(path)
    assert volume.array.shape == (ds.Columns, ds.Rows, COPIES)
    assert_same_as_pydicom(volume, sorted(folder.iterdir()), tolerance=2e-3)


def test_lossless_compressions_hold_the_same_numbers(data: Path, tmp_path: Path) -> None:
    expected = None
    for path in sorted((data / "dicom_transfer_syntaxes").glob("CTImage.dcm*")):
        lossless = ("CTImage.dcm", "Endian", "Lossless", "Process14", "Deflated")
        if path.name != lossless[0] and not any(word in path.name for word in lossless[1:]):
            continue
        folder = tmp_path / path.name
        folder.mkdir()
        array = read_scan(make_series(path, folder)).array
        expected = array if expected is None else expected
        np.testing.assert_array_equal(array, expected, err_msg=path.name)


@pytest.mark.parametrize("name", FRAMES_WITHOUT_PLACE)
def test_frames_decode_once_they_have_a_place(data: Path, tmp_path: Path, name: str) -> None:
    path = place_frames(data / "dicom_objects" / name, tmp_path)
    volume = read_scan(path)
    assert volume.array.shape == (64, 64, 10)
    assert_same_as_pydicom(volume, [path])


def test_a_truncated_object_with_places(data: Path, tmp_path: Path) -> None:
    path = place_frames(data / "dicom_objects" / "emri_small_jpeg_2k_lossless.dcm", tmp_path)
    path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises(ReadError) as caught:
        read_scan(path)
    assert caught.value.id in ("read.truncated", "read.broken")
