"""Slices that need no more than copying, or one JPEG 2000 decoder: straight into an int16 volume, on all processors.

Nothing is held but the volume and one slice per thread. What does not fit this mould is left to the slower ways.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from tsdesktop.scans.dicom_headers import Slice
from tsdesktop.scans.dicom_quick import UNDEFINED, PixelPlace
from tsdesktop.scans.intensities import LEAST_HU
from tsdesktop.scans.streams import Request

_INT16 = np.iinfo(np.int16)
# More than a few threads only fill memory.
_MOST_THREADS = 8
_COPIED = {uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian}
_JPEG_2000 = {uid.JPEG2000Lossless, uid.JPEG2000}
_CODESTREAM = b"\xff\x4f\xff\x51"
_SIZES = struct.Struct(">2x2xHHIIII16xHB")
Put = Callable[[Slice, NDArray[np.int16]], None]


class Unfit(Exception):
    """A slice is not what this way of reading is for."""


def volume_at_once(
    slices: Sequence[Slice], right: Callable[[Slice], NDArray[Any]], request: Request
) -> NDArray[np.int16] | None:
    """The volume [k, j, i] of slices in order, scaled and without padding; None where another way has to be taken.

    `right` gives a slice in the slow and sure way: two of the series are compared with it.
    """
    put = _way(slices)
    if put is None:
        return None
    try:
        volume = np.empty((len(slices), slices[0].rows, slices[0].columns), np.int16)
        return volume if _filled(volume, slices, (put, right), request) else None
    except (Unfit, OSError, MemoryError):
        return None


def _filled(
    volume: NDArray[np.int16],
    slices: Sequence[Slice],
    ways: tuple[Put, Callable[[Slice], NDArray[Any]]],
    request: Request,
) -> bool:
    """Puts every slice in its place; whether two of them are what the sure way gives."""
    put, right = ways
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="decode") as pool:
        try:
            trials = {k: pool.submit(right, slices[k]) for k in (0, len(slices) // 2)}
            for k, _ in enumerate(pool.map(put, slices, volume)):
                request.say((k + 1) / len(slices))
            return all(np.array_equal(volume[k], trial.result()) for k, trial in trials.items())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _way(slices: Sequence[Slice]) -> Put | None:
    """How each of the slices can be put into an int16 picture; None where one of them cannot."""
    first = slices[0]
    if not all(_is_plain(each) and (each.rows, each.columns) == (first.rows, first.columns) for each in slices):
        return None
    syntaxes = {each.file.syntax for each in slices}
    if syntaxes <= _COPIED:
        return _copy
    return _decode if syntaxes <= _JPEG_2000 and _jpeg2000() is not None else None


def _is_plain(each: Slice) -> bool:
    file, place = each.file, each.file.pixels
    if place is None or file.frames > 1 or file.samples > 1 or file.has_lookup_table or file.is_bare:
        return False
    if place.bits_allocated != 16 or not 0 < file.bits_stored <= 16 or place.high_bit != file.bits_stored - 1:
        return False
    return float(each.slope).is_integer() and float(each.intercept).is_integer()


def _copy(each: Slice, out: NDArray[np.int16]) -> None:
    place = _place(each)
    if place.length == UNDEFINED or place.length < out.nbytes:
        raise Unfit
    with each.file.path.open("rb", buffering=0) as file:
        file.seek(place.offset)
        if file.readinto(out.data.cast("B")) != out.nbytes:
            raise Unfit
    stored = out.view("<i2" if each.file.signed else "<u2")
    if unused := 16 - each.file.bits_stored:
        np.left_shift(stored, unused, out=stored)
        np.right_shift(stored, unused, out=stored)
    _scale(each, stored, out)


def _decode(each: Slice, out: NDArray[np.int16]) -> None:
    data = _one_frame(each)
    _check_codestream(data, each)
    module = _jpeg2000()
    try:
        stored = module.jpeg2k_decode(data, numthreads=1)
    except (RuntimeError, ValueError) as error:
        raise Unfit from error
    if stored.dtype != (np.int16 if each.file.signed else np.uint16) or stored.shape != out.shape:
        raise Unfit
    _scale(each, stored, out)


def _check_codestream(data: bytes, each: Slice) -> None:
    """Refuses pictures whose size, sign or depth is not the one that the header states."""
    if not data.startswith(_CODESTREAM) or len(data) < _SIZES.size:
        raise Unfit
    _, _, width, height, left, top, components, depth = _SIZES.unpack_from(data)
    if (width - left, height - top, components) != (each.columns, each.rows, 1):
        raise Unfit
    if depth != (each.file.bits_stored - 1) | (0x80 if each.file.signed else 0):
        raise Unfit


def _one_frame(each: Slice) -> bytes:
    """The compressed picture: the fragments of encapsulated pixel data after its table of offsets."""
    place = _place(each)
    if place.length != UNDEFINED:
        raise Unfit
    with each.file.path.open("rb", buffering=0) as file:
        file.seek(place.offset)
        data = file.readall()
    found, at = list[bytes](), 0
    while data[at : at + 4] == b"\xfe\xff\x00\xe0":
        (length,) = struct.unpack_from("<I", data, at + 4)
        found.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    # A file that was cut off has no mark at its end.
    if data[at : at + 4] != b"\xfe\xff\xdd\xe0" or len(found) < 2:
        raise Unfit
    return found[1] if len(found) == 2 else b"".join(found[1:])


def _scale(each: Slice, stored: NDArray[Any], out: NDArray[np.int16]) -> None:
    """Times slope plus intercept, without padding. Raises Unfit where 16 bits do not hold the result."""
    slope, intercept = int(each.slope), int(each.intercept)
    ends = [int(end) * slope + intercept for end in (stored.min(), stored.max())]
    if min(ends) < _INT16.min or max(ends) > _INT16.max:
        raise Unfit
    values = stored.view(np.int16)
    # What passes the ends on the way comes back, as the result lies within them.
    if slope != 1:
        values = np.multiply(values, _wrapped(slope), out=out)
    if intercept != 0:
        values = np.add(values, _wrapped(intercept), out=out)
    if values is not out and not np.shares_memory(values, out):
        out[...] = values
    if each.file.padding is not None and each.file.modality == "CT":
        low, high = (end * slope + intercept for end in each.file.padding)
        low, high = min(low, high), min(max(low, high), LEAST_HU - 1)
        if low <= max(ends) and min(ends) <= high:
            out[(out >= low) & (out <= high)] = LEAST_HU


def _wrapped(value: int) -> np.int16:
    return np.int16((value + 0x8000) % 0x10000 - 0x8000)


def _place(each: Slice) -> PixelPlace:
    if each.file.pixels is None:
        raise Unfit
    return each.file.pixels


@cache
def _jpeg2000() -> Any:
    """The decoder that leaves other threads alone; None where it is not installed."""
    try:
        return import_module("imagecodecs")
    except ImportError:
        return None
