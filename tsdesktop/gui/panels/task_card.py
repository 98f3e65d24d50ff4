"""A task as a card: title, what it gives and costs, and whether it can run now."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QEnterEvent, QFont, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from tsdesktop.core.tasks import Task
from tsdesktop.gui import theme
from tsdesktop.gui.panels.parts import MARGIN, SMALL_PX, paint_box, write, write_right
from tsdesktop.gui.parts import small_button

HEIGHT = 52
LINE = 18


@dataclass(frozen=True)
class CardText:
    """The words on a card; `badge_role` names a colour of the theme. `marks` are icons and colours of the theme, which
    `tooltip` explains; `dim`: it does not fit the scan.
    """

    title: str
    line: str
    badge: str
    badge_role: str
    tooltip: str
    marks: tuple[tuple[str, str], ...] = ()
    dim: bool = False


class TaskCard(QAbstractButton):
    """One task to choose. `details_wanted` when more is to be read about it."""

    details_wanted = Signal()

    def __init__(self, task: Task, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.task = task
        self._words = CardText("", "", "", "secondary", "")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.about = small_button("mdi6.information-outline", self.tr("About this task"), self.details_wanted.emit)
        self.about.setParent(self)
        self.about.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.about.hide()
        self.toggled.connect(self._show_more_button)

    def show_words(self, words: CardText) -> None:
        """Other words."""
        self._words = words
        self.setText(words.title)
        self.setAccessibleName(f"{words.title}, {words.line}, {words.badge}")
        self.setAccessibleDescription(words.tooltip)
        self.setToolTip(words.tooltip)
        self.update()

    @property
    def words(self) -> CardText:
        """What is written on it."""
        return self._words

    def sizeHint(self) -> QSize:
        """Two lines high."""
        return QSize(200, HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The box, two lines and the badge."""
        with QPainter(self) as painter:
            paint_box(painter, self, chosen=self.isChecked())
            worn, words = theme.current(), self._words
            first = QRect(MARGIN, 8, self.width() - 2 * MARGIN, LINE)
            second = first.translated(0, LINE)
            badge_font = theme.base_font(SMALL_PX, QFont.Weight.Medium)
            taken = write_right(painter, first, words.badge, worn.colour(words.badge_role), badge_font)
            title = worn.colour("secondary" if words.dim else "text")
            write(
                painter,
                first.adjusted(0, 0, -taken - 8, 0),
                words.title,
                title,
                theme.base_font(13, QFont.Weight.DemiBold),
            )
            room = 20 if self.about.isVisibleTo(self) else 0
            for name, colour in words.marks:
                theme.icon(name, colour).paint(painter, QRect(second.left(), second.top() + 2, 14, 14))
                second.setLeft(second.left() + 18)
            write(painter, second.adjusted(0, 0, -room, 0), words.line, worn.colour("secondary"), theme.base_font(12))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the small button in its corner."""
        super().resizeEvent(event)
        size = self.about.sizeHint()
        self.about.setGeometry(self.width() - size.width() - 5, HEIGHT - size.height() - 4, size.width(), size.height())

    def enterEvent(self, event: QEnterEvent) -> None:
        """Shows the small button."""
        super().enterEvent(event)
        self.about.show()

    def leaveEvent(self, _event: QEvent) -> None:
        """Hides it again, except on the chosen card."""
        self._show_more_button()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """I and the question mark tell more; Return chooses, as Space does; arrows are for whoever holds the cards."""
        if event.text() in ("i", "I", "?"):
            self.details_wanted.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, _event: QContextMenuEvent) -> None:
        """The secondary button tells more."""
        self.details_wanted.emit()

    def _show_more_button(self) -> None:
        self.about.setVisible(self.isChecked())
