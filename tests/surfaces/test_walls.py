from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.walls import Walls, walls

CORNERS = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
CUBE = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]
)  # fmt: skip
TURN = Rotation.from_euler("xyz", [23, -41, 67], degrees=True)
FAR = np.array([120.0, -230.0, -1500.0])


def mesh(vertices: object, triangles: object) -> SurfaceMesh:
    return SurfaceMesh(np.asarray(vertices, np.float32), np.asarray(triangles, np.int32), structure_class(1, "liver"))


def placed(vertices: object, triangles: object) -> SurfaceMesh:
    """Turned, and as far from the origin as scans are."""
    return mesh(TURN.apply(np.asarray(vertices, float)) + FAR, triangles)


def tube(outer: float, length: float, sides: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """A closed cylinder along z."""
    angles = np.arange(sides) * 2 * np.pi / sides
    ring = np.stack([outer * np.cos(angles), outer * np.sin(angles)], axis=1)
    ends = [np.column_stack([ring, np.full(sides, z)]) for z in (0.0, length)]
    vertices = np.concatenate([*ends, [[0, 0, 0], [0, 0, length]]])
    n, after = np.arange(sides), np.roll(np.arange(sides), -1)
    walls_of = [np.stack([n, after, after + sides], 1), np.stack([n, after + sides, n + sides], 1)]
    caps = [
        np.stack([after, n, np.full(sides, 2 * sides)], 1),
        np.stack([n + sides, after + sides, np.full(sides, 2 * sides + 1)], 1),
    ]
    return vertices, np.concatenate([*walls_of, *caps])


def ball(radius: float, cuts: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """An octahedron, every triangle cut in four several times, on a sphere."""
    vertices = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)], float)
    triangles = np.array([(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)])
    for _ in range(cuts):
        a, b, c = (vertices[triangles[:, n]] for n in range(3))
        corners = np.concatenate([a, b, c, (a + b) / 2, (b + c) / 2, (c + a) / 2])
        n = np.arange(len(triangles)) + len(triangles) * np.arange(6)[:, None]
        vertices, places = np.unique(np.round(corners, 9), axis=0, return_inverse=True)
        cut = [(0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)]
        triangles = np.concatenate([places.ravel()[n[list(four)]].T for four in cut])
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True) * radius, triangles


def found_in(surface: SurfaceMesh) -> Walls:
    found = walls(surface)
    assert found is not None
    return found


def test_plate() -> None:
    found = found_in(placed(CORNERS * (60, 40, 1.2), CUBE))
    assert found.smallest_mm == pytest.approx(1.2, abs=1e-3)
    assert (found.first_percentile_mm, found.fifth_percentile_mm) == pytest.approx((1.2, 1.2), abs=1e-3)
    inside = TURN.inv().apply(np.array(found.place) - FAR)
    assert inside[2] == pytest.approx(0.6, abs=1e-3)
    assert (inside[:2] > 0).all()
    assert (inside[:2] < (60, 40)).all()


def test_cube_has_no_thin_wall_though_it_has_edges() -> None:
    found = found_in(placed(CORNERS * 30, CUBE))
    assert found.smallest_mm == pytest.approx(30.0, abs=1e-3)
    assert found.share == 1.0


def test_hollow_ball_is_as_thick_as_its_shell() -> None:
    outside, triangles = ball(20.0)
    inside, _ = ball(18.0)
    both = np.concatenate([triangles, triangles[:, ::-1] + len(outside)])
    found = found_in(placed(np.concatenate([outside, inside]), both))
    assert found.smallest_mm == pytest.approx(2.0, abs=0.03)
    assert found.fifth_percentile_mm == pytest.approx(2.0, abs=0.03)
    assert 17.9 < np.linalg.norm(np.array(found.place) - FAR) < 20.1
    assert found.share == pytest.approx(1.0, abs=0.01)


def test_rods_and_balls_are_as_thick_as_they_are_wide() -> None:
    rod = found_in(placed(*tube(1.5, 40.0)))
    assert rod.smallest_mm == pytest.approx(3.0, abs=0.02)
    assert found_in(placed(*ball(7.0))).smallest_mm == pytest.approx(14.0, abs=0.05)


@pytest.mark.parametrize(("angle", "thin"), [(15.0, True), (45.0, False), (90.0, False)])
def test_only_edges_sharper_than_thirty_degrees_are_thin(angle: float, thin: bool) -> None:
    height = 20.0 * np.tan(np.radians(angle))
    wedge = np.array([(0, 0, 0), (20, 0, 0), (20, 0, height), (0, 30, 0), (20, 30, 0), (20, 30, height)])
    sides = [(0, 1, 2), (3, 5, 4), (0, 3, 4), (0, 4, 1), (1, 4, 5), (1, 5, 2), (2, 5, 3), (2, 3, 0)]
    found = found_in(placed(wedge, sides))
    assert (found.smallest_mm < 1.0) == thin


def test_small_thin_place_of_a_large_part_is_found_where_it_is() -> None:
    vertices, triangles = ball(40.0, 6)
    dent = vertices.copy()
    # Pressed in from above and from below, down to 0.5 mm, on less than a thousandth of the surface.
    close = np.hypot(vertices[:, 0], vertices[:, 1]) < 2.5
    dent[close, 2] = np.sign(vertices[close, 2]) * 0.25
    found = found_in(placed(dent, triangles))
    assert found.smallest_mm == pytest.approx(0.5, abs=0.01)
    assert found.fifth_percentile_mm > 20.0
    np.testing.assert_allclose(TURN.inv().apply(np.array(found.place) - FAR), 0.0, atol=2.5)


def test_the_next_exit_counts_not_the_far_side_of_another_piece() -> None:
    two = np.concatenate([CORNERS * (20, 20, 1), CORNERS * (20, 20, 3) + (0, 0, 5)])
    found = found_in(placed(two, np.concatenate([CUBE, CUBE + 8])))
    assert found.smallest_mm == pytest.approx(1.0, abs=1e-3)
    assert found.fifth_percentile_mm == pytest.approx(1.0, abs=1e-3)


def test_walls_are_the_same_every_time_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    surface = placed(*ball(12.0, 4))
    first = found_in(surface)
    assert found_in(surface) == first
    monkeypatch.setattr("tsdesktop.surfaces.triangle_tree._BLOCK", 500)
    assert found_in(surface) == first


def test_nothing_faces_away_from_anything() -> None:
    pyramid = [(0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10)]
    assert walls(mesh(pyramid, [(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])) is None
    assert walls(mesh(np.zeros((0, 3)), np.zeros((0, 3), int))) is None
    assert walls(mesh([(0, 0, 0), (1, 0, 0), (2, 0, 0)], [(0, 1, 2)])) is None
    assert walls(mesh([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)])) is None
