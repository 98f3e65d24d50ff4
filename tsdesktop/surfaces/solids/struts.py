"""Rods between pieces that lie apart: a vertebral column, ribs. Afterwards what is connected is one solid.

Which pieces are connected is their minimum spanning tree by gap (Kruskal 1956), so that no rod is needless. A rod runs
between the two nearest points of two pieces, where both surfaces are at right angles to it, and is sunk into both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from tsdesktop.core.notes import note
from tsdesktop.core.printing import Struts
from tsdesktop.core.structures import StructureClass
from tsdesktop.surfaces.solids.fields import Points, spread
from tsdesktop.surfaces.solids.manifolds import from_manifold, origin_of, pieces_of, surface_of, to_manifold, united
from tsdesktop.surfaces.solids.steps import Parts, StepContext
from tsdesktop.surfaces.solids.union import merged_structure

if TYPE_CHECKING:
    from manifold3d import Manifold

_ROUND = 32
_NAME = "merged"
# Points of a piece are this part of the diameter apart, or further where there would be more than so many.
_SPACING_SHARE = 0.33
_MOST_POINTS = 30_000
# Pieces nearer than this touch: where the rod points is then said by the surface, not by the gap.
_TOUCHING_MM = 0.05
_ABOUT_AS_NEAR = 0.05
# How deep a rod goes into a piece, in diameters, and how much of the way to the other side of a thin piece.
_DEEPEST, _LEAST_DEEP, _SHARE_OF_THIN = 1.0, 0.25, 0.8


@dataclass(frozen=True, eq=False)
class Piece:
    """A connected piece of part number `part`, with points on its surface and the outward normals there."""

    part: int
    solid: Manifold
    points: Points
    normals: Points
    tree: cKDTree

    @property
    def box(self) -> Points:
        """Lowest and highest corner, (2, 3) in mm."""
        return np.array(self.solid.bounding_box()).reshape(2, 3)


@dataclass(frozen=True)
class Link:
    """The gap in mm between pieces `one` and `other`, and the nearest points of both by number."""

    gap_mm: float
    one: int
    other: int
    point: int
    other_point: int


def struts(parts: Parts, step: Struts, context: StepContext) -> Parts:
    """Parts connected by rods, those that are connected as one. Raises ExportError, Cancelled.

    A note says how many pieces stay apart, because the gaps are too long.
    """
    origin = origin_of(parts)
    pieces = _pieces(parts, step, origin, context)
    chosen = _spanning(_links(pieces, step, context), len(pieces))
    rods = [(_rod(pieces[link.one], pieces[link.other], link, step), pieces[link.one].part) for link in chosen]
    together = _groups(len(parts), ((pieces[link.one].part, pieces[link.other].part) for link in chosen))
    structures = _structures(parts, together)
    out, apart = [], 0
    for n, (group, structure) in enumerate(zip(together, structures, strict=True)):
        context.at(structure.title, 0.6 + 0.4 * n / len(together))
        own = [rod for rod, part in rods if part in group]
        solids = [piece.solid for piece in pieces if piece.part in group]
        whole = united([*solids, *own])
        apart += sum(1 for shell in whole.decompose() if shell.volume() > 0.0)
        out.append(from_manifold(whole, structure, origin) if own else parts[group[0]])
    if apart > 1:
        context.note(note("note.solid_apart", count=apart, longest_mm=step.longest_mm))
    return tuple(out)


def _pieces(parts: Parts, step: Struts, origin: Points, context: StepContext) -> list[Piece]:
    out = []
    for n, part in enumerate(parts):
        context.at(part.structure.title, 0.3 * n / len(parts))
        for solid in pieces_of(to_manifold(part, origin)):
            spacing = max(_SPACING_SHARE * step.diameter_mm, float(np.sqrt(solid.surface_area() / _MOST_POINTS)))
            points, normals, _ = spread(*surface_of(solid), spacing)
            units = normals / np.maximum(np.linalg.norm(normals, axis=1), 1e-12)[:, None]
            out.append(Piece(n, solid, points, units, cKDTree(points)))
    return out


def _links(pieces: Sequence[Piece], step: Struts, context: StepContext) -> list[Link]:
    """All pairs of pieces that are near enough, the nearest first."""
    boxes = np.array([piece.box for piece in pieces])
    out = []
    for n in range(len(pieces)):
        context.at(_NAME, 0.3 + 0.3 * n / len(pieces))
        between = np.maximum(boxes[n + 1 :, 0] - boxes[n, 1], boxes[n, 0] - boxes[n + 1 :, 1])
        gaps = np.linalg.norm(np.maximum(between, 0.0), axis=1)
        links = (_link(pieces, n, n + 1 + int(m), step) for m in np.flatnonzero(gaps <= step.longest_mm))
        out += [link for link in links if link is not None]
    return sorted(out, key=lambda link: (link.gap_mm, link.one, link.other))


def _link(pieces: Sequence[Piece], one: int, other: int, step: Struts) -> Link | None:
    if len(pieces[one].points) > len(pieces[other].points):
        one, other = other, one
    gaps, nearest = pieces[other].tree.query(pieces[one].points, distance_upper_bound=step.longest_mm + 1e-9)
    if not np.isfinite(gaps.min()):
        return None
    # Where many points are about as near, as between two plates, the rod stands in their middle.
    near = np.flatnonzero(gaps <= gaps.min() + _ABOUT_AS_NEAR * step.diameter_mm)
    places = pieces[one].points[near]
    best = int(near[np.argmin(((places - places.mean(axis=0)) ** 2).sum(axis=1))])
    return Link(float(gaps[best]), one, other, best, int(nearest[best]))


def _spanning(links: Iterable[Link], pieces: int) -> list[Link]:
    """The links of the minimum spanning forest."""
    group = list(range(pieces))
    out = []
    for link in links:
        kept, joined = group[link.one], group[link.other]
        if kept != joined:
            out.append(link)
            group = [kept if each == joined else each for each in group]
    return out


def _groups(parts: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Part numbers that are connected, in the order of the parts."""
    group = list(range(parts))
    for one, other in pairs:
        low, high = sorted((group[one], group[other]))
        group = [low if each == high else each for each in group]
    return [[n for n in range(parts) if group[n] == first] for first in sorted(set(group))]


