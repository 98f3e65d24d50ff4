"""Where a surface runs through itself. numpy only, no VTK.

Two triangles count when they have a point in common that is not a corner or an edge they share, touching included;
those that share an edge count when one is folded onto the other. Vertices at equal places are one vertex. What has no
area is left out.

Most neighbours are cleared without looking at pairs: when, seen from one direction, all triangles around a vertex face
the viewer and go round it once, they lie side by side and meet at shared edges only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import read_only
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import merged_vertices
from tsdesktop.surfaces.triangle_tree import TriangleTree

Points = NDArray[np.float64]
Triangles = NDArray[np.int64]
Bools = NDArray[np.bool_]
MOST_PAIRS = 100_000
# Signed volumes below this, in units of the cube of the triangles' size, are rounding.
_ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class SelfIntersections:
    """Pairs (n, 2) of triangles that run through each other, lower number first, in order.

    `complete` is False when the search ended early, because there were more than `MOST_PAIRS`.
    """

    pairs: NDArray[np.int64]
    complete: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", read_only(self.pairs))

    @property
    def count(self) -> int:
        """The number of pairs."""
        return len(self.pairs)

    @property
    def triangles(self) -> NDArray[np.int64]:
        """The triangles that are in any pair, in order."""
        return np.unique(self.pairs)


def self_intersections(mesh: SurfaceMesh) -> SelfIntersections:
    """The pairs of triangles of `mesh` that run through each other or touch where they are no neighbours."""
    merged = merged_vertices(mesh.vertices_ras)[mesh.triangles]
    corners = mesh.vertices_ras[mesh.triangles]
    solid = np.flatnonzero(_has_area(corners, merged))
    if not len(solid):
        return SelfIntersections(np.zeros((0, 2), np.int64))
    merged, corners = merged[solid], corners[solid]
    flat_fan = _flat_fans(merged, corners)
    found: list[NDArray[np.intp]] = []
    for one, other in TriangleTree(corners).near_pairs():
        pairs = _meeting(merged, corners, flat_fan, np.stack([one, other], axis=1))
        found.append(pairs)
        if sum(map(len, found)) > MOST_PAIRS:
            break
    pairs = np.sort(solid[np.concatenate(found)], axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return SelfIntersections(pairs, len(pairs) <= MOST_PAIRS)


def _has_area(corners: NDArray[np.float32], merged: Triangles) -> Bools:
    a, b, c = merged.T
    one, other = (np.asarray(corners[:, n] - corners[:, 0], np.float64) for n in (1, 2))
    across = _cross(one, other)
    lengths = np.einsum("ij,ij->i", one, one) * np.einsum("ij,ij->i", other, other)
    large = np.einsum("ij,ij->i", across, across) > 1e-24 * lengths
    return np.asarray((a != b) & (b != c) & (c != a) & large)


def _flat_fans(merged: Triangles, corners: NDArray[np.float32]) -> Bools:
    """For every vertex whether its triangles form one closed fan that lies side by side seen along its normal.

    All triangles have to face the viewer, and a ray in the plane of view has to lie in exactly one of them. With edges
    of two triangles that agree on the direction, a fan goes round a whole number of times: so it goes round once.
    """
    count = int(merged.max()) + 1
    a, b, c = (np.asarray(corners[:, n], np.float64) for n in range(3))
    normals = _cross(b - a, c - a)
    vertex_normals = np.stack(
        [np.bincount(merged.ravel(), np.repeat(normals[:, n], 3), count) for n in range(3)], axis=1
    )
    across = _perpendicular(np.asarray(vertex_normals, np.float64))
    inside, faults = np.zeros(count, np.int64), _at_bad_edges(merged, count)
    for n, (start, end) in enumerate(((b - a, c - a), (c - b, a - b), (a - c, b - c))):
        at = merged[:, n]
        away = np.einsum("ij,ij->i", normals, vertex_normals[at]) <= 0.0
        rays = across[at]
        holds = (np.einsum("ij,ij->i", start, rays) >= 0.0) & (np.einsum("ij,ij->i", end, rays) < 0.0)
        inside += np.bincount(at[holds], minlength=count)
        faults[at[away]] = True
    return np.asarray((inside == 1) & ~faults)


def _perpendicular(vectors: Points) -> Points:
    """For each row one at right angles to it."""
    axes = np.eye(3)[np.argmin(np.abs(vectors), axis=1)]
    return _cross(axes, vectors)


def _at_bad_edges(merged: Triangles, count: int) -> Bools:
    """Which vertices are at an edge that does not have two triangles which agree on the direction."""
    starts, ends = merged.ravel(), merged[:, [1, 2, 0]].ravel()
    there, back = np.sort(starts * count + ends), np.sort(ends * count + starts)
    faults = np.zeros(count, np.bool_)
    if np.array_equal(there, back) and np.all(there[1:] != there[:-1]):
        return faults
    numbers, counts = np.unique(starts * count + ends, return_counts=True)
    alone = numbers[counts != 1]
    both = np.setxor1d(numbers, np.unique(back))
    for keys in (alone, both):
        faults[keys // count] = True
        faults[keys % count] = True
    return faults


def _meeting(
    merged: Triangles, corners: NDArray[np.float32], flat_fan: Bools, pairs: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Those of the pairs (n, 2) that really meet."""
    pairs = _without_cleared(merged, flat_fan, pairs)
    one, other = merged[pairs[:, 0]], merged[pairs[:, 1]]
    count = (one[:, :, None] == other[:, None, :]).any(axis=2).sum(axis=1)
    meets = count == 3
    for shares, test in ((0, _apart_meet), (1, _at_corner_meet), (2, _at_edge_meet)):
        these = np.flatnonzero(count == shares)
        if len(these):
            p, q = _turned(one[these], other[these]), _turned(other[these], one[these])
            origin = corners[pairs[these, 0], :1].astype(np.float64)
            places = [
                np.take_along_axis(corners[pairs[these, n]], turn[:, :, None], 1) for n, turn in enumerate((p, q))
            ]
            meets[these] = test(places[0] - origin, places[1] - origin)
    return np.asarray(pairs[meets])


