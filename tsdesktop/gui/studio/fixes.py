"""What a click on "Fix" does: a step of the recipe where one helps, else the surface is mended as it is."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.printing import STEP_KINDS
from tsdesktop.gui.studio.printer_box import known_process
from tsdesktop.gui.studio.steps import step_title
from tsdesktop.gui.studio.workbench import Workbench
from tsdesktop.gui.words import QT_TRANSLATE_NOOP

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


def fix_title(fix: str) -> str:
    """The word of the link that mends; empty for what nothing mends."""
    return QCoreApplication.translate("PrintFixes", _TITLES[fix]) if fix in _TITLES else ""


def apply_fix(bench: Workbench, number: int, fix: str) -> None:
    """Changes the recipe where that helps, which can be undone; a defect is mended, as it would be when writing."""
    from tsdesktop.surfaces.recipe_fixes import RECIPE_FIXES, Ailing, recipe_with

    made, label_map = bench.whole, bench.label_map
    if made is None or label_map is None or number >= len(made.numbers):
        return
    if fix not in RECIPE_FIXES:
        bench.mend(number)
        return
    wall_mm = known_process(bench.recipe).smallest_wall_mm
    recipe = recipe_with(bench.recipe, fix, Ailing(made.numbers[number].volume_ml, label_map.spacing_mm, wall_mm))
    if recipe == bench.recipe:
        words = "The recipe does that already, and it does not help more here."
        bench.told.emit(QCoreApplication.translate("PrintFixes", words))
        return
    name = step_title(fix) if fix in STEP_KINDS else fix_title(fix)
    bench.select(None)
    bench.change(recipe, name)
