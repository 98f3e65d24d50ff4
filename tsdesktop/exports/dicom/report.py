"""Statistics of structures as a DICOM Structured Report: a measurement report after template TID 1500."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tsdesktop.core.errors import ExportError
from tsdesktop.core.provenance import Provenance
from tsdesktop.core.statistics import StructureStatistics
from tsdesktop.core.structures import Code, StructureClass
from tsdesktop.core.version import __version__
from tsdesktop.core.volume import LabelMap, ScanSource
from tsdesktop.exports.dicom.coding import codes_of, concept, is_ours, scheme_item
from tsdesktop.exports.dicom.frames import labels_found
from tsdesktop.exports.dicom.segmentation import instances, series_description, tracking_uid
from tsdesktop.exports.dicom.sources import SourceSeries, as_arrays, source_series
from tsdesktop.exports.dicom.study import (
    CHARACTER_SET,
    MANUFACTURER,
    MODEL,
    SERIAL_NUMBER,
    local_time,
    quiet,
    series_number,
    short,
    stamp,
)
from tsdesktop.exports.writing import refuse_existing, written

_WHAT = "DICOM report"
_WHICH_SERIES = 3
_SEGMENT_TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "SegmentSequence"),
]
_SIDES = {"7771000", "24028007", "51440002"}
_MILLILITRE = Code("mL", "milliliter", "UCUM")
_NO_UNIT = Code("1", "no units", "UCUM")
_HOUNSFIELD = Code("[hnsf'U]", "Hounsfield unit", "UCUM")
_VOLUME = Code("118565006", "Volume")
# What the scan's values are, and their unit. Those of other scanners are not named: a wrong name would claim something.
_INTENSITIES = {
    "CT": (Code("112031", "Attenuation Coefficient", "DCM"), _HOUNSFIELD),
    "MR": (Code("110852", "MR signal intensity", "DCM"), _NO_UNIT),
}
_PROCEDURES = {"CT": Code("77477000", "Computed tomography"), "MR": Code("113091000", "Magnetic resonance imaging")}
_IMAGING = Code("363679005", "Imaging")
_DERIVATIONS = {
    "mean": Code("373098007", "Mean"),
    "sd": Code("386136009", "Standard Deviation"),
    "median": Code("373099004", "Median"),
    "minimum": Code("255605001", "Minimum"),
    "maximum": Code("56851009", "Maximum"),
}


@dataclass(frozen=True, eq=False)
class _Segments:
    """The segments of a written segmentation: its header, and the number of each structure's segment by name."""

    header: Any
    numbers: Mapping[str, int]


