"""A scan as the DICOM files it was read from, with other pixels where the face was and without the patient.

Every slice keeps its grid, its number of bits and its rescaling; pixels outside the mask keep their stored values.
Files are written uncompressed, as Explicit VR Little Endian.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.resampling import nearest_on_plane
from tsdesktop.core.version import __version__
from tsdesktop.core.volume import ScanSource, Volume
from tsdesktop.exports.deidentified import Alias, Tally, deidentify, mark
from tsdesktop.exports.dicom.sources import SourceSlice, opened_files, source_series
from tsdesktop.exports.writing import not_written

Say = Callable[[float], None]
FaceState = Literal["changed", "kept", "none"]
WHAT = "shared scan"
# What states extremes of pixels that may have been changed.
_EXTREMES = (
    *("SmallestImagePixelValue", "LargestImagePixelValue", "SmallestPixelValueInSeries", "LargestPixelValueInSeries"),
    *("SmallestImagePixelValueInPlane", "LargestImagePixelValueInPlane"),
)
_NOT_FOR_NATIVE = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelDataProviderURL")


@dataclass(frozen=True, eq=False)
class Changed:
    """Where pixels are changed, and the scan with the new ones: `mask` [i, j, k] on the grid of `volume`."""

    volume: Volume
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class DicomJob:
    """How to write: the alias of the patient, what became of the face ("none": no head was found), words about it."""

    alias: Alias
    face: FaceState
    method: str = f"tsdesktop {__version__}"


def write_dicom_scan(
    source: ScanSource, changed: Changed | None, folder: Path, job: DicomJob, say: Say = lambda _: None
) -> tuple[list[Path], Tally]:
    """Writes every file of the scan into `folder`, which exists, named by number. Returns the paths and what was done.

    `changed` is None where pixels stay. `say` hears the share done; what it raises ends the work. Raises ExportError.
    """
    series = source_series(source, WHAT)
    tally = Tally()
    paths: list[Path] = []
    slices = [list(series.slices)] if source.dicom_frames else [[each] for each in series.slices]
    try:
        with warnings.catch_warnings(), opened_files(source) as opened:
            # pydicom remarks on odd values of the source, which stay as odd as they were.
            warnings.simplefilter("ignore")
            for number, (file, own) in enumerate(zip(opened, slices, strict=True), 1):
                dataset = _read(file, source.name)
                path = folder / f"{number:06d}.dcm"
                _write_one(_Prepared(dataset, own, source.name), changed, path, job, tally)
                paths.append(path)
                say(number / len(slices))
    except (KeyError, zipfile.BadZipFile) as error:
        raise ExportError("export.dicom_source_gone", name=source.name, what=WHAT) from error
    except OSError as error:
        raise not_written(folder, error) from error
    return paths, tally


def check_pixels(source: ScanSource) -> tuple[str, ...]:
    """Looks into the headers whether text may stand in the pixels. Returns what is to be told, as ids of words.

    Raises ExportError where a file says that the patient is named in the picture itself.
    """
    import pydicom

    kinds: set[str] = set()
    tags = ["BurnedInAnnotation", "Modality", "SOPClassUID", "ConversionType"]
    try:
        with warnings.catch_warnings(), opened_files(source) as opened:
            warnings.simplefilter("ignore")
            for file in opened:
                header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=tags, force=True)
                if str(header.get("BurnedInAnnotation", "")).strip().upper() == "YES":
                    raise ExportError("share.burned_in", name=source.name)
                kinds.add(str(header.get("Modality", "")))
                if header.get("ConversionType"):
                    kinds.add("SC")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ExportError("export.dicom_source_gone", name=source.name, what=WHAT) from error
    return ("share.captured",) if kinds & {"SC", "US", "XC", "ES", "OT"} else ()


def _read(file: Any, name: str) -> Any:
    import pydicom

    try:
        return pydicom.dcmread(file, force=True)
    except OSError as error:
        raise ExportError("export.dicom_source_gone", name=name, what=WHAT) from error


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A whole source file and the slices of the scan that it holds."""

    dataset: Any
    slices: Sequence[SourceSlice]
    name: str


def _write_one(source: _Prepared, changed: Changed | None, path: Path, job: DicomJob, tally: Tally) -> None:
    dataset = source.dataset
    pixels = _stored(source)
    if changed is not None:
        _change(pixels, source, changed)
    # Whatever hides in unused bits, such as overlays of old files, goes.
    pixels = _used_bits(pixels, int(dataset.BitsStored), signed=int(dataset.PixelRepresentation) == 1)
    deidentify(dataset, job.alias, tally)
    for keyword in (*_NOT_FOR_NATIVE, *(_EXTREMES if changed is not None else ())):
        if keyword in dataset:
            del dataset[keyword]
    if changed is not None and source.slices[0].frame is None and dataset.get("ImageType"):
        stated = dataset.ImageType
        # Pixels were derived from others; a single word comes as text, not as a list.
        dataset.ImageType = "DERIVED" if isinstance(stated, str) else ["DERIVED", *list(stated)[1:]]
    mark(dataset, job.alias, face=job.face, method=job.method)
    _save(dataset, pixels, path)


