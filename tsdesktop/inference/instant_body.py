"""The body in a CT: what is not air, without table and clothes, with everything inside it filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.inference.instant_grid import (
    Blocks,
    Floats,
    Hu,
    Mask,
    distance_mm,
    filled_plane,
    grown,
    opened,
    slabs,
)

Say = Callable[[float], None]

# Half way between air (-1000 HU) and water (0 HU): where a blurred skin really lies.
SKIN_HU = -500.0
# What is thinner than twice this is cut off first: table tops, blankets, cables, but also ears and noses, which return.
TABLE_RADIUS_MM = 5.0
# Arms and legs that are apart from the trunk: at least so large, also beside the trunk, and so thick.
LIMB_ML, LIMB_SHARE, LIMB_RADIUS_MM = 50.0, 0.005, 12.0
# Thin parts that return: at most so large, in contact with the body.
THIN_ML, THIN_MM = 15.0, 80.0
# Lungs by their density, to keep a thin chest wall and lungs that are cut by the side of the picture.
LUNG_HU, LUNG_RADIUS_MM, LUNG_ML = (-950.0, -500.0), 9.0, 50.0
# Specks of hair or cloth near the skin, in a slice.
SPECK_MM2 = 30.0


@dataclass(frozen=True, eq=False)
class Body:
    """The body in blocks: `mask` says which belong to it, `depth` is 0 outside, 1 inside and between at the skin."""

    blocks: Blocks
    mask: Mask
    depth: Floats

    def plane(self, hu: Hu, k: int) -> Mask:
        """The body in slice `k` of the scan [i, j], exact to the voxel; `hu` is that slice."""
        depth = self.blocks.smooth_plane(self.depth, k)
        # The skin lies within a block of where the blocks say it is; there the voxels themselves decide.
        inside = depth > 0.85
        body = inside | ((depth > 0.15) & (hu > SKIN_HU))
        return filled_plane(self._without_specks(body, inside))

    def middle(self) -> NDArray[np.float64]:
        """The middle of the body along i, in blocks, for every k of blocks: a line through the slices' centres."""
        per_row = self.mask.sum(axis=1).astype(np.float64)
        weights = per_row.sum(axis=0)
        centres = (np.arange(per_row.shape[0]) @ per_row) / np.maximum(weights, 1.0)
        slices = np.arange(weights.size)
        if np.count_nonzero(weights) < 2:
            return np.full(weights.size, centres.max())
        slope, offset = np.polyfit(slices, centres, 1, w=np.sqrt(weights))
        return np.asarray(slope * slices + offset)

    def _without_specks(self, body: Mask, inside: Mask) -> Mask:
        pieces, count = ndimage.label(body)
        pixel_mm2 = float(np.prod(self.blocks.spacing_mm[:2]) / np.prod(self.blocks.factors[:2]))
        kept = np.bincount(pieces.ravel(), minlength=count + 1) * pixel_mm2 >= SPECK_MM2
        kept[np.unique(pieces[inside])] = True
        kept[0] = False
        return np.asarray(kept[pieces])

    def planes(self, hu: Hu, say: Say) -> Iterator[tuple[int, Hu, Mask]]:
        """Slice by slice: its index, its HU [i, j] and the body in it. `say` hears the share done, 0 to 1."""
        for start, slab in slabs(hu):
            say(start / hu.shape[2])
            for n in range(slab.shape[2]):
                yield start + n, slab[:, :, n], self.plane(slab[:, :, n], start + n)


def find_body(mean: Floats, blocks: Blocks) -> Body:
    """The body from the mean HU of the blocks; empty where there is only air."""
    mask = _filled(_without_table(mean, blocks))
    depth = ndimage.uniform_filter(mask.astype(np.float32), 3, mode="nearest")
    if blocks.factors == (1, 1, 1):
        # Blocks are voxels: nothing finer is to be found.
        depth = mask.astype(np.float32)
    return Body(blocks, mask, depth)