def write_measurement_report(
    statistics: Sequence[StructureStatistics],
    label_map: LabelMap,
    source: ScanSource,
    path: Path,
    provenance: Provenance,
    *,
    segmentation: Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes volume and intensities of every structure with voxels as a measurement report (Comprehensive 3D SR).

    The measurements refer to the segments of `segmentation`, which `write_dicom_segmentation` wrote; without it to the
    first, the middle and the last source image that show the structure. Units are UCUM's: ml, and HU for CT. For
    scans that are neither CT nor MR there are volumes only. Raises ExportError.
    """
    refuse_existing([path], overwrite=overwrite)
    series = source_series(source, _WHAT)
    measured = [each for each in statistics if each.voxels > 0]
    if not measured:
        raise ExportError("export.nothing", reason="no structure has any voxel")
    with quiet():
        segments = _segments(segmentation, series) if segmentation is not None else None
        shown = _shown(label_map, series, path.name)
        groups = [_group(each, series, segments, shown, provenance) for each in measured]
        ds = _document(groups, measured, series, segments, provenance)
        stamp(ds, local_time(provenance, series.study), "Series", "Content")
        ds.SeriesDescription = series_description(label_map.task)
        with written(path, overwrite=overwrite) as temporary:
            ds.save_as(temporary, enforce_file_format=True)
    return path


def _segments(path: Path, series: SourceSeries) -> _Segments:
    """Raises ExportError where the file is no segmentation of the same study."""
    import pydicom

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_SEGMENT_TAGS)
        numbers = {str(each.SegmentLabel): int(each.SegmentNumber) for each in header.SegmentSequence}
    except (OSError, AttributeError, pydicom.errors.InvalidDicomError) as error:
        raise ExportError("export.dicom_segmentation", name=path.name) from error
    if header.StudyInstanceUID != series.study["StudyInstanceUID"]:
        raise ExportError("export.dicom_segmentation", name=path.name)
    return _Segments(header, numbers)


def _shown(label_map: LabelMap, series: SourceSeries, name: str) -> Mapping[int, list[int]]:
    """Label -> the first, the middle and the last slice of the source that show it."""
    found = labels_found(as_arrays(label_map, series, name))
    shown = {label: np.flatnonzero(found[:, label]) for label in range(1, found.shape[1])}
    # All of them would be thousands of references, at the price of a minute.
    return {label: sorted({int(k[0]), int(k[k.size // 2]), int(k[-1])}) for label, k in shown.items() if k.size}


def _document(
    groups: list[Any],
    measured: Sequence[StructureStatistics],
    series: SourceSeries,
    segments: _Segments | None,
    provenance: Provenance,
) -> Any:
    from highdicom import sr

    procedure = concept(_PROCEDURES.get(series.modality, _IMAGING))
    report = sr.MeasurementReport(_observer(provenance), procedure, imaging_measurements=groups)
    evidence = instances(series, provenance) + ([_evidence(segments, series, provenance)] if segments else [])
    return sr.Comprehensive3DSR(
        evidence=evidence,
        content=report[0],
        series_instance_uid=provenance.uid(_WHAT, "series", series.series_instance_uid),
        series_number=series_number(series.series_number, _WHICH_SERIES),
        sop_instance_uid=provenance.uid(_WHAT, "instance", series.series_instance_uid),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=SERIAL_NUMBER,
        is_complete=True,
        is_final=False,
        specific_character_set=CHARACTER_SET,
        coding_schemes=[scheme_item()] if any(is_ours(each.structure) for each in measured) else None,
    )


def _evidence(segments: _Segments, series: SourceSeries, provenance: Provenance) -> Any:
    """A short header of the segmentation, with the patient and the study of the source."""
    ds = instances(series, provenance)[0]
    for key in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality"):
        setattr(ds, key, segments.header.get(key))
    return ds


def _observer(provenance: Provenance) -> Any:
    """The program as the observer."""
    from highdicom import sr
    from pydicom.sr.codedict import codes

    device = sr.DeviceObserverIdentifyingAttributes(
        provenance.uid("device"), name="tsdesktop", manufacturer_name=MANUFACTURER, model_name=MODEL
    )
    context = sr.ObserverContext(codes.DCM.Device, device)
    return sr.ObservationContext(observer_device_context=context)


def _group(
    measured: StructureStatistics,
    series: SourceSeries,
    segments: _Segments | None,
    shown: Mapping[int, list[int]],
    provenance: Provenance,
) -> Any:
    """The measurements of one structure."""
    from highdicom import sr

    structure = measured.structure
    codes = codes_of(structure)
    uid = tracking_uid(provenance, series.series_instance_uid, structure.name)
    parts: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(uid=uid, identifier=structure.name),
        "finding_category": concept(codes.category),
        "finding_type": concept(codes.type),
        "finding_sites": [_site(structure)],
        "algorithm_id": sr.AlgorithmIdentification(name="tsdesktop", version=__version__),
        "measurements": _measurements(measured, series.modality),
    }
    number = segments.numbers.get(short(structure.name)) if segments else None
    if segments is None or number is None:
        images = [_image(series, k) for k in shown.get(structure.label, [])]
        return sr.MeasurementsAndQualitativeEvaluations(source_images=images or [_image(series, 0)], **parts)
    reference = sr.ReferencedSegment(
        segments.header.SOPClassUID,
        segments.header.SOPInstanceUID,
        number,
        source_series=sr.SourceSeriesForSegmentation(series.series_instance_uid),
    )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=reference, **parts)


def _image(series: SourceSeries, k: int) -> Any:
    from highdicom.sr import SourceImageForMeasurementGroup

    each = series.slices[k]
    frames = None if each.frame is None else [each.frame]
    return SourceImageForMeasurementGroup(each.sop_class_uid, each.sop_instance_uid, frames)


def _site(structure: StructureClass) -> Any:
    """Where the structure is: its region or itself, with the side, or else the modifier that its code has."""
    from highdicom.sr import FindingSite

    codes = codes_of(structure)
    place, modifier = (codes.region, codes.region_modifier) if codes.region else (codes.type, codes.type_modifier)
    if modifier is None:
        return FindingSite(concept(place))
    if modifier.value in _SIDES:
        return FindingSite(concept(place), laterality=concept(modifier))
    return FindingSite(concept(place), topographical_modifier=concept(modifier))


def _measurements(measured: StructureStatistics, modality: str) -> list[Any]:
    from highdicom.sr import Measurement

    out = [Measurement(concept(_VOLUME), _rounded(measured.volume_ml), concept(_MILLILITRE))]
    if measured.intensity is None or modality not in _INTENSITIES:
        return out
    name, unit = _INTENSITIES[modality]
    for key, derivation in _DERIVATIONS.items():
        value = _rounded(getattr(measured.intensity, key))
        out.append(Measurement(concept(name), value, concept(unit), derivation=concept(derivation)))
    return out


def _rounded(value: float) -> float:
    """Nine significant digits: what a decimal string of 16 characters holds in any case."""
    return float(f"{value:.9g}")
