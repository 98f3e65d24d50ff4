"""Synthetic DICOM series: every voxel shows the field at its place in the world, or one sentence says why not."""

from __future__ import annotations

import gc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import (
    UID,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    generate_uid,
)

from tests.scans.series import AXIAL, COLUMNS, ROWS, field_ras, save, slice_dataset, world_grid, write_series
from tsdesktop.core.errors import GeometryError, ReadError
from tsdesktop.core.volume import Volume
from tsdesktop.scans import dicom_pixels
from tsdesktop.scans.reader import list_series, read_scan

TEN = [3.0 * n for n in range(10)]
COSINE, SINE = float(np.cos(0.3)), float(np.sin(0.3))
OBLIQUE = (COSINE, SINE, 0.0, -SINE * 0.8, COSINE * 0.8, 0.6)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def ids(volume: Volume) -> list[str]:
    return [each.id for each in volume.notes]


def assert_shows_field(volume: Volume, tolerance: float = 0.51, border: int = 0) -> None:
    """Every voxel, but for a border that lies outside what was scanned, holds the field at its world position."""
    expected = field_ras(world_grid(volume.array.shape, volume.affine))
    scanned = volume.array > volume.array.min() if border else np.ones(volume.array.shape, bool)
    assert scanned.mean() > 0.5
    off = np.abs(volume.array - expected)
    if border:
        off = np.sort(off[scanned])[: int(0.9 * scanned.sum())]
    assert off.max() <= tolerance


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, OBLIQUE], ids=["axial", "sagittal", "oblique"])
@pytest.mark.parametrize("direction", [1, -1])
def test_slices_are_sorted_along_their_normal(tmp_path: Path, orientation: Any, direction: int) -> None:
    write_series(tmp_path, [direction * h for h in TEN], orientation=orientation)
    volume = read_scan(tmp_path)
    assert volume.array.shape == (COLUMNS, ROWS, 10)
    assert volume.array.dtype == np.int16
    np.testing.assert_allclose(volume.spacing_mm, (1.0, 1.5, 3.0), atol=1e-5)
    assert_shows_field(volume)
    assert volume.modality == "CT"
    assert ids(volume) == []


def test_source_points_back_without_the_patient(tmp_path: Path) -> None:
    paths = write_series(tmp_path, TEN)
    source = read_scan(tmp_path).source
    assert source.format == "dicom"
    assert source.name == source.description == "Thorax 3.0"
    assert source.series_instance_uid == "1.2.3.4"
    assert source.window == (40.0, 400.0)
    assert source.dicom_files == tuple(str(path) for path in paths)
    assert "Never" not in repr(source)
    assert "secret" not in repr(source)


def test_slope_and_intercept_of_each_slice_count(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"RescaleSlope": 1 + 0.25 * n, "RescaleIntercept": -500 - 10 * n})
    volume = read_scan(tmp_path)
    assert volume.array.dtype == np.float32
    assert_shows_field(volume, tolerance=2.0)


def test_whole_slopes_stay_integers(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"RescaleSlope": 2, "RescaleIntercept": -1000 - n})
    volume = read_scan(tmp_path)
    assert volume.array.dtype == np.int16
    assert_shows_field(volume, tolerance=1.01)


def test_unsigned_values_beyond_int16_become_int32(tmp_path: Path) -> None:
    def bright(x: Any, y: Any, z: Any) -> Any:
        return 40000.0 + 0 * x

    write_series(tmp_path, TEN, each=lambda n: {"PixelRepresentation": 0, **({"field": bright} if n == 7 else {})})
    volume = read_scan(tmp_path)
    assert volume.array.dtype == np.int32
    assert volume.array[:, :, 7].max() == 40000
    dark = volume.array[:, :, :7]
    np.testing.assert_array_equal(dark, np.rint(field_ras(world_grid(volume.array.shape, volume.affine)))[:, :, :7])


def test_padding_of_ct_becomes_air(tmp_path: Path) -> None:
    def padded(x: Any, y: Any, z: Any) -> Any:
        return np.where(x < -10, -32768.0, 30.0)

    write_series(tmp_path, TEN, field=padded, RescaleIntercept=0, PixelPaddingValue=-32768)
    volume = read_scan(tmp_path)
    assert set(np.unique(volume.array)) == {-1024, 30}


