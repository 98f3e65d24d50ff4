from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tsdesktop.core.errors import ExportError
from tsdesktop.core.printers import print_limits
from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.fixes import MESH_FIXES, fixed
from tsdesktop.surfaces.fixes import mended as all_mended
from tsdesktop.surfaces.preflight import preflight
from tsdesktop.surfaces.recipe_fixes import RECIPE_FIXES

CORNERS = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
CUBE = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]
)  # fmt: skip
LIMITS = print_limits()
TURN = Rotation.from_euler("xyz", [23, -41, 67], degrees=True)
FAR = np.array([120.0, -230.0, -1500.0])


def mesh(vertices: object, triangles: object) -> SurfaceMesh:
    """Turned, and as far from the origin as scans are."""
    places = TURN.apply(np.asarray(vertices, float)) + FAR
    return SurfaceMesh(places.astype(np.float32), np.asarray(triangles, np.int32), structure_class(1, "liver"))


def cube(size: float = 10.0, at: tuple[float, float, float] = (0, 0, 0)) -> SurfaceMesh:
    return mesh(CORNERS * size + at, CUBE)


def together(*meshes: SurfaceMesh) -> SurfaceMesh:
    starts = np.cumsum([0, *(len(each.vertices_ras) for each in meshes)])
    triangles = [each.triangles + start for each, start in zip(meshes, starts, strict=False)]
    vertices = np.concatenate([each.vertices_ras for each in meshes])
    return SurfaceMesh(vertices, np.concatenate(triangles), meshes[0].structure)


def inward(surface: SurfaceMesh) -> SurfaceMesh:
    return replace(surface, triangles=surface.triangles[:, ::-1])


def ball(radius: float, at: tuple[float, float, float] = (0, 0, 0), rings: int = 20) -> SurfaceMesh:
    lower = np.linspace(0, np.pi, rings + 1)[1:-1]
    around = np.arange(2 * rings) * np.pi / rings
    theta, phi = (each.ravel() for each in np.meshgrid(lower, around, indexing="ij"))
    globe = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=1)
    number = np.arange(len(globe)).reshape(rings - 1, -1)
    after = np.roll(number, -1, axis=1)
    a, b, c, d = (each.ravel() for each in (number[:-1], number[1:], after[1:], after[:-1]))
    top, bottom = np.full(2 * rings, len(globe)), np.full(2 * rings, len(globe) + 1)
    triangles = [
        np.stack([a, b, c], 1), np.stack([a, c, d], 1),
        np.stack([top, number[0], after[0]], 1), np.stack([bottom, after[-1], number[-1]], 1),
    ]  # fmt: skip
    return mesh(np.concatenate([globe, [[0, 0, 1], [0, 0, -1]]]) * radius + at, np.concatenate(triangles))


def offered(surface: SurfaceMesh, finding: str) -> str:
    """The fix that the preflight offers for a finding that is not good."""
    found = preflight(surface, LIMITS)[finding]
    assert found.light != "good"
    return found.fix


def mended(surface: SurfaceMesh, finding: str) -> SurfaceMesh:
    """The surface after the fix that is offered, which has to take the finding away."""
    better = fixed(surface, offered(surface, finding))
    assert preflight(better, LIMITS)[finding].light == "good"
    return better


def test_every_fix_is_one_of_the_mesh_or_of_the_recipe() -> None:
    assert set(MESH_FIXES) & set(RECIPE_FIXES) == {"remove-small-pieces"}
    with pytest.raises(KeyError):
        fixed(cube(), "thicken")


@pytest.mark.parametrize("fix", MESH_FIXES)
def test_a_whole_mesh_stays_as_it_is(fix: str) -> None:
    surface = together(ball(10.0), inward(ball(8.0)))
    better = fixed(surface, fix)
    assert preflight(better, LIMITS).is_whole
    assert better.volume_ml == pytest.approx(surface.volume_ml, rel=1e-6)
    assert len(better.triangles) == len(surface.triangles)


def test_double_and_degenerate_triangles_go() -> None:
    surface = cube()
    extra = np.array([surface.triangles[3], surface.triangles[5][[1, 2, 0]], [2, 2, 7]], np.int32)
    better = mended(replace(surface, triangles=np.concatenate([surface.triangles, extra])), "degenerate")
    assert len(better.triangles) == 12
    assert check_mesh(better).is_sound


def test_cubes_that_share_a_face_become_one_body() -> None:
    better = mended(together(cube(8.0), cube(8.0, (8.0, 0, 0))), "degenerate")
    assert check_mesh(better).is_sound
    assert better.volume_ml * 1000 == pytest.approx(1024.0, rel=1e-4)
    assert check_mesh(better).shells == 1


