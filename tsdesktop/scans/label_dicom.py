"""Reads DICOM segmentations and RT structure sets of any maker as labels on the grid of a scan that is open."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ReadError
from tsdesktop.core.geometry import LPS_FROM_RAS, Shape
from tsdesktop.core.structures import Rgb, StructureClass, structure_class
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Labels, Volume
from tsdesktop.scans.content import kind_of
from tsdesktop.scans.label_dicom_planes import SAME_PLACE_MM, Planes
from tsdesktop.scans.label_names import NamedLabels, distinct, task_of

log = logging.getLogger(__name__)
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
_SAME_DIRECTION = 1e-3
_UNEVEN = 4.0


@dataclass(frozen=True)
class Named:
    """A segment or region of a file: its number there, its name, and its colour where one is stated."""

    number: int
    name: str
    rgb: Rgb | None = None


def is_dicom_labels(path: Path) -> bool:
    """Whether the file is a DICOM segmentation or RT structure set. Raises ReadError and OSError."""
    if kind_of(path) != "dicom":
        return False
    return _storage(path) in (*_SEGMENTATIONS, _STRUCTURE_SET)


def read_dicom_labels(path: Path, volume: Volume) -> LabelMap:
    """The segments or regions of a DICOM file on the grid of `volume`.

    Segmentations are BINARY, FRACTIONAL (from one half on) or LABELMAP; contours are filled by the even-odd rule, so
    that a contour within another is a hole. Where structures overlap, the smaller one stays. Raises ReadError, also
    where the file shares no part with the scan.
    """
    from tsdesktop.scans.label_dicom_contours import read_contours

    with _plain_words(path):
        if _storage(path) == _STRUCTURE_SET:
            return read_contours(path, volume)
        return _read_segmentation(path, volume)


def segmentation_grid(path: Path) -> tuple[Shape, NDArray[np.float64]] | None:
    """Shape and affine (RAS+ mm) of the planes of a DICOM segmentation, which may be sheared; None for contours.

    Planes without a segment are not in the file: the grid goes on at the smallest distance between two. Raises
    ReadError and OSError.
    """
    import pydicom

    with _plain_words(path):
        if _storage(path) == _STRUCTURE_SET:
            return None
        ds = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        frames = _frames(ds, path.name)
        first = frames[0]
        across = np.cross(first.column_step, first.row_step)
        across /= np.linalg.norm(across)
        corners = _corners(frames)
        heights = corners @ across
        gaps = np.diff(np.sort(heights))
        # Two of an uneven series may lie closer than all others.
        even = gaps[gaps > np.median(gaps) / _UNEVEN] if len(gaps) else gaps
        step = float(even.min()) if len(even) else _thickness(ds) or 1.0
        low, high = corners[heights.argmin()], corners[heights.argmax()]
        count = round(float(np.ptp(heights)) / step) + 1
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1] = first.column_step, first.row_step
        affine[:3, 2] = (high - low) / (count - 1) if count > 1 else across * step
        affine[:3, 3] = low
        return (int(ds.Columns), int(ds.Rows), count), affine


def classes_of(named: Sequence[Named], task: str = "") -> tuple[NamedLabels, dict[int, int]]:
    """The structures of a file and, for each number in it, the label.

    Labels are those of the task that is stated, or that has just these structures; else they count from 1.
    """
    names = [each.name for each in named]
    known = catalogue().tasks.get(task)
    found = task_of(names)
    if known is not None and set(names) <= {each.name for each in known.classes} and len(set(names)) == len(names):
        found = NamedLabels(known.classes, known.name)
    if found.classes:
        labels = {each.name: each.label for each in found.classes}
        return found, {each.number: labels[each.name] for each in named}
    own = distinct(_structure(n, each) for n, each in enumerate(named, 1))
    return NamedLabels(own), {each.number: n for n, each in enumerate(named, 1)}


def painted(parts: Iterable[tuple[int, Any]], sizes: dict[int, int]) -> list[tuple[int, Any]]:
    """(label, part) in the order in which to paint them: large structures first, so that small ones stay on top."""
    return sorted(parts, key=lambda each: (-sizes[each[0]], each[0]))


def label_type(classes: Iterable[StructureClass]) -> type[np.uint8] | type[np.uint16]:
    """The smallest type that holds all labels."""
    return np.uint16 if max((each.label for each in classes), default=1) > 255 else np.uint8


def checked(labels: Labels, volume: Volume, named: NamedLabels, name: str, *, anything: bool) -> LabelMap:
    """The label map. Raises ReadError where the file has labels (`anything`) and none of them lies on the scan."""
    if anything and not labels.any():
        raise ReadError("labels.elsewhere", name=name)
    return LabelMap(labels, volume.geometry, named.classes, named.task)


def _structure(label: int, named: Named) -> StructureClass:
    structure = structure_class(label, named.name)
    return structure if named.rgb is None else replace(structure, rgb=named.rgb)


@contextmanager
def _plain_words(path: Path) -> Iterator[None]:
    """Turns what pydicom stumbles over in a damaged file into a ReadError."""
    try:
        with warnings.catch_warnings():
            # pydicom remarks on odd values that are read all the same.
            warnings.filterwarnings("ignore", module="pydicom")
            yield
    except (OSError, ReadError):
        raise
    except Exception as error:  # pydicom meets damaged files with whatever its parser stumbled over
        raise ReadError("read.broken", name=path.name, reason="its DICOM content is damaged") from error


def _storage(path: Path) -> str:
    import pydicom

    try:
        ds = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"], force=True)
        return str(ds.get("SOPClassUID", "") or "")
    except OSError:
        raise
    except Exception:
        # A damaged file is none of ours; reading it as a scan says what is wrong.
        log.debug("the storage class of a DICOM file could not be read")
        return ""


def _read_segmentation(path: Path, volume: Volume) -> LabelMap:
    import pydicom

    ds = pydicom.dcmread(path, force=True)
    named, labels = classes_of([_segment(each) for each in ds.SegmentSequence if _number(each) > 0], _task(ds))
    frames = _frames(ds, path.name)
    pictures = _pictures(ds, frames, labels, label_type(named.classes))
    first = frames[0]
    planes = Planes(pictures, _corners(frames), first.column_step, first.row_step, _thickness(ds))
    on_grid = planes.on_grid(volume.geometry)
    return checked(on_grid, volume, named, path.name, anything=bool(pictures.any()))


@dataclass(frozen=True, eq=False)
class _Frame:
    """A frame of a segmentation: its segment (0 where pixels name it), its plane, and its place in RAS+ mm."""

    segment: int
    plane: int
    corner_ras: NDArray[np.float64]
    column_step: NDArray[np.float64]
    row_step: NDArray[np.float64]


def _number(segment: Any) -> int:
    return int(segment.SegmentNumber)


def _segment(segment: Any) -> Named:
    """Number, name and colour of a segment; without a label its coded meaning is its name."""
    meaning = segment.get("SegmentedPropertyTypeCodeSequence") or [{}]
    name = str(segment.get("SegmentLabel") or meaning[0].get("CodeMeaning") or f"segment_{_number(segment)}")
    return Named(_number(segment), name.strip(), _rgb(segment.get("RecommendedDisplayCIELabValue")))


def _rgb(lab: Any) -> Rgb | None:
    if lab is None or len(lab) != 3:
        return None
    from highdicom.color import CIELabColor

    red, green, blue = CIELabColor.from_dicom_value([int(each) for each in lab]).to_rgb()
    return red, green, blue


def _task(ds: Any) -> str:
    """The task that this program states in its segmentations."""
    for segment in ds.SegmentSequence:
        for algorithm in segment.get("SegmentationAlgorithmIdentificationSequence") or []:
            for each in str(algorithm.get("AlgorithmParameters") or "").split(","):
                key, _, value = each.strip().partition("=")
                if key == "task":
                    return value.strip()
    return ""


def _frames(ds: Any, name: str) -> list[_Frame]:
    """Every frame with its place. Raises ReadError where they are not parallel or have no place."""
    shared = (ds.get("SharedFunctionalGroupsSequence") or [{}])[0]
    frames: list[_Frame] = []
    planes: dict[int, int] = {}
    normal = None
    for groups in ds.PerFrameFunctionalGroupsSequence:
        orientation = np.array(_group(groups, shared, "PlaneOrientationSequence").ImageOrientationPatient, float)
        spacing = [float(each) for each in _group(groups, shared, "PixelMeasuresSequence").PixelSpacing]
        corner = np.array(_group(groups, shared, "PlanePositionSequence").ImagePositionPatient, float)
        across = np.cross(orientation[:3], orientation[3:])
        normal = across if normal is None else normal
        if np.abs(across - normal).max() > _SAME_DIRECTION:
            raise ReadError("labels.not_parallel", name=name)
        identification = groups.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")
        segment = int(identification[0].ReferencedSegmentNumber) if identification else 0
        place = round(float(corner @ normal) / SAME_PLACE_MM)
        ras = LPS_FROM_RAS[:3, :3]
        steps = ras @ orientation[:3] * spacing[1], ras @ orientation[3:] * spacing[0]
        frames.append(_Frame(segment, planes.setdefault(place, len(planes)), ras @ corner, *steps))
    return frames


def _group(groups: Any, shared: Any, sequence: str) -> Any:
    found = groups.get(sequence) or shared.get(sequence)
    return found[0]


def _corners(frames: Sequence[_Frame]) -> NDArray[np.float64]:
    corners = {each.plane: each.corner_ras for each in frames}
    return np.array([corners[plane] for plane in range(len(corners))])


def _thickness(ds: Any) -> float:
    shared = (ds.get("SharedFunctionalGroupsSequence") or [{}])[0]
    own = ds.PerFrameFunctionalGroupsSequence[0]
    measures = _group(own, shared, "PixelMeasuresSequence")
    return abs(float(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 0.0))


def _pictures(
    ds: Any, frames: Sequence[_Frame], labels: dict[int, int], kind: type[np.uint8] | type[np.uint16]
) -> Labels:
    """The label pictures [plane, row, column]: painted as frames come, and anew by size where structures overlap."""
    shape = max(each.plane for each in frames) + 1, int(ds.Rows), int(ds.Columns)
    out: Labels = np.zeros(shape, np.uint8) if kind is np.uint8 else np.zeros(shape, np.uint16)
    if ds.SegmentationType == "LABELMAP":
        _paint_numbers(out, ds, frames, labels)
        return out
    sizes = np.zeros(int(np.iinfo(kind).max) + 1, np.int64)
    overlap = False
    for frame, mask in _masks(ds, frames):
        picture, label = out[frame.plane], labels[frame.segment]
        overlap |= bool(picture[mask].any())
        picture[mask] = label
        sizes[label] += np.count_nonzero(mask)
    if overlap:
        log.info("segments overlap: the smaller one stays")
        _paint_by_size(out, _masks(ds, frames), labels, sizes)
    return out


def _paint_by_size(
    out: Labels,
    masks: Iterable[tuple[_Frame, NDArray[np.bool_]]],
    labels: dict[int, int],
    sizes: NDArray[np.int64],
) -> None:
    out[...] = 0
    sizes[0] = np.iinfo(np.int64).max
    for frame, mask in masks:
        picture, label = out[frame.plane], labels[frame.segment]
        picture[mask & (sizes[picture] > sizes[label])] = label


def _masks(ds: Any, frames: Sequence[_Frame]) -> Iterator[tuple[_Frame, NDArray[np.bool_]]]:
    from pydicom.pixels import iter_pixels

    half = 1 if ds.SegmentationType == "BINARY" else max(1.0, float(ds.get("MaximumFractionalValue") or 255) / 2)
    for frame, pixels in zip(frames, iter_pixels(ds, raw=True), strict=True):
        yield frame, pixels >= half


def _paint_numbers(out: Labels, ds: Any, frames: Sequence[_Frame], labels: dict[int, int]) -> None:
    from pydicom.pixels import iter_pixels

    table = np.zeros(65536, out.dtype)
    for number, label in labels.items():
        table[number] = label
    for frame, pixels in zip(frames, iter_pixels(ds, raw=True), strict=True):
        out[frame.plane] = table[pixels]