def test_without_stated_padding_nothing_is_changed(tmp_path: Path) -> None:
    def padded(x: Any, y: Any, z: Any) -> Any:
        return np.where(x < -10, -2000.0, 30.0)

    write_series(tmp_path, TEN, field=padded, RescaleIntercept=0)
    assert set(np.unique(read_scan(tmp_path).array)) == {-2000, 30}


def test_gantry_tilt_is_resampled_upright(tmp_path: Path) -> None:
    angle = np.radians(15)
    tilted = (1.0, 0.0, 0.0, 0.0, float(np.cos(angle)), float(-np.sin(angle)))
    write_series(tmp_path, TEN, orientation=tilted, along=(0.0, 0.0, 1.0))
    volume = read_scan(tmp_path)
    assert volume.geometry.is_orthogonal
    assert ids(volume) == ["note.tilt"]
    assert float(volume.notes[0].arguments["degrees"]) == pytest.approx(15, abs=0.1)
    assert volume.spacing_mm[2] == pytest.approx(3 * np.cos(angle), rel=1e-4)
    assert_shows_field(volume, tolerance=1.1, border=1)


def test_a_missing_slice_is_filled_from_its_neighbours(tmp_path: Path) -> None:
    heights = [2.0 * n for n in range(20) if n != 7]
    write_series(tmp_path, heights)
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 20
    assert ids(volume) == ["note.filled_slices"]
    assert volume.notes[0].arguments["missing"] == 1
    assert_shows_field(volume, tolerance=1.01)


@pytest.mark.parametrize("gone", [range(5, 9), [3, 7, 11, 15]], ids=["four in a row", "a fifth"])
def test_too_many_missing_slices_are_refused(tmp_path: Path, gone: Any) -> None:
    write_series(tmp_path, [2.0 * n for n in range(20) if n not in gone])
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.missing_slices"
    assert caught.value.arguments["missing"] == 4


def test_thick_slices_beside_thin_ones_are_uneven_not_missing(tmp_path: Path) -> None:
    heights = [2.5 * n for n in range(12)] + [27.5 + 5.0 * (n + 1) for n in range(5)]
    write_series(tmp_path, heights, each=lambda n: {"SliceThickness": 2.5 if n < 12 else 5.0})
    volume = read_scan(tmp_path)
    assert ids(volume) == ["note.uneven_slices"]
    assert volume.spacing_mm[2] == pytest.approx(2.5)
    assert_shows_field(volume, tolerance=1.01)


def test_uneven_slices_are_resampled_to_the_median(tmp_path: Path) -> None:
    heights = np.cumsum([0, 2.0, 2.0, 2.6, 2.0, 3.0, 2.0, 2.0, 2.0, 1.6])
    write_series(tmp_path, list(heights))
    volume = read_scan(tmp_path)
    assert ids(volume) == ["note.uneven_slices"]
    assert volume.spacing_mm[2] == pytest.approx(2.0, rel=0.1)
    assert_shows_field(volume, tolerance=1.01)


def test_an_absurd_gap_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path, [*TEN, 27 + 47.3])
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slices_do_not_form_volume"


def test_rounded_positions_are_even(tmp_path: Path) -> None:
    write_series(tmp_path, [round(0.7 * n, 1) + 0.03 * (n % 2) for n in range(12)])
    assert ids(read_scan(tmp_path)) == []


def test_slices_shifted_sideways_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"ImagePositionPatient": [-20.0 + 9 * (n == 5), -30.0, 40.0 + 3 * n]})
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slices_do_not_form_volume"


