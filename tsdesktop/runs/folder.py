"""The private folder of a run; large arrays go in and out in pieces, so that a run can be cancelled meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PIECE_BYTES = 16 << 20


def private_folder(parent: Path) -> tempfile.TemporaryDirectory[str]:
    """A new folder for one run that only this user may enter, removed when it is closed."""
    parent.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=parent, prefix="run-", ignore_cleanup_errors=True)


def save_array(path: Path, array: NDArray[Any], check: Callable[[], None]) -> None:
    """Writes `array` as numpy's .npy, in its own memory order; calls `check` before every piece. Raises OSError."""
    header = np.lib.format.header_data_from_array_1_0(array)
    in_order = array.T if header["fortran_order"] else array
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
