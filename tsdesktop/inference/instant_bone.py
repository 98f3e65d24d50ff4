"""Bones in a CT by their density: dense voxels, the marrow they enclose, without specks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.geometry import bounding_box
from tsdesktop.inference.instant_body import Body
from tsdesktop.inference.instant_grid import (
    NEIGHBOURS_26,
    Blocks,
    Floats,
    Hu,
    Mask,
    closed,
    distance_mm,
    filled_plane,
    without_small,
)

# A block takes part when at least this share of its voxels is dense: noise alone does not reach it.
LEAST_SHARE = 0.08
# Components with less dense volume than this are specks.
SPECK_ML = 1.0
# Blocks at the surface that hold only part of bone: at least this share of the threshold, so near to dense ones.
PARTIAL_SHARE, PARTIAL_MM = 0.6, 4.5
# Marrow between bones' walls: gaps up to 15 mm wide, denser than muscle (red marrow and spongy bone) ...
GAP_RADIUS_MM, MARROW_HU = 7.5, 60.0
# ... or holes enclosed in a plane, either denser than organs or as fatty as yellow marrow, but neither the spinal canal
# (nerves and fluid, about 0 to 50 HU) nor air in the skull.
HOLE_MM2, YELLOW_MARROW_HU, RED_MARROW_HU = 2000.0, (-200.0, -10.0), 75.0
# Holes of thin bones and pores of spongy bone, in a slice of small voxels; the spinal canal is several times larger.
PORE_MM2 = 60.0


@dataclass(frozen=True, eq=False)
class Bones:
    """Bones in blocks: where dense voxels count, and what is bone without asking."""

    blocks: Blocks
    threshold_hu: float
    dense: Mask
    inside: Mask

    def plane(self, hu: Hu, k: int) -> Mask:
        """Bone in slice `k` of the scan [i, j]; `hu` is that slice."""
        bone = (hu >= self.threshold_hu) & self.blocks.plane(self.dense, k)
        bone |= self.blocks.plane(self.inside, k)
        pixel_mm2 = float(np.prod(self.blocks.spacing_mm[:2]) / np.prod(self.blocks.factors[:2]))
        return filled_plane(bone, int(PORE_MM2 / pixel_mm2)) if bone.any() else bone


def find_bones(mean: Floats, dense_share: Floats, body: Body, threshold_hu: float) -> Bones:
    """Bones from the mean HU of the blocks and from the share of their voxels that reach the threshold."""
    blocks = body.blocks
    seed = without_small((dense_share >= LEAST_SHARE) & body.mask, dense_share * blocks.block_ml, SPECK_ML)
    dense = ndimage.binary_dilation(seed, iterations=1) & body.mask
    bone = np.zeros_like(seed)
    box = bounding_box(seed)
    if box is not None:
        part = box.grown((3, 3, 3), blocks.shape).slices
        bone[part] = _with_marrow(seed[part], mean[part], blocks, threshold_hu) & body.mask[part]
    if blocks.factors == (1, 1, 1):
        return Bones(blocks, threshold_hu, dense=seed, inside=bone)
    # Where blocks are coarser than voxels, voxels alone draw the surface.
    inside = ndimage.binary_erosion(bone, NEIGHBOURS_26, border_value=1)
    return Bones(blocks, threshold_hu, dense, inside=inside)


def _with_marrow(seed: Mask, mean: Floats, blocks: Blocks, threshold_hu: float) -> Mask:
    near = distance_mm(~seed, blocks.spacing_mm) <= PARTIAL_MM
    bone = seed | (near & (mean >= PARTIAL_SHARE * threshold_hu))
    smooth = ndimage.gaussian_filter(mean, 0.5)
    bone |= closed(bone, GAP_RADIUS_MM, blocks.spacing_mm) & (smooth > MARROW_HU)
    return _with_filled_holes(bone, mean, blocks)


def _with_filled_holes(bone: Mask, mean: Floats, blocks: Blocks) -> Mask:
    """Bone with the marrow holes of all axial, coronal and sagittal planes filled."""
    out = bone.copy()
    for axis in range(3):
        pixel_mm2 = blocks.block_ml * 1000.0 / blocks.spacing_mm[axis]
        planes = zip(np.moveaxis(bone, axis, 0), np.moveaxis(mean, axis, 0), np.moveaxis(out, axis, 0), strict=True)
        for plane, hu, target in planes:
            if plane.any():
                target |= _marrow_holes(plane, hu, pixel_mm2)
    return out


def _marrow_holes(plane: Mask, hu: Floats, pixel_mm2: float) -> Mask:
    holes, count = ndimage.label(~plane)
    sizes = np.maximum(np.bincount(holes.ravel(), minlength=count + 1), 1)
    means: NDArray[np.float64] = np.bincount(holes.ravel(), hu.ravel(), minlength=count + 1) / sizes
    yellow = (means > YELLOW_MARROW_HU[0]) & (means < YELLOW_MARROW_HU[1])
    fill = (sizes * pixel_mm2 <= HOLE_MM2) & (yellow | (means > RED_MARROW_HU))
    fill[np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]])] = False
    fill[0] = False
    return np.asarray(fill[holes])
