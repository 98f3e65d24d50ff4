"""What is thinner than wanted becomes that thick; everything else stays as it is.

From points spread over the surface a ray goes straight inward. Where it leaves through a wall that faces the other way
after less than the wanted thickness, the middle of the ray lies in the middle of a thin sheet or thread. Balls of the
wanted diameter around all such middles are united with the part. Where the two walls lean apart by more than a blunt
angle (an edge, a corner, a tip) nothing grows: every edge is thin in the end.

The grid on which balls become a surface is worked through in tiles, so that memory does not grow with the part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.printing import Thicken
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.solids.fields import Grid, Points, Triangles, spread, surface_at
from tsdesktop.surfaces.solids.manifolds import (
    from_manifold,
    origin_of,
    solid_of,
    surface_of,
    to_manifold,
    united,
)
from tsdesktop.surfaces.solids.steps import Parts, StepContext

if TYPE_CHECKING:
    from manifold3d import Manifold

# Thinner than this part of the wanted thickness counts: what is off by less cannot be seen.
_THIN_BELOW = 0.97
# Walls face each other when their normals are at least about 140 degrees apart.
_FACING = -0.77
_JUST_INSIDE_MM = 0.005
_FIRST_SHARE, _SECOND_SHARE = 1.0, 0.25
_MOST_RAYS = 400_000
_RAYS_AT_ONCE = 4096
# Grid step of the balls as a part of the wanted thickness, tile edge in steps, and what simplifying may move.
_STEP_SHARE = 0.22
_TILE_STEPS = 96
_SIMPLIFIED_SHARE = 0.01


def thicken(parts: Parts, step: Thicken, context: StepContext) -> Parts:
    """Every part with thickness added where it is thinner than the step says. Raises ExportError, Cancelled."""
    out = []
    for n, part in enumerate(parts):
        context.at(part.structure.title, n / len(parts))
        added = addition_to(part, step.thinnest_mm, context)
        if added is None:
            out.append(part)
            continue
        origin = origin_of([part])
        whole = united([to_manifold(part, origin), to_manifold(added, origin)])
        out.append(from_manifold(whole, part.structure, origin))
    return tuple(out)


def addition_to(part: SurfaceMesh, thinnest_mm: float, context: StepContext) -> SurfaceMesh | None:
    """The solid to be united with a part so that nothing of it is thinner; None when nothing is.

    Raises ExportError, Cancelled.
    """
    origin = origin_of([part])
    middles = thin_middles(to_manifold(part, origin), thinnest_mm)
    if not len(middles):
        return None
    step_mm = _STEP_SHARE * thinnest_mm
    tiles = np.floor(middles / (_TILE_STEPS * step_mm)).astype(np.int64)
    solids = []
    for tile in np.unique(tiles, axis=0):
        context.check_wanted()
        solids.append(_balls(middles[(tiles == tile).all(axis=1)], thinnest_mm / 2.0, step_mm))
    return from_manifold(united(solids).simplify(_SIMPLIFIED_SHARE * thinnest_mm), part.structure, origin)


def thin_middles(solid: Manifold, thinnest_mm: float) -> Points:
    """Places (n, 3) in the middle of whatever is thinner than `thinnest_mm`, close enough for balls to unite."""
    places, triangles = surface_of(solid)
    found, thin = _middles(solid, places, triangles, _FIRST_SHARE * thinnest_mm, thinnest_mm)
    if not thin.any():
        return found
    # Triangles around the thin ones too: the first look is a coarse one.
    corners = np.zeros(len(places), np.bool_)
    corners[triangles[thin]] = True
    around = triangles[corners[triangles].any(axis=1)]
    dense, _ = _middles(solid, places, around, _SECOND_SHARE * thinnest_mm, thinnest_mm)
    return np.concatenate([found, dense])


def _middles(
    solid: Manifold, places: Points, triangles: Triangles, step_mm: float, thinnest_mm: float
) -> tuple[Points, NDArray[np.bool_]]:
    """Middles of thin places seen from points spread over these triangles, and which triangles saw one."""
    corners = places[triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2.0
    points, normals, owners = spread(places, triangles, max(step_mm, float(np.sqrt(2.0 * area / _MOST_RAYS))))
    units = normals / np.maximum(np.linalg.norm(normals, axis=1), 1e-12)[:, None]
    starts, ends = points - _JUST_INSIDE_MM * units, points - _THIN_BELOW * thinnest_mm * units
    thickness = np.zeros(len(points))
    for n, (start, end) in enumerate(_in_lists(starts, ends)):
        hits = solid.ray_cast(start, end)
        if hits and float(np.dot(hits[0].normal, units[n])) < _FACING:
            thickness[n] = float(np.linalg.norm(np.asarray(hits[0].position) - points[n]))
    seen = thickness > 0.0
    thin = np.zeros(len(triangles), np.bool_)
    thin[owners[seen]] = True
    return points[seen] - 0.5 * thickness[seen, None] * units[seen], thin


def _in_lists(starts: Points, ends: Points) -> Iterator[tuple[list[float], list[float]]]:
    """Rows of both as lists, some at a time: a million of them at once would keep every other thread waiting."""
    for first in range(0, len(starts), _RAYS_AT_ONCE):
        some = slice(first, first + _RAYS_AT_ONCE)
        yield from zip(starts[some].tolist(), ends[some].tolist(), strict=True)


def _balls(middles: Points, radius_mm: float, step_mm: float) -> Manifold:
    """The union of balls around these places."""
    reach = radius_mm + 2.0 * step_mm
    low = middles.min(axis=0) - reach
    i, j, k = (int(n) for n in np.ceil((middles.max(axis=0) + reach - low) / step_mm) + 1)
    grid = Grid(low, step_mm, (i, j, k))
    centres, cells = _one_per_cell(middles, grid)
    away = np.full(grid.shape, 2.0 * reach, np.float32)
    for offset in _offsets(reach / step_mm):
        index = tuple((cells + offset).T)
        distance = np.linalg.norm(grid.places(cells + offset) - centres, axis=1)
        # No two centres share a cell, so no index comes twice.
        away[index] = np.minimum(away[index], distance)
    # Between two centres a step apart the balls' union is a little thinner than the balls.
    level = -float(np.hypot(radius_mm, 0.5 * step_mm))
    return solid_of(*surface_at(-away, level, grid))


def _one_per_cell(middles: Points, grid: Grid) -> tuple[Points, NDArray[np.intp]]:
    numbers = np.ravel_multi_index(tuple(grid.cells(middles).T), grid.shape)
    used, owner, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    centres = np.stack([np.bincount(owner, middles[:, n]) / counts for n in range(3)], axis=1)
    return centres, np.stack(np.unravel_index(used, grid.shape), axis=1)


def _offsets(reach_steps: float) -> NDArray[np.intp]:
    """Index offsets within the reach; the reach has two steps to spare, so that none leaves the grid."""
    n = int(reach_steps)
    offsets = np.stack(np.meshgrid(*[np.arange(-n, n + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(offsets[(offsets**2).sum(axis=1) <= reach_steps**2])
