"""Structures in the order and groups people look for them in, and presets of what is often wanted together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import get_args

from tsdesktop.core.assets import load_json
from tsdesktop.core.structures import StructureClass, System
from tsdesktop.core.tasks import Task
from tsdesktop.gui.words import structure_title

ORDER: tuple[System, ...] = get_args(System)
# From the head down, where the alphabet would put lumbar before thoracic.
_VERTEBRA = re.compile(r"vertebra ([CTLS])(\d+)")
_VERTEBRAE = {"C": 0, "T": 1, "L": 2, "S": 3}


@dataclass(frozen=True)
class Preset:
    """Structures of one task that are often wanted together."""

    name: str
    title: str
    structures: tuple[str, ...]


def by_system(structures: Iterable[StructureClass]) -> dict[System, list[StructureClass]]:
    """The structures of every system that has some, systems in their fixed order, structures by name."""
    groups: dict[System, list[StructureClass]] = {system: [] for system in ORDER}
    for each in structures:
        groups[each.system].append(each)
    return {system: sorted(group, key=by_name) for system, group in groups.items() if group}


def by_name(structure: StructureClass) -> tuple[tuple[int, int | str], ...]:
    """Sorts by name as people count: rib 2 before rib 10, the vertebrae from C1 down."""
    words = _counted(structure_title(structure))
    vertebra = _VERTEBRA.fullmatch(structure.title)
    return words if vertebra is None else (words[0], (0, _VERTEBRAE[vertebra[1]]), (0, int(vertebra[2])))


def presets_for(task: Task) -> list[Preset]:
    """The presets of `task`, with those of its structures that are in them; none for tasks computed as a whole."""
    if not task.roi_subset:
        return []
    names = [each.name for each in task.classes]
    found = []
    for each in load_json("presets.json")["presets"]:
        listed = each["tasks"].get(task.name) or each["tasks"].get("total" if task.modality == "CT" else "total_mr", [])
        structures = tuple(name for name in names if name in listed)
        if structures:
            found.append(Preset(each["name"], each["title"], structures))
    return found


@cache
def _counted(title: str) -> tuple[tuple[int, int | str], ...]:
    words: list[tuple[int, int | str]] = []
    for word in re.split(r"(\d+)| ", title.lower()):
        if word and word.isdigit():
            words.append((0, int(word)))
        elif word:
            words.append((1, word))
    return tuple(words)
