"""Trachea and main bronchi in a CT: a round channel of air in the middle of the chest, grown until it would leak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.inference.instant_body import Body
from tsdesktop.inference.instant_grid import NEIGHBOURS_26, Blocks, Floats, Mask, opened

# The trachea in an axial slice: air of this area, round, so near to the middle of the body, through so many mm.
LUMEN_HU = -750.0
AREA_MM2, WIDEST_MM, ROUND_SHARE, OFF_MIDDLE_MM, LEAST_LENGTH_MM = (40.0, 700.0), 36.0, 0.45, 55.0, 18.0
BELOW_LUNGS_MM = 10.0
# Growing into the bronchi: with ever lower limits until no more than this is gained. The main bronchi hold about 20 ml;
# a leak into the lung is larger at once.
GROWTH_HU, MOST_GROWTH_ML = (-800.0, -820.0, -840.0, -860.0, -880.0, -900.0, -920.0, -940.0, -960.0, -980.0), 30.0
# What is left between airway and lung after thin layers are taken from the lung: the blurred wall.
WALL_RADIUS_MM = 4.5


def find_airways(mean: Floats, air: Mask, lungs: Mask, body: Body) -> Mask:
    """Blocks of the trachea and main bronchi; empty where none are found.

    `air` are the blocks of air inside the body, `lungs` those of them that hang together with a lung.
    """
    trachea = _trachea(mean, air, lungs, body)
    if not trachea.any():
        return trachea
    airways = trachea | _grown(trachea, mean, air, body.blocks)
    lung = opened(air & ~airways, WALL_RADIUS_MM, body.blocks.spacing_mm)
    wall: Mask = ndimage.binary_dilation(airways, NEIGHBOURS_26) & air & ~lung
    return airways | wall


def _trachea(mean: Floats, air: Mask, lungs: Mask, body: Body) -> Mask:
    """The longest round channel that lies higher than the middle of the lungs (bowel gas lies lower)."""
    per_slice = np.count_nonzero(lungs, axis=(0, 1))
    channels, _ = ndimage.label(_round_air(air & (mean < LUMEN_HU), body), NEIGHBOURS_26)
    step_mm = body.blocks.spacing_mm[2]
    longest, found = LEAST_LENGTH_MM, 0
    for number, box in enumerate(ndimage.find_objects(channels), 1):
        length_mm = (box[2].stop - box[2].start) * step_mm
        height = (box[2].stop + box[2].start - 1) / 2
        if length_mm >= longest and per_slice.any():
            lung_height = np.average(np.arange(per_slice.size), weights=per_slice)
            if (height - lung_height) * step_mm >= -BELOW_LUNGS_MM:
                longest, found = length_mm, number
    return np.asarray((channels == found) & (found > 0))


def _round_air(lumen: Mask, body: Body) -> Mask:
    """The parts of axial slices that are as large and round as a trachea, near the middle of the body."""
    out = np.zeros_like(lumen)
    middle = body.middle()
    for k in range(lumen.shape[2]):
        parts, _ = ndimage.label(lumen[:, :, k])
        for number, box in enumerate(ndimage.find_objects(parts), 1):
            part = parts[box] == number
            if _is_round(part, body.blocks) and _is_central(box, middle[k], body.blocks):
                out[:, :, k][box] |= part
    return out


def _is_round(part: NDArray[np.bool_], blocks: Blocks) -> bool:
    sides = [n * step for n, step in zip(part.shape, blocks.spacing_mm, strict=False)]
    area = np.count_nonzero(part) * blocks.spacing_mm[0] * blocks.spacing_mm[1]
    fits = AREA_MM2[0] <= area <= AREA_MM2[1] and max(sides) <= WIDEST_MM
    return bool(fits and min(sides) >= 0.4 * max(sides) and area >= ROUND_SHARE * sides[0] * sides[1])


def _is_central(box: tuple[slice, ...], middle: float, blocks: Blocks) -> bool:
    centre = (box[0].start + box[0].stop - 1) / 2
    return bool(abs(centre - middle) * blocks.spacing_mm[0] <= OFF_MIDDLE_MM)


def _grown(trachea: Mask, mean: Floats, air: Mask, blocks: Blocks) -> Mask:
    """The air that hangs together with the trachea under the highest limit that does not leak into a lung."""
    most = np.count_nonzero(trachea) + MOST_GROWTH_ML / blocks.block_ml
    for limit_hu in GROWTH_HU:
        parts, count = ndimage.label(trachea | (air & (mean < limit_hu)))
        joined = np.zeros(count + 1, np.bool_)
        joined[np.unique(parts[trachea])] = True
        grown = np.asarray(joined[parts])
        if np.count_nonzero(grown) <= most:
            return grown
    return trachea
