"""The 3D view of a session: its structures, what a click on them does, and the strip of tools in its corner."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

import time
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, Qt, Signal, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from tsdesktop.gui.chip import paint_chip
from tsdesktop.gui.scene.camera import Camera, outgrows
from tsdesktop.gui.scene.content import Content
from tsdesktop.gui.scene.drawn import MARGIN, DrawnView
from tsdesktop.gui.scene.overlay import paint_words
from tsdesktop.gui.scene.picking import Hit, pick
from tsdesktop.gui.scene.probe import Graphics
from tsdesktop.gui.scene.stage import ClipKind, Stage
from tsdesktop.gui.scene.strip import ToolStrip, side_letter
from tsdesktop.gui.session import Session
from tsdesktop.gui.words import structure_title

_HOVER_MS = 30
_TURN_DEGREES_PER_S = 30.0
_TURN_STEP_MS = 16
_PIXELS_PER_DEGREE = 2.5


class SceneView(DrawnView):
    """The structures of a session in 3D. Left drag turns, middle or Shift drag moves, wheel or right drag zooms.

    `surfaces_shown`: every surface of the label map is in the picture.
    `menu_wanted(label, place)`: a right click on a structure (0: on none), at a place of the screen.
    """

    double_clicked = Signal()
    surfaces_shown = Signal()
    menu_wanted = Signal(int, QPoint)

    def __init__(self, session: Session, parent: QWidget | None = None, *, graphics: Graphics | None = None) -> None:
        super().__init__(parent, graphics=graphics)
        self._session = session
        self.setAccessibleName(self.tr("3D view"))
        self._is_fitted = False
        self._extent: NDArray[np.float64] | None = None
        self._hovered: tuple[QPoint, str] | None = None
        self._complete = False
        self._make_parts()
        self._hover_timer = self._timer(_HOVER_MS, self._name_hovered)
        self._turn_timer = self._timer(_TURN_STEP_MS, self._on_turn_step)
        self._turn_timer.setSingleShot(False)
        self._turned_at = 0.0

    def _make_parts(self) -> None:
        self._stage = Stage(self._session, self)
        self._strip = ToolStrip(self)
        self.picture_drawn.connect(self._on_picture_drawn)
        self._stage.changed.connect(self._on_content_changed)
        self._stage.extent_changed.connect(self._on_extent_changed)
        self._stage.finished.connect(self._on_surfaces_finished)
        self._session.volume_changed.connect(self._on_volume_changed)
        strip = self._strip
        strip.view_asked.connect(self.look_from)
        strip.clip_asked.connect(self.clip)
        strip.skin_toggled.connect(self._stage.show_skin)
        strip.slices_toggled.connect(self._stage.show_slices)
        strip.fading_toggled.connect(self._stage.fade_others)
        strip.turntable_toggled.connect(self.turn)
        strip.reset_asked.connect(self.reset)
        self._end_with_program(self._stage.stopper())

    @property
    def is_still(self) -> bool:
        """Whether the picture shown is the final one of what is to be seen, with all surfaces made."""
        return not self._stage.is_busy and super().is_still

    def reset(self) -> None:
        """From the front, with everything in the picture."""
        self._strip.turntable.setChecked(False)
        super().reset()

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

    def pick(self, x: float, y: float) -> Hit | None:
        """What structure stands at a point of the view (pixels from its top left)."""
        if self._session.label_map is None:
            return None
        camera = self._camera if self._frame is None else self._frame.order.camera
        ray = camera.ray(x, y, self.width(), self.height())
        return pick(self._session.label_map, self._session.looks, ray, self._stage.clip(camera))

    def close_scene(self) -> None:
        """Ends the drawing thread. The view stays, with its last picture."""
        for timer in (self._hover_timer, self._turn_timer):
            timer.stop()
        self._stage.close()
        super().close_scene()

    def _content(self, camera: Camera) -> Content:
        return self._stage.content(camera)

    def _bounds(self) -> NDArray[np.float64] | None:
        return super()._bounds() if self._extent is None else self._extent

    @property
    def _foot(self) -> int:
        return 0 if self._strip.isHidden() else self._strip.height() + MARGIN

    @property
    def _is_turning(self) -> bool:
        return self._turn_timer.isActive()

    @Slot()
    def _on_picture_drawn(self) -> None:
        if self._complete and self._frame is not None and not self._frame.order.detail.coarse:
            self._complete = False
            self.surfaces_shown.emit()

    def _show_content(self) -> None:
        self._hovered = None
        super()._show_content()

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

    def _begin(self) -> None:
        self._stage.wake()
        super()._begin()

    def paintEvent(self, _: QPaintEvent) -> None:
        """Paints the last picture and what lies over it."""
        self._wake_soon()
        with QPainter(self) as painter:
            self._paint_picture(painter)
            paint_words(painter, self.rect(), self._session, self._stage, self._drawn_by)
            if self._hovered is not None:
                paint_chip(painter, self.size(), *self._hovered)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the strip in its corner and the picture as large as the view."""
        self._strip.fit(self.width(), self.height())
        size = self._strip.size()
        self._strip.move(self.width() - size.width() - MARGIN, self.height() - size.height() - MARGIN)
        super().resizeEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """A hidden view does not turn."""
        self._strip.turntable.setChecked(False)
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Another theme: icons and background follow."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_strip"):
            self._strip.dress()
            self._on_content_changed()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begins a click or a drag."""
        self._hovered = None
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drags, or names what lies under the pointer."""
        if self._pressed is None:
            self._last = event.position()
            self._hover_timer.start()
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
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

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Asks to be maximised."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu key asks for the menu of the selected structure; the mouse does at its release."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.menu_wanted.emit(self._session.selected or 0, self.mapToGlobal(self.rect().center()))
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms."""
        self._hovered = None
        super().wheelEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
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

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters look from their side, arrows turn, plus and minus zoom, Home resets."""
        if letter := side_letter(event):
            self.look_from(letter)
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
