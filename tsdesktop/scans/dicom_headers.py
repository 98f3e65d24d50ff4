"""One DICOM file's header as plain values: what it is, and where each of its pictures lies."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config, uid

from tsdesktop.core.errors import ReadError
from tsdesktop.scans.dicom_quick import PixelPlace, QuickHeader, Unusual, quick_header
from tsdesktop.scans.dicom_tags import TAGS

# A reader takes values as they are: what matters is checked here, and pydicom's remarks quote values and full paths.
config.settings.reading_validation_mode = config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)

Vector = tuple[float, ...]

_SCANS = {
    *(uid.CTImageStorage, uid.EnhancedCTImageStorage, uid.LegacyConvertedEnhancedCTImageStorage),
    *(uid.MRImageStorage, uid.EnhancedMRImageStorage, uid.LegacyConvertedEnhancedMRImageStorage),
    *(uid.PositronEmissionTomographyImageStorage, uid.EnhancedPETImageStorage),
    *(
        uid.LegacyConvertedEnhancedPETImageStorage,
        uid.XRay3DAngiographicImageStorage,
        uid.XRay3DCraniofacialImageStorage,
    ),
}
# Parts of a storage class's name, and what a person calls it.
_OTHER_OBJECTS = (
    ("Segmentation", "segmentation"),
    ("RT Structure Set", "radiotherapy structure set"),
    ("RT Plan", "radiotherapy plan"),
    ("RT Dose", "radiotherapy dose map"),
    ("RT ", "radiotherapy object"),
    ("SR", "report"),
    ("Key Object", "report"),
    ("Presentation", "presentation state"),
    ("Secondary Capture", "secondary capture picture"),
    ("Encapsulated", "document"),
    ("Registration", "registration"),
    ("Parametric Map", "parametric map"),
    ("Media Storage Directory", "DICOM directory"),
)


@dataclass(frozen=True, order=True)
class Moment:
    """What tells volumes of one series apart when they lie in the same place."""

    image_type: tuple[str, ...] = ()
    echo_ms: float = 0.0
    b_value: float = 0.0
    gradient: Vector = ()
    temporal: float = 0.0
    trigger_ms: float = 0.0
    acquisition: float = 0.0


@dataclass(frozen=True, eq=False)
class ImageFile:
    """A file that holds pictures of a scan; `samples` is over 1 for colours, also for those of a palette."""

    path: Path
    series_uid: str
    study_uid: str
    series_number: str
    description: str
    modality: str
    syntax: str
    samples: int
    frames: int
    bits_stored: int
    signed: bool
    padding: tuple[float, float] | None
    has_lookup_table: bool
    # No stated transfer syntax: a bare data set without file header.
    is_bare: bool
    # None where only pydicom finds its way to the pixel data.
    pixels: PixelPlace | None = None


@dataclass(frozen=True, eq=False)
class Slice:
    """One picture: a file, or a frame of one. Position and orientation in LPS, mm; spacing between rows, columns."""

    file: ImageFile
    frame: int
    sop_uid: str
    instance: float
    rows: int
    columns: int
    position_lps: Vector | None
    orientation_lps: Vector | None
    pixel_spacing_mm: Vector | None
    thickness_mm: float
    slope: float
    intercept: float
    frame_of_reference: str
    stack: str = ""
    window: tuple[float, float] | None = None
    moment: Moment = field(default_factory=Moment)


@dataclass(frozen=True)
class OtherObject:
    """A DICOM file that is not a scan, and what it is."""

    path: Path
    what: str


def read_header(path: Path) -> list[Slice] | OtherObject:
    """The pictures of a DICOM file, or what else it is. Raises ReadError when it is damaged, and OSError."""
    try:
        return described(path, _data_set(path))
    except (OSError, ReadError):
        raise
    except Exception as error:  # pydicom meets damaged files with whatever its parser stumbled over
        raise ReadError("read.broken", name=path.name, reason="its DICOM header is damaged") from error


def _data_set(path: Path) -> Any:
    try:
        return quick_header(path)
    except Unusual:
        return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS, force=True)


def described(path: Path, ds: Any) -> list[Slice] | OtherObject:
    """The pictures of a data set that was read with `TAGS`, or what else it is. Raises ReadError."""
    from tsdesktop.scans.dicom_enhanced import frame_slices

    if "DirectoryRecordSequence" in ds:
        return OtherObject(path, "DICOM directory")
    other = _other_object(ds)
    if other:
        return OtherObject(path, other)
    file = _image_file(path, ds)
    if not _integer(ds, "Rows") or not _integer(ds, "Columns"):
        if file.is_bare:
            return OtherObject(path, "file of another kind")
        raise ReadError("read.truncated", name=path.name)
    if "PerFrameFunctionalGroupsSequence" in ds or "SharedFunctionalGroupsSequence" in ds or file.frames > 1:
        return frame_slices(file, ds)
    return [_slice(file, ds)]


def _other_object(ds: Any) -> str:
    storage = str(ds.get("SOPClassUID", "") or "")
    if _integer(ds, "SamplesPerPixel", 1) > 1 or storage in _SCANS:
        return ""
    name = uid.UID(storage).name if storage else ""
    for part, what in _OTHER_OBJECTS:
        if part in name:
            return what
    # Some files have lost their storage class; their modality speaks for them then.
    modality = str(ds.get("Modality", "") or "")
    if not storage and modality in ("CT", "MR", "PT", ""):
        return ""
    return f"{modality or 'foreign'} object"


def _image_file(path: Path, ds: Any) -> ImageFile:
    syntax = ds.file_meta.get("TransferSyntaxUID") if hasattr(ds, "file_meta") else None
    signed = _integer(ds, "PixelRepresentation") == 1
    bits = _integer(ds, "BitsStored") or _integer(ds, "BitsAllocated", 16)
    implied = uid.ImplicitVRLittleEndian if ds.original_encoding[0] else uid.ExplicitVRLittleEndian
    return ImageFile(
        path=path,
        series_uid=text(ds, "SeriesInstanceUID"),
        study_uid=text(ds, "StudyInstanceUID"),
        series_number=text(ds, "SeriesNumber"),
        description=text(ds, "SeriesDescription"),
        modality=text(ds, "Modality"),
        syntax=str(syntax or implied),
        samples=3
        if text(ds, "PhotometricInterpretation").startswith("PALETTE")
        else _integer(ds, "SamplesPerPixel", 1),
        frames=_integer(ds, "NumberOfFrames", 1) or 1,
        bits_stored=bits,
        signed=signed,
        padding=_padding(ds, signed, _integer(ds, "BitsAllocated", 16)),
        has_lookup_table="ModalityLUTSequence" in ds,
        is_bare=not syntax,
        pixels=ds.pixels if isinstance(ds, QuickHeader) else None,
    )


def _slice(file: ImageFile, ds: Any) -> Slice:
    return Slice(
        file=file,
        frame=0,
        sop_uid=text(ds, "SOPInstanceUID"),
        instance=number(ds, "InstanceNumber"),
        rows=_integer(ds, "Rows"),
        columns=_integer(ds, "Columns"),
        position_lps=vector(ds, "ImagePositionPatient", 3),
        orientation_lps=vector(ds, "ImageOrientationPatient", 6),
        pixel_spacing_mm=vector(ds, "PixelSpacing", 2),
        thickness_mm=number(ds, "SliceThickness"),
        slope=number(ds, "RescaleSlope", 1.0) or 1.0,
        intercept=number(ds, "RescaleIntercept"),
        frame_of_reference=text(ds, "FrameOfReferenceUID"),
        window=window_of(ds),
        moment=Moment(
            image_type=words(ds, "ImageType"),
            echo_ms=number(ds, "EchoTime"),
            b_value=number(ds, "DiffusionBValue"),
            gradient=vector(ds, "DiffusionGradientOrientation", 3) or (),
            temporal=number(ds, "TemporalPositionIdentifier"),
            trigger_ms=number(ds, "TriggerTime"),
            acquisition=number(ds, "AcquisitionNumber"),
        ),
    )


def _padding(ds: Any, signed: bool, bits: int) -> tuple[float, float] | None:
    """The stored values that mean "nothing was scanned here", as a closed range."""
    if ds.get("PixelPaddingValue") is None:
        return None
    ends = [number(ds, "PixelPaddingValue"), number(ds, "PixelPaddingRangeLimit", number(ds, "PixelPaddingValue"))]
    # Without explicit types the value was read as unsigned.
    ends = [end - 2**bits if signed and end >= 2 ** (bits - 1) else end for end in ends]
    return min(ends), max(ends)


def text(ds: Any, keyword: str) -> str:
    """A value as one line of text, "" when absent."""
    value = ds.get(keyword)
    return "" if value is None else str(value).strip()


def words(ds: Any, keyword: str) -> tuple[str, ...]:
    """A multi-valued text, () when absent."""
    value = ds.get(keyword)
    if value is None or isinstance(value, str):
        return (value.strip(),) if value else ()
    return tuple(str(each).strip() for each in value)


def number(ds: Any, keyword: str, default: float = 0.0) -> float:
    """A finite number (the first of several), or the default when absent or not a number."""
    value = ds.get(keyword)
    if value is not None and not isinstance(value, str | int | float) and hasattr(value, "__getitem__"):
        value = value[0] if len(value) else None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return default
    return found if math.isfinite(found) else default


def vector(ds: Any, keyword: str, count: int) -> Vector | None:
    """So many finite numbers, or None."""
    value = ds.get(keyword)
    try:
        numbers = tuple(float(each) for each in value)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def window_of(ds: Any) -> tuple[float, float] | None:
    """(window centre, window width) that the file states first, or None."""
    width = number(ds, "WindowWidth")
    return (number(ds, "WindowCenter"), width) if width > 0 else None


def _integer(ds: Any, keyword: str, default: int = 0) -> int:
    return int(number(ds, keyword, default))
