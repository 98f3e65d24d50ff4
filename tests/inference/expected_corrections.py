"""Corrections of label maps as upstream describes them, written plainly for comparison."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[Any]


def keep_largest(labels: Array, wanted: Iterable[int]) -> Array:
    """Of each wanted label only the largest face-connected component, the first one on a tie."""
    out = labels.copy()
    for label in wanted:
        pieces, count = ndimage.label(labels == label)
        if count:
            sizes = [(pieces == n).sum() for n in range(1, count + 1)]
            out[(labels == label) & (pieces != 1 + sizes.index(max(sizes)))] = 0
    return out


def without_small(labels: Array, wanted: Iterable[int], voxels: float) -> Array:
    """Without components of at most `voxels` voxels of the wanted labels."""
    out = labels.copy()
    for label in wanted:
        pieces, count = ndimage.label(labels == label)
        sizes = ndimage.sum_labels(labels == label, pieces, np.arange(count + 1))
        out[np.isin(pieces, np.flatnonzero(sizes <= voxels)) & (labels == label)] = 0
    return out


def numbered_vertebrae(labels: Array, least_voxels: float) -> Array:
    """Vertebrae numbered by their order along z when two numbers touch; axis 2 runs upwards."""
    if not _touching(labels):
        return labels
    pieces, count = ndimage.label(labels > 0)
    kept = [n for n in range(1, count + 1) if (pieces == n).sum() >= least_voxels]
    upwards = sorted(kept, key=lambda n: float(np.argwhere(pieces == n)[:, 2].mean()))
    present = {int(label) for n in kept for label in np.unique(labels[pieces == n])}
    out = np.zeros_like(labels)
    if 1 in present and 24 not in present:
        for number, piece in enumerate(upwards[::-1], 1):
            out[pieces == piece] = number if number < 25 else 0
    else:
        for number, piece in enumerate(upwards):
            out[pieces == piece] = max(0, max(present) - number)
    return out


def dilated_labels(labels: Array, radius_mm: float, sizes: Array) -> Array:
    """Background within `radius_mm` of a label becomes that label; the lowest label wins."""
    reach = [int(radius_mm / size) for size in sizes]
    steps = [
        step
        for step in product(*(range(-n, n + 1) for n in reach))
        if np.square(np.multiply(step, sizes)).sum() <= radius_mm**2 * (1 + 1e-9)
    ]
    padded = np.pad(labels, [(n, n) for n in reach])
    out = labels.copy()
    for label in np.unique(labels[labels > 0])[::-1]:
        near = np.zeros(labels.shape, bool)
        for step in steps:
            near |= (
                padded[tuple(slice(n + s, n + s + size) for n, s, size in zip(reach, step, labels.shape, strict=True))]
                == label
            )
        out[near & (labels == 0)] = label
    return out


def grown_across_faces(mask: Array, times: int) -> Array:
    """The mask and every voxel at most `times` steps across faces away from it."""
    distance: Array = ndimage.distance_transform_cdt(~mask, metric="taxicab")
    return distance <= times


def _touching(labels: Array) -> bool:
    for axis in range(3):
        one, other = np.moveaxis(labels, axis, 0)[1:], np.moveaxis(labels, axis, 0)[:-1]
        if ((one != other) & (one > 0) & (other > 0)).any():
            return True
    return False
