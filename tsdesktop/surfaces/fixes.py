"""Mends a mesh: for each kind of defect that the preflight finds, a function from a mesh to one without it.

What changes only this mesh is done here: one fix (`fixed`), or all that it takes (`mended`). What belongs into the
recipe, so that it is repeated on another scan, is in `recipe_fixes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.printers import PrintLimits, print_limits
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import check_mesh, merged_vertices
from tsdesktop.surfaces.holes import filled
from tsdesktop.surfaces.preflight import DEFECTS, SMALL_PIECE, preflight
from tsdesktop.surfaces.self_intersections import self_intersections
from tsdesktop.surfaces.sheets import facing_alike, with_sheets_apart
from tsdesktop.surfaces.shells import shells

_MOST_FIXES = 8
_ROUNDS = 60
_LEAST_AREA = 0.7
_ROUNDS_BEFORE_WIDENING = 8


def fixed(mesh: SurfaceMesh, fix: str) -> SurfaceMesh:
    """The mesh mended by one of MESH_FIXES, the `fix` of a finding. Raises KeyError, and ExportError when in vain."""
    return MESH_FIXES[fix](mesh)


def mended(mesh: SurfaceMesh, limits: PrintLimits | None = None) -> SurfaceMesh:
    """The mesh without a defect: what the preflight offers for the first one, until there is none.

    The same mesh comes back where it has none. Raises ExportError when a fix is in vain or does not end it.
    """
    limits = limits or print_limits()
    for _ in range(_MOST_FIXES):
        found = preflight(mesh, limits)
        if found.is_whole:
            return mesh
        fix = next((each.fix for each in found.findings if each.id in DEFECTS and each.light == "bad"), "")
        if not fix:
            break
        mesh = fixed(mesh, fix)
    raise ExportError("mend.in_vain", name=mesh.structure.title)


def clean(mesh: SurfaceMesh) -> SurfaceMesh:
    """Vertices at one place become one, triangles without three corners go, and of double ones one stays.

    Two that lie back to back bound nothing: both go.
    """
    numbers = merged_vertices(mesh.vertices_ras)
    triangles = numbers[mesh.triangles]
    a, b, c = triangles.T
    triangles = _once(triangles[(a != b) & (b != c) & (c != a)])
    places = np.empty((int(numbers.max(initial=-1)) + 1, 3), np.float32)
    places[numbers] = mesh.vertices_ras
    return _compact(mesh, places, triangles)


def separate(mesh: SurfaceMesh) -> SurfaceMesh:
    """Sheets that meet in an edge or a point are moved apart, each a hair into its own solid."""
    return with_sheets_apart(clean(mesh))


def flip(mesh: SurfaceMesh) -> SurfaceMesh:
    """Neighbours are made to face alike, bodies outward and cavities inward."""
    alike = facing_alike(mesh)
    pieces = shells(alike)
    wrong = pieces.are_inside_out[pieces.numbers]
    triangles = np.where(wrong[:, None], alike.triangles[:, ::-1], alike.triangles)
    return replace(alike, triangles=triangles)


def fill(mesh: SurfaceMesh) -> SurfaceMesh:
    """Holes are closed by triangles over their rims. Raises ExportError when edges stay open."""
    closed = filled(facing_alike(clean(mesh)))
    if check_mesh(closed).boundary_edges:
        raise ExportError("mend.not_filled", name=mesh.structure.title)
    return flip(closed)


def remove_small_pieces(mesh: SurfaceMesh) -> SurfaceMesh:
    """Bodies below SMALL_PIECE of the largest one's volume go, with the cavities inside them."""
    pieces = shells(mesh)
    volumes = np.abs(pieces.volumes_mm3)
    small = ~pieces.are_cavities & (volumes < SMALL_PIECE * volumes[~pieces.are_cavities].max())
    rest = _compact(mesh, mesh.vertices_ras, mesh.triangles[~small[pieces.numbers]])
    # A cavity whose body is gone is no longer inside anything.
    pieces_left, was_cavity = shells(rest), pieces.are_cavities[pieces.numbers][~small[pieces.numbers]]
    alone = ~pieces_left.are_cavities[pieces_left.numbers] & was_cavity
    return _compact(rest, rest.vertices_ras, rest.triangles[~alone])