def test_copies_of_the_same_object_are_dropped(tmp_path: Path) -> None:
    for path in write_series(tmp_path, TEN):
        (tmp_path / "copy").mkdir(exist_ok=True)
        (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 10
    assert ids(volume) == ["note.duplicate_slices"]


def test_a_repeated_slice_is_told(tmp_path: Path) -> None:
    write_series(tmp_path, [*TEN, 12.0])
    volume = read_scan(tmp_path)
    assert ids(volume) == ["note.duplicate_slices"]
    assert volume.notes[0].arguments["count"] == 1
    assert_shows_field(volume)


def test_two_time_points_are_two_volumes(tmp_path: Path) -> None:
    def later(x: Any, y: Any, z: Any) -> Any:
        return 777.0 + 0 * x

    write_series(tmp_path / "a", TEN, TemporalPositionIdentifier=1)
    write_series(tmp_path / "b", TEN, TemporalPositionIdentifier=2, field=later)
    first = read_scan(tmp_path)
    assert ids(first) == ["note.first_volume"]
    assert_shows_field(first)
    second = read_scan(tmp_path, volume_index=1)
    assert "note.first_volume" not in ids(second)
    assert np.all(second.array == 777)
    assert list_series(tmp_path)[0].volumes == 2
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path, volume_index=2)
    assert caught.value.id == "read.volume_index"


def test_acquisitions_over_each_other_in_part_are_two_series(tmp_path: Path) -> None:
    write_series(tmp_path / "a", [3.0 * n for n in range(12)], AcquisitionNumber=1)
    write_series(tmp_path / "b", [3.0 * n for n in range(6, 14)], AcquisitionNumber=2)
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 12
    assert ids(volume) == ["note.other_series"]
    assert [each.slices for each in list_series(tmp_path)] == [12, 8]


def test_another_frame_of_reference_is_never_dropped_silently(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"FrameOfReferenceUID": "1.2.3.8" if n == 4 else "1.2.3.9"})
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.frames_of_reference"
    assert all(each.problem for each in list_series(tmp_path))


def test_a_part_in_one_frame_of_reference_opens_when_asked_for(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"FrameOfReferenceUID": f"1.2.3.{n // 6}"})
    volume = read_scan(tmp_path, series="1")
    assert volume.array.shape[2] == 6
    assert ids(volume) == ["note.left_out"]
    assert_shows_field(volume)


def other_series(folder: Path, heights: list[float], **tags: Any) -> None:
    write_series(folder, heights, **{"SeriesInstanceUID": generate_uid(), **tags})


def test_the_best_series_is_the_long_original_one(tmp_path: Path) -> None:
    write_series(tmp_path / "a" / "deep", TEN)
    other_series(
        tmp_path / "b",
        TEN[:5],
        SeriesNumber=1,
        SeriesDescription="Topogram",
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    other_series(
        tmp_path / "c",
        [h / 2 for h in range(40)],
        SeriesNumber=9,
        SeriesDescription="MPR",
        ImageType=["DERIVED", "SECONDARY"],
    )
    other_series(tmp_path / "d", TEN[:7], SeriesNumber=5, SeriesDescription="Abdomen 5.0")
    (tmp_path / "readme.txt").write_text("nothing to see")
    (tmp_path / "DICOMDIR").write_bytes(b"x" * 400)
    listed = list_series(tmp_path)
    assert [each.description for each in listed] == ["Topogram", "Thorax 3.0", "Abdomen 5.0", "MPR"]
    assert [each.number for each in listed] == [1, 2, 3, 4]
    assert [each.best for each in listed] == [False, True, False, False]
    assert listed[1].spacing_mm == pytest.approx((1.0, 1.5, 3.0))
    assert (listed[1].rows, listed[1].columns, listed[1].slices, listed[1].modality) == (ROWS, COLUMNS, 10, "CT")
    best = read_scan(tmp_path)
    assert best.source.name == "Thorax 3.0"
    assert ids(best) == ["note.other_series"]
    assert read_scan(tmp_path, series="3").source.name == "Abdomen 5.0"
    assert read_scan(tmp_path, series="abdo").array.shape[2] == 7
    assert read_scan(tmp_path, series=listed[3].uid).source.name == "MPR"
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path, series="brain")
    assert caught.value.id == "read.pick_series"
    assert "Topogram" in caught.value.hint


def as_segmentation(**tags: Any) -> Dataset:
    return slice_dataset((0, 0, 0), SOPClassUID=SegmentationStorage, Modality="SEG", **tags)


