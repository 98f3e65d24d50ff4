"""The label map a task must give, computed from the facts of TotalSegmentator with numpy, scipy and nibabel alone.

Nothing of the program is used here. Networks are bands of intensities (`tests.networks`); a voxel's label follows from
its resampled, truncated, normalised intensity by arithmetic in double precision. Voxels whose label would change if the
intensity were a little different are collected in `close`, so that tests can choose scans that have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage
from skimage.transform import resize

from tests.inference.bands import band_networks, class_labels, final_labels, tasks
from tests.inference.expected_corrections import (
    dilated_labels,
    grown_across_faces,
    keep_largest,
    numbered_vertebrae,
    without_small,
)
from tests.networks import BandNetwork

Array = NDArray[Any]
# No intensity may lie nearer than this to where its label changes, before and after truncation.
CLOSE = 1e-3
_IDENTITY = [[0, 1], [1, 1], [2, 1]]


@dataclass(frozen=True)
class How:
    """How a task is run; names as in the program's options."""

    variant: str = "full"
    roi: tuple[str, ...] = ()
    robust: bool = False
    body_crop: bool = False
    order: int = 1
    split: bool = False
    blobs_mm3: float = 0.0
    keep_model_resolution: bool = False
    smooth: Literal["", "labels", "legacy"] = ""


