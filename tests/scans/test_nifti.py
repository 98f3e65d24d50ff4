"""NIfTI made here with known content: orientations, types, scaling, shear, several volumes."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scans.files import SHAPE, field, ids, oriented, refusal, world_image, written
from tests.scans.series import world_grid
from tsdesktop.core.errors import ReadError
from tsdesktop.scans.reader import list_series, read_scan

ALL_ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations((("R", "L"), ("A", "P"), ("S", "I")))
    for codes in itertools.product(*axes)
]


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
