"""Bodies whose distance function is known, drawn into oblique, anisotropic and mirrored grids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.distances import distances
from tsdesktop.surfaces.extract import NO_SMOOTHING, extract_surface

Points = NDArray[np.float64]
Distance = Callable[[Points], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Body:
    """`distance` in mm to the surface (negative inside) of points in the body's own axes."""

    distance: Distance
    reach_mm: float
    volume_mm3: float


@dataclass(frozen=True, eq=False)
class Phantom:
    label_map: LabelMap
    distance: Distance

    def points_on(self, mesh: SurfaceMesh, count: int = 20_000) -> Points:
        """Points spread evenly over the mesh."""
        rng = np.random.default_rng(1)
        a, b, c = (mesh.vertices_ras[mesh.triangles[:, n]].astype(float) for n in range(3))
        areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        chosen = rng.choice(len(areas), count, p=areas / areas.sum())
        u, v = np.sort(rng.random((2, count, 1)), axis=0)
        return np.asarray(a[chosen] * u + b[chosen] * (v - u) + c[chosen] * (1.0 - v))

    def errors_in_voxels(self, mesh: SurfaceMesh) -> NDArray[np.float64]:
        """Distances between points of the mesh and the true surface, in the grid's largest spacing."""
        return np.abs(self.distance(self.points_on(mesh))) / max(self.label_map.spacing_mm)

    def errors_back_in_voxels(self, mesh: SurfaceMesh, count: int = 1500) -> NDArray[np.float64]:
        """Distances between points of the true surface and the mesh: large where a part of the body is missing."""
        steps = extract_surface(self.label_map, 1, NO_SMOOTHING)
        assert steps is not None
        true = self.points_on(steps, count)
        for _ in range(4):  # along the gradient, which has length 1
            here = self.distance(true)
            moved = [self.distance(true + 1e-4 * axis) for axis in np.eye(3)]
            true = true - here[:, None] * (np.stack(moved, axis=-1) - here[:, None]) / 1e-4
        true = true[np.abs(self.distance(true)) < 0.02 * max(self.label_map.spacing_mm)]
        found = distances(true, mesh.vertices_ras.astype(np.float64), mesh.triangles)
        return np.asarray(found / max(self.label_map.spacing_mm))


def sphere(radius: float) -> Body:
    return Body(lambda p: np.linalg.norm(p, axis=-1) - radius, radius, 4 / 3 * np.pi * radius**3)


def cylinder(radius: float, half_length: float) -> Body:
    def distance(p: Points) -> NDArray[np.float64]:
        q = np.stack([np.hypot(p[..., 0], p[..., 1]) - radius, np.abs(p[..., 2]) - half_length], axis=-1)
        return np.asarray(np.linalg.norm(np.maximum(q, 0.0), axis=-1) + np.minimum(q.max(axis=-1), 0.0))

    return Body(distance, float(np.hypot(radius, half_length)), 2.0 * np.pi * radius**2 * half_length)


def ellipsoid(a: float, b: float, c: float) -> Body:
    axes = np.array([a, b, c], float)

    def distance(p: Points) -> NDArray[np.float64]:
        # The nearest place is axes^2 p / (t + axes^2) for the one root t of its equation (Eberly 2013).
        ours, least = np.abs(p), float(axes.min()) ** 2
        low = np.maximum((axes * ours - axes**2).max(axis=-1), 1e-9 - least)
        high = np.maximum(np.linalg.norm(axes * ours, axis=-1) - least, low)
        for _ in range(45):
            t = (low + high) / 2.0
            outside = ((axes * ours / (t[..., None] + axes**2)) ** 2).sum(axis=-1) > 1.0
            low, high = np.where(outside, t, low), np.where(outside, high, t)
        nearest = axes**2 * ours / (((low + high) / 2.0)[..., None] + axes**2)
        away = np.linalg.norm(nearest - ours, axis=-1)
        return np.asarray(np.where(((ours / axes) ** 2).sum(axis=-1) > 1.0, away, -away))

    return Body(distance, max(a, b, c), 4 / 3 * np.pi * a * b * c)


