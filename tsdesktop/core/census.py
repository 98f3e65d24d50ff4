"""Counts the voxels of every label in one pass: how many there are, the box they fill, and the sums of their indices.

Along the fastest axis of memory equal neighbours form stretches, and it is stretches that are counted: an anatomical
label map has fifty times fewer of them than voxels. Pieces of the array are counted on several processors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Box

_VOXELS_AT_ONCE = 1 << 21
_MOST_THREADS = 4
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """The voxels of one label: how many, their bounding box, and the sums of their indices i, j and k."""

    voxels: int
    box: Box
    index_sums: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class _Part:
    """What a piece of the array holds, one row per label, axes from the slowest to the fastest of memory."""

    labels: Integers
    voxels: Floats
    sums: Floats
    low: Integers
    high: Integers


def census(array: NDArray[Any]) -> dict[int, Found]:
    """Label -> what was found of it in `array` [i, j, k] of whole numbers, in label order; 0 is not counted."""
    order = np.argsort([-abs(stride) for stride in array.strides], kind="stable")
    turned = array.transpose(order)
    step = max(1, _VOXELS_AT_ONCE // max(1, turned[0].size))
    starts = range(0, len(turned), step)
    threads = min(_MOST_THREADS, os.cpu_count() or 1, len(starts))
    if threads < 2:
        return _merged([_part(turned[start : start + step], start) for start in starts], order)
    with ThreadPoolExecutor(threads, thread_name_prefix="census") as pool:
        parts = list(pool.map(lambda start: _part(turned[start : start + step], start), starts))
    return _merged(parts, order)


def _part(piece: NDArray[Any], start: int) -> _Part | None:
    """The labels of planes from `start` on; None where there are none."""
    piece = np.ascontiguousarray(piece)
    if not piece.max():
        return None
    _, rows, width = piece.shape
    first = np.empty((len(piece) * rows, width), bool)
    first[:, 0] = True
    lines = piece.reshape(-1, width)
    np.not_equal(lines[:, 1:], lines[:, :-1], out=first[:, 1:])
    at = np.flatnonzero(first)
    values = piece.reshape(-1)[at]
    lengths = np.diff(at, append=piece.size)
    labelled = np.flatnonzero(values)
    at, values, lengths = at[labelled], values[labelled], lengths[labelled]
    line = at // width
    plane = line // rows
    return _counted(values, lengths, (plane + start, line - plane * rows, at - line * width), piece.shape)


def _counted(values: NDArray[Any], lengths: Integers, at: tuple[Integers, ...], shape: tuple[int, ...]) -> _Part:
    """Stretches of `lengths` that start at the indices `at`, by label."""
    labels = np.flatnonzero(np.bincount(values))
    number = np.zeros(int(labels[-1]) + 1, np.int64)
    number[labels] = np.arange(len(labels))
    rows = number[values]
    sums = [np.bincount(rows, lengths * each, len(labels)) for each in at]
    sums[2] += np.bincount(rows, lengths * (lengths - 1) // 2, len(labels))
    first = int(at[0][0])
    ends = [
        _ends(rows, at[0] - first, len(labels), shape[0]) + first,
        _ends(rows, at[1], len(labels), shape[1]),
        _ends(np.tile(rows, 2), np.concatenate((at[2], at[2] + lengths - 1)), len(labels), shape[2]),
    ]
    voxels: Floats = np.bincount(rows, lengths.astype(np.float64), len(labels)).astype(np.float64)
    low, high = (np.stack([each[n] for each in ends], axis=1) for n in (0, 1))
    return _Part(labels, voxels, np.stack(sums, axis=1), low, high)


def _ends(rows: Integers, index: Integers, labels: int, size: int) -> Integers:
    """Per label the least index, and one more than the greatest."""
    seen = np.zeros((labels, size), bool)
    seen.reshape(-1)[rows * size + index] = True
    return np.stack([seen.argmax(axis=1), size - seen[:, ::-1].argmax(axis=1)])


def _merged(parts: list[_Part | None], order: NDArray[np.intp]) -> dict[int, Found]:
    some = [each for each in parts if each is not None]
    if not some:
        return {}
    count = max(int(each.labels[-1]) for each in some) + 1
    voxels, sums = np.zeros(count), np.zeros((count, 3))
    low = np.full((count, 3), np.iinfo(np.int64).max)
    high = np.zeros((count, 3), np.int64)
    for each in some:
        voxels[each.labels] += each.voxels
        sums[each.labels] += each.sums
        low[each.labels] = np.minimum(low[each.labels], each.low)
        high[each.labels] = np.maximum(high[each.labels], each.high)
    back = np.argsort(order)
    return dict(_named(voxels, sums[:, back], low[:, back], high[:, back]))


def _named(voxels: Floats, sums: Floats, low: Integers, high: Integers) -> Iterator[tuple[int, Found]]:
    for label in np.flatnonzero(voxels):
        (a, b, c), (d, e, f), (i, j, k) = low[label].tolist(), high[label].tolist(), sums[label].tolist()
        yield int(label), Found(int(voxels[label]), Box((a, b, c), (d, e, f)), (i, j, k))
