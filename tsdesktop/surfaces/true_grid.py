"""The grid that labels were really made on. numpy only, no VTK.

A network that works at 3 mm gives a result of 0.7 mm voxels by repeating its own: then labels change only at every
fourth or fifth voxel, and smoothing over one or two voxels leaves 3 mm steps. Which borders of voxels see a change is
enough to find the coarser grid again: the changes lie at `origin + n * step`, rounded. Nothing is lost by going back to
it, because every true voxel is a block of equal voxels; a structure that has changes elsewhere is taken as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from tsdesktop.core.geometry import Box, Shape
from tsdesktop.core.volume import LabelMap

Borders = NDArray[np.intp]
Bools = NDArray[np.bool_]

_FEWEST_CHANGES = 5  # fewer fit any step
_SMALLEST_STEP = 1.25
_FILLED = 0.5  # so many of the true grid's borders have to see a change
_ROUNDING = 0.51  # voxels between a border and where it lies unrounded
_LEAST_PART = 0.6  # voxels that a true voxel cut off by the scan's border has at least
_SLAB = 16


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of a true grid, in voxels of the given one: true voxel n covers `borders[n]` to `borders[n + 1]`.

    Unrounded, border n lies at `origin + n * step`.
    """

    borders: Borders
    origin: float
    step: float

    @property
    def lengths(self) -> NDArray[np.float64]:
        """How many voxels each true voxel covers."""
        return np.diff(self.borders).astype(np.float64)


