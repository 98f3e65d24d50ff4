"""Solid shapes as distance fields: what the phantom is built of. Knows nothing of anatomy, HU or labels.

Lengths and positions are mm of the body frame: x to the patient's right, y to the front, z to the head. Distances are
negative inside. Fields of stretched shapes are first-order approximations, exact at the surface.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Floats = NDArray[np.float64]
Point = tuple[float, float, float]
Box = tuple[slice, slice, slice]
Points = Sequence[Sequence[float]] | Floats
Field = Callable[["Grid"], Array]

FAR_MM = 60.0


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxel centres in body mm (x, y, z, all of one shape) and the way from body mm to voxel indices."""

    x: Array
    y: Array
    z: Array
    to_index: Floats
    margin_mm: float

    def box(self, low: Point, high: Point) -> Box:
        """Slices of the voxels that can lie between two corners, widened by the margin."""
        corners = np.array([[(low, high)[pick >> axis & 1][axis] for axis in range(3)] for pick in range(8)])
        outward = np.where([[pick >> axis & 1 for axis in range(3)] for pick in range(8)], 1.0, -1.0)
        index = (corners + self.margin_mm * outward) @ self.to_index[:, :3].T + self.to_index[:, 3]
        first = np.clip(np.floor(index.min(0)).astype(int), 0, self.x.shape)
        last = np.clip(np.ceil(index.max(0)).astype(int) + 1, first, self.x.shape)
        i, j, k = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        return i, j, k

    def part(self, box: Box) -> Grid:
        """The grid of these slices alone."""
        to_index = self.to_index.copy()
        to_index[:, 3] -= [edge.start for edge in box]
        return replace(self, x=self.x[box], y=self.y[box], z=self.z[box], to_index=to_index)


class Shape(Protocol):
    """A solid: its bounding box and its distance field."""

    @property
    def bounds(self) -> tuple[Point, Point]:
        """Lowest and highest corner in body mm."""

    def distance(self, grid: Grid) -> Array:
        """Signed distance in mm at each voxel of the grid."""


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """An ellipsoid; rotation's columns are its axes."""

    centre: Point
    radii: Point
    rotation: Floats

    @property
    def bounds(self) -> tuple[Point, Point]:
        """Lowest and highest corner in body mm."""
        reach = np.sqrt((self.rotation**2) @ np.square(self.radii))
        return point(np.subtract(self.centre, reach)), point(np.add(self.centre, reach))

    def distance(self, grid: Grid) -> Array:
        """Signed distance in mm."""
        offset = (grid.x - self.centre[0], grid.y - self.centre[1], grid.z - self.centre[2])
        scaled = np.zeros_like(grid.x)
        slope = np.zeros_like(grid.x)
        for axis, radius in zip(self.rotation.T, self.radii, strict=True):
            along = (axis[0] * offset[0] + axis[1] * offset[1] + axis[2] * offset[2]) / radius
            scaled += along**2
            slope += (along / radius) ** 2
        scaled = np.sqrt(scaled)
        return _array(scaled * (scaled - 1) / (np.sqrt(slope) + 1e-6))


@dataclass(frozen=True, eq=False)
class Tube:
    """A smooth tube through points with a radius at each."""

    points: Floats
    radii: Floats

    @property
    def bounds(self) -> tuple[Point, Point]:
        """Lowest and highest corner in body mm."""
        reach = self.radii[:, None]
        return point((self.points - reach).min(0)), point((self.points + reach).max(0))

    def distance(self, grid: Grid) -> Array:
        """Signed distance in mm to the nearest piece, no further than FAR_MM."""
        nearest = np.full(grid.x.shape, FAR_MM, np.float32)
        for start, end, first, last in zip(
            self.points[:-1], self.points[1:], self.radii[:-1], self.radii[1:], strict=True
        ):
            reach = max(first, last)
            box = grid.box(point(np.minimum(start, end) - reach), point(np.maximum(start, end) + reach))
            near = nearest[box]
            if near.size:
                np.minimum(near, _cone(grid.part(box), (start, end), (first, last)), out=near)
        return nearest


@dataclass(frozen=True, eq=False)
class Solid:
    """A shape given by any field and the box it lies in."""

    field: Field
    bounds: tuple[Point, Point]

    def distance(self, grid: Grid) -> Array:
        """The field's value, taken for a signed distance in mm."""
        return self.field(grid)


