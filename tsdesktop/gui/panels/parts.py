"""The few shapes the panels are made of: headings, lines that shorten themselves, rows, boxes that open over them."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

import re
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from tsdesktop.gui import theme

GAP = 2 * theme.GRID
MARGIN = 3 * theme.GRID
ROW_HEIGHT = 34
SMALL_PX = 11
POPUP_SIZE = QSize(320, 480)


def stacked(*items: QWidget | QLayout, gap: int = GAP, margin: int = 0) -> QVBoxLayout:
    """A column of widgets and layouts."""
    column = QVBoxLayout()
    column.setContentsMargins(margin, margin, margin, margin)
    column.setSpacing(gap)
    for item in items:
        if isinstance(item, QLayout):
            column.addLayout(item)
        else:
            column.addWidget(item)
    return column


def heading(text: str) -> QLabel:
    """The small capitals above a section."""
    label = QLabel(text.upper())
    label.setProperty("role", "heading")
    label.setAccessibleName(text)
    return label


def plain_label(text: str = "", role: str = "", *, wrap: bool = True) -> QLabel:
    """Text in one of the theme's roles."""
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(wrap)
    return label


def small_button(icon_name: str, title: str, on_click: Callable[[], object], help: str = "") -> QToolButton:
    """A button that is only an icon; `title` is its name for assistive tools."""
    button = IconButton(icon_name)
    button.setAccessibleName(title)
    button.setToolTip(help or title)
    button.clicked.connect(lambda: on_click())
    return button


def link_button(title: str, on_click: Callable[[], object], help: str = "") -> QPushButton:
    """Words that can be clicked."""
    button = QPushButton(title)
    button.setProperty("role", "link")
    button.setToolTip(help)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.clicked.connect(lambda: on_click())
    return button


def breakable(text: str) -> str:
    """A path or file name that may go on in the next line after its separators."""
    return re.sub(r"([_/\\\\])(?=.)", "\\1\u200b", text)


def take_role(label: QWidget, role: str) -> None:
    """Gives a widget another role of the theme and repaints it."""
    if label.property("role") != role:
        label.setProperty("role", role)
        label.style().unpolish(label)
        label.style().polish(label)


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
    """The raised box behind a card or row, with the border that its state asks for."""
    worn = theme.current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    marked = chosen or (button.hasFocus() and button.isEnabled())
    border = worn.accent if marked else worn.secondary if button.underMouse() else worn.line
    painter.setPen(QPen(QColor(border), 1.5 if chosen else 1.0))
    painter.setBrush(QColor(worn.raised if not button.isDown() else worn.line))
    inset = 1 if chosen else 0.5
    painter.drawRoundedRect(button.rect().toRectF().adjusted(inset, inset, -inset, -inset), theme.RADIUS, theme.RADIUS)


class IconButton(QToolButton):
    """A quiet button with an icon that follows the theme."""

    def __init__(self, icon_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self.setProperty("role", "quiet")
        self.setIcon(theme.icon(icon_name))
        self.setIconSize(QSize(16, 16))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def changeEvent(self, event: QEvent) -> None:
        """Draws the icon for another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.setIcon(theme.icon(self._icon_name))


class ShortLabel(QLabel):
    """One line that ends in an ellipsis instead of asking for more width; the whole text is its tooltip then."""

    def __init__(self, role: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_text(self, text: str) -> None:
        """Another text."""
        self._whole = text
        self.setAccessibleName(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shortens anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        fitting = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        if fitting != self.text():
            self.setText(fitting)
        self.setToolTip(self._whole if fitting != self._whole else "")


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


class Popup(QFrame):
    """A box that opens over the window beside what it belongs to, and closes with Escape or a click elsewhere."""

    def __init__(self, parent: QWidget, size: QSize = POPUP_SIZE) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "popup")
        self.resize(size)

    def open_at(self, anchor: QWidget, *, beside: bool = False) -> None:
        """Opens below or `beside` (right of) `anchor`, or where there is room for it, within the screen."""
        screen = anchor.screen().availableGeometry()
        self.resize(self.width(), min(self.height(), screen.height()))
        away = QPoint(anchor.width() + theme.GRID, 0) if beside else QPoint(0, anchor.height() + theme.GRID)
        corner = anchor.mapToGlobal(away)
        if corner.y() + self.height() > screen.bottom():
            corner.setY(max(screen.top(), screen.bottom() - self.height()))
        corner.setX(max(screen.left(), min(corner.x(), screen.right() - self.width())))
        self.move(corner)
        self.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)
