"""Right is left: planes through scans stored in every orientation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.geometry import Geometry
from tsdesktop.gui.slices.plane import PLANE_NAMES, Plane, Viewport

_TURNS = [
    (order, signs) for order in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)
]


def _geometry(order: tuple[int, ...], signs: tuple[int, ...], degrees: float) -> Geometry:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    axes = np.zeros((3, 3))
    for voxel, (world, sign) in enumerate(zip(order, signs, strict=True)):
        axes[world, voxel] = sign
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ axes * (0.8, 1.5, 4.0)
    affine[:3, 3] = 11.0, -7.0, 30.0
    return Geometry((11, 13, 9), affine)


def _marked(geometry: Geometry, direction: NDArray[np.float64]) -> NDArray[np.int16]:
    """1000 at the voxel farthest in a direction of the patient, among the middles of the six faces."""
    middle = (np.array(geometry.shape) - 1) / 2
    faces = []
    for axis, end in itertools.product(range(3), (0, 1)):
        face = middle.copy()
        face[axis] = end * (geometry.shape[axis] - 1)
        faces.append(face)
    axis_of = [np.dot(geometry.world_ras(face) - geometry.world_ras(middle), direction) for face in faces]
    spread = [np.linalg.norm(geometry.world_ras(face) - geometry.world_ras(middle)) for face in faces]
    chosen = faces[int(np.argmax(np.array(axis_of) / np.array(spread)))]
    array = np.zeros(geometry.shape, np.int16)
    array[tuple(chosen.astype(int))] = 1000
    return array


def _side(plane: Plane, array: NDArray[np.int16]) -> str:
    rows, columns = np.nonzero(plane.cut(array, plane.size[2] // 2))
    across, down = columns[0] / (plane.size[0] - 1), rows[0] / (plane.size[1] - 1)
    return "left" if across == 0 else "right" if across == 1 else "top" if down == 0 else "bottom"


@pytest.mark.parametrize("degrees", [0.0, 14.0, -23.0])
@pytest.mark.parametrize(("order", "signs"), _TURNS)
def test_right_is_on_the_left_and_up_is_up(order: tuple[int, ...], signs: tuple[int, ...], degrees: float) -> None:
    geometry = _geometry(order, signs, degrees)
    right, anterior, superior = (_marked(geometry, direction) for direction in np.eye(3))
    for name in ("axial", "coronal"):
        assert _side(Plane(geometry, name), right) == "left"
        assert _side(Plane(geometry, name, radiological=False), right) == "right"
        assert Plane(geometry, name).edges[:2] == ("R", "L")
        assert Plane(geometry, name, radiological=False).edges[:2] == ("L", "R")
    assert _side(Plane(geometry, "axial"), anterior) == "top"
    assert _side(Plane(geometry, "sagittal"), anterior) == "left"
    assert _side(Plane(geometry, "coronal"), superior) == _side(Plane(geometry, "sagittal"), superior) == "top"
    assert Plane(geometry, "axial").edges == ("R", "L", "A", "P")
    assert Plane(geometry, "sagittal", radiological=False).edges == ("A", "P", "S", "I")


@pytest.mark.parametrize(("order", "signs"), _TURNS)
def test_slice_coordinates_lead_to_the_voxel_that_is_shown(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    geometry = _geometry(order, signs, 14.0)
    array = np.arange(np.prod(geometry.shape), dtype=np.int32).reshape(geometry.shape)
    for name, radiological in itertools.product(PLANE_NAMES, (True, False)):
        plane = Plane(geometry, name, radiological)
        voxel = plane.voxel(3, 2, 4).astype(int)
        assert plane.cut(array, 4)[2, 3] == array[tuple(voxel)]
        assert plane.from_world(plane.world_ras(3.2, 1.7, 4)) == pytest.approx((3.2, 1.7, 4))
        towards = plane.world_ras(3, 2, 4 + plane.ahead) - plane.world_ras(3, 2, 4)
        assert np.dot(towards, {"axial": (0, 0, 1), "coronal": (0, 1, 0), "sagittal": (-1, 0, 0)}[name]) > 0


def test_zoom_keeps_the_place_under_the_pointer_and_the_true_aspect() -> None:
    plane = Plane(_geometry((0, 1, 2), (1, 1, 1), 0.0), "coronal")
    viewport = Viewport.fitted(plane, 500, 300)
    nearer = viewport.zoomed(3.0, 220, 140)
    assert nearer.to_slice(220, 140) == pytest.approx(viewport.to_slice(220, 140))
    assert nearer.to_widget(*nearer.to_slice(12, 34)) == pytest.approx((12, 34))
    across, down = nearer.pixels_per_voxel
    assert down / across == pytest.approx(4.0 / 0.8)
    assert viewport.is_fitted
    assert not nearer.is_fitted
