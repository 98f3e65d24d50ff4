"""The printer: the bed from a list or as it is entered, and the process, which says how thin a wall may be."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tsdesktop.core.errors import OptionsError
from tsdesktop.core.printers import Process, bed, beds, process, processes
from tsdesktop.core.printing import PrintRecipe
from tsdesktop.gui.dialogs.controls import ChoiceBox
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.parts import GAP, one_line, stacked
from tsdesktop.gui.studio.fields import NumberField, show_value
from tsdesktop.gui.studio.steps import Field
from tsdesktop.gui.studio.workbench import Workbench
from tsdesktop.gui.translation import reason_words
from tsdesktop.gui.words import QT_TRANSLATE_NOOP

_ENTERED = "entered"
_USUAL_MM = (200.0, 200.0, 200.0)
_SIDES = (
    Field("x", QT_TRANSLATE_NOOP("PrintSteps", "Width of the bed"), unit="", least=1.0, most=10_000.0, decimals=0),
    Field("y", QT_TRANSLATE_NOOP("PrintSteps", "Depth of the bed"), unit="", least=1.0, most=10_000.0, decimals=0),
    Field("z", QT_TRANSLATE_NOOP("PrintSteps", "Height of the bed"), unit="", least=1.0, most=10_000.0, decimals=0),
)
Size = tuple[float, float, float]


class PrinterBox(QWidget):
    """Bed and process of the bench's recipe. `bed_changed(size)` with the size in mm, None for no bed."""

    bed_changed = Signal(object)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        titles = [("", self.tr("Any printer")), (_ENTERED, self.tr("Entered size…"))]
        self.bed = ChoiceBox([*titles, *((each.id, each.title) for each in beds())], "", self.tr("Printer"))
        self.sides = [NumberField(each) for each in _SIDES]
        ways = [(each.id, reason_words(each.title)) for each in processes()]
        self.process = ChoiceBox(ways, "", self.tr("Way of printing"))
        self.limits = one_line("", "secondary")
        for each in (self.bed, self.process):
            each.setMinimumContentsLength(12)
            each.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.entered = QWidget()
        line = QHBoxLayout(self.entered)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        for side in self.sides:
            side.setButtonSymbols(NumberField.ButtonSymbols.NoButtons)
            side.valueChanged.connect(self._on_entered)
            line.addWidget(side)
        line.addWidget(one_line("mm", "secondary"))
        self.setLayout(stacked(self.bed, self.entered, self.process, self.limits, gap=GAP))
        self.bed.activated.connect(self._on_bed_chosen)
        self.process.activated.connect(self._on_process_chosen)
        bench.recipe_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        recipe = self._bench.recipe
        size = bed_size(recipe)
        is_entered = recipe.custom_bed_mm is not None
        self.bed.setCurrentIndex(max(0, self.bed.findData(_ENTERED if is_entered else recipe.bed)))
        self.entered.setVisible(is_entered)
        for side, value in zip(self.sides, recipe.custom_bed_mm or _USUAL_MM, strict=True):
            show_value(side, value)
        self.process.setCurrentIndex(max(0, self.process.findData(recipe.process)))
        self.limits.setText(self._size_words(recipe, size))
        self.bed_changed.emit(size)

    def _size_words(self, recipe: PrintRecipe, size: Size | None) -> str:
        wall = self.tr("walls from {mm} mm").format(mm=decimal(known_process(recipe).smallest_wall_mm, 2))
        if size is None:
            return wall
        # \u00d7 is the sign of sizes.
        sides = " \u00d7 ".join(decimal(each, 0) for each in size)
        return self.tr("bed {size} mm, {walls}").format(size=sides, walls=wall)

    def _on_bed_chosen(self) -> None:
        key, recipe = str(self.bed.currentData()), self._bench.recipe
        entered = (bed_size(recipe) or _USUAL_MM) if key == _ENTERED else None
        chosen = replace(recipe, bed="" if key == _ENTERED else key, custom_bed_mm=entered)
        self._bench.change(chosen, self.tr("printer"))

    def _on_entered(self) -> None:
        x, y, z = (side.value() for side in self.sides)
        recipe = replace(self._bench.recipe, bed="", custom_bed_mm=(x, y, z))
        self._bench.change(recipe, self.tr("printer"), "custom_bed_mm")

    def _on_process_chosen(self) -> None:
        recipe = replace(self._bench.recipe, process=str(self.process.currentData()))
        self._bench.change(recipe, self.tr("way of printing"))


def bed_size(recipe: PrintRecipe) -> Size | None:
    """The bed of a recipe in mm; None for none, or for one that this version does not know."""
    if recipe.custom_bed_mm is not None:
        return recipe.custom_bed_mm
    try:
        return bed(recipe.bed).size_mm if recipe.bed else None
    except OptionsError:
        return None


def known_process(recipe: PrintRecipe) -> Process:
    """The way of printing of a recipe; the most common one where this version does not know it."""
    try:
        return process(recipe.process)
    except OptionsError:
        return process()
