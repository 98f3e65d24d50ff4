"""Label maps as files: ours, upstream's, other programs', on the scan's grid and on others."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from scipy.spatial.transform import Rotation

from tests.scans.files import oriented
from tsdesktop.core.errors import ReadError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.nifti import write_label_map, write_per_class, write_volume
from tsdesktop.scans.labels import content_of, mask_files, nearest_on, read_label_map, read_masks
from tsdesktop.scans.reader import read_scan

SHAPE = (13, 11, 9)


@pytest.fixture
def volume() -> Volume:
    array = np.random.default_rng(1).integers(-200, 400, SHAPE).astype(np.int16)
    return Volume(array, Geometry(SHAPE, oriented("LPS")), "CT")


@pytest.fixture
def label_map(volume: Volume) -> LabelMap:
    array = np.zeros(SHAPE, np.uint8)
    array[2:9, 3:8, 2:7], array[10:12, 1:9, 5] = 5, 1
    return LabelMap(array, volume.geometry, catalogue().task("total").classes, "total")


def saved(path: Path, array: np.ndarray, affine: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


def test_our_label_map_opens_as_it_was(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    path = tmp_path / "result.nii.gz"
    write_label_map(label_map, path)
    read = read_label_map(path, volume)
    assert np.array_equal(read.array, label_map.array) and read.array.dtype == np.uint8
    assert (read.classes, read.task) == (label_map.classes, "total")
    assert read.geometry.matches(volume.geometry)


def test_the_table_in_the_header_suffices(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    path = tmp_path / "result.nii.gz"
    write_label_map(label_map, path)
    (tmp_path / "result.json").unlink()
    assert read_label_map(path, volume).classes == label_map.classes


def test_a_table_of_another_program_with_background_and_plain_text(tmp_path: Path, volume: Volume) -> None:
    array = np.zeros(SHAPE, np.int16)
    array[2:6, 2:6, 2:6] = 300
    image = nib.Nifti1Image(array, volume.affine)
    table = b'<LabelTable><Label Key="0" Red="0">???</Label><Label Key="300" Red="1">A &amp; B</Label></LabelTable>'
    image.header.extensions.append(nib.nifti1.Nifti1Extension(30, table))
    nib.save(image, tmp_path / "labels.nii.gz")
    read = read_label_map(tmp_path / "labels.nii.gz", volume)
    assert [(each.label, each.name) for each in read.classes] == [(300, "A & B")]
    assert read.array.dtype == np.uint16 and read.array.max() == 300


def test_labels_without_a_name_are_numbered(tmp_path: Path, volume: Volume) -> None:
    array = np.zeros(SHAPE, np.uint8)
    array[2:4], array[6:9] = 3, 7
    read = read_label_map(saved(tmp_path / "x.nii.gz", array, volume.affine), volume)
    assert [each.name for each in read.classes] == ["label_3", "label_7"]


def test_a_damaged_json_beside_is_ignored(
    tmp_path: Path, volume: Volume, label_map: LabelMap, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "result.nii.gz"
    write_label_map(label_map, path)
    (tmp_path / "result.json").write_text('{"program": "tsdesktop", "labels": [{"id": 1}]}')
    assert read_label_map(path, volume).classes == label_map.classes
    assert "JSON" in caplog.text and str(tmp_path) not in caplog.text


def test_names_that_come_twice_are_told_apart(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    path = tmp_path / "result.nii.gz"
    write_label_map(label_map, path)
    labels = [{"id": 1, "name": "rib", "rgb": [1, 2, 3]}, {"id": 5, "name": "rib"}, {"id": 5, "name": "rib"}]
    (tmp_path / "result.json").write_text(json.dumps({"program": "tsdesktop", "labels": labels}))
    read = read_label_map(path, volume)
    assert [each.name for each in read.classes] == ["rib", "rib_2"]
    assert read.classes[0].rgb == (1, 2, 3)


def test_a_folder_of_our_masks_has_the_tasks_labels(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    write_per_class(label_map, tmp_path / "structures")
    read = read_label_map(tmp_path / "structures", volume)
    assert np.array_equal(read.array, label_map.array)
    assert (read.classes, read.task) == (label_map.classes, "total")


def test_masks_that_overlap_leave_the_smaller_one(tmp_path: Path, volume: Volume) -> None:
    small, large = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    large[2:10, 2:9, 1:8], small[4:6, 4:6, 4:6] = 1, 1
    for name, mask in (("kidney_cyst_left", small), ("kidney_left", large), ("aorta", small)):
        saved(tmp_path / f"{name}.nii.gz", mask, volume.affine)
    read = read_masks(mask_files(tmp_path), volume, "masks")
    assert [each.name for each in read.present] == ["aorta", "kidney_left"]
    assert np.count_nonzero(read.mask("aorta")) == small.sum()
    assert np.count_nonzero(read.mask("kidney_left")) == large.sum() - small.sum()


def test_a_single_mask_is_named_after_its_file(tmp_path: Path, volume: Volume) -> None:
    mask = np.zeros(SHAPE, np.float32)
    mask[2:4] = 1
    read = read_label_map(saved(tmp_path / "liver.nii.gz", mask, volume.affine), volume)
    assert [each.name for each in read.classes] == ["liver"]


@pytest.mark.parametrize("codes", ["RAS", "SPL", "AIR"])
def test_labels_on_a_turned_grid_come_to_the_same_places(tmp_path: Path, volume: Volume, codes: str) -> None:
    grid = Geometry((40, 45, 50), np.array(oriented(codes)))
    affine = np.array(grid.affine)
    affine[:3, :3] /= 2.5
    affine[:3, 3] = [10 - 20, -15 - 20, 20 - 20] - affine[:3, :3] @ [20, 22, 25] + [20, 20, 20]
    fine = Geometry((40, 45, 50), affine)
    array = np.zeros(fine.shape, np.uint8)
    world = fine.world_ras(np.moveaxis(np.indices(fine.shape), 0, -1))
    array[np.linalg.norm(world - [10, -15, 20], axis=-1) < 9] = 2
    read = read_label_map(saved(tmp_path / "x.nii.gz", array, affine), volume)
    places = volume.geometry.world_ras(np.argwhere(read.array == 2))
    assert read.geometry is volume.geometry
    assert np.linalg.norm(places.mean(axis=0) - [10, -15, 20]) < 1.0
    assert len(places) * volume.geometry.voxel_volume_mm3 == pytest.approx(4 / 3 * np.pi * 9**3, rel=0.15)


def test_nearest_neighbour_is_the_same_by_tables_and_in_general(volume: Volume) -> None:
    rng = np.random.default_rng(2)
    own = Geometry((9, 10, 11), oriented("ASL"))
    array = rng.integers(0, 250, own.shape).astype(np.uint8)
    turned = np.array(own.affine)
    turned[:3, :3] = Rotation.from_euler("x", 1e-7).as_matrix() @ turned[:3, :3]
    expected = np.zeros(volume.geometry.shape, np.uint8)
    for index in np.ndindex(volume.geometry.shape):
        at = np.floor(own.voxel(volume.geometry.world_ras(index)) + 0.5).astype(int)
        if ((at >= 0) & (at < own.shape)).all():
            expected[index] = array[tuple(at)]
    assert np.array_equal(nearest_on(array, own, volume.geometry), expected)


def test_an_oblique_label_map_comes_to_the_same_places(tmp_path: Path, volume: Volume) -> None:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [20, 10, -30], degrees=True).as_matrix()
    affine[:3, 3] = np.array([10, -15, 20]) - affine[:3, :3] @ [25, 25, 25]
    grid = Geometry((51, 51, 51), affine)
    array = np.zeros(grid.shape, np.uint8)
    array[16:35, 16:35, 16:35] = 1
    read = read_label_map(saved(tmp_path / "x.nii", array, affine), volume)
    assert read.volume_ml(1) == pytest.approx(19**3 / 1000, rel=0.1)
    assert np.linalg.norm(volume.geometry.world_ras(np.argwhere(read.array)).mean(axis=0) - [10, -15, 20]) < 0.6


def test_labels_elsewhere_are_refused_in_one_sentence(tmp_path: Path, volume: Volume) -> None:
    affine = np.array(volume.affine)
    affine[2, 3] += 500
    with pytest.raises(ReadError) as caught:
        read_label_map(saved(tmp_path / "x.nii.gz", np.ones(SHAPE, np.uint8), affine), volume)
    assert caught.value.id == "labels.elsewhere"


@pytest.mark.parametrize("values", [[0.5, 1.0], [-1, 2], [0, 70000]])
def test_what_cannot_be_labels_is_refused(tmp_path: Path, volume: Volume, values: list[float]) -> None:
    array = np.resize(np.array(values), SHAPE).astype(np.float32 if 0.5 in values else np.int32)
    with pytest.raises(ReadError) as caught:
        read_label_map(saved(tmp_path / "x.nii.gz", array, volume.affine), volume)
    assert caught.value.id == "labels.not_labels"


def test_scans_labels_and_masks_are_told_apart(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    write_volume(volume, tmp_path / "scan.nii.gz")
    positive = np.random.default_rng(3).integers(0, 900, SHAPE).astype(np.int16)
    saved(tmp_path / "mr.nii.gz", positive, volume.affine)
    saved(tmp_path / "bare.nii.gz", label_map.array, volume.affine)
    saved(tmp_path / "mask.nii.gz", (label_map.array == 5).astype(np.uint8), volume.affine)
    (tmp_path / "words.txt").write_text("no image")
    kinds = {each.name: content_of(each) for each in tmp_path.iterdir()}
    assert kinds == {
        "scan.nii.gz": "", "mr.nii.gz": "", "bare.nii.gz": "labels", "mask.nii.gz": "mask", "words.txt": "",
    }  # fmt: skip


def test_a_folder_of_scans_is_no_folder_of_masks(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    (tmp_path / "scans").mkdir()
    write_volume(volume, tmp_path / "scans" / "liver.nii.gz")
    write_per_class(label_map, tmp_path / "masks")
    (tmp_path / "empty").mkdir()
    assert [content_of(tmp_path / name) for name in ("scans", "masks", "empty", "missing")] == ["", "labels", "", ""]
    with pytest.raises(ReadError):
        read_label_map(tmp_path / "scans", volume)


def test_masks_of_foreign_names_are_taken_by_their_content(tmp_path: Path, volume: Volume) -> None:
    for name in ("lesion one", "lesion two"):
        saved(tmp_path / f"{name}.nii.gz", np.resize(np.array([0, 0, 1], np.uint8), SHAPE), volume.affine)
    assert [each.name for each in read_label_map(tmp_path, volume).classes] == ["lesion one", "lesion two"]


def test_our_structure_keeps_codes(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    write_label_map(label_map.only(["liver"]), tmp_path / "x.nii.gz")
    read = read_label_map(tmp_path / "x.nii.gz", volume)
    assert read.classes == (structure_class(5, "liver"),) and read.classes[0].codes is not None


def test_a_mask_of_what_was_not_found_is_a_mask(tmp_path: Path, volume: Volume) -> None:
    empty = np.zeros(SHAPE, np.uint8)
    assert content_of(saved(tmp_path / "spleen.nii.gz", empty, volume.affine)) == "mask"
    assert content_of(saved(tmp_path / "result.nii.gz", empty, volume.affine)) == "labels"


def segmentation(path: Path, array: np.ndarray, fields: dict[str, str]) -> Path:
    """A NRRD file as 3D Slicer writes segmentations; `array` is [k, j, i] and its header gets `fields`."""
    image = SimpleITK.GetImageFromArray(array, isVector=array.ndim == 4)
    image.SetSpacing((2.0, 3.0, 4.0))
    image.SetOrigin((-22.0, 0.0, 4.0))
    for key, value in fields.items():
        image.SetMetaData(key, value)
    SimpleITK.WriteImage(image, str(path))
    return path


def test_a_segmentation_of_3d_slicer_keeps_names_and_colours(tmp_path: Path, volume: Volume) -> None:
    array = np.zeros(SHAPE[::-1], np.uint8)
    array[2:7, 3:8, 2:9], array[7, 3:8, 2:9] = 3, 4
    fields = {
        "Segment0_ID": "s_1", "Segment0_Name": "liver", "Segment0_LabelValue": "3", "Segment0_Color": "1 0.5 0",
        "Segment1_ID": "s_2", "Segment1_Name": "my lesion", "Segment1_LabelValue": "4", "Segment1_Color": "0 0 1",
    }  # fmt: skip
    path = segmentation(tmp_path / "result.seg.nrrd", array, fields)
    assert content_of(path) == "labels"
    read = read_label_map(path, volume)
    assert [(each.label, each.name) for each in read.present] == [(3, "liver"), (4, "my lesion")]
    assert [each.rgb for each in read.present] == [(255, 128, 0), (0, 0, 255)]
    assert read.present[0].codes is not None
    assert np.array_equal(read.mask("liver"), array.T == 3)


def test_overlapping_layers_are_refused_and_not_halved(tmp_path: Path, volume: Volume) -> None:
    path = segmentation(tmp_path / "layers.seg.nrrd", np.ones((*SHAPE[::-1], 2), np.uint8), {})
    assert content_of(path) == ""
    with pytest.raises(ReadError) as caught:
        read_label_map(path, volume)
    assert caught.value.id == "labels.not_labels" and "layers" in caught.value.sentence


def test_a_label_map_of_freesurfer(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    array = label_map.array.astype(np.int32)
    nib.save(nib.MGHImage(array, volume.affine.astype(np.float32)), tmp_path / "aseg.mgz")
    assert content_of(tmp_path / "aseg.mgz") == "labels"
    assert np.array_equal(read_label_map(tmp_path / "aseg.mgz", volume).array, label_map.array)


REAL_LABELS = (
    *("ct_abdomen/total_fast.nii.gz", "ct_slab/total.nii.gz", "ct_slab/total_fast.nii.gz", "dicom_ct/total.nii.gz"),
    *("ct_slab/total_roi_subset.nii.gz", "ct_slab/tissue_types"),
    *("models/ct_abdomen_fast_by_peer.nii.gz", "models/ct_abdomen_fastest_by_peer.nii.gz"),
)


def test_real_scans_and_real_labels_are_told_apart(data: Path) -> None:
    files = [each for each in data.rglob("*") if each.is_file() and "nnunet" not in each.parts]
    taken = {each.relative_to(data).as_posix() for each in files if content_of(each)}
    masks = {each for each in taken if each.startswith(("cta_aorta/models/", "ct_slab/tissue_types/"))}
    derived = {each for each in taken if each.startswith("dicom_derived/seg_image")}
    dicom = {"dicom_objects/liver.dcm", "dicom_rt/rtss.dcm"}
    assert taken - masks - derived - dicom == set(REAL_LABELS) - {"ct_slab/tissue_types"}
    assert dicom <= taken and len(derived) == 3
    assert "cta_aorta/models/ct_cropped.nii.gz" not in masks and len(masks) == 21
    folders = {each.relative_to(data).as_posix() for each in data.rglob("*") if each.is_dir() and content_of(each)}
    assert folders == {"ct_slab/tissue_types"}


def test_real_labels_open_on_their_scan(data: Path) -> None:
    volume = read_scan(data / "ct_abdomen" / "ct.nii.gz")
    read = read_label_map(data / "ct_abdomen" / "total_fast.nii.gz", volume)
    assert len(read.present) == 61 and read.geometry.matches(volume.geometry)
    assert read.volume_ml("liver") == pytest.approx(1125.684)
    names = {each.name for each in catalogue().task("total").classes}
    assert {each.name for each in read.present} <= names


def test_real_labels_written_one_by_one_open_as_they_were(data: Path, tmp_path: Path) -> None:
    volume = read_scan(data / "ct_slab" / "ct.nii.gz")
    before = read_label_map(data / "ct_slab" / "total_fast.nii.gz", volume)
    write_per_class(before.only([each.name for each in before.present]), tmp_path / "masks")
    after = read_label_map(tmp_path / "masks", volume)
    assert sorted(each.name for each in after.present) == sorted(each.name for each in before.present)
    for each in before.present:
        assert np.array_equal(after.mask(each.name), before.mask(each.name))


def test_real_labels_of_another_grid_and_of_another_patient(data: Path) -> None:
    slab = read_scan(data / "ct_slab" / "ct.nii.gz")
    # The slab says that it begins where the whole scan begins, so its grid is the whole scan's first slices.
    shown = read_label_map(data / "ct_abdomen" / "total_fast.nii.gz", slab)
    whole = read_label_map(data / "ct_abdomen" / "total_fast.nii.gz", read_scan(data / "ct_abdomen" / "ct.nii.gz"))
    assert np.array_equal(shown.array, whole.array[:, :, : slab.geometry.shape[2]])
    with pytest.raises(ReadError) as caught:
        read_label_map(data / "ct_slab" / "total_fast.nii.gz", read_scan(data / "mr_head" / "chris_t1.nii.gz"))
    assert caught.value.id == "labels.elsewhere"
