from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.distances import difference, distances, label_border, point_triangle_distances
from tsdesktop.surfaces.extract import extract_surface

Labelled = Callable[[NDArray[np.bool_]], LabelMap]


def blob(seed: int = 4) -> NDArray[np.bool_]:
    place = np.stack(np.meshgrid(*[np.linspace(-1, 1, 24)] * 3, indexing="ij"))
    waves = 0.15 * np.sin(6 * place[seed % 3] + seed) * np.cos(5 * place[(seed + 1) % 3])
    return np.asarray(np.linalg.norm(place, axis=0) + waves < 0.75)


def as_mesh(label_map: LabelMap) -> SurfaceMesh:
    vertices, triangles = label_border(label_map, 1)
    return SurfaceMesh(vertices.astype(np.float32), triangles, structure_class(1, "spleen"))


def by_vtk(points: NDArray[np.float64], vertices: NDArray[np.float64], triangles: NDArray[np.int32]) -> list[float]:
    places, cells, data = vtkPoints(), vtkCellArray(), vtkPolyData()
    places.SetData(numpy_to_vtk(vertices, deep=True))
    ends = numpy_to_vtkIdTypeArray(np.arange(0, triangles.size + 1, 3), deep=True)
    cells.SetData(ends, numpy_to_vtkIdTypeArray(triangles.astype(np.int64).ravel(), deep=True))
    data.SetPoints(places)
    data.SetPolys(cells)
    function = vtkImplicitPolyDataDistance()
    function.SetInput(data)
    return [abs(function.EvaluateFunction(point)) for point in points]


@pytest.mark.parametrize("seed", [4, 5])
def test_distances_are_those_vtk_finds_one_by_one(labelled: Labelled, seed: int) -> None:
    vertices, triangles = label_border(labelled(blob(seed)), 1)
    points = vertices[::9] + np.random.default_rng(seed).normal(scale=1.5, size=vertices[::9].shape)
    np.testing.assert_allclose(distances(points, vertices, triangles), by_vtk(points, vertices, triangles), atol=1e-3)


def test_large_and_small_triangles_together(labelled: Labelled) -> None:
    vertices, triangles = label_border(labelled(blob()), 1)
    low, high = vertices.min(axis=0) - 5.0, vertices.max(axis=0) + 5.0
    plane = np.array([[low[0], low[1], low[2]], [high[0], low[1], low[2]], [high[0], high[1], low[2]]])
    both = np.concatenate([vertices, plane])
    corners = np.concatenate([triangles, [[len(vertices), len(vertices) + 1, len(vertices) + 2]]]).astype(np.int32)
    points = np.random.default_rng(2).uniform(low, high, (400, 3))
    np.testing.assert_allclose(distances(points, both, corners), by_vtk(points, both, corners), atol=1e-2)


def test_points_beside_corners_edges_and_faces() -> None:
    triangle = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])
    expected = {(1, 1, 3): 3, (-3, -4, 0): 5, (2, -2, 0): 2, (4, 4, 0): 8**0.5, (7, 0, 4): 5, (1, 1, 0): 0}
    points = np.array(list(expected), float)
    found = point_triangle_distances(points, np.repeat(triangle[None], len(points), 0))
    np.testing.assert_allclose(found, list(expected.values()))
    needle = np.array([[0.0, 0, 0], [2, 0, 0], [4, 0, 0]])
    assert point_triangle_distances(np.array([[3.0, 2, 0]]), needle[None]) == pytest.approx(2.0)


def test_border_lies_half_a_voxel_outside_of_the_outer_voxels(labelled: Labelled) -> None:
    mask = np.zeros((7, 8, 9), bool)
    mask[2:5, 1:6, 3:9] = True
    label_map = labelled(mask)
    vertices, _ = label_border(label_map, 1)
    voxels = label_map.geometry.voxel(vertices)
    np.testing.assert_allclose(voxels.min(axis=0), (1.5, 0.5, 2.5), atol=1e-4)
    np.testing.assert_allclose(voxels.max(axis=0), (4.5, 5.5, 8.5), atol=1e-4)


def test_the_border_itself_has_no_distance(labelled: Labelled) -> None:
    found = difference(as_mesh(labelled(blob())), labelled(blob()), 1)
    assert found.largest_mm < 1e-3
    assert found.voxels == np.count_nonzero(blob())
    assert found.voxel_mm == pytest.approx(2.0)
    # Without smoothing the edges of voxels are cut off.
    assert -5.0 < found.volume_percent < 0.0


def test_moved_surface_is_as_far_as_it_was_moved(labelled: Labelled) -> None:
    label_map = labelled(blob())
    mesh = as_mesh(label_map)
    moved = mesh.with_vertices(mesh.vertices_ras + np.array([3.0, 0, 0], np.float32))
    found = difference(moved, label_map, 1)
    assert found.largest_mm == pytest.approx(3.0, abs=0.1)
    assert 2.0 < found.p95_mm <= 3.0
    assert found.volume_percent == pytest.approx(difference(mesh, label_map, 1).volume_percent, abs=1e-3)


def test_what_is_missing_counts_as_much_as_what_is_too_much(labelled: Labelled) -> None:
    mask = np.zeros((30, 12, 12), bool)
    mask[2:8, 2:10, 2:10] = mask[20:26, 2:10, 2:10] = True
    part = mask.copy()
    part[15:] = False
    both, one = labelled(mask), labelled(part)
    for mesh, label_map in ((as_mesh(one), both), (as_mesh(both), one)):
        # 12 voxels of 0.8 mm between the two, 6 more to the far end.
        assert difference(mesh, label_map, 1).largest_mm == pytest.approx(18 * 0.8, abs=0.3)
        assert difference(mesh, label_map, 1).p95_mm > 9.0
    assert difference(as_mesh(one), both, 1).volume_percent == pytest.approx(-51.5, abs=1.5)


def test_smoothed_ball_differs_by_its_voxels_steps_only(draw: Any) -> None:
    label_map = draw("sphere", (20.0,), (0.8, 0.8, 2.0), 3).label_map
    mesh = extract_surface(label_map, 1)
    assert mesh is not None
    found = difference(mesh, label_map, 1)
    assert abs(found.volume_percent) < 1.0
    assert found.p95_mm < 0.5 * found.voxel_mm
    with pytest.raises(KeyError):
        difference(mesh, label_map, 2)
