"""Intensities of a slice on a finer grid, by the cubic of Catmull and Rom (1974). Never Qt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST = 4


def factor(pixels_per_voxel: float) -> int:
    """How many times finer a slice should be made for this magnification; the rest is left to linear interpolation."""
    return 1 if pixels_per_voxel < 1.5 else min(_MOST, max(2, round(pixels_per_voxel / 1.5)))


def enlarged(values: NDArray[Any], rows: int, columns: int) -> NDArray[np.float32]:
    """The slice with `rows` x `columns` points in the place of every voxel; it covers the same field."""
    out = values.astype(np.float32)
    if rows > 1:
        out = _finer(out, rows)
    if columns > 1:
        out = np.ascontiguousarray(_finer(np.ascontiguousarray(out.T), columns).T)
    return out


def _finer(values: NDArray[np.float32], times: int) -> NDArray[np.float32]:
    """`times` as many rows."""
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    count = len(values)
    out = np.empty((count, times, values.shape[1]), np.float32)
    for phase in range(times):
        place = (phase + 0.5) / times - 0.5
        first = math.floor(place) + 1
        weights = _weights(place - math.floor(place))
        np.multiply(padded[first : first + count], weights[0], out=out[:, phase])
        for tap in range(1, 4):
            out[:, phase] += padded[first + tap : first + tap + count] * weights[tap]
    return out.reshape(count * times, values.shape[1])


def _weights(t: float) -> tuple[np.float32, ...]:
    """Weights of the points -1, 0, 1, 2 for a place `t` between 0 and 1."""
    cubic = (
        -t / 2 + t * t - t**3 / 2,
        1 - 2.5 * t * t + 1.5 * t**3,
        t / 2 + 2 * t * t - 1.5 * t**3,
        (t**3 - t * t) / 2,
    )
    return tuple(np.float32(weight) for weight in cubic)
