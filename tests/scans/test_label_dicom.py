"""Segmentations and structure sets of any maker, on the grid of the open scan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.sr.codedict import codes

from tests.scans.series import TEN, write_series
from tsdesktop.core.errors import ReadError
from tsdesktop.core.geometry import LPS_FROM_RAS, Geometry
from tsdesktop.core.volume import Volume
from tsdesktop.scans.label_dicom import segmentation_grid
from tsdesktop.scans.label_dicom_planes import Planes
from tsdesktop.scans.labels import content_of, read_label_map
from tsdesktop.scans.own_grid import read_labels
from tsdesktop.scans.reader import read_scan

ROWS, COLUMNS = 24, 32
ALGORITHM = highdicom.AlgorithmIdentificationSequence("other", codes.cid7162.ArtificialIntelligence, "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    empty = ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime")
    tags: dict[str, Any] = dict.fromkeys(empty, "")
    write_series(folder, TEN, **tags)
    return folder


@pytest.fixture(scope="module")
def volume(folder: Path) -> Volume:
    return read_scan(folder)


def foreign(volume: Volume, stacked: NDArray[Any], names: list[str], path: Path, **options: Any) -> Path:
    """A segmentation [slice, row, column, segment] as another program writes it."""
    sources = [pydicom.dcmread(each) for each in volume.source.dicom_files]
    tissue = codes.SCT.Tissue
    segments = [
        highdicom.seg.SegmentDescription(n, name, tissue, tissue, "AUTOMATIC", ALGORITHM)
        for n, name in enumerate(names, 1)
    ]
    kind = options.pop("kind", "BINARY")
    numbers = ("1.2.826.1", 9, "1.2.826.2", 1, "maker", "model", "1", "1")
    highdicom.seg.Segmentation(sources, stacked, kind, segments, *numbers, **options).save_as(path)
    return path


def two_boxes() -> NDArray[np.uint8]:
    stacked = np.zeros((10, ROWS, COLUMNS, 2), np.uint8)
    stacked[2:8, 4:20, 5:25, 0] = 1
    stacked[4:6, 6:10, 20:30, 1] = 1
    return stacked


def test_the_smaller_of_two_that_overlap_stays(volume: Volume, tmp_path: Path) -> None:
    for order in ([0, 1], [1, 0]):
        names = [("big", "small")[n] for n in order]
        path = foreign(volume, two_boxes()[..., order], names, tmp_path / f"{names[0]}.dcm")
        read = read_label_map(path, volume)
        expected = two_boxes().transpose(2, 1, 0, 3).astype(bool)
        assert np.array_equal(read.mask("small"), expected[..., 1])
        assert np.array_equal(read.mask("big"), expected[..., 0] & ~expected[..., 1])


def test_fractions_count_from_one_half(volume: Volume, tmp_path: Path) -> None:
    stacked = np.zeros((10, ROWS, COLUMNS, 1), np.float32)
    stacked[3, 4, 5:9, 0] = 0.2, 0.49, 0.51, 1.0
    read = read_label_map(foreign(volume, stacked, ["maybe"], tmp_path / "a.dcm", kind="FRACTIONAL"), volume)
    assert np.argwhere(read.array).tolist() == [[7, 4, 3], [8, 4, 3]]


def test_known_names_bring_their_colours_and_labels(volume: Volume, tmp_path: Path) -> None:
    path = foreign(volume, two_boxes(), ["liver", "finding"], tmp_path / "a.dcm")
    read = read_label_map(path, volume)
    assert [(each.label, each.name) for each in read.classes] == [(1, "liver"), (2, "finding")]
    assert read.structure("liver").codes is not None


def test_labels_come_to_a_finer_grid(volume: Volume, tmp_path: Path) -> None:
    affine = volume.affine @ np.diag([0.5, 0.5, 0.5, 1.0])
    affine[:3, 3] = volume.geometry.world_ras((-0.25, -0.25, -0.25))
    i, j, k = (2 * n for n in volume.geometry.shape)
    fine = Volume(np.zeros((i, j, k), np.int16), Geometry((i, j, k), affine))
    path = foreign(volume, two_boxes()[..., :1], ["box"], tmp_path / "a.dcm")
    expected = two_boxes()[..., 0].transpose(2, 1, 0).repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    assert np.array_equal(read_label_map(path, fine).array, expected)


def test_a_segmentation_has_a_grid_of_its_own(volume: Volume, tmp_path: Path) -> None:
    stacked = two_boxes()[..., 1:]
    stacked[8, 6:10, 20:30, 0] = 1
    path = foreign(volume, stacked, ["box"], tmp_path / "a.dcm")
    grid = segmentation_grid(path)
    assert grid is not None
    shape, affine = grid
    assert shape == (*volume.geometry.shape[:2], 5)
    # The first plane with anything is the fifth; the seventh and eighth are empty and still there.
    moved = np.array(volume.affine)
    moved[:3, 3] = volume.geometry.world_ras((0, 0, 4))
    assert affine == pytest.approx(moved, abs=1e-4)
    read = read_labels(path)
    assert np.array_equal(read.array > 0, stacked[4:9, ..., 0].transpose(2, 1, 0) > 0)


def test_elsewhere_is_told(volume: Volume, tmp_path: Path) -> None:
    path = foreign(volume, two_boxes(), ["a", "b"], tmp_path / "a.dcm")
    affine = np.array(volume.affine)
    affine[2, 3] += 500
    moved = Volume(volume.array, Geometry(volume.array.shape, affine))
    with pytest.raises(ReadError) as caught:
        read_label_map(path, moved)
    assert caught.value.id == "labels.elsewhere"


def structure_set(path: Path, regions: dict[str, list[tuple[str, Any]]]) -> Path:
    """A structure set with only what contours need; points in LPS mm."""
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "1.2.3"
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = pydicom.uid.RTStructureSetStorage
    ds.StructureSetROISequence, ds.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(regions.items(), 5):
        roi, region = pydicom.Dataset(), pydicom.Dataset()
        roi.ROINumber, roi.ROIName, region.ReferencedROINumber, region.ContourSequence = number, name, number, []
        for kind, points in contours:
            contour = pydicom.Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
            contour.ContourData = [round(float(each), 4) for each in np.ravel(points)]
            region.ContourSequence.append(contour)
        ds.StructureSetROISequence.append(roi)
        ds.ROIContourSequence.append(region)
    ds.save_as(path, enforce_file_format=True)
    return path


def rectangle(volume: Volume, low: tuple[float, float], high: tuple[float, float], k: float) -> NDArray[np.float64]:
    corners = [(low[0], low[1], k), (high[0], low[1], k), (high[0], high[1], k), (low[0], high[1], k)]
    return volume.geometry.world_ras(corners) @ LPS_FROM_RAS[:3, :3]


@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
def test_a_contour_within_another_is_a_hole(volume: Volume, tmp_path: Path, kind: str) -> None:
    rings = [(kind, rectangle(volume, (2.5, 3.5), (20.5, 15.5), k)) for k in (3, 4)]
    holes = [(kind, rectangle(volume, (6.5, 6.5), (10.5, 9.5), k)[::-1]) for k in (3, 4)]
    points = [("POINT", rectangle(volume, (0, 0), (1, 1), 8)[:1])]
    read = read_label_map(structure_set(tmp_path / "rt.dcm", {"ring": rings + holes, "point": points}), volume)
    expected = np.zeros(volume.array.shape, bool)
    expected[3:21, 4:16, 3:5] = True
    expected[7:11, 7:10, 3:5] = False
    assert np.array_equal(read.mask("ring"), expected)
    assert [each.name for each in read.classes] == ["ring"]


def test_thick_contours_fill_thin_slices(volume: Volume, tmp_path: Path) -> None:
    """Contours on every second slice of the scan reach to the middle between them."""
    boxes = [("CLOSED_PLANAR", rectangle(volume, (2.5, 3.5), (9.5, 8.5), k)) for k in (2, 4, 6)]
    read = read_label_map(structure_set(tmp_path / "rt.dcm", {"box": boxes}), volume)
    assert np.flatnonzero(read.array.any(axis=(0, 1))).tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_without_closed_contours_it_says_so(volume: Volume, tmp_path: Path) -> None:
    points = {"marker": [("POINT", rectangle(volume, (0, 0), (1, 1), 8)[:1])]}
    with pytest.raises(ReadError) as caught:
        read_label_map(structure_set(tmp_path / "rt.dcm", points), volume)
    assert caught.value.id == "labels.no_contours"


def test_planes_that_were_left_out_stay_empty() -> None:
    labels = np.ones((3, 4, 4), np.uint8)
    corners = np.array([[0.0, 0, 0], [0, 0, 2], [0, 0, 8]])
    planes = Planes(labels, corners, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), thickness_mm=2.0)
    out = planes.on_grid(Geometry((4, 4, 12), np.diag([1.0, 1.0, 1.0, 1.0])))
    assert np.flatnonzero(out.any(axis=(0, 1))).tolist() == [0, 1, 2, 3, 7, 8, 9]


def test_a_damaged_file_is_told_in_one_sentence(volume: Volume, tmp_path: Path) -> None:
    path = foreign(volume, two_boxes(), ["a", "b"], tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ReadError) as caught:
        read_label_map(path, volume)
    assert "\n" not in caught.value.sentence


def test_they_are_told_from_scans(volume: Volume, tmp_path: Path) -> None:
    segmentation = foreign(volume, two_boxes(), ["a", "b"], tmp_path / "a.dcm")
    contours = structure_set(tmp_path / "rt.dcm", {"box": [("CLOSED_PLANAR", rectangle(volume, (2, 3), (9, 8), 4))]})
    assert [content_of(path) for path in (segmentation, contours)] == ["labels", "labels"]
    assert content_of(Path(volume.source.dicom_files[0])) == ""


def test_real_contours_hold_their_area(data: Path) -> None:
    """A treatment planning system's file: the volume of each region that no other covers is that of its polygons."""
    path = data / "dicom_rt/rtss.dcm"
    affine = LPS_FROM_RAS @ np.array([[1.0, 0, 0, -235], [0, 1, 0, -425], [0, 0, 3, -122.44], [0, 0, 0, 1]])
    shape = (485, 322, 98)
    read = read_label_map(path, Volume(np.zeros(shape, np.int16), Geometry(shape, affine)))
    ds = pydicom.dcmread(path)
    numbers = {each.ROIName: each.ROINumber for each in ds.StructureSetROISequence}
    contours = {each.ReferencedROINumber: each.get("ContourSequence", []) for each in ds.ROIContourSequence}
    for name in ("Heart", "Tumor Bed"):
        polygons = [np.array(each.ContourData, float).reshape(-1, 3) for each in contours[numbers[name]]]
        areas = [abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2 for x, y, _ in (p.T for p in polygons)]
        assert read.volume_ml(name) == pytest.approx(sum(areas) * 3 / 1000, rel=0.005)


