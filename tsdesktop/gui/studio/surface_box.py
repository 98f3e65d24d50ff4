"""How smooth surfaces are: a preset, or a slider that says its effect in mm; and how many triangles they may save.

The effect is that on the grid that the labels were made on, which is looked for in the background.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QSlider, QWidget

from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.background import Work, run_in_background
from tsdesktop.gui.dialogs.controls import Segments
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.parts import GAP, one_line, row, stacked
from tsdesktop.gui.studio.fields import NumberField, show_value
from tsdesktop.gui.studio.steps import Field
from tsdesktop.gui.studio.workbench import Workbench
from tsdesktop.gui.words import QT_TRANSLATE_NOOP

_PER_MM = 10
_MOST_SPACINGS = 8.0
_ERROR = Field("largest_error_mm", QT_TRANSLATE_NOOP("PrintSteps", "Save triangles"), most=5.0, decimals=2)


class SurfaceBox(QWidget):
    """The smoothing of the bench's recipe."""

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._spacing_mm = (1.0, 1.0, 1.0)
        self._looking: Work | None = None
        titles = {
            "faithful": self.tr("Faithful"),
            "smooth": self.tr("Smooth"),
            "very smooth": self.tr("Very smooth"),
        }
        self.preset = Segments(list(titles.items()), bench.recipe.smoothing, self.tr("How smooth surfaces are"))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Effect of smoothing in mm"))
        self.slider.setTracking(False)
        self.slider.setToolTip(
            self.tr("Ridges and grooves of this width lose half their height, narrower ones go, wider ones stay")
        )
        self.effect = one_line("", "secondary")
        self.error = NumberField(_ERROR)
        self.error.setSpecialValueText(self.tr("none"))
        self.error.setToolTip(self.tr("Fewer triangles where the surface stays within this distance of itself"))
        title = one_line(self.tr("Save triangles, up to"), "secondary")
        title.setBuddy(self.error)
        saving = row(title, None, self.error)
        saving.setContentsMargins(0, 0, 0, 0)
        self.setLayout(stacked(self.preset, self.slider, self.effect, saving, gap=GAP))
        self.preset.chosen.connect(self._on_preset_chosen)
        self.slider.sliderMoved.connect(self._show_effect)
        self.slider.valueChanged.connect(self._on_slid)
        self.error.valueChanged.connect(self._on_error_changed)
        bench.recipe_changed.connect(self._show)
        bench.labels_changed.connect(self._on_labels_changed)
        self._on_labels_changed()

    def close_down(self) -> None:
        """Nothing goes on behind a closed window."""
        if self._looking is not None:
            self._looking.forget()
            self._looking = None

    def _on_labels_changed(self) -> None:
        """Until the grid of the labels' making is found, theirs stands for it."""
        label_map = self._bench.label_map
        self.close_down()
        if label_map is not None:
            self._spacing_mm = label_map.spacing_mm
            look = partial(_true_spacing_mm, label_map)
            self._looking = run_in_background(look, self._on_looked, self._on_not_looked)
        self._show()

    def _on_looked(self, spacing_mm: tuple[float, float, float]) -> None:
        self._looking = None
        self._spacing_mm = spacing_mm
        self._show()

    def _on_not_looked(self, error: Exception) -> None:
        self._looking = None
        self._bench.failed.emit(error)

    def _show(self) -> None:
        recipe = self._bench.recipe
        for each in (self.preset, self.slider):
            each.blockSignals(True)
        if recipe.smoothing_mm is None:
            self.preset.choose(recipe.smoothing)
        else:
            self.preset.choose_none()
        self.slider.setRange(0, max(1, round(_MOST_SPACINGS * max(self._spacing_mm) * _PER_MM)))
        mm = recipe.smoothing_mm
        if mm is None:
            mm = preset_effect_mm(recipe.smoothing, self._spacing_mm)
        self.slider.setValue(round(mm * _PER_MM))
        for each in (self.preset, self.slider):
            each.blockSignals(False)
        self.effect.setText(effect_words(mm))
        show_value(self.error, recipe.largest_error_mm)

    def _show_effect(self, value: int) -> None:
        self.effect.setText(effect_words(value / _PER_MM))

    def _on_preset_chosen(self, key: str) -> None:
        bench = self._bench
        bench.change(replace(bench.recipe, smoothing=key, smoothing_mm=None), self.tr("smoothing"))

    def _on_slid(self, value: int) -> None:
        bench = self._bench
        bench.change(replace(bench.recipe, smoothing_mm=value / _PER_MM), self.tr("smoothing"), "smoothing_mm")

    def _on_error_changed(self, value: float) -> None:
        bench, words = self._bench, self.tr("triangles")
        bench.change(replace(bench.recipe, largest_error_mm=round(value, 2)), words, "largest_error_mm")


def preset_effect_mm(preset: str, spacing_mm: tuple[float, float, float]) -> float:
    """The effect of a preset on voxels of this size, in mm."""
    from tsdesktop.surfaces.smoothing import effect_mm, smoothing_of

    return effect_mm(smoothing_of(preset, None, spacing_mm), spacing_mm)


def _true_spacing_mm(label_map: LabelMap) -> tuple[float, float, float]:
    from tsdesktop.surfaces.true_grid import true_spacing_mm

    return true_spacing_mm(label_map)


def effect_words(mm: float) -> str:
    """The effect of smoothing in words."""
    if mm == 0.0:
        return QCoreApplication.translate("SurfaceBox", "Not smoothed: the steps of the voxels stay")
    words = QCoreApplication.translate("SurfaceBox", "Evens out what is narrower than {mm} mm")
    return words.format(mm=decimal(mm, 1))
