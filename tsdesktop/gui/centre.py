"""The middle of the window: the place to drop a scan, or the views of the one that is open, with lines above them."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.notes_line import NotesLine
from tsdesktop.gui.opening.empty_state import EmptyState
from tsdesktop.gui.parts import one_line
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.grid import ViewGrid
from tsdesktop.gui.slices.measure import Measurements
from tsdesktop.gui.slices.plane import PLANE_NAMES, PlaneName
from tsdesktop.gui.slices.view import SliceView

_SHOWN_AFTER_MS = 250
_STEPS = 1000


class OpeningBar(QWidget):
    """One line that says what is being opened and how far; `cancel_wanted`. Not seen for what opens at once."""

    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._told = one_line("")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of opening"))
        self._cancel = QPushButton(self.tr("Cancel"))
        self._cancel.clicked.connect(self.cancel_wanted)
        line = QHBoxLayout(self)
        line.setContentsMargins(4 * theme.GRID, theme.GRID, 2 * theme.GRID, theme.GRID)
        line.setSpacing(3 * theme.GRID)
        line.addWidget(self._told)
        line.addWidget(self._bar, 1)
        line.addWidget(self._cancel)
        self._delay = QTimer(self, singleShot=True, interval=_SHOWN_AFTER_MS)
        self._delay.timeout.connect(self.show)
        self.hide()

    def begin(self, name: str) -> None:
        """Something is being opened; how long it takes is not known yet."""
        self._told.setText(self.tr("Opening {name}").format(name=name))
        self._bar.setRange(0, 0)
        if not self.isVisible():
            self._delay.start()

    def show_progress(self, fraction: float) -> None:
        """How far it is, 0 to 1."""
        self._bar.setRange(0, _STEPS)
        self._bar.setValue(round(_STEPS * fraction))

    def end(self) -> None:
        """It is open, or not to be opened any more."""
        self._delay.stop()
        self.hide()


class DropHint(QWidget):
    """Lies over the views while something is dragged over the window, and says what letting go will do."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """A veil, an edge, and the words."""
        look = theme.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            veil = look.colour("background")
            veil.setAlphaF(0.72)
            painter.fillRect(self.rect(), veil)
            painter.setPen(QPen(look.colour("accent"), 2, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(self.rect().toRectF().adjusted(12, 12, -12, -12), 12, 12)
            painter.setPen(look.colour("text"))
            painter.setFont(theme.base_font(20, QFont.Weight.DemiBold))
            words = self.tr("Drop a scan, labels of this one, or networks")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, words)


class Centre(QWidget):
    """Empty state or views, the opening line and the notes line above them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.measurements = Measurements(session, self)
        self.slices: dict[PlaneName, SliceView] = {
            name: SliceView(session, name, self.measurements) for name in PLANE_NAMES
        }
        self.grid = ViewGrid(self.slices)
        self.opening = OpeningBar()
        self.notes = NotesLine(session)
        self.empty = EmptyState()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.grid)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.opening)
        column.addWidget(self.notes)
        column.addWidget(self.stack, 1)
        self._hint = DropHint(self)
        session.volume_changed.connect(self._on_volume_changed)

    def show_drop_target(self, on: bool) -> None:
        """Says while something is dragged over the window that it may be dropped."""
        self._hint.setGeometry(self.stack.geometry())
        self._hint.raise_()
        self._hint.setVisible(on and self._session.volume is not None)

    def _on_volume_changed(self) -> None:
        is_open = self._session.volume is not None
        self.stack.setCurrentWidget(self.grid if is_open else self.empty)
        if is_open:
            self.slices["axial"].setFocus()
        else:
            self.empty.refresh()
