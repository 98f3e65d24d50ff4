"""The series or files among which a person, or the stated rule, chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tsdesktop.core.errors import ReadError
from tsdesktop.core.notes import note
from tsdesktop.core.volume import Volume
from tsdesktop.scans.streams import Request


@dataclass(frozen=True)
class SeriesSummary:
    """One series (or file) that a path holds, for a list to choose from.

    `number` counts from 1 in the list; `spacing_mm` is (i, j, k) and `thickness` in mm, zeros where unknown; `problem`
    is the error that would come up on opening it; `best` marks the one that is opened unasked; `volumes` is
    over 1 for a 4D series.
    """

    number: int
    description: str
    modality: str
    slices: int
    rows: int
    columns: int
    spacing_mm: tuple[float, float, float]
    thickness: float
    uid: str
    problem: ReadError | None
    best: bool
    volumes: int
    files: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """A series that can be opened: its summary, how to open it, and what speaks against opening it unasked."""

    summary: SeriesSummary
    open: Callable[[Request], Volume]
    problem: ReadError | None = None


def picked(choices: Sequence[Choice], wanted: str, name: str) -> Callable[[Request], Volume]:
    """How to open the wanted series (number, UID or part of the description), or the best when `wanted` is "".

    Raises ReadError when nothing matches, and the problem of the best match when it should not be opened unasked.
    """
    if wanted.isdigit() and 1 <= int(wanted) <= len(choices):
        return choices[int(wanted) - 1].open
    matching = [each for each in choices if _matches(each.summary, wanted)]
    if not matching:
        listed = "; ".join(f"{each.summary.number} {each.summary.description}" for each in choices)
        raise ReadError("read.pick_series", name=name, count=len(choices), wanted=wanted, choices=listed)
    best = next((each for each in matching if each.summary.best), None) or _first_without_problem(matching)
    if best.problem is not None:
        raise best.problem
    if len(matching) == 1 and (wanted or len(choices) == 1):
        return best.open

    def open_and_tell(request: Request) -> Volume:
        told = note("note.other_series", count=len(matching), name=best.summary.description)
        return best.open(request).with_notes([told])

    return open_and_tell


def _first_without_problem(choices: Sequence[Choice]) -> Choice:
    return min(choices, key=lambda each: each.problem is not None)


def _matches(summary: SeriesSummary, wanted: str) -> bool:
    return not wanted or wanted == summary.uid or wanted.lower() in summary.description.lower()
