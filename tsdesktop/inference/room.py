"""Room for large arrays: in main memory while there is enough of it, else in a file that the system pages in and out.

So a scan that is too large for the computer takes longer instead of failing, and its labels are the same.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import mmap
import os
import sys
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

log = logging.getLogger(__name__)
# Left for the networks' own activations and everything else on the computer.
_SHARE_OF_FREE = 0.6
_FLOAT_BYTES = 4
# Giving memory back costs time, since it has to be cleared again by the system: for smaller arrays it is kept.
_LARGE_BYTES = 400_000_000


def zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros in main memory; where that is too small, in a file. Raises OSError when the disk is too small as well."""
    if prod(shape) * _FLOAT_BYTES <= _SHARE_OF_FREE * free_bytes():
        return np.zeros(shape, np.float32)
    return _in_a_file(shape)


class Slab:
    """Zeros as `zeros` makes them, of which parts can be cleared; the memory of large ones goes back then."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        """Raises OSError when main memory and the disk are too small."""
        size = prod(shape) * _FLOAT_BYTES
        self._memory: mmap.mmap | None = None
        if sys.platform == "linux" and _LARGE_BYTES <= size <= _SHARE_OF_FREE * free_bytes():
            # Where a limit of this process forbids it, `zeros` fails as arrays do: that is told as too little memory.
            with contextlib.suppress(OSError):
                self._memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.array: NDArray[np.float32] = (
            zeros(shape) if self._memory is None else np.frombuffer(self._memory, np.float32).reshape(shape)
        )

    def clear(self, part: NDArray[np.float32]) -> None:
        """Sets a part of `array` without gaps to zero."""
        if self._memory is None or sys.platform != "linux":
            part[...] = 0.0
            return
        begin = part.__array_interface__["data"][0] - self.array.__array_interface__["data"][0]
        first, last = -(-begin // mmap.PAGESIZE), (begin + part.nbytes) // mmap.PAGESIZE
        if last <= first:
            part[...] = 0.0
            return
        flat = part.reshape(-1)
        flat[: (first * mmap.PAGESIZE - begin) // _FLOAT_BYTES] = 0.0
        flat[flat.size - (begin + part.nbytes - last * mmap.PAGESIZE) // _FLOAT_BYTES :] = 0.0
        self._memory.madvise(mmap.MADV_DONTNEED, first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE)


def give_back(array: NDArray[Any]) -> None:
    """Gives back the memory of an array that is mapped from a file and was read; it is read again when it is needed."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def give_back_file(path: Path) -> None:
    """Gives back the memory of a file that a library has mapped to read it. What it reads again comes from the file.

    Only on Linux, and only where the mapping cannot have been written to; elsewhere the system does so when it must.
    """
    if sys.platform != "linux":
        return
    try:
        maps = os.fsdecode(Path("/proc/self/maps").read_bytes())
        name = str(path.resolve())
        advise = ctypes.CDLL(None, use_errno=True).madvise
    except (OSError, AttributeError):
        return
    for fields in (line.split(maxsplit=5) for line in maps.split("\n")):
        if len(fields) == 6 and fields[5] == name and "w" not in fields[1]:
            start, stop = (int(number, 16) for number in fields[0].split("-"))
            advise(ctypes.c_void_p(start), ctypes.c_size_t(stop - start), mmap.MADV_DONTNEED)


def free_bytes() -> int:
    """Main memory that is free now, in bytes."""
    return int(psutil.virtual_memory().available)


def _in_a_file(shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.float32]]:
    """Zeros in an unnamed temporary file, gone with the array."""
    log.info("memory is too small for %s values; a file is used", prod(shape))
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=shape)
