"""Other formats, archives, damage, and guesses: files made here with known content."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from tests.scans.files import SHAPE, ids, itk_image, oriented, refusal, world_image, written
from tsdesktop.core.errors import GeometryError
from tsdesktop.core.volume import Volume
from tsdesktop.scans.reader import list_series, read_scan


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