@pytest.mark.parametrize(
    "name", ["seg_image_ct_binary.dcm", "seg_image_ct_true_fractional.dcm", "seg_image_ct_binary_overlap.dcm"]
)
def test_real_segmentations(data: Path, name: str) -> None:
    """Against highdicom's own reading of its test files."""
    path = data / "dicom_derived" / name
    found = highdicom.seg.segread(path)
    frames, groups = found.pixel_array, found.PerFrameFunctionalGroupsSequence
    positions = np.array([each.PlanePositionSequence[0].ImagePositionPatient for each in groups], float)
    spacing = [float(each) for each in found.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing]
    top = positions[:, 2].max()
    affine = LPS_FROM_RAS @ np.diag([spacing[1], spacing[0], 1.25, 1.0])
    affine[:3, 3] = LPS_FROM_RAS[:3, :3] @ (positions[0, 0], positions[0, 1], top - 2 * 1.25)
    read = read_label_map(path, Volume(np.zeros((16, 16, 3), np.int16), Geometry((16, 16, 3), affine)))
    expected = np.zeros((16, 16, 3), bool)
    for frame, position in zip(frames, positions, strict=True):
        k = round((position[2] - top) / 1.25) + 2
        if k >= 0:
            expected[:, :, k] |= (frame >= (128 if found.SegmentationType == "FRACTIONAL" else 1)).T
    assert expected.any() and np.array_equal(read.array > 0, expected)
