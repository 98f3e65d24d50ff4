"""The list of networks under headings: several can be selected; it keeps its place while rows change."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QStyle,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from tsdesktop.gui.networks.delegate import VALUE, Heading, NetworkDelegate
from tsdesktop.gui.networks.rows import Row, spoken
from tsdesktop.gui.networks.words import heading_of

_SPOKEN = Qt.ItemDataRole.AccessibleTextRole
_BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class NetworkList(QTreeWidget):
    """Networks under headings. `selected_changed()` when others are selected; `first_wanted()` for Return,
    `delete_wanted()` for the delete key, `menu_wanted(place on the screen)` for a click with the right button.
    """

    selected_changed = Signal()
    first_wanted = Signal()
    delete_wanted = Signal()
    menu_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._headings: dict[str, QTreeWidgetItem] = {}
        self._closed: set[str] = set()
        self._order: list[tuple[str, str]] = []
        self._by_keyboard = False
        self.setItemDelegate(NetworkDelegate(self))
        self._set_up()
        self.itemCollapsed.connect(lambda item: self._closed.add(item.data(0, VALUE).group))
        self.itemExpanded.connect(lambda item: self._closed.discard(item.data(0, VALUE).group))
        self.itemSelectionChanged.connect(self.selected_changed)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are shown."""
        return tuple(item.data(0, VALUE) for item in self._items.values())

    @property
    def selected(self) -> tuple[Row, ...]:
        """The selected rows, in the order of the list."""
        return tuple(item.data(0, VALUE) for item in self._items.values() if item.isSelected())

    def show_rows(self, rows: Sequence[Row], totals: dict[str, str]) -> None:
        """Shows these rows; `totals` says by group what stands beside its heading. Selection and place are kept."""
        order = [(row.group, row.key) for row in rows]
        if order == self._order:
            for row in rows:
                _fill(self._items[row.key], row)
            for group, item in self._headings.items():
                _fill_heading(item, Heading(group, heading_of(group), totals.get(group, "")))
        else:
            self._order = order
            self._build(rows, totals)

    def select(self, keys: Sequence[str]) -> None:
        """Selects these rows, as far as they are shown, and brings the first into view."""
        items = [self._items[key] for key in keys if key in self._items]
        self.clearSelection()
        for item in items:
            item.setSelected(True)
        if items:
            parent = items[0].parent()
            if parent is not None:
                parent.setExpanded(True)
            self.setCurrentItem(items[0], 0, self.selectionModel().SelectionFlag.NoUpdate)
            self.scrollToItem(items[0])

    def enter(self) -> None:
        """Takes the keyboard, with a row to start from."""
        # Before it has the keyboard: it would start from the first heading.
        if self.currentItem() is None and self._items:
            self.setCurrentItem(next(iter(self._items.values())))
        self.setFocus(Qt.FocusReason.TabFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and Delete act on what is selected; Return on a heading closes or opens it."""
        self._by_keyboard = True
        self.viewport().update()
        current = self.currentItem()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if current is not None and isinstance(current.data(0, VALUE), Heading):
                current.setExpanded(not current.isExpanded())
            elif self.selected:
                self.first_wanted.emit()
            # Else the dialog would press its default button.
            event.accept()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.selected:
            self.delete_wanted.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A ring shows the row the keyboard is at, if it came by the keyboard."""
        self._by_keyboard = event.reason() in _BY_KEYBOARD
        super().focusInEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a heading closes or opens it."""
        self._by_keyboard = False
        item = self.itemAt(event.position().toPoint())
        if item is not None and isinstance(item.data(0, VALUE), Heading):
            item.setExpanded(not item.isExpanded())
            return
        super().mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the selected rows."""
        if self.selected:
            by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
            below = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).bottomLeft())
            self.menu_wanted.emit(event.globalPos() if by_mouse else below)

    def drawRow(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Leaves the whole row to the delegate, without the style's own ground and branches."""
        row = QStyleOptionViewItem(option)
        state = QStyle.StateFlag.State_Enabled
        if self.selectionModel().isSelected(index):
            state |= QStyle.StateFlag.State_Selected
        if self._by_keyboard and self.hasFocus() and index == self.currentIndex():
            state |= QStyle.StateFlag.State_HasFocus
        if self.isExpanded(index):
            state |= QStyle.StateFlag.State_Open
        if index == self.indexAt(self.viewport().mapFromGlobal(self.cursor().pos())) and self.viewport().underMouse():
            state |= QStyle.StateFlag.State_MouseOver
        row.state = state
        row.rect = self.visualRect(index)
        self.itemDelegate().paint(painter, row, index)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The one column is as wide as the list."""
        super().resizeEvent(event)
        self.setColumnWidth(0, self.viewport().width())

    def sizeHint(self) -> QSize:
        """Some rows."""
        return QSize(480, 400)

    def _set_up(self) -> None:
        self.setHeaderHidden(True)
        self.setIndentation(0)
        self.setRootIsDecorated(False)
        self.setExpandsOnDoubleClick(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.header().setStretchLastSection(True)
        self.header().setMinimumSectionSize(0)
        self.setAccessibleName(self.tr("Networks"))
        self.setAccessibleDescription(
            self.tr("Return does the first thing that can be done, the delete key deletes, the menu key offers all")
        )

    def _build(self, rows: Sequence[Row], totals: dict[str, str]) -> None:
        selected = {row.key for row in self.selected}
        current = self.currentItem()
        value = None if current is None else current.data(0, VALUE)
        place = self.verticalScrollBar().value()
        self.blockSignals(True)
        self.clear()
        self._items, self._headings = {}, {}
        for group, members in groupby(rows, key=lambda row: row.group):
            self._headings[group] = heading = QTreeWidgetItem(self)
            heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
            _fill_heading(heading, Heading(group, heading_of(group), totals.get(group, "")))
            heading.setExpanded(group not in self._closed)
            for row in members:
                self._items[row.key] = item = QTreeWidgetItem(heading)
                _fill(item, row)
                item.setSelected(row.key in selected)
        if isinstance(value, Row) and value.key in self._items:
            self.setCurrentItem(self._items[value.key], 0, self.selectionModel().SelectionFlag.NoUpdate)
        self.blockSignals(False)
        self.doItemsLayout()
        self.verticalScrollBar().setValue(place)
        self.selected_changed.emit()


def _fill(item: QTreeWidgetItem, row: Row) -> None:
    if item.data(0, VALUE) != row:
        item.setData(0, VALUE, row)
        item.setText(0, row.title)
        item.setData(0, _SPOKEN, spoken(row))


def _fill_heading(item: QTreeWidgetItem, heading: Heading) -> None:
    if item.data(0, VALUE) != heading:
        item.setData(0, VALUE, heading)
        item.setText(0, heading.title)
        item.setData(0, _SPOKEN, f"{heading.title}, {heading.count}")
