"""Masks that follow from a label map and the scan by a fixed rule: `body` and `skin` of the task body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, Volume

_SKIN_HU = (-200.0, 250.0)
_SPECK_VOXELS = 5


def derived_masks(volume: Volume, label_map: LabelMap, names: tuple[str, ...]) -> list[LabelMap]:
    """One label map (label 1) per name of "body" and "skin", on the grid of `label_map`, which `volume` shares.

    body: trunk or extremities. skin: the body grown by one voxel without that shrunk by three, where the intensity
    lies between -200 and 250 HU, without specks of up to 5 voxels (rules of TotalSegmentator). Raises KeyError for
    other names.
    """
    body = label_map.array > 0
    made = {"body": lambda: body, "skin": lambda: _skin(body, volume)}
    return [
        replace(label_map, array=made[name]().astype(np.uint8), classes=(structure_class(1, name),)) for name in names
    ]


def _skin(body: NDArray[np.bool_], volume: Volume) -> NDArray[np.bool_]:
    grown = ndimage.binary_dilation(body)
    shell = grown & ~ndimage.binary_erosion(grown, iterations=3)
    shell &= (volume.array > _SKIN_HU[0]) & (volume.array < _SKIN_HU[1])
    components, count = ndimage.label(shell)
    sizes = np.bincount(components.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept: NDArray[np.bool_] = (sizes > _SPECK_VOXELS)[components]
    return kept
