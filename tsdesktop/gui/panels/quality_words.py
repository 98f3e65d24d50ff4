"""What the qualities are called."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.options import Quality
from tsdesktop.core.tasks import Task
from tsdesktop.gui.figures import decimal


def quality_title(quality: Quality) -> str:
    """A quality's name on its button."""
    if quality == "fastest":
        return QCoreApplication.translate("Quality", "Draft")
    if quality == "fast":
        return QCoreApplication.translate("Quality", "Fast")
    return QCoreApplication.translate("Quality", "Full")


def stage_title(quality: Quality) -> str:
    """The same while it is computed."""
    return QCoreApplication.translate("Quality", "Full resolution") if quality == "full" else quality_title(quality)


def spacing_text(task: Task, quality: Quality) -> str:
    """The resolution of a quality: "1.5 mm"; empty where the network's own plans decide."""
    variant = next((each for name, each in task.variants.items() if name == quality), None)
    if variant is None or variant.spacing_mm is None:
        return ""
    smallest = min(variant.spacing_mm)
    return f"{decimal(smallest, 0 if smallest == int(smallest) else 1)} mm"
