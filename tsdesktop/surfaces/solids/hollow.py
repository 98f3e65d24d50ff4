"""Hollow parts: the places deeper than the wall are taken away, and drain holes are drilled into them from below.

Depth is known on a grid of at most 4 million points (about 100 MB while it is computed), 0.4 of the wall apart or
wider where the part is large: between its points depth is interpolated, so that the wall is right to a few hundredths
of a step. Drains run along z, because what is below is hidden and resin runs out of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.notes import note
from tsdesktop.core.printing import Hollow
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.solids.fields import Field, Grid, Points, depth, grid_around, surface_at
from tsdesktop.surfaces.solids.manifolds import (
    from_manifold,
    origin_of,
    pieces_of,
    solid_of,
    surface_of,
    to_manifold,
    united,
)
from tsdesktop.surfaces.solids.steps import Parts, StepContext

if TYPE_CHECKING:
    from manifold3d import Manifold

Mask = NDArray[np.bool_]
_MOST_POINTS = 4_000_000
_STEP_SHARE = 0.4
_FINEST_STEP_MM = 0.2
# The deepest place of a cavity lies this much of the wall below the cavity's own wall; smaller ones save nothing.
_LEAST_CAVITY_SHARE = 0.5
# How much material a drain may have to go through, in walls, and how it is drawn.
_LONGEST_DRAIN_WALLS = 4.0
_ROUND = 48
# Simplifying the cavity's surface may move it by this part of the wall.
_SIMPLIFIED_SHARE = 0.02
# A second drain is worth this many mm of being higher for each mm it is further away from the first.
_SPREAD = 0.5
_FAR_ENOUGH_MM = 40.0


@dataclass(frozen=True)
class Drain:
    """A vertical hole: its axis at x, y from `low` up to `high`, in mm from the part's origin."""

    x: float
    y: float
    low: float
    high: float


def hollow(parts: Parts, step: Hollow, context: StepContext) -> Parts:
    """Every part as a shell. One too thin for a cavity stays as it is, with a note. Raises ExportError, Cancelled."""
    out = []
    for n, part in enumerate(parts):
        context.at(part.structure.title, n / len(parts))
        out.append(_hollowed(part, step, context))
    return tuple(out)


def _hollowed(part: SurfaceMesh, step: Hollow, context: StepContext) -> SurfaceMesh:
    origin = origin_of([part])
    solid = to_manifold(part, origin)
    places, triangles = surface_of(solid)
    step_mm = max(_STEP_SHARE * step.wall_mm, _FINEST_STEP_MM)
    grid = grid_around(places.min(axis=0), places.max(axis=0), step_mm, _MOST_POINTS)
    deep = depth(places, triangles, grid, step.wall_mm)
    context.check_wanted()
    cavities = _cavities(deep, step.wall_mm, grid)
    if not cavities:
        context.note(note("note.solid_too_thin", name=part.structure.title, wall_mm=step.wall_mm))
        return part
    drains = [_drains(cavity, deep, grid, step) for cavity in cavities]
    chosen = _shared_out(drains, step.drains)
    _tell(part, step, chosen, context)
    # A cavity that nothing can run out of is not made, unless no drains are wanted at all.
    kept = [n for n in range(len(cavities)) if chosen[n] or not step.drains]
    if not kept:
        return part
    holes = [_cavity_solid(cavities[n], deep, step.wall_mm, grid) for n in kept]
    holes += [_drill(drain, step.drain_mm) for n in kept for drain in chosen[n]]
    shell = solid - united(holes)
    closed = _closed_cavities(shell) if step.drains else 0
    # Cavities that the part had before are not of this step.
    closed -= _closed_cavities(solid) if closed else 0
    if closed > 0:
        context.note(note("note.solid_closed", name=part.structure.title, count=closed))
    return from_manifold(shell, part.structure, origin)


def _tell(part: SurfaceMesh, step: Hollow, chosen: list[list[Drain]], context: StepContext) -> None:
    made = sum(len(drains) for drains in chosen)
    if made < step.drains:
        context.note(note("note.solid_no_drain", name=part.structure.title, count=made, wanted=step.drains))
    without = sum(1 for drains in chosen if not drains)
    if step.drains and without:
        context.note(note("note.solid_cavities", name=part.structure.title, count=without, all=len(chosen)))


def _closed_cavities(solid: Manifold) -> int:
    return sum(1 for shell in solid.decompose() if shell.volume() <= 0.0)


def _cavities(deep: Field, wall_mm: float, grid: Grid) -> list[Mask]:
    """The separate cavities worth making, the largest first."""
    pieces, count = ndimage.label(deep > wall_mm)
    if not count:
        return []
    sizes = np.bincount(pieces.ravel())
    least = wall_mm + max(_LEAST_CAVITY_SHARE * wall_mm, grid.step_mm)
    worth = sorted(np.unique(pieces[deep >= least]).tolist(), key=lambda n: (-sizes[n], n))
    return [np.asarray(pieces == n) for n in worth]


