"""Where the slices of a series lie: sorted along their normal, checked for gaps, doubles, shifts and tilt.

The rules, all stated in docs/scans.md:
* slices are sorted by the position of their corner along the normal; names and instance numbers play no part;
* even: every gap within 2 % of the median gap (or 0.1 mm, but never over 20 %), every slice within 10 % of the spacing
  (or 0.2 mm) of its place on the even grid;
* gaps of whole multiples that the slices' thickness does not cover are missing slices: up to 3 in a row and 10 % of the
  whole are filled in, more are refused;
* other unevenness is resampled to the median gap, unless a gap is over three times the median;
* a line through the corners that leaves the normal by more than 0.1 degrees is a tilt; corners that leave the line by
  more than half a pixel (or 0.5 mm) are refused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import GeometryError
from tsdesktop.core.geometry import LPS_FROM_RAS, Affine
from tsdesktop.core.notes import Note, note
from tsdesktop.scans.dicom_headers import Slice

LEAST_SLICES = 4
SAME_PLACE_MM = 0.01
FILL_IN_A_ROW = 3
FILL_SHARE = 0.1
_LARGEST_GAP = 3.0


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in order along their normal: one tuple per volume, all volumes in the same places.

    `affine` (RAS+ mm, the tilt still in it) is that of the grid after resampling to `places`: fractional slice indices,
    None when the slices are even and stay as they are. `spacing_mm` is (i, j, k).
    """

    volumes: tuple[tuple[Slice, ...], ...]
    affine: Affine
    places: NDArray[np.float64] | None
    spacing_mm: tuple[float, float, float]
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class _Spacing:
    count: int
    places: NDArray[np.float64] | None
    notes: tuple[Note, ...] = ()


def normal_of(slice: Slice) -> NDArray[np.float64]:
    """The unit normal of a slice, LPS. Needs an orientation."""
    _, _, normal = _axes(slice)
    return normal


def places_of(slices: list[Slice]) -> list[int]:
    """For each slice, the number of its place along the normal: slices in the same place share a number."""
    normal = normal_of(slices[0])
    heights = np.array([s.position_lps for s in slices], float) @ normal
    order = np.argsort(heights, kind="stable")
    numbers = np.zeros(len(slices), int)
    numbers[order[1:]] = np.cumsum(np.diff(heights[order]) > SAME_PLACE_MM)
    return [int(n) for n in numbers]


def stack(slices: list[Slice], name: str) -> Stack:
    """The slices of one orientation and size as a stack. Raises GeometryError when they do not form a volume."""
    slices, doubles = _without_copies(slices)
    volumes, more_doubles = _volumes(slices)
    first = volumes[0]
    if len(first) == 1 and len(slices) >= LEAST_SLICES:
        reason = f"all {len(slices)} lie in the same place"
        raise GeometryError("geometry.slices_do_not_form_volume", name=name, reason=reason)
    if len(first) < LEAST_SLICES:
        raise GeometryError("geometry.too_few_slices", name=name, count=len(first), least=LEAST_SLICES)
    row, column, normal = _axes(first[0])
    corners = np.array([s.position_lps for s in first], float)
    heights = corners @ normal
    direction = _line(corners, heights, first[0], name)
    spacing = _spacing(first, heights - heights[0], name)
    rows_mm, columns_mm = first[0].pixel_spacing_mm or (1.0, 1.0)
    affine = np.eye(4)
    affine[:3, 0] = row * columns_mm
    affine[:3, 1] = column * rows_mm
    affine[:3, 2] = direction * (heights[-1] - heights[0]) / (spacing.count - 1)
    affine[:3, 3] = corners[0]
    notes = spacing.notes
    if doubles + more_doubles:
        notes = (note("note.duplicate_slices", count=doubles + more_doubles), *notes)
    upright_mm = float(affine[:3, 2] @ normal)
    return Stack(volumes, np.asarray(LPS_FROM_RAS @ affine), spacing.places, (columns_mm, rows_mm, upright_mm), notes)


def _axes(slice: Slice) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    cosines = np.array(slice.orientation_lps, float)
    row = cosines[:3] / np.linalg.norm(cosines[:3])
    normal = np.cross(row, cosines[3:])
    normal /= np.linalg.norm(normal)
    return row, np.cross(normal, row), normal


