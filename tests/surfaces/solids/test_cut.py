"""Cuts: halves that add up, pins that fit their sockets, all of it inside the material."""

from __future__ import annotations

import numpy as np
import pytest
from manifold3d import Manifold

from tests.surfaces.solids.bodies import Told, ball, box
from tests.surfaces.solids.test_solids import FAR, far, is_fit, mm3
from tsdesktop.core.printing import Cut
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.solids.cut import cut, pin_places
from tsdesktop.surfaces.solids.manifolds import to_manifold

MIDDLE = (float(FAR[0]), float(FAR[1]), float(FAR[2]))


def halves(solid: Manifold, step: Cut, told: Told | None = None) -> tuple[SurfaceMesh, SurfaceMesh]:
    a, b = cut((far(solid),), step, (told or Told()).context)
    return a, b


@pytest.mark.parametrize("normal", [(0, 0, 1), (1, 0, 0), (0.3, -0.4, 1.0), (-2, 0, 0.1)], ids=str)
def test_halves_add_up_to_the_whole_and_are_closed(normal: tuple[float, float, float]) -> None:
    a, b = halves(ball(20), Cut(MIDDLE, normal))
    assert (a.name, b.name) == ("liver A", "liver B")
    assert mm3(a) + mm3(b) == pytest.approx(ball(20).volume(), rel=1e-5)
    assert is_fit(a) and is_fit(b)
    # A lies where the normal points.
    unit = np.array(normal) / np.linalg.norm(normal)
    heights = (a.vertices_ras - FAR) @ unit, (b.vertices_ras - FAR) @ unit
    assert heights[0].min() == pytest.approx(0.0, abs=2e-3) and heights[1].max() == pytest.approx(0.0, abs=2e-3)


def test_a_cut_beside_the_middle_cuts_the_cap_off() -> None:
    a, _ = halves(ball(20), Cut((MIDDLE[0], MIDDLE[1], MIDDLE[2] + 12.0), (0, 0, 1)))
    cap = 20.0 - 12.0
    assert mm3(a) == pytest.approx(np.pi * cap**2 * (3 * 20.0 - cap) / 3.0, rel=0.005)


def test_pins_and_sockets_have_the_volumes_of_their_sizes() -> None:
    pins, diameter, clearance = 4, 6.0, 0.2
    a, b = halves(box((40, 40, 40)), Cut(MIDDLE, (0, 0, 1), pins, diameter, clearance))
    assert is_fit(a) and is_fit(b) and check_mesh(a).shells == check_mesh(b).shells == 1
    half, radius = 40.0**3 / 2, diameter / 2
    tip = 0.2 * diameter
    narrow = radius - 0.5 * tip
    cone = np.pi * tip * (radius**2 + radius * narrow + narrow**2) / 3.0
    pin = np.pi * radius**2 * (diameter - tip) + cone
    assert mm3(a) - half == pytest.approx(pins * pin, rel=0.01)
    socket = np.pi * (radius + clearance) ** 2 * (diameter + clearance)
    assert half - mm3(b) == pytest.approx(pins * socket, rel=0.01)


def test_pins_go_into_their_sockets_with_clearance_all_around() -> None:
    a, b = halves(ball(30).rotate((10, 0, 0)), Cut(MIDDLE, (0.2, 0.1, 1.0), 3, 6.0, 0.3))
    one, other = to_manifold(a, FAR), to_manifold(b, FAR)
    assert (one ^ other).volume() < 0.05
    unit = np.array((0.2, 0.1, 1.0)) / np.linalg.norm((0.2, 0.1, 1.0))
    # Only the pins, off the cut face: 48 corners instead of a circle cost a little of the clearance.
    pins, _ = one.split_by_plane(tuple(-unit), 0.35)
    assert len(pins.decompose()) == 3
    assert pins.min_gap(other, 1.0) == pytest.approx(0.3, abs=0.02)


def test_sockets_stay_inside_the_material() -> None:
    # Below the cut the part is a thin shelf on the left and deep on the right.
    part = box((60, 30, 20), (0, 0, 10)) + box((60, 30, 5), (0, 0, -2.5)) + box((20, 30, 30), (20, 0, -15))
    told = Told()
    _, b = halves(part, Cut(MIDDLE, (0, 0, 1), 6, 6.0, 0.2), told)
    places = pin_places(part, Cut(MIDDLE, (0, 0, 1), 6, 6.0, 0.2))
    assert len(places) >= 2 and np.all(places[:, 0] > 10.0 + 3.2)
    assert check_mesh(b).shells == 1
    border = 3.0 + 0.2 + 1.5
    assert np.all(np.abs(places[:, 1]) <= 15.0 - border + 0.7) and np.all(places[:, 0] <= 30.0 - border + 0.7)
    assert told.ids == ["note.solid_fewer_pins"]


def test_one_pin_stands_where_the_face_is_widest() -> None:
    wedge = (ball(12) + ball(5, (15, 0, 0))).translate((3, 4, 0))
    assert pin_places(wedge, Cut(MIDDLE, (0, 0, 1), 1))[0] == pytest.approx([3, 4], abs=1.5)


def test_a_face_too_small_for_a_pin_gets_none_and_says_so() -> None:
    told = Told()
    a, b = halves(ball(5), Cut(MIDDLE, (0, 0, 1), 2, 6.0), told)
    assert mm3(a) == pytest.approx(mm3(b), rel=1e-3)
    assert told.ids == ["note.solid_fewer_pins"]
    assert "0 of 2 pins" in told.notes[0].sentence


def test_parts_the_plane_does_not_meet_stay_whole() -> None:
    told = Told()
    parts = far(ball(5)), far(ball(5, (0, 0, 30)), "spleen")
    made = cut(parts, Cut(MIDDLE, (0, 0, 1)), told.context)
    assert [part.name for part in made] == ["liver A", "liver B", "spleen"]
    assert made[2] is parts[1] and told.ids == ["note.solid_not_cut"]
    told = Told()
    assert len(cut((*parts, far(ball(5, (0, 0, -30)), "heart")), Cut(MIDDLE, (0, 0, 1)), told.context)) == 4
    assert told.ids == ["note.solid_some_not_cut"]
