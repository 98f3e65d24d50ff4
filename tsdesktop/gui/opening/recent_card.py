"""A recent scan as a card: its picture, its name, its size and when it was open. Missing ones are grey."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from PySide6.QtCore import QCoreApplication, QDate, QDateTime, QEvent, QLocale, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFont,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolButton, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.figures import voxel_size_text
from tsdesktop.gui.opening.recent import RecentScan
from tsdesktop.gui.opening.thumbnails import paint_thumbnail
from tsdesktop.gui.parts import small_button

THUMBNAIL_PX = 96
_PADDING = 8
_GONE_OPACITY = 0.4


@dataclass(frozen=True)
class RecentEntry:
    """What a card shows: the scan, whether it is still there, and its picture (None where there is none)."""

    scan: RecentScan
    is_there: bool
    picture: QImage | None


class RecentCard(QAbstractButton):
    """One recent scan. Click or Enter opens it (`clicked`), the cross or Delete takes it off the list."""

    remove_wanted = Signal()

    def __init__(self, entry: RecentEntry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        if entry.is_there:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.lines = self._words()
        self.setAccessibleName(", ".join(line for line in self.lines if line))
        self.setToolTip("" if entry.is_there else self.tr("This scan is no longer where it was."))
        self._cross = self._cross_button()

    @property
    def words_left(self) -> int:
        """Where the words begin."""
        return THUMBNAIL_PX + 2 * _PADDING + theme.GRID

    def sizeHint(self) -> QSize:  # noqa: N802
        """Tall enough for the picture."""
        return QSize(300, THUMBNAIL_PX + 2 * _PADDING)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Names are cut where there is no room."""
        return QSize(220, THUMBNAIL_PX + 2 * _PADDING)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802
        """Draws the card."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            self._paint_box(painter)
            painter.setOpacity(1.0 if self.entry.is_there else _GONE_OPACITY)
            place = QRect(_PADDING, _PADDING, THUMBNAIL_PX, THUMBNAIL_PX)
            paint_thumbnail(painter, place, self.entry.picture)
            painter.setOpacity(1.0)
            self._paint_words(painter)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter opens, Delete removes."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_wanted.emit()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802
        """Shows the cross."""
        self._cross.show()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Hides the cross."""
        self._cross.hide()
        super().leaveEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keeps the cross in its corner."""
        self._cross.move(self.width() - self._cross.sizeHint().width() - 4, 4)
        super().resizeEvent(event)

    def _cross_button(self) -> QToolButton:
        title, help = self.tr("Remove from the list"), self.tr("Remove from this list; the scan stays where it is")
        cross = small_button("mdi6.close", title, self.remove_wanted.emit, help)
        cross.setParent(self)
        # With the keyboard the card itself hears Delete: one stop of the Tab key per scan.
        cross.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        cross.hide()
        return cross

    def _words(self) -> tuple[str, str, str, str]:
        scan = self.entry.scan
        size = " \u00d7 ".join(str(n) for n in scan.shape)
        kind = scan.modality if scan.modality != "unknown" else ""
        line = "  ·  ".join(part for part in (kind, size) if part)
        when = when_text(scan.opened) if self.entry.is_there else self.tr("no longer there")
        return scan.name, line, voxel_size_text(scan.spacing_mm), when

    def _paint_box(self, painter: QPainter) -> None:
        look = theme.current()
        busy = self.underMouse() and self.entry.is_there
        edge = look.accent if self.hasFocus() else look.secondary if busy else look.line
        painter.setPen(QPen(QColor(edge), 1))
        painter.setBrush(look.colour("raised" if busy or self.hasFocus() else "panel"))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)

    def _paint_words(self, painter: QPainter) -> None:
        look = theme.current()
        width = self.width() - self.words_left - _PADDING
        name_role = "text" if self.entry.is_there else "secondary"
        roles = (name_role, "secondary", "secondary", "secondary")
        rows = zip(self.lines, roles, (24, 46, 65, 84), strict=True)
        for n, (line, role, baseline) in enumerate(rows):
            weight = QFont.Weight.DemiBold if n == 0 else QFont.Weight.Normal
            painter.setFont(theme.base_font(theme.BASE_PX if n == 0 else theme.BASE_PX - 1, weight))
            painter.setPen(look.colour(role))
            room = width - (22 if n == 0 else 0)
            cut = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(self.words_left, _PADDING + baseline, cut)


def when_text(opened: str) -> str:
    """When, for people: "today 14:05", "yesterday 9:12", else the date."""
    at = datetime.fromisoformat(opened)
    local = QDateTime.fromSecsSinceEpoch(round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()))
    days = local.date().daysTo(QDate.currentDate())
    clock = QLocale().toString(local.time(), QLocale.FormatType.ShortFormat)
    if days == 0:
        return QCoreApplication.translate("RecentCard", "today {clock}").format(clock=clock)
    if days == 1:
        return QCoreApplication.translate("RecentCard", "yesterday {clock}").format(clock=clock)
    return QLocale().toString(local.date(), QLocale.FormatType.ShortFormat)
