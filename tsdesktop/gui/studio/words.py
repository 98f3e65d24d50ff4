"""What the print studio calls lights and the stages of its work."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QIcon

from tsdesktop.core.printing import FitToBed, Plate
from tsdesktop.core.structures import structure_class
from tsdesktop.gui import theme
from tsdesktop.gui.studio.steps import STEPS, step_title
from tsdesktop.gui.words import part_title, structure_title

translate = QCoreApplication.translate
# Icon and colour of each light; shapes differ, so that colour is not needed to tell them apart.
_LIGHTS = {
    "good": ("mdi6.check-circle", "good"),
    "warning": ("mdi6.alert", "warning"),
    "bad": ("mdi6.alert-octagon", "error"),
    "": ("mdi6.circle-outline", "secondary"),
}

# What steps call themselves while they work.
_STAGES = {"base plate": Plate.kind, "fit to bed": FitToBed.kind}


def titles_of(names: Iterable[str]) -> str:
    """Structures by their names in a recipe, as people call them, with commas."""
    return ", ".join(structure_title(structure_class(1, name)) for name in names)


def light_icon(light: str) -> QIcon:
    """The icon of a light: "good", "warning", "bad", or "" for not checked yet."""
    return theme.icon(*_LIGHTS[light])


def light_title(light: str) -> str:
    """A light in words, for assistive tools."""
    titles = {
        "good": translate("Preflight", "good"),
        "warning": translate("Preflight", "to be looked at"),
        "bad": translate("Preflight", "bad"),
    }
    return titles.get(light, translate("Preflight", "not checked yet"))


def stage_words(stage: str) -> str:
    """What the engine is doing, in the person's language: a step, or the structure it is at."""
    stage = _STAGES.get(stage, stage.removeprefix("flat side of "))
    if stage in STEPS:
        return step_title(stage)
    known = {
        "writing": translate("PrintStages", "Writing the files"),
        "reading back": translate("PrintStages", "Reading them back"),
    }
    return known.get(stage) or part_title(stage)
