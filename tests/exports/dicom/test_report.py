"""DICOM reports: the numbers, with units and places in coded form, and what they refer to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest

from tests.exports.dicom.phantom import SIXTEEN, SIZE, labels_on, provenance, standard_errors
from tests.scans.series import write_series
from tsdesktop.core.errors import ExportError
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.exports.dicom.report import write_measurement_report
from tsdesktop.exports.dicom.segmentation import write_dicom_segmentation
from tsdesktop.measures.statistics import structure_statistics
from tsdesktop.scans.reader import read_scan


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, SIXTEEN, **SIZE)
    return read_scan(folder)


@pytest.fixture(scope="module")
def label_map(scan: Volume) -> LabelMap:
    return labels_on(scan)


def exported(scan: Volume, label_map: LabelMap, path: Path, segmentation: Path | None = None) -> Path:
    numbers = structure_statistics(scan, label_map)
    return write_measurement_report(
        numbers, label_map, scan.source, path, provenance(label_map), segmentation=segmentation
    )


def found(group: highdicom.sr.templates.Template) -> dict[tuple[str, str], tuple[Any, str]]:
    """(name, derivation) -> value and unit."""
    out = {}
    for each in group.get_measurements():
        derivation = each.derivation.meaning if each.derivation else ""
        out[each.name.meaning, derivation] = (each.value, each.unit.value)
    return out


def referred_segment(group: highdicom.sr.templates.Template) -> int:
    (item,) = (each for each in group[0].ContentSequence if each.name.meaning == "Referenced Segment")
    return int(item.ReferencedSOPSequence[0].ReferencedSegmentNumber)


def test_measurements_refer_to_segments(scan: Volume, label_map: LabelMap, tmp_path: Path) -> None:
    segmentation = write_dicom_segmentation(label_map, scan.source, tmp_path / "seg.dcm", provenance(label_map))
    path = exported(scan, label_map, tmp_path / "sr.dcm", segmentation)
    report = highdicom.sr.srread(path)
    groups = report.content.get_volumetric_roi_measurement_groups()
    segments = {each.TrackingUID: each.SegmentNumber for each in pydicom.dcmread(segmentation).SegmentSequence}
    assert len(groups) == 3
    for group in groups:
        name = group.tracking_identifier
        values = scan.array[label_map.mask(name)]
        numbers = found(group)
        assert numbers["Volume", ""] == (pytest.approx(label_map.volume_ml(name), rel=1e-6), "mL")
        for derivation, value in (("Mean", values.mean()), ("Minimum", values.min()), ("Maximum", values.max())):
            assert numbers["Attenuation Coefficient", derivation] == (pytest.approx(value, rel=1e-6), "[hnsf'U]")
        assert numbers["Attenuation Coefficient", "Standard Deviation"][0] == pytest.approx(values.std(), rel=1e-4)
        assert referred_segment(group) == segments[group.tracking_uid]
    kidney = next(each for each in groups if each.tracking_identifier == "kidney_left")
    assert kidney.finding_sites[0].value.value == "64033007"
    assert kidney.finding_sites[0].laterality.meaning == "Left"
    assert standard_errors(path) == []


@pytest.mark.parametrize(
    ("modality", "expected"), [("MR", {"Volume": "mL", "MR signal intensity": "1"}), ("PT", {"Volume": "mL"})]
)
def test_values_are_named_for_what_they_are(tmp_path: Path, modality: str, expected: dict[str, str]) -> None:
    write_series(tmp_path / "series", SIXTEEN, Modality=modality, **SIZE)
    scan = read_scan(tmp_path / "series")
    report = highdicom.sr.srread(exported(scan, labels_on(scan), tmp_path / "sr.dcm"))
    groups = report.content.get_image_measurement_groups()
    assert len(groups) == 3
    for group in groups:
        assert {name: unit for (name, _), (_, unit) in found(group).items()} == expected


def test_without_a_segmentation_it_refers_to_images(scan: Volume, label_map: LabelMap, tmp_path: Path) -> None:
    path = exported(scan, label_map, tmp_path / "sr.dcm")
    groups = highdicom.sr.srread(path).content.get_image_measurement_groups()
    assert len(groups) == 3
    images = {each.referenced_sop_instance_uid for each in groups[0].source_images}
    files = [pydicom.dcmread(each, stop_before_pixels=True).SOPInstanceUID for each in scan.source.dicom_files]
    shown = np.flatnonzero(label_map.mask(groups[0].tracking_identifier).any(axis=(0, 1)))
    assert images == {files[shown[0]], files[shown[len(shown) // 2]], files[shown[-1]]}
    assert standard_errors(path) == []


def test_the_same_run_gives_the_same_bytes(scan: Volume, label_map: LabelMap, tmp_path: Path) -> None:
    one, two = (exported(scan, label_map, tmp_path / name).read_bytes() for name in ("a", "b"))
    assert one == two


def test_refusals(scan: Volume, label_map: LabelMap, tmp_path: Path) -> None:
    elsewhere = tmp_path / "seg.dcm"
    elsewhere.write_bytes(b"no segmentation")
    memory = replace(scan, source=ScanSource("memory", "array"))
    for volume, segmentation, id in (
        (memory, None, "export.dicom_only"),
        (scan, elsewhere, "export.dicom_segmentation"),
        (scan, tmp_path / "absent.dcm", "export.dicom_segmentation"),
    ):
        with pytest.raises(ExportError) as caught:
            exported(volume, label_map, tmp_path / "sr.dcm", segmentation)
        assert caught.value.id == id
