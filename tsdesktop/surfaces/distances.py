"""How far a surface is from the label map it stands for: volume, and distances to the border of the label's voxels.

The border is the surface at one half of the yes/no mask (flying edges), not smoothed: its vertices lie in the middle of
the faces between inner and outer voxels. Distances are exact from points to triangles, both ways: from places of the
mesh to the border, and from places of the border to the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.display import contour_mesh
from tsdesktop.surfaces.triangle_tree import TriangleTree

Points = NDArray[np.float64]
Triangles = NDArray[np.int32]
# From so many places of each surface distances are taken; the largest is looked for among all of its vertices.
_PLACES = 4_000
_BLOCK = 1_000
# Boxes of triangles are single precision, from the middle of the surface.
_ROUNDING_MM = 1e-3


@dataclass(frozen=True)
class Difference:
    """What a mesh differs by from its label: volume in % of the voxels' volume, and distances in mm."""

    volume_percent: float
    p95_mm: float
    largest_mm: float
    voxels: int
    voxel_mm: float


def difference(mesh: SurfaceMesh, label_map: LabelMap, label: int) -> Difference:
    """What `mesh`, in the label map's world, differs by from one label. Raises KeyError for a label without voxels."""
    found = label_map.census.get(label)
    if found is None:
        raise KeyError(label)
    voxels_ml = found.voxels * label_map.geometry.voxel_volume_mm3 / 1000.0
    border_vertices, border_triangles = label_border(label_map, label)
    ours = mesh.vertices_ras.astype(np.float64), mesh.triangles
    theirs = border_vertices, border_triangles
    there, back = _one_way(ours, theirs), _one_way(theirs, ours)
    return Difference(
        volume_percent=100.0 * (mesh.volume_ml / voxels_ml - 1.0),
        p95_mm=max(there[0], back[0]),
        largest_mm=max(there[1], back[1]),
        voxels=int(found.voxels),
        voxel_mm=max(label_map.spacing_mm),
    )


def label_border(label_map: LabelMap, label: int) -> tuple[Points, Triangles]:
    """Vertices (n, 3) in RAS mm and triangles of the border of a label's voxels. Raises KeyError without voxels."""
    cropped = label_map.cropped_mask(label)
    if cropped is None:
        raise KeyError(label)
    mask, box = cropped
    affine = np.array(label_map.geometry.cropped(box).affine)
    affine[:3, 3] -= affine[:3, :3].sum(axis=1)
    # Drawn near the origin: single precision is too coarse where scans lie.
    origin = affine[:3, 3].copy()
    affine[:3, 3] = 0.0
    border = contour_mesh(np.pad(mask, 1).astype(np.float32), affine, 0.5)
    return border.vertices_ras.astype(np.float64) + origin, border.triangles


def distances(points: Points, vertices: Points, triangles: Triangles) -> NDArray[np.float64]:
    """For every point (n, 3) in mm how far the nearest place of a surface is."""
    return _Nearest(vertices, triangles).distances(points)


Surface = tuple[Points, Triangles]


def _one_way(source: Surface, target: Surface) -> tuple[float, float]:
    """The 95th percentile over the area of one surface of the distance to the other, and the largest of all."""
    nearest = _Nearest(*target)
    spread = nearest.distances(_spread(*source, _PLACES))
    vertices = source[0][np.unique(source[1])]
    return float(np.percentile(spread, 95)), max(float(spread.max()), nearest.largest(vertices))


def _spread(vertices: Points, triangles: Triangles, count: int) -> Points:
    """Places (count, 3) evenly over a surface, the same every time."""
    a, b, c = (vertices[triangles[:, n]] for n in range(3))
    ends = np.cumsum(np.linalg.norm(np.cross(b - a, c - a), axis=1))
    steps = (np.arange(count) + 0.5) / count
    chosen = np.minimum(np.searchsorted(ends, steps * ends[-1]), len(triangles) - 1)
    u, v = (np.arange(count) * 0.7548776662466927) % 1.0, (np.arange(count) * 0.5698402909980532) % 1.0
    over = u + v > 1.0
    u, v = np.where(over, 1.0 - u, u)[:, None], np.where(over, 1.0 - v, v)[:, None]
    return np.asarray(a[chosen] + u * (b - a)[chosen] + v * (c - a)[chosen])