class Expectation:
    """What tasks must give on one scan. `close` lists voxels of the scan whose intensity decides too narrowly."""

    def __init__(self, image: nib.Nifti1Image) -> None:
        self._image = image
        self.close: list[Array] = []
        self.crops: list[tuple[slice, ...]] = []

    def task(self, name: str, how: How) -> Array:
        """Labels of a task on the scan's grid; on the model's grid when `keep_model_resolution`."""
        task = tasks()[name]
        variant = task["variants"][how.variant]
        rough, margin_mm, wanted = self._first_look(task, how)
        box = None if rough is None else self._box(np.isin(rough, wanted), margin_mm)
        if rough is not None and box is None:
            return np.zeros(self._image.shape, np.uint8)
        part = self._image if box is None else self._image.slicer[box]
        parts = [each for each in variant["networks"] if self._is_needed(each, name, how)]
        labels = self._labels(part, (parts, variant["spacing_mm"], task["postprocess"]), how, class_labels(name))
        if box is not None:
            self.crops.append(box)
            whole = np.zeros(self._image.shape, np.uint8)
            whole[box] = labels
            labels = whole
        labels = self._finally(labels, task, rough)
        return (
            np.where(np.isin(labels, [class_labels(name)[each] for each in how.roi]), labels, 0) if how.roi else labels
        )

    def rough(self, name: str, variant: str, order: int = 1, *, corrected: bool = False) -> Array:
        """Labels of a variant's networks without its crop, on the scan's grid; with the task's corrections if asked."""
        entry, how = tasks()[name]["variants"][variant], How(variant, order=order)
        steps = tasks()[name]["postprocess"] if corrected else []
        return self._labels(self._image, (entry["networks"], entry["spacing_mm"], steps), how, class_labels(name))

    def _is_needed(self, part: dict[str, Any], name: str, how: How) -> bool:
        return not how.roi or bool(set(final_labels(part)) & {class_labels(name)[each] for each in how.roi})

    def _first_look(self, task: dict[str, Any], how: How) -> tuple[Array | None, float, list[int]]:
        """Labels that say where to look, the margin, and which of them count."""
        crop = task["crop"]
        if crop is not None and crop.get("whole_task"):
            labels = Expectation(self._image)
            found = labels.task(crop["task"], How(robust=how.robust, order=how.order))
            self.close += labels.close
            return found, crop["margin_mm"], [class_labels(crop["task"])[each] for each in crop["classes"]]
        if crop is not None:
            wanted = [class_labels(crop["task"])[each] for each in crop["classes"]]
            variant = crop.get("robust_variant") if crop["robust"] or how.robust else None
            # 20 mm, whatever upstream's table says: its code replaces the number for every crop by a single network.
            found = self.rough(crop["task"], variant or crop["variant"], how.order, corrected=True)
            return found, 20.0, wanted
        if how.roi:
            rough, variant = ("total_mr", "fast") if task["modality"] == "MR" else ("total", "fastest")
            names = ["vertebrae_S1" if each == "vertebrae_L6" else each for each in how.roi]
            found = self.rough(rough, "fast" if how.robust else variant, how.order)
            return found, 20.0, [class_labels(rough)[each] for each in names]
        if how.body_crop:
            return self.rough("body", "fast", how.order, corrected=True), 3.0, [1, 2]
        return None, 0.0, []

    def _box(self, mask: Array, margin_mm: float) -> tuple[slice, ...] | None:
        found = ndimage.find_objects(mask.astype(int))
        if not found:
            return None
        margins = (margin_mm / voxel_sizes(self._image.affine)).astype(int)
        return tuple(
            slice(max(0, part.start - margin), min(size, part.stop + margin))
            for part, margin, size in zip(found[0], margins, mask.shape, strict=True)
        )

    def _labels(
        self, image: nib.Nifti1Image, what: tuple[list[Any], Any, list[Any]], how: How, names: dict[str, int]
    ) -> Array:
        """Labels of networks with their corrections, on the grid of `image`."""
        parts, spacing, corrections = what
        upright = nib.as_closest_canonical(image)
        values = np.asanyarray(upright.dataobj).astype(np.float64)
        sizes = voxel_sizes(upright.affine)
        if spacing is not None and how.smooth != "labels":
            values = ndimage.zoom(values, sizes / spacing, order=how.order, mode="nearest")
            sizes = np.array(spacing)
        labels = self._by_networks(values, sizes, parts, (upright, how))
        labels = _corrected(labels, corrections, names, sizes)
        if how.blobs_mm3:
            labels = without_small(labels, np.unique(labels[labels > 0]), how.blobs_mm3 / np.prod(sizes))
        if not how.keep_model_resolution:
            labels = self._enlarged(labels, upright.shape, how, [names[each] for each in how.roi])
        back = nib.orientations.ornt_transform(_IDENTITY, nib.io_orientation(image.affine))
        turned: Array = nib.apply_orientation(labels, back)
        return turned

    def _enlarged(self, labels: Array, shape: tuple[int, ...], how: How, wanted: list[int]) -> Array:
        if how.smooth != "legacy":
            zoomed: Array = ndimage.zoom(labels, np.divide(shape, labels.shape), order=0, mode="nearest")
            return zoomed
        out = np.zeros(shape, np.uint8)
        for label in sorted(wanted) or np.unique(labels[labels > 0]):
            share = resize((labels == label).astype(float), shape, order=1, mode="edge", anti_aliasing=False)
            out[share >= 0.5 - 1e-9] = label
        return out

    def _by_networks(self, values: Array, sizes: Array, parts: list[Any], about: tuple[Any, How]) -> Array:
        """Parts in their order, later ones over earlier ones; split along z where that was asked for."""
        upright, how = about
        merged = np.zeros(values.shape, np.uint8)
        for source, kept, goal in _thirds(values.shape[2], how.split):
            here = np.zeros(values[:, :, source].shape, np.uint8)
            for part in parts:
                network = band_networks()[part["network"]]
                labels, close = network_labels(values[:, :, source], sizes, network, how.smooth == "labels")
                final = np.array([0, *final_labels(part)])[labels]
                here[final > 0] = final[final > 0]
                at = np.argwhere(close) + np.array([0, 0, source.start])
                self._remember(
                    at * np.subtract(upright.shape, 1) / np.maximum(np.subtract(values.shape, 1), 1), upright
                )
            merged[:, :, goal] = here[:, :, kept]
        return merged

    def _remember(self, at: Array, grid: nib.Nifti1Image) -> None:
        world = apply_affine(grid.affine, at)
        voxel = np.rint(apply_affine(np.linalg.inv(self._image.affine), world)).astype(int)
        self.close.append(np.clip(voxel, 0, np.subtract(self._image.shape, 1)))

    def _finally(self, labels: Array, task: dict[str, Any], rough: Array | None) -> Array:
        """Corrections on the scan's own grid."""
        sizes = voxel_sizes(self._image.affine)
        for step in task["postprocess"]:
            if step["step"] == "refine":
                inner = self.rough(step["task"], step["variant"]) == step["label"]
                labels = np.where(inner, dilated_labels(labels, step["dilate_mm"], sizes), 0)
            if step["step"] == "remove_outside" and rough is not None:
                wanted = [class_labels(task["crop"]["task"])[each] for each in step["classes"]]
                around = grown_across_faces(np.isin(rough, wanted), int(step["dilate_mm"] / sizes.mean()))
                labels = np.where(around, labels, 0)
        return labels


def network_labels(values: Array, sizes: Array, network: BandNetwork, smooth: bool = False) -> tuple[Array, Array]:
    """A network's labels of intensities (x, y, z of the RAS image), and which of them were decided too narrowly.

    Whole numbers are truncated before and after the narrowness is tried; the scan must be one of whole numbers.
    """
    order = network.transpose
    whole = np.trunc(np.round(values, 6)).transpose(2, 1, 0).transpose(order)
    inside = (ndimage.find_objects((whole != 0).astype(int)) or [(slice(None),) * 3])[0]
    tried = [np.trunc(values + step).transpose(2, 1, 0).transpose(order)[inside] for step in (-CLOSE, CLOSE)]
    kept = whole[inside]
    mean, std = (kept.mean(), kept.std()) if network.ct is None else (network.ct.mean, network.ct.std)
    old_mm = sizes[::-1][list(order)]
    shape = np.round(old_mm / network.spacing_mm * kept.shape).astype(int)
    if tuple(shape) == kept.shape:
        found, close = _band_of(kept, network, mean, std)
        for each in tried:
            close |= _band_of(each, network, mean, std)[0] != found
    else:
        finer = resize(_normalised(kept, network, mean, std), shape, order=3, mode="edge", anti_aliasing=False)
        back = _smooth_labels if smooth else _plain_labels
        found, close = back(finer, kept.shape, network, std)
    out, narrow = np.zeros(whole.shape, np.uint8), np.zeros(whole.shape, bool)
    out[inside], narrow[inside] = found, close
    undo = np.argsort(order)
    return out.transpose(undo).transpose(2, 1, 0), narrow.transpose(undo).transpose(2, 1, 0)


