"""A tree of structures by body system with a box to tick at each; a system's box stands for all in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem, QWidget

from tsdesktop.core.structures import Rgb, StructureClass
from tsdesktop.gui.panels.finder import find_structures
from tsdesktop.gui.panels.parts import paint_swatch
from tsdesktop.gui.panels.systems import by_system
from tsdesktop.gui.words import structure_title, system_title

_NAME = Qt.ItemDataRole.UserRole
_ON, _OFF = Qt.CheckState.Checked, Qt.CheckState.Unchecked


class StructureTree(QTreeWidget):
    """Structures to tick. `ticked_changed` once per change, however many boxes it moved.

    `left_upwards` when the keyboard goes up from the first line.
    """

    ticked_changed = Signal()
    left_upwards = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setIndentation(16)
        self.setIconSize(QSize(12, 12))
        self.setUniformRowHeights(True)
        self.setAccessibleName(self.tr("Structures by body system"))
        self._items: dict[str, QTreeWidgetItem] = {}
        self._structures: Sequence[StructureClass] = ()
        self._busy = self._pending = False
        self.itemChanged.connect(self._on_item_changed)

    def show_structures(self, structures: Sequence[StructureClass], ticked: Iterable[str]) -> None:
        """The structures to choose from, and those that are ticked."""
        chosen = set(ticked)
        self._busy = True
        self.clear()
        self._items, self._structures = {}, structures
        for system, group in by_system(structures).items():
            parent = QTreeWidgetItem(self, [f"{system_title(system)}  {len(group)}"])
            parent.setData(0, _NAME, system)
            parent.setFlags(parent.flags() | Qt.ItemFlag.ItemIsAutoTristate | Qt.ItemFlag.ItemIsUserCheckable)
            for each in group:
                self._items[each.name] = self._leaf(parent, each, each.name in chosen)
        self._busy = False

    def _leaf(self, parent: QTreeWidgetItem, structure: StructureClass, on: bool) -> QTreeWidgetItem:
        item = QTreeWidgetItem(parent, [structure_title(structure)])
        item.setData(0, _NAME, structure.name)
        item.setIcon(0, swatch(structure.rgb))
        item.setCheckState(0, _ON if on else _OFF)
        item.setToolTip(0, structure.ta2_name)
        return item

    def ticked(self) -> tuple[str, ...]:
        """The names of the ticked structures, in label order."""
        return tuple(each.name for each in self._structures if self._items[each.name].checkState(0) == _ON)

    def tick(self, names: Iterable[str]) -> None:
        """Ticks these structures and no others."""
        chosen = set(names)
        self._busy = True
        for name, item in self._items.items():
            item.setCheckState(0, _ON if name in chosen else _OFF)
        self._busy = False
        self.ticked_changed.emit()

    def filter(self, query: str) -> int:
        """Shows only what fits `query`, opened; gives how many."""
        found = {each.name for each in find_structures(query, self._structures)}
        # Hiding changes flags of systems, which must not look like a tick.
        self._busy = True
        for name, item in self._items.items():
            item.setHidden(name not in found)
        for n in range(self.topLevelItemCount()):
            if (parent := self.topLevelItem(n)) is not None:
                self._filter_system(parent, bool(query.strip()))
        self._busy = False
        return len(found)

    def _filter_system(self, parent: QTreeWidgetItem, filtering: bool) -> None:
        children = [parent.child(m) for m in range(parent.childCount())]
        shown, count = sum(child is not None and not child.isHidden() for child in children), len(children)
        number = str(count) if shown == count else self.tr("{shown} of {count}").format(shown=shown, count=count)
        parent.setText(0, f"{system_title(parent.data(0, _NAME))}  {number}")
        parent.setHidden(not shown)
        parent.setExpanded(filtering and shown > 0)
        # While some of its structures are hidden, the box of a system would tick what nobody sees.
        flags = parent.flags() & ~Qt.ItemFlag.ItemIsUserCheckable
        parent.setFlags(flags if filtering else flags | Qt.ItemFlag.ItemIsUserCheckable)

    def enter(self) -> None:
        """The keyboard goes to the first structure that the filter leaves, or to the first system."""
        systems = (self.topLevelItem(n) for n in range(self.topLevelItemCount()))
        first = next((each for each in systems if each is not None and not each.isHidden()), None)
        if first is not None:
            below = self.itemBelow(first) if first.isExpanded() else None
            self.setCurrentItem(below or first)
        self.setFocus(Qt.FocusReason.TabFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Up from the first line leaves the tree."""
        current = self.currentItem()
        if event.key() == Qt.Key.Key_Up and (current is None or self.itemAbove(current) is None):
            self.left_upwards.emit()
        else:
            super().keyPressEvent(event)

    def found(self) -> list[str]:
        """The structures that the filter leaves."""
        return [name for name, item in self._items.items() if not item.isHidden()]

    def _on_item_changed(self, _item: QTreeWidgetItem) -> None:
        # A system's box moves those of its structures, each with a signal of its own: they are told of together.
        if not self._busy and not self._pending:
            self._pending = True
            QTimer.singleShot(0, self._tell)

    def _tell(self) -> None:
        self._pending = False
        self.ticked_changed.emit()


def swatch(rgb: Rgb, size: int = 12) -> QIcon:
    """A small rounded square of one colour."""
    picture = QPixmap(2 * size, 2 * size)
    picture.setDevicePixelRatio(2)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_swatch(painter, QRectF(0.5, 0.5, size - 1, size - 1), rgb)
    return QIcon(picture)
