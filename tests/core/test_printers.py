from __future__ import annotations

import pytest

from tsdesktop.core.errors import OptionsError
from tsdesktop.core.printers import Bed, bed, beds, custom_bed, print_limits, process, processes


def test_known_printers_have_the_space_their_makers_state() -> None:
    assert bed("prusa_mk4").size_mm == (250, 210, 220)
    assert bed("bambu_a1_mini").size_mm == (180, 180, 180)
    assert bed("ultimaker_s5").size_mm == (330, 240, 300)
    assert bed("elegoo_mars_4").size_mm == (153.36, 77.76, 175)
    assert len(beds()) >= 15


def test_ids_and_titles_are_unique_and_sizes_are_those_of_printers() -> None:
    for table in (beds(), processes()):
        assert len({each.id for each in table}) == len({each.title for each in table}) == len(table)
    assert all(50 <= side <= 500 for each in beds() for side in each.size_mm)


def test_a_wall_is_two_lines_of_the_nozzle() -> None:
    for nozzle in (0.25, 0.4, 0.6, 0.8):
        assert process(f"fdm_{nozzle}").smallest_wall_mm == pytest.approx(2 * nozzle)
    assert process("resin").smallest_wall_mm == 0.5
    assert process("sls").smallest_wall_mm == process("mjf").smallest_wall_mm == 0.7


def test_densities_and_what_is_taken_when_nothing_is_chosen() -> None:
    assert process().id == "fdm_0.4"
    assert process().material().density_g_per_ml == 1.24
    assert process().material("PETG").density_g_per_ml == 1.27
    assert process("sls").material("PA12").density_g_per_ml == 1.01
    assert all(0.9 < each.density_g_per_ml < 1.5 for one in processes() for each in one.materials)


@pytest.mark.parametrize("ask", [lambda: bed("prusa"), lambda: process("laser"), lambda: process().material("gold")])
def test_what_is_not_in_the_table_is_told_with_what_is(ask: object) -> None:
    with pytest.raises(OptionsError) as told:
        ask()  # type: ignore[operator]
    assert "is not a value of" in told.value.sentence
    assert "," in told.value.hint


def test_own_bed_must_have_three_lengths() -> None:
    assert custom_bed((300, 200, 150.5)).title == "300 x 200 x 150.5 mm"
    for size in ((300, 0, 10), (300, float("nan"), 10), (300, float("inf"), 10)):
        with pytest.raises(ValueError, match="three lengths"):
            custom_bed(size)
    with pytest.raises(ValueError, match="three lengths"):
        Bed("x", "x", (1.0, 2.0))  # type: ignore[arg-type]


def test_limits_of_what_was_chosen() -> None:
    assert not print_limits().bed
    assert print_limits().smallest_wall_mm == 0.8
    assert print_limits().grams(10.0) == pytest.approx(12.4)
    chosen = print_limits("prusa_mini", "sls", "TPU")
    assert chosen.bed == bed("prusa_mini")
    assert (chosen.process.id, chosen.material.name) == ("sls", "TPU")
    own = print_limits("prusa_mini", custom_bed_mm=(100, 90, 80)).bed
    assert own is not None
    assert list(own.size_mm) == [100, 90, 80]
    with pytest.raises(OptionsError):
        print_limits("nobody's")
