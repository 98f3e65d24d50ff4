"""Words and lines that stay readable over bright anatomy: light ink in a soft dark halo."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from PySide6.QtCore import QLineF, QPointF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from tsdesktop.gui import theme

# Slices are black in both themes.
INK = theme.DARK.colour("text")
# Widths of the pens that make the halo, in pixels, and their opacity.
_SOFT = ((6.0, 40), (4.0, 70), (2.4, 130))
_ROOM = 4


def paint_words(painter: QPainter, place: QPointF, words: str, colour: QColor = INK, *, bold: bool = False) -> None:
    """Paints one line of words with its top left at `place`."""
    image = _picture(words, colour.rgba(), bold, painter.device().devicePixelRatioF())
    painter.drawImage(place - QPointF(_ROOM, _ROOM), image)


def words_size(words: str, *, bold: bool = False) -> QSizeF:
    """The room that words take."""
    metrics = QFontMetricsF(_font(bold))
    return QSizeF(metrics.horizontalAdvance(words), metrics.height())


def paint_lines(painter: QPainter, lines: Iterable[QLineF], colour: QColor = INK, width: float = 1.0) -> None:
    """Paints lines over their halo."""
    drawn = list(lines)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for wider, alpha in ((3.5, 60), (2.0, 110)):
        painter.setPen(_pen(QColor(0, 0, 0, alpha), width + wider))
        painter.drawLines(drawn)
    painter.setPen(_pen(colour, width))
    painter.drawLines(drawn)


def _pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def _font(bold: bool) -> QFont:
    return theme.base_font(12, QFont.Weight.DemiBold if bold else QFont.Weight.Medium)


@lru_cache(maxsize=256)
def _picture(words: str, rgba: int, bold: bool, ratio: float) -> QImage:
    """Words in their halo on nothing. Kept: they are painted with every slice."""
    font, size = _font(bold), words_size(words, bold=bold)
    whole = (size + QSizeF(2 * _ROOM, 2 * _ROOM)) * ratio
    image = QImage(whole.toSize(), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    base = QPointF(_ROOM, _ROOM + QFontMetricsF(font).ascent())
    path = QPainterPath()
    path.addText(base, font, words)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for width, alpha in _SOFT:
        painter.strokePath(path, _pen(QColor(0, 0, 0, alpha), width))
    painter.setFont(font)
    painter.setPen(QColor.fromRgba(rgba))
    painter.drawText(base, words)
    painter.end()
    return image
