"""The sheets of a surface: neighbours that should face alike, and sheets that meet in an edge or a point. No VTK."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import check_mesh, merged_vertices

Edges = NDArray[np.intp]
# How far sheets that meet are moved apart, as a part of their shortest edges, and at least in steps of float32.
_SHARE_OF_EDGE = 0.05
_LARGEST_MM = 0.02
_STEPS = 16.0


def facing_alike(mesh: SurfaceMesh) -> SurfaceMesh:
    """The mesh with triangles turned so that neighbours over an edge of two triangles agree on what is outside.

    The majority of each piece stays as it is. A surface with one side only (a Moebius strip) stays as it is.
    """
    merged = merged_vertices(mesh.vertices_ras)[mesh.triangles]
    one, other = _pairs_at_edges(merged)
    if not len(one):
        return mesh
    starts, ends = merged.ravel(), merged[:, [1, 2, 0]].ravel()
    agree = (starts[one] == ends[other]) & (ends[one] == starts[other])
    count = len(merged)
    # Every triangle twice, as it is and turned: what is connected can be together.
    p, q = one // 3, other // 3
    links = (
        np.concatenate([p, p + count]),
        np.concatenate([np.where(agree, q, q + count), np.where(agree, q + count, q)]),
    )
    graph = sparse.coo_matrix((np.ones(len(links[0]), np.int8), links), (2 * count, 2 * count))
    _, groups = csgraph.connected_components(graph, directed=False)
    straight, turned = groups[:count], groups[count:]
    # The two sets of a piece turn round each other; the one with more triangles as they are is taken.
    votes = np.bincount(straight, minlength=int(groups.max()) + 1)
    wins = (votes[turned] > votes[straight]) | ((votes[turned] == votes[straight]) & (turned < straight))
    triangles = np.where(wins[:, None], mesh.triangles[:, ::-1], mesh.triangles)
    return replace(mesh, triangles=triangles)


def with_sheets_apart(mesh: SurfaceMesh) -> SurfaceMesh:
    """The mesh with an own vertex for every sheet that meets others in a point or along an edge of four triangles.

    These vertices are moved a hair (at most 0.02 mm) into their own solid, so that no reader puts them together again.
    Vertices have to be at different places and triangles to face alike. What is open stays open.
    """
    triangles = mesh.triangles.astype(np.int64)
    fans = _fans(triangles, mesh.vertices_ras.astype(np.float64))
    corners = triangles.ravel()
    origins = np.empty(int(fans.max()) + 1, np.int64)
    origins[fans] = corners
    shared = np.bincount(origins, minlength=len(mesh.vertices_ras))[origins] > 1
    apart = replace(mesh, vertices_ras=mesh.vertices_ras[origins], triangles=fans.reshape(-1, 3).astype(np.int32))
    if not shared.any():
        return mesh
    for scale in 2.0 ** np.arange(5):
        moved = _moved_inward(apart, np.flatnonzero(shared), float(scale))
        check = check_mesh(moved)
        if not check.non_manifold_edges and not check.non_manifold_vertices:
            break
    return moved


def _pairs_at_edges(merged: NDArray[np.int64]) -> tuple[Edges, Edges]:
    """The numbers of edges (three per triangle) that are the same edge, two by two, where exactly two are."""
    starts, ends = merged.ravel(), merged[:, [1, 2, 0]].ravel()
    keys = np.minimum(starts, ends) * (int(merged.max(initial=0)) + 1) + np.maximum(starts, ends)
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.append(True, keys[order][1:] != keys[order][:-1])[: len(keys)])
    sizes = np.diff(np.append(first, len(keys)))
    pairs = first[sizes == 2]
    return order[pairs], order[pairs + 1]


def _fans(triangles: NDArray[np.int64], vertices: NDArray[np.float64]) -> NDArray[np.int64]:
    """For every corner the fan it is in: corners at one vertex joined over the edges that end there."""
    one, other = _pairs_at_edges(triangles)
    more = _pairs_at_crowded_edges(triangles, vertices)
    one, other = np.append(one, more[0]), np.append(other, more[1])
    corners = triangles.ravel()
    one_end, other_end = (each - each % 3 + (each + 1) % 3 for each in (one, other))
    alike = corners[one] == corners[other]
    links = (
        np.concatenate([one, one_end]),
        np.concatenate([np.where(alike, other, other_end), np.where(alike, other_end, other)]),
    )
    graph = sparse.coo_matrix((np.ones(len(links[0]), np.int8), links), (len(corners), len(corners)))
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], np.int64)


def _pairs_at_crowded_edges(triangles: NDArray[np.int64], vertices: NDArray[np.float64]) -> tuple[Edges, Edges]:
    """At edges of more than two triangles those pairs that have solid between them."""
    starts, ends = triangles.ravel(), triangles[:, [1, 2, 0]].ravel()
    keys = np.minimum(starts, ends) * (int(triangles.max(initial=0)) + 1) + np.maximum(starts, ends)
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.append(True, keys[order][1:] != keys[order][:-1])[: len(keys)])
    sizes = np.diff(np.append(first, len(keys)))
    pairs = [
        pair for n, size in zip(first[sizes > 2], sizes[sizes > 2], strict=True)
        for pair in _around_solid(order[n : n + size], triangles, vertices)
    ]  # fmt: skip
    found = np.array(pairs, np.intp).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _around_solid(edges: Edges, triangles: NDArray[np.int64], vertices: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Two by two the edges at one place whose triangles bound the same solid.

    Looking along the edge, triangles stand around it like pages. Solid lies clockwise of a triangle that runs along the
    edge, up to the next one that runs back.
    """
    corners = triangles.ravel()
    start, end = corners[edges[0]], corners[edges[0] - edges[0] % 3 + (edges[0] + 1) % 3]
    axis = vertices[end] - vertices[start]
    axis /= max(float(np.linalg.norm(axis)), 1e-30)
    pages = vertices[corners[edges - edges % 3 + (edges + 2) % 3]] - vertices[start]
    right = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    angles = np.arctan2(pages @ np.cross(axis, right), pages @ right)
    order = np.argsort(angles, kind="stable")
    runs_along = corners[edges[order]] == start
    return [
        (int(edges[order[n]]), int(edges[order[n - 1]]))
        for n in range(len(order)) if runs_along[n] and not runs_along[n - 1]
    ]  # fmt: skip


def _moved_inward(mesh: SurfaceMesh, moved: NDArray[np.intp], scale: float) -> SurfaceMesh:
    """The mesh with some vertices moved against their normals."""
    vertices = mesh.vertices_ras.astype(np.float64)
    corners = vertices[mesh.triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    numbers = mesh.triangles.ravel()
    sums = np.stack([np.bincount(numbers, np.repeat(across[:, n], 3), len(vertices)) for n in range(3)], axis=1)
    normals = sums / np.maximum(np.linalg.norm(sums, axis=1), 1e-30)[:, None]
    shortest = np.full(len(vertices), np.inf)
    lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2).min(axis=1)
    np.minimum.at(shortest, numbers, np.repeat(lengths, 3))
    least = _STEPS * float(np.spacing(np.float32(np.abs(vertices).max())))
    steps = np.maximum(np.minimum(_SHARE_OF_EDGE * shortest[moved], _LARGEST_MM / 4.0), least) * scale
    vertices[moved] -= steps[:, None] * normals[moved]
    return mesh.with_vertices(vertices.astype(np.float32))