@pytest.mark.parametrize("shift", [(8.0, 8.0, 0.0), (8.0, 8.0, 8.0)], ids=["edge", "corner"])
def test_cubes_that_meet_in_an_edge_or_a_corner_are_separated(shift: tuple[float, float, float]) -> None:
    upright = CORNERS.astype(np.float32) * 8
    surface = SurfaceMesh(
        np.concatenate([upright, upright + np.array(shift, np.float32)]),
        np.concatenate([CUBE, CUBE + 8]).astype(np.int32),
        structure_class(1, "liver"),
    )
    better = mended(surface, "manifold")
    assert preflight(better, LIMITS).is_whole
    assert check_mesh(better).shells == 2
    assert better.volume_ml * 1000 == pytest.approx(1024.0, rel=2e-3)


def test_tunnel_between_voxels_that_meet_in_an_edge_stays_two_bodies_where_solid_is_outside_too() -> None:
    # Four cubes around an edge, two opposite ones missing, closed to one body by a slab below.
    voxels = np.zeros((4, 4, 4), bool)
    voxels[1:3, 1:3, 1] = True
    voxels[1, 1, 2] = voxels[2, 2, 2] = True
    better = mended(voxel_surface(voxels), "manifold")
    assert preflight(better, LIMITS).is_whole
    assert check_mesh(better).shells == 1


def voxel_surface(voxels: NDArray[np.bool_]) -> SurfaceMesh:
    """The faces of voxels as they are, with shared corners: not manifold where voxels meet at edges and corners."""
    triangles = []
    for place in np.argwhere(voxels):
        for axis, side in itertools.product(range(3), (0, 1)):
            beside = place.copy()
            beside[axis] += 2 * side - 1
            if voxels[tuple(beside)]:
                continue
            u, v = np.eye(3, dtype=int)[(axis + 1) % 3], np.eye(3, dtype=int)[(axis + 2) % 3]
            start = place + side * np.eye(3, dtype=int)[axis]
            four = [start, start + u, start + u + v, start + v]
            four = four if side else four[::-1]
            triangles += [[four[0], four[1], four[2]], [four[0], four[2], four[3]]]
    places, numbers = np.unique(np.array(triangles).reshape(-1, 3), axis=0, return_inverse=True)
    return SurfaceMesh(
        places.astype(np.float32) * 5.0, numbers.reshape(-1, 3).astype(np.int32), structure_class(1, "liver")
    )


def test_noise_is_made_manifold_without_losing_volume() -> None:
    voxels = np.pad(np.random.default_rng(7).random((7, 7, 7)) < 0.4, 1)
    surface = voxel_surface(voxels)
    assert check_mesh(surface).non_manifold_edges > 50
    better = mended(surface, "manifold")
    assert check_mesh(better).is_sound
    assert better.volume_ml == pytest.approx(surface.volume_ml, rel=0.01)


def test_turned_triangles_and_pieces_face_outward_again() -> None:
    surface = together(ball(10.0), ball(8.0), inward(ball(3.0, (30.0, 0, 0))), ball(2.0))
    triangles = surface.triangles.copy()
    triangles[5:300:7] = triangles[5:300:7, ::-1]
    better = mended(replace(surface, triangles=triangles), "outward")
    # A ball with a cavity, in which there is a smaller ball, and another one beside it.
    expected = sum(sign * r**3 for sign, r in ((1, 10.0), (-1, 8.0), (1, 3.0), (1, 2.0))) * 4 / 3 * np.pi
    assert better.volume_ml * 1000 == pytest.approx(expected, rel=0.02)


def test_surface_with_one_side_is_left_as_it_is() -> None:
    around = np.arange(24) * 2 * np.pi / 24
    half = [np.cos(around / 2) * s for s in (-2.0, 2.0)], [np.sin(around / 2) * s for s in (-2.0, 2.0)]
    rims = [
        np.stack([(10 + half[0][n]) * np.cos(around), (10 + half[0][n]) * np.sin(around), half[1][n]], 1)
        for n in (0, 1)
    ]
    n = np.arange(23)
    strip = [np.stack([n, n + 1, n + 25], 1), np.stack([n, n + 25, n + 24], 1), np.array([[23, 24, 0], [23, 0, 47]])]
    # The last square joins each rim to the other one.
    surface = mesh(np.concatenate(rims), np.concatenate(strip))
    assert offered(surface, "outward") == "flip"
    assert len(fixed(surface, "flip").triangles) == len(surface.triangles)


@pytest.mark.parametrize("missing", [[0], [3, 4], [0, 1, 2, 3], list(range(100, 260, 3))])
def test_holes_are_filled(missing: list[int]) -> None:
    surface = ball(10.0)
    open_one = replace(surface, triangles=np.delete(surface.triangles, missing, axis=0))
    better = mended(open_one, "closed")
    assert check_mesh(better).is_sound
    assert better.volume_ml == pytest.approx(surface.volume_ml, rel=0.01)


