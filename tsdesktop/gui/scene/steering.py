"""What the mouse and the keys do to the viewer of the 3D view."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent

from tsdesktop.gui.scene.camera import Camera

_ZOOM_PER_STEP = 1.12
_ZOOM_PER_PIXEL = 0.008
_TURNS = {Qt.Key.Key_Left: (-15, 0), Qt.Key.Key_Right: (15, 0), Qt.Key.Key_Up: (0, -15), Qt.Key.Key_Down: (0, 15)}
_ZOOMS = {"+": 1.0, "-": -1.0}


def dragged(camera: Camera, moved: QPointF, event: QMouseEvent, height: int) -> Camera:
    """After a drag by `moved` pixels in a view of this height: left turns, middle or Shift moves, right zooms."""
    buttons = event.buttons()
    if buttons & Qt.MouseButton.RightButton:
        return camera.zoomed(float(np.exp(-_ZOOM_PER_PIXEL * moved.y())))
    if buttons & Qt.MouseButton.MiddleButton or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
        return camera.panned(moved.x(), moved.y(), height)
    return camera.orbited(moved.x(), moved.y())


def wheeled(camera: Camera, steps: float) -> Camera:
    """Nearer by some steps of the wheel, or farther."""
    return camera.zoomed(_ZOOM_PER_STEP**steps)


def keyed(camera: Camera, event: QKeyEvent) -> Camera | None:
    """After a key: arrows turn, plus and minus zoom; None for other keys."""
    if event.key() in _TURNS:
        return camera.orbited(*_TURNS[Qt.Key(event.key())])
    if event.text() in _ZOOMS:
        return wheeled(camera, _ZOOMS[event.text()])
    return None
