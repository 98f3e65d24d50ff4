"""The patient's skin from the scan itself, coarse: the ghost around the structures in the 3D view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.volume import Volume
from tsdesktop.surfaces.display import DisplaySurface, surface_of_shares

SKIN_LABEL = 0  # background in every label map, so no structure's
_STEP_MM = 3.0
_AIR_HU = -300.0
_OF_BRIGHT = 0.12  # MR: this share of its bright tissue is the border to air
_SOLID_STEPS = 2  # what is thinner than twice this is table, blanket or cable
_SMALLEST_SHARE = 0.02
_SOFTNESS = 2.0  # the border of the body goes from air to tissue over this many times the threshold


def skin_surface(volume: Volume) -> DisplaySurface | None:
    """The outer surface of the body; None when nothing in the scan is denser than air."""
    steps = [max(1, round(_STEP_MM / width)) for width in volume.spacing_mm]
    values = volume.array[tuple(slice(None, None, step) for step in steps)]
    threshold = _threshold(volume, values)
    body = _largest(ndimage.binary_opening(values > threshold, iterations=_SOLID_STEPS))
    if body is None:
        return None
    affine = volume.affine @ np.diag([*steps, 1.0])
    return surface_of_shares(_shares(values, _filled(body, affine), threshold), affine, SKIN_LABEL)


def _shares(values: NDArray[np.generic], body: NDArray[np.bool_], threshold: float) -> NDArray[np.float32]:
    """How much of each voxel is body: at its border as much as the voxel is bright, which is finer than a mask."""
    brightness = (values.astype(np.float32) - threshold) / np.float32(_SOFTNESS * abs(threshold)) + 0.5
    inside = ndimage.binary_erosion(body, border_value=1)
    near = ndimage.binary_dilation(body)
    return np.where(inside, 1.0, np.where(near, np.clip(brightness, 0.0, 1.0), 0.0)).astype(np.float32)


def _threshold(volume: Volume, values: NDArray[np.generic]) -> float:
    if volume.modality == "CT":
        return _AIR_HU
    return float(_OF_BRIGHT * np.percentile(values.astype(np.float32), 98.0))


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    pieces, count = ndimage.label(mask)
    if count == 0:
        return None
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    largest = int(np.argmax(sizes))
    return np.asarray(pieces == largest) if sizes[largest] > _SMALLEST_SHARE * mask.size else None


def _filled(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The mask without hollows: filled slice by slice across the body's axis, for airways open at the scan's ends."""
    across = int(np.argmax(np.abs(affine[2, :3])))
    turned = np.moveaxis(mask, across, 0)
    filled = np.stack([ndimage.binary_fill_holes(each) for each in turned])
    return np.ascontiguousarray(np.moveaxis(filled, 0, across))
