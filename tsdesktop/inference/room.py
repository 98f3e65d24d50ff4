"""Room for large arrays: in main memory while there is enough of it, else in a file that the system pages in and out.

So a scan that is too large for the computer takes longer instead of failing, and its labels are the same.
"""

from __future__ import annotations

import logging
import mmap
import tempfile
from math import prod
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

log = logging.getLogger(__name__)
# Left for the networks' own activations and everything else on the computer.
_SHARE_OF_FREE = 0.6
_FLOAT_BYTES = 4


def zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros in main memory; where that is too small, in a file. Raises OSError when the disk is too small as well."""
    if prod(shape) * _FLOAT_BYTES <= _SHARE_OF_FREE * free_bytes():
        return np.zeros(shape, np.float32)
    return _in_a_file(shape)


def give_back(array: NDArray[Any]) -> None:
    """Gives back the memory of an array that is mapped from a file and was read; it is read again when it is needed."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def free_bytes() -> int:
    """Main memory that is free now, in bytes."""
    return int(psutil.virtual_memory().available)


def _in_a_file(shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.float32]]:
    """Zeros in an unnamed temporary file, gone with the array."""
    log.info("memory is too small for %s values; a file is used", prod(shape))
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=shape)