def _without_cleared(merged: Triangles, flat_fan: Bools, pairs: NDArray[np.intp]) -> NDArray[np.intp]:
    """The pairs that do not share a vertex whose triangles are known to lie side by side."""
    one, other = (merged.take(each, axis=0, mode="clip").T for each in pairs.T)
    cleared = np.zeros(len(pairs), np.bool_)
    for vertex in one:
        shared = (vertex == other[0]) | (vertex == other[1]) | (vertex == other[2])
        cleared |= shared & flat_fan.take(vertex, mode="clip")
    return pairs[~cleared]


def _turned(one: Triangles, other: Triangles) -> NDArray[np.intp]:
    """The order of the corners of `one` that puts those it shares with `other` first, in the order of their numbers."""
    shared = (one[:, :, None] == other[:, None, :]).any(axis=2)
    return np.argsort(np.where(shared, one, np.iinfo(np.int64).max), axis=1, kind="stable")


def _apart_meet(p: Points, q: Points) -> Bools:
    """Whether triangles (n, 3, 3) that share no corner have a point in common."""
    from_p, from_q = _sides(p, q), _sides(q, p)
    near = np.flatnonzero(~_one_sided(from_p) & ~_one_sided(from_q))
    meets = np.zeros(len(p), np.bool_)
    p, q, from_p, from_q = p[near], q[near], from_p[near], from_q[near]
    hit = np.all(from_p == 0, axis=1) & _overlap_in_plane(p, q)
    for n in range(3):
        after = (n + 1) % 3
        hit |= _crosses(q[:, n], q[:, after], from_p[:, n] * from_p[:, after], p)
        hit |= _crosses(p[:, n], p[:, after], from_q[:, n] * from_q[:, after], q)
    meets[near] = hit
    return meets


def _at_corner_meet(p: Points, q: Points) -> Bools:
    """The same for triangles that share their first corner, which does not count."""
    from_p, from_q = _sides(p, q)[:, 1:], _sides(q, p)[:, 1:]
    hit = _crosses(q[:, 1], q[:, 2], from_p[:, 0] * from_p[:, 1], p)
    hit |= _crosses(p[:, 1], p[:, 2], from_q[:, 0] * from_q[:, 1], q)
    hit &= ~_one_sided(from_p) & ~_one_sided(from_q)
    flat = np.all(from_p == 0, axis=1)
    hit[flat] = _sectors_overlap(p[flat], q[flat])
    return hit


