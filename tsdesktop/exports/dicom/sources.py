"""The series a scan was read from, as its files state it: what DICOM results refer to, and the grid they lie on."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.geometry import LPS_FROM_RAS, Geometry
from tsdesktop.core.resampling import nearest_on_plane
from tsdesktop.core.volume import LabelMap, Labels, ScanSource
from tsdesktop.exports.dicom.study import study_attributes

_SLICE_TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality"),
    *("Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
]
# Storage classes of files that have lost theirs.
_STORAGE = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4", "PT": "1.2.840.10008.5.1.4.1.1.128"}
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True, eq=False)
class SourceSlice:
    """One picture of the source: identifiers, place (LPS mm), and `frame` (from 1) where its file has several."""

    sop_class_uid: str
    sop_instance_uid: str
    frame: int | None
    position_lps: tuple[float, float, float]
    orientation_lps: tuple[float, ...]
    pixel_spacing_mm: tuple[float, float]
    rows: int
    columns: int

    @property
    def normal_lps(self) -> NDArray[np.float64]:
        """The unit normal: row direction x column direction."""
        normal = np.cross(self.orientation_lps[:3], self.orientation_lps[3:])
        return np.asarray(normal / np.linalg.norm(normal))

    @property
    def geometry(self) -> Geometry:
        """The slice as a grid of (columns, rows, 1) voxels in RAS+ mm, 1 mm thick."""
        affine = np.eye(4)
        row, column = np.array(self.orientation_lps[:3]), np.array(self.orientation_lps[3:])
        affine[:3, 0] = row * self.pixel_spacing_mm[1]
        affine[:3, 1] = column * self.pixel_spacing_mm[0]
        affine[:3, 2] = self.normal_lps
        affine[:3, 3] = self.position_lps
        return Geometry((self.columns, self.rows, 1), LPS_FROM_RAS @ affine)


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """The slices a scan was read from, in its slice order, and what else results of the same study repeat.

    `study` holds the attributes of patient and study by keyword; `spacing_mm` is the distance between slices along the
    normal, 0 where it differs from slice to slice.
    """

    slices: tuple[SourceSlice, ...]
    study: dict[str, Any]
    series_instance_uid: str
    series_number: int
    frame_of_reference_uid: str
    modality: str
    thickness_mm: float
    spacing_mm: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return len(self.slices), self.slices[0].rows, self.slices[0].columns

    @property
    def instances(self) -> list[SourceSlice]:
        """One slice of each file: what lists of instances refer to."""
        return list({each.sop_instance_uid: each for each in self.slices}.values())


def source_series(source: ScanSource, what: str) -> SourceSeries:
    """Reads the headers of the files behind a scan. `what` names the result that asks for them.

    Raises ExportError where the scan was not read from DICOM, or where its files have gone, changed or lack
    identifiers.
    """
    if source.format != "dicom" or not source.dicom_files:
        raise ExportError("export.dicom_only", name=source.name, what=what)
    headers = _headers(source, what)
    first = headers[0]
    missing = [key for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID") if not first.get(key)]
    if missing:
        raise ExportError("export.dicom_identifiers", name=source.name, what=what, missing=", ".join(missing))
    if any(_text(each, "SeriesInstanceUID") != source.series_instance_uid for each in headers):
        raise ExportError("export.dicom_source_changed", name=source.name, what=what)
    try:
        slices = tuple(_slices(headers, source.dicom_frames))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ExportError("export.dicom_source_changed", name=source.name, what=what) from error
    thickness = _number(_group(first, "PixelMeasuresSequence", 0), "SliceThickness")
    return SourceSeries(
        slices=slices,
        study=study_attributes(first),
        series_instance_uid=source.series_instance_uid,
        series_number=int(_number(first, "SeriesNumber")),
        frame_of_reference_uid=_text(first, "FrameOfReferenceUID"),
        modality=_text(first, "Modality"),
        thickness_mm=thickness or abs(_spacing(slices)),
        spacing_mm=_spacing(slices),
    )


def as_arrays(label_map: LabelMap, series: SourceSeries, name: str) -> Labels:
    """The labels on the slices of the source: [slice, row, column], by nearest neighbour, 0 beyond the label map.

    Slices whose grid is that of the label map are copied. Raises ExportError where no slice meets the label map.
    """
    out = np.zeros(series.shape, label_map.array.dtype)
    to_voxel = np.linalg.inv(label_map.affine)
    met = False
    for picture, each in zip(out, series.slices, strict=True):
        met |= nearest_on_plane(picture, label_map.array, to_voxel @ each.geometry.affine)
    if not met:
        raise ExportError("export.dicom_elsewhere", name=name)
    return out


def _headers(source: ScanSource, what: str) -> list[Any]:
    """The headers of the files, the first whole. Raises ExportError."""
    import pydicom  # only here: reading it takes a while, and few runs write DICOM

    found: list[Any] = []
    try:
        with warnings.catch_warnings(), opened_files(source) as opened:
            # pydicom remarks on odd values, which are checked or left out here.
            warnings.filterwarnings("ignore", module="pydicom")
            for file in opened:
                tags = [*_SLICE_TAGS, "NumberOfFrames"] if found else None
                found.append(pydicom.dcmread(file, stop_before_pixels=True, specific_tags=tags, force=True))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ExportError("export.dicom_source_gone", name=source.name, what=what) from error
    return found


@contextmanager
def opened_files(source: ScanSource) -> Iterator[Iterator[Any]]:
    """What pydicom can read of each file of the scan: paths, or the bytes of a zip's members."""
    archive = Path(source.path or "")
    if archive.is_file() and zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as members:
            yield (io.BytesIO(members.read(name)) for name in source.dicom_files)
    else:
        yield iter(source.dicom_files)


