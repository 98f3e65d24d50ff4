"""A view that shows pictures drawn in a thread of its own, and turns the mouse and the keys into moves of the viewer.

A plain widget that paints an image: an OpenGL widget in the window would make every repaint of the slices slower where
the processor draws, and where a graphics card draws reading the picture back costs a few milliseconds. Nothing of VTK
is loaded here; the thread and the workers load it, after the first paint.
"""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.scene.camera import FRONT, Camera
from tsdesktop.gui.scene.content import Content, Detail, Order
from tsdesktop.gui.scene.drawing import Drawing, Frame
from tsdesktop.gui.scene.marker import SIDE_PX, paint_marker
from tsdesktop.gui.scene.pace import BEST, STILL, Pace
from tsdesktop.gui.scene.probe import Graphics
from tsdesktop.gui.scene.steering import dragged, keyed, wheeled

MARGIN = 8
_STILL_AFTER_MS = 120
_BEST_AFTER_MS = 250
_CLICK_PX = 4
_LEAST_FOR_MARKER = 240


class DrawnView(QWidget):
    """Left drag turns, middle or Shift drag moves, wheel or right drag zooms. What is seen, a subclass says.

    `picture_drawn`: another picture is shown.
    """

    picture_drawn = Signal()

    def __init__(self, parent: QWidget | None = None, *, graphics: Graphics | None = None) -> None:
        super().__init__(parent)
        self._graphics = graphics
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 100)
        self._camera = FRONT
        # The camera that `_fit` made: while nobody has moved it, it follows the size of the view.
        self._fitted: Camera | None = None
        self._asked: Order | None = None
        self._frame: Frame | None = None
        self._pace = Pace(hardware=False, has_gl=True)
        self._drawn_by: Graphics | None = None
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._dragged = False
        self._drawing = Drawing()
        self._drawing.drawn.connect(self._on_drawn)
        self._drawing.started.connect(self._on_started)
        self._still_timer = self._timer(_STILL_AFTER_MS, self._ask_still)
        self._best_timer = self._timer(_BEST_AFTER_MS, self._ask_best)
        self._end_with_program(self._drawing.close)

    # what a subclass says

    def _content(self, camera: Camera) -> Content:  # noqa: ARG002 - of an empty picture
        """Everything in the picture for a viewer there; nothing as long as a subclass does not say more."""
        return Content()

    def _bounds(self) -> NDArray[np.float64] | None:
        """The box (2, 3) that should fill the picture, in mm; None where there is nothing."""
        return self._content(self._camera).bounds_mm

    @property
    def _foot(self) -> int:
        """How many pixels at the foot of the view are kept free."""
        return 0

    @property
    def _is_turning(self) -> bool:
        """Whether the viewer moves by itself."""
        return False

    @property
    def _shows_sides(self) -> bool:
        """Whether a cube tells the sides of the body."""
        return self.width() >= _LEAST_FOR_MARKER

    # where the viewer stands

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
        """Whether the picture shown is the final one of what is to be seen."""
        waits = self._still_timer.isActive() or self._best_timer.isActive()
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
        self.look_from("A")

    def screenshot(self) -> QImage:
        """The picture as it is shown, with the orientation marker, without tools."""
        ratio = self.devicePixelRatioF()
        image = QImage(self._picture_size(), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        with QPainter(image) as painter:
            self._paint_picture(painter)
        return image

    def close_scene(self) -> None:
        """Ends the drawing thread. The view stays, with its last picture."""
        for timer in (self._still_timer, self._best_timer):
            timer.stop()
        self._drawing.close()

    def _end_with_program(self, call: Callable[[], None]) -> None:
        """Deleted with its window, or at the end of the program: its threads end before Python does."""
        self.destroyed.connect(lambda: call())
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(call)

    # pictures

    def _timer(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self, singleShot=True, interval=milliseconds)
        timer.timeout.connect(slot)
        return timer

    def _order(self, detail: Detail) -> None:
        if not self.isVisible() or self._picture_size().isEmpty():
            return
        size = self._picture_size()
        self._best_timer.stop()
        self._asked = Order(self._content(self._camera), self._camera, size.width(), size.height(), detail)
        self._drawing.ask(self._asked)

    def _ask_moving(self) -> None:
        self._order(self._pace.moving)
        self._still_timer.start()

    @Slot()
    def _ask_still(self) -> None:
        if not self._is_turning:
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

    # What a subclass may do otherwise is no slot: PySide lets the connection of an overridden slot outlive its widget.

    @Slot()
    def _on_content_changed(self) -> None:
        self._show_content()

    def _show_content(self) -> None:
        if self._frame is not None and self._pace.still_is_quick and not self._is_turning:
            self._order(STILL)
        else:
            self._ask_moving()

    def _fit(self) -> None:
        bounds = self._bounds()
        if bounds is not None:
            self._camera = self._fitted = self._camera.fitted(bounds, self.width(), self.height(), self._foot)

    def _picture_size(self) -> QSize:
        return self.size() * self.devicePixelRatioF()

    @Slot()
    def _wake(self) -> None:
        self._begin()
        self._show_content()

    def _begin(self) -> None:
        self._drawing.start(self._graphics)

    def _wake_soon(self) -> None:
        """Starts the thread after this paint."""
        if not self._drawing.is_started:
            QTimer.singleShot(0, self._wake)

    def _paint_picture(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), theme.current().colour("panel"))
        if self._frame is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(self.rect()), self._frame.image)
            reach = SIDE_PX + MARGIN
            if self._shows_sides:
                paint_marker(painter, QPointF(reach, self.height() - reach), self._frame.order.camera)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the picture as large as the view."""
        super().resizeEvent(event)
        if self._camera is self._fitted:
            self._fit()
        if self._drawing.is_started:
            self._ask_moving()

    def showEvent(self, event: QShowEvent) -> None:
        """What changed while the view was hidden is drawn."""
        super().showEvent(event)
        if self._drawing.is_started:
            self._ask_moving()

    # mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begins a click or a drag."""
        self._pressed = self._last = event.position()
        self._dragged = False
        self._pace.begin()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drags once the mouse has gone further than a click's."""
        if self._pressed is None:
            return
        if (event.position() - self._pressed).manhattanLength() > _CLICK_PX:
            self._dragged = True
        if self._dragged:
            moved, self._last = event.position() - self._last, event.position()
            self._camera = dragged(self._camera, moved, event, self.height())
            self._ask_moving()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms."""
        if not self._still_timer.isActive():
            self._pace.begin()
        self._camera = wheeled(self._camera, event.angleDelta().y() / 120.0)
        self._ask_moving()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows turn, plus and minus zoom, Home resets."""
        if (camera := keyed(self._camera, event)) is not None:
            self._camera = camera
            self._ask_moving()
        elif event.key() == Qt.Key.Key_Home:
            self.reset()
        else:
            super().keyPressEvent(event)
