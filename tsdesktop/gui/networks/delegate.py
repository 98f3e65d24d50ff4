"""Paints the rows of the list of networks: title and state, below them dataset and size; headings with a count."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QHelpEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QToolTip, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.networks.rows import Row, line_words, place_words, size_words, state_word
from tsdesktop.gui.networks.sentences import explained
from tsdesktop.gui.panels.parts import write, write_right

AnyIndex = QModelIndex | QPersistentModelIndex
VALUE = Qt.ItemDataRole.UserRole
ROW_HEIGHT, HEADING_HEIGHT = 46, 34
_SMALL_PX = 12
_ICON = 14
_LINE = 18
_BAR = 3
_PAD = 3 * theme.GRID
translate = QCoreApplication.translate


@dataclass(frozen=True)
class Heading:
    """The line above some rows: what they have in common, and how many of them are here."""

    group: str
    title: str
    count: str


class NetworkDelegate(QStyledItemDelegate):
    """Rows of two lines, headings of one."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._font = theme.base_font()
        self._small = theme.base_font(_SMALL_PX)
        self._heading = theme.base_font(_SMALL_PX, QFont.Weight.DemiBold)

    def sizeHint(self, _option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """As high as its lines."""
        return QSize(200, ROW_HEIGHT if isinstance(index.data(VALUE), Row) else HEADING_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """One row or heading."""
        value = index.data(VALUE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option)
        if isinstance(value, Row):
            self._paint_row(painter, option.rect, value)
        elif isinstance(value, Heading):
            self._paint_heading(painter, option, value)
        painter.restore()

    def helpEvent(
        self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: AnyIndex
    ) -> bool:
        """The tooltip of a row."""
        row = index.data(VALUE) if index.isValid() else None
        if not isinstance(row, Row):
            return super().helpEvent(event, view, option, index)
        QToolTip.showText(event.globalPos(), row_help(row), view)
        return True

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        worn, state = theme.current(), option.state
        area = QRectF(option.rect).adjusted(0.5, 1.5, -0.5, -1.5)
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(worn.colour("line"))
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(worn.colour("raised"))
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(worn.colour("accent"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)

    def _paint_heading(self, painter: QPainter, option: QStyleOptionViewItem, heading: Heading) -> None:
        worn = theme.current()
        line = option.rect.adjusted(theme.GRID, HEADING_HEIGHT - 26, -_PAD, 0)
        is_open = bool(option.state & QStyle.StateFlag.State_Open)
        mark = QRect(line.left(), line.center().y() - 7, _ICON, _ICON)
        theme.icon("mdi6.menu-down" if is_open else "mdi6.menu-right").paint(painter, mark)
        taken = write_right(painter, line, heading.count, worn.colour("secondary"), self._small)
        area = line.adjusted(_ICON + theme.GRID, 0, -taken - _PAD, 0)
        write(painter, area, heading.title, worn.colour("secondary"), self._heading)

    def _paint_row(self, painter: QPainter, rect: QRect, row: Row) -> None:
        worn = theme.current()
        inner = rect.adjusted(_PAD + theme.GRID, 5, -_PAD, -5)
        upper = QRect(inner.left(), inner.top(), inner.width(), _LINE)
        lower = upper.translated(0, _LINE)
        word, role = state_word(row)
        taken = write_right(painter, upper, word, worn.colour(role), self._font)
        title = upper.adjusted(0, 0, -taken - _PAD, 0)
        if row.entry.licensed:
            title.setRight(title.right() - _ICON - theme.GRID)
        write(painter, title, row.title, worn.colour("text"), self._font)
        self._paint_marks(painter, title, row)
        taken = write_right(painter, lower, size_words(row), worn.colour("secondary"), self._small)
        write(painter, lower.adjusted(0, 0, -taken - _PAD, 0), line_words(row), worn.colour("secondary"), self._small)
        if row.state in ("running", "paused"):
            self._paint_bar(painter, rect, row)

    def _paint_marks(self, painter: QPainter, title: QRect, row: Row) -> None:
        """A small sign after the title of a network that needs a licence number."""
        if row.entry.licensed:
            width = min(QFontMetrics(self._font).horizontalAdvance(row.title), title.width())
            sign = QRect(title.left() + width + theme.GRID + 2, title.center().y() - _ICON // 2 + 1, _ICON, _ICON)
            theme.icon("mdi6.license").paint(painter, sign)

    def _paint_bar(self, painter: QPainter, rect: QRect, row: Row) -> None:
        worn = theme.current()
        area = QRectF(rect.left() + _PAD + theme.GRID, rect.bottom() - 5, rect.width() - 2 * _PAD - theme.GRID, _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(worn.colour("line"))
        painter.drawRoundedRect(area, 1.5, 1.5)
        painter.setBrush(worn.colour("accent" if row.state == "running" else "secondary"))
        painter.drawRoundedRect(QRectF(area.left(), area.top(), area.width() * (row.share or 0.0), _BAR), 1.5, 1.5)


def row_help(row: Row) -> str:
    """What a tooltip says about a network."""
    entry = row.entry
    lines = [row.title, entry.folder, explained(row)[0] if row.problem else ""]
    if entry.licensed:
        lines.append(translate("Networks", "Needs a licence number; free for non-commercial use"))
    if entry.place is not None and not entry.ours:
        lines.append(place_words(entry) + " " + translate("Networks", "(read only)"))
    if row.uses:
        lines.append(translate("Networks", "For: {tasks}").format(tasks=" · ".join(row.uses[:8])))
    return "\n".join(filter(None, lines))
