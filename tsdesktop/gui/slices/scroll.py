"""The thin mark on the right edge of a slice view: where in the stack the slice is, and the selected structure."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from shiboken6 import isValid

from tsdesktop.gui import theme
from tsdesktop.gui.background import Work, run_in_background
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.cut import Present, presence
from tsdesktop.gui.slices.pane import Pane

log = logging.getLogger(__name__)
# Where the mouse takes hold of the mark, in pixels from the right edge.
GRAB_PX = 12
_WIDTH = 3.0
_MARK = 22.0
_ENDS = 6.0


class Whereabouts(QObject):
    """On which slices the selected structure of a session is; looked for in the background, `found` says when."""

    found = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked: tuple[Any, ...] = ()
        self._present: Present | None = None
        self._work: Work | None = None

    def follow(self, session: Session) -> None:
        """Looks for the structure that is selected now, if another one was asked for before."""
        label_map, label = session.label_map, session.selected
        geometry = None if session.volume is None else session.volume.geometry
        if self._asked == (label_map, label, geometry):
            return
        if self._work is not None:
            self._work.forget()
        self._asked, self._work, self._present = (label_map, label, geometry), None, None
        if label_map is not None and label is not None and geometry is not None:
            call = partial(presence, label_map, label, geometry)
            self._work = run_in_background(call, self._on_answer, _on_failed)

    def on_axis(self, axis: int) -> NDArray[np.bool_] | None:
        """For each slice along a voxel axis whether the structure is on it; None while that is not known."""
        return None if self._present is None else self._present[axis]

    def _on_answer(self, present: Present) -> None:
        # The view may have been closed while the answer was on its way.
        if isValid(self):
            self._present, self._work = present, None
            self.found.emit()


def paint_scroll_mark(
    painter: QPainter, pane: Pane, present: NDArray[np.bool_] | None, colour: QColor, held: bool
) -> None:
    """The track where the structure is, in its colour, and the mark of this slice; wider while the mouse holds it."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    width = _WIDTH + 2 if held else _WIDTH
    right = pane.viewport.width - 1
    if present is not None:
        tint = QColor(colour)
        tint.setAlphaF(0.8)
        for first, last in _runs(present):
            ends = sorted((_middle(pane, first), _middle(pane, last)))
            _bar(painter, QRectF(right - width, ends[0] - 1.5, width, ends[1] - ends[0] + 3), tint)
    mark = QRectF(right - width, _middle(pane, pane.number) - _MARK / 2, width, _MARK)
    # A dark rim sets the mark off from the track and from bright anatomy.
    _bar(painter, mark.adjusted(-1.5, -1.5, 1, 1.5), QColor(0, 0, 0, 190))
    _bar(painter, mark, theme.DARK.colour("accent"))


def number_at(pane: Pane, y: float) -> int:
    """The slice whose mark is at a height of the widget; superior, anterior and left are at the top."""
    top, length = _track(pane)
    last = pane.plane.size[2] - 1
    down = round(min(max((y - top) / max(1.0, length), 0.0), 1.0) * last)
    return last - down if pane.plane.ahead > 0 else down


def _middle(pane: Pane, number: float) -> float:
    """Where in the widget the mark of a slice is."""
    top, length = _track(pane)
    last = pane.plane.size[2] - 1
    down = last - number if pane.plane.ahead > 0 else number
    return top + length * (down / last if last else 0.5)


def _track(pane: Pane) -> tuple[float, float]:
    top = _ENDS + _MARK / 2
    return top, pane.viewport.height - 2 * top


def _runs(present: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last of each run of slices."""
    steps = np.diff(np.concatenate([[0], present.view(np.int8), [0]]))
    starts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _bar(painter: QPainter, area: QRectF, colour: QColor) -> None:
    painter.setBrush(colour)
    painter.drawRoundedRect(area, 1.5, 1.5)


def _on_failed(error: Exception) -> None:
    log.error("where the selected structure is could not be found", exc_info=error)
