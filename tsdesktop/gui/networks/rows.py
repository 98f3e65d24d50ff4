"""The rows of the list of networks: what each says, which are found by a search, what can be done with them.

Plain values made from the inventory, the queue of downloads and what verifying has found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from PySide6.QtCore import QCoreApplication

from tsdesktop.gui.downloads import Item, ItemState
from tsdesktop.gui.figures import size_text
from tsdesktop.gui.networks.reading import Holdings
from tsdesktop.gui.networks.words import (
    OBSOLETE,
    group_of,
    heading_of,
    network_title,
    progress_text,
    stage_text,
)
from tsdesktop.gui.panels.download_words import amount_text
from tsdesktop.gui.words import GROUPS, task_title
from tsdesktop.weights.inventory import Entry, State

translate = QCoreApplication.translate
RowState = State | ItemState
Action = Literal[
    "download", "resume", "try_again", "repair", "update", "licence", "pause", "cancel", "verify", "discard", "delete",
    "open", "copy_link",
]  # fmt: skip
# What is done to several networks at once.
TOGETHER: tuple[Action, ...] = (
    "download", "resume", "try_again", "repair", "update", "licence", "pause", "cancel", "verify", "discard", "delete",
)  # fmt: skip
_APART = " · "
_PERCENT = 100


@dataclass(frozen=True)
class Findings:
    """What was found out since the window opened: by folder why a network is broken, and which are whole."""

    broken: Mapping[str, str] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()

    def with_result(self, folder: str, problem: str) -> Findings:
        """What verifying one network has found; nothing wrong is no problem."""
        broken = {key: each for key, each in self.broken.items() if key != folder}
        if problem:
            return Findings({**broken, folder: problem}, self.whole - {folder})
        return Findings(broken, self.whole | {folder})

    def without(self, folder: str) -> Findings:
        """Nothing is known of a network that has changed since."""
        return Findings({key: each for key, each in self.broken.items() if key != folder}, self.whole - {folder})


@dataclass(frozen=True)
class Row:
    """One network. `uses` are the titles of the tasks that may load it, `problem` says why it is broken or cannot run;
    `is_whole`: verified since the window opened; `lacks_licence`: it needs a licence number, and none is stored;
    `has_terms`: it is for non-commercial use only."""

    entry: Entry
    title: str
    group: str
    uses: tuple[str, ...] = ()
    item: Item | None = None
    problem: str = ""
    is_whole: bool = False
    lacks_licence: bool = False
    has_terms: bool = False

    @property
    def key(self) -> str:
        """What it is known by, whatever happens to it."""
        return self.entry.custom.name if self.entry.custom is not None else self.entry.folder

    @property
    def state(self) -> RowState:
        """The queue's state where it is in the queue, else that of what is on the disk."""
        if self.item is not None:
            return self.item.state
        if self.problem and self.entry.state in ("here", "update") and self.entry.custom is None:
            return "broken"
        return self.entry.state

    @property
    def share(self) -> float | None:
        """How much is done of a download that is under way or paused, from 0 to 1; None where nobody can tell."""
        return None if self.item is None or self.item.progress is None else self.item.progress.share

    @property
    def bytes_here(self) -> int:
        """What it takes of the disk."""
        return self.entry.bytes_here + self.entry.partial_bytes


def make_rows(holdings: Holdings, items: Iterable[Item], findings: Findings) -> tuple[Row, ...]:
    """All rows, by group in the order of the task panel; what is not used any more comes last."""
    queued = {each.package.folder: each for each in items}
    rows = [_row(each, holdings, queued, findings) for each in holdings.entries]
    order = [*GROUPS, OBSOLETE]
    return tuple(sorted(rows, key=lambda row: order.index(row.group)))


def _row(entry: Entry, holdings: Holdings, queued: Mapping[str, Item], findings: Findings) -> Row:
    catalogue = holdings.catalogue
    folder = entry.folder if entry.custom is None else ""
    return Row(
        entry,
        network_title(entry, catalogue),
        group_of(entry, catalogue),
        tuple(task_title(catalogue.tasks[name]) for name in entry.tasks) if folder else (),
        queued.get(folder),
        findings.broken.get(folder, "") or entry.problem,
        folder in findings.whole,
        entry.licensed and not holdings.has_licence,
        bool(holdings.terms.get(folder)),
    )


def with_items(rows: Iterable[Row], items: Iterable[Item]) -> tuple[Row, ...]:
    """The same rows with what the queue says now."""
    queued = {each.package.folder: each for each in items}
    return tuple(_with_item(row, queued.get(row.entry.folder)) for row in rows)


def _with_item(row: Row, item: Item | None) -> Row:
    if row.entry.custom is not None or row.item is item:
        return row
    return replace(row, item=item)


