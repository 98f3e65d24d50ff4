"""Paints the rows of the structure list and says what lies where in them: eye, colour, title, volume, border mark."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QCoreApplication, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QKeySequence, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QToolTip, QWidget

from tsdesktop.core.structures import StructureClass
from tsdesktop.gui import theme
from tsdesktop.gui.panels.parts import paint_swatch, write, write_right
from tsdesktop.gui.panels.structure_list_model import AnyIndex, StructureModel
from tsdesktop.gui.panels.structure_list_names import fitted_name
from tsdesktop.gui.panels.structure_looks import all_visible
from tsdesktop.gui.session import Session
from tsdesktop.gui.words import structure_title

Zone = Literal["eye", "swatch", "mark", "text"]
ROW_HEIGHT, GROUP_HEIGHT = 25, 32
# Room for the tip of a finger beside what is drawn.
_SLACK = 4
_ICON, _SWATCH, _MARK = 16, 12, 10
_APART = 6
_DIM = 0.42
_USUAL_VOLUME = "88.8 ml"
translate = QCoreApplication.translate


@dataclass(frozen=True)
class Places:
    """Where the parts of a row are, in the coordinates of `row`."""

    row: QRect
    eye: QRect
    swatch: QRect
    text: QRect
    mark: QRect

    def zone_at(self, at: QPoint, *, is_group: bool) -> Zone:
        """What lies at a point of the row."""
        if self.eye.adjusted(-_SLACK, -_SLACK, _SLACK, _SLACK).contains(at):
            return "eye"
        if not is_group and self.swatch.adjusted(-_SLACK, -_SLACK, _SLACK, _SLACK).contains(at):
            return "swatch"
        if not is_group and self.mark.contains(at):
            return "mark"
        return "text"


def places(row: QRect, *, is_group: bool) -> Places:
    """Lays out a row of a body system (text at its foot) or of a structure."""
    line = QRect(row.left(), row.bottom() + 1 - ROW_HEIGHT, row.width(), ROW_HEIGHT)
    eye = _centred(line.left() + theme.GRID, _ICON, line)
    swatch = _centred(eye.right() + 1 + 2 * theme.GRID, _SWATCH, line)
    mark = _centred(line.right() - 1 - _MARK, _MARK, line)
    left = eye.right() + 1 + 2 * theme.GRID if is_group else swatch.right() + 1 + 2 * theme.GRID
    text = QRect(left, line.top(), mark.left() - 2 - left, line.height())
    return Places(line, eye, swatch, text, mark)


class StructureDelegate(QStyledItemDelegate):
    """Rows as the drawing of the window has them. `pointer` is where the mouse is in the list, or None."""

    def __init__(self, session: Session, model: StructureModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._model = model
        self.pointer: QPoint | None = None
        self._font = theme.base_font()
        self._small_font = theme.base_font(theme.BASE_PX - 1)
        self._group_font = theme.base_font(12, QFont.Weight.DemiBold)
        self._pixmaps: dict[tuple[str, str, int, float, bool], QPixmap] = {}

    def sizeHint(self, _option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """A body system has some air above it, unless it is the first."""
        if self._model.structure(index) is not None or index.row() == 0:
            return QSize(120, ROW_HEIGHT)
        return QSize(120, GROUP_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """One row."""
        found = self._model.structure(index)
        at = places(option.rect, is_group=found is None)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        self._paint_ground(painter, at, option.state)
        if found is None:
            is_open = bool(option.state & QStyle.StateFlag.State_Open)
            self._paint_group(painter, at, index, is_open)
        else:
            self._paint_structure(painter, at, found, selected)
        painter.restore()

    def helpEvent(
        self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: AnyIndex
    ) -> bool:
        """The tooltip of what lies under the mouse."""
        if not index.isValid() or event.type() != QHelpEvent.Type.ToolTip:
            return super().helpEvent(event, view, option, index)
        found = self._model.structure(index)
        at = places(view.visualRect(index), is_group=found is None)
        zone = at.zone_at(event.pos(), is_group=found is None)
        text = self.group_help(zone) if found is None else self.help(found, zone, at)
        QToolTip.showText(event.globalPos(), text, view)
        return True

    def help(self, structure: StructureClass, zone: Zone, at: Places) -> str:
        """What a tooltip says about a part of a structure's row; a title is repeated where it did not fit."""
        if zone == "eye":
            shown = self._session.looks[structure.label].visible
            first = (
                translate("StructureDelegate", "Hide (Space)")
                if shown
                else translate("StructureDelegate", "Show (Space)")
            )
            return (
                first
                + "\n"
                + _solo_help(translate("StructureDelegate", "{key}click: show only this; again: as before"))
            )
        if zone == "swatch":
            return translate("StructureDelegate", "Change the colour")
        if zone == "mark" and self._model.touches_border(structure):
            return border_help()
        title = structure_title(structure)
        whole = self.name(structure, at)[0] == title
        return "\n".join([*([] if whole else [title]), *([structure.ta2_name] if structure.ta2_name else [])])

    def group_help(self, zone: Zone) -> str:
        """What a tooltip says about a part of a body system's row."""
        if zone == "eye":
            return "\n".join(
                [
                    translate("StructureDelegate", "Show or hide all of these (Space)"),
                    _solo_help(translate("StructureDelegate", "{key}click: show only these; again: as before")),
                ]
            )
        return translate("StructureDelegate", "Click to close or open")

    def _paint_ground(self, painter: QPainter, at: Places, state: QStyle.StateFlag) -> None:
        worn = theme.current()
        selected = bool(state & QStyle.StateFlag.State_Selected)
        hovered = self.pointer is not None and at.row.contains(self.pointer)
        box = QRectF(at.row).adjusted(0.5, 0.5, -0.5, -0.5)
        if selected or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(worn.line if selected else worn.raised))
            painter.drawRoundedRect(box, 5, 5)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(worn.accent), 1))
            painter.drawRoundedRect(box, 5, 5)

    def _paint_group(self, painter: QPainter, at: Places, index: AnyIndex, is_open: bool) -> None:
        worn, labels = theme.current(), self._model.labels(index)
        self._paint_eye(painter, at, labels)
        font = self._group_font
        title = str(self._model.data(index))
        taken = write_right(painter, at.text, str(len(labels)), worn.colour("secondary"), font)
        area = at.text.adjusted(0, 0, -taken - theme.GRID - _ICON, 0)
        write(painter, area, title, worn.colour("secondary"), font)
        end = min(area.right(), area.left() + QFontMetrics(font).horizontalAdvance(title))
        arrow = _centred(end + 3, 14, at.row)
        self._paint_icon(painter, arrow, "mdi6.chevron-down" if is_open else "mdi6.chevron-right", "secondary")

    def _paint_structure(self, painter: QPainter, at: Places, structure: StructureClass, selected: bool) -> None:
        worn, look = theme.current(), self._session.looks[structure.label]
        self._paint_eye(painter, at, (structure.label,))
        painter.setOpacity(1.0 if look.visible else _DIM)
        paint_swatch(painter, QRectF(at.swatch), look.rgb)
        if self._is_under_pointer(at.swatch):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(worn.colour("text"), 1))
            painter.drawRoundedRect(QRectF(at.swatch).adjusted(-1.5, -1.5, 1.5, 1.5), 4, 4)
        figure = worn.colour("text" if selected else "secondary")
        write_right(painter, at.text, self._model.volume_text(structure), figure, self._font)
        area = at.text.adjusted(0, 0, self._title_width(structure, at) - at.text.width(), 0)
        title, size_px = self.name(structure, at)
        font = self._font if size_px == theme.BASE_PX else self._small_font
        write(painter, area, title, worn.colour("text"), font)
        if self._model.touches_border(structure):
            self._paint_icon(painter, at.mark.adjusted(-7, -7, 7, 7), "mdi6.menu-left", "secondary")

    def _paint_eye(self, painter: QPainter, at: Places, labels: tuple[int, ...]) -> None:
        """Quiet while everything is shown; plain under the mouse."""
        hot = self._is_under_pointer(at.eye)
        painter.setOpacity(1.0 if hot else 0.7 if all_visible(self._session, labels) else 0.9)
        self._paint_icon(painter, at.eye, eye_icon(self._session, labels), "text" if hot else "secondary")
        painter.setOpacity(1.0)

    def _paint_icon(self, painter: QPainter, area: QRect, name: str, colour: str) -> None:
        """Icons are letters of a font, slow to draw; each is kept as it came out."""
        ratio = painter.device().devicePixelRatioF()
        key = (name, colour, area.width(), ratio, theme.current().dark)
        if key not in self._pixmaps:
            self._pixmaps[key] = theme.icon(name, colour).pixmap(area.size(), ratio)
        painter.drawPixmap(area, self._pixmaps[key])

    def _is_under_pointer(self, area: QRect) -> bool:
        return self.pointer is not None and area.adjusted(-_SLACK, -_SLACK, _SLACK, _SLACK).contains(self.pointer)

    def name(self, structure: StructureClass, at: Places) -> tuple[str, int]:
        """The title of a structure as it fits into its row, and the size of its letters in pixels."""
        return fitted_name(structure_title(structure), self._title_width(structure, at))

    def _title_width(self, structure: StructureClass, at: Places) -> int:
        """Titles keep away from where a volume of usual length will stand once it is known."""
        metrics = QFontMetrics(self._font)
        taken = max(metrics.horizontalAdvance(each) for each in (self._model.volume_text(structure), _USUAL_VOLUME))
        return at.text.width() - taken - _APART


def border_help() -> str:
    """What touching the border means."""
    return translate("StructureDelegate", "Touches the border of the scan: a part of it may be missing")


def eye_icon(session: Session, labels: tuple[int, ...]) -> str:
    """The icon for how much of some structures is shown."""
    if all_visible(session, labels):
        return "mdi6.eye-outline"
    some = any(session.looks[label].visible for label in labels)
    return "mdi6.eye-minus-outline" if some else "mdi6.eye-off-outline"


def _solo_help(words: str) -> str:
    """With the key's name as the system writes it."""
    shortcut = QKeySequence(Qt.Modifier.CTRL | Qt.Key.Key_A).toString(QKeySequence.SequenceFormat.NativeText)
    return words.format(key=shortcut.removesuffix("A"))


def _centred(left: int, size: int, line: QRect) -> QRect:
    return QRect(left, line.top() + (line.height() - size) // 2, size, size)
