"""What a click on "Fix" does: a step of the recipe where one helps, else the surface is mended as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.printing import (
    SMOOTHINGS,
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
    Step,
    Struts,
    Thicken,
)
from tsdesktop.gui.studio.engine import PartNumbers
from tsdesktop.gui.studio.printer_box import known_process
from tsdesktop.gui.studio.steps import step_title
from tsdesktop.gui.studio.workbench import Workbench
from tsdesktop.gui.words import QT_TRANSLATE_NOOP

_SMALL_SHARE = 0.01
_SAVED_MM = 0.05
_FIRST_DRAINS = 2
# Where in a recipe a step belongs that is added for a finding, the order of the command line.
_ORDER: tuple[type[Step], ...] = (
    KeepLargest, RemoveIslands, FillHoles, Merge, Struts, Thicken, Hollow, Cut, Plate, Stand, Label, Scale, LayFlat,
    FitToBed,
)  # fmt: skip
_TITLES: Mapping[str, str] = {
    "fill": QT_TRANSLATE_NOOP("PrintFixes", "Close"),
    "separate": QT_TRANSLATE_NOOP("PrintFixes", "Separate"),
    "clean": QT_TRANSLATE_NOOP("PrintFixes", "Remove"),
    "flip": QT_TRANSLATE_NOOP("PrintFixes", "Turn round"),
    "resolve": QT_TRANSLATE_NOOP("PrintFixes", "Mend"),
    "remove-small-pieces": QT_TRANSLATE_NOOP("PrintFixes", "Remove"),
    "fill-holes": QT_TRANSLATE_NOOP("PrintFixes", "Fill"),
    "struts": QT_TRANSLATE_NOOP("PrintFixes", "Connect"),
    "thicken": QT_TRANSLATE_NOOP("PrintFixes", "Thicken"),
    "lay-flat": QT_TRANSLATE_NOOP("PrintFixes", "Lay flat"),
    "fit-to-bed": QT_TRANSLATE_NOOP("PrintFixes", "Fit"),
    "save-triangles": QT_TRANSLATE_NOOP("PrintFixes", "Save"),
    "smooth-less": QT_TRANSLATE_NOOP("PrintFixes", "Smooth less"),
}


@dataclass(frozen=True)
class Ailing:
    """A part that a fix is for: its numbers, and the spacing of the labels in mm."""

    numbers: PartNumbers
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)


def fix_title(fix: str) -> str:
    """The word of the link that mends; empty for what nothing mends."""
    return QCoreApplication.translate("PrintFixes", _TITLES[fix]) if fix in _TITLES else ""


def apply_fix(bench: Workbench, number: int, fix: str) -> None:
    """Changes the recipe where that helps, which can be undone; else mends the surface of the part."""
    made, label_map = bench.whole, bench.label_map
    if made is None or label_map is None or number >= len(made.numbers):
        return
    change = RECIPE_FIXES.get(fix)
    recipe = (
        bench.recipe if change is None else change(bench.recipe, Ailing(made.numbers[number], label_map.spacing_mm))
    )
    if recipe == bench.recipe:
        _mend(bench, number, fix)
        return
    name = step_title(fix) if fix in STEP_KINDS else fix_title(fix)
    bench.select(None)
    bench.change(recipe, name)


def _mend(bench: Workbench, number: int, fix: str) -> None:
    """The recipe cannot help, or has helped already: a piece that a cut has left is no island of the labels."""
    from tsdesktop.surfaces.fixes import MESH_FIXES

    if fix in MESH_FIXES:
        bench.fix(number, fix)
    else:
        words = QCoreApplication.translate(
            "PrintFixes", "The recipe does that already, and it does not help more here."
        )
        bench.told.emit(words)


def with_step(recipe: PrintRecipe, step: Step) -> PrintRecipe:
    """The recipe with a step where it belongs, in the place of one of the same kind where there is one."""
    steps = list(recipe.steps)
    same = next((n for n, each in enumerate(steps) if type(each) is type(step)), None)
    if same is not None:
        steps[same] = step
        return replace(recipe, steps=tuple(steps))
    rank = _ORDER.index(type(step))
    at = next((n for n, each in enumerate(steps) if _ORDER.index(type(each)) > rank), len(steps))
    steps.insert(at, step)
    return replace(recipe, steps=tuple(steps))


def _thickened(recipe: PrintRecipe, _part: Ailing) -> PrintRecipe:
    scale = math.prod(each.percent / 100 for each in recipe.steps if isinstance(each, Scale))
    return with_step(recipe, Thicken(_rounded_up(known_process(recipe).smallest_wall_mm / scale)))


def _without_small(recipe: PrintRecipe, part: Ailing) -> PrintRecipe:
    return with_step(recipe, RemoveIslands(math.ceil(_SMALL_SHARE * part.numbers.volume_ml * 1000)))


def _filled(recipe: PrintRecipe, _part: Ailing) -> PrintRecipe:
    """Of a part that was made hollow the cavity is meant: it gets one hole more."""
    hollow = next((each for each in recipe.steps if isinstance(each, Hollow)), None)
    if hollow is None:
        return with_step(recipe, FillHoles())
    return with_step(recipe, replace(hollow, drains=hollow.drains + 1 if hollow.drains else _FIRST_DRAINS))


def _connected(recipe: PrintRecipe, _part: Ailing) -> PrintRecipe:
    known = next((each for each in recipe.steps if isinstance(each, Struts)), None)
    # Struts that left pieces apart reach further.
    return with_step(recipe, replace(known, longest_mm=2 * known.longest_mm) if known is not None else Struts())


def _less_smooth(recipe: PrintRecipe, part: Ailing) -> PrintRecipe:
    at = SMOOTHINGS.index(recipe.smoothing)
    if recipe.smoothing_mm is None and at > 0:
        return replace(recipe, smoothing=SMOOTHINGS[at - 1])
    if recipe.smoothing_mm is None:
        return replace(recipe, smoothing_mm=round(max(part.spacing_mm), 1))
    return replace(recipe, smoothing_mm=round(recipe.smoothing_mm / 2, 2))


def _rounded_up(mm: float) -> float:
    return math.ceil(mm * 100 - 1e-6) / 100


RECIPE_FIXES: Mapping[str, Callable[[PrintRecipe, Ailing], PrintRecipe]] = {
    "thicken": _thickened,
    "remove-small-pieces": _without_small,
    "fill-holes": _filled,
    "struts": _connected,
    "lay-flat": lambda recipe, _: with_step(recipe, LayFlat()),
    "fit-to-bed": lambda recipe, _: with_step(recipe, FitToBed()),
    "save-triangles": lambda recipe, _: replace(recipe, largest_error_mm=max(_SAVED_MM, 2 * recipe.largest_error_mm)),
    "smooth-less": _less_smooth,
}