class _Nearest:
    """Finds the nearest place of a surface: no farther than the nearest vertex, so in a box that is no farther."""

    def __init__(self, vertices: Points, triangles: Triangles) -> None:
        from scipy.spatial import cKDTree

        used, places = np.unique(triangles, return_inverse=True)
        self._origin = vertices[used].mean(axis=0)
        near = vertices[used] - self._origin
        self._corners = near[places.reshape(triangles.shape)]
        self._vertices = cKDTree(near, balanced_tree=False, compact_nodes=False)
        self._boxes = TriangleTree(self._corners.astype(np.float32))
        # Of the triangles around a vertex any one.
        self._at_vertex = np.empty(len(used), np.intp)
        self._at_vertex[places.ravel()] = np.repeat(np.arange(len(triangles)), 3)

    def distances(self, points: Points) -> NDArray[np.float64]:
        """The distance of every point (n, 3)."""
        near = points - self._origin
        return self._within(near, self._bounds(near))

    def _bounds(self, near: Points) -> NDArray[np.float64]:
        """Distances that are not too short: to the nearest vertex, or a triangle there."""
        bounds, vertex = self._vertices.query(near, workers=-1)
        return np.asarray(np.minimum(bounds, point_triangle_distances(near, self._corners[self._at_vertex[vertex]])))

    def _within(self, near: Points, bounds: NDArray[np.float64]) -> NDArray[np.float64]:
        found = bounds.copy()
        reach = found * (1.0 + 1e-5) + _ROUNDING_MM
        for numbers, triangles in self._boxes.within(near.astype(np.float32), reach.astype(np.float32)):
            np.minimum.at(found, numbers, point_triangle_distances(near[numbers], self._corners[triangles]))
        return found

    def largest(self, points: Points) -> float:
        """The largest distance of all points.

        Only those are looked at closely that could be the farthest.
        """
        near = points - self._origin
        bounds = self._bounds(near)
        order = np.argsort(-bounds)
        largest = 0.0
        for start in range(0, len(order), _BLOCK):
            block = order[start : start + _BLOCK]
            if bounds[block[0]] <= largest:
                break
            largest = max(largest, float(self._within(near[block], bounds[block]).max()))
        return largest


def point_triangle_distances(points: Points, corners: Points) -> NDArray[np.float64]:
    """The distance of each point (n, 3) to its own triangle (n, 3, 3)."""
    a, b, c = (corners[:, n] for n in range(3))
    one, other, away = b - a, c - a, points - a
    d00, d01, d11 = _dot(one, one), _dot(one, other), _dot(other, other)
    d20, d21 = _dot(away, one), _dot(away, other)
    scale = d00 * d11 - d01 * d01
    safe = np.maximum(scale, 1e-300)
    v, w = (d11 * d20 - d01 * d21) / safe, (d00 * d21 - d01 * d20) / safe
    inside = (scale > 1e-24 * d00 * d11) & (v >= 0.0) & (w >= 0.0) & (v + w <= 1.0)
    foot = away - v[:, None] * one - w[:, None] * other
    to_rim = np.minimum.reduce([_segment(points, a, b), _segment(points, b, c), _segment(points, c, a)])
    return np.sqrt(np.where(inside, _dot(foot, foot), to_rim))


def _segment(points: Points, start: Points, end: Points) -> NDArray[np.float64]:
    """Squared distances of points to segments."""
    way, away = end - start, points - start
    share = np.clip(_dot(away, way) / np.maximum(_dot(way, way), 1e-300), 0.0, 1.0)
    rest = away - share[:, None] * way
    return _dot(rest, rest)


def _dot(a: Points, b: Points) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->i", a, b))
