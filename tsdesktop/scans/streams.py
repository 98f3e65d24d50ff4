"""Reads one volume from a file whose voxels stand one after the other, slab by slab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np

from tsdesktop.core.errors import GeometryError, ReadError
from tsdesktop.core.geometry import Affine, Geometry
from tsdesktop.core.notes import Note, note
from tsdesktop.core.volume import Intensities
from tsdesktop.scans.intensities import VoxelBuffer

_SLAB_BYTES = 8 << 20


@dataclass(frozen=True)
class Request:
    """What a caller wants of a scan: which volume of several, and to hear how far reading is (0 to 1)."""

    volume_index: int | None = None
    progress: Callable[[float], None] | None = None

    def say(self, fraction: float) -> None:
        """Reports progress, if anybody listens."""
        if self.progress is not None:
            self.progress(fraction)

    def part(self, start: float, stop: float) -> Request:
        """The same wish for a step that takes the progress from `start` to `stop`."""
        return replace(self, progress=lambda fraction: self.say(start + (stop - start) * fraction))


@dataclass(frozen=True)
class Stored:
    """How voxels stand in a file: name for messages, byte offset, shape with i fastest, type, slope and intercept."""

    name: str
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True)
class Outline:
    """What a file's header says: shape (i, j, k), spacing in mm, number of volumes."""

    shape: tuple[int, int, int] = (0, 0, 0)
    spacing_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    volumes: int = 1


def outline(name: str, shape: tuple[int, int, int], affine: Affine, volumes: int) -> Outline:
    """The outline of a file. Raises GeometryError when its affine places nothing."""
    try:
        return Outline(shape, Geometry(shape, affine).spacing_mm, volumes)
    except ValueError as error:
        raise GeometryError("geometry.bad_affine", name=name) from error


def spatial_shape(name: str, shape: tuple[int, ...]) -> tuple[tuple[int, int, int], int]:
    """(i, j, k) and the number of volumes. Raises ReadError for pictures, empty grids and more than four dimensions."""
    if not shape or min(shape) < 1:
        raise ReadError("read.broken", name=name, reason="its image has no voxels")
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 4:
        raise ReadError("read.too_many_dimensions", name=name, count=len(shape))
    if len(shape) < 3 or shape[2] == 1:
        raise ReadError("read.two_dimensional", name=name, shape=" x ".join(str(n) for n in shape[:2]))
    if min(shape[:3]) < 2:
        raise ReadError("geometry.too_small", name=name, shape=" x ".join(str(n) for n in shape[:3]))
    return (shape[0], shape[1], shape[2]), shape[3] if len(shape) == 4 else 1


def chosen_volume(name: str, count: int, wanted: int | None) -> tuple[int, tuple[Note, ...]]:
    """The index of the volume to open, and a note when nobody chose. Raises ReadError for one that is not there."""
    index = 0 if wanted is None else wanted
    if not 0 <= index < count:
        raise ReadError("read.volume_index", name=name, index=index, count=count, last=count - 1)
    said = wanted is None and count > 1
    return index, (note("note.first_volume", count=count, index=index),) if said else ()


def read_stored(file: IO[bytes], stored: Stored, request: Request) -> tuple[Intensities, tuple[Note, ...]]:
    """The wanted volume [i, j, k] of an open file, with notes. Raises ReadError when the file ends too early."""
    (ni, nj, nk), count = spatial_shape(stored.name, stored.shape)
    index, notes = chosen_volume(stored.name, count, request.volume_index)
    slice_bytes = ni * nj * stored.dtype.itemsize
    _skip(file, stored.offset + index * nk * slice_bytes, stored.name)
    buffer = VoxelBuffer((nk, nj, ni), stored.name)
    step = max(1, _SLAB_BYTES // slice_bytes)
    for k in range(0, nk, step):
        n = min(step, nk - k)
        raw = np.frombuffer(_exactly(file, n * slice_bytes, stored.name), stored.dtype).reshape(n, nj, ni)
        buffer.put(k, raw, stored.slope, stored.intercept)
        request.say((k + n) / nk)
    array, more = buffer.finish()
    return array, (*notes, *more)


def _exactly(file: IO[bytes], count: int, name: str) -> bytes:
    data = file.read(count)
    while 0 < len(data) < count:
        more = file.read(count - len(data))
        if not more:
            break
        data += more
    if len(data) != count:
        raise ReadError("read.truncated", name=name)
    return data


def _skip(file: IO[bytes], count: int, name: str) -> None:
    # A gzip stream cannot jump: what comes before the wanted volume is unpacked and dropped.
    while count > 0:
        data = file.read(min(count, _SLAB_BYTES))
        if not data:
            raise ReadError("read.truncated", name=name)
        count -= len(data)
