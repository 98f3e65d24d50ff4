"""Which structure a point of the 3D picture shows: a ray followed through the label map, about 1 ms, no rendering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.scene.content import Clip
from tsdesktop.gui.session import Look

_STEP_VOXELS = 0.5
_SEEN_THROUGH = 0.35  # a structure fainter than this is picked only where nothing firmer lies behind it


@dataclass(frozen=True, eq=False)
class Hit:
    """The label that was hit and where, in RAS mm."""

    label: int
    place_ras: NDArray[np.float64]


def pick(
    label_map: LabelMap, looks: Mapping[int, Look], ray: tuple[NDArray[np.float64], NDArray[np.float64]],
    clip: Clip | None = None,
) -> Hit | None:  # fmt: skip
    """The first visible structure along a ray (eye and unit direction in RAS mm) that is not clipped away."""
    places = _places(label_map, ray)
    if clip is not None:
        places = places[(places - clip.point_ras) @ clip.normal <= 0.0]
    index = np.rint(label_map.geometry.voxel(places)).astype(np.intp)
    inside = np.all((index >= 0) & (index < label_map.array.shape), axis=1)
    index, places = index[inside], places[inside]
    labels = label_map.array[index[:, 0], index[:, 1], index[:, 2]]
    for least in (_SEEN_THROUGH, 0.0):
        shown = np.zeros(int(np.iinfo(labels.dtype).max) + 1, np.bool_)
        shown[[label for label, look in looks.items() if look.visible and look.opacity > least]] = True
        hits = np.flatnonzero(shown[labels])
        if hits.size:
            return Hit(int(labels[hits[0]]), places[hits[0]])
    return None


def _places(label_map: LabelMap, ray: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Places along the ray, half a voxel apart, from where it enters the ball around the grid to where it leaves it."""
    eye, direction = ray
    far = np.array(label_map.array.shape) - 1.0
    middle = label_map.geometry.world_ras(far / 2)
    radius = float(np.linalg.norm(label_map.geometry.world_ras(far) - middle)) + max(label_map.spacing_mm)
    nearest = float((middle - eye) @ direction)
    along = np.arange(max(0.0, nearest - radius), nearest + radius, _STEP_VOXELS * min(label_map.spacing_mm))
    return np.asarray(eye + along[:, None] * direction)
