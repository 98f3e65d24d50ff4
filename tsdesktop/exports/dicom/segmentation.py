"""Label maps as DICOM Segmentation objects on the slices of the series they were made from."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from tsdesktop.core.errors import ExportError
from tsdesktop.core.options import DicomSegForm
from tsdesktop.core.provenance import Provenance
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.version import __version__
from tsdesktop.core.volume import LabelMap, Labels, ScanSource
from tsdesktop.exports.dicom import frames as frame
from tsdesktop.exports.dicom.coding import codes_of, colour_lab, concept, is_ours, scheme_item
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
    write_file_header,
)
from tsdesktop.exports.writing import refuse_existing, written

_WHAT = "DICOM segmentation"
_WHICH_SERIES = 1
_EXPLICIT = "1.2.840.10008.1.2.1"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_RUN_LENGTHS = "1.2.840.10008.1.2.5"
_CT_IMAGE, _MR_IMAGE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"


@dataclass(frozen=True)
class SegmentationForm:
    """How a segmentation is stored.

    `kind` "BINARY": a frame of bits per structure and slice, which every reader of segmentations knows; `deflated`: the
    whole object compressed, many times smaller, for readers that know this transfer syntax. "LABELMAP": one frame per
    slice with the labels as numbers, compressed as runs; part of the standard since 2024.
    """

    kind: Literal["BINARY", "LABELMAP"] = "BINARY"
    deflated: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("BINARY", "LABELMAP") or (self.kind == "LABELMAP" and self.deflated):
            raise ValueError(f"a segmentation is BINARY, BINARY deflated, or LABELMAP, got {self}")

    @property
    def syntax(self) -> str:
        """The transfer syntax."""
        if self.kind == "LABELMAP":
            return _RUN_LENGTHS
        return _DEFLATED if self.deflated else _EXPLICIT


BINARY = SegmentationForm()
# What each name of the options stands for.
FORMS: Mapping[DicomSegForm, SegmentationForm] = {
    "binary": BINARY,
    "deflated": SegmentationForm(deflated=True),
    "labelmap": SegmentationForm("LABELMAP"),
}


@dataclass(frozen=True, eq=False)
class _Content:
    """What goes into a segmentation: labels [slice, row, column], the structures in them, and the frames."""

    series: SourceSeries
    arrays: Labels
    structures: tuple[StructureClass, ...]
    frames: list[frame.Frame]

    @property
    def labels(self) -> list[int]:
        return [each.label for each in self.structures]


def write_dicom_segmentation(
    label_map: LabelMap,
    source: ScanSource,
    path: Path,
    provenance: Provenance,
    *,
    form: SegmentationForm = BINARY,
    overwrite: bool = False,
) -> Path:
    """Writes the structures that are present as segments of one DICOM Segmentation (PS3.3 A.51, through highdicom).

    The frames lie on the slices of the source series and refer to them. The same labels, time and form give the same
    bytes. Raises ExportError, also where the scan was not read from DICOM or nothing is present.
    """
    refuse_existing([path], overwrite=overwrite)
    content = _content(label_map, source_series(source, _WHAT), form, path.name)
    with quiet():
        head = _described(content, label_map.task, provenance, form)
        with written(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
            _write(head, content, form, file)
    return path


def segmentation_uid(provenance: Provenance, source_series_uid: str, form: SegmentationForm = BINARY) -> str:
    """The SOP instance UID of the segmentation that `write_dicom_segmentation` writes."""
    return provenance.uid(_WHAT, "instance", source_series_uid, form.kind)


def tracking_uid(provenance: Provenance, source_series_uid: str, name: str) -> str:
    """The identifier that the segment, the contour and the measurements of one structure share."""
    return provenance.uid("tracking", source_series_uid, name)


def _content(label_map: LabelMap, series: SourceSeries, form: SegmentationForm, name: str) -> _Content:
    arrays = as_arrays(label_map, series, name)
    found = frame.labels_found(arrays)
    structures = tuple(each for each in label_map.classes if each.label < found.shape[1] and found[:, each.label].any())
    if not structures:
        raise ExportError("export.nothing", reason="no structure lies on the slices of the scan")
    structures = tuple(sorted(structures, key=lambda each: each.label))
    labels = [each.label for each in structures]
    if form.kind == "LABELMAP":
        return _Content(series, _narrow(arrays, labels), structures, frame.label_frames(found, labels))
    content = _Content(series, arrays, structures, frame.binary_frames(found, labels))
    if frame.binary_size(len(content.frames), arrays[0].size) > frame.MOST_BYTES:
        raise ExportError("export.dicom_too_large", name=name)
    return content


def _narrow(arrays: Labels, labels: Sequence[int]) -> Labels:
    """The labels that have a segment, with one byte each where that is enough."""
    table: Any = np.zeros(int(arrays.max()) + 1, np.uint8 if max(labels) < 256 else np.uint16)
    table[list(labels)] = labels
    narrow: Labels = table[arrays]
    return narrow


def _described(content: _Content, task: str, provenance: Provenance, form: SegmentationForm) -> Any:
    """The object with all but its frames, by highdicom from one frame with a pixel of each segment."""
    from highdicom.content import PlaneOrientationSequence, PlanePositionSequence
    from highdicom.seg import Segmentation

    series = content.series
    first = series.slices[0]
    numbers = content.labels if form.kind == "LABELMAP" else list(range(1, len(content.structures) + 1))
    ds = Segmentation(
        source_images=_single_frame(instances(series, provenance)),
        pixel_array=np.array([[numbers]], np.uint16),
        segmentation_type=form.kind,
        segment_descriptions=[
            _segment(number, each, content, task, provenance)
            for number, each in zip(numbers, content.structures, strict=True)
        ],
        series_instance_uid=provenance.uid(_WHAT, "series", series.series_instance_uid, form.kind),
        series_number=series_number(series.series_number, _WHICH_SERIES),
        sop_instance_uid=segmentation_uid(provenance, series.series_instance_uid, form),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=SERIAL_NUMBER,
        content_label="SEGMENTATION",
        content_description=short(f"{task or 'structures'} by tsdesktop {__version__}"),
        series_description=series_description(task),
        specific_character_set=CHARACTER_SET,
        coding_schemes=[scheme_item()] if any(map(is_ours, content.structures)) else None,
        transfer_syntax_uid=_RUN_LENGTHS if form.kind == "LABELMAP" else _EXPLICIT,
        pixel_measures=_measures(series),
        plane_orientation=PlaneOrientationSequence("PATIENT", first.orientation_lps),
        plane_positions=[PlanePositionSequence("PATIENT", first.position_lps)],
        omit_empty_frames=False,
    )
    return _completed(ds, content, provenance, form)


def series_description(task: str) -> str:
    """The description of a series of results."""
    return short(f"tsdesktop {task or 'structures'}")


def _completed(ds: Any, content: _Content, provenance: Provenance, form: SegmentationForm) -> Any:
    """The object with the size of the real frames and with identifiers and times of the run."""
    series = content.series
    for key in ("PerFrameFunctionalGroupsSequence", "PixelData"):
        delattr(ds, key)
    shared = ds.SharedFunctionalGroupsSequence[0]
    # highdicom measured them on its single frame.
    shared.PixelMeasuresSequence = _measures(series)
    if "SegmentIdentificationSequence" in shared:
        del shared.SegmentIdentificationSequence
    for each in (*ds.SourceImageSequence, *ds.ReferencedSeriesSequence[0].ReferencedInstanceSequence):
        each.ReferencedSOPClassUID = series.slices[0].sop_class_uid
    ds.Rows, ds.Columns = series.shape[1:]
    ds.NumberOfFrames = len(content.frames)
    organization = provenance.uid(_WHAT, "dimensions", series.series_instance_uid, form.kind)
    ds.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    for each in ds.DimensionIndexSequence:
        each.DimensionOrganizationUID = organization
    stamp(ds, local_time(provenance, series.study), "Series", "Content")
    ds.file_meta.TransferSyntaxUID = form.syntax
    return ds


def _measures(series: SourceSeries) -> Any:
    """Pixel spacing, thickness, and the distance between slices where it is the same everywhere."""
    from highdicom.content import PixelMeasuresSequence

    spacing_mm = abs(series.spacing_mm) or None
    return PixelMeasuresSequence(series.slices[0].pixel_spacing_mm, series.thickness_mm or 1.0, spacing_mm)


def _single_frame(headers: list[Any]) -> list[Any]:
    """The headers as those of single slices: of a multi-frame object highdicom asks for more than is needed here."""
    for ds in headers:
        ds.SOPClassUID = _MR_IMAGE if ds.Modality == "MR" else _CT_IMAGE
    return headers


def instances(series: SourceSeries, provenance: Provenance) -> list[Any]:
    """A short header for each file of the source, as highdicom asks for."""
    return [_instance(each, series, provenance) for each in series.instances]


def _instance(slice: Any, series: SourceSeries, provenance: Provenance) -> Any:
    from pydicom.dataset import Dataset

    ds = Dataset()
    for key, value in series.study.items():
        setattr(ds, key, value)
    ds.SOPClassUID, ds.SOPInstanceUID = slice.sop_class_uid, slice.sop_instance_uid
    ds.SeriesInstanceUID, ds.Modality = series.series_instance_uid, series.modality
    ds.FrameOfReferenceUID = frame_of_reference(series, provenance)
    ds.Rows, ds.Columns = slice.rows, slice.columns
    ds.ImagePositionPatient, ds.ImageOrientationPatient = list(slice.position_lps), list(slice.orientation_lps)
    ds.PixelSpacing, ds.SliceThickness = list(slice.pixel_spacing_mm), series.thickness_mm
    return ds


def frame_of_reference(series: SourceSeries, provenance: Provenance) -> str:
    """The source's frame of reference; one of its own for a source that has lost it."""
    return series.frame_of_reference_uid or provenance.uid("frame of reference", series.series_instance_uid)


