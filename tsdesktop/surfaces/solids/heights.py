"""The side of a solid that is seen along one direction, as a grid of heights and thicknesses found by rays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from manifold3d import Manifold

_MOST_CELLS = 160


@dataclass(frozen=True, eq=False)
class HeightField:
    """What parallel rays met on a grid of cells [i, j] along x and y, `step_mm` apart, from `low_mm` on.

    `surface_mm` is the z of the side that faces the rays, `thickness_mm` how far a ray runs inside before it comes out
    again; both are NaN where nothing was hit.
    """

    low_mm: tuple[float, float]
    step_mm: float
    surface_mm: NDArray[np.float64]
    thickness_mm: NDArray[np.float64]

    @property
    def hit(self) -> NDArray[np.bool_]:
        """Where the solid is."""
        return np.asarray(np.isfinite(self.surface_mm))

    def place(self, i: int, j: int) -> tuple[float, float]:
        """x and y of a cell in mm."""
        return self.low_mm[0] + float(i) * self.step_mm, self.low_mm[1] + float(j) * self.step_mm


def heights_from_above(solid: Manifold, step_mm: float) -> HeightField:
    """The upper side of a solid, on cells of about `step_mm` (wider where they would be too many)."""
    return _cast(solid, step_mm, downward=True)


def heights_from_below(solid: Manifold, step_mm: float) -> HeightField:
    """The lower side of a solid, as `heights_from_above`."""
    return _cast(solid, step_mm, downward=False)


def _cast(solid: Manifold, step_mm: float, *, downward: bool) -> HeightField:
    x0, y0, z0, x1, y1, z1 = solid.bounding_box()
    step = max(step_mm, max(x1 - x0, y1 - y0) / _MOST_CELLS)
    columns, rows = (max(1, int(side / step)) for side in (x1 - x0, y1 - y0))
    # Rays that run exactly along edges of a regular mesh meet nothing or everything: hence the small shift.
    low = ((x0 + x1 - (columns - 1) * step) / 2.0 + 1.3e-4 * step, (y0 + y1 - (rows - 1) * step) / 2.0 + 2.9e-4 * step)
    found = np.full((2, columns, rows), np.nan)
    ends = (z1 + 1.0, z0 - 1.0) if downward else (z0 - 1.0, z1 + 1.0)
    for i in range(columns):
        for j in range(rows):
            x, y = low[0] + i * step, low[1] + j * step
            found[:, i, j] = _met(solid, (x, y), ends)
    return HeightField(low, step, found[0], np.abs(found[1] - found[0]))


def _met(solid: Manifold, place: tuple[float, float], ends: tuple[float, float]) -> tuple[float, float]:
    """Where a ray goes in for the first time and comes out again; NaN when it misses."""
    hits = solid.ray_cast((*place, ends[0]), (*place, ends[1]))
    if len(hits) < 2:
        return np.nan, np.nan
    onward = ends[1] - ends[0]
    first = hits[0].position[2]
    leaving = (each.position[2] for each in hits[1:] if each.normal[2] * onward > 0.0)
    return first, next(leaving, hits[-1].position[2])
