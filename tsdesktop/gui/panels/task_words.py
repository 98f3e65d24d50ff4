"""What a task's card says, from the choices: structures, resolution, time here, state, cautions."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import Task
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.figures import about_text, decimal, size_text
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.finder import Match, fits
from tsdesktop.gui.panels.needs import State
from tsdesktop.gui.panels.quality_words import spacing_text
from tsdesktop.gui.panels.task_card import CardText
from tsdesktop.gui.words import structure_title, structures_text, task_description, task_title
from tsdesktop.weights.catalogue import refusal

translate = QCoreApplication.translate


def card_text(task: Task, choices: RunChoices, match: Match | None = None) -> CardText:
    """The words of a card; `match` says why the search found it."""
    state = choices.state(task)
    unfit = not fits(task, choices.modality)
    badge, role = badge_of(state)
    line = unfit_text(task, choices) if unfit else _line(task, choices, match)
    about = "\n".join([task_title(task), task_description(task), *cautions(task)])
    return CardText(task_title(task), line, badge, role, about, _marks(task), dim=unfit)


def _marks(task: Task) -> tuple[tuple[str, str], ...]:
    """Small icons before the line, each with a colour of the theme; the tooltip says what they mean."""
    marks = []
    if task.small_dataset:
        marks.append(("mdi6.alert-outline", "warning"))
    if task.licence != "open":
        marks.append(("mdi6.license", "secondary"))
    return tuple(marks)


def badge_of(state: State) -> tuple[str, str]:
    """A word for the state, and the theme's colour for it."""
    if state.kind == "ready":
        return translate("TaskWords", "ready"), "good"
    if state.kind == "instant":
        return translate("TaskWords", "instant"), "good"
    if state.kind == "licence":
        return translate("TaskWords", "licence"), "warning"
    if state.kind == "unusable":
        return translate("TaskWords", "cannot run"), "warning"
    return (size_text(state.missing_bytes) if state.missing_bytes else translate("TaskWords", "not here")), "secondary"


def state_text(state: State) -> str:
    """The same in a few words."""
    if state.kind == "ready":
        return translate("TaskWords", "on this computer, ready to run")
    if state.kind == "instant":
        return translate("TaskWords", "computed at once, nothing to download")
    if state.kind == "unusable":
        return translate("TaskWords", "cannot be run by this program")
    size = size_text(state.missing_bytes) if state.missing_bytes else ""
    if state.kind == "licence":
        return translate("TaskWords", "not here, comes with a licence number")
    if any(each.state == "incomplete" for each in state.missing):
        return translate("TaskWords", "here, but incomplete")
    return (
        translate("TaskWords", "{size} to download").format(size=size)
        if size
        else translate("TaskWords", "not on this computer")
    )


def cautions(task: Task) -> list[str]:
    """What to know before trusting or publishing a result."""
    found = []
    if task.small_dataset:
        found.append(translate("TaskWords", "Trained on little data: look at the result with care."))
    if task.licence == "licensed":
        found.append(translate("TaskWords", "Needs a licence number; free for non-commercial use."))
    if task.licence == "non_commercial":
        found.append(translate("TaskWords", "For non-commercial use only."))
    if (problem := problem_text(task)) is not None:
        found.append(problem)
    return found


def problem_text(task: Task) -> str | None:
    """Why this program cannot run a person's own network, and what would help; None where it can."""
    error = refusal(task)
    told = words_for(error) if error is not None else None
    return None if told is None else f"{told.sentence} {told.hint}".strip()


def licence_text(task: Task) -> str:
    """Under what terms its network may be used."""
    if task.instant is not None or task.group == "demo":
        return translate("TaskWords", "none needed")
    if task.group == "custom":
        return translate("TaskWords", "as its maker says")
    if task.licence == "licensed":
        return translate("TaskWords", "licence number, free for non-commercial use")
    if task.licence == "non_commercial":
        return translate("TaskWords", "non-commercial use only")
    return translate("TaskWords", "open (Apache 2.0)")


def unfit_text(task: Task, choices: RunChoices) -> str:
    """Why a task does not fit the open scan."""
    return translate("TaskWords", "Made for {wanted}; this scan is {scan}").format(
        wanted=task.modality, scan=choices.modality
    )


def resolution_text(task: Task) -> str:
    """The finest spacing of the task's networks; a word where these decide themselves."""
    if not task.variants:
        return translate("TaskWords", "as the scan")
    spacing = next(iter(task.variants.values())).spacing_mm
    if spacing is None:
        return translate("TaskWords", "as its network was trained")
    return f"{decimal(min(spacing), 1 if round(min(spacing), 1) >= 1 else 2).rstrip('0').rstrip('.,')} mm"


def _line(task: Task, choices: RunChoices, match: Match | None) -> str:
    mine = task is choices.task
    parts = [_count_text(len(choices.roi) if mine else 0, len(task.classes))]
    if match is not None and match.structure is not None:
        parts = [translate("TaskWords", "has {structure}").format(structure=_found_words(match, match.structure))]
    if match is None:
        parts.insert(0, task.modality)
    if task.instant is not None:
        parts.append(translate("TaskWords", "no download"))
        return " · ".join(parts)
    quality = choices.quality if mine else choices.best_quality(task)
    parts.append(spacing_text(task, quality))
    if choices.state(task).kind == "ready":
        cost = choices.cost(task, quality, choices.roi if mine else ())
        parts.append(about_text(cost.seconds) if cost is not None else "")
    return " · ".join(filter(None, parts))


def _count_text(chosen: int, count: int) -> str:
    if not chosen:
        return structures_text(count)
    return translate("TaskWords", "{chosen} of {count} structures").format(chosen=chosen, count=count)


def _found_words(match: Match, structure: StructureClass) -> str:
    """The structure, with the anatomists' name for it where that was what was typed."""
    title = structure_title(structure)
    return f"{title} ({match.words.lower()})" if match.reason == "code" else title