def tube(bend: float, radius: float) -> Body:
    """A vessel bent to a ring."""

    def distance(p: Points) -> NDArray[np.float64]:
        return np.asarray(np.hypot(np.hypot(p[..., 0], p[..., 1]) - bend, p[..., 2]) - radius)

    return Body(distance, bend + radius, 2.0 * np.pi**2 * bend * radius**2)


def rib(bend: float, thickness: float, height: float) -> Body:
    """A flat band bent to a ring."""
    half = np.array([thickness, height]) / 2.0

    def distance(p: Points) -> NDArray[np.float64]:
        q = np.abs(np.stack([np.hypot(p[..., 0], p[..., 1]) - bend, p[..., 2]], axis=-1)) - half
        return np.asarray(np.linalg.norm(np.maximum(q, 0.0), axis=-1) + np.minimum(q.max(axis=-1), 0.0))

    return Body(distance, float(np.hypot(bend + half[0], half[1])), 2.0 * np.pi * bend * thickness * height)


def plate(a: float, b: float, thickness: float) -> Body:
    half = np.array([a, b, thickness]) / 2.0

    def distance(p: Points) -> NDArray[np.float64]:
        q = np.abs(p) - half
        return np.asarray(np.linalg.norm(np.maximum(q, 0.0), axis=-1) + np.minimum(q.max(axis=-1), 0.0))

    return Body(distance, float(np.linalg.norm(half)), a * b * thickness)


def drawn(body: Body, spacing_mm: tuple[float, float, float], seed: int, centre_mm: Points) -> Phantom:
    """The body turned at random, in a grid turned at random too; grids with an odd seed are mirrored."""
    grid, own = Rotation.random(rng=seed).as_matrix(), Rotation.random(rng=seed + 100).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = grid @ np.diag(spacing_mm) @ np.diag([-1.0 if seed % 2 else 1.0, 1.0, 1.0])
    shape = np.ceil(2.0 * body.reach_mm / np.array(spacing_mm)).astype(int) + 4
    shift = np.random.default_rng(seed).uniform(-0.5, 0.5, 3)
    affine[:3, 3] = centre_mm - affine[:3, :3] @ ((shape - 1) / 2.0 + shift)
    geometry = Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    indices = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)

    def distance(world: Points) -> NDArray[np.float64]:
        return body.distance((world - centre_mm) @ own)

    array = (distance(geometry.world_ras(indices)) <= 0.0).astype(np.uint8)
    return Phantom(LabelMap(array, geometry, (structure_class(1, "liver"),)), distance)


BODIES: dict[str, Callable[..., Body]] = {
    "sphere": sphere,
    "ellipsoid": ellipsoid,
    "cylinder": cylinder,
    "plate": plate,
    "rib": rib,
    "tube": tube,
}


@pytest.fixture
def draw() -> Callable[..., Phantom]:
    """Draws a body: `draw("sphere", (radius,), spacing_mm, seed)`, all lengths in mm, centred at `centre_mm`."""

    def make(
        kind: str, sizes: tuple[float, ...], spacing_mm: tuple[float, float, float], seed: int = 0,
        centre_mm: tuple[float, float, float] = (31.0, -47.0, 112.0),
    ) -> Phantom:  # fmt: skip
        return drawn(BODIES[kind](*sizes), spacing_mm, seed, np.array(centre_mm))

    return make


@pytest.fixture
def labelled() -> Callable[[NDArray[np.bool_]], LabelMap]:
    """A label map of one structure from a mask, on an oblique, mirrored, anisotropic grid."""

    def make(mask: NDArray[np.bool_]) -> LabelMap:
        affine = np.eye(4)
        affine[:3, :3] = Rotation.from_euler("xyz", [20, -10, 35], degrees=True).as_matrix() @ np.diag([-0.8, 0.9, 2.0])
        affine[:3, 3] = (100.0, -50.0, 700.0)
        return LabelMap(mask.astype(np.uint8), Geometry(mask.shape, affine), (structure_class(1, "spleen"),))

    return make