def names_of_joined(groups: Sequence[Sequence[StructureClass]]) -> list[str]:
    """One that stays alone keeps its name; those made of several are numbered from the second on."""
    out: list[str] = []
    taken = {each.name for group in groups for each in group if len(group) == 1}
    for group in groups:
        free = (name for n in count(1) if (name := _NAME if n == 1 else f"{_NAME} {n}") not in taken)
        out.append(group[0].name if len(group) == 1 else next(free))
        taken.add(out[-1])
    return out


def _structures(parts: Parts, together: Sequence[Sequence[int]]) -> list[StructureClass]:
    groups = [[parts[n] for n in group] for group in together]
    names = names_of_joined([[part.structure for part in group] for group in groups])
    return [
        group[0].structure if len(group) == 1 else merged_structure(group, name)
        for group, name in zip(groups, names, strict=True)
    ]


def _rod(one: Piece, other: Piece, link: Link, step: Struts) -> Manifold:
    from manifold3d import Manifold

    start, end = one.points[link.point], other.points[link.other_point]
    way = end - start if link.gap_mm > _TOUCHING_MM else one.normals[link.point]
    way = way / np.linalg.norm(way)
    low = start - way * _sunk(one.solid, start, -way, step.diameter_mm)
    high = end + way * _sunk(other.solid, end, way, step.diameter_mm)
    rod = Manifold.cylinder(float(np.linalg.norm(high - low)), step.diameter_mm / 2.0, circular_segments=_ROUND)
    return rod.transform(np.column_stack([_turn_from_z((high - low) / np.linalg.norm(high - low)), low]))


def _sunk(solid: Manifold, start: Points, way: Points, diameter_mm: float) -> float:
    """How deep the rod goes into a piece: a diameter, or less where the piece is thinner."""
    first, last = start + 0.01 * way, start + 2.0 * diameter_mm * way
    hits = solid.ray_cast(tuple(first), tuple(last))
    if not hits:
        return _DEEPEST * diameter_mm
    thickness = float(np.linalg.norm(np.asarray(hits[0].position) - start))
    return float(np.clip(_SHARE_OF_THIN * thickness, _LEAST_DEEP * diameter_mm, _DEEPEST * diameter_mm))


def _turn_from_z(way: Points) -> Points:
    """A rotation (3, 3) that takes z to `way`."""
    first = np.cross(way, np.eye(3)[int(np.argmin(np.abs(way)))])
    first /= np.linalg.norm(first)
    return np.column_stack([first, np.cross(way, first), way])
