"""The options of upstream for those who know them, behind one disclosure. Made from core.options: declared once."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from functools import cache
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QWidget,
)

from tsdesktop.core.options import Declaration, declarations
from tsdesktop.core.tasks import Task
from tsdesktop.gui import theme
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.parts import GAP, stacked
from tsdesktop.gui.words import option_choice, option_help, option_title

# One excludes the other.
_PAIRS = {"smooth_labels": "smooth_labels_legacy", "smooth_labels_legacy": "smooth_labels"}
_RANGES: dict[str, tuple[float, float, str]] = {
    "resampling_order": (0, 5, ""),
    "threads": (0, 1024, ""),
    "remove_small_blobs": (0, 1e6, " mm³"),
    "bone_threshold_hu": (-1000, 4000, " HU"),
}


class AdvancedOptions(QWidget):
    """The disclosure and, when open, the options that mean something for the chosen task."""

    def __init__(self, choices: RunChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self.editors: dict[str, QWidget] = {}
        self.toggle = QPushButton()
        self.toggle.setProperty("role", "link")
        self.toggle.setCheckable(True)
        self.toggle.toggled.connect(self._on_toggled)
        self._body = QWidget()
        self._form = QFormLayout(self._body)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setSpacing(GAP)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        self.setLayout(stacked(self.toggle, self._body))
        choices.task_changed.connect(self._build)
        choices.changed.connect(self._on_choices_changed)
        self._build()
        self._on_toggled(False)

    def changeEvent(self, event: QEvent) -> None:
        """The arrow follows the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_arrow()

    def _on_toggled(self, open: bool) -> None:
        self._body.setVisible(open)
        self._draw_arrow()

    def _draw_arrow(self) -> None:
        name = "mdi6.chevron-down" if self.toggle.isChecked() else "mdi6.chevron-right"
        self.toggle.setIcon(theme.icon(name, "accent"))

    def _build(self) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        self.editors = {}
        for each in _declared():
            if is_meaningful(each.name, self._choices.task):
                self._add(each)
        self.setVisible(bool(self.editors))
        self._on_choices_changed()

    def _add(self, declared: Declaration) -> None:
        editor = self._editor(declared)
        editor.setToolTip(option_help(declared.help))
        editor.setAccessibleName(option_title(declared.name))
        editor.setAccessibleDescription(option_help(declared.help))
        self.editors[declared.name] = editor
        if isinstance(editor, QCheckBox):
            self._form.addRow(editor)
            return
        label = QLabel(option_title(declared.name))
        label.setMinimumHeight(editor.sizeHint().height())
        label.setToolTip(option_help(declared.help))
        label.setBuddy(editor)
        self._form.addRow(label, editor)

    def _editor(self, declared: Declaration) -> QWidget:
        if declared.choices:
            box = QComboBox()
            for each in declared.choices:
                box.addItem(option_choice(each), each)
            box.currentIndexChanged.connect(lambda at: self._on_edited(declared, box.itemData(at)))
            return box
        if declared.kind is bool:
            check = QCheckBox(option_title(declared.name))
            check.toggled.connect(lambda on: self._on_edited(declared, on))
            return check
        number = QSpinBox() if declared.kind is int else QDoubleSpinBox()
        least, most, unit = _RANGES[declared.name]
        if isinstance(number, QDoubleSpinBox):
            number.setRange(least, most)
            number.setDecimals(0)
            number.setSingleStep(50)
        else:
            number.setRange(int(least), int(most))
        number.setSuffix(unit)
        number.setFixedWidth(112)
        number.lineEdit().setTextMargins(6, 0, 0, 0)
        number.setSpecialValueText(self._word_for_zero(declared.name))
        # Typing "200" means one choice, not three.
        number.setKeyboardTracking(False)
        number.valueChanged.connect(lambda value: self._on_edited(declared, value))
        return number

    def _word_for_zero(self, name: str) -> str:
        return {"threads": self.tr("all"), "remove_small_blobs": self.tr("off")}.get(name, "")

    def _on_edited(self, declared: Declaration, value: Any) -> None:
        if self._choices.how.get(declared.name, declared.default) == value:
            return
        other = _PAIRS.get(declared.name)
        if value is True and other in self._choices.how:
            self._choices.choose_how(other, False, False)
        self._choices.choose_how(declared.name, value, declared.default)

    def _on_choices_changed(self) -> None:
        for each in _declared():
            if each.name in self.editors:
                _show(self.editors[each.name], self._choices.how.get(each.name, each.default))
        count = len(self._choices.how)
        text = self.tr("Advanced options")
        self.toggle.setText(f"{text} · {count}" if count else text)


@cache
def _declared() -> tuple[Declaration, ...]:
    return tuple(declarations())


def is_meaningful(name: str, task: Task) -> bool:
    """Whether an option changes anything for `task` and is not chosen elsewhere in the panel."""
    how = {each.name for each in _declared() if each.section == "how"} - {"device"}
    if task.instant is not None:
        return name == "bone_threshold_hu" and task.instant == "bone"
    if name == "model_size":
        return "full_small" in task.variants
    if name == "robust_crop":
        return task.roi_subset or task.crop is not None
    if name == "body_crop":
        return task.modality == "CT" and task.crop is None
    return name in how and name != "bone_threshold_hu"


def _show(editor: QWidget, value: Any) -> None:
    editor.blockSignals(True)
    if isinstance(editor, QCheckBox):
        editor.setChecked(bool(value))
    elif isinstance(editor, QComboBox):
        editor.setCurrentIndex(editor.findData(value))
    elif isinstance(editor, QSpinBox):
        editor.setValue(int(value))
    elif isinstance(editor, QDoubleSpinBox):
        editor.setValue(float(value))
    editor.blockSignals(False)
