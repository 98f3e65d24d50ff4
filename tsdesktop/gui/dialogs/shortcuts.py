"""Keys and mouse on one page: made from the actions themselves, so that it is always true."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.parts import button, heading, paragraph, row, scrolled


class Shortcuts(Dialog):
    """Two columns: what, and with which keys; then the mouse in slices and in 3D."""

    def __init__(self, keys: Sequence[tuple[str, str]], mouse_profile: str, parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("Shortcuts", "Keys and mouse"), parent, (640, 640))
        inside = QWidget()
        lines = QVBoxLayout(inside)
        lines.setContentsMargins(0, 0, 3 * theme.GRID, 0)
        lines.setSpacing(2 * theme.GRID)
        for title, pairs in (
            (self.tr("Mouse in slices"), self._slices(mouse_profile)),
            (self.tr("Mouse in 3D"), self._scene()),
            (self.tr("Keys"), list(keys)),
        ):
            lines.addWidget(heading(title))
            lines.addLayout(_table(pairs))
            lines.addSpacing(2 * theme.GRID)
        layout = column(self)
        layout.addWidget(scrolled(inside), 1)
        layout.addLayout(row(None, button(self.tr("Close"), self.close)))

    def _slices(self, profile: str) -> list[tuple[str, str]]:
        left, right = self.tr("Left drag"), self.tr("Right drag")
        crosshair, window = self.tr("Move the crosshair"), self.tr("Brightness and contrast")
        pairs = [(crosshair, left), (window, right)] if profile == "crosshair" else [(window, left)]
        return [
            *pairs,
            (self.tr("Select the structure"), self.tr("Click")),
            (self.tr("Previous or next slice"), self.tr("Wheel")),
            (self.tr("Zoom"), self.tr("Ctrl+wheel")),
            (self.tr("Move the picture"), self.tr("Middle drag, or Shift+left drag")),
            (self.tr("Crosshair follows the mouse"), self.tr("Shift+move")),
            (self.tr("One view large, or back"), self.tr("Double click")),
            (self.tr("Brightness from a region"), self.tr("Ctrl+left drag")),
            (self.tr("Usual brightness"), self.tr("Ctrl+double click")),
            (self.tr("What can be done with a structure"), self.tr("Right click")),
        ]

    def _scene(self) -> list[tuple[str, str]]:
        return [
            (self.tr("Turn"), self.tr("Left drag")),
            (self.tr("Zoom"), self.tr("Wheel, or right drag")),
            (self.tr("Move"), self.tr("Middle drag, or Shift+left drag")),
            (self.tr("Select the structure"), self.tr("Click")),
            (self.tr("Look from front, behind, left, right, above, below"), "A  P  L  R  S  I"),
        ]


def _table(pairs: Sequence[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(6 * theme.GRID)
    grid.setVerticalSpacing(theme.GRID)
    grid.setColumnStretch(0, 1)
    grid.setColumnStretch(1, 1)
    for n, (what, how) in enumerate(pairs):
        grid.addWidget(paragraph(what), n, 0)
        grid.addWidget(paragraph(how, "secondary"), n, 1)
    return grid
