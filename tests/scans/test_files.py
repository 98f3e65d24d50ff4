"""Single-file formats, made here with known content: orientations, types, damage."""

from __future__ import annotations

import gzip
import itertools
import zipfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from tests.scans.series import world_grid
from tsdesktop.core.errors import GeometryError, ReadError
from tsdesktop.core.volume import Volume
from tsdesktop.scans.reader import list_series, read_scan

SHAPE = (13, 11, 9)
ALL_ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations((("R", "L"), ("A", "P"), ("S", "I")))
    for codes in itertools.product(*axes)
]


def ids(volume: Volume) -> list[str]:
    return [each.id for each in volume.notes]


def field(world_ras: NDArray[np.float64]) -> NDArray[np.float64]:
    """A world image without any symmetry, -1000 in the air and soft tissue elsewhere, steep in every direction."""
    value = 4.0 * world_ras[..., 0] + 7.0 * world_ras[..., 1] - 3.0 * world_ras[..., 2] + 30.0
    return np.where(world_ras[..., 2] > 30, -1000.0, value)


def oriented(codes: str) -> NDArray[np.float64]:
    """A grid whose axes run along `codes`, spacing 2 x 3 x 4 mm along i, j, k, around a place off the origin."""
    affine = np.zeros((4, 4))
    for voxel, code in enumerate(codes):
        world = next(n for n, pair in enumerate(("LR", "PA", "IS")) if code in pair)
        affine[world, voxel] = (2.0, 3.0, 4.0)[voxel] * (1 if code in "RAS" else -1)
    middle = affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    affine[:3, 3] = np.array([10.0, -15.0, 20.0]) - middle
    affine[3, 3] = 1
    return affine


def written(
    path: Path, array: NDArray[Any], affine: NDArray[np.float64], dtype: Any = np.int16, kind: Any = nib.Nifti1Image
) -> Path:
    image = kind(array.astype(dtype), affine, dtype=dtype)
    image.header.set_data_dtype(dtype)
    nib.save(image, path)
    return path


def world_image(affine: NDArray[np.float64], shape: tuple[int, ...] = SHAPE) -> NDArray[np.float64]:
    return np.rint(field(world_grid(shape, affine)))


@pytest.mark.parametrize("codes", ALL_ORIENTATIONS)
def test_all_48_orientations_give_the_same_world_image(tmp_path: Path, codes: str) -> None:
    affine = oriented(codes)
    volume = read_scan(written(tmp_path / "a.nii.gz", world_image(affine), affine))
    assert volume.geometry.axis_codes == codes
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(volume.array, field(world_grid(volume.array.shape, volume.affine)))
    assert volume.array.dtype == np.int16
    assert volume.modality == "CT"
    assert ids(volume) == []


STORED = [">i2", "<i4", ">i4", "<i8", "<f4", ">f4", "<f8", ">f8"]


@pytest.mark.parametrize("dtype", STORED)
def test_whole_numbers_become_int16_whatever_their_type(tmp_path: Path, dtype: str) -> None:
    affine = oriented("LPS")
    values = world_image(affine)
    image = nib.Nifti1Image(values.astype(dtype), affine, dtype=np.dtype(dtype))
    image.header.set_data_dtype(np.dtype(dtype))
    if dtype[0] == ">":
        image = nib.Nifti1Image(values.astype(dtype), affine, image.header.as_byteswapped(">"), dtype=np.dtype(dtype))
    nib.save(image, tmp_path / "a.nii")
    volume = read_scan(tmp_path / "a.nii")
    assert volume.array.dtype == np.int16
    assert volume.array.dtype.isnative
    np.testing.assert_array_equal(volume.array, values)


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("u1", [0, 200, 255], np.int16),
        ("i1", [-100, 0, 100], np.int16),
        ("u2", [0, 1000, 32767], np.int16),
        ("u2", [0, 1000, 60000], np.int32),
        ("i4", [-5, 0, 70000], np.int32),
        ("u4", [0, 1, 3_000_000_000], np.float32),
        ("i8", [-(2**40), 0, 1], np.float32),
        ("f4", [0.0, 0.25, 1.0], np.float32),
        ("f8", [-3.5, 0.0, 1e6], np.float32),
        ("f8", [0.0, 1.0, 70000.0], np.float32),
    ],
)
def test_types_are_narrow_but_lose_nothing(tmp_path: Path, dtype: str, values: list[float], expected: Any) -> None:
    stored = np.resize(np.array(values), SHAPE).astype(dtype)
    volume = read_scan(written(tmp_path / "a.nii.gz", stored, oriented("RAS"), np.dtype(dtype)))
    assert volume.array.dtype == expected
    np.testing.assert_allclose(volume.array, stored.astype(np.float32))