def _cavity_solid(cavity: Mask, deep: Field, wall_mm: float, grid: Grid) -> Manifold:
    # Its own points and those around it, which say where between the points it ends.
    around = ndimage.binary_dilation(cavity, np.ones((3, 3, 3)))
    field = np.where(cavity | (around & (deep <= wall_mm)), deep, np.float32(wall_mm - grid.step_mm))
    solid = solid_of(*surface_at(field, wall_mm, grid)).simplify(_SIMPLIFIED_SHARE * wall_mm)
    # Interpolated, a neck of one step may be parted: the pocket behind it would have no drain.
    return pieces_of(solid)[0]


def _drains(cavity: Mask, deep: Field, grid: Grid, step: Hollow) -> list[Drain]:
    """Drains from a cavity down to the outside, in the order in which they are to be made; at most as many as wanted.

    A drain's whole disc lies under the cavity, and the wall below it is not much thicker than the wall.
    """
    floor, exits = _floor_and_exit(cavity, deep, grid)
    under = cavity.any(axis=2)
    radius = step.drain_mm / 2.0 / grid.step_mm
    room = ndimage.distance_transform_edt(np.pad(under, 1))[1:-1, 1:-1] >= radius
    disc = _disc(radius)
    low = ndimage.minimum_filter(np.where(under, exits, np.inf), footprint=disc)
    high = ndimage.maximum_filter(np.where(under, floor, -np.inf), footprint=disc)
    free = room & (high - low <= _LONGEST_DRAIN_WALLS * step.wall_mm + step.drain_mm)
    return _lowest_and_spread((exits, low, high), free, grid, step)


def _floor_and_exit(cavity: Mask, deep: Field, grid: Grid) -> tuple[Points, Points]:
    """Per column of the grid the height of the cavity's lowest point, and of the outside below it, in mm."""
    lowest = cavity.argmax(axis=2)
    outside_below = (deep <= 0.0) & (np.arange(grid.shape[2]) < lowest[..., None])
    last = np.minimum(grid.shape[2] - 1 - outside_below[..., ::-1].argmax(axis=2), grid.shape[2] - 2)
    outer, inner = (np.take_along_axis(deep, each[..., None], axis=2)[..., 0] for each in (last, last + 1))
    # Between the last point outside and the first inside, so that columns can be told apart.
    share = np.clip(outer / np.minimum(outer - inner, -1e-6), 0.0, 1.0)
    return grid.low[2] + lowest * grid.step_mm, grid.low[2] + (last + share) * grid.step_mm


def _lowest_and_spread(heights: tuple[Points, Points, Points], free: Mask, grid: Grid, step: Hollow) -> list[Drain]:
    """The lowest drain first, then those that are low and far from the ones before.

    `heights` per column are where its middle comes out, and the lowest and highest end of its disc.
    """
    columns = np.argwhere(free)
    if not len(columns):
        return []
    at = grid.low[:2] + columns * grid.step_mm
    outs, bottoms, tops = (each[free] for each in heights)
    cost = outs - outs.min()
    apart = np.full(len(columns), np.inf)
    out: list[Drain] = []
    for _ in range(step.drains):
        near = np.where(np.isinf(apart), 0.0, np.minimum(apart, _FAR_ENOUGH_MM))
        best = int(np.argmin(np.where(apart >= 2.0 * step.drain_mm, cost - _SPREAD * near, np.inf)))
        if apart[best] < 2.0 * step.drain_mm:
            break
        x, y = (float(each) for each in at[best])
        # From a grid point outside the part to one inside the cavity, and a little further on both ends.
        out.append(Drain(x, y, float(bottoms[best]) - grid.step_mm, float(tops[best]) + 2.0 * grid.step_mm))
        apart = np.minimum(apart, np.linalg.norm(at - at[best], axis=1))
    return out


def _shared_out(drains: list[list[Drain]], wanted: int) -> list[list[Drain]]:
    """Each cavity gets one drain, the largest first, then each a second one, until none is left."""
    chosen: list[list[Drain]] = [[] for _ in drains]
    for turn in range(wanted):
        for n, each in enumerate(drains):
            if turn < len(each) and sum(map(len, chosen)) < wanted:
                chosen[n].append(each[turn])
    return chosen


def _drill(drain: Drain, diameter_mm: float) -> Manifold:
    from manifold3d import Manifold

    length = drain.high - drain.low
    return Manifold.cylinder(length, diameter_mm / 2.0, circular_segments=_ROUND).translate(
        (drain.x, drain.y, drain.low)
    )


def _disc(radius: float) -> Mask:
    n = int(np.ceil(radius))
    i, j = np.meshgrid(np.arange(-n, n + 1), np.arange(-n, n + 1), indexing="ij")
    return np.asarray(i**2 + j**2 <= max(radius, 0.5) ** 2)
