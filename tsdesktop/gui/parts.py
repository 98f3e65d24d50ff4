"""The few parts that panels, dialogs and the lines between them are made of, in the theme's roles."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from tsdesktop.gui import theme

GAP = 2 * theme.GRID
POPUP_SIZE = QSize(320, 480)


def one_line(text: str = "", role: str = "") -> QLabel:
    """Plain text that does not wrap, in a role of the theme."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    return label


def paragraph(text: str = "", role: str = "") -> QLabel:
    """Plain text that wraps, in a role of the theme."""
    label = one_line(text, role)
    label.setWordWrap(True)
    return label


def heading(text: str) -> QLabel:
    """The small capitals above a section."""
    label = one_line(text.upper(), "heading")
    label.setAccessibleName(text)
    return label


def set_role(widget: QWidget, role: str) -> None:
    """Gives a widget another role of the theme and repaints it."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def hairline() -> QFrame:
    """A line between groups."""
    line = QFrame()
    line.setProperty("role", "hairline")
    return line


def button(text: str, on_click: Callable[[], object], role: str = "", help: str = "") -> QPushButton:
    """A button that does one thing; in the role "link" it is words that can be clicked."""
    made = QPushButton(text)
    made.setAutoDefault(False)
    made.setToolTip(help)
    made.setProperty("role", role)
    if role == "link":
        made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.clicked.connect(lambda: on_click())
    return made


def small_button(icon_name: str, title: str, on_click: Callable[[], object], help: str = "") -> QToolButton:
    """A button that is only an icon; `title` is its name for assistive tools."""
    made = IconButton(icon_name)
    made.setAccessibleName(title)
    made.setToolTip(help or title)
    made.clicked.connect(lambda: on_click())
    return made


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


def row(*widgets: QWidget | None) -> QHBoxLayout:
    """Widgets side by side; None takes the room that is left."""
    line = QHBoxLayout()
    line.setSpacing(GAP)
    for each in widgets:
        if each is None:
            line.addStretch(1)
        else:
            line.addWidget(each)
    return line


def scrolled(inner: QWidget) -> QScrollArea:
    """A widget in an area that scrolls up and down where there is no room for all of it; its controls take the keys."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inner)
    return area


def clear(layout: QLayout) -> None:
    """Takes everything out of a layout."""
    while item := layout.takeAt(0):
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


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


class SearchBox(QLineEdit):
    """A box to search in. Escape empties it; Down leads on to what is found: `left_downwards`."""

    left_downwards = Signal()

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._glass = self.addAction(theme.icon("mdi6.magnify"), QLineEdit.ActionPosition.LeadingPosition)
        self.setClearButtonEnabled(True)
        self.show_name(name)

    def show_name(self, name: str) -> None:
        """What is said while nothing is typed, and to assistive tools."""
        self.setPlaceholderText(name)
        self.setAccessibleName(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Down and Escape mean more than in other boxes."""
        if event.key() == Qt.Key.Key_Down:
            self.left_downwards.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Draws the icon for another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._glass.setIcon(theme.icon("mdi6.magnify"))


class ShortLabel(QLabel):
    """One line that ends in an ellipsis where there is no room for it; the whole text is its tooltip then.

    It takes the width it gets, or with `Maximum` no more than its text needs.
    """

    def __init__(self, role: str = "", policy: QSizePolicy.Policy = QSizePolicy.Policy.Ignored) -> None:
        super().__init__()
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(policy, QSizePolicy.Policy.Fixed)

    @property
    def whole(self) -> str:
        """The text without an ellipsis."""
        return self._whole

    def show_text(self, text: str) -> None:
        """Another text."""
        self._whole = text
        self.setAccessibleName(text)
        self.updateGeometry()
        self._fit()

    def sizeHint(self) -> QSize:
        """Room for the whole text, however much of it is shown."""
        # Metrics are rounded: a pixel less than it takes would cut the text.
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Nearly nothing: it can be shortened."""
        return QSize(60 if self._whole else 0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shortens anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        fitting = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        if fitting != self.text():
            self.setText(fitting)
        self.setToolTip(self._whole if fitting != self._whole else "")


class Popup(QFrame):
    """A box that opens over the window beside what it belongs to, and closes with Escape or a click elsewhere."""

    def __init__(self, parent: QWidget, size: QSize = POPUP_SIZE) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._owner = parent
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "popup")
        self.resize(size)

    def open_at(self, anchor: QWidget, *, beside: bool = False) -> None:
        """Opens below or `beside` (right of) `anchor`, or where there is room for it, within the screen."""
        away = QPoint(anchor.width() + theme.GRID, 0) if beside else QPoint(0, anchor.height() + theme.GRID)
        self.open_on_screen(anchor.mapToGlobal(away))

    def open_on_screen(self, corner: QPoint) -> None:
        """Opens with its corner at a place of the screen, or as near as it fits on it."""
        screen = self._owner.screen().availableGeometry()
        self.resize(self.width(), min(self.height(), screen.height()))
        left = max(screen.left(), min(corner.x(), screen.right() - self.width()))
        top = max(screen.top(), min(corner.y(), screen.bottom() - self.height()))
        self.move(left, top)
        self.show()
