"""Stands: how high, one solid, and stable."""

from __future__ import annotations

import numpy as np
import pytest

from tests.surfaces.solids.bodies import Told, ball, box, mesh_of, pieces, size_of
from tsdesktop.core.printing import Stand
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.solids.stand import add_stand, centre_of_mass, foot_thickness_mm, standing

FAR = (150.0, -80.0, -1400.0)


def test_the_part_is_held_at_that_height_and_all_is_one_solid() -> None:
    (made,) = add_stand((mesh_of(ball(20, FAR)),), Stand(15.0, 6.0), Told().context)
    assert check_mesh(made).is_sound and pieces(made) == 1
    assert made.bounds_mm[0, 2] == 0.0
    assert size_of(made)[2] == pytest.approx(3.0 + 15.0 + 40.0, abs=1e-3)


def test_between_foot_and_part_there_are_only_columns() -> None:
    solid, columns = standing([box((60, 50, 10))], Stand(20.0, 6.0))
    assert len(columns) == 3
    assert solid.slice(13.0).area() == pytest.approx(3.0 * np.pi * 9.0, rel=5e-3)
    assert all(each.top_mm == pytest.approx(3.0 + 20.0 + 0.5) for each in columns)


def test_volume_is_that_of_part_columns_and_foot() -> None:
    solid, columns = standing([ball(20)], Stand(15.0, 6.0))
    assert len(columns) == 1
    foot = solid.slice(1.0)
    above = solid.trim_by_plane((0, 0, 1), 3.0)
    assert solid.volume() == pytest.approx(foot.area() * 3.0 + above.volume(), rel=1e-6)
    bar = np.pi * 9.0 * 15.0
    assert above.volume() - bar - ball(20).volume() == pytest.approx(0.0, abs=np.pi * 9.0 * 0.5)


def test_the_foot_reaches_around_the_centre_of_mass() -> None:
    # A tall part that leans: its centre of mass does not lie above its lowest place.
    leaning = box((10, 10, 100)).rotate((0.0, 40.0, 0.0))
    solid, _ = standing([leaning], Stand(10.0, 5.0))
    x, y, z = centre_of_mass([solid])
    x0, y0, x1, y1 = solid.slice(1.0).bounds()
    assert min(x - x0, x1 - x, y - y0, y1 - y) > 0.1 * z


def test_every_piece_is_held() -> None:
    solid, columns = standing([ball(10), ball(10, (60.0, 0.0, 0.0)), ball(5, (30.0, 30.0, 30.0))], Stand(10.0, 4.0))
    assert len(solid.decompose()) == 1 and len(columns) == 3


def test_pieces_narrower_than_a_column_are_held_too() -> None:
    solid, columns = standing([ball(10), box((0.8, 0.8, 20), (30.0, 0.0, 20.0))], Stand(10.0, 6.0))
    assert len(solid.decompose()) == 1
    assert min(each.radius_mm for each in columns) <= 0.5


def test_a_wide_column_has_a_thick_foot() -> None:
    assert foot_thickness_mm(Stand(10.0, 4.0)) == 3.0
    assert foot_thickness_mm(Stand(10.0, 12.0)) == 6.0


def test_the_centre_of_mass_of_two_boxes_lies_between_them() -> None:
    assert centre_of_mass([box((10, 10, 10)), box((10, 10, 30), (40.0, 0.0, 0.0))]) == pytest.approx((30.0, 0.0, 0.0))
