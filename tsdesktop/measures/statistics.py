"""Counts every structure of a label map: size, place, intensities. Works inside the structures' bounding boxes, so that
no copy of the whole scan is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Box
from tsdesktop.core.statistics import Intensity, StructureStatistics
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.volume import LabelMap, Volume

Average = Literal["mean", "median"]
_UPSTREAM_BORDER_LAYERS = 3
# Whole numbers spread over more values than this are sorted instead of counted.
_LARGEST_HISTOGRAM = 1 << 20
_VALUES_AT_ONCE = 1 << 20
# About as many voxels of a mask are looked at for the one nearest to its centroid.
_LOOKED_AT = 1_000_000


def structure_statistics(volume: Volume, label_map: LabelMap) -> tuple[StructureStatistics, ...]:
    """The statistics of every class of `label_map`, present or not, in its order.

    Raises ValueError when the scan and the labels do not lie on the same grid.
    """
    if not volume.geometry.matches(label_map.geometry):
        raise ValueError(f"scan {volume.geometry} and labels {label_map.geometry} do not lie on the same grid")
    return tuple(_statistics(volume, label_map, structure) for structure in label_map.classes)


def upstream_statistics(
    volume: Volume, label_map: LabelMap, average: Average = "mean", include_border: bool = False
) -> dict[str, dict[str, float]]:
    """Volume and intensity per class in TotalSegmentator's schema: {class: {"volume": mm3, "intensity": average}}.

    Classes that are absent, and unless `include_border` those within three layers of the scan's border, have zeros.
    Differs from upstream where that overflows: intensities are not squeezed into 16 bits.
    """
    return in_upstream_schema(structure_statistics(volume, label_map), average, include_border)


def in_upstream_schema(
    statistics: Iterable[StructureStatistics], average: Average = "mean", include_border: bool = False
) -> dict[str, dict[str, float]]:
    """`upstream_statistics` of statistics that were made already."""
    out = {}
    for each in statistics:
        counts = each.intensity is not None and (include_border or not each.near_border)
        volume, intensity = (each.volume_mm3, each.intensity) if counts else (0.0, None)
        value = 0.0 if intensity is None else intensity.mean if average == "mean" else intensity.median
        out[each.structure.name] = {"volume": volume, "intensity": round(value, 5)}
    return out


def _statistics(volume: Volume, label_map: LabelMap, structure: StructureClass) -> StructureStatistics:
    found = label_map.cropped_mask(structure.label)
    if found is None:
        return StructureStatistics(structure, 0, 0.0, None, None, None, False, False)
    mask, box = found
    values = volume.array[box.slices][mask]
    centroid = _centroid(mask, box)
    return StructureStatistics(
        structure=structure,
        voxels=values.size,
        volume_mm3=values.size * label_map.geometry.voxel_volume_mm3,
        intensity=_intensity(values),
        centroid_ras_mm=_place(label_map, centroid),
        box=box,
        touches_border=box.touches_border(label_map.geometry.shape),
        near_border=box.touches_border(label_map.geometry.shape, _UPSTREAM_BORDER_LAYERS),
        inside_ras_mm=_place(label_map, _inside(mask, box, centroid, label_map.spacing_mm)),
    )


def _place(label_map: LabelMap, voxel: Sequence[float]) -> tuple[float, float, float]:
    r, a, s = label_map.geometry.world_ras(voxel)
    return float(r), float(a), float(s)


def _inside(mask: NDArray[np.bool_], box: Box, centroid: list[float], spacing_mm: Sequence[float]) -> list[float]:
    """The centroid (voxel index) where it lies in the mask, else the voxel of the mask that is nearest to it.

    Large masks are looked at in steps: the voxel is then near, not the nearest.
    """
    local = np.array(centroid) - box.start
    if mask[tuple(np.rint(local).astype(int))]:
        return centroid
    step = max(1, round((mask.size / _LOOKED_AT) ** (1 / 3)))
    some = np.argwhere(mask[::step, ::step, ::step]) * step
    voxels = some if len(some) else np.argwhere(mask)
    nearest = voxels[np.argmin((np.square((voxels - local) * np.array(spacing_mm))).sum(axis=1))]
    return [float(n) for n in nearest + box.start]


def _centroid(mask: NDArray[np.bool_], box: Box) -> list[float]:
    """The mean voxel index (i, j, k) of the mask on the whole grid."""
    per_plane = [np.count_nonzero(mask, axis=tuple(m for m in range(3) if m != n)) for n in range(3)]
    return [
        start + float(np.average(np.arange(len(counts)), weights=counts))
        for start, counts in zip(box.start, per_plane, strict=True)
    ]


def _intensity(values: NDArray[Any]) -> Intensity:
    low, high = values.min(), values.max()
    if np.issubdtype(values.dtype, np.integer) and int(high) - int(low) < _LARGEST_HISTOGRAM:
        return _of_histogram(np.bincount(values.astype(np.int32) - int(low)), int(low))
    mean = float(values.mean(dtype=np.float64))
    chunks = (values[n : n + _VALUES_AT_ONCE].astype(np.float64) for n in range(0, values.size, _VALUES_AT_ONCE))
    squares = sum(float(np.square(chunk - mean).sum()) for chunk in chunks)
    # The median of float32 is made in double: the mean of its two middle values may need it.
    middle = np.partition(values, [(values.size - 1) // 2, values.size // 2])
    median = (float(middle[(values.size - 1) // 2]) + float(middle[values.size // 2])) / 2.0
    return Intensity(mean, math.sqrt(squares / values.size), median, float(low), float(high))


def _of_histogram(counts: NDArray[np.integer], lowest: int) -> Intensity:
    """Exact statistics of whole numbers from how often each occurs; the first count is that of `lowest`."""
    total = int(counts.sum())
    steps = np.arange(len(counts), dtype=np.float64)
    mean = float(counts @ steps) / total
    variance = float(counts @ np.square(steps - mean)) / total
    below, above = np.searchsorted(np.cumsum(counts), [(total - 1) // 2 + 1, total // 2 + 1])
    return Intensity(
        mean + lowest,
        math.sqrt(variance),
        float(below + above) / 2.0 + lowest,
        float(lowest),
        lowest + len(counts) - 1.0,
    )
