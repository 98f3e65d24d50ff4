"""A slice view with mouse and keys: what a person does over a slice changes the session, or what part is seen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.canvas import SliceCanvas
from tsdesktop.gui.slices.drags import (
    CrosshairDrag,
    Drag,
    MeasurementDrag,
    MouseProfile,
    PanDrag,
    RegionDrag,
    ScrollDrag,
    WindowDrag,
    ZoomDrag,
    drag_of,
)
from tsdesktop.gui.slices.measure import Measurements
from tsdesktop.gui.slices.pane import Pane, World
from tsdesktop.gui.slices.plane import PlaneName
from tsdesktop.gui.slices.scroll import GRAB_PX
from tsdesktop.gui.windowing import first_window

_CLICK_PX = 4
_STEP = 120
_ZOOM_PER_STEP = 1.15
_FAR = 10
_NO_MODIFIER = Qt.KeyboardModifier.NoModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_LEFT = Qt.MouseButton.LeftButton


class SliceView(SliceCanvas):
    """One of the three linked slice views.

    The left button moves the crosshair (`mouse_profile` "crosshair") or changes the window ("window"); a click selects
    the structure under it. The wheel goes through the slices, with Ctrl it zooms. The middle button pans.
    `double_clicked`: it asks to be maximised. `menu_wanted(label, place on the screen)`: a right click, over a
    structure or (0) none.
    """

    double_clicked = Signal()
    menu_wanted = Signal(int, QPoint)

    def __init__(
        self, session: Session, plane_name: PlaneName, measurements: Measurements, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, plane_name, measurements, parent)
        self.mouse_profile: MouseProfile = "crosshair"
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._drag: Drag | None = None
        self._button = Qt.MouseButton.NoButton
        self._pressed = QPointF()
        self._is_dragged = False
        self._draws = False
        self._wheel_rest = 0
        self._before_click: tuple[World, frozenset[int], int | None] = (session.cursor_ras, frozenset(), None)
        session.volume_changed.connect(self._let_go)

    # The mouse.

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begins a click, a drag, or the next point of a measurement."""
        pane = self._pane
        if pane is None or self._button != Qt.MouseButton.NoButton:
            return
        self._button, self._pressed, self._is_dragged = event.button(), event.position(), False
        self._before_click = self._session.cursor_ras, self._session.marked, self._session.selected
        if event.button() == _LEFT and event.modifiers() == _NO_MODIFIER and self._begin_left(pane):
            return
        self._drag = self._begun(pane, event)
        if isinstance(self._drag, CrosshairDrag):
            self._drag.move(pane, self._pressed)

    def _begin_left(self, pane: Pane) -> bool:
        """Whether the left button takes hold of something that lies over the slice."""
        x, y = self._pressed.x(), self._pressed.y()
        if x >= self.width() - GRAB_PX:
            self._drag, self._holds_mark = ScrollDrag(self._session), True
            self._drag.move(pane, self._pressed)
            self.update()
            return True
        if self._measuring.tool_in_hand:
            self._draws = True
            self._measuring.press(pane, x, y)
            return True
        grip = self._measuring.grip(pane, x, y)
        if grip is not None:
            self._drag = MeasurementDrag(self._measurements, grip)
        return grip is not None

    def _begun(self, pane: Pane, event: QMouseEvent) -> Drag | None:
        name, place = drag_of(self.mouse_profile, event.button(), event.modifiers()), event.position()
        match name:
            case "crosshair":
                return CrosshairDrag(self._session)
            case "window":
                return WindowDrag(self._session, place)
            case "pan":
                return PanDrag(pane, place, self.show_part)
            case "zoom":
                return ZoomDrag(pane, place, self.show_part)
            case "region":
                return RegionDrag(self._session, pane, place)
            case _:
                return None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drags, or names what lies under the pointer."""
        pane, place = self._pane, event.position()
        if pane is None:
            return
        self._hover = place
        if (place - self._pressed).manhattanLength() > _CLICK_PX:
            self._is_dragged = True
        if self._drag is not None and self._is_dragged:
            self._drag.move(pane, place)
            self._told, self._region = self._drag.words, self._drag.region
        elif self._drag is None:
            self._measuring.move(pane, place.x(), place.y())
            if event.buttons() == Qt.MouseButton.NoButton:
                self._hover_over(pane, place, event.modifiers())
        self._point_at(place)
        self.update()

    def _hover_over(self, pane: Pane, place: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """No button is down: with Shift the crosshair follows; the pointer shows what the button would take hold of."""
        if modifiers & _SHIFT and pane.shows(place.x(), place.y()):
            self._session.move_cursor(pane.world_ras(place.x(), place.y()))
        if self._measuring.tool_in_hand:
            return
        if place.x() >= self.width() - GRAB_PX:
            self.setCursor(Qt.CursorShape.SizeVerCursor)
        elif self._measuring.grip(pane, place.x(), place.y()) is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Ends what the button began; a mere click selects."""
        pane, drag, place = self._pane, self._drag, event.position()
        if event.button() != self._button:
            return
        draws, self._draws = self._draws, False
        self._let_go()
        if pane is None:
            return
        if draws:
            if self._measuring.release(pane, place.x(), place.y()):
                self._measurements.set_tool("")
        elif isinstance(drag, RegionDrag):
            drag.finish()
        elif drag is not None and not self._is_dragged:
            self._click(pane, drag, event)

    def _let_go(self) -> None:
        self._button, self._drag = Qt.MouseButton.NoButton, None
        self._told, self._region, self._holds_mark = "", None, False
        self.update()

    def _click(self, pane: Pane, drag: Drag, event: QMouseEvent) -> None:
        """A button that came up where it went down."""
        place = event.position()
        label = self._label_under(place)
        if event.button() == Qt.MouseButton.RightButton:
            self.menu_wanted.emit(label, event.globalPosition().toPoint())
        elif event.button() == _LEFT and isinstance(drag, CrosshairDrag | WindowDrag):
            if self._measurements.selected is not None:
                self._measurements.select(None)
            if isinstance(drag, WindowDrag):
                self._session.move_cursor(pane.world_ras(place.x(), place.y()))
            self._session.select(label or None)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Asks to be maximised; with Ctrl the scan gets the window it was opened with."""
        volume = self._session.volume
        at_the_mark = event.position().x() >= self.width() - GRAB_PX
        if event.button() != _LEFT or self._measuring.tool_in_hand or at_the_mark:
            self.mousePressEvent(event)
        elif event.modifiers() & _CONTROL:
            if volume is not None:
                self._session.set_window(first_window(volume))
        elif event.modifiers() == _NO_MODIFIER:
            self._take_click_back()
            self.double_clicked.emit()

    def _take_click_back(self) -> None:
        """The first half of a double click was not meant."""
        cursor, marked, selected = self._before_click
        self._session.move_cursor(cursor)
        if self._session.marked != marked:
            self._session.mark(marked, selected)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Goes through the slices, up is superior, anterior or left; with Ctrl zooms at the pointer."""
        pane, delta, place = self._pane, event.angleDelta().y(), event.position()
        event.accept()
        if pane is None or delta == 0:
            return
        if event.modifiers() & _CONTROL:
            self._zoom(_ZOOM_PER_STEP ** (delta / _STEP), place)
            return
        # Touchpads and fine wheels send parts of a step; turning back begins anew.
        self._wheel_rest = delta if self._wheel_rest * delta < 0 else self._wheel_rest + delta
        steps = int(self._wheel_rest / _STEP)
        self._wheel_rest -= steps * _STEP
        self._scroll(steps)

    def event(self, event: QEvent) -> bool:
        """Two fingers drawn apart on a touchpad zoom."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom(1.0 + event.value(), event.position())
            return True
        return super().event(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Nothing lies under the pointer any more."""
        self._hover = None
        self._point_at(None)
        self.update()
        super().leaveEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """A button that is down when the view goes away is let go."""
        self._let_go()
        self._draws, self._hover = False, None
        super().hideEvent(event)

    # The keys.

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows and pages go through the slices, plus and minus zoom; Escape and Delete end and remove measuring."""
        pane, key = self._pane, event.key()
        steps = {
            Qt.Key.Key_Up: 1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_Left: -1,
            Qt.Key.Key_PageUp: _FAR, Qt.Key.Key_PageDown: -_FAR,
        }  # fmt: skip
        if pane is None:
            super().keyPressEvent(event)
        elif key in steps:
            self._scroll(steps[Qt.Key(key)])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._scroll(pane.plane.ahead * (-pane.plane.size[2] if key == Qt.Key.Key_Home else pane.plane.size[2]))
        elif event.text() in ("+", "=", "-"):
            nearer = event.text() != "-"
            self._zoom(_ZOOM_PER_STEP if nearer else 1 / _ZOOM_PER_STEP, self._zoom_place(pane))
        elif not self._ended_measuring(Qt.Key(key)):
            super().keyPressEvent(event)

    def _zoom_place(self, pane: Pane) -> QPointF:
        """What the keys zoom at: the crosshair, where it is seen."""
        place = QPointF(*pane.to_widget(self._session.cursor_ras))
        return place if self.rect().contains(place.toPoint()) else QPointF(self.rect().center())

    def _ended_measuring(self, key: Qt.Key) -> bool:
        """Whether a key had something to do with measurements."""
        if key == Qt.Key.Key_Escape:
            return self._measurements.give_up()
        if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._measurements.selected is not None:
            self._measurements.remove_selected()
            return True
        return False

    # What several of them do.

    def _zoom(self, factor: float, place: QPointF) -> None:
        if self._pane is not None:
            self.show_part(self._pane.viewport.zoomed(factor, place.x(), place.y()))

    def _scroll(self, steps: int) -> None:
        """Moves the cursor through the slices, up to the last."""
        if self._pane is not None and steps:
            self._session.move_cursor(self._pane.moved_by(steps, self._session.cursor_ras))
