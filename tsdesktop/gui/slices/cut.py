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
    columns, rows, _ = plane.size
    own = label_map.geometry
    corners = own.voxel(
        np.stack([plane.world_ras(0, 0, number), plane.world_ras(1, 0, number), plane.world_ras(0, 1, number)])
    )
    along, down = corners[1] - corners[0], corners[2] - corners[0]
    index, inside = [], np.ones((rows, columns), np.bool_)
    for axis in range(3):
        place = corners[0, axis] + np.arange(rows)[:, None] * down[axis] + np.arange(columns) * along[axis]
        near = np.rint(place).astype(np.intp)
        inside &= (near >= 0) & (near < own.shape[axis])
        index.append(np.clip(near, 0, own.shape[axis] - 1))
    return np.where(inside, label_map.array[tuple(index)], label_map.array.dtype.type(0))
