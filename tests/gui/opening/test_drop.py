"""What was dropped: the scan, the labels beside it, and what is left over."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal, get_args

import nibabel as nib
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QUrl

from tests.scans.series import TEN, write_series
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import LabelFormat
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.nifti import write_label_map, write_per_class, write_volume
from tsdesktop.gui.opening.dragged import paths_of
from tsdesktop.gui.opening.drop import Dropped, read_labels, sorted_out
from tsdesktop.pipeline import ExportChoice, read, write_chosen

SHAPE = (12, 11, 10)
GEOMETRY = Geometry(SHAPE, np.diag([-2.0, 2.0, 3.0, 1.0]))


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    array = np.random.default_rng(1).integers(-500, 500, SHAPE).astype(np.int16)
    write_volume(Volume(array, GEOMETRY, "CT"), tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


@pytest.fixture
def label_map() -> LabelMap:
    array = np.zeros(SHAPE, np.uint8)
    array[2:6, 2:8, 2:8], array[8:10, 3:5, 4:6] = 1, 2
    return LabelMap(array, GEOMETRY, (structure_class(1, "liver"), structure_class(2, "spleen")))


@pytest.fixture
def labels(tmp_path: Path, label_map: LabelMap) -> Path:
    write_label_map(label_map, tmp_path / "labels.nii.gz")
    return tmp_path / "labels.nii.gz"


def test_only_local_files_count() -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/scans/a.nii"), QUrl("https://example.org/b.nii")])
    assert paths_of(mime) == [Path("/scans/a.nii")]


@pytest.mark.parametrize("turned", [False, True])
def test_a_label_map_beside_its_scan(scan: Path, labels: Path, turned: bool) -> None:
    both = [labels, scan] if turned else [scan, labels]
    assert sorted_out(both) == Dropped(scan, (labels,))


def test_a_folder_of_masks_beside_a_scan_opens_as_labels(tmp_path: Path, scan: Path, label_map: LabelMap) -> None:
    write_per_class(label_map, tmp_path / "masks")
    dropped = sorted_out([tmp_path / "masks", scan])
    assert dropped == Dropped(scan, (tmp_path / "masks",))
    assert np.array_equal(read_labels(dropped.labels, read(scan)).array, label_map.array)


def test_several_masks_are_one_label_map(tmp_path: Path, scan: Path, label_map: LabelMap) -> None:
    files = write_per_class(label_map, tmp_path)
    dropped = sorted_out([scan, *files])
    assert dropped == Dropped(scan, tuple(files))
    assert [each.name for each in read_labels(dropped.labels, read(scan)).present] == ["liver", "spleen"]


FORMS: tuple[LabelFormat | Literal["masks"], ...] = ("nifti", "nrrd", "masks")


@pytest.mark.parametrize("form", FORMS)
def test_whatever_labels_were_exported_as_is_dropped_on_the_open_scan(
    tmp_path: Path, scan: Path, label_map: LabelMap, form: LabelFormat | Literal["masks"]
) -> None:
    volume = read(scan)
    choice = ExportChoice(tmp_path / "out", masks=True) if form == "masks" else ExportChoice(tmp_path, labels=(form,))
    file = write_chosen(choice, volume, label_map).files[0]
    path = file.parent if form == "masks" else file
    dropped = sorted_out([path], scan_is_open=True)
    assert dropped == Dropped(None, (path,))
    opened = read_labels(dropped.labels, volume)
    for each in label_map.present:
        assert np.array_equal(opened.mask(each.name), label_map.mask(each.name))
        assert opened.structure(each.name).rgb == each.rgb


@pytest.mark.parametrize("form", get_args(LabelFormat))
def test_labels_of_a_dicom_scan_are_dropped_in_every_format(tmp_path: Path, form: LabelFormat) -> None:
    (tmp_path / "series").mkdir()
    write_series(tmp_path / "series", TEN)
    volume = read(tmp_path / "series")
    array = np.zeros(volume.geometry.shape, np.uint8)
    array[4:12, 5:18, 2:8], array[15:22, 8:16, 3:7] = 1, 2
    label_map = LabelMap(array, volume.geometry, (structure_class(1, "liver"), structure_class(2, "kidney_left")))
    file = write_chosen(ExportChoice(tmp_path / "out", labels=(form,)), volume, label_map).files[0]
    dropped = sorted_out([file], scan_is_open=True)
    assert dropped == Dropped(None, (file,))
    opened = read_labels(dropped.labels, volume)
    assert {each.name for each in opened.present} == {"liver", "kidney_left"}
    for each in label_map.present:
        assert np.array_equal(opened.mask(each.name), label_map.mask(each.name))
    both = sorted_out([tmp_path / "series", file])
    assert both == Dropped(tmp_path / "series", (file,))


def test_labels_alone_go_onto_the_open_scan(labels: Path) -> None:
    assert sorted_out([labels], scan_is_open=True) == Dropped(None, (labels,))
    assert sorted_out([labels]) == Dropped(labels)


def test_another_scan_on_an_open_one_is_a_scan(scan: Path) -> None:
    assert sorted_out([scan], scan_is_open=True) == Dropped(scan)


def test_more_than_one_scan_leaves_the_others_over(tmp_path: Path, scan: Path, labels: Path) -> None:
    shutil.copy(scan, tmp_path / "second.nii.gz")
    write_label_map(read_labels([labels], read(scan)), tmp_path / "more.nii.gz")
    dropped = sorted_out([scan, tmp_path / "second.nii.gz", labels, tmp_path / "more.nii.gz"])
    assert dropped == Dropped(scan, (labels,), (tmp_path / "second.nii.gz", tmp_path / "more.nii.gz"))


def test_slices_of_a_series_count_as_one(tmp_path: Path) -> None:
    slices = write_series(tmp_path / "dicom", TEN)
    dropped = sorted_out(slices)
    assert dropped == Dropped(slices[0])
    assert read(slices[0]).geometry.shape[2] == len(TEN)


@pytest.mark.parametrize("open_before", [False, True])
def test_a_data_set_folder_holds_scan_and_masks(tmp_path: Path, label_map: LabelMap, open_before: bool) -> None:
    case = tmp_path / "s0001"
    case.mkdir()
    array = np.random.default_rng(1).integers(-500, 500, SHAPE).astype(np.int16)
    nib.save(nib.Nifti1Image(array, GEOMETRY.affine), case / "ct.nii.gz")
    write_per_class(label_map, case / "segmentations")
    dropped = sorted_out([case], scan_is_open=open_before)
    assert dropped == Dropped(case / "ct.nii.gz", (case / "segmentations",))


def test_a_dicom_folder_stays_a_folder(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom", TEN)
    assert sorted_out([tmp_path / "dicom"]) == Dropped(tmp_path / "dicom")
    assert sorted_out([tmp_path / "dicom"], scan_is_open=True) == Dropped(tmp_path / "dicom")


def test_what_does_not_exist_is_left_to_the_reader(tmp_path: Path) -> None:
    assert sorted_out([tmp_path / "missing"], scan_is_open=True) == Dropped(tmp_path / "missing")