def found(rows: Sequence[Row], query: str) -> tuple[Row, ...]:
    """The rows whose names, tasks, heading or state hold every word of `query`, in any order."""
    words = query.casefold().split()
    return tuple(row for row in rows if all(word in _searched(row) for word in words))


def _searched(row: Row) -> str:
    texts = [row.title, row.entry.folder, heading_of(row.group), state_word(row)[0], *row.uses]
    return "\n".join(texts).casefold()


# words


def state_word(row: Row) -> tuple[str, str]:
    """The state in a word or two, and the theme's colour for it."""
    progress = row.item.progress if row.item is not None else None
    share = "" if row.share is None else f" {round(row.share * _PERCENT)} %"
    known: dict[RowState, tuple[str, str]] = {
        "here": (translate("Networks", "verified") if row.is_whole else translate("Networks", "here"), "good"),
        "partial": (translate("Networks", "partial"), "warning"),
        "missing": (translate("Networks", "missing"), "secondary"),
        "broken": (translate("Networks", "broken"), "error"),
        "update": (translate("Networks", "update available"), "warning"),
        "obsolete": (translate("Networks", "obsolete"), "secondary"),
        "queued": (translate("Networks", "waiting"), "secondary"),
        "running": (stage_text(progress) + share, "accent"),
        "paused": (translate("Networks", "paused") + share, "warning"),
        "failed": (translate("Networks", "failed"), "error"),
    }
    if row.entry.custom is not None and row.problem and row.state == "here":
        return translate("Networks", "cannot run"), "warning"
    return known[row.state]


def size_words(row: Row) -> str:
    """How large it is, or how far it is while it is being downloaded."""
    if row.state == "running" and row.item is not None:
        return progress_text(row.item.progress)
    if row.state in ("partial", "paused") and row.entry.partial_bytes:
        return amount_text(row.entry.partial_bytes, row.entry.zip_bytes)
    size = row.entry.bytes_here or row.entry.zip_bytes
    return size_text(size) if size else ""


def line_words(row: Row) -> str:
    """The second line of a row: which dataset, what needs it, where it is when not with the others."""
    entry = row.entry
    parts = [dataset_words(entry)]
    others = len(row.uses) - 1
    if others > 0:
        also = (
            translate("Networks", "also for 1 task") if others == 1 else translate("Networks", "also for {count} tasks")
        )
        parts.append(also.format(count=others))
    if entry.place is not None and not entry.ours:
        parts.append(place_words(entry))
    return _APART.join(parts)


def dataset_words(entry: Entry) -> str:
    """The number nnU-Net knows it by, or whence it is where the catalogue has none."""
    if entry.custom is not None:
        return f"{entry.custom.dataset}{_APART}{entry.custom.configuration}"
    if entry.package is None:
        return translate("Networks", "of an earlier version")
    return translate("Networks", "dataset {number}").format(number=entry.package.networks[0].dataset_id)


def place_words(entry: Entry) -> str:
    """Whose folder a network is in that is not in the program's own."""
    if entry.package is not None and entry.package.source == "bundled":
        return translate("Networks", "comes with the program")
    return translate("Networks", "in TotalSegmentator's folder")


def spoken(row: Row) -> str:
    """What assistive tools say."""
    licence = translate("Networks", "needs a licence number") if row.entry.licensed else ""
    return ", ".join(filter(None, [row.title, state_word(row)[0], size_words(row), licence, line_words(row)]))


# what can be done


def actions_of(row: Row) -> tuple[Action, ...]:
    """What can be done with a network, the first of all first."""
    actions = [*_ways_to_get(row), *_what_is_here(row)]
    gettable = row.state in ("missing", "partial", "failed", "broken", "update")
    if gettable and row.entry.package is not None and row.entry.package.url:
        actions.append("copy_link")
    return tuple(actions)


def _ways_to_get(row: Row) -> tuple[Action, ...]:
    package = row.entry.package
    if package is None or package.source == "bundled":
        return ()
    if row.lacks_licence and row.state in ("missing", "partial", "broken", "update", "failed"):
        return ("licence", "cancel") if row.state == "failed" else ("licence",)
    known: dict[RowState, tuple[Action, ...]] = {
        "missing": ("download",),
        "partial": ("resume",),
        "broken": ("repair",),
        "update": ("update",),
        "queued": ("pause", "cancel"),
        "running": ("pause", "cancel"),
        "paused": ("resume", "cancel"),
        "failed": ("try_again", "cancel"),
    }
    return known.get(row.state, ())


def _what_is_here(row: Row) -> tuple[Action, ...]:
    entry, actions = row.entry, list[Action]()
    if row.item is not None:
        return ()
    if entry.package is not None and entry.bytes_here:
        actions.append("verify")
    if entry.place is not None:
        actions.append("open")
    if entry.place is not None and entry.ours:
        actions.append("delete")
    elif row.state == "partial":
        actions.append("discard")
    return tuple(actions)
