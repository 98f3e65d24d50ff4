"""Where the head lies in a scan, and where on it the face begins: from the outline of the body alone.

Nothing here knows a network. The outline comes as a mask, or from the intensities (`body_of`). Lengths scale with the
head's own length from front to back, so that a child's head is measured by its own measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.geometry import AxisOrder, to_ras_order
from tsdesktop.core.volume import Volume

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

# The outline is looked at on about this grid.
_STEP_MM = 2.0
# Breadth and depth of the head in axial slices, from infants (about 100 x 120 mm) to the largest adults.
_BREADTH_MM, _DEPTH_MM = (80.0, 215.0), (95.0, 265.0)
# A head is at least so high in the scan, and nothing above its vertex is looked at.
_LEAST_HEIGHT_MM, _MOST_HEIGHT_MM = 30.0, 260.0
# Where the vertex is cut off, only a section that is clearly longer than broad is a head and not a knee or a neck.
_LONGER_THAN_BROAD = 1.08
# In a CT of a head bone lies right under the skin: it spans this share of the section in both directions.
BONE_HU, _BONE_SPAN = 200.0, 0.72
# Nasion below vertex, in lengths of the head, and the range in which its dent is looked for.
_NASION, _NASION_RANGE, _SHORT_OF_VERTEX = 0.58, (0.30, 0.80), 0.10
# The nose sticks out so far in front of the cheeks (which lie so far beside the middle), at most so far below the
# vertex; its root lies so far above its tip, give or take. Its tip is in the scan where so much lies below it.
_NOSE, _CHEEKS_MM, _CHEEKS_BEHIND, _TIP_LOWEST, _TIP_MM = 0.10, (26.0, 42.0), 0.18, 1.1, 6.0
_NASION_ABOVE_TIP, _NASION_SPREAD = 0.22, 0.08
_LEAST_DENT_MM, _DEEP_DENT_MM = 2.0, 4.0
_MIDDLE_MM = 10.0
_FAT_HU = -300.0


@dataclass(frozen=True, eq=False)
class Outline:
    """The body on a coarse grid in RAS+ order: `mask` [r, a, s] (to the right, the front, the head), spacing in mm.

    `order` and `strides` lead back: coarse voxel n along an axis is voxel n x stride of the scan in RAS+ order.
    """

    mask: Mask
    spacing_mm: tuple[float, float, float]
    order: AxisOrder
    strides: tuple[int, int, int]

    def values(self, volume: Volume) -> NDArray[Any]:
        """The scan's intensities on this grid, [r, a, s]; a view."""
        return np.asarray(self.order.apply(volume.array)[tuple(slice(None, None, each) for each in self.strides)])


@dataclass(frozen=True, eq=False)
class Head:
    """The head in an outline, in indices of its grid: `top` and `bottom` along s (both belong to it), `middle` along r.

    `length_mm` is its length from front to back, `breadth_mm` from side to side. `front` [r, s] is the index along a of
    the foremost voxel of the body in each column, -1 where there is none. `nasion` is the level (along s) of the root
    of the nose.
    """

    outline: Outline
    top: int
    bottom: int
    middle: float
    length_mm: float
    breadth_mm: float
    front: NDArray[np.int64]
    nasion: float


def outline_of(volume: Volume, body: Mask | None = None) -> Outline:
    """The outline of the body: `body` [i, j, k] on the scan's grid, or else found from the intensities."""
    order = to_ras_order(volume.geometry)
    spacing = order.apply_geometry(volume.geometry).spacing_mm
    strides = [max(1, round(_STEP_MM / step)) for step in spacing]
    thin = tuple(slice(None, None, stride) for stride in strides)
    coarse = [step * stride for step, stride in zip(spacing, strides, strict=True)]
    if body is None:
        mask = body_of(order.apply(volume.array)[thin], is_ct=volume.modality == "CT")
    else:
        mask = np.array(order.apply(body)[thin])
    return Outline(mask, (coarse[0], coarse[1], coarse[2]), order, (strides[0], strides[1], strides[2]))


def body_of(values: NDArray[Any], *, is_ct: bool) -> Mask:
    """What is not air, its largest piece, filled: intensities [r, a, s] on a coarse grid.

    CT: above -300 HU. Else: half of Otsu's threshold (IEEE Trans Syst Man Cybern 1979; 9:62-66) after smoothing, since
    skin and bone are darker than most of a head in MR.
    """
    smooth = ndimage.gaussian_filter(values.astype(np.float32), 0.7)
    solid = np.asarray(smooth > (_FAT_HU if is_ct else 0.5 * _otsu(smooth)))
    # First of all: in MR the skull is as dark as air, and the scalp in front of it thin.
    _fill(solid)
    # Thin bridges to tables, coils and straps are cut first, and given back where they are the body's own.
    parts, count = ndimage.label(ndimage.binary_erosion(solid, iterations=2))
    if count == 0:
        return np.zeros(solid.shape, np.bool_)
    largest = np.asarray(parts) == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    body = np.asarray(ndimage.binary_dilation(largest, iterations=4, mask=solid))
    _fill(body)
    return body


