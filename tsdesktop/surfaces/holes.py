"""Closes the holes of a surface: triangles over the rims, those in one plane together. No VTK."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.surface import SurfaceMesh

Points = NDArray[np.float64]
# Rims that leave their plane by less than this share of their size are flat.
_FLAT = 1e-3


def filled(mesh: SurfaceMesh) -> SurfaceMesh:
    """The mesh with a lid on every rim; its vertices have to be at different places and its triangles to face alike.

    A flat rim with other rims inside it (a tube that was cut) becomes a ring.
    """
    rims = open_rims(mesh.triangles)
    vertices = mesh.vertices_ras.astype(np.float64)
    lids = [_lid(vertices, group) for group in _in_one_plane(vertices, rims)]
    return replace(mesh, triangles=np.concatenate([mesh.triangles, *lids]).astype(np.int32)) if lids else mesh


def open_rims(triangles: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """The closed ways along open edges, each so that a lid over it faces as its neighbours do.

    Where several rims meet in a vertex, each is closed as soon as it comes back to one.
    """
    starts, ends = triangles.ravel().astype(np.int64), triangles[:, [1, 2, 0]].ravel().astype(np.int64)
    count = int(triangles.max(initial=-1)) + 1
    alone = ~np.isin(starts * count + ends, ends * count + starts)
    onward: dict[int, list[int]] = {}
    for start, end in zip(ends[alone].tolist(), starts[alone].tolist(), strict=True):
        onward.setdefault(start, []).append(end)
    rims = []
    for first in list(onward):
        while onward.get(first):
            rims += _walked(first, onward)
    return rims


def _walked(first: int, onward: dict[int, list[int]]) -> list[NDArray[np.int64]]:
    """The rims of one walk from `first` until it can go no further; edges it took are taken out."""
    rims, way, place = [], [first], {first: 0}
    while onward.get(way[-1]):
        following = onward[way[-1]].pop()
        if following in place:
            rim = way[place[following] :]
            for each in rim[1:]:
                del place[each]
            del way[place[following] + 1 :]
            if len(rim) > 2:
                rims.append(np.array(rim, np.int64))
        else:
            place[following] = len(way)
            way.append(following)
    return rims


def _in_one_plane(vertices: Points, rims: list[NDArray[np.int64]]) -> list[list[NDArray[np.int64]]]:
    """Rims in groups: flat ones of one plane together, others alone."""
    groups: list[tuple[Points, float, float, list[NDArray[np.int64]]]] = []
    alone = []
    for rim in sorted(rims, key=lambda each: -float(np.ptp(vertices[each], axis=0).max())):
        points = vertices[rim]
        middle, normal, size = points.mean(axis=0), _plane_normal(points), float(np.ptp(points, axis=0).max())
        if np.abs((points - middle) @ normal).max() > _FLAT * size:
            alone.append([rim])
            continue
        height = float(middle @ normal)
        for other, other_height, other_size, members in groups:
            alike = float(normal @ other)
            if abs(alike) > 0.9999 and abs(height * np.sign(alike) - other_height) < _FLAT * other_size:
                members.append(rim)
                break
        else:
            groups.append((normal, height, size, [rim]))
    return [members for *_, members in groups] + alone


def _plane_normal(points: Points) -> Points:
    """The normal of a closed way, counter-clockwise around it (Newell); of a way without area its flattest side's."""
    middle = points - points.mean(axis=0)
    around = np.cross(middle, np.roll(middle, -1, axis=0)).sum(axis=0)
    length = float(np.linalg.norm(around))
    if length > 1e-6 * float((middle**2).sum()):
        return np.asarray(around / length)
    return np.asarray(np.linalg.svd(middle, full_matrices=False)[2][-1])


def _lid(vertices: Points, rims: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Triangles over rims of one plane, or over one rim that is not flat, seen along its normal."""
    from manifold3d import triangulate

    if len(rims) == 1 and len(rims[0]) == 3:
        return rims[0][None]
    normal = _plane_normal(vertices[rims[0]])
    across = np.cross(np.eye(3)[np.argmin(np.abs(normal))], normal)
    across /= np.linalg.norm(across)
    axes = np.stack([across, np.cross(normal, across)], axis=1)
    flat = [(vertices[rim] - vertices[rims[0]].mean(axis=0)) @ axes for rim in rims]
    triangles = np.asarray(triangulate(flat)).astype(np.int64).reshape(-1, 3)
    return np.asarray(np.concatenate(rims)[triangles])
