"""How measurements look on a slice: lines with round ends, and words beside them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from tsdesktop.gui import theme
from tsdesktop.gui.slices.halo import INK, paint_lines, paint_words, words_size
from tsdesktop.gui.slices.measure import Kind

_COLOUR = theme.DARK.colour("text")
_SELECTED = theme.DARK.colour("accent")
_DOT = 3.0
_BESIDE = 10.0
_ARC_PX = 22.0
_MARGIN = 6.0


def paint_measurement(
    painter: QPainter, view: QSizeF, kind: Kind, places: Sequence[QPointF], words: Sequence[str], is_selected: bool
) -> None:
    """Paints a measurement whose points are at these places of a view of this size; a half drawn one has fewer."""
    colour = _SELECTED if is_selected else _COLOUR
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if kind == "circle" and len(places) == 2:
        radius = QLineF(places[0], places[1]).length()
        circle = QPainterPath()
        circle.addEllipse(places[0], radius, radius)
        _stroke(painter, circle, colour)
        anchor = QPointF(places[0].x() + radius * 0.71, places[0].y() + radius * 0.71)
    else:
        paint_lines(painter, [QLineF(one, other) for one, other in pairwise(places)], colour, 1.25)
        if kind == "angle" and len(places) == 3:
            _stroke(painter, _arc(places), colour)
        anchor = places[1] if kind == "angle" else (places[0] + places[-1]) / 2
    for place in places:
        _paint_dot(painter, place, colour)
    _paint_words(painter, view, anchor, words)


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


def _paint_words(painter: QPainter, view: QSizeF, anchor: QPointF, words: Sequence[str]) -> None:
    """Lines of words right below a place, kept inside the view."""
    if not words:
        return
    sizes = [words_size(each) for each in words]
    high = sizes[0].height()
    left = min(anchor.x() + _BESIDE, view.width() - max(each.width() for each in sizes) - _MARGIN)
    top = min(anchor.y() + _BESIDE / 2, view.height() - high * len(words) - _MARGIN)
    for line, text in enumerate(words):
        paint_words(painter, QPointF(max(_MARGIN, left), max(_MARGIN, top) + line * high), text, INK)
