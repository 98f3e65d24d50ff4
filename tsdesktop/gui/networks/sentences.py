"""Sentences of the window of networks: what a network's state means, what is about to be done, how it ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.words import WORDS
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.figures import size_text
from tsdesktop.gui.networks.rows import Row, RowState
from tsdesktop.gui.networks.words import count_text, installed_title, progress_text, stage_text
from tsdesktop.gui.panels.download_words import amount_text
from tsdesktop.gui.translation import reason_words, translated
from tsdesktop.weights.install import Installed
from tsdesktop.weights.packages import Package

translate = QCoreApplication.translate
# A zip and what it unpacks to are on the disk together for a while; checkpoints hardly become smaller in a zip.
_UNPACKED_TIMES = 1.2
_GAP = re.compile(r"\\\{(\w+)\\\}")


def explained(row: Row) -> tuple[str, str]:
    """What the state of a network means for a person, and the theme's colour for it."""
    if row.state == "failed" and row.item is not None and row.item.error is not None:
        return told_text(row.item.error), "error"
    if row.entry.custom is not None:
        if row.state == "broken":
            return problem_text(row.problem), "error"
        if row.problem:
            cannot = translate("Networks", "It cannot be run here: {reason}.")
            return cannot.format(reason=reason_words(row.problem)), "warning"
        return translate("Networks", "Your own. It is in the list of tasks."), "good"
    known: dict[RowState, tuple[str, str]] = {
        "here": (_here_text(row), "good"),
        "partial": (_partial_text(row), "warning"),
        "missing": (_missing_text(row), "secondary"),
        "broken": (_broken_text(row), "error"),
        "update": (translate("Networks", "Its makers have published another version since."), "warning"),
        "obsolete": (translate("Networks", "No task of this version uses it; it only takes room."), "secondary"),
        "queued": (translate("Networks", "It comes after those before it."), "secondary"),
        "running": (_running_text(row), "secondary"),
        "paused": (translate("Networks", "Paused; what is here of it is kept."), "warning"),
    }
    return known[row.state]


def several_explained(rows: Sequence[Row]) -> str:
    """How much several networks take and how much there is to download."""
    here = sum(row.bytes_here for row in rows)
    missing = [row for row in rows if row.state in ("missing", "partial")]
    lines = [translate("Networks", "{size} on disk").format(size=size_text(here))] if here else []
    if any(row.entry.zip_bytes for row in missing):
        size = sum(max(0, (row.entry.zip_bytes or 0) - row.entry.partial_bytes) for row in missing)
        lines.append(translate("Networks", "{size} to download").format(size=size_text(size)))
    return " · ".join(lines)


def told_text(error: BaseException) -> str:
    """An error as one paragraph; empty where nothing is to be said."""
    told = words_for(error)
    return "" if told is None else f"{told.sentence} {told.hint}".strip()


def sentence_of(error: BaseException) -> str:
    """What went wrong alone, where a button says what to do about it."""
    told = words_for(error)
    return "" if told is None else told.sentence


def problem_text(problem: str) -> str:
    """A sentence about a network, which the list of networks has in English, in the person's language."""
    for sentence_id, pattern in _sentences():
        match = pattern.fullmatch(problem)
        if match is not None:
            return translated(sentence_id, match.groupdict())
    return problem


def download_question(packages: Sequence[Package], to_come: int | None, free: int | None) -> tuple[str, bool]:
    """What downloading these means, and whether the disk has room for it. `to_come` None: nobody knows."""
    known = [each.zip_bytes for each in packages if each.zip_bytes is not None]
    total = sum(known) if to_come is None else to_come
    unknown = len(packages) - len(known)
    text = translate("Networks", "{networks}, {size} to download").format(
        networks=count_text(len(packages)), size=size_text(total)
    )
    if unknown == 1:
        text += translate("Networks", " and 1 of unknown size")
    elif unknown:
        text += translate("Networks", " and {count} of unknown size").format(count=unknown)
    if free is None:
        return f"{text}.", True
    needed = total * _UNPACKED_TIMES + max(known, default=0)
    if needed > free:
        lacking = translate("Networks", "{text}: they need {needed}, and only {free} are free on this disk.")
        return lacking.format(text=text, needed=size_text(needed), free=size_text(free)), False
    return translate("Networks", "{text}; {free} are free.").format(text=text, free=size_text(free)), True


