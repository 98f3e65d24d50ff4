"""What all dialogs have in common: they do not stop the window, are freed when closed, and hear no answers then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.background import Work, run_in_background

Answer = TypeVar("Answer")
MARGIN = 5 * theme.GRID
GAP = 3 * theme.GRID


def column(dialog: QWidget, *, margin: int = MARGIN, gap: int = GAP) -> QVBoxLayout:
    """The layout of a dialog: one thing below the other."""
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(gap)
    return layout


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
        """Tall enough for its paragraphs."""
        self.fit_height()
        super().showEvent(event)

    def fit_height(self) -> None:
        """Makes room for paragraphs, whose height follows from the width; for when lines came or went."""
        layout = self.layout()
        if layout is not None and layout.hasHeightForWidth():
            self.setMinimumHeight(layout.totalHeightForWidth(self.width()))

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