def test_other_objects_in_the_folder_do_not_disturb(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", TEN)
    save(as_segmentation(SeriesInstanceUID="1.2.3.4.5"), tmp_path / "seg.dcm")
    report = slice_dataset((0, 0, 0), SOPClassUID=EncapsulatedPDFStorage, Modality="DOC", Rows=ROWS)
    save(report, tmp_path / "report.dcm")
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 10
    assert ids(volume) == []


def test_a_folder_of_other_objects_says_so(tmp_path: Path) -> None:
    save(as_segmentation(), tmp_path / "seg.dcm")
    capture = slice_dataset((0, 0, 0), SOPClassUID=SecondaryCaptureImageStorage, Modality="OT")
    save(capture, tmp_path / "picture.dcm")
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "read.no_scan_inside"
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path / "seg.dcm")
    assert caught.value.id == "read.derived_object"
    assert "segmentation" in caught.value.sentence


def test_one_file_stands_for_its_series(tmp_path: Path) -> None:
    paths = write_series(tmp_path, TEN)
    other_series(tmp_path, [3.0 * n for n in range(30, 60)])
    volume = read_scan(paths[0])
    assert volume.array.shape[2] in (10, 30)
    assert volume.source.series_instance_uid == "1.2.3.4" or volume.array.shape[2] == 30


def test_one_file_among_two_series_opens_its_own(tmp_path: Path) -> None:
    write_series(tmp_path / "x", TEN)
    for path in (tmp_path / "x").iterdir():
        path.rename(tmp_path / f"a{path.name}")
    other_series(tmp_path / "y", [3.0 * n for n in range(30)], SeriesDescription="other")
    for path in (tmp_path / "y").iterdir():
        path.rename(tmp_path / f"b{path.name}")
    volume = read_scan(next(iter(sorted(tmp_path.glob("a*")))))
    assert volume.array.shape[2] == 10
    assert volume.source.name == "Thorax 3.0"
    assert ids(volume) == []


def write_medium(paths: list[Path], folder: Path) -> None:
    medium = FileSet()
    for path in paths:
        ds = dcmread(path)
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20200101", "000000", "", "1"
        medium.add(ds)
    medium.write(folder)
    with warnings.catch_warnings():
        # pydicom leaves the removal of its working folder to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        del medium, ds
        gc.collect()


def test_a_dicomdir_stands_for_its_medium(tmp_path: Path) -> None:
    write_medium(write_series(tmp_path / "in", TEN), tmp_path / "disc")
    assert_shows_field(read_scan(tmp_path / "disc" / "DICOMDIR"))
    assert_shows_field(read_scan(tmp_path / "disc"))


@pytest.mark.parametrize("threads", [1, 4])
def test_compressed_slices_come_in_order(tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: threads)
    by_itk, decoded = dicom_pixels._picture_by_itk, list[Any]()

    def counted(each: Any) -> Any:
        decoded.append(each)
        return by_itk(each)

    monkeypatch.setattr(dicom_pixels, "_picture_by_itk", counted)
    for n in range(40):
        ds = slice_dataset((-20.0, -30.0, 40.0 + n), Rows=64, Columns=64)
        ds.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
        save(ds, tmp_path / str(99 - n))
    volume = read_scan(tmp_path)
    assert volume.array.dtype == np.int16
    assert_shows_field(volume)
    assert len(decoded) == 42


def test_a_zip_is_read_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_series(tmp_path / "in", TEN)
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in paths:
            out.write(path, f"study/../../../series/{path.name}")
        out.writestr("/etc/evil.txt", "evil")
        out.writestr("__MACOSX/._x", "rubbish")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    volume = read_scan(archive)
    assert_shows_field(volume)
    assert volume.source.path == str(archive)
    assert volume.source.dicom_files == ()
    assert list(temporary.iterdir()) == []
    assert len(list_series(archive)[0].files) == 10


def test_a_damaged_zip_says_so(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", TEN)
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in paths:
            out.write(path, path.name)
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(ReadError) as caught:
        read_scan(archive)
    assert caught.value.id == "read.bad_zip"


def test_a_zip_that_fills_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.dcm", bytes(1000))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(ReadError) as caught:
        read_scan(archive)
    assert caught.value.id == "read.zip_too_large"


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless], ids=["implicit", "big", "rle"]
)
def test_transfer_syntaxes(tmp_path: Path, syntax: UID) -> None:
    for n, height in enumerate(TEN):
        ds = slice_dataset((-20.0, -30.0, 40.0 + height))
        if syntax == RLELossless:
            ds.compress(RLELossless, generate_instance_uid=False)
        else:
            ds.file_meta.TransferSyntaxUID = syntax
            if syntax == ExplicitVRBigEndian:
                ds.PixelData = np.frombuffer(ds.PixelData, "<i2").astype(">i2").tobytes()
        save(rewritten(ds), tmp_path / str(n))
    assert_shows_field(read_scan(tmp_path))


