"""The orientation marker of the 3D view: a small cube with a letter for each side of the body, painted by Qt."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from tsdesktop.gui import theme
from tsdesktop.gui.scene.camera import Camera

SIDE_PX = 26.0
_SIDES = {
    "R": (1, 0, 0),
    "L": (-1, 0, 0),
    "A": (0, 1, 0),
    "P": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}
_UP = {"S": (0, 1, 0), "I": (0, 1, 0)}
_LETTER_PX = 60.0
_BACKWARD = 0.02  # sides that show less than this of themselves are not painted


def paint_marker(painter: QPainter, centre: QPointF, camera: Camera) -> None:
    """Paints the cube as the viewer sees the patient."""
    look = theme.current()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for letter, outward in _SIDES.items():
        facing = float(np.dot(camera.turn[2], outward))
        if facing > _BACKWARD:
            _paint_side(painter, centre, camera, letter, _shade(look, facing))
    painter.restore()


def _shade(look: theme.Theme, facing: float) -> QColor:
    """A side that faces the viewer is nearer to the colour of raised things, one that turns away to that of lines."""
    return theme.mixed(look.colour("line"), look.colour("raised"), facing)


def _paint_side(painter: QPainter, centre: QPointF, camera: Camera, letter: str, shade: QColor) -> None:
    outward, up = np.array(_SIDES[letter], float), np.array(_UP.get(letter, (0, 0, 1)), float)
    right = np.cross(up, outward)
    corners = [outward + up - right, outward + up + right, outward - up + right, outward - up - right]
    points = [_on_paper(each, centre, camera) for each in corners]
    look = theme.current()
    outline = look.colour("secondary")
    outline.setAlphaF(0.55)
    painter.setPen(QPen(outline, 1.0, j=Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(shade)
    painter.drawPolygon(QPolygonF(points))
    painter.fillPath(_letter_on(letter, points), look.colour("text"))


def _on_paper(corner: np.ndarray[tuple[int, ...], np.dtype[np.float64]], centre: QPointF, camera: Camera) -> QPointF:
    right, up, _ = camera.turn @ corner * (SIDE_PX / 2)
    return QPointF(centre.x() + float(right), centre.y() - float(up))


def _letter_on(letter: str, points: list[QPointF]) -> QPainterPath:
    """The letter, laid onto the side whose corners these are (top left, top right, bottom right, bottom left)."""
    path = QPainterPath()
    path.addText(0, 0, theme.base_font(int(_LETTER_PX)), letter)
    ink = path.boundingRect()
    path.translate(50.0 - ink.center().x(), 50.0 - ink.center().y())
    page = QPolygonF(QRectF(0, 0, 100, 100))
    page.removeLast()
    transform = QTransform()
    # PySide returns whether the side is flat enough to be written on, or the transform itself, by its version.
    onto = QTransform.quadToQuad(page, QPolygonF(points), transform)
    if onto is None or onto is False:
        return QPainterPath()
    return (onto if isinstance(onto, QTransform) else transform).map(path)
