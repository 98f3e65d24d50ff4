"""Columns under solids that hang in the air: where they touch, how many, and how high.

Rays from below find the lower side of a piece. The first column stands under its lowest place; more are added, up to
three, at places that are far from the others and not much higher, so that a piece cannot tip over.
Each ends inside the piece, where its whole cross-section is covered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.surfaces.solids.heights import HeightField, heights_from_below

if TYPE_CHECKING:
    from manifold3d import Manifold

_MOST_PER_PIECE = 3
_THINNEST_MM = 1.0
# Columns reach this far into what they hold, and into what they stand on.
EMBEDDED_MM = 0.5
_SIDES = 48


@dataclass(frozen=True)
class Column:
    """A round column: its axis at (x, y), its radius, its top; all in mm. It stands on whatever is below."""

    x: float
    y: float
    radius_mm: float
    top_mm: float

    def solid(self, bottom_mm: float) -> Manifold:
        """The column from `bottom_mm` up."""
        from manifold3d import Manifold

        upright = Manifold.cylinder(self.top_mm - bottom_mm, self.radius_mm, circular_segments=_SIDES)
        return upright.translate((self.x, self.y, bottom_mm))


def columns_under(piece: Manifold, diameter_mm: float) -> list[Column]:
    """Up to three columns that hold a piece; thinner than asked where the piece is narrower. z is up."""
    field = heights_from_below(piece, max(0.25, min(diameter_mm / 4.0, _narrow_side(piece) / 6.0)))
    radius = diameter_mm / 2.0
    while radius > _THINNEST_MM / 2.0:
        places = _places(field, radius)
        if places:
            return _spread(places, radius)
        radius *= 0.75
    return [_thinnest(field)]


def _narrow_side(piece: Manifold) -> float:
    x0, y0, _, x1, y1, _ = piece.bounding_box()
    return float(min(x1 - x0, y1 - y0))


def _places(field: HeightField, radius: float) -> list[Column]:
    """Every place of the field where a column of that radius is covered by the piece entirely."""
    disc = _disc(radius / field.step_mm)
    covered = ndimage.binary_erosion(field.hit, disc)
    # Where nothing was hit, the erosion has removed the place already.
    tops = ndimage.maximum_filter(np.where(field.hit, field.surface_mm, -np.inf), footprint=disc) + EMBEDDED_MM
    ends = field.surface_mm + 0.8 * field.thickness_mm
    held = covered & (tops <= np.maximum(ends, field.surface_mm + EMBEDDED_MM))
    return [Column(*field.place(i, j), radius, float(tops[i, j])) for i, j in np.argwhere(held)]


def _spread(places: list[Column], radius: float) -> list[Column]:
    """The lowest place, then those that are far from all before: a mm of distance is worth two of height."""
    spots = np.array([(each.x, each.y) for each in places])
    rises = np.array([each.top_mm for each in places])
    rises -= rises.min()
    chosen = [int(np.argmin(rises))]
    while len(chosen) < _MOST_PER_PIECE:
        away = np.min([np.hypot(*(spots - spots[n]).T) for n in chosen], axis=0)
        worth = away - rises / 2.0
        best = int(np.argmax(worth))
        if worth[best] < 6.0 * radius:
            break
        chosen.append(best)
    return [places[n] for n in chosen]


def _thinnest(field: HeightField) -> Column:
    """A thin column under the lowest place of a piece that is narrower than any."""
    i, j = np.unravel_index(int(np.argmin(np.where(field.hit, field.surface_mm, np.inf))), field.hit.shape)
    inside = min(EMBEDDED_MM, 0.5 * float(field.thickness_mm[i, j]))
    return Column(*field.place(int(i), int(j)), _THINNEST_MM / 2.0, float(field.surface_mm[i, j]) + inside)


def _disc(radius_cells: float) -> NDArray[np.bool_]:
    reach = int(np.ceil(radius_cells))
    i, j = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(i**2 + j**2 <= (radius_cells + 0.5) ** 2)
