"""Which series to open, where a folder or an archive holds several; and which volume, where a file holds several."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QImage, QIntValidator, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSlider,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.opening.thumbnails import paint_thumbnail, picture_of
from tsdesktop.gui.parts import button, one_line, paragraph, row
from tsdesktop.gui.translation import translated
from tsdesktop.pipeline import SeriesSummary
from tsdesktop.scans.glimpse import glimpse

PICTURE_PX = 72
_PADDING = 10
_SUMMARY = Qt.ItemDataRole.UserRole
_PICTURE = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex


class SeriesPicker(Dialog):
    """A list of series with a picture of each; double click or Enter opens one. `chosen` carries its SeriesSummary."""

    chosen = Signal(object)

    def __init__(self, summaries: Sequence[SeriesSummary], parent: QWidget | None = None) -> None:
        height = min(600, 150 + len(summaries) * (PICTURE_PX + 2 * _PADDING))
        super().__init__(QCoreApplication.translate("SeriesPicker", "Choose a series"), parent, (600, max(300, height)))
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Series"))
        self.list.setItemDelegate(_SeriesDelegate(self.list))
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemActivated.connect(lambda _: self.accept())
        self.open_button = button(self.tr("Open"), self.accept, "primary")
        self.open_button.setDefault(True)
        layout = column(self)
        told = self.tr("{count} series were found.").format(count=len(summaries))
        layout.addWidget(paragraph(told, "secondary"))
        layout.addWidget(self.list, 1)
        layout.addLayout(row(None, button(self.tr("Cancel"), self.reject), self.open_button))
        for n, each in enumerate(summaries):
            self._add(n, each)
        best = next((n for n, each in enumerate(summaries) if each.best), 0)
        self.list.setCurrentRow(best)
        self.list.setFocus()

    def accept(self) -> None:
        """Opens the series that is marked."""
        item = self.list.currentItem()
        if item is not None:
            self.chosen.emit(item.data(_SUMMARY))
        super().accept()

    def _add(self, place: int, summary: SeriesSummary) -> None:
        item = QListWidgetItem()
        item.setData(_SUMMARY, summary)
        lines = series_lines(summary)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(line for line in lines if line))
        item.setToolTip(_remark(summary) if summary.problem else "")
        self.list.addItem(item)
        self.in_background(partial(_picture, summary), partial(self._on_picture, place), lambda _: None)

    def _on_picture(self, place: int, picture: QImage | None) -> None:
        item = self.list.item(place)
        if item is not None and picture is not None:
            item.setData(_PICTURE, picture)


class _SeriesDelegate(QStyledItemDelegate):
    """Draws one series: picture, description, figures, and what speaks against it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: ARG002, N802
        """Tall enough for the picture."""
        return QSize(200, PICTURE_PX + 2 * _PADDING)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draws the row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area: QRect = option.rect.adjusted(1, 2, -3, -2)
        state = option.state
        self._paint_box(painter, area, bool(state & QStyle.StateFlag.State_Selected))
        place = QRect(
            area.left() + _PADDING - 2, area.top() + (area.height() - PICTURE_PX) // 2, PICTURE_PX, PICTURE_PX
        )
        paint_thumbnail(painter, place, index.data(_PICTURE))
        self._paint_words(painter, area.adjusted(PICTURE_PX + 2 * _PADDING, 0, -_PADDING, 0), index.data(_SUMMARY))
        painter.restore()

    def _paint_box(self, painter: QPainter, area: QRect, is_marked: bool) -> None:
        look = theme.current()
        painter.setPen(QPen(look.colour("accent" if is_marked else "line"), 1.5 if is_marked else 1))
        painter.setBrush(look.colour("raised" if is_marked else "panel"))
        painter.drawRoundedRect(area.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)

    def _paint_words(self, painter: QPainter, area: QRect, summary: SeriesSummary) -> None:
        look = theme.current()
        title, figures, remark = series_lines(summary)
        remark_role = "warning" if summary.problem else "good"
        lines = ((title, "text", QFont.Weight.DemiBold), (figures, "secondary", QFont.Weight.Normal))
        top = area.top() + (area.height() - (60 if remark else 40)) // 2
        for text, role, weight in (*lines, (remark, remark_role, QFont.Weight.Normal)):
            painter.setFont(theme.base_font(theme.BASE_PX, weight))
            painter.setPen(look.colour(role))
            place = QRect(area.left(), top, area.width(), 20)
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, area.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, cut)
            top += 20


class VolumePicker(Dialog):
    """Which of `count` volumes of a file to open. Counts from 0, as notes and the command line; `chosen` carries it."""

    chosen = Signal(int)

    def __init__(self, count: int, index: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("VolumePicker", "Choose a volume"), parent, (420, 10))
        self.line = QLineEdit(str(index))
        self.line.setValidator(QIntValidator(0, count - 1, self.line))
        self.line.setAccessibleName(self.tr("Volume"))
        self.line.setFixedWidth(64)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, count - 1)
        self.slider.setValue(index)
        self.slider.setAccessibleName(self.tr("Volume"))
        self.line.textEdited.connect(self._on_typed)
        self.slider.valueChanged.connect(lambda value: self.line.setText(str(value)))
        told = self.tr("This file holds {count} volumes, taken one after the other in time or with different settings.")
        layout = column(self)
        layout.addWidget(paragraph(told.format(count=count), "secondary"))
        last = one_line(self.tr("to {last}").format(last=count - 1), "secondary")
        layout.addLayout(row(one_line(self.tr("Volume")), self.line, last, self.slider))
        open_button = button(self.tr("Open"), self.accept, "primary")
        open_button.setDefault(True)
        layout.addLayout(row(None, button(self.tr("Cancel"), self.reject), open_button))
        self.line.setFocus()
        self.line.selectAll()

    def accept(self) -> None:
        """Opens the volume."""
        self.chosen.emit(self.slider.value())
        super().accept()

    def _on_typed(self, text: str) -> None:
        if self.line.hasAcceptableInput():
            self.slider.setValue(int(text))


def series_lines(summary: SeriesSummary) -> tuple[str, str, str]:
    """What is said of a series: its description, its figures, and a remark (may be empty)."""
    translate = QCoreApplication.translate
    title = summary.description or translate("SeriesPicker", "Series {number}").format(number=summary.number)
    return title, "  ·  ".join(_figures(summary)), _remark(summary)


def _figures(summary: SeriesSummary) -> list[str]:
    translate = QCoreApplication.translate
    parts = [summary.modality] if summary.modality not in ("", "unknown") else []
    if summary.slices:
        slices = (
            translate("SeriesPicker", "1 slice") if summary.slices == 1 else translate("SeriesPicker", "{n} slices")
        )
        parts.append(slices.format(n=summary.slices))
    if summary.rows and summary.columns:
        parts.append(f"{summary.columns} \u00d7 {summary.rows}")
    if all(summary.spacing_mm):
        parts.append(" \u00d7 ".join(decimal(each, 2) for each in summary.spacing_mm) + " mm")
    if summary.volumes > 1:
        parts.append(translate("SeriesPicker", "{n} volumes").format(n=summary.volumes))
    return parts


def _remark(summary: SeriesSummary) -> str:
    if summary.problem:
        return translated(summary.problem.id, summary.problem.arguments)
    return QCoreApplication.translate("SeriesPicker", "Suits best") if summary.best else ""


def _picture(summary: SeriesSummary) -> QImage | None:
    seen = glimpse(summary)
    return None if seen is None else picture_of(*seen, side_px=2 * PICTURE_PX)