def test_cut_tube_becomes_a_tube_not_a_rod() -> None:
    angles = np.arange(40) * 2 * np.pi / 40
    ring = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    n, after = np.arange(40), np.roll(np.arange(40), -1)
    sides = np.concatenate([np.stack([n, after, after + 40], 1), np.stack([n, after + 40, n + 40], 1)])
    outer = mesh(np.concatenate([ring * 10, ring * 10 + (0, 0, 30)]), sides)
    inner = mesh(np.concatenate([ring * 6, ring * 6 + (0, 0, 30)]), sides[:, ::-1])
    better = mended(together(outer, inner), "closed")
    assert preflight(better, LIMITS).is_whole
    assert better.volume_ml * 1000 == pytest.approx(np.pi * (100 - 36) * 30, rel=0.01)


def test_rim_that_is_not_flat_is_filled() -> None:
    surface = ball(10.0)
    inside = TURN.inv().apply(surface.vertices_ras.astype(float) - FAR)
    gone = (inside[surface.triangles].mean(axis=1) @ (0.3, 0.2, 1.0)) > 5.0 + 2.0 * np.sin(
        4 * np.arctan2(*inside[surface.triangles].mean(axis=1)[:, :2].T)
    )
    better = mended(replace(surface, triangles=surface.triangles[~gone]), "closed")
    assert check_mesh(better).is_sound
    assert better.volume_ml < surface.volume_ml


def test_small_pieces_go_with_their_cavities_and_large_cavities_stay() -> None:
    surface = together(ball(20.0), inward(ball(2.0)), ball(3.0, (40.0, 0, 0)), inward(ball(2.0, (40.0, 0, 0))))
    assert offered(surface, "pieces") == "remove-small-pieces"
    better = fixed(surface, "remove-small-pieces")
    found = preflight(better, LIMITS)["pieces"]
    assert found.values == {"pieces": 1, "cavities": 1, "small": 0}
    assert better.volume_ml == pytest.approx(ball(20.0).volume_ml - ball(2.0).volume_ml, rel=1e-4)
    assert preflight(mended(together(ball(20.0), ball(1.0, (40.0, 0, 0))), "pieces"), LIMITS).is_whole


def test_bodies_that_run_through_each_other_become_one() -> None:
    better = mended(together(ball(10.0), ball(10.0, (10.0, 0.5, 0.3))), "self-intersections")
    assert preflight(better, LIMITS).is_whole
    assert check_mesh(better).shells == 1
    # Two balls whose centres are one radius apart: 27/16 of one.
    assert better.volume_ml / ball(10.0).volume_ml == pytest.approx(27 / 16, rel=0.02)


def test_fold_is_relaxed_where_it_is_and_nowhere_else() -> None:
    surface = ball(10.0)
    vertices = surface.vertices_ras.copy()
    pulled = int(surface.triangles[len(surface.triangles) // 2, 0])
    vertices[pulled] -= 1.15 * (vertices[pulled] - vertices.mean(axis=0)) * 2.0
    better = mended(surface.with_vertices(vertices), "self-intersections")
    assert preflight(better, LIMITS).is_whole
    assert better.volume_ml == pytest.approx(surface.volume_ml, rel=0.02)
    kept = {tuple(each) for each in better.vertices_ras.tolist()} & {tuple(each) for each in vertices.tolist()}
    assert 0.5 < len(kept) / len(vertices) < 1.0


def test_what_cannot_be_resolved_is_told() -> None:
    # Loose triangles through each other: relaxed, they would only shrink.
    spokes = mesh(np.random.default_rng(1).normal(size=(60, 3)) * 9, np.arange(60).reshape(-1, 3))
    assert offered(spokes, "self-intersections") == "resolve"
    with pytest.raises(ExportError, match="still runs through itself"):
        fixed(spokes, "resolve")


def test_all_that_is_wrong_is_mended_at_once() -> None:
    torn = cube()
    triangles = np.concatenate([torn.triangles[1:6], torn.triangles[6:, ::-1], torn.triangles[8:9, ::-1]])
    torn = replace(torn, triangles=triangles.astype(np.int32))
    assert not preflight(torn, LIMITS).is_whole
    better = all_mended(torn)
    assert preflight(better, LIMITS).is_whole
    assert better.volume_ml == pytest.approx(cube().volume_ml, rel=1e-5)
    assert np.array_equal(all_mended(torn).vertices_ras, better.vertices_ras)
    assert all_mended(better) is better


def test_what_cannot_be_mended_is_told() -> None:
    spokes = mesh(np.random.default_rng(1).normal(size=(60, 3)) * 9, np.arange(60).reshape(-1, 3))
    with pytest.raises(ExportError):
        all_mended(spokes)
