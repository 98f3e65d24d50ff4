from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import check_mesh

CORNERS = np.array(list(itertools.product((0.0, 1.0), repeat=3)), np.float32)
CUBE = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ],
    np.int32,
)  # fmt: skip


def mesh(vertices: NDArray[np.float32], triangles: NDArray[np.int32]) -> SurfaceMesh:
    return SurfaceMesh(vertices, triangles, structure_class(1, "liver"))


def test_cube_is_sound() -> None:
    check = check_mesh(mesh(CORNERS * 3, CUBE))
    assert check.is_sound
    assert (check.triangles, check.shells) == (12, 1)
    assert check.signed_volume_mm3 == pytest.approx(27.0)


def test_missing_triangle_leaves_three_open_edges() -> None:
    check = check_mesh(mesh(CORNERS, CUBE[1:]))
    assert (check.boundary_edges, check.non_manifold_edges, check.is_closed) == (3, 0, False)


def test_turned_triangle_is_noticed_though_all_edges_close() -> None:
    turned = CUBE.copy()
    turned[4] = turned[4, ::-1]
    check = check_mesh(mesh(CORNERS, turned))
    assert check.is_closed
    assert not check.consistent_orientation
    assert not check.is_sound


def test_inside_out_has_a_negative_volume() -> None:
    check = check_mesh(mesh(CORNERS, CUBE[:, ::-1]))
    assert check.consistent_orientation
    assert check.signed_volume_mm3 == pytest.approx(-1.0)
    assert not check.is_sound


def test_vertices_at_one_place_count_as_one() -> None:
    corners = CORNERS[CUBE].reshape(-1, 3)
    # Zero with and without a sign is the same place.
    corners[::2] *= np.where(corners[::2] == 0.0, np.float32(-1.0), np.float32(1.0))
    assert check_mesh(mesh(corners, np.arange(36, dtype=np.int32).reshape(-1, 3))).is_sound


def test_two_cubes_that_share_an_edge_are_not_manifold() -> None:
    both = np.concatenate([CORNERS, CORNERS + np.array([1, 1, 0], np.float32)])
    check = check_mesh(mesh(both, np.concatenate([CUBE, CUBE + 8])))
    assert (check.boundary_edges, check.non_manifold_edges, check.shells) == (0, 1, 1)
    assert not check.is_closed


def test_two_cubes_that_share_a_corner_have_a_vertex_that_is_not_manifold() -> None:
    both = np.concatenate([CORNERS, CORNERS + np.array([1, 1, 1], np.float32)])
    check = check_mesh(mesh(both, np.concatenate([CUBE, CUBE + 8])))
    assert (check.boundary_edges, check.non_manifold_edges, check.non_manifold_vertices) == (0, 0, 1)
    assert check.is_closed
    assert not check.is_sound


def test_open_fans_that_meet_in_a_point_are_pinched_there_only() -> None:
    bow = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (-1, 0, 0), (-1, -1, 0)], np.float32)
    assert check_mesh(mesh(bow, np.array([[0, 1, 2], [0, 3, 4]], np.int32))).non_manifold_vertices == 1
    assert check_mesh(mesh(CORNERS, CUBE[1:])).non_manifold_vertices == 0
    turned = CUBE.copy()
    turned[::2] = turned[::2, ::-1]
    assert check_mesh(mesh(CORNERS, turned)).non_manifold_vertices == 0


def test_shells_are_counted() -> None:
    both = np.concatenate([CORNERS, CORNERS + np.array([5, 0, 0], np.float32)])
    assert check_mesh(mesh(both, np.concatenate([CUBE, CUBE + 8]))).shells == 2


def test_degenerate_triangle_is_counted() -> None:
    with_sliver = np.concatenate([CUBE, np.array([[2, 2, 7]], np.int32)])
    check = check_mesh(mesh(CORNERS, with_sliver))
    assert (check.degenerate_triangles, check.boundary_edges) == (1, 0)
    assert not check.is_sound


def test_nothing_is_not_a_closed_surface() -> None:
    check = check_mesh(mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)))
    assert (check.shells, check.is_closed) == (0, False)