def _fill(mask: Mask) -> None:
    """Fills what is enclosed, in place: axial slices, then sagittal ones, in which the nose's inside is closed."""
    for axis in (2, 0):
        slices = np.moveaxis(mask, axis, 0)
        for n, plane in enumerate(slices):
            slices[n] = ndimage.binary_fill_holes(plane)


def find_head(volume: Volume, outline: Outline) -> Head | None:
    """The head in an outline; None where there is none.

    It is the uppermost part of the body, within 26 cm of its top, as broad and as deep as heads are. Either it ends
    above in the scan, or it is longer than broad, as heads are and necks and limbs are not. In a CT, bone must lie
    right under the skin.
    """
    levels = np.flatnonzero(outline.mask.any(axis=(0, 1)))
    if levels.size == 0:
        return None
    s_mm = outline.spacing_mm[2]
    top = int(levels[-1])
    lowest = max(int(levels[0]), top - round(_MOST_HEIGHT_MM / s_mm))
    breadths, depths = _sizes(outline)
    is_like = (breadths <= _BREADTH_MM[1]) & (depths <= _DEPTH_MM[1]) & (depths > 0)
    bottom = top
    while bottom > lowest and is_like[bottom - 1]:
        bottom -= 1
    own = slice(bottom, top + 1)
    if not is_like[top] or (top + 1 - bottom) * s_mm < _LEAST_HEIGHT_MM:
        return None
    wide = slice(max(bottom, top - round(130.0 / s_mm)), top + 1)
    length, breadth = float(depths[wide].max()), float(np.percentile(breadths[wide], 90))
    if length < _DEPTH_MM[0] or breadth < _BREADTH_MM[0] or not _is_head(volume, outline, own, length / breadth):
        return None
    front = _front(outline.mask)
    middle = _middle(outline.mask, wide)
    nasion = _nasion(front, (bottom, top), middle, length, outline)
    return Head(outline, top, bottom, middle, length, breadth, front, nasion)