def _normalised(values: Array, network: BandNetwork, mean: float, std: float) -> Array:
    clipped: Array = values if network.ct is None else np.clip(values, network.ct.low, network.ct.high)
    return (clipped - mean) / std


def _band_of(values: Array, network: BandNetwork, mean: float, std: float) -> tuple[Array, Array]:
    """Label and narrowness of whole-number intensities: every number is looked at once."""
    numbers, where = np.unique(values, return_inverse=True)
    found, close = _largest(_normalised(numbers, network, mean, std), network, std)
    return found[where].reshape(values.shape), close[where].reshape(values.shape)


def _largest(x: Array, network: BandNetwork, std: float) -> tuple[Array, Array]:
    """The label with the largest logit at normalised intensities, and where another label is nearly as large.

    Nearly: x would have to move by less than CLOSE intensity units, or by less than what single precision resolves.
    """
    slope, offset = network.lines()
    logits = slope[:, None] * x.ravel() + offset[:, None]
    best = logits.argmax(0)
    ahead = logits[best, np.arange(x.size)] - logits
    turn = np.abs(slope[best] - slope[:, None])
    coarse = 8 * 2.0**-24 * (np.abs(slope[:, None] * x.ravel()) + np.abs(offset[:, None]))
    narrow = (turn > 0) & (ahead <= np.maximum(turn * CLOSE / std, coarse))
    return best.reshape(x.shape).astype(np.uint8), narrow.any(0).reshape(x.shape)


def _plain_labels(finer: Array, shape: tuple[int, ...], network: BandNetwork, std: float) -> tuple[Array, Array]:
    """Logits brought back to `shape` linearly; being linear in x, that is x brought back linearly."""
    return _largest(resize(finer, shape, order=1, mode="edge", anti_aliasing=False), network, std)


def _smooth_labels(finer: Array, shape: tuple[int, ...], network: BandNetwork, std: float) -> tuple[Array, Array]:
    """Background on the whole grid, every other label that occurs only in its box and three voxels around it."""
    slope, offset = network.lines()
    coarse = _largest(finer, network, std)[0]
    best = slope[0] * resize(finer, shape, order=1, mode="edge", anti_aliasing=False) + offset[0]
    labels, narrow = np.zeros(shape, np.uint8), np.zeros(shape, bool)
    scale = np.divide(finer.shape, shape)
    for label, found in enumerate(ndimage.find_objects(coarse), 1):
        if found is None:
            continue
        low = np.array([max(0, part.start - 3) for part in found])
        high = np.array([min(size, part.stop + 3) for part, size in zip(found, finer.shape, strict=True)])
        first, last = np.floor(low / scale).astype(int), np.minimum(np.ceil(high / scale).astype(int), shape)
        goal = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        axes = [(np.arange(a, b) + 0.5) * f - 0.5 - at for a, b, f, at in zip(first, last, scale, low, strict=True)]
        cut = finer[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        x = ndimage.map_coordinates(cut, np.meshgrid(*axes, indexing="ij"), order=1, mode="nearest")
        ahead = slope[label] * x + offset[label] - best[goal]
        narrow[goal] |= np.abs(ahead) <= np.maximum(abs(slope[label] - slope[0]) * CLOSE / std, 1e-5)
        labels[goal][ahead > 0] = label
        best[goal] = np.maximum(best[goal], best[goal] + ahead)
    return labels, narrow


def _corrected(labels: Array, steps: list[dict[str, Any]], names: dict[str, int], sizes: Array) -> Array:
    """Corrections on the model's grid."""
    for step in steps:
        if step["step"] == "keep_largest":
            labels = keep_largest(labels, [names[each] for each in step["classes"]])
        elif step["step"] == "remove_up_to":
            labels = without_small(labels, [names[each] for each in step["classes"]], step["mm3"] / np.prod(sizes))
        elif step["step"] == "number_vertebrae":
            labels = numbered_vertebrae(labels, step["component_mm3"] / np.prod(sizes))
            labels = dilated_labels(labels, step["dilate_mm"], sizes)
    return labels


def _thirds(size: int, split: bool) -> list[tuple[slice, slice, slice]]:
    """Rows of the input, rows kept of the part, rows they become: all, or upstream's three overlapping parts."""
    third = size // 3
    if not split:
        return [(slice(0, size), slice(0, size), slice(0, size))]
    return [
        (slice(0, third + 20), slice(0, third), slice(0, third)),
        (slice(third - 19, 2 * third + 20), slice(19, third + 19), slice(third, 2 * third)),
        (slice(2 * third - 19, size), slice(19, None), slice(2 * third, size)),
    ]
