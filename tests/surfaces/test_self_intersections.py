from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData, vtkTriangle
from vtkmodules.vtkFiltersGeneral import vtkIntersectionPolyDataFilter

from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.self_intersections import self_intersections

CORNERS = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
CUBE = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]
)  # fmt: skip
# Rounding after a turn breaks exact touching, so tests of that stay upright.
TURNS = [Rotation.identity(), Rotation.from_euler("xyz", [23, -41, 67], degrees=True)]


def mesh(vertices: object, triangles: object) -> SurfaceMesh:
    return SurfaceMesh(np.asarray(vertices, np.float32), np.asarray(triangles, np.int32), structure_class(1, "liver"))


def together(*meshes: SurfaceMesh) -> SurfaceMesh:
    starts = np.cumsum([0, *(len(each.vertices_ras) for each in meshes)])
    triangles = [each.triangles + start for each, start in zip(meshes, starts, strict=False)]
    return mesh(np.concatenate([each.vertices_ras for each in meshes]), np.concatenate(triangles))


def ball(radius: float, centre: object = (0, 0, 0), rings: int = 24) -> SurfaceMesh:
    """A globe with poles; slivers of every kind near them."""
    lower = np.linspace(0, np.pi, rings + 1)[1:-1]
    around = np.arange(2 * rings) * np.pi / rings
    theta, phi = (each.ravel() for each in np.meshgrid(lower, around, indexing="ij"))
    globe = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=1)
    vertices = np.concatenate([globe, [[0, 0, 1], [0, 0, -1]]]) * radius + np.asarray(centre, float)
    number = np.arange(len(globe)).reshape(rings - 1, -1)
    after = np.roll(number, -1, axis=1)
    quads = [number[:-1], number[1:], after[1:], after[:-1]]
    a, b, c, d = (each.ravel() for each in quads)
    caps = [
        np.stack([np.full(2 * rings, len(globe)), number[0], after[0]], axis=1),
        np.stack([np.full(2 * rings, len(globe) + 1), after[-1], number[-1]], axis=1),
    ]
    return mesh(vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1), *caps]))


def sheet(size: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A flat grid of squares in two triangles each."""
    i, j = (each.ravel() for each in np.meshgrid(np.arange(size), np.arange(size), indexing="ij"))
    vertices = np.stack([i, j, np.zeros(len(i))], axis=1).astype(float)
    first = (np.arange(size - 1)[:, None] * size + np.arange(size - 1)).ravel()
    return vertices, np.concatenate([
        np.stack([first, first + size, first + size + 1], 1), np.stack([first, first + size + 1, first + 1], 1),
    ])  # fmt: skip


def vtk_mesh(surface: SurfaceMesh) -> vtkPolyData:
    points, cells, data = vtkPoints(), vtkCellArray(), vtkPolyData()
    points.SetData(numpy_to_vtk(surface.vertices_ras.astype(np.float64), deep=True))
    ends = numpy_to_vtkIdTypeArray(np.arange(0, surface.triangles.size + 1, 3), deep=True)
    cells.SetData(ends, numpy_to_vtkIdTypeArray(surface.triangles.astype(np.int64).ravel(), deep=True))
    data.SetPoints(points)
    data.SetPolys(cells)
    return data


def vtk_meets(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether VTK finds two triangles to cross."""
    return bool(vtkTriangle.TrianglesIntersect(*one, *other))


@pytest.mark.parametrize("turn", TURNS)
def test_clean_surfaces_have_none(turn: Rotation) -> None:
    for surface in (ball(10.0), mesh(CORNERS, CUBE), mesh(*sheet(9))):
        assert self_intersections(surface.with_vertices(turn.apply(surface.vertices_ras) + 40.0)).count == 0


def test_neighbours_after_merging_of_equal_places_are_no_hits() -> None:
    surface = ball(10.0)
    apart = mesh(
        surface.vertices_ras[surface.triangles].reshape(-1, 3), np.arange(surface.triangles.size).reshape(-1, 3)
    )
    assert self_intersections(apart).count == 0


@pytest.mark.parametrize("turn", TURNS)
def test_balls_that_run_through_each_other(turn: Rotation) -> None:
    one, other = ball(10.0), ball(8.0, (7.0, 1.1, 2.3))
    one, other = (each.with_vertices(turn.apply(each.vertices_ras)) for each in (one, other))
    cut = vtkIntersectionPolyDataFilter()
    cut.SetInputDataObject(0, vtk_mesh(one))
    cut.SetInputDataObject(1, vtk_mesh(other))
    cut.SplitFirstOutputOff()
    cut.SplitSecondOutputOff()
    cut.Update()
    found = self_intersections(together(one, other))
    # Every pair of triangles that cross gives one piece of the line of intersection.
    assert found.count == cut.GetOutput().GetNumberOfLines() > 100
    assert found.complete
    assert (found.pairs[:, 0] < len(one.triangles)).all()
    assert (found.pairs[:, 1] >= len(one.triangles)).all()


def test_random_triangles_as_vtk_sees_them() -> None:
    rng = np.random.default_rng(3)
    soup = (rng.random((80, 1, 3)) * 3 + rng.normal(size=(80, 3, 3)) * 0.8).astype(np.float32)
    found = self_intersections(mesh(soup.reshape(-1, 3), np.arange(240).reshape(-1, 3)))
    expected = [
        (n, m)
        for n, m in itertools.combinations(range(80), 2)
        if vtk_meets(soup[n].astype(float), soup[m].astype(float))
    ]
    assert len(expected) > 50
    assert found.pairs.tolist() == [list(pair) for pair in expected]


def test_triangles_at_one_corner_as_vtk_sees_them_when_they_do_not_start_there() -> None:
    rng = np.random.default_rng(5)
    spread = rng.normal(size=(30, 3, 3)).astype(np.float32)
    spread[:, 0] = 0.0
    vertices = spread.reshape(-1, 3)
    found = self_intersections(mesh(vertices, np.arange(90).reshape(-1, 3)))
    # Cut off near the common corner, they cross where they still cross.
    away = spread.astype(float)
    expected = []
    for n, m in itertools.combinations(range(30), 2):
        halves = [np.array([tri[1] * 0.01, tri[1], tri[2], tri[2] * 0.01]) for tri in (away[n], away[m])]
        pieces = [[four[[0, 1, 2]], four[[0, 2, 3]]] for four in halves]
        if any(vtk_meets(p, q) for p in pieces[0] for q in pieces[1]):
            expected.append([n, m])
    assert len(expected) > 20
    assert found.pairs.tolist() == expected


def test_folded_sheet_lies_on_itself() -> None:
    vertices, triangles = sheet(5)
    assert self_intersections(mesh(vertices, triangles)).count == 0
    bent = vertices.copy()
    right = bent[:, 0] > 2
    bent[right, 0], bent[right, 2] = 2.0, vertices[right, 0] - 2.0
    assert self_intersections(mesh(bent, triangles)).count == 0  # at a right angle
    folded = vertices.copy()
    folded[right, 0] = 4.0 - vertices[right, 0]
    folded[right, 2] = 0.25
    assert self_intersections(mesh(folded, triangles)).count == 0  # a hair apart
    folded[right, 2] = 0.0
    found = self_intersections(mesh(folded + np.array([0, 0.25, 0]) * right[:, None], triangles))
    assert len(found.triangles) == len(triangles)


def test_fold_along_one_edge() -> None:
    corners = [(0, 0, 0), (4, 0, 0), (1, 3, 0), (2, 2, 0), (2, -2, 0)]
    assert self_intersections(mesh(corners, [(0, 1, 2), (1, 0, 3)])).count == 1
    assert self_intersections(mesh(corners, [(0, 1, 2), (1, 0, 4)])).count == 0


def test_bow_tie_meets_in_a_point_only() -> None:
    bow = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (-1, 0, 0), (-1, -1, 0)]
    assert self_intersections(mesh(bow, [(0, 1, 2), (0, 3, 4)])).count == 0
    twisted = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 0.5, -1), (1, 0.5, 1)]
    assert self_intersections(mesh(twisted, [(0, 1, 2), (0, 3, 4)])).count == 1
    overlapping = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (2, 0.5, 0), (1, 2, 0)]
    assert self_intersections(mesh(overlapping, [(0, 1, 2), (0, 3, 4)])).count == 1