def resolve(mesh: SurfaceMesh) -> SurfaceMesh:
    """Bodies that run through each other become their union; a sheet that runs through itself is relaxed there.

    Relaxed vertices move towards the mean of their neighbours until nothing meets any more, first those of the
    triangles concerned, later more around them. Raises ExportError when that is in vain.
    """
    mended = clean(mesh)
    if shells(mended).count > 1 and check_mesh(mended).is_closed:
        mended = _united(mended)
    before = _area_mm2(mended)
    mended = _relaxed(mended)
    left = self_intersections(mended).count
    # Loose triangles would only shrink to nothing.
    if left or _area_mm2(mended) < _LEAST_AREA * before:
        raise ExportError("mend.not_resolved", name=mesh.structure.title, pairs=left)
    return mended


MESH_FIXES: Mapping[str, Callable[[SurfaceMesh], SurfaceMesh]] = MappingProxyType(
    {
        "clean": clean,
        "separate": separate,
        "flip": flip,
        "fill": fill,
        "remove-small-pieces": remove_small_pieces,
        "resolve": resolve,
    }
)


def _once(triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of triangles with the same corners the one that is left when those of opposite direction cancel out."""
    if not len(triangles):
        return triangles
    _, first, same = np.unique(np.sort(triangles, axis=1), axis=0, return_index=True, return_inverse=True)
    if len(first) == len(triangles):
        return triangles
    a, b, c = triangles.T
    # An even permutation of the ordered corners keeps their direction.
    direction = np.where((a < b).astype(int) + (b < c) + (c < a) == 2, 1, -1)
    left = np.bincount(same.ravel(), direction, len(first))
    kept = np.flatnonzero(left)
    turned = np.sign(left[kept]) != direction[first[kept]]
    chosen = triangles[first[kept]]
    chosen[turned] = chosen[turned][:, ::-1]
    return chosen[np.argsort(first[kept], kind="stable")]


def _area_mm2(mesh: SurfaceMesh) -> float:
    a, b, c = (mesh.vertices_ras[mesh.triangles[:, n]].astype(np.float64) for n in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2.0


def _compact(mesh: SurfaceMesh, vertices: NDArray[np.float32], triangles: NDArray[np.integer]) -> SurfaceMesh:
    """A mesh of these triangles and the vertices they use. Raises ExportError when there are none."""
    if not len(triangles):
        raise ExportError("mend.nothing_left", name=mesh.structure.title)
    used, numbers = np.unique(triangles, return_inverse=True)
    return replace(mesh, vertices_ras=vertices[used], triangles=numbers.reshape(-1, 3).astype(np.int32))


def _united(mesh: SurfaceMesh) -> SurfaceMesh:
    """The union of the bodies of a closed mesh, each with its cavities; the mesh itself where it is no solid."""
    from tsdesktop.surfaces.solids.manifolds import from_manifold, origin_of, pieces_of, to_manifold, united

    origin = origin_of([mesh])
    try:
        solid = to_manifold(mesh, origin)
    except ExportError:
        return mesh
    return from_manifold(united(pieces_of(solid)), mesh.structure, origin)


def _relaxed(mesh: SurfaceMesh) -> SurfaceMesh:
    """The mesh with vertices around self-intersections moved to the mean of their neighbours, round after round."""
    from scipy import sparse

    starts, ends = mesh.triangles.ravel(), mesh.triangles[:, [1, 2, 0]].ravel()
    count = len(mesh.vertices_ras)
    links = sparse.coo_matrix((np.ones(len(starts)), (starts, ends)), (count, count)).tocsr()
    links = ((links + links.T) > 0).astype(np.float64)
    neighbours = np.maximum(np.asarray(links.sum(axis=1)).ravel(), 1.0)
    for turn in range(_ROUNDS):
        meeting = self_intersections(mesh).triangles
        if not len(meeting):
            break
        moved = np.zeros(count)
        moved[mesh.triangles[meeting]] = 1.0
        for _ in range(1 + turn // _ROUNDS_BEFORE_WIDENING):
            moved = np.asarray((links @ moved > 0) | (moved > 0), np.float64)
        vertices = mesh.vertices_ras.astype(np.float64)
        means = (links @ vertices) / neighbours[:, None]
        mesh = mesh.with_vertices((vertices + 0.5 * moved[:, None] * (means - vertices)).astype(np.float32))
    return mesh
