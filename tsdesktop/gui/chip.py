"""The small words beside the pointer that name what lies under it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QPainter

from tsdesktop.gui import theme

_MARGIN = 8
_PADDING = QSize(16, 8)
_BESIDE = QPoint(14, 16)


def paint_chip(painter: QPainter, view: QSize, place: QPoint, words: str) -> None:
    """Paints words beside a place of a view of this size, kept inside it."""
    look = theme.current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.base_font(12))
    size = painter.fontMetrics().size(0, words) + _PADDING
    x = min(place.x() + _BESIDE.x(), view.width() - size.width() - _MARGIN)
    y = min(place.y() + _BESIDE.y(), view.height() - size.height() - _MARGIN)
    box = QRectF(x + 0.5, y + 0.5, size.width(), size.height())
    back = look.colour("background")
    back.setAlphaF(0.92)
    painter.setPen(look.colour("line"))
    painter.setBrush(back)
    painter.drawRoundedRect(box, 6, 6)
    painter.setPen(look.colour("text"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