def delete_question(rows: Sequence[Row]) -> str:
    """What deleting means."""
    size = size_text(sum(row.bytes_here for row in rows))
    if len(rows) == 1:
        question = translate("Networks", "Delete {name}? It frees {size}.").format(name=rows[0].title, size=size)
        if len(rows[0].uses) > 1:
            question += " " + translate("Networks", "{count} tasks need it.").format(count=len(rows[0].uses))
        return question
    return translate("Networks", "Delete {networks}? It frees {size}.").format(
        networks=count_text(len(rows)), size=size
    )


def verified_text(results: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """How verifying ended: of every network its title and what is wrong with it, if anything."""
    all_results = list(results)
    broken = [(title, problem) for title, problem in all_results if problem]
    if not broken:
        if len(all_results) == 1:
            return translate("Networks", "{name} is whole.").format(name=all_results[0][0]), "good"
        return translate("Networks", "All {count} networks are whole.").format(count=len(all_results)), "good"
    if len(broken) == 1:
        return broken[0][1], "error"
    words = translate("Networks", "{broken} of {count} networks are broken. Repair downloads them again.")
    return words.format(broken=len(broken), count=len(all_results)), "error"


def freed_text(freed_bytes: int) -> str:
    """How deleting ended."""
    if not freed_bytes:
        return translate("Networks", "Nothing was deleted.")
    return translate("Networks", "{size} are free again.").format(size=size_text(freed_bytes))


def imported_text(installed: Sequence[Installed]) -> str:
    """How an import ended."""
    if len(installed) == 1:
        words = (
            translate("Networks", "{name} is here, in place of the earlier one.")
            if installed[0].replaced
            else translate("Networks", "{name} is here.")
        )
        return words.format(name=installed_title(installed[0]))
    return translate("Networks", "{networks} are here.").format(networks=count_text(len(installed)))


def updates_text(count: int) -> str:
    """How looking for updates ended."""
    if not count:
        return translate("Networks", "Nothing newer was published.")
    if count == 1:
        return translate("Networks", "There is another version of 1 network.")
    return translate("Networks", "There are other versions of {count} networks.").format(count=count)


@cache
def _sentences() -> list[tuple[str, re.Pattern[str]]]:
    """The sentences about networks, with their gaps as groups; the longest first, as a short one may fit it, too."""
    english = [(key, words[0]) for key, words in WORDS.items() if key.startswith("weights.")]
    english.sort(key=lambda each: len(each[1]), reverse=True)
    return [(key, re.compile(_GAP.sub(r"(?P<\1>.+)", re.escape(text), count=0))) for key, text in english]


def _here_text(row: Row) -> str:
    if row.is_whole:
        return translate("Networks", "On this computer; every file is whole.")
    return translate("Networks", "On this computer, ready to run.")


def _partial_text(row: Row) -> str:
    amount = amount_text(row.entry.partial_bytes, row.entry.zip_bytes)
    return translate("Networks", "Downloaded in part: {amount}.").format(amount=amount)


def _missing_text(row: Row) -> str:
    if row.lacks_licence:
        return translate("Networks", "Not on this computer; it comes with a licence number.")
    return translate("Networks", "Not on this computer.")


def _broken_text(row: Row) -> str:
    if not row.problem:
        return translate("Networks", "A part of it is missing or damaged.")
    return problem_text(row.problem)


def _running_text(row: Row) -> str:
    progress = row.item.progress if row.item is not None else None
    stage = stage_text(progress)
    return " · ".join(filter(None, [stage[:1].upper() + stage[1:], progress_text(progress)]))
