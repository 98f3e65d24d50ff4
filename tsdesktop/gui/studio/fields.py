"""The fields of a step: numbers, texts, choices. Each tells its value when a person has changed it."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox, QWidget

from tsdesktop.gui.dialogs.controls import ChoiceBox
from tsdesktop.gui.studio.steps import Field, choice_title, field_title

Changed = Callable[[Any], None]
_MARGIN = 6


class NumberField(QDoubleSpinBox):
    """A number with its unit. Scrolling past it changes nothing."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.setRange(field.least, field.most)
        self.setDecimals(field.decimals)
        self.setSingleStep(_step(field))
        self.setSuffix(f" {field.unit}" if field.unit else "")
        self.lineEdit().setTextMargins(_MARGIN, 0, 0, 0)
        self.setKeyboardTracking(False)
        self.setAccessibleName(field_title(field))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turns the number only while it has the keyboard."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class CountField(QSpinBox):
    """A whole number. Scrolling past it changes nothing."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.setRange(int(field.least), int(field.most))
        self.lineEdit().setTextMargins(_MARGIN, 0, 0, 0)
        self.setKeyboardTracking(False)
        self.setAccessibleName(field_title(field))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turns the number only while it has the keyboard."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def made_field(field: Field, on_changed: Changed) -> QWidget:
    """The control of a value; `on_changed(value)` when a person has changed it."""
    match field.kind:
        case "number":
            number = NumberField(field)
            number.valueChanged.connect(lambda value: on_changed(round(float(value), field.decimals)))
            return number
        case "count":
            count = CountField(field)
            count.valueChanged.connect(on_changed)
            return count
        case "text":
            text = QLineEdit()
            text.setAccessibleName(field_title(field))
            text.setMaxLength(80)
            # A step without words is none: while the field is empty, the last ones hold.
            text.textEdited.connect(lambda words: on_changed(words) if words.strip() else None)
            return text
        case "choice":
            box = ChoiceBox([(key, choice_title(title)) for key, title in field.choices], "", field_title(field))
            box.activated.connect(lambda _: on_changed(str(box.currentData())))
            return box
        case "tick":
            tick = QCheckBox(field_title(field))
            tick.clicked.connect(on_changed)
            return tick


def show_value(widget: QWidget, value: Any) -> None:
    """Shows a value in its field; nobody is told."""
    blocked = widget.blockSignals(True)
    if isinstance(widget, QDoubleSpinBox | QSpinBox):
        if widget.value() != value:
            widget.setValue(value)
    elif isinstance(widget, QLineEdit):
        if widget.text() != value and not (widget.hasFocus() and not widget.text().strip()):
            widget.setText(value)
    elif isinstance(widget, QComboBox):
        widget.setCurrentIndex(max(0, widget.findData(value)))
    elif isinstance(widget, QCheckBox):
        widget.setChecked(bool(value))
    widget.blockSignals(blocked)


def _step(field: Field) -> float:
    if field.unit == "%":
        return 5.0
    if field.unit == "mm³":
        return 50.0
    return 0.1 if field.decimals > 1 else 0.5
