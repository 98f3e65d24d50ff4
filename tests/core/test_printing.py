"""Recipes for printing: what they refuse, and that they survive being written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tsdesktop.core.errors import ReadError
from tsdesktop.core.printing import (
    STEP_KINDS,
    Cut,
    FillHoles,
    FitToBed,
    Hollow,
    KeepLargest,
    Label,
    LayFlat,
    Merge,
    Plate,
    PrintRecipe,
    RemoveIslands,
    Scale,
    Stand,
    Struts,
    Thicken,
    recipe_from_json,
    recipe_json,
)

EVERYTHING = PrintRecipe(
    structures=("liver", "vertebrae_L4"),
    smoothing="very smooth",
    smoothing_mm=2.5,
    largest_error_mm=0.1,
    steps=(
        KeepLargest(),
        RemoveIslands(50.0),
        FillHoles(),
        Thicken(0.8),
        Merge("spine"),
        Struts(4.0, 12.5),
        Hollow(1.5, 3, 2.0),
        Cut((1.0, -20.5, -1400.0), (0.0, 0.6, 0.8), 3, 5.0, 0.15),
        Plate(2.0, 4.0, "ellipse"),
        Stand(20.0, 5.0),
        Label("Straße 7", 8.0, 1.0, True, "plate"),
        Scale(50.0),
        FitToBed(),
        LayFlat(),
    ),
    bed="prusa-mk4",
    process="fdm-0.4",
    custom_bed_mm=(200.0, 210.0, 220.5),
)


def with_step(**step: Any) -> str:
    return json.dumps({"print_recipe": 1, "steps": [step]})


def refused(text: str) -> str:
    with pytest.raises(ReadError) as error:
        recipe_from_json(text, "plan.json")
    sentence = error.value.sentence
    assert sentence.startswith("plan.json ") and sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_every_kind_of_step_comes_back_as_it_was_written() -> None:
    assert {type(step) for step in EVERYTHING.steps} == set(STEP_KINDS.values())
    assert recipe_from_json(recipe_json(EVERYTHING)) == EVERYTHING
    assert recipe_from_json(recipe_json(PrintRecipe())) == PrintRecipe()


def test_the_same_recipe_gives_the_same_text_with_letters_as_they_are() -> None:
    text = recipe_json(EVERYTHING)
    assert text == recipe_json(recipe_from_json(text))
    assert "Straße" in text


def test_what_is_left_out_has_its_default() -> None:
    recipe = recipe_from_json(with_step(kind="hollow", wall_mm=3))
    assert recipe == PrintRecipe(steps=(Hollow(3.0),))
    assert isinstance(recipe.steps[0], Hollow) and isinstance(recipe.steps[0].wall_mm, float)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("solid cube", "no JSON"),
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1, 2]", "not a recipe"),
        ("{}", "not a recipe"),
        ('{"print_recipe": true}', "not a recipe"),
        ('{"print_recipe": 2}', "newer version"),
        ('{"print_recipe": 1, "steps": {"kind": "merge"}}', "not a recipe"),
        ('{"print_recipe": 1, "structures": "liver"}', "not a recipe"),
        ('{"print_recipe": 1, "smoothing": "rough"}', "faithful, smooth, very smooth"),
        ('{"print_recipe": 1, "colour": "red"}', "colour is not known"),
        ('{"print_recipe": 1, "bed": 3}', "not of the kind str"),
        ('{"print_recipe": 1, "custom_bed_mm": [200, 200]}', "not three numbers"),
        (with_step(kind="melt"), "melt"),
        (with_step(kind=["merge"]), "merge"),
        (with_step(thinnest_mm=1), "None"),
        (with_step(kind="thicken", thinnest_mm=-1), "thinnest_mm must be from 0.05 to 50, got -1"),
        (with_step(kind="thicken", thinnest_mm="1"), "'1' is not a number"),
        (with_step(kind="thicken", width=1), "width is not known"),
        (with_step(kind="scale", percent=float("nan")), "percent must be"),
        (with_step(kind="hollow", drains=1.5), "not of the kind int"),
        (with_step(kind="cut"), "point_ras is missing"),
        (with_step(kind="cut", point_ras=[0, 0, 0], normal_ras=[0, 0, 0]), "normal_ras must point somewhere"),
        (with_step(kind="cut", point_ras=[0, 0], normal_ras=[0, 0, 1]), "not three numbers"),
        (with_step(kind="label", text=" "), "text must have 1 to 200 letters"),
        (with_step(kind="label", text="L", face="inside"), "face must be one of"),
    ],
)
def test_bad_text_is_refused_with_one_sentence_that_says_why(text: str, says: str) -> None:
    assert says in refused(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Thicken(0.0),
        lambda: Hollow(drains=-1),
        lambda: Struts(longest_mm=float("inf")),
        lambda: Merge(""),
        lambda: Cut((0.0, float("nan"), 0.0), (0.0, 0.0, 1.0)),
        lambda: Plate(shape="star"),  # type: ignore[arg-type]
        lambda: PrintRecipe(custom_bed_mm=(0.0, 200.0, 200.0)),
        lambda: PrintRecipe(structures=("",)),
        lambda: PrintRecipe(smoothing_mm=-1.0),
    ],
)
def test_values_refuse_what_cannot_be_printed(make: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        make()
