"""Parts cut in two by a plane, closed there, with pins on one half and sockets in the other.

A pin may stand where the cut face is wide enough for its socket and the material behind both sides is deep enough:
the part's inside is drawn on a grid aligned with the plane, and a place is free where all layers from the pin's root to
the socket's ground are inside, far enough from their border.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.notes import note
from tsdesktop.core.printing import Cut
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.solids.fields import Grid, Points, inside
from tsdesktop.surfaces.solids.manifolds import from_manifold, origin_of, surface_of, to_manifold, united
from tsdesktop.surfaces.solids.steps import Parts, StepContext

if TYPE_CHECKING:
    from manifold3d import Manifold

_ROUND = 48
# A pin is as long as it is wide, its tip narrows over this part of its length, and its root is sunk into its own side.
_TIP_SHARE = 0.2
_ROOT_SHARE = 0.25
# Around a socket stays at least this much material, or this part of the pin's diameter.
_WALL_MM, _WALL_SHARE = 1.0, 0.25
_STEPS_PER_PIN = 10.0
_FINEST_STEP_MM = 0.15
_MOST_POINTS = 8_000_000
# Less than this on one side of the plane is rounding, not a piece.
_LEAST_MM3 = 1e-3


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane in a part's own coordinates; `turn` (3, 3) takes its normal to z, `height_mm` is its place along it."""

    turn: Points
    height_mm: float

    @property
    def to_plane(self) -> Points:
        """3x4: the part's coordinates to those in which the plane is z = 0 and side A above."""
        return np.column_stack([self.turn, [0.0, 0.0, -self.height_mm]])

    @property
    def from_plane(self) -> Points:
        """3x4: the way back."""
        return np.column_stack([self.turn.T, self.turn.T @ [0.0, 0.0, self.height_mm]])


def cut(parts: Parts, step: Cut, context: StepContext) -> Parts:
    """Every part that the plane meets as "name A" (where the normal points) and "name B"; others stay whole.

    Raises ExportError, Cancelled.
    """
    out: list[SurfaceMesh] = []
    whole: list[str] = []
    for n, part in enumerate(parts):
        context.at(part.structure.title, n / len(parts))
        halves = _halves(part, step, context)
        out += halves or [part]
        whole += [] if halves else [part.structure.title]
    if len(whole) == 1:
        context.note(note("note.solid_not_cut", name=whole[0]))
    elif whole:
        context.note(note("note.solid_some_not_cut", count=len(whole), all=len(parts)))
    return tuple(out)


def _halves(part: SurfaceMesh, step: Cut, context: StepContext) -> list[SurfaceMesh]:
    """The two halves of a part; none when the plane does not meet it."""
    origin = origin_of([part])
    plane = _plane(step, origin)
    solid = to_manifold(part, origin).transform(plane.to_plane)
    above, below = solid.split_by_plane((0.0, 0.0, 1.0), 0.0)
    if min(above.volume(), below.volume()) < _LEAST_MM3:
        return []
    places = pin_places(solid, step) if step.pins else np.zeros((0, 2))
    if len(places) < step.pins:
        context.note(note("note.solid_fewer_pins", name=part.structure.title, count=len(places), wanted=step.pins))
    if len(places):
        above = united([above, *(_pin(step).translate((x, y, 0.0)) for x, y in places)])
        below = below - united([_socket(step).translate((x, y, 0.0)) for x, y in places])
    halves = zip("AB", (above, below), strict=True)
    return [_piece(half.transform(plane.from_plane), side, part, origin) for side, half in halves]


def _piece(solid: Manifold, side: str, part: SurfaceMesh, origin: Points) -> SurfaceMesh:
    structure = replace(part.structure, name=f"{part.structure.name} {side}")
    return from_manifold(solid, structure, origin)


def _plane(step: Cut, origin: Points) -> Plane:
    normal = np.array(step.normal_ras, np.float64)
    normal /= np.linalg.norm(normal)
    first = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    first /= np.linalg.norm(first)
    turn = np.stack([first, np.cross(normal, first), normal])
    return Plane(turn, float(normal @ (np.array(step.point_ras) - origin)))


def pin_places(solid: Manifold, step: Cut) -> Points:
    """Where pins stand in the plane z = 0 of a solid: (n, 2) in mm, at most as many as wanted, far from each other."""
    free, room, grid = _free_places(solid, step)
    columns = np.argwhere(free)
    if not len(columns):
        return np.zeros((0, 2))
    at = grid.low[:2] + columns * grid.step_mm
    if step.pins == 1:
        return at[[int(np.argmax(room[free]))]]
    # The first is furthest from the middle, each other one furthest from those before.
    apart = np.linalg.norm(at - at.mean(axis=0), axis=1)
    chosen: list[int] = []
    while len(chosen) < step.pins:
        best = int(np.argmax(apart))
        if chosen and apart[best] < 2.0 * step.pin_mm:
            break
        chosen.append(best)
        distance = np.linalg.norm(at - at[best], axis=1)
        apart = distance if len(chosen) == 1 else np.minimum(apart, distance)
    return at[chosen]


def _free_places(solid: Manifold, step: Cut) -> tuple[NDArray[np.bool_], NDArray[np.float64], Grid]:
    """Where the middle of a pin may be, how far each place is from the border in mm, and the grid of both."""
    wall = max(_WALL_MM, _WALL_SHARE * step.pin_mm)
    root, ground = _ROOT_SHARE * step.pin_mm + wall, step.pin_mm + step.clearance_mm + wall
    low, high = np.array(solid.bounding_box()).reshape(2, 3)
    size = np.array([*(high - low)[:2], root + ground])
    step_mm = max(step.pin_mm / _STEPS_PER_PIN, _FINEST_STEP_MM, float(np.cbrt(np.prod(size) / _MOST_POINTS)))
    i, j, k = (int(n) for n in np.ceil(size / step_mm + [3.0, 3.0, 1.0]))
    # The grid lies a little off the plane's own axes, so that no layer falls into a flat face of the part.
    grid = Grid(np.array([low[0] - step_mm, low[1] - step_mm, -ground]) + 1e-4, step_mm, (i, j, k))
    layers = inside(*surface_of(solid), grid)
    through = np.logical_and.reduce(layers, axis=2)
    room = np.asarray(ndimage.distance_transform_edt(through) * step_mm)
    return room >= step.pin_mm / 2.0 + step.clearance_mm + wall, room, grid


def _pin(step: Cut) -> Manifold:
    """A pin on the z axis: its root above z = 0, its narrower tip below."""
    radius, length = step.pin_mm / 2.0, step.pin_mm
    tip = _TIP_SHARE * length
    outline = [(0.0, -length), (radius - 0.5 * tip, -length), (radius, tip - length)]
    outline += [(radius, _ROOT_SHARE * length), (0.0, _ROOT_SHARE * length)]
    return _turned(outline)


def _socket(step: Cut) -> Manifold:
    """The room of a pin with clearance all around, from its ground to a little above z = 0."""
    radius, depth = step.pin_mm / 2.0 + step.clearance_mm, step.pin_mm + step.clearance_mm
    return _turned([(0.0, -depth), (radius, -depth), (radius, radius), (0.0, radius)])


def _turned(outline: list[tuple[float, float]]) -> Manifold:
    """The body of revolution about z of an outline (distance from the axis, height), counter-clockwise."""
    from manifold3d import CrossSection, Manifold

    return Manifold.revolve(CrossSection([outline]), _ROUND)