def _without_table(mean: Floats, blocks: Blocks) -> Mask:
    tissue = mean > SKIN_HU
    solid = tissue | _lung_like(mean, tissue, blocks)
    kept = _large_parts(solid, blocks)
    # What the opening took from corners and edges, but not along a table that touches the skin.
    body = grown(kept, 2, solid)
    return body | _thin_parts(solid & ~body, body, blocks)


def _large_parts(solid: Mask, blocks: Blocks) -> Mask:
    """The largest thick component and every other one that may be a limb; the largest of all if none is thick."""
    radius = distance_mm(solid, blocks.spacing_mm)
    thick = solid & (distance_mm(radius <= TABLE_RADIUS_MM, blocks.spacing_mm) <= TABLE_RADIUS_MM)
    parts, count = ndimage.label(thick if thick.any() else solid)
    if count == 0:
        return solid
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    wide = np.bincount(parts[radius >= LIMB_RADIUS_MM], minlength=count + 1) > 0
    kept = wide & (sizes * blocks.block_ml >= LIMB_ML) & (sizes >= LIMB_SHARE * sizes.max())
    kept[np.argmax(sizes)] = True
    kept[0] = False
    large: Mask = kept[parts]
    return large


def _thin_parts(rest: Mask, body: Mask, blocks: Blocks) -> Mask:
    """Ears, nose, fingers: small pieces in contact with the body. A table or a blanket is longer."""
    pieces, count = ndimage.label(rest)
    touching = np.zeros(count + 1, np.bool_)
    touching[np.unique(pieces[ndimage.binary_dilation(body) & rest])] = True
    for number, box in enumerate(ndimage.find_objects(pieces), 1):
        lengths = [(part.stop - part.start) * step for part, step in zip(box, blocks.spacing_mm, strict=True)]
        size_ml = np.count_nonzero(pieces[box] == number) * blocks.block_ml if touching[number] else 0.0
        touching[number] &= max(lengths) <= THIN_MM and size_ml <= THIN_ML
    touching[0] = False
    kept: Mask = touching[pieces]
    return kept


def _lung_like(mean: Floats, tissue: Mask, blocks: Blocks) -> Mask:
    """Regions as dense as lung, thick, and bordered by thick tissue for the greater part (cushions are not)."""
    light = (mean > LUNG_HU[0]) & (mean < LUNG_HU[1])
    thick = opened(light, LUNG_RADIUS_MM / 2, blocks.spacing_mm)
    regions, count = ndimage.label(thick)
    sizes = np.bincount(regions.ravel(), minlength=count + 1) * blocks.block_ml
    if sizes[1:].max(initial=0.0) < LUNG_ML:
        return np.zeros_like(tissue)
    walls = opened(tissue, TABLE_RADIUS_MM, blocks.spacing_mm)
    kept = np.zeros(count + 1, np.bool_)
    for number, box in enumerate(ndimage.find_objects(regions), 1):
        if sizes[number] >= LUNG_ML:
            kept[number] = _is_bordered(regions, number, box, walls)
    lungs = np.asarray(kept[regions])
    return grown(lungs, 2, light)


def _is_bordered(regions: NDArray[np.int32], number: int, box: tuple[slice, ...], walls: Mask) -> bool:
    """Whether most of the region's surroundings within the scan, two blocks away, is thick tissue."""
    wide = tuple(slice(max(0, part.start - 2), part.stop + 2) for part in box)
    region = regions[wide] == number
    around = ndimage.binary_dilation(region, iterations=2) & ~region
    return bool(np.count_nonzero(around & walls[wide]) > 0.6 * np.count_nonzero(around))


def _filled(mask: Mask) -> Mask:
    """Everything enclosed: in space, with the cut ends above and below taken as closed, and in every axial slice."""
    outside, count = ndimage.label(~mask)
    reaches_side = np.zeros(count + 1, np.bool_)
    for face in (outside[0], outside[-1], outside[:, 0], outside[:, -1]):
        reaches_side[np.unique(face)] = True
    filled: Mask = mask | ~reaches_side[outside]
    for k in range(mask.shape[2]):
        filled[:, :, k] = filled_plane(filled[:, :, k])
    return filled
