"""A scan seen in blocks of about 3 mm: where the instant tasks decide, before they look at single voxels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.geometry import Shape, bounding_box

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]
Hu = NDArray[Any]
Spacing = tuple[float, float, float]

LEAST_BLOCK_MM = 2.5
LEAST_HU = -1024.0
# Slices copied at once; bounds the extra memory, and makes arrays whose slices are not contiguous quick to walk.
SLAB_SLICES = 16
NEIGHBOURS_26 = np.ones((3, 3, 3), np.bool_)


@dataclass(frozen=True)
class Blocks:
    """Blocks of `factors` voxels over a scan of `scan_shape` [i, j, k]; `spacing_mm` is the size of one block."""

    scan_shape: Shape
    factors: tuple[int, int, int]
    spacing_mm: Spacing

    @classmethod
    def of_scan(cls, shape: Shape, spacing_mm: Spacing) -> Blocks:
        """The smallest blocks that measure at least LEAST_BLOCK_MM along every axis (one voxel where that suffices)."""
        i, j, k = (max(1, math.ceil(LEAST_BLOCK_MM / step - 1e-6)) for step in spacing_mm)
        return cls(shape, (i, j, k), (i * spacing_mm[0], j * spacing_mm[1], k * spacing_mm[2]))

    @property
    def shape(self) -> Shape:
        """The number of blocks along i, j, k; the last may reach over the edge of the scan."""
        i, j, k = (-(-n // factor) for n, factor in zip(self.scan_shape, self.factors, strict=True))
        return i, j, k

    @property
    def block_ml(self) -> float:
        """Volume of one block in ml."""
        return math.prod(self.spacing_mm) / 1000.0

    def mean(self, hu: Hu, value: Callable[[Hu], Floats]) -> Floats:
        """The mean of `value` over every block; `value` turns some slices [i, j, k] of the scan into numbers."""
        out = np.empty(self.shape, np.float32, order="F")
        step = self.factors[2]
        for start, slab in slabs(hu, step):
            for first in range(0, slab.shape[2], step):
                flat = value(slab[:, :, first : first + step]).mean(axis=2, dtype=np.float32)
                out[:, :, (start + first) // step] = self._mean_in_plane(flat)
        return out

    def _mean_in_plane(self, plane: Floats) -> Floats:
        (ni, nj, _), (fi, fj, _) = self.shape, self.factors
        missing = ((0, ni * fi - plane.shape[0]), (0, nj * fj - plane.shape[1]))
        whole = np.pad(plane, missing, mode="edge") if missing != ((0, 0), (0, 0)) else plane
        rows = sum((whole[:, n::fj] for n in range(1, fj)), whole[:, ::fj])
        means: Floats = sum((rows[n::fi] for n in range(1, fi)), rows[::fi]) / np.float32(fi * fj)
        return means

    def plane(self, blocks: NDArray[Any], k: int) -> NDArray[Any]:
        """Slice `k` of the scan [i, j], every voxel with the value of its block."""
        small = blocks[:, :, k // self.factors[2]]
        wide = np.repeat(np.repeat(small, self.factors[0], axis=0), self.factors[1], axis=1)
        return wide[: self.scan_shape[0], : self.scan_shape[1]]

    def smooth_plane(self, blocks: Floats, k: int) -> Floats:
        """Slice `k` of the scan [i, j], interpolated linearly between the centres of the blocks."""
        low, high, share = self._between(2, np.array([k]))
        small = blocks[:, :, low[0]] + share[0] * (blocks[:, :, high[0]] - blocks[:, :, low[0]])
        low, high, share = self._between(0, np.arange(self.scan_shape[0]))
        tall = small[low] + share[:, None] * (small[high] - small[low])
        low, high, share = self._between(1, np.arange(self.scan_shape[1]))
        plane: Floats = tall[:, low] + share * (tall[:, high] - tall[:, low])
        return plane

    def _between(self, axis: int, voxels: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        """For voxels along an axis: the block centres on both sides, and the share of the upper one."""
        last = self.shape[axis] - 1
        position = np.clip((voxels + 0.5) / self.factors[axis] - 0.5, 0, last)
        low = position.astype(np.intp)
        return low, np.minimum(low + 1, last), (position - low).astype(np.float32)


def slabs(hu: Hu, step: int = 1) -> Iterator[tuple[int, Hu]]:
    """The scan in slabs of whole multiples of `step` slices: index of the first slice, and a copy with quick slices."""
    thick = step * max(1, SLAB_SLICES // step)
    for start in range(0, hu.shape[2], thick):
        yield start, np.array(hu[:, :, start : start + thick], order="F")


def mean_hu(blocks: Blocks, hu: Hu) -> Floats:
    """Mean HU of every block; fill values below air count as air."""
    return blocks.mean(hu, lambda slab: np.maximum(slab, LEAST_HU, dtype=np.float32))


def distance_mm(mask: Mask, spacing_mm: Spacing) -> Floats:
    """Distance of every true block from the nearest false one, in mm; infinite where there is none."""
    if mask.all():
        return np.full(mask.shape, np.inf, np.float32)
    distance = ndimage.distance_transform_edt(mask, sampling=spacing_mm)
    return np.asarray(distance, np.float32)


def opened(mask: Mask, radius_mm: float, spacing_mm: Spacing) -> Mask:
    """The mask without what is thinner than about twice the radius; it is thought to go on beyond the edges."""
    core = distance_mm(mask, spacing_mm) > radius_mm
    return mask & (distance_mm(~core, spacing_mm) <= radius_mm)


def closed(mask: Mask, radius_mm: float, spacing_mm: Spacing) -> Mask:
    """The mask with gaps closed that are narrower than about twice the radius; nothing is closed against the edges."""
    box = bounding_box(mask)
    if box is None:
        return mask
    margin = [math.ceil(radius_mm / step) + 1 for step in spacing_mm]
    part = np.pad(mask[box.slices], [(n, n) for n in margin])
    wide = distance_mm(~part, spacing_mm) <= radius_mm
    inner = tuple(slice(n, -n) for n in margin)
    out = mask.copy()
    out[box.slices] |= (distance_mm(wide, spacing_mm) > radius_mm)[inner]
    return out


def grown(mask: Mask, layers: int, within: Mask) -> Mask:
    """The mask with this many layers of face neighbours more, all inside `within`."""
    return np.asarray(ndimage.binary_dilation(mask, iterations=layers, mask=within))


def without_small(mask: Mask, weight_ml: Floats | float, least_ml: float) -> Mask:
    """The components (26 neighbours) of at least `least_ml`; `weight_ml` is what each block counts for."""
    labels, count = ndimage.label(mask, NEIGHBOURS_26)
    if count == 0:
        return mask
    weights = np.where(mask, weight_ml, 0.0).ravel()
    large = np.bincount(labels.ravel(), weights, minlength=count + 1) >= least_ml
    large[0] = False
    kept: Mask = large[labels]
    return kept


def filled_plane(mask: Mask, most_pixels: int | None = None) -> Mask:
    """A plane with its enclosed holes filled; where `most_pixels` is given, only holes of at most so many pixels."""
    holes, count = ndimage.label(~mask)
    fill = np.ones(count + 1, np.bool_)
    fill[0] = False
    fill[np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]])] = False
    if most_pixels is not None:
        fill &= np.bincount(holes.ravel(), minlength=count + 1) <= most_pixels
    filled: Mask = mask | fill[holes]
    return filled
