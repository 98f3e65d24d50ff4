"""Decodes the slices of a stack straight into one buffer, in the file's unit (Hounsfield units for CT)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import uid
from pydicom.pixels import get_decoder, iter_pixels
from pydicom.pixels.processing import apply_modality_lut

from tsdesktop.core.errors import ReadError
from tsdesktop.core.notes import Note
from tsdesktop.core.volume import Intensities
from tsdesktop.scans import jpeg_decoder
from tsdesktop.scans.dicom_headers import ImageFile, Slice
from tsdesktop.scans.dicom_parallel import volume_at_once
from tsdesktop.scans.intensities import LEAST_HU, VoxelBuffer, scaled
from tsdesktop.scans.streams import Request

_NOT_COMPRESSED = {
    *(uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian),
    *(uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian),
}
_PIXEL_TAGS = [
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData", "FloatPixelData"),
    *("DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "ModalityLUTSequence"),
]

jpeg_decoder.register()


def decode(slices: Sequence[Slice], name: str, request: Request) -> tuple[Intensities, tuple[Note, ...]]:
    """The volume [i, j, k] of slices in order, with notes. Raises ReadError when one cannot be decoded."""
    if len(slices) > 1 and (volume := volume_at_once(slices, _picture_by_pydicom, request)) is not None:
        return volume.transpose(2, 1, 0), ()
    first = slices[0]
    buffer = VoxelBuffer((len(slices), first.rows, first.columns), name)
    for k, picture in enumerate(_pictures(slices)):
        each = slices[k]
        if picture.shape != (each.rows, each.columns):
            raise ReadError("read.broken", name=each.file.path.name, reason="its picture has another size than stated")
        buffer.put(k, picture)
        request.say((k + 1) / len(slices))
    return buffer.finish()


def undecodable(file: ImageFile) -> ReadError | None:
    """What to say about a file whose compression nothing here can undo."""
    syntax = uid.UID(file.syntax)
    if syntax in _NOT_COMPRESSED:
        return None
    try:
        usable = get_decoder(syntax).is_available
    except NotImplementedError:
        usable = False
    return None if usable else ReadError("read.compression", name=file.path.name, syntax=syntax.name)


def _pictures(slices: Sequence[Slice]) -> Iterator[NDArray[Any]]:
    """The scaled pictures in order.

    ITK decodes compressed files faster than pydicom's plugins and lets other threads run meanwhile. It is used where it
    gives the same numbers as pydicom on two slices of the series.
    """
    if _itk_agrees(slices):
        # More than a few threads only fill memory; a batch at a time keeps few pictures waiting.
        threads = min(8, os.cpu_count() or 1)
        with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
            for some in _in_batches(slices, 4 * threads):
                yield from pool.map(_picture, some)
    else:
        for file_slices in _by_file(slices):
            yield from _pictures_by_pydicom(file_slices)


def _in_batches(slices: Sequence[Slice], size: int) -> Iterator[Sequence[Slice]]:
    for start in range(0, len(slices), size):
        yield slices[start : start + size]


def _itk_agrees(slices: Sequence[Slice]) -> bool:
    if not all(_itk_may(each) for each in slices):
        return False
    try:
        return all(
            np.array_equal(_picture_by_itk(each), _picture_by_pydicom(each))
            for each in (slices[0], slices[len(slices) // 2])
        )
    except ReadError:
        return False


def _itk_may(each: Slice) -> bool:
    file = each.file
    if file.frames > 1 or file.has_lookup_table or file.syntax in _NOT_COMPRESSED:
        return False
    # ITK keeps its own counsel about rescaling outside CT.
    if file.modality != "CT" and (each.slope, each.intercept) != (1.0, 0.0):
        return False
    return float(each.slope).is_integer() and float(each.intercept).is_integer()


def _picture(each: Slice) -> NDArray[Any]:
    try:
        return _picture_by_itk(each)
    except ReadError:
        return _picture_by_pydicom(each)


def _picture_by_itk(each: Slice) -> NDArray[Any]:
    """A compressed single-frame file, scaled. Raises ReadError when ITK cannot read it."""
    import SimpleITK  # only here: few series need it, and it is slow to load

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(each.file.path))
    try:
        picture = SimpleITK.GetArrayFromImage(reader.Execute())[0]
    except RuntimeError as error:
        raise ReadError("read.broken", name=each.file.path.name, reason="its picture is damaged") from error
    return _without_padding(picture, each)


def _picture_by_pydicom(each: Slice) -> NDArray[Any]:
    return next(iter(_pictures_by_pydicom([each])))


def _pictures_by_pydicom(slices: Sequence[Slice]) -> Iterator[NDArray[Any]]:
    """Slices of one file, decoded and scaled. Raises ReadError when that is not possible."""
    file = slices[0].file
    try:
        yield from _decoded(slices)
    except ReadError:
        raise
    except NotImplementedError as error:
        raise ReadError("read.compression", name=file.path.name, syntax=uid.UID(file.syntax).name) from error
    except (AttributeError, EOFError, ValueError) as error:
        raise _said(error, file) from error
    except Exception as error:  # decoder plugins raise what they like on damaged data
        raise ReadError("read.broken", name=file.path.name, reason="its picture is damaged") from error


def _said(error: Exception, file: ImageFile) -> ReadError:
    words = str(error)
    if "no pixel data" in words or "less than expected" in words or isinstance(error, EOFError):
        return ReadError("read.truncated", name=file.path.name)
    return ReadError("read.broken", name=file.path.name, reason="its picture is damaged")


def _decoded(slices: Sequence[Slice]) -> Iterator[NDArray[Any]]:
    file = slices[0].file
    frames = [each.frame for each in slices]
    # Frame by frame from the file where its header allows it, so that a large object is never in memory twice.
    by_path = file.frames > 1 and not file.is_bare and file.syntax != uid.DeflatedExplicitVRLittleEndian
    source = file.path if by_path else _whole(file)
    pictures = iter_pixels(source, raw=True, indices=frames if file.frames > 1 else None)
    for each, raw in zip(slices, pictures, strict=True):
        native = raw.astype(raw.dtype.newbyteorder("="), copy=False)
        if file.has_lookup_table:
            values = apply_modality_lut(native, _whole(file))
        else:
            values = scaled(native, each.slope, each.intercept)
        yield _without_padding(values, each)


def _whole(file: ImageFile) -> Any:
    ds = pydicom.dcmread(file.path, force=True, specific_tags=_PIXEL_TAGS)
    if file.is_bare:
        ds.file_meta.TransferSyntaxUID = uid.UID(file.syntax)
    return ds


def _without_padding(values: NDArray[Any], each: Slice) -> NDArray[Any]:
    """CT only: stated padding below -1024 becomes -1024."""
    if each.file.padding is None or each.file.modality != "CT":
        return values
    low, high = (end * each.slope + each.intercept for end in each.file.padding)
    low, high = min(low, high), min(max(low, high), LEAST_HU - 1)
    padded = (values >= low) & (values <= high)
    if not padded.any():
        return values
    out = values.copy()
    out[padded] = LEAST_HU
    return out


def _by_file(slices: Sequence[Slice]) -> Iterator[list[Slice]]:
    """Neighbours that come from the same file, together."""
    run: list[Slice] = []
    for each in slices:
        if run and run[-1].file is not each.file:
            yield run
            run = []
        run.append(each)
    yield run