def _slices(headers: Sequence[Any], frames: Sequence[int]) -> Iterator[SourceSlice]:
    if frames:
        yield from (_slice(headers[0], frame) for frame in frames)
    else:
        yield from (_slice(header, None) for header in headers)


def _slice(header: Any, frame: int | None) -> SourceSlice:
    """One picture of a file (`frame` from 0). Raises what its parts raise when an attribute is not there."""
    number = frame or 0
    position = _group(header, "PlanePositionSequence", number).ImagePositionPatient
    orientation = _group(header, "PlaneOrientationSequence", number).ImageOrientationPatient
    spacing = _group(header, "PixelMeasuresSequence", number).PixelSpacing
    x, y, z = (float(each) for each in position)
    row_mm, column_mm = (float(each) for each in spacing)
    return SourceSlice(
        sop_class_uid=_text(header, "SOPClassUID") or _STORAGE.get(_text(header, "Modality"), _SECONDARY_CAPTURE),
        sop_instance_uid=str(header.SOPInstanceUID),
        frame=None if frame is None else frame + 1,
        position_lps=(x, y, z),
        orientation_lps=_unit(orientation),
        pixel_spacing_mm=(row_mm, column_mm),
        rows=int(header.Rows),
        columns=int(header.Columns),
    )


def _group(header: Any, sequence: str, frame: int) -> Any:
    """The item of a functional group: the frame's own, the shared one, or the header itself."""
    own = header.get("PerFrameFunctionalGroupsSequence") or []
    for place in (*own[frame : frame + 1], *(header.get("SharedFunctionalGroupsSequence") or [])[:1]):
        if place.get(sequence):
            return place.get(sequence)[0]
    return header


def _unit(orientation: Sequence[Any]) -> tuple[float, ...]:
    """Row and column direction at right angles and of length 1, as the reader of scans takes them."""
    cosines = np.array([float(each) for each in orientation])
    row = cosines[:3] / np.linalg.norm(cosines[:3])
    normal = np.cross(row, cosines[3:])
    column = np.cross(normal / np.linalg.norm(normal), row)
    exact = np.concatenate([row, column])
    # Rounded digits of the file stay what they are.
    kept = cosines if np.abs(exact - cosines).max() < 1e-5 else exact
    return tuple(float(each) for each in kept)


def _spacing(slices: Sequence[SourceSlice]) -> float:
    """The distance between slices along their normal in mm, negative against it; 0 where it varies."""
    heights = np.array([each.position_lps for each in slices]) @ slices[0].normal_lps
    gaps = np.diff(heights)
    if gaps.size == 0 or np.abs(gaps - gaps.mean()).max() > max(0.01, 0.02 * abs(gaps.mean())):
        return 0.0
    return float(gaps.mean())


def _text(header: Any, keyword: str) -> str:
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def _number(header: Any, keyword: str) -> float:
    try:
        return float(header.get(keyword))
    except (TypeError, ValueError):
        return 0.0
