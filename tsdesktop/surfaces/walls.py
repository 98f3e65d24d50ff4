"""How thin a solid is: rays from its surface straight inward, to where they leave it again. numpy only, no VTK.

A place is part of a wall when the two sides are nearly parallel there: they face away from each other within 15
degrees. So a plate, a vessel and a ball have their thickness, while the two sides of an edge are no wall.

A wall is thin over an area. Where a thin place has something thicker beside it, it is as thick as that: letters on a
plate, the rim of a cut and the sharp ridge of a bone print, because there is enough to hold on to. Beside it means
along the wall within twice the smallest wall that the process holds, and at a rim within four times. So a thin sheet is
found when it is wider than that everywhere, a rod when it is longer, however thin.

Rays start at places spread evenly over the surface, each for the same area, and at the middle of triangles around the
thinnest of them. The places are the same every time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.triangle_tree import TriangleTree

Points = NDArray[np.float64]
# So many for each triangle, within bounds.
_PLACES, _FEWEST, _MOST = 2, 2_000, 8_000
_THINNEST_LOOKED_AROUND = 30
_MOST_AROUND = 3_000
_PARALLEL = np.cos(np.radians(15.0))
# How far beside a thin place something thicker counts, in smallest walls; in how many directions it is looked for, and
# at which shares of the way.
_BESIDE, _DIRECTIONS = 2.0, 8
_SHARES = (1.0, 0.5)
_WIDER = 1.1
# So close to the rim of a thin sheet, and no closer.
_SHORT_OF_THE_RIM = 0.9
# Of more thin places than this so many are looked at, and the others are as those next to them in the list.
_MOST_THIN = 500
# A ray that leaves the solid within this share of its size has met its own neighbours.
_OWN_SHARE = 1e-6
# Corners are single precision: a ray must not slip through between two triangles.
_RIM = 1e-6


@dataclass(frozen=True)
class Walls:
    """Thicknesses in mm: the smallest, and what 1 % and 5 % of the surface with two facing sides are thinner than.

    `place` is the middle of the smallest wall, in the frame of the mesh. `share` is how much of the surface has an
    opposite side that faces away.
    """

    smallest_mm: float
    first_percentile_mm: float
    fifth_percentile_mm: float
    place: tuple[float, float, float]
    share: float


def walls(mesh: SurfaceMesh, limit_mm: float) -> Walls | None:
    """The walls of the solid inside `mesh`; None when no side of it faces away from another (a pyramid, no triangles).

    `limit_mm` is the smallest wall that the process holds: only what is thinner is looked at for what is beside it.
    The surface should be closed: a ray that leaves through a hole finds no wall. Enclosed by several surfaces, a place
    is as thick as the nearest exit says.
    """
    corners = mesh.vertices_ras[mesh.triangles].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    doubled = np.linalg.norm(normals, axis=1)
    kept = doubled > 0.0
    if not kept.any():
        return None
    solid = _Solid(corners[kept], normals[kept] / doubled[kept, None], doubled[kept])
    places, triangles = solid.spread(int(np.clip(_PLACES * len(solid.corners), _FEWEST, _MOST)))
    thickness = _over_an_area(solid, places, triangles, limit_mm)
    found = np.isfinite(thickness)
    more = _around(solid, places[found], thickness[found])
    middles = solid.corners[more].mean(axis=1)
    thickness_around = _over_an_area(solid, middles, more, limit_mm)
    return _summary(solid, (places, triangles, thickness), (middles, more, thickness_around))


def _over_an_area(solid: _Solid, places: Points, triangles: NDArray[np.intp], limit_mm: float) -> NDArray[np.float64]:
    """Thickness in mm at places on triangles; where it is below the limit, that of the thickest wall beside it."""
    thickness = solid.thickness(places, triangles)
    thin = np.flatnonzero(thickness < limit_mm)
    if len(thin):
        looked_at = thin[:: 1 + (len(thin) - 1) // _MOST_THIN]
        beside = _beside(solid, places[looked_at], solid.normals[triangles[looked_at]], thickness[looked_at], limit_mm)
        thickness[thin] = np.maximum(thickness[thin], beside[np.searchsorted(looked_at, thin, side="right") - 1])
    return thickness


def _beside(
    solid: _Solid, places: Points, normals: Points, thickness: NDArray[np.float64], limit_mm: float
) -> NDArray[np.float64]:
    """The thickest that the solid is in mm beside thin places (n, 3) of its surface, in any direction along the wall.

    It is as thick as it is wide across the wall; where that is more than at the place, as the least of that width and
    those 45 degrees to both sides of it: across a thin pipe it is wide, too.
    """
    middles = places - normals * thickness[:, None] / 2.0
    one, other = _along(normals)
    angles = np.arange(_DIRECTIONS) * 2.0 * np.pi / _DIRECTIONS
    ways = np.cos(angles)[:, None, None] * one + np.sin(angles)[:, None, None] * other
    starts = np.broadcast_to(middles, ways.shape)
    free = solid.exits(starts.reshape(-1, 3), ways.reshape(-1, 3)).reshape(ways.shape[:2])
    beside = _BESIDE * limit_mm
    # Where the wall ends on one side, as much more of it counts on the other.
    behind = np.roll(free, _DIRECTIONS // 2, axis=0)
    reach = np.minimum(2.0 * beside - np.minimum(behind, beside), _SHORT_OF_THE_RIM * free)
    thickest = np.zeros(len(middles))
    for share in _SHARES:
        looked_at = starts + share * reach[..., None] * ways
        widths = _width(solid, looked_at, np.broadcast_to(normals, ways.shape))
        wide = np.nonzero(widths > _WIDER * thickness)
        for sign in (1.0, -1.0):
            slanted = (normals[wide[1]] + sign * ways[wide]) / np.sqrt(2.0)
            widths[wide] = np.minimum(widths[wide], _width(solid, looked_at[wide], slanted))
        thickest = np.maximum(thickest, widths.max(axis=0))
    return thickest


def _width(solid: _Solid, places: Points, ways: Points) -> NDArray[np.float64]:
    """How wide the solid is in mm through places (..., 3) inside it, along unit `ways`."""
    flat, along = places.reshape(-1, 3), ways.reshape(-1, 3)
    both = solid.exits(np.concatenate([flat, flat]), np.concatenate([along, -along]))
    return np.asarray(both.reshape(2, *places.shape[:-1]).sum(axis=0))


def _along(normals: Points) -> tuple[Points, Points]:
    """Two unit directions (n, 3) at right angles to unit normals and to each other."""
    least = np.eye(3)[np.abs(normals).argmin(axis=1)]
    one = _cross(normals, least)
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    return one, _cross(normals, one)


Probes = tuple[Points, NDArray[np.intp], NDArray[np.float64]]


def _summary(solid: _Solid, even: Probes, around: Probes) -> Walls | None:
    """Percentiles are taken of the evenly spread places only, the smallest of all."""
    places, triangles, thickness = (np.concatenate(each) for each in zip(even, around, strict=True))
    if not np.isfinite(thickness).any():
        return None
    thinnest = int(np.argmin(thickness))
    x, y, z = places[thinnest] - solid.normals[triangles[thinnest]] * thickness[thinnest] / 2.0
    finite = even[2][np.isfinite(even[2])]
    first, fifth = np.percentile(finite, (1, 5)) if len(finite) else (thickness[thinnest],) * 2
    share = len(finite) / max(len(even[2]), 1)
    return Walls(float(thickness[thinnest]), float(first), float(fifth), (float(x), float(y), float(z)), share)


class _Solid:
    """Triangles with area as corners (m, 3, 3) in mm, their outward unit normals, and twice their areas."""

    def __init__(self, corners: Points, normals: Points, doubled: NDArray[np.float64]) -> None:
        self.origin = corners.mean(axis=(0, 1))
        self.corners, self.normals, self._doubled = corners, normals, doubled
        self._near = corners - self.origin
        self._reach = float(np.linalg.norm(np.ptp(self._near.reshape(-1, 3), axis=0)))
        self._tree = TriangleTree(self._near.astype(np.float32))

    def spread(self, count: int) -> tuple[Points, NDArray[np.intp]]:
        """Places (count, 3) evenly over the surface, and the triangles they are in."""
        order = self._tree.order
        ends = np.cumsum(self._doubled[order])
        steps = (np.arange(count) + 0.5) / count
        triangles = order[np.minimum(np.searchsorted(ends, steps * ends[-1]), len(order) - 1)]
        # The sequence of Roberts, folded into the triangle, never comes near an edge twice in a row.
        u, v = (np.arange(count) * 0.7548776662466927) % 1.0, (np.arange(count) * 0.5698402909980532) % 1.0
        over = u + v > 1.0
        u, v = np.where(over, 1.0 - u, u)[:, None], np.where(over, 1.0 - v, v)[:, None]
        a, b, c = (self.corners[triangles, n] for n in range(3))
        return a + u * (b - a) + v * (c - a), triangles

    def thickness(self, places: Points, triangles: NDArray[np.intp]) -> NDArray[np.float64]:
        """For places on triangles the way in mm straight inward to the next exit; infinite where that is no wall."""
        ways = -self.normals[triangles]
        lengths, met = self._exits(places - self.origin, ways, triangles)
        return np.where(_dot(ways, self.normals[met]) > _PARALLEL, lengths, np.inf)

    def exits(self, places: Points, ways: Points) -> NDArray[np.float64]:
        """For places (n, 3) inside the solid the way in mm along unit `ways` to the next exit; infinite without one."""
        return self._exits(places - self.origin, ways, np.full(len(places), -1))[0]

    def _exits(
        self, starts: Points, ways: Points, own: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """The way in mm to the next exit, and the triangle there, which is not the place's own."""
        nearest, through = np.full(len(starts), np.inf), np.zeros(len(starts), np.intp)
        ends = starts + ways * self._reach
        for rays, met in self._tree.met_by(starts.astype(np.float32), ends.astype(np.float32)):
            leaving = _dot(ways[rays], self.normals[met]) > 0.0
            leaving &= met != own[rays]
            rays, met = rays[leaving], met[leaving]
            lengths = self._lengths(starts[rays], ways[rays], met)
            # The longest first, so that the nearest is the last to be written.
            order = np.argsort(-lengths, kind="stable")
            order = order[lengths[order] < nearest[rays[order]]]
            nearest[rays[order]], through[rays[order]] = lengths[order], met[order]
        return nearest, through

    def _lengths(self, starts: Points, ways: Points, triangles: NDArray[np.intp]) -> NDArray[np.float64]:
        """How far along unit `ways` triangles are met; infinite where they are not (Moeller and Trumbore 1997)."""
        a, b, c = (self._near[triangles, n] for n in range(3))
        one, other, away = b - a, c - a, starts - a
        across = _cross(ways, other)
        inverse = 1.0 / np.maximum(np.abs(_dot(one, across)), 1e-30) * np.sign(_dot(one, across))
        turned = _cross(away, one)
        u, v = _dot(away, across) * inverse, _dot(ways, turned) * inverse
        lengths = _dot(other, turned) * inverse
        inside = (u >= -_RIM) & (v >= -_RIM) & (u + v <= 1.0 + _RIM) & (lengths > _OWN_SHARE * self._reach)
        return np.where(inside, lengths, np.inf)


def _around(solid: _Solid, places: Points, thickness: NDArray[np.float64]) -> NDArray[np.intp]:
    """The triangles around the thinnest of the places; all where there are few."""
    if len(solid.corners) <= _MOST_AROUND or not len(places):
        return np.arange(len(solid.corners))
    from scipy.spatial import cKDTree

    thinnest = places[np.argsort(thickness, kind="stable")[:_THINNEST_LOOKED_AROUND]]
    middles = solid.corners.mean(axis=1)
    _, near = cKDTree(middles).query(thinnest, k=_MOST_AROUND // _THINNEST_LOOKED_AROUND)
    return np.unique(near)


def _cross(a: Points, b: Points) -> Points:
    out = np.empty_like(a)
    for n in range(3):
        p, q = (n + 1) % 3, (n + 2) % 3
        out[:, n] = a[:, p] * b[:, q] - a[:, q] * b[:, p]
    return out


def _dot(a: Points, b: Points) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->i", a, b))
