"""The 3D view: shows pictures drawn in a thread of its own, turns the mouse into moves of the viewer.

A plain widget that paints an image: an OpenGL widget in the window would make every repaint of the slices slower where
the processor draws, and where a graphics card draws reading the picture back costs a few milliseconds. Nothing of VTK
is loaded here; the thread and the workers load it, after the first paint.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.chip import paint_chip
from tsdesktop.gui.scene.camera import FRONT, Camera, outgrows
from tsdesktop.gui.scene.content import Detail, Order
from tsdesktop.gui.scene.drawing import Drawing, Frame
from tsdesktop.gui.scene.marker import SIDE_PX, paint_marker
from tsdesktop.gui.scene.overlay import paint_words
from tsdesktop.gui.scene.pace import BEST, STILL, Pace
from tsdesktop.gui.scene.picking import Hit, pick
from tsdesktop.gui.scene.probe import Graphics
from tsdesktop.gui.scene.stage import ClipKind, Stage
from tsdesktop.gui.scene.steering import dragged, keyed, wheeled
from tsdesktop.gui.scene.strip import ToolStrip, side_letter
from tsdesktop.gui.session import Session
from tsdesktop.gui.words import structure_title

_STILL_AFTER_MS = 120
_BEST_AFTER_MS = 250
_HOVER_MS = 30
_CLICK_PX = 4
_TURN_DEGREES_PER_S = 30.0
_TURN_STEP_MS = 16
_PIXELS_PER_DEGREE = 2.5
_MARGIN = 8
_LEAST_FOR_MARKER = 240


class SceneView(QWidget):
    """The structures of a session in 3D. Left drag turns, middle or Shift drag moves, wheel or right drag zooms.

    `picture_drawn`: another picture is shown. `surfaces_shown`: every surface of the label map is in the picture.
    `menu_wanted(label, place)`: a right click on a structure (0: on none), at a place of the screen.
    """

    double_clicked = Signal()
    picture_drawn = Signal()
    surfaces_shown = Signal()
    menu_wanted = Signal(int, QPoint)

    def __init__(self, session: Session, parent: QWidget | None = None, *, graphics: Graphics | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._graphics = graphics
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 100)
        self.setAccessibleName(self.tr("3D view"))
        self._camera = FRONT
        self._is_fitted = False
        # The camera that `_fit` made: while nobody has moved it, it follows the size of the view.
        self._fitted: Camera | None = None
        self._extent: NDArray[np.float64] | None = None
        self._asked: Order | None = None
        self._frame: Frame | None = None
        self._pace = Pace(hardware=False, has_gl=True)
        self._drawn_by: Graphics | None = None
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._dragged = False
        self._hovered: tuple[QPoint, str] | None = None
        self._complete = False
        self._make_parts()
        self._make_timers()

    def _make_parts(self) -> None:
        self._stage = Stage(self._session, self)
        self._drawing = Drawing()
        self._strip = ToolStrip(self)
        self._stage.changed.connect(self._on_content_changed)
        self._stage.extent_changed.connect(self._on_extent_changed)
        self._stage.finished.connect(self._on_surfaces_finished)
        self._session.volume_changed.connect(self._on_volume_changed)
        self._drawing.drawn.connect(self._on_drawn)
        self._drawing.started.connect(self._on_started)
        strip = self._strip
        strip.view_asked.connect(self.look_from)
        strip.clip_asked.connect(self.clip)
        strip.skin_toggled.connect(self._stage.show_skin)
        strip.slices_toggled.connect(self._stage.show_slices)
        strip.fading_toggled.connect(self._stage.fade_others)
        strip.turntable_toggled.connect(self.turn)
        strip.reset_asked.connect(self.reset)
        # Deleted with its window, or at the end of the program: its threads end before Python does.
        drawing, stop = self._drawing, self._stage.stopper()
        self.destroyed.connect(lambda: stop())
        self.destroyed.connect(lambda: drawing.close())
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(stop)
            application.aboutToQuit.connect(drawing.close)

    def _make_timers(self) -> None:
        self._still_timer = self._timer(_STILL_AFTER_MS, self._ask_still)
        self._best_timer = self._timer(_BEST_AFTER_MS, self._ask_best)
        self._hover_timer = self._timer(_HOVER_MS, self._name_hovered)
        self._turn_timer = self._timer(_TURN_STEP_MS, self._on_turn_step)
        self._turn_timer.setSingleShot(False)
        self._turned_at = 0.0

    def _timer(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self, singleShot=True, interval=milliseconds)
        timer.timeout.connect(slot)
        return timer

    @property
    def camera(self) -> Camera:
        """Where the viewer stands."""
        return self._camera

    @property
    def drawn_by(self) -> Graphics | None:
        """What draws the pictures; None until it is known."""
        return self._drawn_by

    @property
    def is_still(self) -> bool:
        """Whether the picture shown is the final one of what is to be seen, with all surfaces made."""
        waits = self._still_timer.isActive() or self._best_timer.isActive() or self._stage.is_busy
        if self._asked is None or not self._is_answered or waits:
            return False
        return not self._asked.detail.coarse and self._asked.camera is self._camera

    @property
    def _is_answered(self) -> bool:
        return self._asked is None or (self._frame is not None and self._frame.order is self._asked)

    def look_from(self, letter: str) -> None:
        """The standard view from A, P, L, R, S or I, with everything in the picture."""
        self._camera = self._camera.looking_from(letter)
        self._fit()
        self._ask_moving()

    def reset(self) -> None:
        """From the front, with everything in the picture."""
        self._strip.turntable.setChecked(False)
        self.look_from("A")

    def clip(self, kind: ClipKind) -> None:
        """Cuts away what lies towards the viewer: of a plane across the view, of a slice, or "none"."""
        self._stage.set_clip(kind, self._camera)

    def turn(self, on: bool) -> None:
        """Turns the body slowly, or stops."""
        self._turned_at = time.monotonic()
        if on:
            self._pace.begin()
            self._turn_timer.start()
        else:
            self._turn_timer.stop()
            self._still_timer.start()

    @property
    def tools(self) -> ToolStrip:
        """The strip of tools: skin, slices, fading, turntable are its buttons."""
        return self._strip

    def screenshot(self) -> QImage:
        """The picture as it is shown, with the orientation marker, without tools."""
        ratio = self.devicePixelRatioF()
        image = QImage(self._picture_size(), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        with QPainter(image) as painter:
            self._paint_picture(painter)
        return image

    def pick(self, x: float, y: float) -> Hit | None:
        """What structure stands at a point of the view (pixels from its top left)."""
        if self._session.label_map is None:
            return None
        camera = self._camera if self._frame is None else self._frame.order.camera
        ray = camera.ray(x, y, self.width(), self.height())
        return pick(self._session.label_map, self._session.looks, ray, self._stage.clip(camera))

    def close_scene(self) -> None:
        """Ends the drawing thread. The view stays, with its last picture."""
        for timer in (self._still_timer, self._best_timer, self._hover_timer, self._turn_timer):
            timer.stop()
        self._stage.close()
        self._drawing.close()

    def _order(self, detail: Detail) -> None:
        if not self.isVisible() or self._picture_size().isEmpty():
            return
        size = self._picture_size()
        self._best_timer.stop()
        content = self._stage.content(self._camera)
        self._asked = Order(content, self._camera, size.width(), size.height(), detail)
        self._drawing.ask(self._asked)

    def _ask_moving(self) -> None:
        self._order(self._pace.moving)
        self._still_timer.start()

    @Slot()
    def _ask_still(self) -> None:
        if not self._turn_timer.isActive():
            self._order(STILL)

    @Slot()
    def _ask_best(self) -> None:
        self._order(BEST)

    @Slot(object)
    def _on_started(self, found: Graphics) -> None:
        self._drawn_by = found
        self._pace = Pace(hardware=found.hardware, has_gl=bool(found.window_class))
        self.update()

    @Slot(object)
    def _on_drawn(self, frame: Frame) -> None:
        self._frame = frame
        self._pace.took(frame.order.detail, frame.milliseconds)
        finer = self._pace.best(frame.order.width, frame.order.height)
        if frame.order is self._asked and frame.order.detail == STILL and finer is not None:
            self._best_timer.start()
        self.update()
        self.picture_drawn.emit()
        if self._complete and not frame.order.detail.coarse:
            self._complete = False
            self.surfaces_shown.emit()

    @Slot()
    def _on_content_changed(self) -> None:
        self._hovered = None
        if self._frame is not None and self._pace.still_is_quick and not self._turn_timer.isActive():
            self._order(STILL)
        else:
            self._ask_moving()

    @Slot()
    def _on_surfaces_finished(self) -> None:
        self._complete = True
        self._ask_still()

    @Slot()
    def _on_volume_changed(self) -> None:
        self._is_fitted, self._extent = False, None

    @Slot(object)
    def _on_extent_changed(self, bounds_mm: NDArray[np.float64]) -> None:
        before, self._extent = self._extent, bounds_mm
        untouched = self._camera is self._fitted
        if not self._is_fitted or untouched or before is None or outgrows(bounds_mm, before):
            self._is_fitted = True
            self._fit()
            self._ask_moving()

    def _fit(self) -> None:
        bounds = self._extent
        if bounds is None:
            bounds = self._stage.content(self._camera).bounds_mm
        if bounds is not None:
            foot = 0 if self._strip.isHidden() else self._strip.height() + _MARGIN
            self._camera = self._fitted = self._camera.fitted(bounds, self.width(), self.height(), foot)

    def _picture_size(self) -> QSize:
        return self.size() * self.devicePixelRatioF()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """Paints the last picture and what lies over it."""
        if not self._drawing.is_started:
            QTimer.singleShot(0, self._wake)
        with QPainter(self) as painter:
            self._paint_picture(painter)
            paint_words(painter, self.rect(), self._session, self._stage, self._drawn_by)
            if self._hovered is not None:
                paint_chip(painter, self.size(), *self._hovered)

    @Slot()
    def _wake(self) -> None:
        self._drawing.start(self._graphics)
        self._stage.wake()
        self._on_content_changed()

    def _paint_picture(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), theme.current().colour("panel"))
        if self._frame is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(self.rect()), self._frame.image)
            reach = SIDE_PX + _MARGIN
            if self.width() >= _LEAST_FOR_MARKER:
                paint_marker(painter, QPointF(reach, self.height() - reach), self._frame.order.camera)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keeps the strip in its corner and the picture as large as the view."""
        super().resizeEvent(event)
        self._strip.fit(self.width(), self.height())
        size = self._strip.size()
        self._strip.move(self.width() - size.width() - _MARGIN, self.height() - size.height() - _MARGIN)
        if self._camera is self._fitted:
            self._fit()
        if self._drawing.is_started:
            self._ask_moving()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """What changed while the view was hidden is drawn."""
        super().showEvent(event)
        if self._drawing.is_started:
            self._ask_moving()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """A hidden view does not turn."""
        self._strip.turntable.setChecked(False)
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Another theme: icons and background follow."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_strip"):
            self._strip.dress()
            self._on_content_changed()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begins a click or a drag."""
        self._pressed = self._last = event.position()
        self._dragged = False
        self._hovered = None
        self._pace.begin()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drags, or names what lies under the pointer."""
        if self._pressed is None:
            self._last = event.position()
            self._hover_timer.start()
            return
        if (event.position() - self._pressed).manhattanLength() > _CLICK_PX:
            self._dragged = True
        if self._dragged:
            moved, self._last = event.position() - self._last, event.position()
            self._camera = dragged(self._camera, moved, event, self.height())
            self._ask_moving()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click goes there and selects what it hits everywhere; a right click asks for the menu of what it hits."""
        if self._pressed is not None and not self._dragged:
            hit = self.pick(event.position().x(), event.position().y())
            if event.button() == Qt.MouseButton.LeftButton:
                self._session.select(None if hit is None else hit.label)
                if hit is not None:
                    self._session.move_cursor(hit.place_ras)
            elif event.button() == Qt.MouseButton.RightButton:
                self.menu_wanted.emit(0 if hit is None else hit.label, event.globalPosition().toPoint())
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Asks to be maximised."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The menu key asks for the menu of the selected structure; the mouse does at its release."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.menu_wanted.emit(self._session.selected or 0, self.mapToGlobal(self.rect().center()))
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zooms."""
        if not self._still_timer.isActive():
            self._pace.begin()
        self._camera = wheeled(self._camera, event.angleDelta().y() / 120.0)
        self._hovered = None
        self._ask_moving()
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Nothing lies under the pointer any more."""
        self._hover_timer.stop()
        self._hovered = None
        self._session.point_at(None)
        self.update()
        super().leaveEvent(event)

    def event(self, event: QEvent) -> bool:
        """Letters that look from a side come here first, whatever else they mean in the window."""
        if event.type() == QEvent.Type.ShortcutOverride and side_letter(cast(QKeyEvent, event)):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Letters look from their side, arrows turn, plus and minus zoom, Home resets."""
        if letter := side_letter(event):
            self.look_from(letter)
        elif (camera := keyed(self._camera, event)) is not None:
            self._camera = camera
            self._ask_moving()
        elif event.key() == Qt.Key.Key_Home:
            self.reset()
        else:
            super().keyPressEvent(event)

    @Slot()
    def _name_hovered(self) -> None:
        hit = self.pick(self._last.x(), self._last.y())
        found = None if hit is None else self._session.structure_of(hit.label)
        self._hovered = None if found is None else (self._last.toPoint(), structure_title(found))
        self._session.point_at(None if hit is None else hit.place_ras)
        self.update()

    @Slot()
    def _on_turn_step(self) -> None:
        if not self._is_answered:
            return
        now = time.monotonic()
        # After a pause (a busy computer) the body goes on from where it is instead of jumping.
        elapsed, self._turned_at = min(0.2, now - self._turned_at), now
        self._camera = self._camera.orbited(_TURN_DEGREES_PER_S * elapsed * _PIXELS_PER_DEGREE, 0.0)
        self._order(self._pace.moving)
