"""The structures that were found, as a model: by body system, or as one list when sorted by volume or filtered."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from tsdesktop.core.structures import StructureClass, System
from tsdesktop.gui.figures import volume_text
from tsdesktop.gui.panels.finder import find_structures
from tsdesktop.gui.panels.structure_looks import all_visible
from tsdesktop.gui.panels.systems import by_name, by_system
from tsdesktop.gui.session import Session
from tsdesktop.gui.words import structure_title, structures_text, system_title

AnyIndex = QModelIndex | QPersistentModelIndex
Order = Literal["name", "volume"]
# Stands where a number is not there yet.
NO_NUMBER = "\u2014"
_ROOT = QModelIndex()


@dataclass(frozen=True)
class Arrangement:
    """Rows in order: groups by body system, or one list without systems (its only group is None)."""

    groups: tuple[tuple[System | None, tuple[StructureClass, ...]], ...] = ()

    @property
    def is_flat(self) -> bool:
        """Whether the structures stand in one list."""
        return all(system is None for system, _ in self.groups)

    @property
    def structures(self) -> tuple[StructureClass, ...]:
        """All structures in order."""
        return tuple(each for _, group in self.groups for each in group)

    @property
    def names(self) -> tuple[tuple[System | None, tuple[str, ...]], ...]:
        """What stands where, without labels and colours."""
        return tuple((system, tuple(each.name for each in group)) for system, group in self.groups)


class StructureModel(QAbstractItemModel):
    """One column. `arranged(keep_place)` after rows came, went or moved; numbers and looks change rows in place."""

    about_to_be_arranged = Signal()
    arranged = Signal(bool)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._rows = Arrangement()
        self._query = ""
        self._order: Order = "name"
        self._volumes_ml: dict[str, float] = {}
        session.labels_changed.connect(self._on_labels_changed)
        session.statistics_changed.connect(self._on_statistics_changed)
        session.looks_changed.connect(self._tell_all)
        self._on_labels_changed()
        self._on_statistics_changed()

    @property
    def order(self) -> Order:
        """What the rows are sorted by."""
        return self._order

    @property
    def query(self) -> str:
        """What the rows are filtered by; empty for all."""
        return self._query

    @property
    def present(self) -> tuple[StructureClass, ...]:
        """Every structure that was found, whether the filter shows it or not."""
        return self._session.label_map.present if self._session.label_map else ()

    @property
    def shown(self) -> tuple[StructureClass, ...]:
        """The structures that have a row, in order."""
        return self._rows.structures

    def sort_by(self, order: Order) -> None:
        """Another order."""
        if order != self._order:
            self._order = order
            self._arrange(keep_place=False)

    def filter(self, query: str) -> None:
        """Only the structures that fit `query`."""
        if query.strip() != self._query:
            self._query = query.strip()
            self._arrange(keep_place=False)

    def structure(self, index: AnyIndex) -> StructureClass | None:
        """The structure of a row; None for a body system."""
        if not index.isValid() or (not self._rows.is_flat and index.internalId() == 0):
            return None
        group = 0 if self._rows.is_flat else index.internalId() - 1
        return self._rows.groups[group][1][index.row()]

    def system(self, index: AnyIndex) -> System | None:
        """The body system of a row; None for a structure."""
        if not index.isValid() or self._rows.is_flat or index.internalId():
            return None
        return self._rows.groups[index.row()][0]

    def labels(self, index: AnyIndex) -> tuple[int, ...]:
        """The labels a row stands for: its own, or those of its body system."""
        if not index.isValid():
            return ()
        found = self.structure(index)
        return (found.label,) if found else tuple(each.label for each in self._rows.groups[index.row()][1])

    def index_of(self, name: str) -> QModelIndex:
        """The row of the structure with this name; invalid where it has none."""
        for group, (_, members) in enumerate(self._rows.groups):
            for row, each in enumerate(members):
                if each.name == name:
                    return self.createIndex(row, 0, 0 if self._rows.is_flat else group + 1)
        return QModelIndex()

    def index_of_system(self, system: System) -> QModelIndex:
        """The row of a body system; invalid where it has none."""
        found = [row for row, (each, _) in enumerate(self._rows.groups) if each == system]
        return self.createIndex(found[0], 0, 0) if found else QModelIndex()

    def volume_text(self, structure: StructureClass) -> str:
        """The volume of a structure, a dash while it is not known."""
        found = self._session.statistics.get(structure.label)
        return NO_NUMBER if found is None else volume_text(found.volume_ml)

    def touches_border(self, structure: StructureClass) -> bool:
        """Whether it is known to reach the border of the scan."""
        found = self._session.statistics.get(structure.label)
        return found is not None and found.touches_border

    def index(self, row: int, column: int, parent: AnyIndex = _ROOT) -> QModelIndex:
        """A row below `parent`."""
        if column or not 0 <= row < self.rowCount(parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, child: AnyIndex = _ROOT) -> QModelIndex:  # type: ignore[override] # the other parent() is QObject's
        """The body system of a structure."""
        if not child.isValid() or child.internalId() == 0:
            return QModelIndex()
        return self.createIndex(child.internalId() - 1, 0, 0)

    def rowCount(self, parent: AnyIndex = _ROOT) -> int:
        """How many rows are below `parent`."""
        if not parent.isValid():
            return len(self._rows.structures) if self._rows.is_flat else len(self._rows.groups)
        if self._rows.is_flat or parent.internalId():
            return 0
        return len(self._rows.groups[parent.row()][1])

    def columnCount(self, _parent: AnyIndex = _ROOT) -> int:
        """One."""
        return 1

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Structures can be selected, body systems only be gone to."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        enabled = Qt.ItemFlag.ItemIsEnabled
        return enabled if self.structure(index) is None else enabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The title, and what assistive tools say."""
        if not index.isValid():
            return None
        found, system = self.structure(index), self.system(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return structure_title(found) if found else system_title(system) if system else None
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(found) if found else self._spoken_system(index)
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return found.ta2_name if found else None
        return None

    def _spoken(self, structure: StructureClass) -> str:
        known = structure.label in self._session.statistics
        parts = [structure_title(structure), self.volume_text(structure) if known else self.tr("volume not known yet")]
        if self.touches_border(structure):
            parts.append(self.tr("touches the border"))
        parts.append(self._spoken_visible((structure.label,)))
        return ", ".join(parts)

    def _spoken_system(self, index: AnyIndex) -> str:
        labels = self.labels(index)
        title = self.data(index)
        return f"{title}, {structures_text(len(labels))}, {self._spoken_visible(labels)}"

    def _spoken_visible(self, labels: tuple[int, ...]) -> str:
        if all_visible(self._session, labels):
            return self.tr("visible")
        if any(self._session.looks[label].visible for label in labels):
            return self.tr("partly hidden")
        return self.tr("hidden")

    def _on_labels_changed(self) -> None:
        if self._session.label_map is None:
            self._volumes_ml = {}
        self._arrange(keep_place=True)

    def _on_statistics_changed(self) -> None:
        # Sorted by volume, rows keep their order until the new numbers are there.
        if self._session.statistics:
            self._volumes_ml = {each.structure.name: each.volume_ml for each in self._session.statistics.values()}
        self._arrange(keep_place=True)

    def _arrange(self, keep_place: bool) -> None:
        rows = self._wanted_rows()
        if rows.names == self._rows.names and rows.is_flat == self._rows.is_flat:
            self._rows = rows
            self._tell_all()
            return
        # Views forget where their rows are as soon as they hear of the reset.
        self.about_to_be_arranged.emit()
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()
        self.arranged.emit(keep_place)

    def _wanted_rows(self) -> Arrangement:
        found = sorted(_found(self._query, self.present), key=by_name)
        if self._order == "volume":
            found.sort(key=lambda each: -self._volumes_ml.get(each.name, 0.0))
        if not found:
            return Arrangement()
        if self._query or self._order == "volume":
            return Arrangement(((None, tuple(found)),))
        return Arrangement(tuple((system, tuple(group)) for system, group in by_system(found).items()))

    def _tell_all(self) -> None:
        """Every row may look different; all stay where they are."""
        for parent in (QModelIndex(), *(self.index(row, 0) for row in range(self.rowCount()))):
            last = self.rowCount(parent) - 1
            if last >= 0:
                self.dataChanged.emit(self.index(0, 0, parent), self.index(last, 0, parent))


def _found(query: str, structures: tuple[StructureClass, ...]) -> Iterable[StructureClass]:
    """What the search finds, and what is called so in the person's language."""
    if not query:
        return structures
    found = {each.label for each in find_structures(query, structures)}
    typed = query.casefold()
    translated = [each for each in structures if structure_title(each) != each.title]
    own = {each.label for each in translated if typed in structure_title(each).casefold()}
    # A slip of the finger is only guessed at where nothing is really called so.
    return [each for each in structures if each.label in (own or found)]
