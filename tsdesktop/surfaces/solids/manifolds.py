"""Surfaces as solids of manifold3d and back. Everything inside is computed in mm from a near origin.

A scan may lie at z = -1500 mm, where neighbouring float32 numbers are 0.0001 mm apart: solids are moved to an origin in
their middle, computed in double precision, and rounded to float32 once, at the end, without two corners falling
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.self_intersections import self_intersections

if TYPE_CHECKING:
    from manifold3d import Manifold

Point = NDArray[np.float64]
# Edges shorter than this, a hundredth of the finest printer's step, are collapsed.
TOLERANCE_MM = 1e-3
_TRIES = 6
_ZERO: Point = np.zeros(3)


def origin_of(parts: Sequence[SurfaceMesh]) -> Point:
    """A place in the middle of the parts, in whole mm, to compute from."""
    bounds = np.array([part.bounds_mm for part in parts])
    return np.asarray(np.round((bounds[:, 0].min(axis=0) + bounds[:, 1].max(axis=0)) / 2.0))


def to_manifold(mesh: SurfaceMesh, origin: Point = _ZERO) -> Manifold:
    """The solid inside the surface, its coordinates in mm from `origin`.

    Raises ExportError when the surface is not closed or has edges of more than two triangles.
    """
    return solid_of(mesh.vertices_ras.astype(np.float64) - origin, mesh.triangles, mesh.structure.title)


def solid_of(places: Point, triangles: NDArray[np.int32], name: str = "") -> Manifold:
    """The solid inside a closed surface. Raises ExportError with that name when it is not closed, or inside out."""
    from manifold3d import Error, Manifold, Mesh64

    mesh = Mesh64(np.ascontiguousarray(places), triangles.astype(np.uint64), tolerance=TOLERANCE_MM)
    solid = Manifold(mesh)
    if solid.status() != Error.NoError or solid.is_empty() or solid.volume() <= 0.0:
        raise ExportError("solid.not_closed", name=name)
    return solid


def surface_of(solid: Manifold) -> tuple[Point, NDArray[np.int32]]:
    """Corners (n, 3) and triangles (m, 3) of a solid."""
    mesh = solid.to_mesh64()
    return np.asarray(mesh.vert_properties[:, :3]), np.asarray(mesh.tri_verts).astype(np.int32)


def from_manifold(solid: Manifold, structure: StructureClass, origin: Point = _ZERO) -> SurfaceMesh:
    """The surface of a solid whose coordinates are mm from `origin`, as a mesh of that structure.

    No two corners share a place, so that a reader who merges equal places finds the same surface. Raises ExportError
    for an empty solid.
    """
    if solid.is_empty():
        raise ExportError("solid.not_closed", name=structure.title)
    # As one original: else slivers stay where two solids met.
    whole = solid.as_original()
    reach = float(np.abs(np.array(solid.bounding_box()).reshape(2, 3) + origin).max())
    finest = max(TOLERANCE_MM, 8.0 * float(np.spacing(np.float32(reach))))
    for tolerance in finest * 2.0 ** np.arange(_TRIES):
        places, triangles = surface_of(whole.simplify(float(tolerance)))
        vertices = (_apart(places, triangles, float(tolerance)) + origin).astype(np.float32)
        if _distinct(vertices):
            break
    return SurfaceMesh(vertices, triangles, structure)


def without_crossings(mesh: SurfaceMesh) -> SurfaceMesh:
    """The same solid without triangles that run through each other.

    manifold3d's results are right to its tolerance: needles thinner than that may be folded. They go when the surface
    is simplified by a little more; where even 0.03 mm does not help, the mesh with the fewest is given back.
    """
    fewest = self_intersections(mesh).count
    origin = origin_of([mesh])
    best = mesh
    for tolerance in TOLERANCE_MM * 2.0 ** np.arange(_TRIES) if fewest else ():
        tried = from_manifold(to_manifold(mesh, origin).simplify(float(tolerance)), mesh.structure, origin)
        count = self_intersections(tried).count
        if count < fewest:
            best, fewest = tried, count
        if not fewest:
            break
    return best


def pieces_of(solid: Manifold) -> list[Manifold]:
    """The connected pieces of a solid, the largest first, each with the cavities inside it."""
    shells = sorted(solid.decompose(), key=lambda each: -each.volume())
    outer = [each for each in shells if each.volume() > 0.0]
    if len(outer) == len(shells):
        return outer
    groups = [[each] for each in outer]
    for cavity in (each for each in shells if each.volume() <= 0.0):
        groups[_owner(cavity, outer)].append(cavity)
    return [_side_by_side(group) for group in groups]


def filled(solid: Manifold) -> Manifold:
    """The solid without its closed cavities."""
    outer = [each for each in solid.decompose() if each.volume() > 0.0]
    return united(outer) if outer else solid


def united(solids: Sequence[Manifold]) -> Manifold:
    """The boolean union."""
    from manifold3d import Manifold, OpType

    return solids[0] if len(solids) == 1 else Manifold.batch_boolean(list(solids), OpType.Add)


def _side_by_side(shells: Sequence[Manifold]) -> Manifold:
    """Shells that do not meet (a solid and the cavities inside it) as one solid."""
    if len(shells) == 1:
        return shells[0]
    surfaces = [surface_of(each) for each in shells]
    starts = np.cumsum([0, *(len(places) for places, _ in surfaces)], dtype=np.int32)
    triangles = [each + start for (_, each), start in zip(surfaces, starts[:-1], strict=True)]
    return solid_of(np.concatenate([places for places, _ in surfaces]), np.concatenate(triangles))


def _owner(cavity: Manifold, outer: Sequence[Manifold]) -> int:
    """The smallest piece around a cavity: a ray from the cavity leaves it an odd number of times."""
    start = surface_of(cavity)[0][0]
    for n in range(len(outer) - 1, -1, -1):
        low, high = np.array(outer[n].bounding_box()).reshape(2, 3)
        if np.all(start >= low) and np.all(start <= high):
            # Not along an axis, so that it meets no edge of a block.
            end = start + np.array([0.577, 0.211, 0.789]) * 4.0 * float(np.linalg.norm(high - low))
            if len(outer[n].ray_cast(tuple(start), tuple(end))) % 2:
                return n
    return 0


def _apart(places: Point, triangles: NDArray[np.int32], step_mm: float) -> Point:
    """Corners at one place (sheets that touch in a point or an edge) moved a little into their own solid."""
    rounded = np.round(places / (step_mm / 2.0)).astype(np.int64)
    _, numbers, counts = np.unique(rounded, axis=0, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(counts[numbers.ravel()] > 1)
    if not len(shared):
        return places
    moved = places.copy()
    moved[shared] -= 4.0 * step_mm * _normals(places, triangles)[shared]
    return moved


def _normals(places: Point, triangles: NDArray[np.int32]) -> Point:
    a, b, c = (places[triangles[:, n]] for n in range(3))
    across = np.cross(b - a, c - a)
    sums = np.stack([np.bincount(triangles.ravel(), np.repeat(across[:, n], 3), len(places)) for n in range(3)], axis=1)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1), 1e-12)[:, None])


def _distinct(vertices: NDArray[np.float32]) -> bool:
    places = np.ascontiguousarray(vertices + np.float32(0.0)).view(np.dtype((np.void, 12)))
    return len(np.unique(places[:, 0])) == len(vertices)