def ellipsoid(
    centre: Sequence[float] | Floats, radii: Sequence[float], turn_deg: Sequence[float] = (0, 0, 0)
) -> Ellipsoid:
    """An ellipsoid turned about x, then y, then z."""
    return Ellipsoid(point(centre), point(radii), rotation_xyz(turn_deg))


def tube(points: Points, radii: Sequence[float], step_mm: float = 8.0) -> Tube:
    """A tube through the points along a Catmull-Rom spline, in straight pieces of about step_mm."""
    path = np.column_stack([np.asarray(points, float), np.asarray(radii, float)])
    padded = np.vstack([2 * path[0] - path[1], path, 2 * path[-1] - path[-2]])
    pieces = [_spline(padded[n : n + 4], step_mm) for n in range(len(path) - 1)]
    dense = np.vstack([*pieces, path[-1:]])
    return Tube(dense[:, :3], np.maximum(dense[:, 3], 0.5))


def union(shapes: Sequence[Shape], smooth_mm: float = 0.0) -> Solid:
    """Everything inside any of the shapes, with the seams rounded."""
    lows, highs = zip(*(shape.bounds for shape in shapes), strict=True)

    def field(grid: Grid) -> Array:
        nearest = np.full(grid.x.shape, FAR_MM, np.float32)
        for shape in shapes:
            box = grid.box(*shape.bounds)
            if nearest[box].size:
                nearest[box] = smooth_min(nearest[box], shape.distance(grid.part(box)), smooth_mm)
        return nearest

    return Solid(field, (point(np.min(lows, 0)), point(np.max(highs, 0))))


def inside(shape: Shape, *limits: Field, smooth_mm: float = 0.0) -> Solid:
    """The part of a shape where all the limiting fields are negative too."""

    def field(grid: Grid) -> Array:
        distance = shape.distance(grid)
        for limit in limits:
            distance = -smooth_min(-distance, -limit(grid), smooth_mm)
        return distance

    return Solid(field, shape.bounds)


def outside(shape: Shape, gap_mm: float = 0.0) -> Field:
    """A limit: stay this far away from a shape."""
    return lambda grid: _array(gap_mm - shape.distance(grid))


def smooth_min(first: Array, second: Array, smooth_mm: float) -> Array:
    """The lesser of two fields, the edge between them rounded over smooth_mm."""
    if smooth_mm <= 0:
        return np.minimum(first, second)
    overlap = np.maximum(smooth_mm - np.abs(first - second), 0)
    return _array(np.minimum(first, second) - overlap**2 / (4 * smooth_mm))


def rotation_xyz(turn_deg: Sequence[float] | Floats) -> Floats:
    """Rotation matrix: about x, then y, then z, right-handed, degrees."""
    turn = np.eye(3)
    for axis, angle in enumerate(np.radians(turn_deg)):
        one = np.eye(3)
        u, v = (axis + 1) % 3, (axis + 2) % 3
        one[u, u] = one[v, v] = np.cos(angle)
        one[u, v], one[v, u] = -np.sin(angle), np.sin(angle)
        turn = one @ turn
    return turn


def _cone(grid: Grid, ends: tuple[Floats, Floats], radii: tuple[float, float]) -> Array:
    start, along = ends[0], ends[1] - ends[0]
    dx, dy, dz = grid.x - start[0], grid.y - start[1], grid.z - start[2]
    share = np.clip((dx * along[0] + dy * along[1] + dz * along[2]) / (along @ along + 1e-9), 0, 1)
    gap = (dx - share * along[0]) ** 2 + (dy - share * along[1]) ** 2 + (dz - share * along[2]) ** 2
    return _array(np.sqrt(gap) - radii[0] - share * (radii[1] - radii[0]))


def _spline(four: Floats, step_mm: float) -> Floats:
    """Samples of one Catmull-Rom piece between the middle two of four points, without its end."""
    count = max(1, round(float(np.linalg.norm(four[2, :3] - four[1, :3])) / step_mm))
    t = np.arange(count)[:, None] / count
    cubic = -four[0] + 3 * four[1] - 3 * four[2] + four[3]
    square = 2 * four[0] - 5 * four[1] + 4 * four[2] - four[3]
    return np.asarray(four[1] + 0.5 * t * (four[2] - four[0] + t * (square + t * cubic)))


def point(values: Sequence[float] | Floats) -> Point:
    """Three plain numbers."""
    x, y, z = (float(value) for value in values)
    return x, y, z


def _array(values: NDArray[np.floating]) -> Array:
    return values.astype(np.float32, copy=False)
