"""The few parts all dialogs are made of: words in the theme's roles, hairlines, links, a row of buttons at the end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QLayout, QPushButton, QVBoxLayout, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.background import Work, run_in_background

Answer = TypeVar("Answer")
MARGIN = 5 * theme.GRID
GAP = 3 * theme.GRID


def words(text: str, role: str = "", *, wrap: bool = False) -> QLabel:
    """A line (or with `wrap` a paragraph) of plain text in a role of the theme."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    if role:
        label.setProperty("role", role)
    return label


def set_role(widget: QWidget, role: str) -> None:
    """Gives a widget that is on screen another look."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def heading(text: str) -> QLabel:
    """A small heading of a group."""
    label = words(text.upper(), "heading")
    label.setAccessibleName(text)
    return label


def hairline() -> QFrame:
    """A line between groups."""
    line = QFrame()
    line.setProperty("role", "hairline")
    return line


def button(text: str, on_click: Callable[[], object], role: str = "") -> QPushButton:
    """A button that does one thing."""
    made = QPushButton(text)
    made.setAutoDefault(False)
    if role:
        made.setProperty("role", role)
    if role == "link":
        made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.clicked.connect(lambda: on_click())
    return made


def row(*widgets: QWidget | None) -> QHBoxLayout:
    """Widgets side by side; None takes the room that is left."""
    line = QHBoxLayout()
    line.setSpacing(2 * theme.GRID)
    for each in widgets:
        if each is None:
            line.addStretch(1)
        else:
            line.addWidget(each)
    return line


def column(dialog: QWidget, *, margin: int = MARGIN, gap: int = GAP) -> QVBoxLayout:
    """The layout of a dialog: one thing below the other."""
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(gap)
    return layout


def clear(layout: QLayout) -> None:
    """Takes everything out of a layout."""
    while item := layout.takeAt(0):
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


class Dialog(QDialog):
    """A dialog that does not stop the window, is freed when closed, and closes on Escape."""

    def __init__(self, title: str, parent: QWidget | None, size: tuple[int, int]) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*size)
        self._endings: list[Callable[[], None]] = []
        self.destroyed.connect(partial(_end_all, self._endings))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Tall enough for its paragraphs, whose height follows from the width."""
        layout = self.layout()
        if layout is not None and layout.hasHeightForWidth():
            self.setMinimumHeight(layout.totalHeightForWidth(self.width()))
        super().showEvent(event)

    def in_background(
        self, call: Callable[[], Answer], on_done: Callable[[Answer], None], on_error: Callable[[Exception], None]
    ) -> Work:
        """As `run_in_background`; what comes after the dialog is gone is not heard."""
        work = run_in_background(call, on_done, on_error)
        self.when_gone(work.forget)
        return work

    def when_gone(self, call: Callable[[], None]) -> None:
        """Calls `call`, which must not touch the dialog, when it is freed, however that comes about."""
        self._endings.append(call)


def _end_all(endings: list[Callable[[], None]], *_: object) -> None:
    for each in endings:
        each()