def test_a_late_wide_value_widens_the_whole_volume(tmp_path: Path) -> None:
    stored = np.zeros((200, 200, 300), np.int32)
    stored[..., :] = np.arange(300)
    stored[3, 4, 299] = 100_000
    volume = read_scan(written(tmp_path / "a.nii", stored, np.diag([2.0, 2, 2, 1]), np.int32))
    assert volume.array.dtype == np.int32
    np.testing.assert_array_equal(volume.array, stored)


def test_scaled_integers_keep_their_values(tmp_path: Path) -> None:
    for slope, inter, expected in ((1.0, -1024.0, np.int16), (2.0, 0.0, np.int16), (0.5, 3.0, np.float32)):
        stored = np.resize(np.arange(3000), SHAPE).astype(np.int16)
        image = nib.Nifti1Image(stored, oriented("RAS"))
        image.header.set_slope_inter(slope, inter)
        path = tmp_path / "a.nii"
        # nibabel scales when saving; the header's own bytes are what counts here.
        path.write_bytes(with_scaling(image, slope, inter) + stored.tobytes(order="F"))
        volume = read_scan(path)
        assert volume.array.dtype == expected
        np.testing.assert_array_equal(volume.array, stored * np.float32(slope) + np.float32(inter))


def with_scaling(image: Any, slope: float, inter: float) -> bytes:
    header = image.header.copy()
    header["scl_slope"], header["scl_inter"], header["vox_offset"], header["magic"] = slope, inter, 352, b"n+1"
    return bytes(header.binaryblock) + bytes(4)


@pytest.mark.parametrize("name", ["A.NII.GZ", "scan", "scan.dcm", "a.nii"])
def test_content_counts_not_the_name(tmp_path: Path, name: str) -> None:
    affine = oriented("RAS")
    path = written(tmp_path / "plain.nii.gz", world_image(affine), affine)
    target = tmp_path / "x" / name
    target.parent.mkdir()
    target.write_bytes(path.read_bytes())
    np.testing.assert_array_equal(read_scan(target).array, world_image(affine))


def test_the_header_is_kept_for_exports(tmp_path: Path) -> None:
    affine = oriented("RAS")
    path = written(tmp_path / "a.nii.gz", world_image(affine), affine)
    source = read_scan(path).source
    assert source.nifti_header == gzip.decompress(path.read_bytes())[:348]
    assert source.format == "nifti"
    assert source.name == "a.nii.gz"


def test_nifti_2_and_pairs(tmp_path: Path) -> None:
    affine = oriented("LAS")
    values = world_image(affine)
    second = written(tmp_path / "b.nii", values, affine, kind=nib.Nifti2Image)
    np.testing.assert_array_equal(read_scan(second).array, values)
    assert read_scan(second).source.nifti_header is None
    written(tmp_path / "c.hdr", values, affine, kind=nib.Nifti1Pair)
    np.testing.assert_array_equal(read_scan(tmp_path / "c.hdr").array, values)
    np.testing.assert_array_equal(read_scan(tmp_path / "c.img").array, values)


def test_qform_counts_where_there_is_no_sform(tmp_path: Path) -> None:
    affine = oriented("PIR")
    image = nib.Nifti1Image(world_image(affine).astype(np.int16), None)
    image.header.set_qform(affine, code=1)
    image.header.set_sform(None, code=0)
    nib.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(read_scan(tmp_path / "a.nii").affine, affine, atol=1e-4)


def test_no_orientation_is_told(tmp_path: Path) -> None:
    image = nib.Nifti1Image(world_image(oriented("RAS")).astype(np.int16), None)
    image.header.set_zooms((2.0, 3.0, 4.0))
    nib.save(image, tmp_path / "a.nii")
    volume = read_scan(tmp_path / "a.nii")
    assert ids(volume) == ["note.no_orientation"]
    np.testing.assert_allclose(volume.affine, image.header.get_base_affine())


def test_sform_and_qform_that_disagree_are_told(tmp_path: Path) -> None:
    image = nib.Nifti1Image(world_image(oriented("RAS")).astype(np.int16), oriented("RAS"))
    image.header.set_qform(oriented("LAS"), code=1)
    nib.save(image, tmp_path / "a.nii")
    assert ids(read_scan(tmp_path / "a.nii")) == ["note.orientation"]