def test_cubes_that_touch() -> None:
    cube = mesh(CORNERS, CUBE)
    moved = {
        "apart": (1.25, 0, 0), "half a face": (1.0, 0.5, 0.25), "an edge, all along": (1.0, 1.0, 0),
        "a corner": (1.0, 1.0, 1.0), "an edge, shifted": (1.0, 1.0, 0.5),
    }  # fmt: skip
    counts = {
        name: self_intersections(together(cube, mesh(CORNERS + shift, CUBE))).count for name, shift in moved.items()
    }
    # What shares its vertices is not manifold, but does not run through itself.
    assert counts["apart"] == counts["a corner"] == counts["an edge, all along"] == 0
    assert counts["half a face"] > 0
    assert counts["an edge, shifted"] > 0
    # Two of the triangles of equal faces are the same.
    assert self_intersections(together(cube, mesh(CORNERS + np.array([1, 0, 0]), CUBE))).count > 0


def test_doubled_surface_is_found_whole() -> None:
    surface = mesh(CORNERS, CUBE)
    found = self_intersections(together(surface, surface))
    assert len(found.triangles) == 24


def test_one_vertex_pulled_through_the_other_side() -> None:
    surface = ball(10.0)
    vertices = surface.vertices_ras.copy()
    nearest = np.argmin(np.linalg.norm(vertices - (10.0, 0, 0), axis=1))
    vertices[nearest] = (-12.0, 0.3, 0.2)
    found = self_intersections(surface.with_vertices(vertices))
    moved = np.flatnonzero((surface.triangles == nearest).any(axis=1))
    assert found.count > 0
    assert np.isin(found.pairs, moved).any(axis=1).all()


def test_triangles_without_area_and_empty_surfaces_are_left_out() -> None:
    line = [(0, 0, 0), (1, 0, 0), (2, 0, 0), (1, -1, -1), (1, 1, -1), (1, 0, 1)]
    assert self_intersections(mesh(line, [(0, 1, 2), (3, 4, 5)])).count == 0
    assert self_intersections(mesh(line, [(0, 1, 1)])).count == 0
    assert self_intersections(mesh(np.zeros((0, 3)), np.zeros((0, 3), int))).count == 0


def test_search_ends_where_everything_runs_through_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsdesktop.surfaces.self_intersections.MOST_PAIRS", 500)
    spokes = np.random.default_rng(1).normal(size=(300, 3, 3))
    found = self_intersections(mesh(spokes.reshape(-1, 3), np.arange(900).reshape(-1, 3)))
    assert found.count > 500
    assert not found.complete


def test_large_surfaces_are_searched_in_blocks_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    surface = together(ball(10.0), ball(8.0, (7.0, 1.1, 2.3)))
    at_once = self_intersections(surface).pairs
    monkeypatch.setattr("tsdesktop.surfaces.triangle_tree._BLOCK", 37)
    np.testing.assert_array_equal(self_intersections(surface).pairs, at_once)