def _otsu(values: NDArray[np.float32]) -> float:
    """The threshold that parts a histogram into the two classes with the least variance within."""
    ceiling = float(np.percentile(values, 99.5))
    floor = float(values.min())
    if ceiling <= floor:
        return ceiling
    counts, edges = np.histogram(np.clip(values, floor, ceiling), 256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(centres[int(np.nanargmax(between))])


def _sizes(outline: Outline) -> tuple[Floats, Floats]:
    """Breadth and depth of the body in each axial slice in mm, without its thinnest rims (ears, table edges)."""
    along_r, along_a = outline.mask.sum(axis=1), outline.mask.sum(axis=0)
    breadths = np.count_nonzero(along_r > 0.15 * along_r.max(axis=0), axis=0) * outline.spacing_mm[0]
    depths = np.count_nonzero(along_a > 0.10 * along_a.max(axis=0), axis=0) * outline.spacing_mm[1]
    return breadths, depths


def _is_head(volume: Volume, outline: Outline, own: slice, ratio: float) -> bool:
    ends_above = own.stop < outline.mask.shape[2]
    if not ends_above and ratio < _LONGER_THAN_BROAD:
        return False
    if volume.modality != "CT":
        return True
    bone = (outline.values(volume)[:, :, own] > BONE_HU) & outline.mask[:, :, own]
    spans = [
        _extents(bone, axis) >= _BONE_SPAN * np.maximum(_extents(outline.mask[:, :, own], axis), 1) for axis in (0, 1)
    ]
    boxed = np.count_nonzero(spans[0] & spans[1]) * outline.spacing_mm[2]
    return bool(boxed >= min(_LEAST_HEIGHT_MM, 0.5 * (own.stop - own.start) * outline.spacing_mm[2]))


def _extents(mask: Mask, axis: int) -> NDArray[np.int64]:
    """For each slice along s: from the first to the last row or column (`axis`) that has any of the mask."""
    flat = np.asarray(mask.any(axis=1 - axis))
    size = flat.shape[0]
    extent = size - np.argmax(flat, axis=0) - np.argmax(flat[::-1], axis=0)
    return np.where(flat.any(axis=0), extent, 0)


def _front(mask: Mask) -> NDArray[np.int64]:
    foremost = mask.shape[1] - 1 - np.argmax(mask[:, ::-1], axis=1)
    return np.where(mask.any(axis=1), foremost, -1)


def _middle(mask: Mask, levels: slice) -> float:
    """The middle of the head along r: half way between its sides."""
    beside = np.flatnonzero(mask[:, :, levels].any(axis=(1, 2)))
    weights = mask[:, :, levels].sum(axis=(1, 2)).astype(np.float64)
    return float(np.average(np.arange(mask.shape[0]), weights=weights)) if beside.size else 0.0


def profile_of(front: NDArray[np.int64], middle: float, outline: Outline) -> Floats:
    """The profile in mm along a, for every level: the foremost point near the middle; NaN where there is none."""
    half = max(1, round(_MIDDLE_MM / outline.spacing_mm[0]))
    centre = round(middle)
    strip = front[max(0, centre - half) : centre + half + 1]
    foremost = strip.max(axis=0)
    return np.where(foremost >= 0, foremost * outline.spacing_mm[1], np.nan)


def _nasion(
    front: NDArray[np.int64], levels: tuple[int, int], middle: float, length_mm: float, outline: Outline
) -> float:
    """The level of the root of the nose: the dent in the profile above the tip of the nose.

    Where the tip is not in the scan it is the uppermost dent; without one, where it usually lies below the vertex.
    """
    bottom, top = levels
    s_mm = outline.spacing_mm[2]
    whole = top < outline.mask.shape[2] - 1
    # With the vertex cut off nobody knows: the lowest level spares the brain, and the skin goes all the same.
    usual = top - _NASION * length_mm / s_mm if whole else float(bottom)
    profile = profile_of(front, middle, outline)[bottom : top + 1]
    own = np.flatnonzero(np.isfinite(profile))
    if own.size < 5:
        return usual
    smooth = _smoothed(profile[own], 3.0 / s_mm)
    dents = _hull(own * s_mm, smooth) - smooth
    below_mm = (top - bottom - own) * s_mm
    highest = _NASION_RANGE[0] if whole else _SHORT_OF_VERTEX
    dents[(below_mm < highest * length_mm) | (below_mm > _NASION_RANGE[1] * length_mm)] = 0.0
    tip = _tip_of_nose(front, levels, middle, length_mm, outline)
    if tip is not None:
        above_mm = (own + bottom - tip) * s_mm
        usual = tip + _NASION_ABOVE_TIP * length_mm / s_mm
        dents *= np.exp(-0.5 * ((above_mm / length_mm - _NASION_ABOVE_TIP) / _NASION_SPREAD) ** 2)
    else:
        dents = _uppermost(dents)
    return float(own[int(np.argmax(dents))] + bottom) if dents.max() >= _LEAST_DENT_MM else usual


def _tip_of_nose(
    front: NDArray[np.int64], levels: tuple[int, int], middle: float, length_mm: float, outline: Outline
) -> float | None:
    """The level where the profile lies far in front of the cheeks; None where that is no nose, or cut off."""
    bottom, top = levels
    r_mm, a_mm, s_mm = outline.spacing_mm
    offsets = (np.arange(front.shape[0]) - middle) * r_mm
    beside = (np.abs(offsets) > _CHEEKS_MM[0]) & (np.abs(offsets) < _CHEEKS_MM[1])
    if np.count_nonzero(beside) < 2:
        return None
    cheeks = np.median(front[beside, bottom : top + 1], axis=0) * a_mm
    profile = np.nan_to_num(profile_of(front, middle, outline)[bottom : top + 1], nan=-1.0)
    prominence = _smoothed(np.where(cheeks > 0.0, profile - cheeks, 0.0), 2.0 / s_mm)
    # Near the vertex every profile lies in front of its sides, and so does a chin.
    prominence[cheeks < cheeks.max() - _CHEEKS_BEHIND * length_mm] = 0.0
    prominence[: max(0, round((top - bottom) - _TIP_LOWEST * length_mm / s_mm))] = 0.0
    # The uppermost of what sticks out: below the nose, the chin may do so too.
    runs, count = ndimage.label(prominence >= _NOSE * length_mm)
    tip = int(np.argmax(np.where(runs == count, prominence, 0.0)))
    return float(tip + bottom) if count and tip * s_mm >= _TIP_MM else None


def _smoothed(values: Floats, sigma: float) -> Floats:
    smooth: Floats = np.array(ndimage.gaussian_filter1d(values, sigma, mode="nearest"), dtype=np.float64)
    return smooth


def _uppermost(dents: Floats) -> Floats:
    """Only the uppermost of several dents, a shallow one only where there is no deep one."""
    runs, count = ndimage.label(dents >= _LEAST_DENT_MM)
    if count == 0:
        return dents
    deepest = ndimage.maximum(dents, runs, np.arange(1, count + 1))
    deep = np.flatnonzero(np.asarray(deepest) >= _DEEP_DENT_MM)
    return np.where(runs == 1 + (deep[-1] if deep.size else count - 1), dents, 0.0)


def _hull(x: NDArray[Any], y: NDArray[Any]) -> Floats:
    """The upper convex hull of the points (x, y), x increasing, at every x (Andrew's monotone chain)."""
    kept: list[int] = []
    for n in range(len(x)):
        while len(kept) >= 2 and _turns_up(x, y, (kept[-2], kept[-1], n)):
            kept.pop()
        kept.append(n)
    return np.asarray(np.interp(x, x[kept], y[kept]))


def _turns_up(x: NDArray[Any], y: NDArray[Any], at: tuple[int, int, int]) -> bool:
    a, b, c = at
    return bool((x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a]) >= 0)
