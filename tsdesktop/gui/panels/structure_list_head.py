"""The head of the structure list: the filter, the order, show and hide all."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.panels.structure_list_model import Order
from tsdesktop.gui.parts import SearchBox, stacked

_HEIGHT = 24


class ListHead(QWidget):
    """Two lines. Says what is typed and pressed; `leave_wanted()` when the keyboard goes down into the list."""

    query_changed = Signal(str)
    order_changed = Signal(str)
    show_wanted = Signal(bool)
    leave_wanted = Signal()
    first_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.filter = SearchBox()
        self.filter.setToolTip(self.tr("Type a name, also a Latin one; a slip of the finger is forgiven"))
        self.filter.textChanged.connect(self.query_changed)
        self.filter.returnPressed.connect(self.first_wanted)
        self.filter.left_downwards.connect(self.leave_wanted)
        self.by_name = _word(self.tr("Name"), self.tr("By body system and name"))
        self.by_volume = _word(self.tr("Volume"), self.tr("The largest first"))
        self.by_name.setChecked(True)
        self.show_all = WordButton("mdi6.eye-outline")
        self.hide_all = WordButton("mdi6.eye-off-outline")
        self.show_all.clicked.connect(lambda: self.show_wanted.emit(True))
        self.hide_all.clicked.connect(lambda: self.show_wanted.emit(False))
        first = stacked(self.filter)
        first.setContentsMargins(theme.GRID, 0, theme.GRID, 0)
        self.setLayout(stacked(first, self._second_line(), gap=theme.GRID))
        self._wire_order()
        self.show_counts(0, 0)

    def show_counts(self, present: int, shown: int) -> None:
        """How many structures there are, and how many of them the filter leaves."""
        words = self.tr("Filter 1 structure") if present == 1 else self.tr("Filter {count} structures")
        self.filter.show_name(words.format(count=present) if present else self.tr("Filter structures"))
        filtered = bool(self.filter.text().strip())
        self.show_all.show_words(
            self.tr("Show these") if filtered else self.tr("Show all"),
            self.tr("Show every structure in the list"),
        )
        self.hide_all.show_words(
            self.tr("Hide these") if filtered else self.tr("Hide all"),
            self.tr("Hide every structure in the list"),
        )
        self.show_all.setEnabled(shown > 0)
        self.hide_all.setEnabled(shown > 0)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Words become icons where they have no room."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for icons."""
        needed = self.by_name.words_width + self.by_volume.words_width + 2 * _HEIGHT + 5 * theme.GRID
        return QSize(needed, super().minimumSizeHint().height())

    def _second_line(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GRID)
        for button in (self.by_name, self.by_volume):
            row.addWidget(button)
        row.addStretch()
        for either in (self.show_all, self.hide_all):
            row.addWidget(either)
        return row

    def _wire_order(self) -> None:
        orders = QButtonGroup(self)
        order: Order
        for order, button in (("name", self.by_name), ("volume", self.by_volume)):
            orders.addButton(button)
            button.setProperty("order", order)
        orders.buttonClicked.connect(lambda button: self.order_changed.emit(button.property("order")))

    def _fit(self) -> None:
        words = (self.show_all, self.hide_all)
        needed = sum(each.words_width for each in (self.by_name, self.by_volume, *words)) + 5 * theme.GRID
        for each in words:
            each.be_icon(needed > self.width())


class WordButton(QAbstractButton):
    """A quiet word to press, bright while it is chosen or under the mouse; an icon instead where there is no room."""

    def __init__(self, icon_name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._is_icon = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def show_words(self, words: str, help: str) -> None:
        """Other words."""
        self.setText(words)
        self.setAccessibleName(words)
        self.setAccessibleDescription(help)
        self.setToolTip(help)
        self.updateGeometry()

    @property
    def words_width(self) -> int:
        """How wide it is with words, chosen or not."""
        return QFontMetrics(_chosen_font()).horizontalAdvance(self.text()) + 2 * theme.GRID

    def be_icon(self, icon: bool) -> None:
        """Shows the icon, or the words."""
        self._is_icon = icon
        self.setToolTip(f"{self.text()}: {self.accessibleDescription()}" if icon else self.accessibleDescription())
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as the words."""
        return QSize(_HEIGHT if self._is_icon else self.words_width, _HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The word or the icon, with a ring for the keyboard."""
        worn, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bright = self.isChecked() or (self.underMouse() and self.isEnabled())
        colour = "text" if bright else "secondary"
        painter.setOpacity(1.0 if self.isEnabled() else 0.4)
        if self._is_icon:
            theme.icon(self._icon_name, colour).paint(painter, self.rect().adjusted(4, 4, -4, -4))
        else:
            painter.setFont(_chosen_font() if self.isChecked() else theme.base_font())
            painter.setPen(worn.colour(colour))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        if self.hasFocus():
            painter.setPen(QPen(worn.colour("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)


def _chosen_font() -> QFont:
    return theme.base_font(theme.BASE_PX, QFont.Weight.DemiBold)


def _word(title: str, help: str) -> WordButton:
    button = WordButton()
    button.setCheckable(True)
    button.show_words(title, help)
    return button
