"""Boxes around triangles, in a tree: which triangles are near each other, which does a ray meet. numpy only, no VTK.

Triangles are put in the order of a space-filling curve (Morton), so that neighbours in the list are neighbours in
space; every level of the tree joins two boxes of the level below. All pairs of one level are looked at together.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.intp]
Floats = NDArray[np.float32]
# So many pairs at a time, which bounds the memory for surfaces in which everything overlaps.
_BLOCK = 1_000_000


class TriangleTree:
    """A tree of boxes over corners (m, 3, 3) in mm."""

    def __init__(self, corners: Floats) -> None:
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        lowest, highest = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
        self.order = _along_the_curve(lowest + highest)
        self._depth = max(1, int(np.ceil(np.log2(max(len(corners), 2)))))
        low = np.full((3, 2**self._depth), np.inf, np.float32)
        high = np.full((3, 2**self._depth), -np.inf, np.float32)
        low[:, : len(corners)], high[:, : len(corners)] = lowest[self.order].T, highest[self.order].T
        self._levels = [(low, high)]
        for _ in range(self._depth):
            low, high = np.minimum(low[:, ::2], low[:, 1::2]), np.maximum(high[:, ::2], high[:, 1::2])
            self._levels.insert(0, (low, high))

    def near_pairs(self) -> Iterator[tuple[Numbers, Numbers]]:
        """All pairs of triangles whose boxes overlap, each once, in blocks."""
        waiting = [(level, *self._siblings(level)) for level in range(1, self._depth + 1)]
        while waiting:
            level, one, other = waiting.pop()
            if level == self._depth:
                yield self.order[one], self.order[other]
            elif len(one) > _BLOCK:
                half = len(one) // 2
                waiting += [(level, one[:half], other[:half]), (level, one[half:], other[half:])]
            elif len(one):
                ones = np.concatenate([2 * one, 2 * one, 2 * one + 1, 2 * one + 1])
                others = np.concatenate([2 * other, 2 * other + 1, 2 * other, 2 * other + 1])
                waiting.append((level + 1, *self._overlapping(level + 1, ones, others)))

    def met_by(self, starts: Floats, ends: Floats) -> Iterator[tuple[Numbers, Numbers]]:
        """For segments from `starts` to `ends` (n, 3) in mm: (segment, triangle) wherever one meets the other's box."""
        ways = np.where(np.abs(ends - starts) < 1e-9, np.float32(1e-9), ends - starts)
        inverse, origin = np.ascontiguousarray((1.0 / ways).T, np.float32), np.ascontiguousarray(starts.T)
        everyone = np.arange(len(starts), dtype=np.intp)
        waiting = [(0, everyone, np.zeros(len(starts), np.intp))]
        while waiting:
            level, rays, boxes = waiting.pop()
            if level == self._depth:
                yield rays, self.order[boxes]
            elif len(rays) > _BLOCK:
                half = len(rays) // 2
                waiting += [(level, rays[:half], boxes[:half]), (level, rays[half:], boxes[half:])]
            elif len(rays):
                twice, below = self._below(level, rays, boxes)
                met = self._met(
                    level + 1, origin.take(twice, axis=1, mode="clip"), inverse.take(twice, axis=1, mode="clip"), below
                )
                waiting.append((level + 1, twice[met], below[met]))

    def within(self, points: Floats, reach: Floats) -> Iterator[tuple[Numbers, Numbers]]:
        """For points (n, 3) and their reaches in mm: (point, triangle) wherever the triangle's box is in reach."""
        places, squares = np.ascontiguousarray(points.T), reach * reach
        waiting = [(0, np.arange(len(points)), np.zeros(len(points), np.intp))]
        while waiting:
            level, numbers, boxes = waiting.pop()
            if level == self._depth:
                yield numbers, self.order[boxes]
            elif len(numbers) > _BLOCK:
                half = len(numbers) // 2
                waiting += [(level, numbers[:half], boxes[:half]), (level, numbers[half:], boxes[half:])]
            elif len(numbers):
                twice, below = self._below(level, numbers, boxes)
                near = self._squared(level + 1, places.take(twice, axis=1, mode="clip"), below) <= squares[twice]
                waiting.append((level + 1, twice[near], below[near]))

    def _below(self, level: int, numbers: Numbers, boxes: Numbers) -> tuple[Numbers, Numbers]:
        """Every number with the two boxes below its box; behind the last triangle boxes are empty and left out."""
        twice, below = np.tile(numbers, 2), np.concatenate([2 * boxes, 2 * boxes + 1])
        filled = below <= (len(self.order) - 1) >> (self._depth - level - 1)
        return twice[filled], below[filled]

    def _squared(self, level: int, places: Floats, boxes: Numbers) -> Floats:
        """Squared distances of places (3, n) to their boxes."""
        low, high = self._levels[level]
        squared = np.zeros(len(boxes), np.float32)
        for axis in range(3):
            before = low[axis].take(boxes, mode="clip") - places[axis]
            behind = places[axis] - high[axis].take(boxes, mode="clip")
            squared += np.maximum(np.maximum(before, behind), np.float32(0.0)) ** 2
        return squared

    def _siblings(self, level: int) -> tuple[Numbers, Numbers]:
        evens = np.arange(0, 2**level, 2, dtype=np.intp)
        return self._overlapping(level, evens, evens + 1)

    def _overlapping(self, level: int, one: Numbers, other: Numbers) -> tuple[Numbers, Numbers]:
        for low, high in zip(*self._levels[level], strict=True):
            # With indices that are known to be good, "clip" spares looking at them.
            kept = low.take(one, mode="clip") <= high.take(other, mode="clip")
            kept &= low.take(other, mode="clip") <= high.take(one, mode="clip")
            one, other = np.compress(kept, one), np.compress(kept, other)
        return one, other

    def _met(self, level: int, origin: Floats, inverse: Floats, boxes: Numbers) -> NDArray[np.bool_]:
        low, high = self._levels[level]
        enter, leave = np.zeros(len(boxes), np.float32), np.ones(len(boxes), np.float32)
        for axis in range(3):
            first = (low[axis].take(boxes, mode="clip") - origin[axis]) * inverse[axis]
            second = (high[axis].take(boxes, mode="clip") - origin[axis]) * inverse[axis]
            enter = np.maximum(enter, np.minimum(first, second))
            leave = np.minimum(leave, np.maximum(first, second))
        # A flat box is entered and left at one place, and rounding may turn the two round.
        return np.asarray(enter <= leave + np.float32(1e-5))


def _along_the_curve(middles: Floats) -> NDArray[np.intp]:
    """The order of places (n, 3) along a Morton curve through their box."""
    if not len(middles):
        return np.zeros(0, np.intp)
    lowest = middles.min(axis=0)
    steps = (2**20 - 1) / max(float((middles.max(axis=0) - lowest).max()), 1e-30)
    i, j, k = (_spread(((middles - lowest) * np.float32(steps))[:, axis].astype(np.uint64)) for axis in range(3))
    return np.argsort(i | (j << np.uint64(1)) | (k << np.uint64(2)), kind="stable")


def _spread(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers of 21 bits with two zeros put between all bits."""
    for shift, mask in (
        (32, 0x1F00000000FFFF), (16, 0x1F0000FF0000FF), (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3), (2, 0x1249249249249249),
    ):  # fmt: skip
        numbers = (numbers | (numbers << np.uint64(shift))) & np.uint64(mask)
    return numbers
