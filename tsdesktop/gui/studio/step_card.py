"""One step of the recipe: its title and values in short, and, where it is open, its fields."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from tsdesktop.core.printing import Cut, Step
from tsdesktop.gui import theme
from tsdesktop.gui.parts import GAP, ShortLabel, one_line, paragraph, small_button
from tsdesktop.gui.studio.fields import made_field, show_value
from tsdesktop.gui.studio.plane_fields import PlaneFields
from tsdesktop.gui.studio.shown import Places
from tsdesktop.gui.studio.steps import STEPS, field_title, step_help, step_summary, step_title

_TITLE_WIDTH = 108


class StepCard(QFrame):
    """A step. `opened` by a click on its title; `changed(step, value)` with other values and which of them it is."""

    opened = Signal()
    changed = Signal(object, str)
    removed = Signal()
    moved = Signal(int)
    eye_clicked = Signal()
    view_wanted = Signal()
    apart_toggled = Signal(bool)

    def __init__(self, number: int, step: Step, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.step = step
        self.fields: Mapping[str, QWidget] = {}
        self.plane: PlaneFields | None = None
        self.setProperty("role", "card")
        self._title = step_title(step.kind)
        self.head = _Head(f"{number}   {self._title}")
        self.head.setAccessibleName(self.tr("Step {number}: {title}").format(number=number, title=self._title))
        self.head.setToolTip(step_help(step.kind))
        self.head.clicked.connect(self.opened)
        self.summary = ShortLabel("secondary")
        self.summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.eye = small_button(
            "mdi6.eye-outline",
            self.tr("Show the print up to this step"),
            self.eye_clicked.emit,
        )
        words = self.tr("Remove: {title}")
        self.remove = small_button("mdi6.close", words.format(title=self._title), self.removed.emit)
        self.up = small_button("mdi6.arrow-up", self.tr("Do this step earlier"), lambda: self.moved.emit(-1))
        self.down = small_button("mdi6.arrow-down", self.tr("Do this step later"), lambda: self.moved.emit(1))
        self.body = QWidget()
        self._build()
        self.show_step(step, None)
        self.show_open(is_open=False)

    def show_step(self, step: Step, box_mm: Places | None) -> None:
        """Shows the values of the step; `box_mm` is around what a cut cuts."""
        self.step = step
        summary = step_summary(step)
        self.summary.show_text(summary)
        for name, widget in self.fields.items():
            show_value(widget, getattr(step, name))
        if self.plane is not None and isinstance(step, Cut):
            self.plane.show_cut(step, box_mm)

    def show_open(self, *, is_open: bool) -> None:
        """Shows the fields, or only the title."""
        self.body.setVisible(is_open)
        self.summary.setVisible(not is_open)
        for each in (self.up, self.down, self.eye):
            each.setVisible(is_open)

    def show_place(self, *, is_first: bool, is_last: bool) -> None:
        """Where in the row it stands."""
        self.up.setEnabled(not is_first)
        self.down.setEnabled(not is_last)
        self.eye.setEnabled(not is_last)

    def focus_first(self) -> None:
        """Gives the keyboard to its first field, or to its title where it has none."""
        (next(iter(self.fields.values())) if self.fields else self.head).setFocus()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(0)
        head.addWidget(self.head)
        head.addWidget(self.summary, 1)
        head.addStretch()
        for each in (self.eye, self.up, self.down, self.remove):
            head.addWidget(each)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * theme.GRID, theme.GRID, theme.GRID, theme.GRID)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.body)
        self._fill_body()

    def _fill_body(self) -> None:
        words = STEPS[self.step.kind]
        grid = QGridLayout(self.body)
        grid.setContentsMargins(0, theme.GRID, theme.GRID, theme.GRID)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(theme.GRID)
        grid.setColumnMinimumWidth(0, _TITLE_WIDTH)
        grid.setColumnStretch(1, 1)
        help_line = paragraph(step_help(self.step.kind), "secondary")
        help_line.setMinimumWidth(1)
        grid.addWidget(help_line, 0, 0, 1, 2)
        if isinstance(self.step, Cut):
            self.plane = PlaneFields()
            self.plane.changed.connect(self.changed)
            self.plane.view_wanted.connect(self.view_wanted)
            self.plane.apart_toggled.connect(self.apart_toggled)
            grid.addWidget(self.plane, 1, 0, 1, 2)
        made: dict[str, QWidget] = {}
        for field in words.fields:
            widget = made[field.name] = made_field(field, partial(self._on_changed, field.name))
            line = grid.rowCount()
            if field.kind != "tick":
                title = one_line(field_title(field), "secondary")
                title.setBuddy(widget)
                grid.addWidget(title, line, 0)
            grid.addWidget(widget, line, 1)
        self.fields = made

    def _on_changed(self, name: str, value: Any) -> None:
        self.changed.emit(replace(self.step, **{name: value}), name)


class _Head(QPushButton):
    """The title of a step, which opens and closes it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setProperty("role", "plain")
        self.setAutoDefault(False)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """Room for its words."""
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 10, 28)
