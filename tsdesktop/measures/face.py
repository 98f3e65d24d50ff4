"""Which voxels of a scan show the face: from a label of it, or from the skin of the front of the head.

What goes away is everything in front of a smooth sheet behind the face, up to the border of the scan. The sheet follows
no feature of the person, and the air before the face goes with it: neither side shows the profile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.geometry import Box, bounding_box
from tsdesktop.core.volume import Volume
from tsdesktop.measures.head import Floats, Head, Mask, Outline, find_head, outline_of, profile_of

Check = Callable[[], None]

# In lengths of the head (about 190 mm in adults): how far the face reaches above and below the root of the nose, and to
# both sides of the middle as a share of the breadth.
_ABOVE, _CHIN, _LOWEST, _BESIDE = 0.17, 0.48, 0.72, 0.46
# The chin ends where the profile lies this far behind the face.
_BEHIND_CHIN = 0.13
# How deep skin goes in front of the sheet at least, in lengths of the head: 10 mm in adults.
_DEPTH = 0.055
# The sheet lies behind the hollows of the face: the front is eroded by, and then smoothed with, so much.
_HOLLOWS_MM, _SMOOTH_MM = 12.0, 14.0
# How far from the skin the mask may reach at levels relative to the root of the nose, both in lengths of the head.
# Above it the brain lies close behind; below it there is none in the front.
_REACH = ((-0.25, 0.32), (-0.15, 0.16), (-0.05, 0.08), (0.0, 0.065), (0.05, 0.053))
# Soft tissue that bone encloses, and how far apart parts of it must be joined: fissures of the orbit are narrower.
_SOFT_HU, _NARROW_MM = (-20.0, 120.0), 6.0
# A label of the face is grown by this much before everything in front of it goes.
_LABEL_MARGIN_MM = 4.0
_PROTECTED_MM = 2.0


@dataclass(frozen=True, eq=False)
class Face:
    """The voxels to change: `mask` [i, j, k] on the scan's grid, and the box around them. `ml` is their volume."""

    mask: Mask
    box: Box
    ml: float

    @property
    def voxels(self) -> int:
        """How many voxels are to be changed."""
        return int(np.count_nonzero(self.mask[self.box.slices]))


def face_from_skin(
    volume: Volume, body: Mask | None = None, brain: Mask | None = None, *, check: Check = lambda: None
) -> Face | None:
    """The face found from the outline of the body, None where no head is in the scan.

    `body` [i, j, k] is that outline where it is known, else it is found from the intensities. Voxels of `brain`
    [i, j, k] and 2 mm around them are spared. `check` is called now and then; what it raises ends the work.
    """
    outline = outline_of(volume, body)
    check()
    head = find_head(volume, outline)
    if head is None:
        return None
    check()
    coarse = _coarse_mask(head)
    if brain is None and volume.modality == "CT":
        coarse[_brain_of_ct(volume, head)] = 0.0
    check()
    return _on_grid(volume, outline, coarse, brain)


def face_from_label(volume: Volume, label: Mask, brain: Mask | None = None) -> Face | None:
    """The face as a label [i, j, k] gives it, grown by 4 mm, with all that lies in front; None where it is empty."""
    outline = outline_of(volume, label)
    if not outline.mask.any():
        return None
    margin = ndimage.distance_transform_edt(~outline.mask, outline.spacing_mm) <= _LABEL_MARGIN_MM
    in_front = np.asarray(np.logical_or.accumulate(margin, axis=1))
    return _on_grid(volume, outline, in_front.astype(np.float32), brain)


def _coarse_mask(head: Head) -> NDArray[np.float32]:
    """1 where the face is, 0 elsewhere, [r, a, s] on the outline's grid."""
    outline = head.outline
    _, a_mm, s_mm = outline.spacing_mm
    out = np.zeros(outline.mask.shape, np.float32)
    across, levels = _domain(head)
    if levels.start >= levels.stop:
        return out
    sheet = _sheet(head, across, levels)
    along_a = np.arange(outline.mask.shape[1]) * a_mm
    in_front = along_a[None, :, None] > sheet[:, None, :]
    # A border of the scan is no skin: distances are to air, with some levels more above and below.
    margin = round(_REACH[0][1] * head.length_mm / s_mm)
    around = slice(max(0, levels.start - margin), levels.stop + margin)
    depth = ndimage.distance_transform_edt(outline.mask[:, :, around], outline.spacing_mm)
    depth = depth[across, :, levels.start - around.start : levels.stop - around.start]
    relative = (np.arange(levels.start, levels.stop) - head.nasion) * s_mm / head.length_mm
    reach = np.interp(relative, [at for at, _ in _REACH], [deep for _, deep in _REACH]) * head.length_mm
    out[across, :, levels] = in_front & (depth <= reach[None, None, :])
    return out


def _brain_of_ct(volume: Volume, head: Head) -> Mask:
    """What lies inside the skull, a little grown, but nothing within 10 mm of the skin, on the outline's grid."""
    outline = head.outline
    out = np.zeros_like(outline.mask)
    own = slice(max(0, round(head.nasion - _LOWEST * head.length_mm / outline.spacing_mm[2])), head.top + 1)
    values, body = outline.values(volume)[:, :, own], outline.mask[:, :, own]
    depth = ndimage.distance_transform_edt(body, outline.spacing_mm)
    deep = body & (depth > _DEPTH * head.length_mm)
    soft = deep & (values > _SOFT_HU[0]) & (values < _SOFT_HU[1])
    core = ndimage.distance_transform_edt(soft, outline.spacing_mm) > _NARROW_MM
    parts, count = ndimage.label(core)
    above = parts[:, :, max(0, min(head.top, round(head.nasion)) - own.start) :]
    sizes = np.bincount(above.ravel(), minlength=count + 1)
    sizes[0] = 0
    if not sizes.any():
        return out
    away = ndimage.distance_transform_edt(parts != int(np.argmax(sizes)), outline.spacing_mm)
    out[:, :, own] = deep & (away <= _NARROW_MM + _PROTECTED_MM)
    return out