@dataclass(frozen=True, eq=False)
class TrueGrid:
    """The three axes of a true grid inside a box of voxels."""

    axes: tuple[Axis, Axis, Axis]

    @property
    def steps(self) -> NDArray[np.float64]:
        """Voxels per true voxel along i, j, k."""
        return np.array([axis.step for axis in self.axes])

    def taken(self, mask: Bools) -> Bools:
        """One value for every true voxel of a mask on the voxels."""
        if all(len(axis.borders) == n + 1 for axis, n in zip(self.axes, mask.shape, strict=True)):
            return mask
        return mask[np.ix_(*(axis.borders[:-1] for axis in self.axes))]

    def voxels(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places (n, 3) in true voxels (0 is the middle of the first) as places in voxels."""
        origin = np.array([axis.origin for axis in self.axes])
        return np.asarray(origin + self.steps * (places + 0.5) - 0.5)


def true_grid(label_map: LabelMap, mask: Bools, box: Box) -> TrueGrid:
    """The grid on which the structure with this mask in this box was made; the voxels themselves if none is coarser.

    All labels together tell it best; a structure that does not lie on their grid may still have its own.
    """
    axes = []
    whole = _whole(label_map)
    for axis, places in enumerate(_changes(mask, box, label_map.array.shape)):
        start, stop = box.start[axis], box.stop[axis]
        found = _part(whole[axis], places + start, start, stop) or _fitted(places, stop - start)
        axes.append(found or _each(stop - start))
    return TrueGrid((axes[0], axes[1], axes[2]))


def voxel_grid(shape: Shape) -> TrueGrid:
    """The grid of the voxels themselves."""
    i, j, k = (_each(length) for length in shape)
    return TrueGrid((i, j, k))


def true_spacing_mm(label_map: LabelMap) -> tuple[float, float, float]:
    """Spacing along i, j, k of the grid that the labels were made on, in mm; at least that of the label map."""
    steps = [1.0 if axis is None else axis.step for axis in _whole(label_map)]
    i, j, k = (spacing * step for spacing, step in zip(label_map.spacing_mm, steps, strict=True))
    return i, j, k


_known: WeakKeyDictionary[LabelMap, list[Axis | None]] = WeakKeyDictionary()
_lock = threading.Lock()


def _whole(label_map: LabelMap) -> list[Axis | None]:
    """The axes of all labels together, in the label map's voxels; None where none is coarser."""
    with _lock:
        if label_map not in _known:
            boxes = list(label_map.boxes.values())
            _known[label_map] = [None] * 3 if not boxes else _whole_of(label_map, boxes)
        return _known[label_map]


def _whole_of(label_map: LabelMap, boxes: list[Box]) -> list[Axis | None]:
    start = np.min([box.start for box in boxes], axis=0)
    stop = np.max([box.stop for box in boxes], axis=0)
    box = Box(tuple(map(int, start)), tuple(map(int, stop)))  # type: ignore[arg-type]
    found = []
    for axis, places in enumerate(_changes(label_map.array[box.slices], box, label_map.array.shape)):
        fitted = _fitted(places, box.shape[axis])
        found.append(None if fitted is None else _moved(fitted, box.start[axis]))
    return found


def _changes(labels: NDArray[Any], box: Box, shape: Sequence[int]) -> list[Borders]:
    """Per axis the borders between voxels at which any label changes, with the ends of the box.

    Ends that are the scan's are left out: a true voxel may go on there.
    """
    changed = [np.zeros(n + 1, np.bool_) for n in labels.shape]
    for first in range(0, labels.shape[0], _SLAB):
        slab = labels[first : first + _SLAB + 1]
        changed[0][first + 1 : first + len(slab)] |= (slab[1:] != slab[:-1]).any(axis=(1, 2))
        changed[1][1:-1] |= (slab[:, 1:] != slab[:, :-1]).any(axis=(0, 2))
        changed[2][1:-1] |= (slab[:, :, 1:] != slab[:, :, :-1]).any(axis=(0, 1))
    for each, start, stop, length in zip(changed, box.start, box.stop, shape, strict=True):
        each[[0, -1]] = start > 0, stop < length
    return [np.flatnonzero(each) for each in changed]


def _fitted(places: Borders, length: int) -> Axis | None:
    """The coarsest axis over `length` voxels whose borders, rounded, hold all these places; None when there is none."""
    fewest = len(places) - 1
    if fewest + 1 < _FEWEST_CHANGES:
        return None
    reach = int(places[-1] - places[0])
    for count in range(fewest, min(int(reach / _SMALLEST_STEP), int(fewest / _FILLED)) + 1):
        for beyond in (0.0, -0.5, 0.5):
            numbers = np.rint((places - places[0]) * count / (reach + beyond)).astype(np.intp)
            if np.any(np.diff(numbers) < 1):
                continue
            origin, step, off = _line(places, numbers)
            if step >= _SMALLEST_STEP and off <= _ROUNDING:
                found = _over(length, places, numbers, Axis(places, origin, step))
                if found is not None:
                    return found
    return None


def _line(places: Borders, numbers: Borders) -> tuple[float, float, float]:
    """The line `origin + step * number` with the smallest largest distance to the places, and that distance."""
    middle, reach = float(np.polyfit(numbers, places, 1)[0]), 1.0 / max(int(numbers[-1]), 1)

    def spread(step: float) -> float:
        return float(np.ptp(places - step * numbers))

    step = float(minimize_scalar(spread, bounds=(middle - reach, middle + reach), method="bounded").x)
    rest = places - step * numbers
    return float(rest.max() + rest.min()) / 2.0, step, spread(step) / 2.0


def _over(length: int, places: Borders, numbers: Borders, fit: Axis) -> Axis | None:
    """The axis over all voxels with these places at their numbers, and rounded borders where nothing changes."""
    before = max(0, int(np.ceil((places[0] - _LEAST_PART) / fit.step)))
    after = max(0, int(np.ceil((length - places[-1] - _LEAST_PART) / fit.step)))
    origin = fit.origin - before * fit.step
    borders = np.rint(origin + fit.step * np.arange(before + numbers[-1] + after + 1)).astype(np.intp)
    borders[numbers + before] = places
    borders[[0, -1]] = 0, length
    return Axis(borders, origin, fit.step) if np.all(np.diff(borders) > 0) else None


def _part(axis: Axis | None, places: Borders, start: int, stop: int) -> Axis | None:
    """The part of an axis from `start` to `stop`, counted from `start`; None if a border at one of `places` lacks."""
    if axis is None or not np.isin([start, *places, stop], axis.borders).all():
        return None
    first, last = np.searchsorted(axis.borders, [start, stop])
    part = Axis(axis.borders[first : last + 1], axis.origin + first * axis.step, axis.step)
    return _moved(part, -start)


def _moved(axis: Axis, by: int) -> Axis:
    return Axis(axis.borders + by, axis.origin + by, axis.step)


def _each(length: int) -> Axis:
    return Axis(np.arange(length + 1), 0.0, 1.0)
