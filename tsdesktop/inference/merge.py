"""From networks to labels of the task: logits to labels on the image's grid, and parts into one map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Box, Shape, bounding_box
from tsdesktop.core.resampling import upsampled_part
from tsdesktop.inference.preprocess import NetworkInput, resample_like_nnunet
from tsdesktop.weights.plans import NetworkPlans, Resampling

# Voxels kept around a class's low-resolution box when its logits are enlarged; upstream's number.
_SMOOTH_MARGIN = 3


def resampled_labels(logits: NDArray[np.float32], given: NetworkInput, plans: NetworkPlans) -> NDArray[np.uint8]:
    """Labels on the grid before nnU-Net's resampling: every class's logits resampled, the best class wins.

    One class at a time; nnU-Net resamples all at once and needs classes x volume of memory for the same labels. Regions
    do not compete: the last one that is more likely than not is painted, as in `predictor.winners`.
    """
    if plans.regions:
        return _painted_regions(logits, given, plans)
    best: NDArray[np.float32] | None = None
    labels = np.zeros(given.box.shape, np.uint8)
    for number in range(len(logits)):
        values = _resampled(logits[number], given, plans)
        if best is None:
            best = values
            continue
        better = values > best
        labels[better] = number
        np.copyto(best, values, where=better)
    return labels


def _painted_regions(logits: NDArray[np.float32], given: NetworkInput, plans: NetworkPlans) -> NDArray[np.uint8]:
    labels = np.zeros(given.box.shape, np.uint8)
    for number, region in enumerate(logits, 1):
        labels[_resampled(region, given, plans) > 0] = number
    return labels


def smooth_labels(logits: NDArray[np.float32], given: NetworkInput, plans: NetworkPlans) -> NDArray[np.uint8]:
    """As `resampled_labels`, but each class only inside its box: upstream's higher-order resampling.

    A class that nowhere wins at low resolution never appears. Classes are taken in ascending order. Upstream has no
    networks with regions: theirs are resampled whole, which is as smooth.
    """
    if plans.regions:
        return _painted_regions(logits, given, plans)
    shape = given.box.shape
    best = _resampled(logits[0], given, plans)
    labels = np.zeros(shape, np.uint8)
    coarse = logits.argmax(0)
    low = logits.shape[1:]
    grid: Shape = (low[0], low[1], low[2])
    for number in range(1, len(logits)):
        box = bounding_box(coarse == number)
        if box is None:
            continue
        around = box.grown((_SMOOTH_MARGIN,) * 3, grid)
        values, part = upsampled_part(logits[number][around.slices], grid, around, shape)
        better = values > best[part.slices]
        labels[part.slices][better] = number
        np.copyto(best[part.slices], values, where=better)
    return labels


def smooth_masks(labels: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """Labels [i, j, k] enlarged to `shape`: every label's mask interpolated linearly, kept from one half on.

    Labels in ascending order, later ones over earlier ones (upstream's earlier higher-order resampling).
    """
    out = np.zeros(shape, labels.dtype, order="F")
    grid: Shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    for label in np.unique(labels[labels > 0]):
        box = bounding_box(labels == label)
        if box is None:
            continue
        around = box.grown((2, 2, 2), grid)
        values, part = upsampled_part((labels[around.slices] == label).astype(np.float32), grid, around, shape)
        out[part.slices][values >= 0.5] = label
    return out


def on_ras_grid(labels: NDArray[np.uint8], given: NetworkInput, plans: NetworkPlans) -> NDArray[np.uint8]:
    """Labels of the network's box, in the network's axis order, pasted into the whole RAS image [i, j, k]."""
    whole = labels
    if given.box.shape != given.full_shape:
        whole = np.zeros(given.full_shape, labels.dtype)
        whole[given.box.slices] = labels
    return whole.transpose(plans.transpose_backward).transpose(2, 1, 0)


def table_of(final_labels: tuple[int, ...]) -> NDArray[np.uint8]:
    """The task's label for each label of a part."""
    table = np.zeros(256, np.uint8)
    table[1 : len(final_labels) + 1] = final_labels
    return table


def merged_with(merged: NDArray[np.uint8] | None, part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels of the task with those of one more part over them (later parts win), in `merged` itself."""
    if merged is None:
        return np.array(part, order="F")
    np.copyto(merged, part, where=part > 0)
    return merged


def renumber(labels: NDArray[Any], pairs: Sequence[tuple[int, int]], keep_others: bool = False) -> NDArray[Any]:
    """Labels through a table of (old, new); labels without a pair become 0 unless `keep_others`."""
    size = int(np.iinfo(labels.dtype).max) + 1
    table = np.arange(size) if keep_others else np.zeros(size, np.int64)
    for old, new in pairs:
        table[old] = new
    renumbered: NDArray[Any] = table.astype(labels.dtype)[labels]
    return renumbered


def _resampled(values: NDArray[np.float32], given: NetworkInput, plans: NetworkPlans) -> NDArray[np.float32]:
    """One class's logits on the grid before nnU-Net's resampling, a new array."""
    how = plans.resampling_probabilities
    if how.order == 1 and not _is_separate(how, given):
        # The same linear interpolation as nnU-Net's in a fraction of its time, and without its float64 copies.
        low: Shape = (values.shape[0], values.shape[1], values.shape[2])
        return upsampled_part(values, low, Box((0, 0, 0), low), given.box.shape)[0]
    out = resample_like_nnunet(values[None], given.box.shape, given.new_spacing_mm, given.old_spacing_mm, how)[0]
    return np.array(out, copy=True)


def _is_separate(how: Resampling, given: NetworkInput) -> bool:
    """nnU-Net's rule where the plans say nothing: an axis over three times as coarse as another is resampled alone."""
    if how.force_separate_z is not None:
        return how.force_separate_z
    return any(max(mm) / min(mm) > 3.0 for mm in (given.old_spacing_mm, given.new_spacing_mm))


def splits(shape: Shape, force: bool) -> list[tuple[Box, slice, slice]]:
    """Upstream's three overlapping parts along k: (voxels of the image, rows kept of the part, rows they fill).

    One part, the whole image, unless forced. 20 rows of overlap on each inner side.
    """
    ni, nj, nk = shape
    if not force:
        return [(Box((0, 0, 0), shape), slice(0, nk), slice(0, nk))]
    third, margin = nk // 3, 20
    ends = [(0, third + margin), (third - margin + 1, 2 * third + margin), (2 * third - margin + 1, nk)]
    goals = [(0, third), (third, 2 * third), (2 * third, nk)]
    parts = []
    for (start, stop), (low, high) in zip(ends, goals, strict=True):
        first, last = max(0, start), min(nk, stop)
        parts.append((Box((0, 0, first), (ni, nj, last)), slice(low - first, high - first), slice(low, high)))
    return parts