def _domain(head: Head) -> tuple[slice, slice]:
    """The columns and levels of the face."""
    outline = head.outline
    r_mm, _, s_mm = outline.spacing_mm
    half = _BESIDE * head.breadth_mm / r_mm
    across = slice(max(0, round(head.middle - half)), min(outline.mask.shape[0], round(head.middle + half) + 1))
    upper = min(head.top, round(head.nasion + _ABOVE * head.length_mm / s_mm))
    if upper < 0:
        # The scan ends above the eyes.
        return across, slice(0, 0)
    return across, slice(max(0, min(upper, _chin(head))), upper + 1)


def _chin(head: Head) -> int:
    """The level just below the chin."""
    s_mm = head.outline.spacing_mm[2]
    profile = profile_of(head.front, head.middle, head.outline)
    per_length = head.length_mm / s_mm
    first, last = round(head.nasion - _CHIN * per_length), round(head.nasion - _LOWEST * per_length)
    face = profile[max(0, first) : round(head.nasion) + 1]
    if first <= 0 or not np.isfinite(face).any():
        return max(0, first)
    usual = float(np.nanmedian(face))
    for level in range(first, max(0, last), -1):
        if not profile[level] > usual - _BEHIND_CHIN * head.length_mm:
            return level
    return max(0, last)


def _sheet(head: Head, across: slice, levels: slice) -> Floats:
    """How far to the front the smooth sheet behind the face lies, in mm along a, [r, s] of the domain."""
    outline = head.outline
    r_mm, a_mm, s_mm = outline.spacing_mm
    front = head.front[across, levels].astype(np.float64) * a_mm
    front[head.front[across, levels] < 0] = np.nan
    # Never behind the middle of the head: beside the cheeks the front falls away to the ears.
    foremost = float(np.nanpercentile(front, 95))
    front = np.maximum(np.nan_to_num(front, nan=foremost), foremost - 0.5 * head.length_mm)
    sizes = [2 * round(_HOLLOWS_MM / step) + 1 for step in (r_mm, s_mm)]
    # A single column that looks past the nose would tear the sheet.
    front = ndimage.median_filter(front, 5, mode="nearest")
    hollow = ndimage.minimum_filter(front, sizes, mode="nearest")
    smooth = ndimage.gaussian_filter(hollow, [_SMOOTH_MM / r_mm, _SMOOTH_MM / s_mm], mode="nearest")
    return np.asarray(smooth - _DEPTH * head.length_mm)


def _on_grid(volume: Volume, outline: Outline, coarse: NDArray[np.float32], brain: Mask | None) -> Face | None:
    """The coarse mask on the scan's own grid, without the brain."""
    mask = _upsampled(coarse, outline, volume.geometry.shape)
    if brain is not None and brain.any():
        mask &= ~_grown(brain, volume.spacing_mm)
    box = bounding_box(mask)
    if box is None:
        return None
    count = int(np.count_nonzero(mask))
    return Face(mask, box, count * volume.geometry.voxel_volume_mm3 / 1000.0)


def _upsampled(coarse: NDArray[np.float32], outline: Outline, shape: tuple[int, int, int]) -> Mask:
    mask = np.zeros(shape, np.bool_)
    turned = outline.order.apply(mask)
    box = bounding_box(coarse > 0)
    if box is None:
        return mask
    box = box.grown((1, 1, 1), coarse.shape[:3])
    part = coarse[box.slices]
    # Level by level along s, so that a large scan needs no second copy in floating point.
    fine, places = [], []
    for axis in range(3):
        stride, last = outline.strides[axis], turned.shape[axis] - 1
        start, stop = box.start[axis] * stride, min(last, (box.stop[axis] - 1) * stride)
        if box.stop[axis] == coarse.shape[axis]:
            stop = last
        fine.append(slice(start, stop + 1))
        places.append(np.minimum(np.arange(start, stop + 1) / stride - box.start[axis], part.shape[axis] - 1))
    target = turned[tuple(fine)]
    for k, place in enumerate(places[2]):
        plane = _between(part, 2, np.array([place]))[:, :, 0]
        target[:, :, k] = _between(_between(plane, 0, places[0]), 1, places[1]) >= 0.5
    return mask


def _between(values: NDArray[np.float32], axis: int, places: Floats) -> NDArray[np.float32]:
    """Values at fractional `places` along an axis, linearly between neighbours."""
    below = places.astype(np.intp)
    share = (places - below).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(values.ndim)])
    low, high = (np.take(values, index, axis, mode="clip") for index in (below, below + 1))
    return np.asarray(low + share * (high - low))


def _grown(mask: Mask, spacing_mm: tuple[float, float, float]) -> Mask:
    box = bounding_box(mask)
    if box is None:
        return mask
    margin = [int(np.ceil(_PROTECTED_MM / step)) for step in spacing_mm]
    box = box.grown((margin[0], margin[1], margin[2]), mask.shape)
    out = np.zeros_like(mask)
    out[box.slices] = ndimage.distance_transform_edt(~mask[box.slices], spacing_mm) <= _PROTECTED_MM
    return out
