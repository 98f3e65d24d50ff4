"""Corrections of label maps after the networks: pure functions on [i, j, k] arrays, face-connected (6) throughout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.geometry import Box
from tsdesktop.core.tasks import KeepLargest, NumberVertebrae, RemoveUpTo, Step

Labels = NDArray[Any]
Spacing = tuple[float, float, float]


def apply_steps(labels: Labels, steps: Iterable[Step], spacing_mm: Spacing) -> Labels:
    """The task's own steps, in order, on the model grid. `spacing_mm` along i, j, k."""
    voxel_mm3 = float(np.prod(spacing_mm))
    for step in steps:
        match step:
            case KeepLargest(wanted):
                labels = keep_largest(labels, wanted)
            case RemoveUpTo(wanted, mm3):
                labels = remove_up_to(labels, wanted, mm3 / voxel_mm3)
            case NumberVertebrae(component_mm3, dilate_mm):
                labels = number_vertebrae(labels, component_mm3 / voxel_mm3)
                labels = dilate_labels(labels, dilate_mm, spacing_mm)
            case _:
                raise ValueError(f"not a step of the model grid: {step}")
    return labels


def keep_largest(labels: Labels, wanted: Iterable[int]) -> Labels:
    """Only the largest component of each wanted label; the first one on a tie."""
    out = labels.copy()
    for label, (box, components, sizes) in _components(labels, wanted):
        view = out[box]
        view[(components != int(np.argmax(sizes)) + 1) & (view == label)] = 0
    return out


def remove_up_to(labels: Labels, wanted: Iterable[int], voxels: float) -> Labels:
    """Without the components of at most `voxels` voxels of each wanted label."""
    out = labels.copy()
    for label, (box, components, sizes) in _components(labels, wanted):
        small = np.concatenate([[False], sizes <= voxels])
        view = out[box]
        view[small[components] & (view == label)] = 0
    return out


def number_vertebrae(labels: Labels, least_voxels: float) -> Labels:
    """Vertebrae (1 = C1 ... 24 = L5) numbered by their order along the body where the network mixed them up.

    Mixed up means that two different numbers touch. Then every component (of at least `least_voxels`) becomes one
    vertebra: counted from the top when C1 is there and L5 is not, else from the lowest one present. k runs upwards.
    """
    if not _numbers_touch(labels):
        return labels
    components, count = ndimage.label(labels > 0)
    sizes = np.bincount(components.ravel(), minlength=count + 1)
    kept = [n for n in range(1, count + 1) if sizes[n] >= least_voxels]
    if not kept:
        return np.zeros_like(labels)
    present = np.unique(labels[np.isin(components, kept)])
    present = present[present > 0]
    heights = [center[2] for center in ndimage.center_of_mass(components > 0, components, kept)]
    from_top = 1 in present and 24 not in present
    order = [kept[n] for n in np.argsort(heights, kind="stable")]
    table = np.zeros(count + 1, labels.dtype)
    if from_top:
        for number, component in enumerate(reversed(order), 1):
            table[component] = number if number <= 24 else 0
    else:
        for below, component in enumerate(order):
            table[component] = max(int(present.max()) - below, 0)
    numbered: Labels = table[components]
    return numbered


def dilate_labels(labels: Labels, radius_mm: float, spacing_mm: Spacing) -> Labels:
    """Every label grown by an ellipsoid of `radius_mm` into the background; the lower label wins where two meet."""
    element = ellipsoid(radius_mm, spacing_mm)
    margin = [n // 2 for n in element.shape]
    out = labels.copy()
    for label, found in enumerate(_objects(labels), 1):
        if found is None:
            continue
        box = tuple(
            slice(max(0, part.start - m), min(n, part.stop + m))
            for part, m, n in zip(found, margin, labels.shape, strict=True)
        )
        grown = ndimage.binary_dilation(labels[box] == label, element)
        view = out[box]
        view[grown & (view == 0)] = label
    return out


def ellipsoid(radius_mm: float, spacing_mm: Spacing) -> NDArray[np.bool_]:
    """A centred ellipsoid of `radius_mm` on a grid of `spacing_mm`, as a structuring element of odd size."""
    reach = [int(radius_mm / step) for step in spacing_mm]
    axes = np.ogrid[tuple(slice(-n, n + 1) for n in reach)]
    distance = sum((axis * step / radius_mm) ** 2 for axis, step in zip(axes, spacing_mm, strict=True))
    return np.asarray(distance <= 1.0 + 1e-9)


def clip_to(labels: Labels, mask: NDArray[np.bool_]) -> Labels:
    """Labels inside `mask`, background outside."""
    return np.where(mask, labels, 0).astype(labels.dtype)


def near(mask: NDArray[np.bool_], distance_mm: float, spacing_mm: Spacing) -> NDArray[np.bool_]:
    """`mask` grown voxel by voxel across faces, int(distance / mean spacing) times."""
    times = int(distance_mm / float(np.mean(spacing_mm)))
    return np.asarray(ndimage.binary_dilation(mask, iterations=times)) if times > 0 else mask


def _numbers_touch(labels: Labels) -> bool:
    for axis in range(3):
        low = labels[tuple(slice(None, -1) if n == axis else slice(None) for n in range(3))]
        high = labels[tuple(slice(1, None) if n == axis else slice(None) for n in range(3))]
        if bool(((low != high) & (low > 0) & (high > 0)).any()):
            return True
    return False


def _components(labels: Labels, wanted: Iterable[int]) -> Iterable[tuple[int, tuple[Any, NDArray[Any], NDArray[Any]]]]:
    """For each wanted label that occurs: its box, the numbered components inside, and their sizes in voxels."""
    boxes = _objects(labels)
    for label in wanted:
        box = boxes[label - 1] if label <= len(boxes) else None
        if box is not None:
            components, count = ndimage.label(labels[box] == label)
            yield label, (box, components, np.bincount(components.ravel(), minlength=count + 1)[1:])


def _objects(labels: Labels) -> list[Any]:
    """Slices of every label's box, in label order; None for those that do not occur. Searched in memory order."""
    if labels.flags.c_contiguous or not labels.flags.f_contiguous:
        return list(ndimage.find_objects(labels))
    return [None if found is None else found[::-1] for found in ndimage.find_objects(labels.T)]


def box_of(labels: Labels, wanted: Sequence[int]) -> Box | None:
    """The box around the wanted labels (all when none are named); None when none occurs."""
    boxes = _objects(labels)
    found = [box for label, box in enumerate(boxes, 1) if box is not None and (not wanted or label in wanted)]
    if not found:
        return None
    start = [min(box[axis].start for box in found) for axis in range(3)]
    stop = [max(box[axis].stop for box in found) for axis in range(3)]
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
