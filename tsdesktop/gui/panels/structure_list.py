"""The list of found structures: clicks and keys in it, and how it follows the session."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QStyle, QStyleOptionViewItem, QTreeView, QWidget

from tsdesktop.core.structures import System
from tsdesktop.gui.panels.structure_colour import ColourBox
from tsdesktop.gui.panels.structure_list_delegate import Places, StructureDelegate, places
from tsdesktop.gui.panels.structure_list_model import AnyIndex, StructureModel
from tsdesktop.gui.panels.structure_looks import show_only, show_or_hide, toggle
from tsdesktop.gui.panels.structure_menu import structure_menu
from tsdesktop.gui.session import Session

_SOLO_KEYS = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier
_BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
_Flag = QItemSelectionModel.SelectionFlag


@dataclass(frozen=True)
class _Anchor:
    """The row at the top of the view and how far it is from there, to find the place again."""

    name: str
    system: System | None
    offset: int


class StructureList(QTreeView):
    """Structures by body system. `labels_changed()` when other ones are marked; `export_wanted(labels)`,
    `print_wanted(labels)`."""

    labels_changed = Signal()
    export_wanted = Signal(tuple)
    print_wanted = Signal(tuple)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rows = StructureModel(session, self)
        self.delegate = StructureDelegate(session, self.rows, self)
        self._closed: set[System] = set()
        self._anchor: _Anchor | None = None
        self._following = False
        self._by_keyboard = False
        self.setModel(self.rows)
        self.setItemDelegate(self.delegate)
        self._set_up()
        self.rows.about_to_be_arranged.connect(self._on_about_to_be_arranged)
        self.rows.arranged.connect(self._on_arranged)
        session.selection_changed.connect(self._on_session_selection_changed)
        self.collapsed.connect(self._on_collapsed)
        self.expanded.connect(self._on_expanded)
        self._on_arranged(False)

    @property
    def labels(self) -> tuple[int, ...]:
        """The marked structures, in the order of the list; those that have no row here come last."""
        marked = self._session.marked
        own = [label for label in self.shown_labels if label in marked]
        return (*own, *sorted(marked.difference(own)))

    @property
    def shown_labels(self) -> tuple[int, ...]:
        """The structures that have a row."""
        return tuple(each.label for each in self.rows.shown)

    def places(self, index: QModelIndex) -> Places:
        """Where the parts of a row are, in the coordinates of the viewport."""
        return places(self.visualRect(index), is_group=self.rows.structure(index) is None)

    def selectionCommand(self, index: AnyIndex, event: QEvent | None = None) -> QItemSelectionModel.SelectionFlag:
        """Going to a body system leaves the selected structures as they are."""
        if index.isValid() and self.rows.structure(index) is None:
            return _Flag.NoUpdate
        return super().selectionCommand(index, event)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """What a person selects here is marked everywhere; of several, the row that was gone to is the selected one."""
        super().selectionChanged(selected, deselected)
        if self._following:
            return
        labels = self._selected_labels()
        current = self.rows.labels(self.currentIndex())
        chosen = current[0] if len(current) == 1 and current[0] in labels else labels[0] if labels else None
        if len(labels) == 1:
            self._session.select(chosen, go_there=True)
        else:
            self._session.mark(labels, chosen)

    def enter(self) -> None:
        """Takes the keyboard, with a row to start from."""
        self.setFocus(Qt.FocusReason.TabFocusReason)
        self._have_current()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Eyes, colours and body systems answer at once, rows select."""
        self._by_keyboard = False
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.RightButton:
            self._take_for_menu(index)
        elif event.button() == Qt.MouseButton.LeftButton and self._on_part_pressed(index, event):
            event.accept()
        else:
            self._press_row(index, event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Two quick clicks on an eye are two clicks."""
        self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """What lies under the mouse is brighter."""
        super().mouseMoveEvent(event)
        self._point_at(event.position().toPoint())

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing lies under the mouse."""
        super().leaveEvent(event)
        self._point_at(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space shows or hides, Return goes there, Escape selects nothing; the rest is the list's."""
        self._by_keyboard = True
        self.viewport().update()
        key = event.key()
        labels = self._labels_for_keys()
        if key == Qt.Key.Key_Space and labels:
            alone = event.modifiers() & _SOLO_KEYS
            (show_only if alone else toggle)(self._session, labels, self._group_name(self.currentIndex()))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._enter(self.currentIndex())
        elif key == Qt.Key.Key_Escape and self.labels:
            self._session.select(None)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard finds a row to start from."""
        self._by_keyboard = event.reason() in _BY_KEYBOARD
        super().focusInEvent(event)
        self._have_current()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu of the structure under the mouse, or of the current row from the keyboard."""
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        labels = self._labels_at(index)
        if not labels:
            return
        at = event.globalPos() if by_mouse else self._below(self.visualRect(index))
        own = self.rows.labels(index)[0]
        menu = structure_menu(self._session, own, self, labels)
        menu.export_wanted.connect(self.export_wanted)
        menu.print_wanted.connect(self.print_wanted)
        menu.popup(at)

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Leaves the whole row to the delegate, without the style's own ground and branches."""
        row = QStyleOptionViewItem(option)
        state = QStyle.StateFlag.State_Enabled
        if self.selectionModel().isSelected(index):
            state |= QStyle.StateFlag.State_Selected
        if self._by_keyboard and self.hasFocus() and index == self.currentIndex():
            state |= QStyle.StateFlag.State_HasFocus
        if self.isExpanded(index):
            state |= QStyle.StateFlag.State_Open
        row.state = state
        row.rect = self.visualRect(index)
        self.delegate.paint(painter, row, index)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The one column is as wide as the list."""
        super().resizeEvent(event)
        self.setColumnWidth(0, self.viewport().width())
        # The details below take their room when a row is clicked, which must not vanish under them.
        current = self.currentIndex()
        if self.selectionModel().isSelected(current) and self.visualRect(current).top() < event.oldSize().height():
            self.scrollTo(current)

    def sizeHint(self) -> QSize:
        """Some rows."""
        return QSize(260, 300)

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
        self.setAccessibleName(self.tr("Structures that were found"))
        self.setAccessibleDescription(
            self.tr("Space shows or hides, Return goes there, letters find a name, the menu key offers more")
        )

    def _have_current(self) -> None:
        if not self.currentIndex().isValid() and self.rows.rowCount():
            self.selectionModel().setCurrentIndex(self.rows.index(0, 0), _Flag.NoUpdate)

    def _press_row(self, index: QModelIndex, event: QMouseEvent) -> None:
        before = self._session.selected, self._selected_labels()
        super().mousePressEvent(event)
        found = self.rows.structure(index)
        # Where the selection stays the same nothing was told, yet a click always leads there.
        if found is not None and before == (found.label, (found.label,)) == (
            self._session.selected,
            self._selected_labels(),
        ):
            self._session.select(found.label, go_there=True)

    def _on_part_pressed(self, index: QModelIndex, event: QMouseEvent) -> bool:
        """Whether the press was for an eye, a colour or a body system, which then has answered."""
        if not index.isValid():
            return False
        is_group = self.rows.structure(index) is None
        zone = self.places(index).zone_at(event.position().toPoint(), is_group=is_group)
        if zone == "eye":
            self._on_eye_pressed(index, event.modifiers())
        elif zone == "swatch" and not event.modifiers():
            self._open_colours(index)
        elif is_group:
            self.setExpanded(index, not self.isExpanded(index))
            self.selectionModel().setCurrentIndex(index, _Flag.NoUpdate)
        else:
            return False
        return True

    def _on_eye_pressed(self, index: QModelIndex, modifiers: Qt.KeyboardModifier) -> None:
        labels, name = self._labels_at(index), self._group_name(index)
        own = self.rows.labels(index)
        if modifiers & _SOLO_KEYS:
            show_only(self._session, own, name)
        elif len(own) == 1:
            show_or_hide(self._session, labels, not self._session.looks[own[0]].visible)
        else:
            toggle(self._session, own, name)

    def _open_colours(self, index: QModelIndex) -> None:
        box = ColourBox(self._session, self._labels_at(index), self)
        box.open_beside(self._below(self.places(index).swatch))

    def _enter(self, index: QModelIndex) -> None:
        found = self.rows.structure(index)
        if found is None:
            self.setExpanded(index, not self.isExpanded(index))
        else:
            self._session.select(found.label, go_there=True)

    def _labels_at(self, index: QModelIndex) -> tuple[int, ...]:
        """What an action on a row is for: all selected ones where the row is one of them."""
        own, selected = self.rows.labels(index), self._selected_labels()
        return selected if len(own) == 1 and own[0] in selected else own

    def _labels_for_keys(self) -> tuple[int, ...]:
        return self._labels_at(self.currentIndex())

    def _group_name(self, index: QModelIndex) -> str:
        return str(self.rows.data(index)) if self.rows.system(index) else ""

    def _take_for_menu(self, index: QModelIndex) -> None:
        """The menu is for what is selected; a row that is not becomes it, without moving the slices."""
        found = self.rows.structure(index)
        if found is not None and found.label not in self._selected_labels():
            self._session.select(found.label)

    def _selected_labels(self) -> tuple[int, ...]:
        chosen = {self.rows.labels(index)[0] for index in self.selectionModel().selectedIndexes()}
        return tuple(label for label in self.shown_labels if label in chosen)

    def _on_session_selection_changed(self) -> None:
        if self._session.marked.intersection(self.shown_labels) != frozenset(self._selected_labels()):
            self._select_marked()
            if self.selectionModel().isSelected(self.currentIndex()):
                self._bring_into_view(self.currentIndex())
        self.labels_changed.emit()

    def _select_marked(self) -> None:
        """The rows of what is marked are selected; the selected structure's is the one to go on from."""
        session, model = self._session, self.selectionModel()
        self._following = True
        model.clearSelection()
        for each in self.rows.shown:
            if each.label in session.marked:
                model.select(self.rows.index_of(each.name), _Flag.Select)
        chosen = next((each for each in self.rows.shown if each.label == session.selected), None)
        if chosen is not None:
            model.setCurrentIndex(self.rows.index_of(chosen.name), _Flag.Select)
        self._following = False

    def _on_collapsed(self, index: QModelIndex) -> None:
        if (system := self.rows.system(index)) is not None:
            self._closed.add(system)

    def _on_expanded(self, index: QModelIndex) -> None:
        if (system := self.rows.system(index)) is not None:
            self._closed.discard(system)

    def _on_about_to_be_arranged(self) -> None:
        top = self.indexAt(QPoint(8, 1))
        found = self.rows.structure(top)
        offset = self.visualRect(top).top()
        self._anchor = _Anchor(found.name if found else "", self.rows.system(top), offset) if top.isValid() else None

    def _on_arranged(self, keep_place: bool) -> None:
        """Finds systems, selection and place again after rows came, went or moved."""
        for row in range(self.rows.rowCount()):
            index = self.rows.index(row, 0)
            system = self.rows.system(index)
            if system is not None:
                self.setExpanded(index, system not in self._closed)
        self._select_marked()
        self._find_place(keep_place)
        self.labels_changed.emit()

    def _find_place(self, keep_place: bool) -> None:
        self.doItemsLayout()
        self.updateGeometries()
        anchor = self._anchor
        if keep_place and anchor is not None:
            index = self.rows.index_of_system(anchor.system) if anchor.system else self.rows.index_of(anchor.name)
            if index.isValid():
                bar = self.verticalScrollBar()
                bar.setValue(bar.value() + self.visualRect(index).top() - anchor.offset)
        elif self._session.selected_structure is not None:
            self._bring_or_top(self._session.selected_structure.name)
        else:
            self.scrollToTop()

    def _bring_or_top(self, name: str) -> None:
        index = self.rows.index_of(name)
        if index.isValid():
            self._bring_into_view(index)
        else:
            self.scrollToTop()

    def _bring_into_view(self, index: QModelIndex) -> None:
        """Leaves the list alone where the row is seen, else puts it in the middle."""
        inside = self.viewport().rect().contains(self.visualRect(index))
        hint = QAbstractItemView.ScrollHint
        self.scrollTo(index, hint.EnsureVisible if inside else hint.PositionAtCenter)

    def _point_at(self, place: QPoint | None) -> None:
        before = self.delegate.pointer
        self.delegate.pointer = place
        for each in (before, place):
            if each is not None:
                self.update(self.indexAt(each))

    def _below(self, area: QRect) -> QPoint:
        return self.viewport().mapToGlobal(area.bottomLeft() + QPoint(0, 4))