def _without_copies(slices: list[Slice]) -> tuple[list[Slice], int]:
    """Drops copies of the same object, for example a series that lies in the folder twice."""
    kept: dict[object, Slice] = {}
    for n, each in enumerate(slices):
        key = (each.sop_uid, each.frame, each.position_lps, each.moment) if each.sop_uid else n
        kept.setdefault(key, each)
    return list(kept.values()), len(slices) - len(kept)


def _volumes(slices: list[Slice]) -> tuple[tuple[tuple[Slice, ...], ...], int]:
    """Slices by volume and place. Every place n times: n volumes; else the first at each place, and how many more."""
    numbers = places_of(slices)
    columns: dict[int, list[Slice]] = {}
    for place, each in sorted(zip(numbers, slices, strict=True), key=lambda pair: _order(*pair)):
        columns.setdefault(place, []).append(each)
    counts = Counter(len(column) for column in columns.values())
    if len(counts) == 1:
        return tuple(zip(*columns.values(), strict=True)), 0
    first = tuple(column[0] for column in columns.values())
    return (first,), len(slices) - len(first)


def _order(place: int, slice: Slice) -> tuple[object, ...]:
    return place, slice.moment, slice.instance, slice.file.path.name


def _line(corners: NDArray[np.float64], heights: NDArray[np.float64], slice: Slice, name: str) -> NDArray[np.float64]:
    """How the corner moves per mm along the normal (LPS). Raises GeometryError when the corners leave the line."""
    direction = (corners[-1] - corners[0]) / (heights[-1] - heights[0])
    off = np.linalg.norm(corners - corners[0] - np.outer(heights - heights[0], direction), axis=1)
    allowed = max(0.5, 0.5 * min(slice.pixel_spacing_mm or (1.0,)))
    if off.max() > allowed:
        reason = f"they are shifted sideways against each other by up to {off.max():.1f} mm"
        raise GeometryError("geometry.slices_do_not_form_volume", name=name, reason=reason)
    return np.asarray(direction)


def _spacing(slices: tuple[Slice, ...], heights: NDArray[np.float64], name: str) -> _Spacing:
    gaps = np.diff(heights)
    step = float(np.median(gaps))
    if _is_even(heights, gaps, step):
        return _Spacing(len(slices), None)
    multiples = np.maximum(np.rint(gaps / step), 1)
    whole = np.abs(gaps - multiples * step) <= np.minimum(multiples * _tolerance(step), 0.2 * step)
    covered = np.array([max(a.thickness_mm, b.thickness_mm) for a, b in pairwise(slices)]) >= 0.9 * gaps
    wide = multiples > 1
    if whole.all() and not (wide & covered).any():
        return _filled(gaps, multiples, name)
    if (gaps > _LARGEST_GAP * step).any():
        reason = f"two neighbours are {gaps.max():.1f} mm apart, most {step:.2g} mm"
        raise GeometryError("geometry.slices_do_not_form_volume", name=name, reason=reason)
    count = round(heights[-1] / step) + 1
    even = np.linspace(0.0, heights[-1], count)
    words = {"least_mm": f"{gaps.min():.2f}", "most_mm": f"{gaps.max():.2f}", "spacing_mm": f"{even[1]:.2f}"}
    return _Spacing(count, np.interp(even, heights, np.arange(len(heights))), (note("note.uneven_slices", **words),))


def _tolerance(step: float) -> float:
    return max(0.02 * step, min(0.1, 0.2 * step))


def _is_even(heights: NDArray[np.float64], gaps: NDArray[np.float64], step: float) -> bool:
    off = np.abs(heights - np.linspace(0.0, heights[-1], len(heights)))
    return bool((np.abs(gaps - step) <= _tolerance(step)).all() and off.max() <= max(0.2, 0.1 * step))


def _filled(gaps: NDArray[np.float64], multiples: NDArray[np.float64], name: str) -> _Spacing:
    """Places for slices that are missing between their neighbours. Raises GeometryError when they are too many."""
    steps = multiples.astype(int)
    count = int(steps.sum()) + 1
    missing = count - len(gaps) - 1
    if steps.max() - 1 > FILL_IN_A_ROW or missing > FILL_SHARE * count:
        raise GeometryError("geometry.missing_slices", name=name, missing=missing, gap_mm=f"{gaps.max():.4g}")
    places = [n + t / step for n, step in enumerate(steps) for t in range(step)]
    return _Spacing(count, np.array([*places, float(len(gaps))]), (note("note.filled_slices", missing=missing),))
