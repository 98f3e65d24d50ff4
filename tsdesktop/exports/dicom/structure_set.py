"""Label maps as DICOM RT Structure Sets: contours on the slices of the series they were made from."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.provenance import Provenance
from tsdesktop.core.structures import Code, StructureClass
from tsdesktop.core.version import __version__
from tsdesktop.core.volume import LabelMap, Labels, ScanSource
from tsdesktop.exports.dicom.coding import codes_of, concept, display_rgb, is_ours, scheme_item
from tsdesktop.exports.dicom.contours import Points, contours
from tsdesktop.exports.dicom.frames import encoded, labels_found
from tsdesktop.exports.dicom.segmentation import frame_of_reference, series_description
from tsdesktop.exports.dicom.sources import SourceSeries, SourceSlice, as_arrays, source_series
from tsdesktop.exports.dicom.study import (
    MANUFACTURER,
    MODEL,
    SERIAL_NUMBER,
    local_time,
    quiet,
    series_number,
    short,
    stamp,
    write_file_header,
)
from tsdesktop.exports.writing import refuse_existing, written

_WHAT = "RT structure set"
_WHICH_SERIES = 2
_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
# Contours longer than 64 kB fit in this transfer syntax only; it is the usual one for structure sets.
_IMPLICIT = "1.2.840.10008.1.2"
_STUDY_COMPONENT = "1.2.840.10008.3.1.2.3.1"
_CONTOURS = 0x30060039
_DECIMALS = 3


def write_structure_set(
    label_map: LabelMap, source: ScanSource, path: Path, provenance: Provenance, *, overwrite: bool = False
) -> Path:
    """Writes the structures that are present as regions of interest of one RT Structure Set (PS3.3 A.19).

    Contours are closed, lie in the slices of the source series and refer to them; see `contours` for how they run. The
    same labels and time give the same bytes. Raises ExportError, also where the scan was not read from DICOM or nothing
    is present.
    """
    refuse_existing([path], overwrite=overwrite)
    series = source_series(source, _WHAT)
    arrays = as_arrays(label_map, series, path.name)
    structures = _present(label_map, arrays)
    if not structures:
        raise ExportError("export.nothing", reason="no structure lies on the slices of the scan")
    with quiet():
        ds = _described(series, structures, label_map.task, provenance)
        with written(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
            write_file_header(ds, file)
            file.write(encoded(ds[:_CONTOURS], implicit=True))
            file.write(_element(_CONTOURS, _regions(series, arrays, structures)))
            file.write(encoded(ds[_CONTOURS:], implicit=True))
    return path


def _present(label_map: LabelMap, arrays: Labels) -> list[StructureClass]:
    found = np.flatnonzero(labels_found(arrays).any(axis=0))
    return sorted((each for each in label_map.classes if each.label in found), key=lambda each: each.label)


def _described(series: SourceSeries, structures: Sequence[StructureClass], task: str, provenance: Provenance) -> Any:
    """The object with all but its contours."""
    ds = _bare(provenance.uid(_WHAT, "instance", series.series_instance_uid))
    for key, value in series.study.items():
        setattr(ds, key, value)
    made = local_time(provenance, series.study)
    stamp(ds, made, "StructureSet", "Series")
    ds.Modality, ds.SeriesInstanceUID = "RTSTRUCT", provenance.uid(_WHAT, "series", series.series_instance_uid)
    ds.SeriesNumber, ds.InstanceNumber = series_number(series.series_number, _WHICH_SERIES), 1
    ds.SeriesDescription, ds.OperatorsName = series_description(task), ""
    ds.Manufacturer, ds.ManufacturerModelName = MANUFACTURER, MODEL
    ds.SoftwareVersions, ds.DeviceSerialNumber = __version__, SERIAL_NUMBER
    ds.StructureSetLabel, ds.StructureSetName = "TSDESKTOP", series_description(task)
    ds.StructureSetDescription = short(f"{task or 'structures'} by tsdesktop {__version__}")
    if provenance.networks:
        ds.StructureSetDescription = f"{ds.StructureSetDescription}: {'; '.join(provenance.networks)}"[:1024]
    ds.ApprovalStatus = "UNAPPROVED"
    if any(map(is_ours, structures)):
        ds.CodingSchemeIdentificationSequence = [scheme_item()]
    frame = frame_of_reference(series, provenance)
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = frame, ""
    ds.ReferencedFrameOfReferenceSequence = [_referenced(series, frame)]
    ds.StructureSetROISequence = [_roi(n, each, frame) for n, each in enumerate(structures, 1)]
    ds.RTROIObservationsSequence = [_observation(n, each) for n, each in enumerate(structures, 1)]
    return ds


def _bare(uid: str) -> Any:
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = _IMPLICIT, _STORAGE, uid
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = _STORAGE, uid
    return ds


def _referenced(series: SourceSeries, frame_uid: str) -> Any:
    """The frame of reference with the study, the series and each of its files."""
    from pydicom.dataset import Dataset

    frame, study, one = Dataset(), Dataset(), Dataset()
    one.SeriesInstanceUID = series.series_instance_uid
    one.ContourImageSequence = [_image(each, with_frame=False) for each in series.instances]
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = _STUDY_COMPONENT, series.study["StudyInstanceUID"]
    study.RTReferencedSeriesSequence = [one]
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = frame_uid, [study]
    return frame


def _image(slice: SourceSlice, *, with_frame: bool = True) -> Any:
    from pydicom.dataset import Dataset

    ds = Dataset()
    ds.ReferencedSOPClassUID, ds.ReferencedSOPInstanceUID = slice.sop_class_uid, slice.sop_instance_uid
    if with_frame and slice.frame is not None:
        ds.ReferencedFrameNumber = slice.frame
    return ds


def _roi(number: int, structure: StructureClass, frame_uid: str) -> Any:
    from pydicom.dataset import Dataset

    ds = Dataset()
    ds.ROINumber, ds.ReferencedFrameOfReferenceUID = number, frame_uid
    ds.ROIName, ds.ROIGenerationAlgorithm = short(structure.name), "AUTOMATIC"
    ds.ROIGenerationDescription = short(f"tsdesktop {__version__}")
    return ds


def _observation(number: int, structure: StructureClass) -> Any:
    """What the region is: an organ, with the structure's codes."""
    from pydicom.dataset import Dataset

    codes = codes_of(structure)
    ds = Dataset()
    ds.ObservationNumber = ds.ReferencedROINumber = number
    ds.ROIObservationLabel = short(structure.name, 16)
    ds.RTROIInterpretedType, ds.ROIInterpreter = "ORGAN", ""
    identification = concept(codes.type)
    if codes.type_modifier:
        identification.SegmentedPropertyTypeModifierCodeSequence = [concept(codes.type_modifier)]
    ds.RTROIIdentificationCodeSequence = [identification]
    if codes.region:
        ds.AnatomicRegionSequence = [_region(codes.region, codes.region_modifier)]
    return ds


