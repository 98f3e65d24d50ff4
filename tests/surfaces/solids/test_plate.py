"""Plates: sizes by formulas, everything one solid, floating pieces held."""

from __future__ import annotations

import numpy as np
import pytest

from tests.surfaces.solids.bodies import Told, ball, box, mesh_of, pieces, size_of
from tsdesktop.core.printing import Plate
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.solids.plate import add_plate, plate_of, plated

FAR = (150.0, -80.0, -1400.0)
SUNK = 0.4


def test_a_block_on_a_plate_has_the_volume_of_both() -> None:
    told = Told()
    (made,) = add_plate((mesh_of(box((40, 30, 20), FAR)),), Plate(3.0, 5.0), told.context)
    corner = 5.0  # as large as the margin
    plate = (50.0 * 40.0 - (4.0 - np.pi) * corner**2) * 3.0
    assert made.volume_ml * 1000.0 == pytest.approx(plate + 40.0 * 30.0 * (20.0 - SUNK), rel=1e-3)
    assert size_of(made) == pytest.approx([50, 40, 23 - SUNK], abs=1e-3)
    assert made.bounds_mm[0] == pytest.approx([-25, -20, 0], abs=1e-3)
    assert made.bounds_mm[0, 2] == 0.0
    assert check_mesh(made).is_sound and pieces(made) == 1
    assert made.name == "liver" and told.ids == []


def test_an_ellipse_holds_every_corner_within_the_margin() -> None:
    solid = plated([box((40, 20, 10))], Plate(2.0, 4.0, "ellipse")).solid
    found = plate_of(solid)
    assert found is not None
    # The smallest ellipse of the same proportions around a rectangle is wider by the root of two.
    half = np.array([20.0, 10.0]) * np.sqrt(2.0) + 4.0
    assert found.outline.bounds() == pytest.approx([-half[0], -half[1], half[0], half[1]], abs=0.02)
    assert found.outline.area() == pytest.approx(np.pi * half[0] * half[1], rel=1e-3)
    assert (found.bottom_mm, found.top_mm) == (0.0, 2.0)


def test_without_margin_the_plate_is_as_large_as_the_block() -> None:
    (made,) = add_plate((mesh_of(box((40, 30, 20))),), Plate(3.0, 0.0), Told().context)
    assert made.volume_ml * 1000.0 == pytest.approx(40.0 * 30.0 * (23.0 - SUNK), rel=1e-4)


def test_pieces_in_the_air_get_columns_and_all_is_one_solid() -> None:
    told = Told()
    parts = (mesh_of(ball(15, FAR)), mesh_of(ball(10, (200.0, -80.0, -1380.0)), "spleen"))
    (made,) = add_plate(parts, Plate(3.0, 5.0), told.context)
    assert check_mesh(made).is_sound and pieces(made) == 1
    assert made.name == "merged" and made.structure.rgb == parts[0].structure.rgb
    assert told.ids == ["note.plate_columns"] and told.notes[0].arguments["pieces"] == 1


def test_a_column_reaches_from_the_plate_into_what_it_holds() -> None:
    made = plated([ball(15), ball(10, (50.0, 0.0, 40.0))], Plate(3.0, 5.0))
    assert made.held_pieces == 1
    (column,) = made.columns
    # The lowest point of the small ball lies 45 mm above that of the large one, which is sunk into the plate.
    assert 3.0 - SUNK + 45.0 < column.top_mm < 3.0 - SUNK + 45.0 + 1.5
    across = made.solid.slice(20.0)
    assert across.area() == pytest.approx(
        np.pi * column.radius_mm**2 + np.pi * (15.0**2 - (20.0 - 17.6) ** 2), rel=5e-3
    )


def test_a_wide_piece_in_the_air_stands_on_three_columns() -> None:
    made = plated([box((20, 20, 20)), box((100, 80, 5), (0.0, 90.0, 40.0))], Plate(3.0, 5.0))
    assert len(made.columns) == 3
    spots = np.array([(each.x, each.y) for each in made.columns])
    area = abs(np.linalg.det(np.c_[spots, np.ones(3)])) / 2.0
    assert area > 0.25 * 100.0 * 80.0


def test_something_that_touches_in_a_point_is_held_as_well() -> None:
    needle = box((1, 1, 1)).hull_points([[0.0, 0.0, 0.0], [20, 20, 60], [-20, 20, 60], [0, -20, 60]])
    made = plated([needle], Plate(3.0, 5.0))
    assert made.held_pieces == 1
    assert len(made.solid.decompose()) == 1


def test_a_cavity_stays_a_cavity() -> None:
    hollow = ball(20) - ball(15)
    (made,) = add_plate((mesh_of(hollow),), Plate(3.0, 5.0), Told().context)
    assert pieces(made) == 2
    assert made.volume_ml < (ball(20).volume() + 60.0 * 60.0 * 3.0) / 1000.0 - 10.0


def test_a_thin_plate_is_not_pierced() -> None:
    solid = plated([box((20, 20, 20))], Plate(0.3, 5.0)).solid
    assert solid.bounding_box()[2] == 0.0
    assert solid.bounding_box()[5] == pytest.approx(20.15)


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
def test_a_plate_is_found_below_a_model_whose_top_is_larger_than_its_free_room(shape: str) -> None:
    found = plate_of(plated([box((80, 60, 20))], Plate(3.0, 4.0, shape)).solid)  # type: ignore[arg-type]
    assert found is not None and (found.bottom_mm, found.top_mm) == (0.0, 3.0)


def test_what_has_no_plate_is_not_taken_for_one() -> None:
    dome = ball(20).trim_by_plane((0, 0, 1), 0.0)
    bowl = dome.rotate((180.0, 0.0, 0.0))
    assert [plate_of(each) for each in (ball(20), box((20, 20, 20)), dome, bowl)] == [None] * 4
