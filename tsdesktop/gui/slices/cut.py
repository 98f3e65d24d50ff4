"""Slices through a scan and its labels as contiguous arrays, and on which slices a structure is. Never Qt."""

from __future__ import annotations

from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui.slices.plane import Plane

Present = tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]
_presence: WeakKeyDictionary[LabelMap, dict[int, tuple[Geometry, Present]]] = WeakKeyDictionary()
# How many voxels an axis may run askew over a whole slice and still count as straight.
_ASKEW = 0.02
# Three views ask for the same structure at the same time: one looks, the others wait.
_looking = Lock()


def scan_slice(volume: Volume, plane: Plane, number: int) -> NDArray[Any]:
    """Intensities [row, column] of a slice."""
    return np.ascontiguousarray(plane.cut(volume.array, number))


def label_slice(label_map: LabelMap, plane: Plane, number: int) -> NDArray[Any]:
    """Labels [row, column] of a slice of the scan; nearest neighbour where the labels have a grid of their own."""
    if label_map.geometry.matches(plane.geometry):
        return np.ascontiguousarray(plane.cut(label_map.array, number))
    return _sampled(label_map, plane, number)


def presence(label_map: LabelMap, label: int, geometry: Geometry) -> Present:
    """For each voxel axis of the scan's grid: on which of its slices the label is. Slow the first time; any thread."""
    with _looking:
        known = _presence.setdefault(label_map, {})
        found = known.get(label)
        if found is None or found[0] is not geometry:
            found = known[label] = geometry, _present(label_map, label, geometry)
        return found[1]


def _present(label_map: LabelMap, label: int, geometry: Geometry) -> Present:
    i, j, k = (np.zeros(size, np.bool_) for size in geometry.shape)
    found = label_map.cropped_mask(label)
    if found is None:
        return i, j, k
    mask, box = found
    if label_map.geometry.matches(geometry):
        for axis, out in enumerate((i, j, k)):
            others = tuple(n for n in range(3) if n != axis)
            out[box.slices[axis]] = np.any(mask, axis=others)
        return i, j, k
    places = geometry.voxel(label_map.geometry.world_ras(np.argwhere(mask) + box.start))
    for axis, out in enumerate((i, j, k)):
        near = np.rint(places[:, axis]).astype(np.intp)
        out[near[(near >= 0) & (near < len(out))]] = True
    return i, j, k


def _sampled(label_map: LabelMap, plane: Plane, number: int) -> NDArray[Any]:
    """The nearest labels of a grid of its own."""
    columns, rows, _ = plane.size
    own = label_map.geometry
    corners = own.voxel(
        np.stack([plane.world_ras(0, 0, number), plane.world_ras(1, 0, number), plane.world_ras(0, 1, number)])
    )
    along, down = corners[1] - corners[0], corners[2] - corners[0]
    # The axes of both grids are mostly the same, as in a draft result; then whole rows and columns are picked.
    across = np.abs(along) * columns > _ASKEW
    upright = np.abs(down) * rows > _ASKEW
    if across.sum() == 1 and upright.sum() == 1 and not np.any(across & upright):
        places = [
            corners[0, axis] + (np.arange(columns) * along[axis] if across[axis] else 0.0)
            + (np.arange(rows) * down[axis] if upright[axis] else 0.0)
            for axis in range(3)
        ]  # fmt: skip
        return _picked(label_map, places, swapped=int(np.argmax(across)) < int(np.argmax(upright)))
    index, inside = [], np.ones((rows, columns), np.bool_)
    for axis in range(3):
        place = corners[0, axis] + np.arange(rows)[:, None] * down[axis] + np.arange(columns) * along[axis]
        near = np.rint(place).astype(np.intp)
        inside &= (near >= 0) & (near < own.shape[axis])
        index.append(np.clip(near, 0, own.shape[axis] - 1))
    return np.where(inside, label_map.array[tuple(index)], label_map.array.dtype.type(0))


def _picked(label_map: LabelMap, places: list[Any], *, swapped: bool) -> NDArray[Any]:
    """Whole rows and columns of labels at these places along the label map's axes; `swapped` where rows come last."""
    shape = label_map.geometry.shape
    near = [np.atleast_1d(np.rint(each)).astype(np.intp) for each in places]
    inside = [(each >= 0) & (each < size) for each, size in zip(near, shape, strict=True)]
    index = [np.clip(each, 0, size - 1) for each, size in zip(near, shape, strict=True)]
    found = label_map.array[np.ix_(*index)]
    for axis, kept in enumerate(inside):
        if not kept.all():
            found[(slice(None),) * axis + (~kept,)] = 0
    flat = found.reshape([n for n, each in zip(found.shape, places, strict=True) if np.ndim(each)])
    return np.ascontiguousarray(flat.T if swapped else flat)
