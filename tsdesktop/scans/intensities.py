"""Voxels as they arrive, slice by slice, into one buffer of the narrowest type that holds them.

int16 stays int16. Wider integers become int16 when all of them fit, else int32. Floating-point numbers become int16
when all of them are whole and fit, else float32. The buffer starts narrow and widens at the first slice that needs it,
so memory grows by about one copy of the volume.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ReadError
from tsdesktop.core.notes import Note, note
from tsdesktop.core.volume import Intensities

# The least value a CT can have; what padding puts below it is air for every network and every window.
LEAST_HU = -1024
_INT16 = np.iinfo(np.int16)
_INT32 = np.iinfo(np.int32)
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_TYPES: tuple[np.dtype[Any], ...] = (np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.float32))


class VoxelBuffer:
    """A volume [k, j, i] in the making. Raises ReadError when the size asked for does not fit in memory."""

    def __init__(self, shape_kji: tuple[int, int, int], name: str) -> None:
        self._name = name
        self._rank = 0
        self._array: NDArray[Any] = self._empty(shape_kji, 0)
        self._not_finite: list[int] = []
        self._count_not_finite = 0
        self._least = np.inf

    def put(self, k: int, slab: NDArray[Any], slope: float = 1.0, intercept: float = 0.0) -> None:
        """Stores `slab` [n, j, i] or [j, i], times `slope` plus `intercept`, from slice `k` on."""
        slab = slab if slab.ndim == 3 else slab[np.newaxis]
        values = scaled(slab, slope, intercept)
        if values.dtype.kind == "f":
            self._watch_finite(k, values)
        rank = max(self._rank, _needed_rank(values))
        if rank > self._rank:
            self._widen(rank)
        with np.errstate(over="ignore"):
            self._array[k : k + len(values)] = values

    def finish(self) -> tuple[Intensities, tuple[Note, ...]]:
        """The volume [i, j, k] (a view of the buffer), and a note when numbers were not finite.

        Raises ReadError when no number at all was finite.
        """
        notes: tuple[Note, ...] = ()
        if self._count_not_finite:
            if not np.isfinite(self._least):
                raise ReadError("read.no_finite_voxel", name=self._name)
            for k in self._not_finite:
                part = self._array[k]
                part[~np.isfinite(part)] = self._least
            notes = (note("note.not_finite", count=self._count_not_finite, value=f"{self._least:g}"),)
        return self._array.transpose(2, 1, 0), notes

    def _watch_finite(self, k: int, values: NDArray[Any]) -> None:
        finite = np.abs(values) <= _FLOAT32_MAX
        if finite.any():
            self._least = min(self._least, float(values.min(where=finite, initial=np.inf)))
        if not finite.all():
            bad = np.count_nonzero(~finite, axis=(1, 2))
            self._count_not_finite += int(bad.sum())
            self._not_finite += [k + int(n) for n in np.flatnonzero(bad)]

    def _widen(self, rank: int) -> None:
        wider = self._empty(self._array.shape, rank)
        wider[...] = self._array
        self._array, self._rank = wider, rank

    def _empty(self, shape: tuple[int, ...], rank: int) -> NDArray[Any]:
        try:
            # Every slice will be put. On Linux numpy takes large pages here, and not for zeros, which cost 0.3 s more.
            return np.empty(shape, _TYPES[rank])
        except (MemoryError, ValueError) as error:
            gigabytes = np.prod(np.array(shape, float)) * _TYPES[rank].itemsize / 1e9
            reason = f"its {gigabytes:.0f} GB do not fit in memory"
            raise ReadError("read.broken", name=self._name, reason=reason) from error


def scaled(raw: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """`raw` times `slope` plus `intercept`: in integers where all three are whole, else in float64."""
    if slope == 1.0 and intercept == 0.0:
        return raw
    if raw.dtype.kind in "iub" and float(slope).is_integer() and float(intercept).is_integer():
        room = np.int64 if raw.dtype.itemsize > 2 or abs(slope) > 2**14 or abs(intercept) > 2**30 else np.int32
        return np.asarray(raw.astype(room) * int(slope) + int(intercept))
    return np.asarray(raw.astype(np.float64) * slope + intercept)


def _needed_rank(values: NDArray[Any]) -> int:
    """0 for int16, 1 for int32, 2 for float32: what `values` need."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "b" or (kind == "u" and size < 2) or (kind == "i" and size <= 2):
        return 0
    if kind == "f":
        return 0 if _whole_and_small(values) else 2
    least, most = int(values.min()), int(values.max())
    if least >= _INT16.min and most <= _INT16.max:
        return 0
    return 1 if least >= _INT32.min and most <= _INT32.max else 2


def _whole_and_small(values: NDArray[Any]) -> bool:
    # One row tells most floating-point volumes apart without touching the rest.
    for part in (values[:1, :1], values):
        with np.errstate(invalid="ignore"):
            small = (part >= _INT16.min) & (part <= _INT16.max)
        if not small.all() or not np.array_equal(np.rint(part), part):
            return False
    return True
