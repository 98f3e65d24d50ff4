"""RT structure sets: contours that hold just the mask, in the source's slices, and read back from any orientation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from tests.exports.dicom.phantom import (
    NAMES,
    ORIENTATIONS,
    SIXTEEN,
    SIZE,
    dice_by_name,
    labels_on,
    middle_of,
    provenance,
    standard_errors,
    structures_at,
)
from tests.scans.series import write_series
from tsdesktop.core.errors import ExportError
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.exports.dicom.contours import contours
from tsdesktop.exports.dicom.structure_set import write_structure_set
from tsdesktop.scans.label_dicom_contours import filled
from tsdesktop.scans.labels import read_label_map
from tsdesktop.scans.reader import read_scan


def area(points: NDArray[np.float64]) -> float:
    x, y = points.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def test_a_rectangle_has_cut_corners_and_no_straight_points() -> None:
    mask = np.zeros((9, 9), bool)
    mask[2:5, 3:8] = True
    (points,) = contours(mask)
    assert len(points) == 8
    assert (points.min(axis=0).tolist(), points.max(axis=0).tolist()) == ([2.5, 1.5], [7.5, 4.5])
    assert area(points) == 15 - 4 * 0.125


def test_a_hole_is_joined_by_a_channel() -> None:
    mask = np.zeros((9, 12), bool)
    mask[1:8, 1:11] = True
    mask[3:6, 3:5] = mask[4, 7] = False
    (points,) = contours(mask)
    # The channels are walked twice and take no area away.
    assert area(points) == 70 - 7 - 0.5 + 0.5 + 0.5
    assert np.array_equal(filled([points], mask.shape), mask)


@pytest.mark.parametrize("seed", range(6))
def test_pixels_are_inside_where_the_mask_is(seed: int) -> None:
    """Salt and pepper: islands in holes in islands, corners that touch. An independent filling agrees."""
    mask = np.random.default_rng(seed).random((23, 31)) < 0.3 + 0.1 * seed
    found = contours(mask)
    inside = np.zeros(mask.shape, bool)
    for each in found:
        inside ^= polygon2mask(mask.shape, each[:, ::-1])
    assert np.array_equal(inside, mask)
    assert np.array_equal(filled(found, mask.shape), mask)


def test_filling_by_the_even_odd_rule() -> None:
    outer = np.array([(0.5, 0.5), (8.5, 0.5), (8.5, 6.5), (0.5, 6.5)])
    inner = np.array([(2.2, 2.2), (2.2, 4.8), (5.8, 4.8), (5.8, 2.2)])
    expected = np.zeros((8, 10), bool)
    expected[1:7, 1:9] = True
    expected[3:5, 3:6] = False
    assert np.array_equal(filled([outer, inner], expected.shape), expected)


def exported(volume: Volume, label_map: LabelMap, path: Path) -> Path:
    return write_structure_set(label_map, volume.source, path, provenance(label_map))


def assert_on_slices(volume: Volume, path: Path) -> None:
    """Every contour lies in the slice it names, and every point of it near the structure's border in the world."""
    slices = {}
    for file in volume.source.dicom_files:
        ds = pydicom.dcmread(file, stop_before_pixels=True)
        slices[ds.SOPInstanceUID] = ds
    ds = pydicom.dcmread(path)
    names = {each.ROINumber: each.ROIName for each in ds.StructureSetROISequence}
    assert set(names.values()) == set(NAMES)
    for region in ds.ROIContourSequence:
        for contour in region.ContourSequence:
            source = slices[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            normal = np.cross(source.ImageOrientationPatient[:3], source.ImageOrientationPatient[3:])
            assert np.abs((points - source.ImagePositionPatient) @ normal).max() < 2e-3
            near = points[:, None] * (-1, -1, 1) + np.random.default_rng(1).normal(size=(400, 3)) * 0.8
            inside = structures_at(near, middle_of(volume))[names[region.ReferencedROINumber]].mean(axis=1)
            assert inside.min() > 0 and inside.max() < 1


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS)
def test_structures_keep_their_place(tmp_path: Path, orientation: Any) -> None:
    write_series(tmp_path / "in", SIXTEEN, orientation=orientation, **SIZE)
    volume = read_scan(tmp_path / "in")
    label_map = labels_on(volume)
    path = exported(volume, label_map, tmp_path / "rt.dcm")
    assert_on_slices(volume, path)
    again = read_label_map(path, volume)
    assert np.array_equal(again.array, label_map.array)
    assert (again.classes, again.task) == (label_map.classes, "total")


def test_a_tilted_series(tmp_path: Path) -> None:
    along = (0.0, float(np.sin(np.radians(15))), float(np.cos(np.radians(15))))
    write_series(tmp_path / "in", SIXTEEN, along=along, **SIZE)
    volume = read_scan(tmp_path / "in")
    label_map = labels_on(volume)
    path = exported(volume, label_map, tmp_path / "rt.dcm")
    assert min(dice_by_name(label_map, read_label_map(path, volume)).values()) > 0.97