def rewritten(ds: Any) -> Dataset:
    """The same elements without the byte order they were made in."""
    fresh = Dataset()
    fresh.update({element.tag: element for element in ds})
    fresh.file_meta = ds.file_meta
    return fresh


@pytest.mark.parametrize("implicit", [True, False])
def test_files_without_preamble(tmp_path: Path, implicit: bool) -> None:
    for n, height in enumerate(TEN):
        ds = slice_dataset((-20.0, -30.0, 40.0 + height))
        bare = rewritten(ds)
        del bare.file_meta
        bare.save_as(tmp_path / f"{n}.ima", implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    assert_shows_field(read_scan(tmp_path))


def test_unknown_compression_is_named(tmp_path: Path) -> None:
    for n, height in enumerate(TEN):
        ds = slice_dataset((-20.0, -30.0, 40.0 + height))
        ds.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.53")
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        ds.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00abcd"
        save(ds, tmp_path / str(n))
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "read.compression"


def test_a_truncated_slice_is_named(tmp_path: Path) -> None:
    paths = write_series(tmp_path, TEN)
    paths[4].write_bytes(paths[4].read_bytes()[:-300])
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "read.truncated"
    assert paths[4].name in caught.value.sentence


def test_a_slice_without_its_header_is_told(tmp_path: Path) -> None:
    write_series(tmp_path, TEN)
    (tmp_path / "broken").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff1.2")
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 10
    assert "note.left_out" in ids(volume) or ids(volume) == []


def test_too_few_slices(tmp_path: Path) -> None:
    write_series(tmp_path, TEN[:3])
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.too_few_slices"


def test_a_three_plane_localizer(tmp_path: Path) -> None:
    for n, orientation in enumerate([AXIAL, SAGITTAL, OBLIQUE]):
        write_series(tmp_path / str(n), [0.0, 10.0], orientation=orientation, FrameOfReferenceUID="1.2.3.9")
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slice_orientations"


def test_slices_of_two_sizes(tmp_path: Path) -> None:
    write_series(tmp_path / "a", [0.0, 3.0])
    write_series(tmp_path / "b", [6.0, 9.0], spacing=(0.9, 0.9))
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slice_sizes"


@pytest.mark.parametrize("lost", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_slices_without_a_place(tmp_path: Path, lost: str) -> None:
    write_series(tmp_path, TEN, each=lambda _: {lost: None})
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.no_position"


def test_a_mosaic_is_refused(tmp_path: Path) -> None:
    write_series(
        tmp_path, TEN, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"], Modality="MR", SOPClassUID=MRImageStorage
    )
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slices_do_not_form_volume"
    assert "mosaic" in caught.value.sentence


def test_colours_by_palette_are_no_scan(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "read.colour"


def test_mr_is_mr(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, Modality="MR", SOPClassUID=MRImageStorage)
    assert read_scan(tmp_path).modality == "MR"


def test_series_without_uid_are_grouped_by_number_and_folder(tmp_path: Path) -> None:
    write_series(tmp_path / "a", TEN, SeriesInstanceUID=None)
    write_series(tmp_path / "b", TEN[:6], SeriesInstanceUID=None)
    assert [each.slices for each in list_series(tmp_path)] == [10, 6]


def test_progress_grows_to_one(tmp_path: Path) -> None:
    write_series(tmp_path, [float(n) for n in range(120)])
    heard: list[float] = []
    read_scan(tmp_path, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_intensities_that_cannot_be_hounsfield_units(tmp_path: Path) -> None:
    def counts(x: Any, y: Any, z: Any) -> Any:
        return 1000.0 + x

    write_series(tmp_path, TEN, field=counts)
    assert ids(read_scan(tmp_path)) == ["note.not_hounsfield"]


def test_thick_slices_are_told(tmp_path: Path) -> None:
    write_series(tmp_path, [5.0 * n for n in range(8)])
    assert ids(read_scan(tmp_path)) == ["note.thick_slices"]
