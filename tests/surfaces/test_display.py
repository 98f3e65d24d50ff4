from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest import approx

from tests.surfaces.conftest import Phantom
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.check import shells_of
from tsdesktop.surfaces.display import DisplayMesh, DisplaySurface, Surroundings, display_surface, display_surfaces

LIVER = structure_class(1, "liver")
SPLEEN = structure_class(2, "spleen")


def surface_of(label_map: LabelMap, label: int = 1) -> DisplaySurface:
    surface = display_surface(label_map, label)
    assert surface is not None
    return surface


def volume_ml(mesh: DisplayMesh) -> float:
    return SurfaceMesh(mesh.vertices_ras, mesh.triangles, LIVER).volume_ml


def map_of(array: NDArray[np.uint8], spacing_mm: float = 2.0) -> LabelMap:
    return LabelMap(array, Geometry(array.shape, np.diag([spacing_mm] * 3 + [1.0])), (LIVER, SPLEEN))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("radius", "spacing_mm"), [(40.0, (1.5, 1.5, 1.5)), (14.0, (1.0, 1.5, 3.0))])
def test_ball_keeps_size_and_faces_outward(
    draw: Callable[..., Phantom], radius: float, spacing_mm: tuple[float, float, float], seed: int
) -> None:
    phantom = draw("sphere", (radius,), spacing_mm, seed)
    surface = surface_of(phantom.label_map)
    true_ml = phantom.label_map.volume_ml("liver")
    assert volume_ml(surface.fine) == approx(true_ml, rel=0.03)
    assert volume_ml(surface.coarse) == approx(true_ml, rel=0.15)
    for mesh in (surface.fine, surface.coarse):
        outward = mesh.vertices_ras - np.array([31.0, -47.0, 112.0])
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        assert np.mean(np.einsum("ij,ij->i", outward, mesh.normals) > 0.9) > 0.95


def test_ball_has_no_stair_steps(draw: Callable[..., Phantom]) -> None:
    mesh = surface_of(draw("sphere", (30.0,), (1.5, 1.5, 1.5), 2).label_map).fine
    outward = mesh.vertices_ras - np.array([31.0, -47.0, 112.0])
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    tilt = np.degrees(np.arccos(np.clip(np.einsum("ij,ij->i", outward, mesh.normals), -1.0, 1.0)))
    # Normals of voxel faces would be off by up to 55 degrees.
    assert np.percentile(tilt, 95) < 12.0


def test_one_voxel_does_not_vanish() -> None:
    array = np.zeros((20, 20, 20), np.uint8)
    array[10, 11, 12] = 1
    mesh = surface_of(map_of(array)).fine
    assert len(mesh.triangles) >= 8
    assert mesh.vertices_ras.mean(axis=0) == approx(np.array([20.0, 22.0, 24.0]), abs=0.2)


def test_plate_of_one_voxel_is_not_torn() -> None:
    array = np.zeros((40, 40, 20), np.uint8)
    array[5:35, 5:35, 10] = 1
    array[5:35, 20:35, 10:14] = 1
    for mesh in (surface_of(map_of(array, 1.5)).fine, surface_of(map_of(array, 1.5)).coarse):
        pieces = shells_of(mesh.triangles, len(mesh.vertices_ras))
        used = np.unique(pieces[np.unique(mesh.triangles)])
        assert len(used) == 1
        places = mesh.vertices_ras[np.abs(mesh.vertices_ras[:, 2] - 15.0) < 3.0]
        cells = np.unique(np.round(places[:, :2] / 6.0), axis=0)
        assert len(cells) >= 40  # of 49: the middle is not a hole


def test_structure_at_the_border_is_closed() -> None:
    array = np.ones((12, 12, 12), np.uint8)
    mesh = surface_of(map_of(array)).fine
    assert volume_ml(mesh) == approx(24.0**3 / 1000.0, rel=0.06)  # edges are rounded


def test_all_structures_come_large_ones_first_and_absent_ones_not() -> None:
    array = np.zeros((40, 40, 40), np.uint8)
    array[2:6, 2:6, 2:6] = 1
    array[10:35, 10:35, 10:35] = 2
    label_map = map_of(array)
    assert [each.label for each in display_surfaces(label_map)] == [2, 1]
    assert [each.label for each in display_surfaces(label_map, [1, 7])] == [1]
    assert display_surface(label_map, 7) is None


def test_unwanted_work_stops() -> None:
    array = np.arange(20, dtype=np.uint8).repeat(20 * 20).reshape(20, 20, 20)
    assert list(display_surfaces(map_of(array), wanted=lambda: False)) == []


def test_coarse_mesh_is_much_smaller_and_in_the_same_place(draw: Callable[..., Phantom]) -> None:
    surface = surface_of(draw("sphere", (60.0,), (1.5, 1.5, 1.5), 0).label_map)
    assert len(surface.coarse.triangles) < len(surface.fine.triangles) / 4
    low, high = surface.bounds_mm
    assert surface.coarse.vertices_ras.min(axis=0) == approx(low, abs=2.0)
    assert surface.coarse.vertices_ras.max(axis=0) == approx(high, abs=2.0)


def test_hollow_is_dark_and_lights_up_when_its_neighbour_is_hidden() -> None:
    array = np.zeros((60, 60, 60), np.uint8)
    array[10:50, 10:50, 10:28] = 1
    array[10:50, 10:50, 31:50] = 2
    label_map = map_of(array)
    mesh = surface_of(label_map, 1).fine
    facing = (mesh.normals[:, 2] > 0.95) & (np.abs(mesh.vertices_ras[:, :2] - 60.0).max(axis=1) < 20.0)
    beside = Surroundings(label_map, [1, 2]).openness(mesh)[facing]
    alone = Surroundings(label_map, [1]).openness(mesh)[facing]
    assert beside.mean() < 0.6
    assert alone.mean() > 0.9
    assert alone.max() <= 1.0


def test_mesh_refuses_shapes_that_do_not_fit() -> None:
    floats, triangles = np.zeros((4, 3), np.float32), np.zeros((2, 3), np.int32)
    with pytest.raises(ValueError, match="vertices"):
        DisplayMesh(floats[:, :2], floats, triangles)
    with pytest.raises(ValueError, match="normals"):
        DisplayMesh(floats, floats[:2], triangles)
    with pytest.raises(ValueError, match="triangles"):
        DisplayMesh(floats, floats, triangles[:, :2])
