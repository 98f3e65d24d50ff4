"""How measurements look on a slice: lines with round ends, and words beside them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from tsdesktop.gui import theme
from tsdesktop.gui.slices.halo import INK, paint_lines, paint_words, words_size
from tsdesktop.gui.slices.measure import POINTS, Kind

_COLOUR = theme.DARK.colour("text")
_SELECTED = theme.DARK.colour("accent")
_DOT = 3.0
_BESIDE = 10.0
_ARC_PX = 22.0
_MARGIN = 6.0
_DIAGONAL = 0.7071


def paint_measurement(
    painter: QPainter, view: QSizeF, kind: Kind, places: Sequence[QPointF], words: Sequence[str], is_selected: bool
) -> None:
    """Paints a measurement whose points are at these places of a view of this size; a half drawn one has fewer."""
    colour = _SELECTED if is_selected else _COLOUR
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    is_whole = len(places) == POINTS[kind]
    if kind == "circle":
        radius = QLineF(places[0], places[1]).length()
        circle = QPainterPath()
        circle.addEllipse(places[0], radius, radius)
        _stroke(painter, circle, colour)
    else:
        paint_lines(painter, [QLineF(one, other) for one, other in pairwise(places)], colour, 1.25)
    if kind == "angle" and is_whole:
        _stroke(painter, _arc(places), colour)
    for place in places:
        _paint_dot(painter, place, colour)
    if words and is_whole:
        _paint_words(painter, view, _outside(kind, places), words)


def _outside(kind: Kind, places: Sequence[QPointF]) -> QLineF:
    """A line of length 1 from where words may begin, to where they are free of the measurement."""
    if kind == "distance":
        return _unit(places[1], places[1] - places[0])
    if kind == "angle":
        arms = (QLineF(places[1], places[0]).unitVector(), QLineF(places[1], places[2]).unitVector())
        return _unit(places[1], QPointF(-arms[0].dx() - arms[1].dx(), -arms[0].dy() - arms[1].dy()))
    radius = QLineF(places[0], places[1]).length()
    return _unit(places[0] + QPointF(radius, radius) * _DIAGONAL, QPointF(1, 1))


def _unit(start: QPointF, way: QPointF) -> QLineF:
    line = QLineF(start, start + way)
    if line.isNull():
        line = QLineF(start, start + QPointF(0, 1))
    line.setLength(1.0)
    return line


def _arc(places: Sequence[QPointF]) -> QPainterPath:
    """The short arc between the arms of an angle."""
    one, other = QLineF(places[1], places[0]), QLineF(places[1], places[2])
    radius = min(_ARC_PX, one.length() / 2, other.length() / 2)
    box = QRectF(places[1].x() - radius, places[1].y() - radius, 2 * radius, 2 * radius)
    sweep = (other.angle() - one.angle() + 180.0) % 360.0 - 180.0
    path = QPainterPath()
    path.arcMoveTo(box, one.angle())
    path.arcTo(box, one.angle(), sweep)
    return path


def _stroke(painter: QPainter, path: QPainterPath, colour: QColor) -> None:
    for shade, width in ((QColor(0, 0, 0, 60), 4.75), (QColor(0, 0, 0, 110), 3.25), (colour, 1.25)):
        painter.strokePath(path, QPen(shade, width))


def _paint_dot(painter: QPainter, place: QPointF, colour: QColor) -> None:
    painter.setPen(QPen(QColor(0, 0, 0, 170), 1.5))
    painter.setBrush(colour)
    painter.drawEllipse(place, _DOT, _DOT)


def _paint_words(painter: QPainter, view: QSizeF, outside: QLineF, words: Sequence[str]) -> None:
    """Lines of words beyond a place, kept inside the view."""
    high = words_size(words[0]).height()
    width, height = max(words_size(each).width() for each in words), high * len(words)
    away = abs(outside.dx()) * width / 2 + abs(outside.dy()) * height / 2 + _BESIDE
    left = outside.x1() + outside.dx() * away - width / 2
    top = outside.y1() + outside.dy() * away - height / 2
    left = max(_MARGIN, min(left, view.width() - width - _MARGIN))
    top = max(_MARGIN, min(top, view.height() - height - _MARGIN))
    for line, text in enumerate(words):
        paint_words(painter, QPointF(left, top + line * high), text, INK)