def _stored(source: _Prepared) -> NDArray[Any]:
    """The stored values [frame, row, column], decoded. Raises ExportError for what is not whole numbers, or damaged."""
    from pydicom.pixels import pixel_array

    dataset = source.dataset
    frames = int(dataset.get("NumberOfFrames") or 1)
    if "PixelData" not in dataset or int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise ExportError("share.pixels", name=source.name, reason="its pixels are not whole numbers of one channel")
    if frames != len(source.slices):
        raise ExportError("share.more_frames", name=source.name, frames=frames, used=len(source.slices))
    if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
        _state_syntax(dataset)
    try:
        values = pixel_array(dataset, raw=True)
    except Exception as error:  # decoder plugins raise what they like on damaged data
        raise ExportError("share.pixels", name=source.name, reason="its picture cannot be decoded") from error
    # Packed and odd numbers of bits are widened to whole bytes.
    size = next(each for each in (1, 2, 4, 8) if 8 * each >= int(dataset.BitsAllocated))
    dataset.BitsAllocated = 8 * size
    kind = f"{'i' if int(dataset.PixelRepresentation) == 1 else 'u'}{size}"
    return np.array(values.reshape(frames, *values.shape[-2:]), dtype=f"<{kind}")


def _state_syntax(dataset: Any) -> None:
    """Gives a bare data set the syntax it was read with."""
    from pydicom import uid
    from pydicom.dataset import FileMetaDataset

    dataset.file_meta = FileMetaDataset()
    implicit = dataset.original_encoding[0]
    dataset.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian


def _change(pixels: NDArray[Any], source: _Prepared, changed: Changed) -> None:
    """Puts the new values into the stored ones, where the mask is."""
    dataset = source.dataset
    to_voxel = np.linalg.inv(changed.volume.affine)
    for picture, each in zip(pixels, _in_frame_order(source.slices), strict=True):
        matrix = to_voxel @ each.geometry.affine
        inside = np.zeros(picture.shape, np.bool_)
        if not nearest_on_plane(inside, changed.mask, matrix) or not inside.any():
            continue
        if "ModalityLUTSequence" in dataset:
            raise ExportError("share.lookup_table", name=source.name)
        values = np.zeros(picture.shape, changed.volume.array.dtype)
        nearest_on_plane(values, changed.volume.array, matrix)
        slope, intercept = _rescale(dataset, each.frame)
        low, high = _limits(int(dataset.BitsStored), signed=int(dataset.PixelRepresentation) == 1)
        new = np.rint((values[inside].astype(np.float64) - intercept) / slope)
        picture[inside] = np.clip(new, low, high).astype(picture.dtype)


def _in_frame_order(slices: Sequence[SourceSlice]) -> list[SourceSlice]:
    return sorted(slices, key=lambda each: each.frame or 0)


def _rescale(dataset: Any, frame: int | None) -> tuple[float, float]:
    """Slope and intercept of a picture: from the file, or the functional groups of its frame (from 1)."""
    places = [dataset]
    if frame is not None:
        own = (dataset.get("PerFrameFunctionalGroupsSequence") or [])[frame - 1 : frame]
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [])[:1]
        groups = [each.get("PixelValueTransformationSequence") for each in (*own, *shared)]
        places = [*(group[0] for group in groups if group), dataset]
    for place in places:
        if place.get("RescaleSlope") is not None:
            return float(place.RescaleSlope) or 1.0, float(place.get("RescaleIntercept") or 0.0)
    return 1.0, 0.0


def _limits(bits: int, *, signed: bool) -> tuple[int, int]:
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def _used_bits(values: NDArray[Any], bits: int, *, signed: bool) -> NDArray[Any]:
    spare = values.dtype.itemsize * 8 - bits
    if spare <= 0:
        return values
    if signed:
        return np.asarray((values << spare) >> spare)
    return np.asarray(values & values.dtype.type((1 << bits) - 1))


def _save(dataset: Any, pixels: NDArray[Any], path: Path) -> None:
    from pydicom import uid
    from pydicom.dataset import FileDataset, FileMetaDataset

    if dataset.original_encoding[1] is False:
        _swap_words(dataset)
    data = pixels.tobytes()
    dataset.add_new(0x7FE00010, "OB" if pixels.dtype.itemsize == 1 else "OW", data + b"\0" * (len(data) % 2))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID") or uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    # A new file: the preamble and the head of the old one, with whoever sent it, stay behind.
    out = FileDataset(None, {}, preamble=b"\0" * 128, file_meta=meta, is_implicit_VR=False, is_little_endian=True)
    out.update(dict(dataset.items()))
    out.set_original_encoding(False, True, dataset.original_character_set)
    out.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=True)


def _swap_words(dataset: Any) -> None:
    """Turns words of big endian files around; pydicom keeps them as bytes."""
    for element in dataset.iterall():
        if str(element.VR) == "OW" and element.tag.group != 0x7FE0 and element.value:
            element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
