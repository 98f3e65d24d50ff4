"""DICOM segmentations: every structure at its place in the world, on the source's slices, however those lie."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest

from tests.exports.dicom.phantom import (
    LIVER,
    NAMES,
    ORIENTATIONS,
    SIXTEEN,
    SIZE,
    centroid,
    dice_by_name,
    labels_on,
    middle_of,
    provenance,
    segment_voxels,
    standard_errors,
    structures_at,
)
from tests.scans.series import TEN, write_series
from tests.scans.test_enhanced import write_enhanced
from tsdesktop.core.errors import ExportError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.provenance import provenance_of
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.exports.dicom.segmentation import SegmentationForm, write_dicom_segmentation
from tsdesktop.scans.labels import read_label_map
from tsdesktop.scans.reader import read_scan

LABELMAP, DEFLATED = SegmentationForm("LABELMAP"), SegmentationForm(deflated=True)


def exported(volume: Volume, label_map: LabelMap, path: Path, **options: Any) -> Path:
    return write_dicom_segmentation(label_map, volume.source, path, provenance(label_map), **options)


def assert_in_place(volume: Volume, path: Path) -> None:
    """Every pixel of every frame is set where the structure is in the world, and the frame names the slice it is on."""
    pictures = {}
    for file in volume.source.dicom_files:
        ds = pydicom.dcmread(file, stop_before_pixels=True)
        pictures[ds.SOPInstanceUID] = np.array(ds.ImagePositionPatient, float)
    for name, frames in segment_voxels(path).items():
        for world, mask, source in frames:
            truth = structures_at(world, middle_of(volume))[name]
            assert np.array_equal(mask, truth)
            np.testing.assert_allclose(world[0, 0] * (-1, -1, 1), pictures[source], atol=1e-6)


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS)
def test_structures_keep_their_place(tmp_path: Path, orientation: Any) -> None:
    write_series(tmp_path / "in", SIXTEEN, orientation=orientation, **SIZE)
    volume = read_scan(tmp_path / "in")
    label_map = labels_on(volume)
    path = exported(volume, label_map, tmp_path / "seg.dcm")
    assert set(segment_voxels(path)) == set(NAMES)
    assert_in_place(volume, path)
    again = read_label_map(path, volume)
    assert np.array_equal(again.array, label_map.array)
    assert (again.classes, again.task) == (label_map.classes, "total")


def test_an_independent_reader_sees_the_same(tmp_path: Path) -> None:
    write_series(tmp_path / "in", SIXTEEN, orientation=ORIENTATIONS["oblique"], **SIZE)
    volume = read_scan(tmp_path / "in")
    label_map = labels_on(volume)
    path = exported(volume, label_map, tmp_path / "seg.dcm")
    found = highdicom.seg.segread(path)
    number = {each.SegmentLabel: each.SegmentNumber for each in found.SegmentSequence}["liver"]
    space = found.get_volume(
        segment_numbers=[number], combine_segments=True, relabel=True, allow_missing_positions=True
    )
    inside = np.argwhere(space.array > 0)
    lps = inside @ space.affine[:3, :3].T + space.affine[:3, 3]
    assert len(inside) == np.count_nonzero(label_map.mask("liver"))
    np.testing.assert_allclose(lps.mean(axis=0) * (-1, -1, 1) - middle_of(volume), LIVER, atol=0.3)


def test_a_tilted_series_gets_its_own_slices_back(tmp_path: Path) -> None:
    along = (0.0, float(np.sin(np.radians(15))), float(np.cos(np.radians(15))))
    write_series(tmp_path / "in", SIXTEEN, along=along, **SIZE)
    volume = read_scan(tmp_path / "in")
    label_map = labels_on(volume)
    path = exported(volume, label_map, tmp_path / "seg.dcm")
    first = pydicom.dcmread(path)
    assert (first.Rows, first.Columns) == (44, 52) != label_map.array.shape[1::-1]
    for name, frames in segment_voxels(path).items():
        where = np.argwhere(label_map.mask(name))
        expected = label_map.geometry.world_ras(where).mean(axis=0)
        assert np.abs(centroid(frames) - expected).max() < 0.5
    assert min(dice_by_name(label_map, read_label_map(path, volume)).values()) > 0.97


def test_uneven_doubled_and_missing_slices(tmp_path: Path) -> None:
    heights = [0, 2, 4, 6, 8, 8, 10, 14, 16, 18, 20, 22, 24, 26, 28, 30]
    write_series(tmp_path / "in", heights, **SIZE)
    volume = read_scan(tmp_path / "in")
    assert {"note.duplicate_slices", "note.filled_slices"} <= {each.id for each in volume.notes}
    label_map = labels_on(volume)
    path = exported(volume, label_map, tmp_path / "seg.dcm")
    assert_in_place(volume, path)
    ds = pydicom.dcmread(path)
    assert len(ds.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 15
    assert "SpacingBetweenSlices" not in ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]


def test_a_multi_frame_source_is_referred_to_by_frame(tmp_path: Path) -> None:
    heights = [float(n) for n in (9, 0, 3, 12, 6)]
    source = write_enhanced(tmp_path / "a", heights, [{}] * 5)
    volume = read_scan(source)
    array = np.zeros(volume.array.shape, np.uint8)
    array[3:9, 4:8, 1] = 5
    label_map = LabelMap(array, volume.geometry, (structure_class(5, "liver"),), "total")
    path = exported(volume, label_map, tmp_path / "seg.dcm")
    ds = pydicom.dcmread(path)
    groups = ds.PerFrameFunctionalGroupsSequence
    assert [float(each.PlanePositionSequence[0].ImagePositionPatient[2]) for each in groups] == [43.0]
    reference = groups[0].DerivationImageSequence[0].SourceImageSequence[0]
    assert (reference.ReferencedFrameNumber, reference.ReferencedSOPClassUID.name) == (3, "Enhanced CT Image Storage")
    assert len(ds.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1
    assert np.array_equal(read_label_map(path, volume).array, array)
    assert standard_errors(path) == []


def test_a_zip_stays_the_source(tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", TEN)
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for each in files:
            archive.write(each, f"study/{each.name}")
    volume = read_scan(tmp_path / "scan.zip")
    label_map = labels_on(volume)
    path = exported(volume, label_map, tmp_path / "seg.dcm")
    plain = read_scan(tmp_path / "in")
    assert path.read_bytes() == exported(plain, label_map, tmp_path / "plain.dcm").read_bytes()


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    folder = tmp_path_factory.mktemp("series")
    tags: dict[str, Any] = {
        "PatientBirthDate": "19700230",
        "PatientSex": "unknown",
        "StudyDate": "20260301",
        "StudyTime": "101112",
    }
    names: dict[str, Any] = {
        "PatientName": "Müller^Anna",
        "SpecificCharacterSet": "ISO_IR 100",
        "TimezoneOffsetFromUTC": "+0100",
    }
    write_series(folder, SIXTEEN, **SIZE, **tags, **names)
    return read_scan(folder)


def test_the_standard_finds_no_error(scan: Volume, tmp_path: Path) -> None:
    assert standard_errors(exported(scan, labels_on(scan), tmp_path / "seg.dcm")) == []


def test_same_patient_same_study_own_series(scan: Volume, tmp_path: Path) -> None:
    ds = pydicom.dcmread(exported(scan, labels_on(scan), tmp_path / "seg.dcm"))
    source = pydicom.dcmread(scan.source.dicom_files[0])
    for key in ("PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "StudyTime", "FrameOfReferenceUID"):
        assert getattr(ds, key) == getattr(source, key), key
    # No birthday and no sex that break the rules of the standard.
    assert (ds.PatientBirthDate, ds.PatientSex) == ("", "")
    assert ds.SeriesInstanceUID != source.SeriesInstanceUID
    assert (ds.Modality, ds.SeriesNumber, ds.SeriesDescription) == ("SEG", 301, "tsdesktop total")
    # The run's time in the zone of the source.
    assert (ds.ContentDate, ds.ContentTime) == ("20260304", "130005")


def test_codes_colours_and_algorithm(scan: Volume, tmp_path: Path) -> None:
    label_map = labels_on(scan)
    run = replace(provenance_of(label_map, provenance(label_map).made_at), networks=("Dataset291 v2.0.0",))
    path = write_dicom_segmentation(label_map, scan.source, tmp_path / "seg.dcm", run)
    segments = {each.SegmentLabel: each for each in pydicom.dcmread(path).SegmentSequence}
    kidney = segments["kidney_left"]
    kind = kidney.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("64033007", "SCT")
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    colour = highdicom.color.CIELabColor.from_dicom_value(kidney.RecommendedDisplayCIELabValue)
    assert np.abs(np.array(colour.to_rgb()) - structure_class(1, "kidney_left").dicom_rgb).max() <= 1
    algorithm = kidney.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmSource) == ("tsdesktop total", "tsdesktop")
    assert "Dataset291 v2.0.0" in algorithm.AlgorithmParameters
    assert len({each.TrackingUID for each in segments.values()}) == 3


def test_what_has_no_code_gets_none_of_somebody_else(scan: Volume, tmp_path: Path) -> None:
    array = np.zeros(scan.array.shape, np.uint8)
    array[5:9, 5:9, 5], array[15:19, 5:9, 5] = 1, 2
    names = (structure_class(1, "celiac_trunk"), structure_class(2, "my_finding"))
    path = exported(scan, LabelMap(array, scan.geometry, names, "mine"), tmp_path / "seg.dcm")
    ds = pydicom.dcmread(path)
    known, own = ds.SegmentSequence
    assert known.SegmentedPropertyCategoryCodeSequence[0].CodingSchemeDesignator == "SCT"
    assert own.SegmentedPropertyCategoryCodeSequence[0].CodingSchemeDesignator == "99TSDESKTOP"
    kinds = [each.SegmentedPropertyTypeCodeSequence[0] for each in (known, own)]
    assert [(each.CodeValue, each.CodingSchemeDesignator) for each in kinds] == [
        ("celiac_trunk", "99TSDESKTOP"),
        ("my_finding", "99TSDESKTOP"),
    ]
    assert standard_errors(path) == []


@pytest.mark.parametrize("form", [LABELMAP, DEFLATED], ids=["labelmap", "deflated"])
def test_other_forms_hold_the_same(scan: Volume, tmp_path: Path, form: SegmentationForm) -> None:
    label_map = labels_on(scan)
    path = exported(scan, label_map, tmp_path / "seg.dcm", form=form)
    assert np.array_equal(read_label_map(path, scan).array, label_map.array)
    found = highdicom.seg.segread(path)
    assert found.SegmentationType == form.kind
    assert path.stat().st_size < 0.7 * exported(scan, label_map, tmp_path / "plain.dcm").stat().st_size


@pytest.mark.parametrize("form", [SegmentationForm(), LABELMAP, DEFLATED], ids=["binary", "labelmap", "deflated"])
def test_the_same_run_gives_the_same_bytes(scan: Volume, tmp_path: Path, form: SegmentationForm) -> None:
    label_map = labels_on(scan)
    one, two = (exported(scan, label_map, tmp_path / name, form=form).read_bytes() for name in ("a", "b"))
    assert one == two


def test_frames_that_do_not_end_at_a_byte(tmp_path: Path) -> None:
    write_series(tmp_path / "in", SIXTEEN, Rows=43, Columns=51)
    volume = read_scan(tmp_path / "in")
    label_map = labels_on(volume)
    path = exported(volume, label_map, tmp_path / "seg.dcm")
    assert_in_place(volume, path)
    assert np.array_equal(read_label_map(path, volume).array, label_map.array)


def refusal(volume: Volume, label_map: LabelMap, path: Path) -> str:
    with pytest.raises(ExportError) as caught:
        exported(volume, label_map, path)
    assert not path.exists()
    assert "\n" not in caught.value.sentence
    return caught.value.id


def test_scans_that_are_no_dicom_are_refused(scan: Volume, tmp_path: Path) -> None:
    nifti = replace(scan, source=ScanSource("nifti", "ct.nii.gz"))
    assert refusal(nifti, labels_on(scan), tmp_path / "seg.dcm") == "export.dicom_only"


def test_files_that_went_or_changed_are_told(tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", TEN)
    volume = read_scan(tmp_path / "in")
    label_map = labels_on(volume)
    ds = pydicom.dcmread(files[3])
    ds.SeriesInstanceUID = "1.2.3.5"
    ds.save_as(files[3])
    assert refusal(volume, label_map, tmp_path / "seg.dcm") == "export.dicom_source_changed"
    files[3].unlink()
    assert refusal(volume, label_map, tmp_path / "seg.dcm") == "export.dicom_source_gone"


def test_nothing_and_elsewhere_are_refused(scan: Volume, tmp_path: Path) -> None:
    label_map = labels_on(scan)
    empty = label_map.with_array(np.zeros_like(label_map.array))
    assert refusal(scan, empty, tmp_path / "seg.dcm") == "export.nothing"
    affine = np.array(label_map.affine)
    affine[0, 3] += 1000
    moved = replace(label_map, geometry=replace(label_map.geometry, affine=affine))
    assert refusal(scan, moved, tmp_path / "seg.dcm") == "export.dicom_elsewhere"


def test_model_resolution_lands_on_the_slices(scan: Volume, tmp_path: Path) -> None:
    """A label map on a coarser grid is written on the slices, not on its own grid."""
    coarse = np.random.default_rng(1).choice([0, 1, 5], [n // 2 for n in scan.geometry.shape]).astype(np.uint8)
    affine = scan.affine @ np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = scan.geometry.world_ras((0.5, 0.5, 0.5))
    label_map = LabelMap(coarse, Geometry(coarse.shape, affine), labels_on(scan).classes, "total")
    again = read_label_map(exported(scan, label_map, tmp_path / "seg.dcm"), scan)
    assert np.array_equal(again.array, coarse.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2))
