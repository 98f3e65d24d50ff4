"""Resampling between grids whose first and last voxel centres coincide, as `scipy.ndimage.zoom` without grid_mode does.

Written for memory: one axis at a time, integers stay integers, labels go through index tables and are never floats.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Box, Geometry, Shape
from tsdesktop.core.volume import Intensities

# A turn within a plane that moves no pixel by more than this share of a voxel is none.
_STRAIGHT = 0.01
# Places this close to the middle between two voxels go to the lower one, whatever rounding did to them.
_ROUNDING = 1e-6


def resampled_shape(geometry: Geometry, spacing_mm: tuple[float, float, float]) -> Shape:
    """The number of voxels after resampling to `spacing_mm`: round(size x old / new), at least one."""
    i, j, k = (
        max(1, round(n * (old / new)))
        for n, old, new in zip(geometry.shape, geometry.spacing_mm, spacing_mm, strict=True)
    )
    return i, j, k


def true_geometry(geometry: Geometry, shape: Shape) -> Geometry:
    """The real grid after resampling to `shape`: first and last voxel centres stay where they were."""
    affine = np.array(geometry.affine)
    for axis, (old, new) in enumerate(zip(geometry.shape, shape, strict=True)):
        affine[:3, axis] *= (old - 1) / (new - 1) if old > 1 and new > 1 else 1.0
    return Geometry(shape, affine)


def resample_intensities(array: Intensities, shape: Shape, order: int = 1) -> Intensities:
    """Intensities [i, j, k] on a grid of `shape` by splines of `order` 0 to 5.

    Integers are truncated towards zero, as upstream does, and clipped to their type; float32 stays float32.
    """
    if array.shape == shape:
        return array
    if order == 1:
        out = _linear(array, shape)
    else:
        zoom = [new / old for old, new in zip(array.shape, shape, strict=True)]
        from scipy import ndimage  # only here: most runs interpolate linearly, and it is slow to load

        out = ndimage.zoom(array.astype(np.float32), zoom, order=order, mode="nearest").astype(np.float32, copy=False)
    return _as_type(out, array.dtype)


def resample_labels(labels: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """Labels [i, j, k] on a grid of `shape` by nearest neighbour, equal to `ndimage.zoom` of order 0.

    The result is in Fortran order (k slowest), the order in which NIfTI and DICOM keep slices.
    """
    if labels.shape == shape:
        return labels
    tables = [nearest_indices(old, new) for old, new in zip(labels.shape, shape, strict=True)]
    out = np.empty(shape, labels.dtype, order="F")
    for k, source in enumerate(tables[2]):
        np.copyto(out[:, :, k], labels[:, :, source][tables[0]][:, tables[1]])
    return out


def nearest_indices(old: int, new: int) -> NDArray[np.int64]:
    """For each of `new` voxels the nearest of `old` ones along an axis; halves go up, as in `ndimage.zoom`."""
    if new == 1 or old == 1:
        return np.zeros(new, np.int64)
    position = np.arange(new) * ((old - 1) / (new - 1))
    nearest: NDArray[np.int64] = np.clip(np.floor(position + 0.5).astype(np.int64), 0, old - 1)
    return nearest


def nearest_on_plane(picture: NDArray[Any], labels: NDArray[Any], matrix: NDArray[np.float64]) -> bool:
    """Fills a picture [row, column] with the labels [i, j, k] nearest to its pixels, 0 beyond them.

    `matrix` (4x4, or its first three rows) leads from (column, row, 0, 1) to voxel indices. Returns whether any pixel
    lies inside the labels.
    """
    rows, columns = picture.shape
    indices, inside = [], np.ones((1, 1), bool)
    for axis, size in enumerate(labels.shape):
        place = np.full((1, 1), matrix[axis, 3])
        if abs(matrix[axis, 0]) * columns > _STRAIGHT:
            place = place + matrix[axis, 0] * np.arange(columns)[None, :]
        if abs(matrix[axis, 1]) * rows > _STRAIGHT:
            place = place + matrix[axis, 1] * np.arange(rows)[:, None]
        index = np.floor(place + (0.5 - _ROUNDING)).astype(np.intp)
        inside = inside & (index >= 0) & (index < size)
        indices.append(np.clip(index, 0, size - 1))
    if not inside.any():
        return False
    picture[...] = labels[tuple(indices)]
    if not inside.all():
        picture[~np.broadcast_to(inside, picture.shape)] = 0
    return True


def upsampled_part(array: NDArray[Any], grid: Shape, box: Box, shape: Shape) -> tuple[NDArray[np.float32], Box]:
    """The voxels `box` of an image of shape `grid`, brought to a grid of `shape` by linear interpolation.

    Both grids fill the same space, outer voxel edges on outer voxel edges: in = (out + 0.5) x n_in / n_out - 0.5.
    `array` holds the voxels of `box` only. Returns the values and the box they fill in the finer grid.
    """
    starts, stops, out = [], [], array
    for axis in range(3):
        scale = grid[axis] / shape[axis]
        start = max(0, int(np.floor(box.start[axis] / scale)))
        stop = min(shape[axis], int(np.ceil(box.stop[axis] / scale)))
        positions = (np.arange(start, stop) + 0.5) * scale - 0.5 - box.start[axis]
        out = _linear_along(out, axis, positions)
        starts.append(start)
        stops.append(stop)
    return out, Box((starts[0], starts[1], starts[2]), (stops[0], stops[1], stops[2]))


def _linear(array: NDArray[Any], shape: Shape) -> NDArray[np.float32]:
    """Separable linear interpolation: axes that shrink before those that grow, the slowest of memory first."""
    slowest = np.argsort([-abs(stride) for stride in array.strides])
    axes = sorted(slowest, key=lambda axis: shape[axis] > array.shape[axis])
    out: NDArray[Any] = array
    for axis in axes:
        if out.shape[axis] != shape[axis]:
            out = _linear_along(out, int(axis), _aligned_positions(array.shape[axis], shape[axis]))
    return out.astype(np.float32, copy=False)


def _aligned_positions(old: int, new: int) -> NDArray[Any]:
    """Where `new` voxel centres lie among `old` ones when the first and last centres coincide."""
    return np.arange(new) * ((old - 1) / (new - 1)) if new > 1 else np.zeros(1)


def _linear_along(array: NDArray[Any], axis: int, positions: NDArray[Any]) -> NDArray[np.float32]:
    """Values at fractional `positions` along `axis`; positions outside take the border's value."""
    last = array.shape[axis] - 1
    positions = np.clip(positions, 0, last)
    low = np.minimum(positions.astype(np.int64), max(last - 1, 0))
    weight = (positions - low).astype(np.float32)
    order = np.argsort([-abs(stride) for stride in array.strides])
    shape = [len(positions) if n == axis else array.shape[n] for n in order]
    out = np.empty(shape, np.float32).transpose(np.argsort(order))
    source, target = np.moveaxis(array, axis, 0), np.moveaxis(out, axis, 0)
    for n, (at, share) in enumerate(zip(low, weight, strict=True)):
        first = source[at].astype(np.float32)
        if share > 0.0:
            first += share * (source[at + 1].astype(np.float32) - first)
        target[n] = first
    return out


def _as_type(values: NDArray[np.float32], dtype: np.dtype[Any]) -> Intensities:
    if dtype == np.float32:
        return values
    limits = np.iinfo(dtype)
    np.clip(values, limits.min, limits.max, out=values)
    out: Intensities = values.astype(dtype)
    return out
