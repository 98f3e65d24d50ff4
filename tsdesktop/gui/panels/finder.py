"""One search over tasks, their structures and the anatomists' names of these: which task has the pancreas?

Words may be typed in any order, in part, in the window's language or in English, and with a slip ("kidny").
Plain functions, without a window.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import Task
from tsdesktop.core.volume import Modality
from tsdesktop.gui.words import structure_title, task_description, task_title

Reason = Literal["title", "structure", "code", "description", "similar"]
_RANK: dict[Reason, int] = {"title": 0, "structure": 1, "code": 2, "description": 3, "similar": 4}
# Words of at least this length may hold one slip, longer ones two.
_SLIP_LENGTH, _TWO_SLIPS_LENGTH = 4, 9
_SLIPPED, _OTHER = 3, 4
_REMEMBERED = 20_000
# "kidney" is all of "kidney right".
_SIDES = {"left", "right", "links", "rechts", "linke", "rechte", "linker", "rechter", "linkes", "rechtes"}


@dataclass(frozen=True)
class Match:
    """A task that was found: for what reason, by which words, and the structure where it was one."""

    task: Task
    reason: Reason
    words: str
    structure: StructureClass | None = None


@dataclass(frozen=True)
class _Hit:
    """How well a text fits: 0 all of it, 1 whole words, 2 beginnings of words, 3 with slips."""

    quality: int
    words: str
    structure: StructureClass | None = None


def find_tasks(query: str, tasks: Iterable[Task], modality: Modality = "unknown") -> list[Match]:
    """The tasks that fit `query`, best first: those for the scan's modality, public ones, titles before structures.

    All tasks, in their own order, for an empty query.
    """
    wanted = _words(query)
    found = [pair for task in tasks if (pair := _match(task, wanted)) is not None]
    if wanted:
        found.sort(key=lambda pair: _order(pair[0], pair[1], modality))
    exact = [match for match, _ in found if match.reason != "similar"]
    return exact if exact and wanted else [match for match, _ in found]


def find_structures(query: str, structures: Iterable[StructureClass]) -> list[StructureClass]:
    """The structures whose own, TA2 or SNOMED name fits `query`, in order; misspelt ones for want of others."""
    wanted = _words(query)
    hits = [(each, hit) for each in structures if (hit := _structure_hit(each, wanted)) is not None]
    clean = [each for each, hit in hits if hit.quality < _SLIPPED]
    return clean or [each for each, _ in hits]


def fits(task: Task, modality: Modality) -> bool:
    """Whether a task was made for scans of `modality`; an unknown one fits all."""
    return modality == "unknown" or task.modality in ("unknown", modality)


def _order(match: Match, quality: int, modality: Modality) -> tuple[bool, bool, bool, int, int]:
    seldom = match.task.status == "more" or match.task.group == "demo"
    # Who types "liver" wants the liver before its lesions.
    return not fits(match.task, modality), seldom, quality > 0, _RANK[match.reason], quality


def _match(task: Task, wanted: tuple[str, ...]) -> tuple[Match, int] | None:
    title = task_title(task)
    if not wanted:
        return Match(task, "title", title), 0
    texts: list[tuple[Reason, str]] = [
        ("title", title),
        ("title", f"{task.title} {task.name}"),
        ("description", f"{task_description(task)} {task.group}"),
    ]
    hits = [_ranked(reason, hit) for reason, text in texts if (hit := _hit(text, wanted))]
    hits += _structure_hits(task, wanted)
    if not hits:
        return None
    reason, best = min(hits, key=lambda pair: (_RANK[pair[0]], pair[1].quality))
    return Match(task, reason, best.words, best.structure), best.quality


def _structure_hits(task: Task, wanted: tuple[str, ...]) -> list[tuple[Reason, _Hit]]:
    hits: list[tuple[Reason, _Hit]] = []
    for each in task.classes:
        hit = _structure_hit(each, wanted)
        if hit is not None:
            own = hit.words in (each.title, structure_title(each))
            hits.append(_ranked("structure" if own else "code", hit))
    return hits


def _ranked(reason: Reason, hit: _Hit) -> tuple[Reason, _Hit]:
    return ("similar" if hit.quality == _SLIPPED else reason), hit


def _structure_hit(structure: StructureClass, wanted: tuple[str, ...]) -> _Hit | None:
    if not wanted:
        return _Hit(0, structure.title, structure)
    names = [structure_title(structure), structure.title, structure.ta2_name, _snomed_name(structure)]
    hits = [hit for name in dict.fromkeys(names) if name and (hit := _hit(name, wanted))]
    best = min(hits, key=lambda hit: hit.quality, default=None)
    return None if best is None else _Hit(best.quality, best.words, structure)


def _snomed_name(structure: StructureClass) -> str:
    if structure.codes is None:
        return ""
    modifier, name = structure.codes.type_modifier, structure.codes.type.meaning
    return f"{modifier.meaning} {name}" if modifier else name


@lru_cache(_REMEMBERED)
def _hit(text: str, wanted: tuple[str, ...]) -> _Hit | None:
    words = _words(text)
    worst = 0
    for each in wanted:
        worst = max(worst, min((_word_quality(each, word) for word in words), default=_OTHER))
        if worst == _OTHER:
            return None
    exact = worst == 1 and len(set(words) - _SIDES) <= len(set(wanted) - _SIDES) and bool(set(wanted) - _SIDES)
    return _Hit(0 if exact else worst, text)


@lru_cache(_REMEMBERED)
def _word_quality(wanted: str, word: str) -> int:
    if wanted == word or _singular(wanted) == _singular(word):
        return 1
    if word.startswith(wanted):
        return 2
    return _SLIPPED if _is_slip(_singular(wanted), _singular(word)) else _OTHER


def _is_slip(typed: str, meant: str) -> bool:
    """Whether `typed` is `meant`, or its beginning, with a letter too many, too few, wrong or in the wrong place."""
    allowed = 0 if len(typed) < _SLIP_LENGTH else 1 if len(typed) < _TWO_SLIPS_LENGTH else 2
    # Nearly nobody mistypes the first letter, and short words are near each other.
    if not allowed or typed[0] != meant[0] or len(meant) < _SLIP_LENGTH:
        return False
    slips = _slips(typed, meant)
    unfinished = slips[len(typed) :] if len(typed) > _SLIP_LENGTH else []
    return min([slips[-1], *unfinished]) <= allowed


def _slips(typed: str, meant: str) -> list[int]:
    """How many letters must change to turn `typed` into each beginning of `meant` (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for n, letter in enumerate(typed, 1):
        last, before, row = before, row, [n]
        for m, other in enumerate(meant, 1):
            step = min(before[m] + 1, row[m - 1] + 1, before[m - 1] + (letter != other))
            if n > 1 and m > 1 and letter == meant[m - 2] and typed[n - 2] == other:
                step = min(step, last[m - 2] + 1)
            row.append(step)
    return row


def _singular(word: str) -> str:
    if word.endswith("ae"):
        return word[:-1]
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


@lru_cache(_REMEMBERED)
def _words(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    return tuple(re.findall(r"[^\W_]+", letters.replace("oesoph", "esoph").replace("haem", "hem")))
