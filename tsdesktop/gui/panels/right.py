"""The right side of the window: what was found, and what is known of the selected structure."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QStackedWidget, QVBoxLayout, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.panels.parts import MARGIN
from tsdesktop.gui.panels.structure_details import StructureDetails
from tsdesktop.gui.panels.structure_list import StructureList
from tsdesktop.gui.panels.structure_list_head import ListHead
from tsdesktop.gui.panels.structure_looks import hide_all, show_all, show_or_hide
from tsdesktop.gui.parts import GAP, hairline, paragraph, stacked
from tsdesktop.gui.session import Session


class RightPanel(QFrame):
    """The structures and the details below them. `export_wanted(labels)` when some are to be exported,
    `print_wanted(labels)` when they are to be printed."""

    export_wanted = Signal(tuple)
    print_wanted = Signal(tuple)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self._session = session
        self.head = ListHead()
        self.list = StructureList(session)
        self.details = StructureDetails(session)
        self.nothing = Nothing()
        self._pages = QStackedWidget()
        self._pages.addWidget(self._inset(self.list))
        self._pages.addWidget(self.nothing)
        self._foot = QWidget()
        self._lay_out()
        self._wire()
        self._refresh()

    @property
    def selected_labels(self) -> tuple[int, ...]:
        """The selected structures, several where several are selected in the list."""
        return self.list.labels

    def sizeHint(self) -> QSize:
        """As in the drawing of the window."""
        return QSize(296, 600)

    def focus_filter(self) -> None:
        """Puts the keyboard into the filter."""
        self.head.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.head.filter.selectAll()

    def _lay_out(self) -> None:
        self._inner = QWidget()
        self._inner.setLayout(stacked(self.details, margin=MARGIN))
        self._foot.setLayout(stacked(hairline(), self._inner, gap=0))
        top = QWidget()
        column = stacked(self.head)
        column.setContentsMargins(GAP, MARGIN, GAP, theme.GRID)
        top.setLayout(column)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(top)
        whole.addWidget(self._pages, 1)
        whole.addWidget(self._foot)
        self._top = top

    def _wire(self) -> None:
        self.head.query_changed.connect(self._on_query_changed)
        self.head.order_changed.connect(self.list.rows.sort_by)
        self.head.show_wanted.connect(self._on_show_wanted)
        self.head.leave_wanted.connect(self.list.enter)
        self.head.first_wanted.connect(self._on_first_wanted)
        self.list.export_wanted.connect(self.export_wanted)
        self.details.export_wanted.connect(self.export_wanted)
        self.list.print_wanted.connect(self.print_wanted)
        self.details.print_wanted.connect(self.print_wanted)
        self.list.labels_changed.connect(self._on_selected)
        self.list.rows.arranged.connect(self._refresh)
        self._session.labels_changed.connect(self._refresh)

    def _inset(self, inner: QWidget) -> QWidget:
        """The rows' ground reaches a little beyond the text above it."""
        outer = QWidget()
        column = stacked(inner)
        column.setContentsMargins(GAP, 0, theme.GRID, 0)
        outer.setLayout(column)
        return outer

    def _on_query_changed(self, query: str) -> None:
        self.list.rows.filter(query)
        self._refresh()

    def _on_show_wanted(self, visible: bool) -> None:
        if self.list.rows.query:
            show_or_hide(self._session, self.list.shown_labels, visible)
        elif visible:
            show_all(self._session)
        else:
            hide_all(self._session)

    def _on_first_wanted(self) -> None:
        """Return in the filter goes to what was found first."""
        if self.list.rows.query and self.list.rows.shown:
            self._session.select(self.list.rows.shown[0].label, go_there=True)

    def _on_selected(self) -> None:
        self.details.show_labels(self.list.labels)
        self._foot.setVisible(bool(self.details.labels))
        # Now, from the inside out: otherwise frames are painted in between.
        for inner in (self.details, self._inner, self._foot, self):
            if (layout := inner.layout()) is not None:
                layout.activate()

    def _refresh(self) -> None:
        present, shown = len(self.list.rows.present), len(self.list.rows.shown)
        self.head.show_counts(present, shown)
        self._top.setVisible(present > 0)
        self._pages.setCurrentIndex(0 if shown else 1)
        if not present and self._session.label_map is None:
            self.nothing.show_words("mdi6.layers-outline", self.tr("Structures appear here after a run"))
        elif not present:
            self.nothing.show_words("mdi6.layers-off-outline", self.tr("No structure was found in this scan"))
        else:
            query = self.list.rows.query
            words = self.tr("Nothing here is called “{query}”").format(query=query)
            self.nothing.show_words("mdi6.magnify", words)
        self._on_selected()


class Nothing(QWidget):
    """A quiet picture with one line, for want of rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = "mdi6.layers-outline"
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.words = paragraph(role="secondary")
        self.words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = stacked(self._picture, self.words, gap=GAP, margin=2 * MARGIN)
        column.insertStretch(0, 2)
        column.addStretch(3)
        self.setLayout(column)

    def show_words(self, icon_name: str, words: str) -> None:
        """Another picture and line."""
        self._icon_name = icon_name
        self.words.setText(words)
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """The picture follows the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        self._picture.setPixmap(theme.icon(self._icon_name, "line").pixmap(QSize(36, 36)))