def _at_edge_meet(p: Points, q: Points) -> Bools:
    """The same for triangles that share their first two corners: one has to be folded onto the other."""
    edge = p[:, 1] - p[:, 0]
    aside = [_cross(edge, each[:, 2] - p[:, 0]) for each in (p, q)]
    return np.asarray((_sides(p, q)[:, 2] == 0) & (np.einsum("ij,ij->i", *aside) > 0.0))


def _sides(plane: Points, points: Points) -> NDArray[np.int8]:
    """On which side of the planes of triangles (n, 3, 3) points (n, 3, 3) lie: -1, 0 or 1."""
    normal = _cross(plane[:, 1] - plane[:, 0], plane[:, 2] - plane[:, 0])
    heights = np.einsum("ijk,ik->ij", points - plane[:, :1], normal)
    scale = np.abs(points - plane[:, :1]).max(axis=(1, 2)) * np.abs(normal).max(axis=1)
    return np.where(np.abs(heights) <= _ROUNDING * scale[:, None], 0, np.sign(heights)).astype(np.int8)


def _one_sided(sides: NDArray[np.int8]) -> Bools:
    return np.asarray(np.all(sides > 0, axis=1) | np.all(sides < 0, axis=1))


def _crosses(start: Points, end: Points, product: NDArray[np.int8], triangle: Points) -> Bools:
    """Whether a segment whose ends lie on sides of this product goes through the triangle (n, 3, 3) or its rim.

    A segment in the triangle's plane is left to the other segments: where it meets the triangle, one of them does too.
    """
    way = end - start
    turns = np.stack([
        np.einsum("ij,ij->i", way, _cross(triangle[:, n] - start, triangle[:, (n + 1) % 3] - start)) for n in range(3)
    ])  # fmt: skip
    rounding = _ROUNDING * np.abs(triangle - start[:, None]).max(axis=(1, 2)) ** 2 * np.abs(way).max(axis=1)
    turns[np.abs(turns) <= rounding] = 0.0
    one_way = np.all(turns >= 0.0, axis=0) | np.all(turns <= 0.0, axis=0)
    return np.asarray((product <= 0) & one_way & np.any(turns != 0.0, axis=0))


def _in_plane(p: Points, q: Points) -> tuple[Points, Points]:
    """Both triangles of one plane in two of the three coordinates, (n, 3, 2) each, counter-clockwise."""
    normal = _cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    dropped = np.argmax(np.abs(normal), axis=1)
    axes = np.array([[1, 2], [2, 0], [0, 1]])[dropped]
    flat = [np.take_along_axis(each, np.repeat(axes[:, None], 3, axis=1), axis=2) for each in (p, q)]
    for each in flat:
        clockwise = _area(each[:, 0], each[:, 1], each[:, 2]) < 0.0
        each[clockwise] = each[clockwise][:, [0, 2, 1]]
    return flat[0], flat[1]


def _area(a: Points, b: Points, c: Points) -> NDArray[np.float64]:
    one, other = b - a, c - a
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])


def _overlap_in_plane(p: Points, q: Points) -> Bools:
    """Whether two triangles of one plane overlap or touch: no edge of either has the whole other one outside."""
    p, q = _in_plane(p, q)
    apart = np.zeros(len(p), np.bool_)
    for one, other in ((p, q), (q, p)):
        for n in range(3):
            areas = [_area(one[:, n], one[:, (n + 1) % 3], other[:, m]) for m in range(3)]
            apart |= np.max(areas, axis=0) < 0.0
    return ~apart


def _sectors_overlap(p: Points, q: Points) -> Bools:
    """Whether two triangles of one plane that share their first corner overlap elsewhere or touch along an edge."""
    p, q = _in_plane(p, q)
    overlap = np.zeros(len(p), np.bool_)
    for one, other in ((p, q), (q, p)):
        for n in (1, 2):
            after_first = _area(one[:, 0], one[:, 1], other[:, n]) >= 0.0
            overlap |= after_first & (_area(one[:, 0], one[:, 2], other[:, n]) <= 0.0)
    return overlap


def _cross(a: Points, b: Points) -> Points:
    """The cross products of rows; several times faster than numpy's for long arrays."""
    out = np.empty_like(a)
    for n in range(3):
        p, q = (n + 1) % 3, (n + 2) % 3
        out[:, n] = a[:, p] * b[:, q] - a[:, q] * b[:, p]
    return out
