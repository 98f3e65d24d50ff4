"""One search over tasks, their structures and the anatomists' names of these: which task has the pancreas?

Words may be typed in any order, in part, and with a slip ("kidny"). Plain functions, without a window.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import Task
from tsdesktop.core.volume import Modality

Reason = Literal["title", "structure", "code", "description", "similar"]
_RANK: dict[Reason, int] = {"title": 0, "structure": 1, "code": 2, "description": 3, "similar": 4}
# Words of at least this length may be misspelt, and must then be this alike.
_SLIP_LENGTH, _ALIKE = 4, 0.78
_REMEMBERED = 20_000


@dataclass(frozen=True)
class Match:
    """A task that was found: for what reason, by which words, and the structure where it was one."""

    task: Task
    reason: Reason
    words: str
    structure: str = ""


@dataclass(frozen=True)
class _Hit:
    """How well a text fits: 0 all of it, 1 whole words, 2 beginnings of words, 3 with slips."""

    quality: int
    words: str
    structure: str = ""


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
    clean = [each for each, hit in hits if hit.quality < 3]
    return clean or [each for each, _ in hits]


def fits(task: Task, modality: Modality) -> bool:
    """Whether a task was made for scans of `modality`; an unknown one fits all."""
    return modality == "unknown" or task.modality in ("unknown", modality)


def _order(match: Match, quality: int, modality: Modality) -> tuple[bool, bool, int, int]:
    seldom = match.task.status == "more" or match.task.group == "demo"
    return not fits(match.task, modality), seldom, _RANK[match.reason], quality


def _match(task: Task, wanted: tuple[str, ...]) -> tuple[Match, int] | None:
    if not wanted:
        return Match(task, "title", task.title), 0
    texts: list[tuple[Reason, str]] = [
        ("title", task.title),
        ("title", task.name),
        ("description", f"{task.description} {task.group}"),
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
            hits.append(_ranked("structure" if hit.words == each.title else "code", hit))
    return hits


def _ranked(reason: Reason, hit: _Hit) -> tuple[Reason, _Hit]:
    return ("similar" if hit.quality == 3 else reason), hit


def _structure_hit(structure: StructureClass, wanted: tuple[str, ...]) -> _Hit | None:
    if not wanted:
        return _Hit(0, structure.title, structure.name)
    names = [structure.title, structure.ta2_name]
    if structure.codes is not None:
        modifier = structure.codes.type_modifier
        names.append(f"{modifier.meaning} {structure.codes.type.meaning}" if modifier else structure.codes.type.meaning)
    hits = [hit for name in names if name and (hit := _hit(name, wanted))]
    best = min(hits, key=lambda hit: hit.quality, default=None)
    return None if best is None else _Hit(best.quality, best.words, structure.name)


@lru_cache(_REMEMBERED)
def _hit(text: str, wanted: tuple[str, ...]) -> _Hit | None:
    words = _words(text)
    qualities = [min((_word_quality(each, word) for word in words), default=4) for each in wanted]
    if max(qualities) > 3:
        return None
    return _Hit(0 if sorted(words) == sorted(wanted) else max(qualities), text)


@lru_cache(_REMEMBERED)
def _word_quality(wanted: str, word: str) -> int:
    if wanted == word or _singular(wanted) == _singular(word):
        return 1
    if word.startswith(wanted):
        return 2
    if len(wanted) < _SLIP_LENGTH or abs(len(wanted) - len(word)) > 2:
        return 4
    return 3 if difflib.SequenceMatcher(None, wanted, word).ratio() >= _ALIKE else 4


def _singular(word: str) -> str:
    if word.endswith("ae"):
        return word[:-1]
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


@lru_cache(_REMEMBERED)
def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9]+", text.lower().replace("oesoph", "esoph").replace("haem", "hem")))
