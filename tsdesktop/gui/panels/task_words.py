"""What a task's card says, from the choices: structures, resolution, time here, state, cautions."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.tasks import Task
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.figures import about_text, decimal, size_text
from tsdesktop.gui.panels.finder import Match, fits
from tsdesktop.gui.panels.needs import State
from tsdesktop.gui.panels.quality_words import spacing_text
from tsdesktop.gui.panels.task_card import CardText
from tsdesktop.gui.panels.words import structures_text, task_description, task_title

translate = QCoreApplication.translate


def card_text(task: Task, choices: RunChoices, match: Match | None = None) -> CardText:
    """The words of a card; `match` says why the search found it."""
    state = choices.state(task)
    unfit = not fits(task, choices.modality)
    badge, role = badge_of(state)
    line = _line(task, choices, match)
    if unfit:
        line = unfit_text(task, choices)
    about = "\n".join([task_description(task), *cautions(task)])
    return CardText(task_title(task), line, badge, role, about, task.small_dataset and not unfit, dim=unfit)


def badge_of(state: State) -> tuple[str, str]:
    """A word for the state, and the theme's colour for it."""
    if state.kind == "ready":
        return translate("TaskWords", "ready"), "good"
    if state.kind == "instant":
        return translate("TaskWords", "instant"), "good"
    if state.kind == "licence":
        return translate("TaskWords", "licence"), "warning"
    return (size_text(state.missing_bytes) if state.missing_bytes else translate("TaskWords", "not here")), "secondary"


def cautions(task: Task) -> list[str]:
    """What to know before trusting or publishing a result."""
    found = []
    if task.small_dataset:
        found.append(translate("TaskWords", "Trained on little data: look at the result with care."))
    if task.licence == "licensed":
        found.append(translate("TaskWords", "Needs a licence number; free for academic use."))
    if task.licence == "non_commercial":
        found.append(translate("TaskWords", "For non-commercial use only."))
    return found


def unfit_text(task: Task, choices: RunChoices) -> str:
    """Why a task does not fit the open scan."""
    return translate("TaskWords", "Made for {wanted}; this scan is {scan}").format(
        wanted=task.modality, scan=choices.modality
    )


def resolution_text(task: Task) -> str:
    """The finest spacing of the task's networks."""
    if not task.variants:
        return translate("TaskWords", "as the scan")
    spacing = next(iter(task.variants.values())).spacing_mm
    if spacing is None:
        return translate("TaskWords", "high resolution")
    return f"{decimal(min(spacing), 1 if round(min(spacing), 1) >= 1 else 2).rstrip('0').rstrip('.,')} mm"


def _line(task: Task, choices: RunChoices, match: Match | None) -> str:
    parts = [structures_text(len(task.classes))]
    if match is not None and match.reason in ("structure", "code", "similar") and match.structure:
        parts = [translate("TaskWords", "has {structure}").format(structure=match.words)]
    if task.licence == "non_commercial":
        parts.append(translate("TaskWords", "non-commercial"))
    if task.instant is not None:
        parts.append(translate("TaskWords", "no download"))
    elif time := _time(task, choices):
        parts.append(time)
    else:
        parts.append(resolution_text(task))
    return " · ".join(parts)


def _time(task: Task, choices: RunChoices) -> str:
    mine = task is choices.task
    quality = choices.quality if mine else choices.best_quality(task)
    cost = choices.cost(task, quality, choices.roi if mine else ())
    if cost is None or not fits(task, choices.modality):
        return ""
    if choices.state(task).kind != "ready":
        return spacing_text(task, quality) or resolution_text(task)
    return translate("TaskWords", "{time} here").format(time=about_text(cost.seconds))