def test_a_useless_sform_falls_back_to_the_qform(tmp_path: Path) -> None:
    affine = oriented("LPS")
    image = nib.Nifti1Image(world_image(affine).astype(np.int16), affine)
    image.header.set_qform(affine, code=1)
    nib.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[280:328] = bytes(48)
    (tmp_path / "a.nii").write_bytes(raw)
    np.testing.assert_allclose(read_scan(tmp_path / "a.nii").affine, affine, atol=1e-4)


@pytest.mark.parametrize("moved", [(2, 0), (2, 1), (0, 1), (1, 2), (0, 2)])
def test_sheared_grids_become_upright_without_moving_anatomy(tmp_path: Path, moved: tuple[int, int]) -> None:
    shear = np.eye(4)
    shear[moved[1], moved[0]] = 0.4
    affine = oriented("LPS") @ shear
    values = np.rint(linear(world_grid((30, 24, 18), affine)))
    volume = read_scan(written(tmp_path / "a.nii", values, affine, np.int16))
    assert volume.geometry.is_orthogonal
    assert "note.sheared" in ids(volume)
    off = np.abs(volume.array - linear(world_grid(volume.array.shape, volume.affine)))
    scanned = volume.array > volume.array.min()
    # Voxels at the border of the field of view mix with what was never scanned.
    assert np.mean(off[scanned] <= 1.01) > 0.85
    assert scanned.sum() * volume.geometry.voxel_volume_mm3 == pytest.approx(
        values.size * abs(np.linalg.det(affine[:3, :3])), rel=0.12
    )


def linear(world_ras: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2.0 * world_ras[..., 0] - 3.0 * world_ras[..., 1] + world_ras[..., 2] + 400.0)


def test_not_finite_voxels_are_replaced_and_told(tmp_path: Path) -> None:
    values = np.linspace(-3.5, 90.25, int(np.prod(SHAPE))).reshape(SHAPE)
    values[2, 3, 4], values[5, 5, 5], values[6, 6, 6] = np.nan, np.inf, -np.inf
    volume = read_scan(written(tmp_path / "a.nii.gz", values, oriented("RAS"), np.float64))
    assert ids(volume)[0] == "note.not_finite"
    assert volume.notes[0].arguments["count"] == 3
    assert volume.array[2, 3, 4] == volume.array[5, 5, 5] == np.float32(-3.5)
    assert np.isfinite(volume.array).all()


def test_nothing_but_nan_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii", np.full(SHAPE, np.nan), oriented("RAS"), np.float32)
    assert refusal(path).id == "read.no_finite_voxel"


def test_one_volume_of_a_4d_file(tmp_path: Path) -> None:
    affine = oriented("RAS")
    values = np.stack([world_image(affine) + n for n in range(3)], axis=-1)
    path = written(tmp_path / "a.nii.gz", values, affine)
    first = read_scan(path)
    assert ids(first) == ["note.first_volume"]
    np.testing.assert_array_equal(first.array, values[..., 0])
    last = read_scan(path, volume_index=2)
    assert ids(last) == []
    np.testing.assert_array_equal(last.array, values[..., 2])
    assert list_series(path)[0].volumes == 3
    for wrong in (3, -1):
        with pytest.raises(ReadError) as caught:
            read_scan(path, volume_index=wrong)
        assert caught.value.id == "read.volume_index"


def test_trailing_dimensions_of_one_do_not_count(tmp_path: Path) -> None:
    affine = oriented("RAS")
    values = world_image(affine)[..., None, None]
    np.testing.assert_array_equal(read_scan(written(tmp_path / "a.nii", values, affine)).array, values[..., 0, 0])


def refusal(path: Path) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read_scan(path)
    assert caught.value.sentence.count("\n") == 0
    return caught.value


@pytest.mark.parametrize(
    ("shape", "id"),
    [
        ((13, 11), "read.two_dimensional"),
        ((13, 11, 1), "read.two_dimensional"),
        ((1, 11, 9), "geometry.too_small"),
        ((5, 4, 3, 2, 2), "read.too_many_dimensions"),
    ],
)
def test_shapes_that_are_no_scan(tmp_path: Path, shape: tuple[int, ...], id: str) -> None:
    assert refusal(written(tmp_path / "a.nii.gz", np.zeros(shape), np.eye(4))).id == id


