"""Intensities of a slice on a finer grid, by the cubic of Catmull and Rom (1974). Never Qt."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST = 4
# So many rows at a time stay in the processor's cache on their way through both directions.
_BLOCK = 32
_TAPS = 4
_Values = NDArray[np.float32]


def factor(pixels_per_voxel: float) -> int:
    """How many times finer a slice should be made for this magnification; the rest is left to linear interpolation."""
    return 1 if pixels_per_voxel < 1.5 else min(_MOST, max(2, round(pixels_per_voxel / 1.5)))


def enlarged(values: NDArray[Any], rows: int, columns: int) -> _Values:
    """The slice with `rows` x `columns` points in the place of every voxel; it covers the same field."""
    height, width = values.shape
    padded = np.pad(values, _TAPS // 2, mode="edge").astype(np.float32)
    out = np.empty((height * rows, width * columns), np.float32)
    for start in range(0, height, _BLOCK):
        count = min(_BLOCK, height - start)
        tall = _taller(padded[start : start + count + _TAPS], rows)
        _widen(tall, columns, out[start * rows : (start + count) * rows])
    return out


def _taller(padded: _Values, times: int) -> _Values:
    """`times` as many rows, without the padding above and below."""
    count = len(padded) - _TAPS
    if times == 1:
        return padded[_TAPS // 2 : _TAPS // 2 + count]
    out = np.empty((count, times, padded.shape[1]), np.float32)
    for phase, (first, weights) in enumerate(_phases(times)):
        out[:, phase] = _mixed([padded[first + tap : first + tap + count] for tap in range(_TAPS)], weights)
    return out.reshape(count * times, padded.shape[1])


def _widen(padded: _Values, times: int, out: _Values) -> None:
    """`times` as many columns, without the padding left and right, into `out`."""
    count = padded.shape[1] - _TAPS
    if times == 1:
        out[:] = padded[:, _TAPS // 2 : _TAPS // 2 + count]
        return
    for phase, (first, weights) in enumerate(_phases(times)):
        out[:, phase::times] = _mixed([padded[:, first + tap : first + tap + count] for tap in range(_TAPS)], weights)


def _mixed(neighbours: list[_Values], weights: tuple[np.float32, ...]) -> _Values:
    out: _Values = neighbours[0] * weights[0]
    part = np.empty_like(out)
    for values, weight in zip(neighbours[1:], weights[1:], strict=True):
        out += np.multiply(values, weight, out=part)
    return out


@cache
def _phases(times: int) -> list[tuple[int, tuple[np.float32, ...]]]:
    """For each new point of a voxel: the first of the padded points it is made of, and their weights."""
    places = [(phase + 0.5) / times - 0.5 for phase in range(times)]
    return [(math.floor(place) + 1, _weights(place - math.floor(place))) for place in places]


def _weights(t: float) -> tuple[np.float32, ...]:
    """Weights of the points -1, 0, 1, 2 for a place `t` between 0 and 1."""
    cubic = (
        -t / 2 + t * t - t**3 / 2,
        1 - 2.5 * t * t + 1.5 * t**3,
        t / 2 + 2 * t * t - 1.5 * t**3,
        (t**3 - t * t) / 2,
    )
    return tuple(np.float32(weight) for weight in cubic)
