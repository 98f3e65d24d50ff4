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

    `boundary_edges` have one triangle, `non_manifold_edges` more than two; `degenerate_triangles` have two corners at
    one place; `shells` are the connected pieces of surface (a cavity counts as one).
    """

    triangles: int
    boundary_edges: int
    non_manifold_edges: int
    degenerate_triangles: int
    shells: int
    consistent_orientation: bool
    signed_volume_mm3: float

    @property
    def is_closed(self) -> bool:
        """Whether there is a surface and every edge of it has exactly two triangles."""
        return self.triangles > 0 and self.boundary_edges == 0 and self.non_manifold_edges == 0

    @property
    def is_sound(self) -> bool:
        """Whether the surface is closed, has no degenerate triangle and faces outward everywhere."""
        outward = self.consistent_orientation and self.signed_volume_mm3 > 0.0
        return self.is_closed and self.degenerate_triangles == 0 and outward


def check_mesh(mesh: SurfaceMesh) -> MeshCheck:
    """Counts the defects of `mesh`."""
    merged = _merged(mesh.vertices_ras)[mesh.triangles]
    a, b, c = merged[:, 0], merged[:, 1], merged[:, 2]
    degenerate = (a == b) | (b == c) | (c == a)
    merged = merged[~degenerate]
    starts, ends = merged.ravel(), merged[:, [1, 2, 0]].ravel()
    count = int(merged.max()) + 1 if merged.size else 0
    _, triangles_at_edge = np.unique(np.minimum(starts, ends) * count + np.maximum(starts, ends), return_counts=True)
    _, same_direction = np.unique(starts * count + ends, return_counts=True)
    return MeshCheck(
        triangles=len(mesh.triangles),
        boundary_edges=int(np.count_nonzero(triangles_at_edge == 1)),
        non_manifold_edges=int(np.count_nonzero(triangles_at_edge > 2)),
        degenerate_triangles=int(np.count_nonzero(degenerate)),
        shells=len(np.unique(shells_of(merged, count)[starts])),
        consistent_orientation=bool(np.all(same_direction == 1)),
        signed_volume_mm3=mesh.volume_ml * 1000.0,
    )


def shells_of(triangles: NDArray[np.integer], vertex_count: int) -> NDArray[np.int32]:
    """For every vertex the number of the connected piece of surface it belongs to, from 0 on."""
    starts, ends = triangles.ravel(), triangles[:, [1, 2, 0]].ravel()
    links = sparse.coo_matrix((np.ones(len(starts), np.int32), (starts, ends)), (vertex_count, vertex_count))
    _, shells = csgraph.connected_components(links, directed=False)
    return np.asarray(shells, np.int32)


def _merged(vertices: NDArray[np.float32]) -> NDArray[np.int64]:
    """For every vertex a number that vertices at the same place share."""
    places = np.ascontiguousarray(vertices + np.float32(0.0)).view(np.dtype((np.void, 12)))
    _, numbers = np.unique(places[:, 0], return_inverse=True)
    return np.asarray(numbers, np.int64)
