"""How finely to compute: Draft, Fast or Full, each with what it costs on this computer."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QHBoxLayout, QSizePolicy, QWidget

from tsdesktop.core.options import Quality
from tsdesktop.gui import theme
from tsdesktop.gui.figures import about_text, decimal, size_text
from tsdesktop.gui.panels.choices import RunChoices, qualities
from tsdesktop.gui.panels.costs import Cost
from tsdesktop.gui.panels.parts import SMALL_PX, shortened
from tsdesktop.gui.panels.quality_words import quality_title, spacing_text
from tsdesktop.gui.parts import heading, paragraph, stacked

HEIGHT = 48
SIDE = 3


class Segment(QAbstractButton):
    """One of the choices of a segmented control: a title and a smaller line."""

    def __init__(self, quality: Quality, place: tuple[bool, bool], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.quality = quality
        self._first, self._last = place
        self.line = ""
        self._short_line = ""
        self.setText(quality_title(quality))
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_line(self, line: str, short_line: str, tooltip: str) -> None:
        """Another smaller line, and what stands there where it is too long."""
        self.line, self._short_line = line, short_line
        self.setToolTip(tooltip)
        self.setAccessibleName(f"{self.text()}, {line}")
        self.setAccessibleDescription(tooltip)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Two lines high; those with more to say are wider where there is room."""
        return QSize(max(60, self._line_width(QFont.Weight.DemiBold) + 2 * SIDE), HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """The shorter line has room."""
        return QSize(40, HEIGHT)

    def _line_width(self, weight: QFont.Weight) -> int:
        return QFontMetrics(theme.base_font(SMALL_PX, weight)).horizontalAdvance(self.line)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The filled or empty part of the control with its two lines, centred."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            worn, on = theme.current(), self.isChecked()
            fill = "accent" if on else "line" if self.isDown() else "raised"
            painter.fillPath(self._outline(0), worn.colour(fill))
            if self.hasFocus() or (self.underMouse() and not on):
                painter.setPen(QPen(worn.colour("text" if on else "secondary"), 1))
                painter.drawPath(self._outline(2.5))
            self._write(painter, 8, self.text(), theme.base_font(13, _weight(on)), "on_accent" if on else "text")
            fitting = self._line_width(_weight(on)) <= self.width() - 2 * SIDE
            small = theme.base_font(SMALL_PX, _weight(on))
            self._write(
                painter, 25, self.line if fitting else self._short_line, small, "on_accent" if on else "secondary"
            )

    def _write(self, painter: QPainter, top: int, text: str, font: QFont, colour: str) -> None:
        area = QRect(SIDE, top, self.width() - 2 * SIDE, 16)
        painter.setFont(font)
        painter.setPen(theme.current().colour(colour))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, shortened(painter, text, area.width()))

    def _outline(self, inset: float) -> QPainterPath:
        """A rectangle, rounded where the control ends."""
        area = self.rect().toRectF().adjusted(inset, inset, -inset, -inset)
        radius = theme.RADIUS - 1 - inset / 2
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        path.addRoundedRect(area, radius, radius)
        if not self._first:
            path.addRect(area.adjusted(0, 0, -radius, 0))
        if not self._last:
            path.addRect(area.adjusted(radius, 0, 0, 0))
        return path.simplified()


class QualityControl(QWidget):
    """The segmented control; only there for tasks that have more than one quality."""

    def __init__(self, choices: RunChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self.segments: list[Segment] = []
        self._group = QButtonGroup(self)
        self._box = QFrame()
        self._box.setProperty("role", "card")
        self._row = QHBoxLayout(self._box)
        self._row.setContentsMargins(1, 1, 1, 1)
        self._row.setSpacing(1)
        self.note = paragraph(role="secondary")
        column = stacked(heading(self.tr("Quality")), self._box, self.note)
        self.setLayout(column)
        choices.task_changed.connect(self._on_task_changed)
        choices.changed.connect(self._on_choices_changed)
        self._on_task_changed()
        self._on_choices_changed()

    def _on_task_changed(self) -> None:
        for old in self.segments:
            self._group.removeButton(old)
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        offered = qualities(self._choices.task)
        self.segments = [
            Segment(each, (n == 0, n + 1 == len(offered))) for n, each in enumerate(offered) if len(offered) > 1
        ]
        for each in self.segments:
            self._group.addButton(each)
            self._row.addWidget(each)
            each.clicked.connect(lambda _=False, quality=each.quality: self._choices.choose_quality(quality))
        self.setVisible(bool(self.segments))

    def _on_choices_changed(self) -> None:
        for each in self.segments:
            cost = self._choices.cost(self._choices.task, each.quality, self._choices.roi)
            state = self._choices.state(self._choices.task, each.quality)
            spacing = spacing_text(self._choices.task, each.quality)
            time = about_text(cost.seconds) if cost else ""
            tooltip = self._tooltip(each.quality, cost)
            if state.kind == "download" and state.missing_bytes:
                tooltip += "\n" + self.tr("Its networks are not here yet: {size} to download.").format(
                    size=size_text(state.missing_bytes)
                )
            each.show_line(" · ".join(part for part in (spacing, time) if part), time or spacing, tooltip)
            each.setChecked(each.quality == self._choices.quality)
        self._show_note()

    def _show_note(self) -> None:
        cost = self._choices.cost(self._choices.task, self._choices.quality, self._choices.roi)
        if cost is None:
            self.note.hide()
            return
        words = {"time": about_text(cost.seconds), "memory": decimal(cost.memory_gb, 1)}
        if cost.measured:
            text = self.tr("{time} as measured here, {memory} GB of memory")
        else:
            text = self.tr("About {time} here, {memory} GB of memory")
        self.note.setText(text.format(**words))
        self.note.show()

    def _tooltip(self, quality: Quality, cost: Cost | None) -> str:
        if quality == "fastest":
            text = self.tr("A first look: large organs are found, small structures may be missing or coarse.")
        elif quality == "fast":
            text = self.tr("Good for volumes of organs and for planning; thin structures are a little coarse.")
        else:
            text = self.tr("The finest result, as in published work.")
        if cost is None:
            return text
        memory = self.tr("Needs about {memory} GB of memory.").format(memory=decimal(cost.memory_gb, 1))
        return f"{text}\n{memory}"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right choose the neighbour."""
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        at = next((n for n, each in enumerate(self.segments) if each.hasFocus()), None)
        if step is None or at is None or not 0 <= at + step < len(self.segments):
            super().keyPressEvent(event)
            return
        self.segments[at + step].setFocus(Qt.FocusReason.TabFocusReason)
        self.segments[at + step].click()


def _weight(on: bool) -> QFont.Weight:
    return QFont.Weight.DemiBold if on else QFont.Weight.Normal
