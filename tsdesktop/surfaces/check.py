"""Is a surface fit for printing? Counts what a slicer program would stumble over. numpy only, no VTK."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from tsdesktop.core.surface import SurfaceMesh


@dataclass(frozen=True)
class MeshCheck:
    """What was counted after vertices at equal places were merged, as every reader of an STL file does.

    `boundary_edges` have one triangle, `non_manifold_edges` more than two; around a vertex of `non_manifold_vertices`
    the triangles form several fans that only this point holds together; `degenerate_triangles` have two corners at one
    place; `shells` are the connected pieces of surface (a cavity counts as one); at `disagreeing_edges` the only
    two triangles run the same way, so that one of them faces inward.
    """

    triangles: int
    boundary_edges: int
    non_manifold_edges: int
    non_manifold_vertices: int
    degenerate_triangles: int
    shells: int
    disagreeing_edges: int
    signed_volume_mm3: float

    @property
    def consistent_orientation(self) -> bool:
        """Whether neighbours everywhere agree on what is outside."""
        return self.disagreeing_edges == 0

    @property
    def is_closed(self) -> bool:
        """Whether there is a surface and every edge of it has exactly two triangles."""
        return self.triangles > 0 and self.boundary_edges == 0 and self.non_manifold_edges == 0

    @property
    def is_sound(self) -> bool:
        """Whether the surface is closed and manifold, has no degenerate triangle and faces outward everywhere."""
        outward = self.consistent_orientation and self.signed_volume_mm3 > 0.0
        return self.is_closed and self.non_manifold_vertices == 0 and self.degenerate_triangles == 0 and outward


def check_mesh(mesh: SurfaceMesh) -> MeshCheck:
    """Counts the defects of `mesh`."""
    merged = merged_vertices(mesh.vertices_ras)[mesh.triangles]
    a, b, c = merged[:, 0], merged[:, 1], merged[:, 2]
    degenerate = (a == b) | (b == c) | (c == a)
    merged = merged[~degenerate]
    starts, ends = merged.ravel(), merged[:, [1, 2, 0]].ravel()
    count = int(merged.max()) + 1 if merged.size else 0
    edges = np.minimum(starts, ends) * count + np.maximum(starts, ends)
    order = np.argsort(edges, kind="stable")
    first = _firsts(edges[order])
    triangles_at_edge = np.diff(np.append(first, len(edges)))
    pairs = first[triangles_at_edge == 2]
    same_way = starts[order[pairs]] == starts[order[pairs + 1]]
    return MeshCheck(
        triangles=len(mesh.triangles),
        boundary_edges=int(np.count_nonzero(triangles_at_edge == 1)),
        non_manifold_edges=int(np.count_nonzero(triangles_at_edge > 2)),
        non_manifold_vertices=_pinched(merged, edges, order),
        degenerate_triangles=int(np.count_nonzero(degenerate)),
        shells=len(np.unique(shells_of(merged, count)[starts])),
        disagreeing_edges=int(np.count_nonzero(same_way)),
        signed_volume_mm3=mesh.volume_ml * 1000.0,
    )


def shells_of(triangles: NDArray[np.integer], vertex_count: int) -> NDArray[np.int32]:
    """For every vertex the number of the connected piece of surface it belongs to, from 0 on."""
    starts, ends = triangles.ravel(), triangles[:, [1, 2, 0]].ravel()
    links = sparse.coo_matrix((np.ones(len(starts), np.int32), (starts, ends)), (vertex_count, vertex_count))
    _, shells = csgraph.connected_components(links, directed=False)
    return np.asarray(shells, np.int32)


def double_triangles(mesh: SurfaceMesh) -> int:
    """How many triangles have the three corners of another one before them, in any order."""
    corners = np.sort(merged_vertices(mesh.vertices_ras)[mesh.triangles], axis=1)
    if len(corners) < 2:
        return 0
    count = int(corners.max()) + 1
    # Mostly the two lowest corners tell triangles apart; only where they do not, all three are compared.
    edges = np.sort(corners[:, 0] * count + corners[:, 1])
    alike = np.unique(edges[1:][edges[1:] == edges[:-1]])
    suspects = corners[np.isin(corners[:, 0] * count + corners[:, 1], alike)]
    return len(suspects) - len(np.unique(suspects, axis=0))


def merged_vertices(vertices: NDArray[np.floating]) -> NDArray[np.int64]:
    """For every vertex (n, 3) a number that vertices at the same place share, from 0 on."""
    # Adding zero makes one zero of the two that floating point has.
    bits = np.ascontiguousarray(vertices + vertices.dtype.type(0)).view(f"u{vertices.dtype.itemsize}")
    order = np.lexsort((bits[:, 0], bits[:, 1], bits[:, 2]))
    placed = bits[order]
    numbers = np.empty(len(vertices), np.int64)
    numbers[order] = np.cumsum(np.append(True, np.any(placed[1:] != placed[:-1], axis=1))[: len(vertices)]) - 1
    return numbers


def _firsts(ordered: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where a new value begins in an ordered array."""
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])


def _pinched(triangles: NDArray[np.int64], edges: NDArray[np.int64], order: NDArray[np.intp]) -> int:
    """How many vertices have more than one fan: groups of triangles around it joined by edges that end in it.

    `edges` are numbers of the triangles' edges (first corner of each triangle to its second, and so on), `order` sorts
    them.
    """
    before, after = order[:-1], order[1:]
    joined = edges[before] == edges[after]
    one, other = before[joined], after[joined]
    corners = triangles.ravel()
    # The edge that begins at a corner ends at the triangle's next one.
    one_end, other_end = (each - each % 3 + (each + 1) % 3 for each in (one, other))
    alike = corners[one] == corners[other]
    opposite, opposite_end = np.where(alike, other, other_end), np.where(alike, other_end, other)
    links = np.concatenate([one, one_end]), np.concatenate([opposite, opposite_end])
    ones = np.ones(len(links[0]), np.int8)
    count_of_fans, fans = csgraph.connected_components(
        sparse.coo_matrix((ones, links), (len(corners),) * 2), directed=False
    )
    vertex_of_fan = np.empty(count_of_fans, np.int64)
    vertex_of_fan[fans] = corners
    return int(np.count_nonzero(np.bincount(vertex_of_fan) > 1))
