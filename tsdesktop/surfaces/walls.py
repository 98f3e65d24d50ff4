"""How thin a solid is: rays from its surface straight inward, to where they leave it again. numpy only, no VTK.

A place counts as a wall when the two sides face away from each other within 30 degrees. So a plate, a vessel and a ball
have their thickness, and the sides of an edge that is sharper than that too; but an edge of 90 degrees is no thin wall,
although the solid is as thin as one likes close to it.

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
_FACING_AWAY = -np.cos(np.radians(30.0))
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


def walls(mesh: SurfaceMesh) -> Walls | None:
    """The walls of the solid inside `mesh`; None when no side of it faces away from another (a pyramid, no triangles).

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
    thickness = solid.thickness(places, triangles)
    found = np.isfinite(thickness)
    more = _around(solid, places[found], thickness[found])
    middles = solid.corners[more].mean(axis=1)
    thickness_around = solid.thickness(middles, more)
    return _summary(solid, (places, triangles, thickness), (middles, more, thickness_around))


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
        thickness = np.full(len(places), np.inf)
        facing = np.zeros(len(places))
        starts, ways = places - self.origin, -self.normals[triangles]
        ends = starts + ways * self._reach
        for rays, met in self._tree.met_by(starts.astype(np.float32), ends.astype(np.float32)):
            leaving = np.einsum("ij,ij->i", ways[rays], self.normals[met]) > 0.0
            leaving &= met != triangles[rays]
            rays, met = rays[leaving], met[leaving]
            lengths = self._lengths(starts[rays], ways[rays], met)
            # The longest first, so that the nearest is the last to be written.
            order = np.argsort(-lengths, kind="stable")
            order = order[lengths[order] < thickness[rays[order]]]
            thickness[rays[order]] = lengths[order]
            facing[rays[order]] = np.einsum("ij,ij->i", ways[rays[order]], self.normals[met[order]])
        return np.where(facing > -_FACING_AWAY, thickness, np.inf)

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