def test_contours_open_on_a_scan_that_lies_across(tmp_path: Path) -> None:
    write_series(tmp_path / "in", SIXTEEN, **SIZE)
    volume = read_scan(tmp_path / "in")
    path = exported(volume, labels_on(volume), tmp_path / "rt.dcm")
    oblique = np.array(ORIENTATIONS["oblique"]).reshape(2, 3)
    directions = np.array([*oblique, np.cross(*oblique)])
    origin = middle_of(volume) * (-1, -1, 1) - (30, 40, 24) @ directions
    heights = [1.5 * n for n in range(33)]
    size: dict[str, Any] = {"Rows": 54, "Columns": 61}
    write_series(tmp_path / "other", heights, orientation=ORIENTATIONS["oblique"], origin_lps=origin.tolist(), **size)
    other = read_scan(tmp_path / "other")
    again = read_label_map(path, other)
    for name in NAMES:
        apart = places(volume, labels_on(volume), name) - places(other, again, name)
        assert np.abs(apart).max() < 0.3
    expected = labels_on(other, middle_of(volume))
    # Two grids of 2 mm each round the borders of structures of 8 to 18 mm.
    assert min(dice_by_name(expected, again).values()) > 0.8


def places(volume: Volume, label_map: LabelMap, name: str) -> NDArray[np.float64]:
    """The centre of a structure in RAS mm."""
    return np.asarray(volume.geometry.world_ras(np.argwhere(label_map.mask(name))).mean(axis=0))


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, SIXTEEN, **SIZE)
    return read_scan(folder)


def test_the_standard_finds_no_error(scan: Volume, tmp_path: Path) -> None:
    assert standard_errors(exported(scan, labels_on(scan), tmp_path / "rt.dcm")) == []


def test_regions_are_named_coloured_and_coded(scan: Volume, tmp_path: Path) -> None:
    label_map = labels_on(scan)
    ds = pydicom.dcmread(exported(scan, label_map, tmp_path / "rt.dcm"))
    source = pydicom.dcmread(scan.source.dicom_files[0])
    assert (ds.PatientID, ds.StudyInstanceUID) == (source.PatientID, source.StudyInstanceUID)
    frame = ds.ReferencedFrameOfReferenceSequence[0]
    assert frame.FrameOfReferenceUID == source.FrameOfReferenceUID
    assert len(frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0].ContourImageSequence) == 16
    assert [(each.ROINumber, each.ROIName) for each in ds.StructureSetROISequence] == [
        (1, "kidney_left"),
        (2, "liver"),
        (3, "vertebrae_L4"),
    ]
    kidney = label_map.structure("kidney_left")
    assert list(ds.ROIContourSequence[0].ROIDisplayColor) == list(kidney.dicom_rgb or kidney.rgb)
    observation = ds.RTROIObservationsSequence[0]
    assert observation.RTROIInterpretedType == "ORGAN"
    assert observation.RTROIIdentificationCodeSequence[0].CodeValue == "64033007"


def test_names_in_any_script(scan: Volume, tmp_path: Path) -> None:
    """A network of one's own may name its structures in any language; whatever names them is UTF-8 as stated."""
    names = ("Gefäß", "肝臓")
    label_map = replace(
        labels_on(scan).only(NAMES[:2]),
        classes=tuple(structure_class(n, each) for n, each in zip((3, 5), names, strict=True)),
    )
    ds = pydicom.dcmread(exported(scan, label_map, tmp_path / "rt.dcm"))
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert sorted(each.ROIName for each in ds.StructureSetROISequence) == sorted(names)
    for each in ds.RTROIObservationsSequence:
        assert each.ROIObservationLabel == each.RTROIIdentificationCodeSequence[0].CodeMeaning
        assert each.ROIObservationLabel in names


def test_the_same_run_gives_the_same_bytes(scan: Volume, tmp_path: Path) -> None:
    label_map = labels_on(scan)
    one, two = (exported(scan, label_map, tmp_path / name).read_bytes() for name in ("a", "b"))
    assert one == two


def test_refusals(scan: Volume, tmp_path: Path) -> None:
    label_map = labels_on(scan)
    for volume, labels, id in (
        (replace(scan, source=ScanSource("memory", "array")), label_map, "export.dicom_only"),
        (scan, label_map.with_array(np.zeros_like(label_map.array)), "export.nothing"),
    ):
        with pytest.raises(ExportError) as caught:
            exported(volume, labels, tmp_path / "rt.dcm")
        assert caught.value.id == id
    assert not list(tmp_path.iterdir())
