"""What dragging the mouse over a slice does, one class for each; and which button starts which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt

from tsdesktop.gui.figures import window_text
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.cut import scan_slice
from tsdesktop.gui.slices.measure import Measurements
from tsdesktop.gui.slices.measuring import Grip
from tsdesktop.gui.slices.pane import Pane
from tsdesktop.gui.slices.plane import Viewport
from tsdesktop.gui.slices.scroll import number_at
from tsdesktop.gui.windowing import Window, auto_window, dragged, narrowest_window, per_pixel

MouseProfile = Literal["crosshair", "window"]
DragName = Literal["crosshair", "window", "pan", "zoom", "region"]
# A region smaller than this, in pixels, is a click.
_SMALLEST_REGION_PX = 4.0
_ZOOM_PER_PIXEL = 0.008


def drag_of(profile: MouseProfile, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> DragName | None:
    """What a button does when it is dragged; None for buttons without a meaning."""
    if button == Qt.MouseButton.MiddleButton:
        return "pan"
    if button == Qt.MouseButton.RightButton:
        return "window" if profile == "crosshair" else "zoom"
    if button != Qt.MouseButton.LeftButton:
        return None
    if modifiers & Qt.KeyboardModifier.ControlModifier:
        return "region"
    if modifiers & Qt.KeyboardModifier.ShiftModifier:
        return "pan"
    return profile


class Drag(ABC):
    """Something that follows the mouse while a button is down."""

    @abstractmethod
    def move(self, pane: Pane, place: QPointF) -> None:
        """The mouse has come to a place of the view, which shows `pane` now."""

    @property
    def words(self) -> str:
        """What to say beside the pointer meanwhile."""
        return ""

    @property
    def region(self) -> QRectF | None:
        """The rectangle to show meanwhile."""
        return None


class CrosshairDrag(Drag):
    """The crosshair follows the mouse."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def move(self, pane: Pane, place: QPointF) -> None:
        """Beside the view the crosshair stays at its edge."""
        x = min(max(place.x(), 0.0), pane.viewport.width - 1)
        y = min(max(place.y(), 0.0), pane.viewport.height - 1)
        self._session.move_cursor(pane.world_ras(x, y))


class WindowDrag(Drag):
    """To the right widens the window, down raises its level."""

    def __init__(self, session: Session, start: QPointF) -> None:
        volume = session.volume
        if volume is None:
            raise ValueError("the window of no scan cannot be dragged")
        self._session = session
        self._start = start
        self._before: Window = session.window
        self._step = per_pixel(volume)
        self._narrowest = narrowest_window(volume)

    def move(self, _: Pane, place: QPointF) -> None:
        """Counted from the start, so that going back is going back."""
        way = place - self._start
        self._session.set_window(dragged(self._before, way.x(), way.y(), self._step, self._narrowest))

    @property
    def words(self) -> str:
        """The window as it is now."""
        return window_text(self._session.window)


class ViewportDrag(Drag):
    """Another part of the slice is shown, counted from where the drag began, so that going back is going back."""

    def __init__(self, pane: Pane, start: QPointF, show: Callable[[Viewport], None]) -> None:
        self._before = pane.viewport
        self._start = start
        self._show = show

    def move(self, _: Pane, place: QPointF) -> None:
        """Shows the part for this place."""
        self._show(self._part(place - self._start))

    @abstractmethod
    def _part(self, way: QPointF) -> Viewport:
        """The part after this way."""


class PanDrag(ViewportDrag):
    """The picture goes with the mouse."""

    def _part(self, way: QPointF) -> Viewport:
        return self._before.panned(way.x(), way.y())


class ZoomDrag(ViewportDrag):
    """Up comes nearer, to what was under the pointer at first."""

    def _part(self, way: QPointF) -> Viewport:
        return self._before.zoomed(float(np.exp(-_ZOOM_PER_PIXEL * way.y())), self._start.x(), self._start.y())


class RegionDrag(Drag):
    """A rectangle; the window is made from what is in it."""

    def __init__(self, session: Session, pane: Pane, start: QPointF) -> None:
        self._session = session
        self._pane = pane
        self._start = self._end = start

    def move(self, _: Pane, place: QPointF) -> None:
        """The rectangle grows."""
        self._end = place

    def finish(self) -> None:
        """Sets the window."""
        area, volume = QRectF(self._start, self._end).normalized(), self._session.volume
        if volume is None or min(area.width(), area.height()) < _SMALLEST_REGION_PX:
            return
        left, top = self._pane.viewport.to_slice(area.left(), area.top())
        right, bottom = self._pane.viewport.to_slice(area.right(), area.bottom())
        columns, rows, _ = self._pane.plane.size
        values = scan_slice(volume, self._pane.plane, self._pane.number)
        inside = values[_inside(top, bottom, rows), _inside(left, right, columns)]
        if inside.size:
            self._session.set_window(auto_window(np.ascontiguousarray(inside)))

    @property
    def region(self) -> QRectF | None:
        """The rectangle so far."""
        return QRectF(self._start, self._end).normalized()


class ScrollDrag(Drag):
    """The mark at the right edge follows the mouse."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def move(self, pane: Pane, place: QPointF) -> None:
        """Another slice."""
        u, v, _ = pane.plane.from_world(self._session.cursor_ras)
        number = number_at(pane, place.y())
        if number != pane.number:
            self._session.move_cursor(pane.plane.world_ras(float(u), float(v), number))


class MeasurementDrag(Drag):
    """A point of a measurement, or all of it, follows the mouse."""

    def __init__(self, measurements: Measurements, grip: Grip) -> None:
        self._model = measurements
        self._grip = grip
        self._now = grip.measurement
        self._model.select(self._now)

    def move(self, pane: Pane, place: QPointF) -> None:
        """Another measurement in its place."""
        before, self._now = self._now, self._grip.moved(pane.world_ras(place.x(), place.y()))
        self._model.change(before, self._now)


def _inside(first: float, last: float, size: int) -> slice:
    """The voxels whose centres lie between two slice coordinates, inside 0 to `size`."""
    start = int(np.clip(np.ceil(first), 0, size))
    return slice(start, int(np.clip(np.floor(last) + 1, start, size)))