def test_colours_and_complex_numbers(tmp_path: Path) -> None:
    colour = np.zeros(SHAPE, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    nib.save(nib.Nifti1Image(colour, np.eye(4)), tmp_path / "a.nii")
    assert refusal(tmp_path / "a.nii").id == "read.colour"
    nib.save(nib.Nifti1Image(np.zeros(SHAPE, np.complex64), np.eye(4)), tmp_path / "b.nii")
    assert refusal(tmp_path / "b.nii").id == "read.complex"


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mgz"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.95])
def test_truncated_files_get_a_sentence(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    values = np.random.default_rng(0).integers(-1000, 1000, (40, 30, 20)).astype(np.int16)
    if name.endswith(("nrrd", "mha")):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values), str(path), False)
    elif name.endswith("mgz"):
        nib.save(nib.MGHImage(values, np.diag([1.0, 2, 3, 1])), path)
    else:
        nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert refusal(path).id in ("read.truncated", "read.broken", "read.unknown_format")


def test_damaged_gzip_gets_a_sentence(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii.gz", np.random.default_rng(0).integers(0, 9999, (30, 30, 30)), np.eye(4))
    raw = bytearray(path.read_bytes())
    raw[2000:2200] = bytes(200)
    path.write_bytes(raw)
    assert refusal(path).id in ("read.broken", "read.truncated")


def test_standard_gzip_serves_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsdesktop.scans.content._gzip", gzip)
    affine = oriented("RAS")
    path = written(tmp_path / "a.nii.gz", world_image(affine), affine)
    np.testing.assert_array_equal(read_scan(path).array, world_image(affine))
    path.write_bytes(path.read_bytes()[:-200])
    assert refusal(path).id in ("read.truncated", "read.broken")


def test_a_header_that_asks_for_terabytes_gets_a_sentence(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii.gz", np.zeros(SHAPE), np.eye(4))
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[42:48] = np.array([32767, 32767, 32767], "<i2").tobytes()
    path.write_bytes(gzip.compress(bytes(raw)))
    assert refusal(path).id in ("read.broken", "read.truncated")


def test_what_is_no_image_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.nii.gz").write_bytes(b"")
    assert refusal(tmp_path / "empty.nii.gz").id == "read.empty_file"
    (tmp_path / "text.nii").write_text("Dear colleague,\n" * 100)
    assert refusal(tmp_path / "text.nii").id == "read.unknown_format"
    (tmp_path / "noise").write_bytes(np.random.default_rng(3).bytes(5000))
    assert refusal(tmp_path / "noise").id == "read.unknown_format"
    assert refusal(tmp_path / "nowhere.nii").id == "read.missing"
    (tmp_path / "bare").mkdir()
    assert refusal(tmp_path / "bare").id == "read.empty_folder"
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("x")
    assert refusal(tmp_path / "texts").id == "read.no_scan_inside"


def itk_image(values: NDArray[Any], affine: NDArray[np.float64]) -> Any:
    """The same grid for ITK, in LPS, worked out here by hand."""
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(values.T))
    lps = np.diag([-1.0, -1, 1, 1]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha", "a.mhd", "a.NRRD", "a.nhdr", "extensionless"])
@pytest.mark.parametrize("codes", ["RAS", "PIR", "SLA"])
def test_itk_formats_lie_where_they_should(tmp_path: Path, name: str, codes: str) -> None:
    affine = oriented(codes)
    path = tmp_path / (name if "." in name else "b.nrrd")
    SimpleITK.WriteImage(itk_image(world_image(affine).astype(np.int16), affine), str(path))
    if "." not in name:
        path = path.rename(tmp_path / name)
    volume = read_scan(path)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(volume.array, world_image(affine))
    assert volume.source.format == "itk"


def test_itk_array_outlives_its_image(tmp_path: Path) -> None:
    affine = oriented("RAS")
    SimpleITK.WriteImage(itk_image(world_image(affine).astype(np.int16), affine), str(tmp_path / "a.nrrd"))
    volumes = [read_scan(tmp_path / "a.nrrd") for _ in range(30)]
    for volume in volumes:
        np.testing.assert_array_equal(volume.array, world_image(affine))


def test_itk_volumes_colours_and_missing_voxels(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).integers(0, 99, (9, 11, 13, 5)).astype(np.int16)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(vectors, isVector=True), str(tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(read_scan(tmp_path / "a.nrrd", volume_index=3).array, vectors[..., 3].T)
    colours = SimpleITK.GetImageFromArray(vectors[..., :3].astype(np.uint8), isVector=True)
    SimpleITK.WriteImage(colours, str(tmp_path / "b.mha"))
    assert refusal(tmp_path / "b.mha").id == "read.colour"
    times = SimpleITK.JoinSeries([SimpleITK.GetImageFromArray(vectors[..., n]) for n in range(3)])
    SimpleITK.WriteImage(times, str(tmp_path / "d.mha"))
    np.testing.assert_array_equal(read_scan(tmp_path / "d.mha", volume_index=2).array, vectors[..., 2].T)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(vectors[..., 0]), str(tmp_path / "c.mhd"))
    (tmp_path / "c.raw").unlink(missing_ok=True)
    (tmp_path / "c.zraw").unlink(missing_ok=True)
    assert refusal(tmp_path / "c.mhd").id in ("read.broken", "read.truncated")


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_mgz(tmp_path: Path, dtype: Any) -> None:
    affine = oriented("LIA")
    values = np.clip(world_image(affine), 0, 200).astype(dtype)
    nib.save(nib.MGHImage(values, affine), tmp_path / "a.mgz")
    volume = read_scan(tmp_path / "a.mgz")
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(volume.array, values)
    assert volume.source.format == "mgh"


def test_a_zip_with_one_file_and_a_folder_with_several(tmp_path: Path) -> None:
    affine = oriented("RAS")
    small = written(tmp_path / "small.nii.gz", world_image(affine)[:5], affine)
    large = written(tmp_path / "large.nii.gz", world_image(affine), affine)
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as out:
        out.write(small, "deep/folder/scan.nii.gz")
    assert read_scan(tmp_path / "one.zip").array.shape == (5, 11, 9)
    (tmp_path / "one.zip").unlink()
    best = read_scan(tmp_path)
    assert best.source.name == large.name
    assert ids(best) == ["note.other_series"]
    assert read_scan(tmp_path, series="small").array.shape == (5, 11, 9)
    assert [each.description for each in list_series(tmp_path)] == ["large.nii.gz", "small.nii.gz"]


def test_guesses_of_modality(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shape = (20, 20, 20)

    def opened(values: NDArray[Any], dtype: Any) -> Volume:
        return read_scan(written(tmp_path / "a.nii", values, np.diag([2.0, 2, 2, 1]), dtype))

    magnitude = opened(rng.gamma(2, 300, shape), np.int16)
    assert (magnitude.modality, ids(magnitude)) == ("MR", ["note.unknown_modality"])
    phase = opened(rng.integers(-4096, 4095, shape), np.int16)
    assert phase.modality == "unknown"
    bytes_ = opened(rng.integers(0, 255, shape), np.uint8)
    assert (bytes_.modality, ids(bytes_)) == ("unknown", ["note.unknown_modality"])
    shifted = opened(np.where(rng.random(shape) < 0.5, 5, rng.normal(1050, 40, shape)), np.int16)
    assert shifted.modality == "unknown"
    unit = opened(rng.random(shape), np.float32)
    assert unit.array.dtype == np.float32
    assert ids(unit) == ["note.unknown_modality", "note.scaled_unit"]
    assert 0.4 < float(unit.array.mean()) < 0.6


def test_a_scan_in_metres_is_told(tmp_path: Path) -> None:
    affine = oriented("RAS")
    affine[:3] /= 1000
    path = written(tmp_path / "a.nii", world_image(oriented("RAS")), affine)
    volume = read_scan(path)
    assert ids(volume) == ["note.orientation"]
    assert "mm long" in volume.notes[0].sentence


def test_a_damaged_itk_affine_gets_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.mha"
    SimpleITK.WriteImage(itk_image(world_image(oriented("RAS")).astype(np.int16), oriented("RAS")), str(path))
    raw = path.read_bytes()
    line = next(each for each in raw.split(b"\n") if each.startswith(b"TransformMatrix"))
    path.write_bytes(raw.replace(line, b"TransformMatrix = 1 0 0 0 0 0 0 0 0"))
    assert refusal(path).id in ("geometry.bad_affine", "read.broken")


def test_a_singular_affine_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii", np.zeros(SHAPE), np.eye(4))
    raw = bytearray(path.read_bytes())
    raw[252:254], raw[280:328] = bytes(2), bytes(48)
    path.write_bytes(raw)
    error = refusal(path)
    assert isinstance(error, GeometryError)
    assert error.id == "geometry.bad_affine"
