"""Large arrays between the two halves: files in a run's folder, written and read in pieces of a few MB.

So a run can be cancelled meanwhile, and an array whose axes are turned or flipped is put in order without a copy of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PIECE_BYTES = 16 << 20


def save_array(path: Path, array: NDArray[Any], check: Callable[[], None] = lambda: None) -> None:
    """Writes `array` as numpy's .npy; calls `check` before every piece. Raises OSError.

    In C order if it lies so in memory, else in Fortran order, the order in which NIfTI and DICOM keep slices [i, j, k].
    """
    fortran = not array.flags.c_contiguous
    header = {"shape": array.shape, "fortran_order": fortran, "descr": np.lib.format.dtype_to_descr(array.dtype)}
    in_order = array.T if fortran else array
    rows = max(1, _PIECE_BYTES // max(1, in_order[:1].nbytes))
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(in_order), rows):
            check()
            file.write(np.ascontiguousarray(in_order[start : start + rows]).data)


def load_array(path: Path, check: Callable[[], None]) -> NDArray[Any]:
    """The array of a .npy file, in its memory order; calls `check` before every piece. Raises OSError, ValueError."""
    source = np.load(path, mmap_mode="r")
    fortran = source.flags.f_contiguous and not source.flags.c_contiguous
    out = np.empty(source.shape, source.dtype, order="F" if fortran else "C")
    to, of = (out.T, source.T) if fortran else (out, source)
    rows = max(1, _PIECE_BYTES // max(1, of[:1].nbytes))
    for start in range(0, len(of), rows):
        check()
        to[start : start + rows] = of[start : start + rows]
    return out
