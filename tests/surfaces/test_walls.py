from __future__ import annotations

import itertools

import manifold3d
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


def found_in(surface: SurfaceMesh, limit_mm: float = 0.8) -> Walls:
    found = walls(surface, limit_mm)
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


def wedge(angle: float, depth: float = 20.0, blunt: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Its edge along y, `blunt` mm thick, its sides `angle` degrees apart."""
    high = depth * np.tan(np.radians(angle))
    profile = [(0, 0), (depth, 0), (depth, blunt + high), (0, blunt)] if blunt else [(0, 0), (depth, 0), (depth, high)]
    return drawn_out(profile, 30.0)


def drawn_out(profile: list[tuple[float, float]], length: float) -> tuple[np.ndarray, np.ndarray]:
    """A polygon in x and z, counterclockwise, drawn out along y."""
    return made(manifold3d.CrossSection([np.array(profile, float)]).extrude(length).rotate((90, 0, 0)))


def made(solid: manifold3d.Manifold) -> tuple[np.ndarray, np.ndarray]:
    whole = solid.to_mesh64()
    return np.array(whole.vert_properties)[:, :3], np.array(whole.tri_verts, np.int64)


def box(x: float, y: float, z: float) -> manifold3d.Manifold:
    """Its lowest side in the middle of z = 0."""
    return manifold3d.Manifold.cube((x, y, z), True).translate((0, 0, z / 2))


@pytest.mark.parametrize(("angle", "thin"), [(8.0, True), (16.0, False), (25.0, False), (45.0, False), (75.0, False)])
def test_edges_are_no_thin_walls_unless_they_are_blades(angle: float, thin: bool) -> None:
    found = found_in(placed(*wedge(angle)))
    assert (found.smallest_mm < 0.776) == thin


@pytest.mark.parametrize("limit_mm", [0.5, 0.8])
def test_a_sheet_that_ends_like_a_knife_is_thin(limit_mm: float) -> None:
    found = found_in(placed(*wedge(0.9, 25.0, 0.1)), limit_mm)
    assert 0.1 < found.smallest_mm < 0.2 + 4.0 * limit_mm * np.tan(np.radians(0.9))
    assert found.first_percentile_mm < limit_mm


@pytest.mark.parametrize(("tall", "thin"), [(0.8, False), (2.0, False), (6.0, True), (15.0, True)])
def test_a_rib_on_a_plate_is_thin_letters_on_it_are_not(tall: float, thin: bool) -> None:
    plate = box(40, 30, 3)
    found = found_in(placed(*made(plate + box(0.5, 20, 3 + tall))))
    assert (found.smallest_mm < 0.6) == thin
    assert thin or found.smallest_mm >= 0.8
    if thin:
        assert found.smallest_mm == pytest.approx(0.5, abs=0.01)


def test_a_groove_that_leaves_a_thin_floor_is_found_one_as_narrow_as_letters_is_not() -> None:
    plate, groove = box(40, 30, 3), box(40, 1.5, 3).translate((0, 0, 0.4))
    assert found_in(placed(*made(plate - groove))).smallest_mm >= 0.8
    wide = groove.scale((1, 8, 1))
    assert found_in(placed(*made(plate - wide))).smallest_mm == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("sides", [(0.5, 0.5), (0.3, 1.0), (0.3, 3.0)])
def test_thin_rods_and_strips_are_found(sides: tuple[float, float]) -> None:
    found = found_in(placed(CORNERS * (*sides, 40), CUBE))
    assert found.smallest_mm == pytest.approx(sides[0], abs=0.01)


def test_a_thread_is_found() -> None:
    assert found_in(placed(*tube(0.25, 40.0))).smallest_mm == pytest.approx(0.5, abs=0.01)


def test_a_thin_shell_and_a_thin_pipe_are_found_however_bent() -> None:
    for radius in (2.0, 20.0):
        outside, triangles = ball(radius)
        inside, _ = ball(radius - 0.5)
        both = np.concatenate([triangles, triangles[:, ::-1] + len(outside)])
        found = found_in(placed(np.concatenate([outside, inside]), both))
        # Along a bent shell the way across it is a little longer.
        assert 0.49 < found.smallest_mm < 0.6
        assert found.fifth_percentile_mm < 0.8
    pipe = manifold3d.Manifold.cylinder(30, 1.2, 1.2, 60) - manifold3d.Manifold.cylinder(30, 0.7, 0.7, 60)
    assert found_in(placed(*made(pipe))).smallest_mm < 0.6


def test_half_a_ball_has_no_thin_rim() -> None:
    whole = manifold3d.Manifold.sphere(20, 160)
    for height in (0.0, 15.0, 18.0):
        piece = whole.trim_by_plane((0.0, 0.0, 1.0), height)
        assert found_in(placed(*made(piece))).smallest_mm >= 0.776


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
    assert walls(mesh(pyramid, [(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)]), 0.8) is None
    assert walls(mesh(np.zeros((0, 3)), np.zeros((0, 3), int)), 0.8) is None
    assert walls(mesh([(0, 0, 0), (1, 0, 0), (2, 0, 0)], [(0, 1, 2)]), 0.8) is None
    assert walls(mesh([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)]), 0.8) is None