def _segment(number: int, structure: StructureClass, content: _Content, task: str, provenance: Provenance) -> Any:
    from highdicom.seg import SegmentDescription

    codes = codes_of(structure)
    ds = SegmentDescription(
        segment_number=number,
        segment_label=short(structure.name),
        segmented_property_category=concept(codes.category),
        segmented_property_type=concept(codes.type),
        algorithm_type="AUTOMATIC",
        algorithm_identification=_algorithm(task, provenance),
        tracking_uid=tracking_uid(provenance, content.series.series_instance_uid, structure.name),
        tracking_id=structure.name,
        anatomic_regions=[concept(codes.region)] if codes.region else None,
        display_color=colour_lab(structure),
    )
    if codes.type_modifier:
        modifier = [concept(codes.type_modifier)]
        ds.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = modifier
    if codes.region and codes.region_modifier:
        ds.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [concept(codes.region_modifier)]
    return ds


def _algorithm(task: str, provenance: Provenance) -> Any:
    """The program and task that made the labels; the networks with their versions where the run names them."""
    from highdicom.content import AlgorithmIdentificationSequence
    from pydicom.sr.codedict import codes

    parameters = {"task": task} if task else {}
    if provenance.networks:
        parameters["networks"] = ";".join(provenance.networks)
    return AlgorithmIdentificationSequence(
        name=short(f"tsdesktop {task}"),
        family=codes.cid7162.ArtificialIntelligence,
        version=__version__,
        source="tsdesktop",
        parameters=parameters or None,
    )


def _write(head: Any, content: _Content, form: SegmentationForm, file: IO[bytes]) -> None:
    """Writes file header, description, frames and pixels. The last two have the highest tags, so they come last."""
    write_file_header(head, file)
    with _sink(file, deflated=form.deflated) as sink:
        sink(frame.encoded(head))
        frame.write_groups(content.frames, content.series.slices, sink)
        if form.kind == "LABELMAP":
            frame.write_labels(content.frames, content.arrays, sink)
        else:
            frame.write_binary(content.frames, content.arrays, content.labels, sink)


@contextmanager
def _sink(file: IO[bytes], *, deflated: bool) -> Iterator[frame.Sink]:
    """Where the data set's bytes go: to the file, or through deflation (PS3.5 A.5), padded to an even length."""
    if not deflated:
        yield file.write
        return
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    start = file.tell()
    yield lambda block: file.write(packer.compress(block))
    file.write(packer.flush())
    if (file.tell() - start) % 2:
        file.write(b"\0")
