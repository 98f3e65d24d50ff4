"""What a run says while it runs: stage, network, window, time left."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Catalogue, Part, Task
from tsdesktop.gui.figures import countdown_text
from tsdesktop.gui.panels.quality_words import stage_title
from tsdesktop.gui.words import task_title
from tsdesktop.jobs.messages import Progress
from tsdesktop.jobs.needs import needed_parts

translate = QCoreApplication.translate


def stage_text(progress: Progress, options: Options, catalogue: Catalogue) -> str:
    """What is being done: "Full resolution"."""
    if progress.tiles:
        return _network_stage(progress, options, catalogue)
    task = catalogue.tasks.get(progress.stage)
    return task_title(task) if task is not None else _plain_stage(progress.stage)


def count_text(progress: Progress) -> str:
    """How far that is: "network 3 of 5 · window 12 of 27"; empty where nothing is counted."""
    if not progress.tiles:
        return ""
    parts = []
    if progress.parts > 1:
        network = translate("Run", "network {part} of {parts}")
        parts.append(network.format(part=progress.part, parts=progress.parts))
    window = translate("Run", "window {tile} of {tiles}")
    parts.append(window.format(tile=progress.tile, tiles=progress.tiles))
    return " · ".join(parts)


def left_text(seconds: float | None) -> str:
    """How long it will take: "3 min 10 s left"; empty while nobody knows."""
    if seconds is None:
        return ""
    return translate("Run", "{time} left").format(time=countdown_text(seconds))


def _network_stage(progress: Progress, options: Options, catalogue: Catalogue) -> str:
    task = catalogue.tasks.get(progress.stage.split(" ", 1)[0])
    if task is None:
        return _plain_stage(progress.stage)
    if task.name != options.task:
        return translate("Run", "Finding the region")
    if progress.parts < len(_own_parts(task, options)):
        return translate("Run", "Finding the region") if options.roi else translate("Run", "A first draft")
    return stage_title(options.quality) if len(task.variants) > 1 else task_title(task)


def _own_parts(task: Task, options: Options) -> list[Part]:
    return needed_parts(task.variant(options.variant_name(task)), task, options.roi) if task.variants else []


def _plain_stage(stage: str) -> str:
    known = {
        "": translate("Run", "Starting"),
        "loading": translate("Run", "Starting"),
        "checking": translate("Run", "Trying the network on this computer"),
        "resampling": translate("Run", "Preparing the scan"),
        "resampling back": translate("Run", "Bringing the result back"),
        "restoring": translate("Run", "Bringing the result back"),
        "writing": translate("Run", "Bringing the result back"),
    }
    return known.get(stage, stage.capitalize())
