"""Hollow parts: walls by formula, drains that reach the cavity, thin parts left alone."""

from __future__ import annotations

import numpy as np
import pytest
from manifold3d import Manifold
from scipy.spatial import cKDTree

from tests.surfaces.solids.bodies import Told, ball, box
from tests.surfaces.solids.test_solids import FAR, far, is_fit, mm3
from tsdesktop.core.printing import Hollow
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.solids.hollow import hollow
from tsdesktop.surfaces.solids.manifolds import surface_of, to_manifold


def shells(mesh: SurfaceMesh) -> int:
    return check_mesh(mesh).shells


@pytest.mark.parametrize(("radius", "wall"), [(20, 2), (8, 1), (15, 4)])
def test_a_hollow_ball_has_the_volume_of_its_shell(radius: float, wall: float) -> None:
    told = Told()
    (made,) = hollow((far(ball(radius)),), Hollow(wall, 0), told.context)
    assert mm3(made) == pytest.approx(4 / 3 * np.pi * (radius**3 - (radius - wall) ** 3), rel=0.02)
    assert shells(made) == 2 and is_fit(made)
    assert told.ids == []


def test_the_wall_of_a_block_is_even() -> None:
    solid = box((30, 24, 18)).rotate((10, 20, 30))
    (made,) = hollow((far(solid),), Hollow(2.0, 0), Told().context)
    assert mm3(made) == pytest.approx(30 * 24 * 18 - 26 * 20 * 14, rel=0.02)
    cavity = min(to_manifold(made, FAR).decompose(), key=Manifold.volume)
    outside = cKDTree(surface_of(solid.refine_to_length(0.3))[0])
    # The nearest point of the outside is a vertex at most 0.2 mm from the true foot: hardly longer than the wall.
    walls = outside.query(surface_of(cavity)[0])[0]
    assert walls.min() > 1.9 and np.quantile(walls, 0.9) < 2.15


@pytest.mark.parametrize("count", [1, 3])
def test_drains_open_the_cavity_from_below(count: int) -> None:
    told = Told()
    closed, opened = (hollow((far(ball(14)),), Hollow(2.0, n, 4.0), told.context)[0] for n in (0, count))
    assert told.ids == []
    assert shells(closed) == 2 and shells(opened) == 1 and is_fit(opened)
    # A hole through a wall makes a tunnel more: one opens the shell, each other one adds a handle.
    assert to_manifold(opened, FAR).genus() == count - 1
    drilled = to_manifold(closed, FAR) - to_manifold(opened, FAR)
    assert drilled.volume() == pytest.approx(count * np.pi * 2.0**2 * 2.0, rel=0.1 if count == 1 else 0.3)
    assert drilled.bounding_box()[5] < -5.0
    assert drilled.bounding_box()[2] == pytest.approx(-14.0, abs=0.1)


def test_each_cavity_gets_a_drain_and_one_without_stays_solid() -> None:
    two = ball(10) + ball(8, (28, 0, 0)) + Manifold.cylinder(28, 1.2, circular_segments=24).rotate((0, 90, 0))
    told = Told()
    (both,) = hollow((far(two),), Hollow(1.5, 2, 4.0), told.context)
    assert shells(both) == 1 and told.ids == []
    (one,) = hollow((far(two),), Hollow(1.5, 1, 4.0), told.context)
    assert shells(one) == 1 and told.ids == ["note.solid_cavities"]
    # Where nothing could run out, nothing is taken out.
    assert mm3(one) - mm3(both) == pytest.approx(4 / 3 * np.pi * 6.5**3, rel=0.03)


@pytest.mark.parametrize("radius", [1.0, 2.5])
def test_a_part_too_thin_for_a_cavity_stays_solid_with_a_note(radius: float) -> None:
    told = Told()
    part = far(ball(radius))
    assert hollow((part,), Hollow(2.0), told.context)[0] is part
    assert told.ids == ["note.solid_too_thin"]
    assert "liver is too thin" in told.notes[0].sentence


def test_holes_that_do_not_fit_are_told() -> None:
    told = Told()
    (made,) = hollow((far(ball(20)),), Hollow(2.0, 20, 8.0), told.context)
    assert shells(made) == 1 and told.ids == ["note.solid_no_drain"]
    part = far(ball(5))
    told = Told()
    assert hollow((part,), Hollow(2.0, 1, 8.0), told.context)[0] is part
    assert told.ids == ["note.solid_no_drain", "note.solid_cavities"]


def test_the_wall_above_a_cavity_is_not_drilled() -> None:
    # The cavity of the upper block lies above a gap, below which another block stands.
    table = box((30, 30, 12), (0, 0, 20)) + box((4, 30, 30), (-13, 0, 0)) + box((30, 30, 12), (0, 0, -20))
    (made,) = hollow((far(table),), Hollow(1.5, 4, 3.0), Told().context)
    opened = to_manifold(made, FAR)
    for x, y in [(0, 0), (5, 5), (10, -10)]:
        assert len(opened.ray_cast((x, y, 18), (x, y, 40))) == 2
