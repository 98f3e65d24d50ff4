"""What the cards and rows of the panels are painted with."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QPushButton, QSizePolicy, QWidget

from tsdesktop.core.structures import Rgb
from tsdesktop.gui import theme

MARGIN = 3 * theme.GRID
ROW_HEIGHT = 34
SMALL_PX = 11


def shortened(painter: QPainter, text: str, width: int) -> str:
    """`text` with an ellipsis where it is wider than `width` in the painter's font."""
    return QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, max(0, width))


def write(painter: QPainter, area: QRect, text: str, colour: QColor, font: QFont) -> None:
    """One line of text from the left of `area`, shortened to it."""
    painter.setFont(font)
    painter.setPen(colour)
    flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(area, flags, shortened(painter, text, area.width()))


def write_right(painter: QPainter, area: QRect, text: str, colour: QColor, font: QFont) -> int:
    """One line of text at the right of `area`; gives its width."""
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
    return QFontMetrics(font).horizontalAdvance(text)


def paint_box(painter: QPainter, button: QAbstractButton, *, chosen: bool = False) -> None:
    """The raised box behind a card or row, with the border that its state asks for.

    The chosen card has the accent; the keyboard is seen as a second ring in cards, since these may be chosen as well.
    """
    worn = theme.current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    focused = button.hasFocus() and button.isEnabled()
    marked = chosen or (focused and not button.isCheckable())
    border = worn.accent if marked else worn.secondary if button.underMouse() else worn.line
    painter.setPen(QPen(QColor(border), 2.0 if chosen else 1.0))
    painter.setBrush(QColor(worn.raised if not button.isDown() else worn.line))
    inset = 1 if chosen else 0.5
    area = button.rect().toRectF()
    painter.drawRoundedRect(area.adjusted(inset, inset, -inset, -inset), theme.RADIUS, theme.RADIUS)
    if focused and button.isCheckable():
        painter.setPen(QPen(QColor(worn.secondary), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area.adjusted(3.5, 3.5, -3.5, -3.5), theme.RADIUS - 2.5, theme.RADIUS - 2.5)


def paint_swatch(painter: QPainter, area: QRectF, rgb: Rgb) -> None:
    """The rounded square that stands for a structure's colour."""
    worn = theme.current()
    # Ivory would be lost on the light panel.
    painter.setPen(Qt.PenStyle.NoPen if worn.dark else QPen(worn.colour("line"), 1))
    painter.setBrush(QColor(*rgb))
    painter.drawRoundedRect(area, 3, 3)


class Row(QAbstractButton):
    """A line in a box that opens something; may hold a small button of its own at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._side: QPushButton | None = None

    def set_side(self, side: QPushButton) -> None:
        """The button at the right."""
        self._side = side
        side.setParent(self)

    def sizeHint(self) -> QSize:
        """As wide as it gets, one line high."""
        return QSize(120, ROW_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The box and its line."""
        with QPainter(self) as painter:
            paint_box(painter, self)
            taken = self._side.width() if self._side is not None and self._side.isVisibleTo(self) else 0
            area = self.rect().adjusted(MARGIN, 0, -MARGIN - taken, 0)
            colour = theme.current().colour("text" if self.isEnabled() else "secondary")
            write(painter, area, self.text(), colour, theme.base_font())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the small button at the right."""
        super().resizeEvent(event)
        self.place_side()

    def place_side(self) -> None:
        """Puts the small button in its place, after its text changed as well."""
        if self._side is not None:
            self._side.adjustSize()
            at = self.width() - self._side.width() - theme.GRID
            self._side.move(at, (self.height() - self._side.height()) // 2)
            self.update()
