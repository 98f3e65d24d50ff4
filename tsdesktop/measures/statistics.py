"""Counts every structure of a label map: size, place, intensities.

The map is gone through once for all structures, piece by piece and on several processors; no copy of the scan is made.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
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
# One table holds the histograms of all labels where it has at most so many cells.
_LARGEST_TABLE = 1 << 23
# About as many voxels are looked at for the one nearest to a centroid.
_LOOKED_AT = 1_000_000
_VOXELS_AT_ONCE = 1 << 20
_MOST_THREADS = 4
Floats = NDArray[np.float64]


def structure_statistics(volume: Volume, label_map: LabelMap) -> tuple[StructureStatistics, ...]:
    """The statistics of every class of `label_map`, present or not, in its order.

    Raises ValueError when the scan and the labels do not lie on the same grid.
    """
    if not volume.geometry.matches(label_map.geometry):
        raise ValueError(f"scan {volume.geometry} and labels {label_map.geometry} do not lie on the same grid")
    intensities = _intensities(volume.array, label_map)
    return tuple(_statistics(structure, label_map, intensities) for structure in label_map.classes)


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


def _statistics(
    structure: StructureClass, label_map: LabelMap, intensities: Mapping[int, Intensity]
) -> StructureStatistics:
    found = label_map.census.get(structure.label)
    if found is None:
        return StructureStatistics(structure, 0, 0.0, None, None, None, False, False)
    geometry = label_map.geometry
    centroid = np.array(found.index_sums) / found.voxels
    place = geometry.world_ras(centroid)
    inside = _inside(label_map, structure.label, found.box, centroid)
    return StructureStatistics(
        structure=structure,
        voxels=found.voxels,
        volume_mm3=found.voxels * geometry.voxel_volume_mm3,
        intensity=intensities[structure.label],
        centroid_ras_mm=_three(place),
        box=found.box,
        touches_border=found.box.touches_border(geometry.shape),
        near_border=found.box.touches_border(geometry.shape, _UPSTREAM_BORDER_LAYERS),
        inside_ras_mm=_three(place if inside is centroid else geometry.world_ras(inside)),
    )


def _three(place: Floats) -> tuple[float, float, float]:
    r, a, s = place
    return float(r), float(a), float(s)


def _inside(label_map: LabelMap, label: int, box: Box, centroid: Floats) -> Floats:
    """The centroid (voxel index) where it lies on the label, else the voxel of the label that is nearest to it.

    Far from the centroid it is looked for in steps: the voxel is then near, not the nearest.
    """
    i, j, k = np.rint(centroid).astype(int)
    if label_map.array[i, j, k] == label:
        return centroid
    spacing = np.array(label_map.spacing_mm)
    # Most centroids lie outside by little: a small box around them is searched first.
    reach_mm = 4.0 * float(spacing.max())
    while True:
        low = np.maximum(np.floor(centroid - reach_mm / spacing).astype(int), box.start)
        high = np.minimum(np.ceil(centroid + reach_mm / spacing).astype(int) + 1, box.stop)
        whole = bool((low == box.start).all() and (high == box.stop).all())
        voxels = _some_voxels(label_map.array[tuple(map(slice, low, high))], label, sure=whole) + low
        distances = np.linalg.norm((voxels - centroid) * spacing, axis=1)
        if len(voxels) and (whole or distances.min() <= reach_mm):
            return np.asarray(voxels[np.argmin(distances)], np.float64)
        # A voxel in a corner of the box may be farther away than one beyond its sides.
        reach_mm = float(distances.min()) if len(voxels) else 2.0 * reach_mm


def _some_voxels(part: NDArray[Any], label: int, *, sure: bool) -> NDArray[np.intp]:
    """Where `part` has the label: all voxels of a small part, of a large one some; when `sure` at least one."""
    step = max(1, round((part.size / _LOOKED_AT) ** (1 / 3)))
    some = np.argwhere(part[::step, ::step, ::step] == label) * step
    return some if len(some) or not sure else np.argwhere(part == label)


def _intensities(array: NDArray[Any], label_map: LabelMap) -> dict[int, Intensity]:
    """The intensities of every label that occurs."""
    if np.issubdtype(array.dtype, np.integer):
        low, high = int(array.min()), int(array.max())
        labels = list(label_map.census)
        if len(labels) * (high - low + 1) <= _LARGEST_TABLE:
            counts = _histograms(array, label_map.array, labels, low, high)
            return {label: _of_histogram(row, low) for label, row in zip(labels, counts, strict=True)}
    found = {}
    for label in label_map.census:
        cropped = label_map.cropped_mask(label)
        if cropped is not None:
            mask, box = cropped
            found[label] = _intensity(array[box.slices][mask])
    return found


def _histograms(array: NDArray[Any], labels: NDArray[Any], wanted: list[int], low: int, high: int) -> NDArray[np.int64]:
    """How often each intensity from `low` to `high` occurs in each of the `wanted` labels, one row per label."""
    order = np.argsort([-abs(stride) for stride in labels.strides], kind="stable")
    array, labels = array.transpose(order), labels.transpose(order)
    step = max(1, _VOXELS_AT_ONCE // labels[0].size)
    row = np.zeros(max(wanted, default=0) + 1, np.int64)
    row[wanted] = np.arange(len(wanted))
    counts = np.zeros((len(wanted), high - low + 1), np.int64)
    adding = Lock()

    def count(start: int) -> None:
        values, part = array[start : start + step], labels[start : start + step]
        labelled = part != 0
        part, values = part[labelled], values[labelled]
        here = np.flatnonzero(np.bincount(part))
        place = np.zeros(len(row), np.int64)
        place[here] = np.arange(len(here)) * counts.shape[1] - low
        found = np.bincount(place[part] + values, minlength=len(here) * counts.shape[1])
        with adding:
            counts[row[here]] += found.reshape(len(here), counts.shape[1])

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="statistics") as pool:
        for _ in pool.map(count, range(0, len(labels), step)):
            pass
    return counts


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
    first, last = np.flatnonzero(counts)[[0, -1]]
    counts, lowest = counts[first : last + 1], lowest + int(first)
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
