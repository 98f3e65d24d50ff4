"""How measurements look on a slice: lines with round ends, and words beside them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QLineF, QMarginsF, QPointF, QRectF, QSizeF
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
_FREE = 5.0
_DIAGONAL = 0.7071
# Where words do not fit they go round the end of their line.
_TURNS = (0.0, 45.0, -45.0, 90.0, -90.0, 135.0, -135.0)


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
        corner = words_box(view, kind, places, words).topLeft()
        for line, text in enumerate(words):
            paint_words(painter, corner + QPointF(0, line * words_size(text).height()), text, INK)


def words_box(view: QSizeF, kind: Kind, places: Sequence[QPointF], words: Sequence[str]) -> QRectF:
    """Where the words of a whole measurement are: beyond its end, or where they fit and are free of it."""
    high = words_size(words[0]).height()
    size = QSizeF(max(words_size(each).width() for each in words), high * len(words))
    inside = QRectF(_MARGIN, _MARGIN, view.width() - 2 * _MARGIN, view.height() - 2 * _MARGIN)
    boxes = [_pushed(_beyond(way, size), inside) for way in _ways(kind, places)]
    around = QMarginsF(_FREE, _FREE, _FREE, _FREE)
    return next((each for each in boxes if not _is_crossed(each.marginsAdded(around), places)), boxes[0])


def _is_crossed(box: QRectF, places: Sequence[QPointF]) -> bool:
    """Whether a measurement's points or the lines between them are in a box."""
    path = QPainterPath(places[0])
    for place in places[1:]:
        path.lineTo(place)
    return any(map(box.contains, places)) or path.intersects(box)


def _ways(kind: Kind, places: Sequence[QPointF]) -> list[QLineF]:
    """Lines of length 1 from where words may begin to where they are free of the measurement; the best first."""
    if kind == "circle":
        radius = QLineF(places[0], places[1]).length()
        corners = [QPointF(x, y) for y in (1, -1) for x in (1, -1)]
        return [_unit(places[0] + each * radius * _DIAGONAL, each) for each in corners]
    if kind == "distance":
        best = _unit(places[1], places[1] - places[0])
    else:
        arms = (QLineF(places[1], places[0]).unitVector(), QLineF(places[1], places[2]).unitVector())
        best = _unit(places[1], QPointF(-arms[0].dx() - arms[1].dx(), -arms[0].dy() - arms[1].dy()))
    first = _unit(places[0], places[0] - places[1])
    return [_turned(way, degrees) for way in (best, first) for degrees in _TURNS]


def _unit(start: QPointF, way: QPointF) -> QLineF:
    line = QLineF(start, start + way)
    if line.isNull():
        line = QLineF(start, start + QPointF(0, 1))
    line.setLength(1.0)
    return line


def _turned(way: QLineF, degrees: float) -> QLineF:
    turned = QLineF(way)
    turned.setAngle(way.angle() + degrees)
    return turned


def _beyond(way: QLineF, size: QSizeF) -> QRectF:
    """A box of this size at the end of a way."""
    away = abs(way.dx()) * size.width() / 2 + abs(way.dy()) * size.height() / 2 + _BESIDE
    middle = way.p1() + QPointF(way.dx(), way.dy()) * away
    return QRectF(middle - QPointF(size.width() / 2, size.height() / 2), size)


def _pushed(box: QRectF, inside: QRectF) -> QRectF:
    """The box moved into another one."""
    left = max(inside.left(), min(box.left(), inside.right() - box.width()))
    top = max(inside.top(), min(box.top(), inside.bottom() - box.height()))
    return QRectF(left, top, box.width(), box.height())


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
