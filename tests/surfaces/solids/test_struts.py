"""Rods: as few as needed, as long as allowed, sunk into both pieces."""

from __future__ import annotations

import numpy as np
import pytest
from manifold3d import Manifold

from tests.surfaces.solids.bodies import Told, ball, box
from tests.surfaces.solids.test_solids import far, is_fit, mm3
from tsdesktop.core.printing import Struts
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.solids.steps import Parts
from tsdesktop.surfaces.solids.struts import struts


def balls(*places: float) -> Parts:
    names = ("liver", "spleen", "heart", "stomach", "pancreas")
    return tuple(far(ball(10, (x, 0, 0)), name) for x, name in zip(places, names, strict=False))


def test_three_balls_in_a_row_get_two_rods_and_are_one_shell() -> None:
    told = Told()
    (made,) = struts(balls(0, 25, 60), Struts(3.0, 20.0), told.context)
    assert check_mesh(made).shells == 1 and is_fit(made)
    rods = mm3(made) - 3 * ball(10).volume()
    # Gaps of 5 and 15 mm, but none of 40 mm from the first to the last.
    assert rods == pytest.approx(np.pi * 1.5**2 * 20.0, rel=0.03)
    assert made.name == "merged" and told.ids == []


def test_a_gap_too_long_stays_and_is_told() -> None:
    told = Told()
    parts = balls(0, 25, 60)
    made = struts(parts, Struts(3.0, 10.0), told.context)
    assert [part.name for part in made] == ["merged", "heart"]
    assert made[1] is parts[2]
    assert told.ids == ["note.solid_apart"]
    assert told.notes[0].sentence.startswith("2 pieces stay apart")


def test_pieces_of_one_part_are_connected_and_it_keeps_its_name() -> None:
    part = far(ball(10) + ball(10, (25, 0, 0)) + ball(10, (0, 25, 0)))
    (made,) = struts((part,), Struts(3.0, 10.0), Told().context)
    assert made.name == "liver" and check_mesh(made).shells == 1
    assert mm3(made) - mm3(part) == pytest.approx(np.pi * 1.5**2 * 10.0, rel=0.03)


def test_groups_far_from_each_other_are_named_apart() -> None:
    made = struts(balls(0, 25, 100, 125), Struts(3.0, 6.0), Told().context)
    assert [part.name for part in made] == ["merged", "merged 2"]


@pytest.mark.parametrize("apart", [19.0, 20.0, 20.03])
def test_pieces_that_touch_or_overlap_hold_together(apart: float) -> None:
    (made,) = struts(balls(0, apart), Struts(3.0, 6.0), Told().context)
    assert check_mesh(made).shells == 1 and is_fit(made)


def test_a_rod_does_not_come_out_of_a_thin_plate_on_the_other_side() -> None:
    plates = far(box((20, 20, 2))), far(box((20, 20, 2), (0, 0, 12)), "spleen")
    (made,) = struts(plates, Struts(4.0, 20.0), Told().context)
    assert np.ptp(made.bounds_mm, axis=0)[2] == pytest.approx(14.0, abs=1e-3)
    assert mm3(made) - 2 * 800.0 == pytest.approx(np.pi * 2.0**2 * 10.0, rel=0.03)


def test_one_piece_alone_is_not_touched() -> None:
    told = Told()
    parts = balls(0)
    assert struts(parts, Struts(), told.context)[0] is parts[0] and told.ids == []
    shell = (far(ball(10) - ball(5)),)
    assert struts(shell, Struts(), told.context)[0] is shell[0] and told.ids == []


def test_a_turned_chain_needs_the_same_rods() -> None:
    chain = ball(6) + ball(6, (15, 0, 0)) + ball(6, (15, 15, 0)) + ball(6, (15, 15, 15))
    turned = [far(solid) for solid in (chain, chain.rotate((25, 50, 75)))]
    rods = [mm3(struts((part,), Struts(2.0, 5.0), Told().context)[0]) - mm3(part) for part in turned]
    assert rods == pytest.approx([np.pi * 9.0] * 2, rel=0.05)
    assert isinstance(chain, Manifold)
