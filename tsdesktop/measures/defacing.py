"""The face out of a scan: its voxels averaged in large cells, or set to air. All others stay, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Box
from tsdesktop.core.resampling import upsampled_part
from tsdesktop.core.volume import Intensities, Volume
from tsdesktop.measures.face import Face

Treatment = Literal["blur", "remove"]
AIR_HU = -1000.0
# Of what is finer than a cell only the mean is left in the file: unlike a Gaussian blur it cannot be sharpened again.
CELL_MM = 24.0


def defaced(volume: Volume, face: Face, treatment: Treatment) -> Volume:
    """The scan with the voxels of `face` changed; the grid, and every other voxel, are the same.

    "remove" sets them to air: -1000 HU in a CT (its least value where that is higher), else the median of what lies in
    front of the head. "blur" gives them means over cells of 24 mm, interpolated between the cells' middles.
    """
    array = volume.array.copy(order="K")
    part, mask = array[face.box.slices], face.mask[face.box.slices]
    if treatment == "remove":
        part[mask] = air_of(volume, face)
    else:
        part[mask] = _averaged(part, volume.spacing_mm)[mask]
    return replace(volume, array=array)


def air_of(volume: Volume, face: Face) -> float:
    """The intensity of air: what "remove" writes."""
    if volume.modality == "CT":
        return max(AIR_HU, float(volume.array.min()))
    # Most of what goes away in an MR is the air in front of the face.
    values = volume.array[face.box.slices][face.mask[face.box.slices]]
    return float(np.percentile(values, 10, method="lower"))


def _averaged(part: NDArray[Any], spacing_mm: tuple[float, float, float]) -> Intensities:
    """Means over cells, on the grid of `part` [i, j, k]."""
    edges = [_edges(n, step) for n, step in zip(part.shape, spacing_mm, strict=True)]
    means: NDArray[Any] = part.astype(np.float32)
    for axis, own in enumerate(edges):
        sizes = np.diff([*own, part.shape[axis]]).astype(np.float32)
        shape = [-1 if n == axis else 1 for n in range(3)]
        means = np.add.reduceat(means, own, axis=axis) / sizes.reshape(shape)
    grid = (means.shape[0], means.shape[1], means.shape[2])
    smooth, _ = upsampled_part(means, grid, Box((0, 0, 0), grid), (part.shape[0], part.shape[1], part.shape[2]))
    return (np.rint(smooth) if part.dtype.kind == "i" else smooth).astype(part.dtype)


def _edges(size: int, step_mm: float) -> NDArray[np.int64]:
    """Where cells begin along an axis."""
    cells = max(1, round(size * step_mm / CELL_MM))
    return np.asarray((np.arange(cells) * size) // cells, np.int64)