def _region(region: Code, modifier: Code | None) -> Any:
    ds = concept(region)
    if modifier:
        ds.AnatomicRegionModifierSequence = [concept(modifier)]
    return ds


def _regions(series: SourceSeries, arrays: Labels, structures: Sequence[StructureClass]) -> bytes:
    """The items of the contour sequence (3006,0039): the contours of each structure, slice by slice.

    They are put together as bytes: parsing millions of decimal strings into objects would take minutes.
    """
    found = labels_found(arrays)
    images = [_element(0x30060016, _item(encoded(_image(each), implicit=True))) for each in series.slices]
    regions = []
    for number, structure in enumerate(structures, 1):
        items: list[bytes] = []
        for k in np.flatnonzero(found[:, structure.label]):
            for points in _on_slice(arrays[k] == structure.label):
                items.append(_item(images[k] + _contour(len(items) + 1, points, series.slices[k])))
        colour = "\\".join(map(str, display_rgb(structure)))
        parts = _text(0x3006002A, colour), _element(0x30060040, b"".join(items)), _text(0x30060084, str(number))
        regions.append(_item(b"".join(parts)))
    return b"".join(regions)


def _on_slice(mask: NDArray[np.bool_]) -> Iterator[Points]:
    """The contours of a mask [row, column], found in its bounding box."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return (each + np.array([columns[0], rows[0]]) for each in contours(part))


def _contour(number: int, points: Points, slice: SourceSlice) -> bytes:
    """Type, number of points, number and coordinates of a contour."""
    parts = ((0x30060042, "CLOSED_PLANAR"), (0x30060046, str(len(points))), (0x30060048, str(number)))
    return b"".join(_text(tag, text) for tag, text in parts) + _text(0x30060050, _coordinates(points, slice))


def _coordinates(points: Points, slice: SourceSlice) -> str:
    """Places in the patient (LPS mm, thousandths) of pixel positions (column, row), as DICOM writes them."""
    row, column = np.array(slice.orientation_lps).reshape(2, 3)
    steps = np.stack([row * slice.pixel_spacing_mm[1], column * slice.pixel_spacing_mm[0]])
    places = np.round(points @ steps + slice.position_lps, _DECIMALS) + 0.0
    return "\\".join(map(repr, places.ravel().tolist()))


def _item(content: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def _text(tag: int, text: str) -> bytes:
    return _element(tag, text.encode("ascii") + b" " * (len(text) % 2))


def _element(tag: int, content: bytes) -> bytes:
    """An element in implicit little-endian notation."""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(content)) + content
