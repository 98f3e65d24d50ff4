"""Words and lines that stay readable over bright anatomy: light ink in a soft dark halo."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from tsdesktop.gui import theme

# Slices are black in both themes.
INK = theme.DARK.colour("text")
# How far the halo reaches in pixels, how much of the words' darkness is in it, and the darkest it gets.
_SOFTNESS = 2.2
_STRENGTH = 2.6
_DARKEST = 0.78
_ROOM = 7


def paint_words(painter: QPainter, place: QPointF, words: str, colour: QColor = INK, *, bold: bool = False) -> None:
    """Paints one line of words with its top left at `place`."""
    image = _picture(words, colour.rgba(), bold, painter.device().devicePixelRatioF())
    painter.drawImage(place - QPointF(_ROOM, _ROOM), image)


@lru_cache(maxsize=256)
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
    size = ((words_size(words, bold=bold) + QSizeF(2 * _ROOM, 2 * _ROOM)) * ratio).toSize()
    written = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    written.fill(Qt.GlobalColor.transparent)
    _write(written, words, QColor(0, 0, 0), bold, ratio)
    image = _halo(written, _SOFTNESS * ratio)
    _write(image, words, QColor.fromRgba(rgba), bold, ratio)
    return image


def _write(image: QImage, words: str, colour: QColor, bold: bool, ratio: float) -> None:
    image.setDevicePixelRatio(ratio)
    font = _font(bold)
    with QPainter(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setFont(font)
        painter.setPen(colour)
        painter.drawText(QPointF(_ROOM, _ROOM + QFontMetricsF(font).ascent()), words)


def _halo(written: QImage, softness: float) -> QImage:
    """The shadow that lies around black words."""
    shape = written.height(), written.width()
    pixels: NDArray[np.uint32] = np.frombuffer(written.constBits(), np.uint32).reshape(shape)
    dark = _blurred(_blurred((pixels >> np.uint32(24)).astype(np.float32), softness).T, softness).T
    shadow = np.minimum(dark * _STRENGTH, 255 * _DARKEST).astype(np.uint32) << np.uint32(24)
    return QImage(shadow.tobytes(), shape[1], shape[0], shape[1] * 4, written.format()).copy()


def _blurred(rows: NDArray[np.float32], softness: float) -> NDArray[np.float32]:
    """Blurred downwards by a normal distribution. Not scipy's: it is loaded later than the first words are painted."""
    reach = round(3 * softness)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / softness) ** 2).astype(np.float32)
    padded = np.pad(rows, ((reach, reach), (0, 0)))
    out = np.zeros_like(rows)
    for tap, weight in enumerate(weights / weights.sum()):
        out += weight * padded[tap : tap + len(rows)]
    return out
