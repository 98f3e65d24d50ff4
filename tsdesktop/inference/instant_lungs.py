"""Lungs and large airways in a CT by the air in them: the trachea first, then both lungs, then left from right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.geometry import bounding_box
from tsdesktop.inference.instant_airways import find_airways
from tsdesktop.inference.instant_body import Body
from tsdesktop.inference.instant_grid import Blocks, Floats, Hu, Mask, closed

Labels = NDArray[np.uint8]
LEFT, RIGHT, AIRWAYS = 1, 2, 3

# Half way between lung (about -850 HU) and soft tissue (about 40 HU), and between air and the wall of the trachea.
LUNG_EDGE_HU, AIRWAY_EDGE_HU = -400.0, -500.0
# Pieces of lung: at least so large, this share of it in blocks off its edge, and these with a median HU
# like lung. Gas in the bowel is lighter (about -1000 HU), stool is mottled: small pieces must be lung beyond doubt,
# with half of their blocks within this range.
PIECE_ML, INSIDE_SHARE, PIECE_HU = 8.0, 0.15, (-945.0, -450.0)
SMALL_PIECE_ML, SMALL_PIECE_RANGE_HU = 150.0, 110.0
# Lighter than this is lung only if it is large and uneven, as in emphysema; gas is even.
LIGHT_HU, LIGHT_RANGE_HU = -910.0, 40.0
# Vessels and bronchi up to about twice this wide belong to the lung.
VESSEL_RADIUS_MM = 4.5
# Lungs that touch: taken apart by peeling off layers until there are two parts, the smaller not below this share.
MOST_LAYERS, LESSER_SHARE = 7, 0.12


@dataclass(frozen=True, eq=False)
class Lungs:
    """Lungs and airways in blocks: `zone` where they may be, `inside` where they are without asking; labels or 0."""

    blocks: Blocks
    zone: Labels
    inside: Labels

    def plane(self, hu: Hu, k: int) -> Labels:
        """Labels in slice `k` of the scan [i, j]; `hu` is that slice."""
        zone = self.blocks.plane(self.zone, k)
        air = hu < np.where(zone == AIRWAYS, AIRWAY_EDGE_HU, LUNG_EDGE_HU)
        return np.asarray(np.where(air, zone, self.blocks.plane(self.inside, k)), np.uint8)


def find_lungs(mean: Floats, body: Body) -> Lungs | None:
    """Lungs and airways from the mean HU of the blocks; None where there are none."""
    blocks = body.blocks
    air = body.mask & (mean < LUNG_EDGE_HU)
    airways = find_airways(mean, air, _pieces(air, mean, blocks), body)
    lung = _pieces(air & ~airways, mean, blocks)
    box = bounding_box(lung)
    if box is None:
        return None
    sides = np.zeros(lung.shape, np.uint8)
    sides[box.slices] = _sides(lung[box.slices], body.middle()[box.slices[2]] - box.start[0], blocks)
    for side in (LEFT, RIGHT):
        sides[closed(sides == side, VESSEL_RADIUS_MM, blocks.spacing_mm) & (sides == 0) & ~airways] = side
    return _with_edges(np.where(airways, AIRWAYS, sides).astype(np.uint8), blocks)


def _pieces(air: Mask, mean: Floats, blocks: Blocks) -> Mask:
    """The components of air that are lung."""
    pieces, count = ndimage.label(air)
    inner = ndimage.binary_erosion(air, border_value=1)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    kept = np.zeros(count + 1, np.bool_)
    for number, box in enumerate(ndimage.find_objects(pieces), 1):
        if sizes[number] * blocks.block_ml >= PIECE_ML:
            own = mean[box][(pieces[box] == number) & inner[box]]
            if own.size >= INSIDE_SHARE * sizes[number]:
                kept[number] = _is_lung(own, sizes[number] * blocks.block_ml)
    return np.asarray(kept[pieces])


def _is_lung(hu: Floats, size_ml: float) -> bool:
    low, median, high = np.percentile(hu, (25, 50, 75))
    if size_ml < SMALL_PIECE_ML:
        return bool(LIGHT_HU < median < PIECE_HU[1] and high - low <= SMALL_PIECE_RANGE_HU)
    return bool(median > LIGHT_HU or high - low >= LIGHT_RANGE_HU) and bool(PIECE_HU[0] < median < PIECE_HU[1])


def _sides(lung: Mask, middle: NDArray[np.float64], blocks: Blocks) -> Labels:
    """Every block of lung as LEFT or RIGHT."""
    right_of_middle = np.arange(lung.shape[0])[:, None, None] > middle[None, None, :]
    seeds = _two_parts(lung, right_of_middle)
    if seeds is None:
        return _by_middle(lung, right_of_middle)
    seeds = _grown(seeds, lung)
    _, nearest = ndimage.distance_transform_edt(seeds == 0, sampling=blocks.spacing_mm, return_indices=True)
    return np.asarray(np.where(lung, seeds[tuple(nearest)], 0), np.uint8)


def _by_middle(lung: Mask, right_of_middle: Mask) -> Labels:
    """Sides where two parts cannot be told: each component goes whole, unless the middle really cuts it."""
    pieces, count = ndimage.label(lung)
    sizes = np.maximum(np.bincount(pieces.ravel(), minlength=count + 1), 1)
    share = np.bincount(pieces.ravel(), (right_of_middle & lung).ravel(), minlength=count + 1) / sizes
    share = np.where(share > 1.0 - LESSER_SHARE, 1.0, np.where(share < LESSER_SHARE, 0.0, share))
    whole = share[pieces]
    right = (whole == 1.0) | ((whole > 0.0) & right_of_middle)
    return np.where(lung, np.where(right, RIGHT, LEFT), 0).astype(np.uint8)


def _two_parts(lung: Mask, right_of_middle: Mask) -> Labels | None:
    """The inner parts of both lungs, after as few layers are peeled off as take them apart; None for one lung alone."""
    peeled = lung
    for _ in range(MOST_LAYERS):
        parts, count = ndimage.label(peeled)
        if count == 0:
            return None
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        sizes[0] = 0
        side = _side_of_parts(parts, sizes, right_of_middle)
        totals = [int(sizes[side == each].sum()) for each in (LEFT, RIGHT)]
        if min(totals) >= LESSER_SHARE * sum(totals) and 0 not in side[sizes >= LESSER_SHARE * sum(totals)]:
            return np.asarray(side[parts], np.uint8)
        peeled = ndimage.binary_erosion(peeled, border_value=1)
    return None


def _side_of_parts(parts: NDArray[np.int32], sizes: NDArray[np.int64], right_of_middle: Mask) -> Labels:
    """RIGHT or LEFT for every part that lies mostly (three quarters) on one side; 0 for others."""
    inside = parts > 0
    share = np.bincount(parts.ravel(), (right_of_middle & inside).ravel(), minlength=sizes.size) / np.maximum(sizes, 1)
    side = np.where(share > 0.75, RIGHT, np.where(share < 0.25, LEFT, 0))
    side[0] = 0
    return side.astype(np.uint8)


def _grown(seeds: Labels, lung: Mask) -> Labels:
    """Seeds grown inside the lung, a layer of each in turn, as far as they were peeled and a little more."""
    out = seeds.copy()
    for _ in range(2 * MOST_LAYERS):
        for side in (LEFT, RIGHT):
            out[ndimage.binary_dilation(out == side) & lung & (out == 0)] = side
    return out


def _with_edges(labels: Labels, blocks: Blocks) -> Lungs:
    """What blocks say, with a layer around it in which single voxels decide."""
    if blocks.factors == (1, 1, 1):
        return Lungs(blocks, zone=labels, inside=labels)
    around = ndimage.maximum_filter(labels, footprint=ndimage.generate_binary_structure(3, 1))
    inside = np.zeros_like(labels)
    for side in (LEFT, RIGHT):
        inside[ndimage.binary_erosion(labels == side, border_value=1)] = side
    return Lungs(blocks, zone=np.where(labels > 0, labels, around), inside=inside)
