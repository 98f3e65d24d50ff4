"""What a click on a finding does to a recipe."""

from __future__ import annotations

import pytest

from tsdesktop.core.printers import process
from tsdesktop.core.printing import (
    Cut,
    FitToBed,
    Hollow,
    LayFlat,
    Merge,
    Plate,
    PrintRecipe,
    RemoveIslands,
    Scale,
    Step,
    Struts,
    Thicken,
)
from tsdesktop.surfaces.recipe_fixes import RECIPE_FIXES, Ailing, recipe_with, with_step


def fixed(recipe: PrintRecipe, fix: str) -> PrintRecipe:
    return recipe_with(recipe, fix, Ailing(12.5, (0.7, 0.7, 3.0), process(recipe.process).smallest_wall_mm))


def test_thickening_comes_before_what_would_hide_thin_walls() -> None:
    recipe = PrintRecipe(steps=(Merge(), Hollow(), Plate()), process="fdm_0.25")
    assert [each.kind for each in fixed(recipe, "thicken").steps] == ["merge", "thicken", "hollow", "plate"]


def test_walls_of_a_part_printed_smaller_are_made_thicker_before() -> None:
    wall = fixed(PrintRecipe(), "thicken").steps[0]
    half = fixed(PrintRecipe(steps=(Scale(50.0),)), "thicken").steps[0]
    assert isinstance(wall, Thicken)
    assert isinstance(half, Thicken)
    assert half.thinnest_mm == 2 * wall.thinnest_mm


def test_second_click_changes_the_step_that_is_there() -> None:
    recipe = fixed(fixed(PrintRecipe(steps=(Merge(),)), "struts"), "struts")
    assert recipe.steps == (Merge(), Struts(longest_mm=2 * Struts().longest_mm))


def test_small_pieces_are_those_below_a_hundredth_of_the_part() -> None:
    assert fixed(PrintRecipe(), "remove-small-pieces").steps == (RemoveIslands(125.0),)


def test_small_pieces_that_a_cut_leaves_go_after_it() -> None:
    cut, islands = Cut((0, 0, 0), (1, 0, 0)), RemoveIslands(125.0)
    recipe = PrintRecipe(steps=(RemoveIslands(9.0), Hollow(), cut, LayFlat()))
    once = fixed(recipe, "remove-small-pieces")
    assert once.steps == (RemoveIslands(9.0), Hollow(), cut, islands, LayFlat())
    assert fixed(once, "remove-small-pieces") == once


def test_cavity_of_a_hollow_part_gets_a_hole_more_instead_of_being_filled() -> None:
    assert fixed(PrintRecipe(steps=(Hollow(drains=0),)), "fill-holes").steps == (Hollow(drains=2),)
    assert fixed(PrintRecipe(steps=(Hollow(drains=2),)), "fill-holes").steps == (Hollow(drains=3),)
    assert [each.kind for each in fixed(PrintRecipe(), "fill-holes").steps] == ["fill-holes"]


def test_part_is_laid_flat_before_it_is_fitted() -> None:
    assert fixed(PrintRecipe(steps=(FitToBed(),)), "lay-flat").steps == (LayFlat(), FitToBed())


def test_less_smoothing_goes_down_by_presets_then_in_mm() -> None:
    recipe = PrintRecipe(smoothing="very smooth")
    seen = []
    for _ in range(4):
        recipe = fixed(recipe, "smooth-less")
        seen.append((recipe.smoothing, recipe.smoothing_mm))
    assert seen == [("smooth", None), ("faithful", None), ("faithful", 3.0), ("faithful", 1.5)]


def test_step_of_another_kind_goes_to_the_end_where_it_belongs() -> None:
    cut = Cut((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    assert with_step(PrintRecipe(steps=(cut,)), LayFlat()).steps == (cut, LayFlat())


def test_saved_triangles_and_unknown_fixes() -> None:
    once = fixed(PrintRecipe(), "save-triangles")
    assert once.largest_error_mm == 0.05
    assert fixed(once, "save-triangles").largest_error_mm == 0.1
    assert fixed(once, "smooth-less").largest_error_mm == 0.025
    assert all(fixed(PrintRecipe(), fix) != PrintRecipe() for fix in RECIPE_FIXES if fix != "smooth-less")
    with pytest.raises(KeyError):
        fixed(PrintRecipe(), "fill")


def test_a_step_for_a_finding_stands_where_the_command_line_puts_it() -> None:
    steps: tuple[Step, ...] = (
        RemoveIslands(1.0), Merge(), Struts(), Thicken(1.0), Hollow(), Cut((0, 0, 0), (1, 0, 0)), Scale(50.0), Plate(),
        LayFlat(), FitToBed(),
    )  # fmt: skip
    recipe = PrintRecipe()
    for step in reversed(steps):
        recipe = with_step(recipe, step)
    assert recipe.steps == steps
