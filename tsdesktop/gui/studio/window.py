"""The print studio: left the recipe, in the middle what it makes, right what was found on it and the export.

It stays open beside the main window and follows its labels. Everything slow runs in the background.
"""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from tsdesktop.core.errors import ReadError
from tsdesktop.core.printing import Cut, PrintRecipe, recipe_from_json, recipe_json
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.dialog import Dialog
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.parts import hairline, heading, scrolled, set_role, small_button
from tsdesktop.gui.scene.probe import Graphics
from tsdesktop.gui.studio.checks_box import ChecksBox
from tsdesktop.gui.studio.export_box import ExportBox, Plan, PrintFiles, Write
from tsdesktop.gui.studio.line import StudioLine
from tsdesktop.gui.studio.parts_box import PartsBox
from tsdesktop.gui.studio.printer_box import bed_size
from tsdesktop.gui.studio.recipe_panel import RecipePanel
from tsdesktop.gui.studio.steps import step_title
from tsdesktop.gui.studio.view import PreviewView, moved_along
from tsdesktop.gui.studio.words import titles_of
from tsdesktop.gui.studio.workbench import Workbench

if TYPE_CHECKING:
    from tsdesktop.pipeline.segmentation import Segmentation

_SIZE = (1240, 780)
_LEAST_SIZE = (1000, 600)
_RIGHT = 300
_MOST_RECIPE_BYTES = 4_000_000


class Studio(Dialog):
    """The window. `exported(files)` after files were written; `recipe_kept(recipe)` when it closes, to go on later."""

    exported = Signal(list)
    recipe_kept = Signal(object)

    def __init__(
        self,
        bench: Workbench,
        files: PrintFiles,
        work: tuple[Plan, Write],
        parent: QWidget | None = None,
        *,
        graphics: Graphics | None = None,
    ) -> None:
        super().__init__(QCoreApplication.translate("Studio", "Print studio"), parent, _SIZE)
        self.setWindowModality(Qt.WindowModality.NonModal)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setMinimumSize(*_LEAST_SIZE)
        self.bench = bench
        bench.setParent(self)
        self.recipe_panel = RecipePanel(bench)
        self.view = PreviewView(bench, graphics=graphics)
        self.line = StudioLine(bench)
        self.parts = PartsBox(bench)
        self.checks = ChecksBox(bench)
        self.export = ExportBox(bench, files, *work)
        self._build()
        self._wire()
        self.when_gone(bench.close)

    def show_labels(self, label_map: LabelMap | None, result: Segmentation | None = None) -> None:
        """Other labels in the main window and the run that made them, or none any more."""
        self.bench.show_labels(label_map, result)

    def save_recipe(self, path: Path) -> None:
        """Writes the recipe; what went wrong is said."""
        text = recipe_json(self.bench.recipe)
        self.in_background(partial(_write_text, path, text), lambda _: self._say_saved(path), self._say_error)

    def load_recipe(self, path: Path) -> None:
        """Reads a recipe, as a step that can be undone; what is missing here is said, as is what went wrong."""
        self.in_background(partial(_read_recipe, path), self._on_recipe_read, self._say_error)

    def reject(self) -> None:
        """Escape stops what is under way; it does not close the window, in which there is work."""
        if self.export.is_writing:
            self.export.stop()
        elif self.bench.is_busy:
            self.bench.stop()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Nothing goes on behind a closed window; the recipe is kept for the next time."""
        self.recipe_kept.emit(self.bench.recipe)
        self.export.close_down()
        self.recipe_panel.surface.close_down()
        self.bench.close()
        self.view.close_scene()
        # A dialog would ask `reject`, which does not close it.
        event.accept()

    def showEvent(self, event: QShowEvent) -> None:
        """No larger than the screen."""
        super().showEvent(event)
        room = self.screen().availableGeometry().size()
        self.resize(self.size().boundedTo(room))

    def fit_height(self) -> None:
        """Its sides scroll: paragraphs need no taller window."""

    def minimumSizeHint(self) -> QSize:
        """Small enough for a laptop."""
        return QSize(*_LEAST_SIZE)

    # parts

    def _build(self) -> None:
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(1)
        split.setChildrenCollapsible(False)
        for part, stretch in ((self.recipe_panel, 0), (self._middle(), 1), (self._right(), 0)):
            split.addWidget(part)
            split.setStretchFactor(split.count() - 1, stretch)
        left = self.recipe_panel.sizeHint().width()
        split.setSizes([left, _SIZE[0] - left - _RIGHT, _RIGHT])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)

    def _middle(self) -> QWidget:
        middle = QFrame()
        middle.setProperty("role", "panel")
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setContentsMargins(3 * theme.GRID, theme.GRID, 3 * theme.GRID, theme.GRID)
        self.dismiss = small_button("mdi6.close", self.tr("Dismiss"), self._hide_said)
        self._said_row = QWidget()
        row = QHBoxLayout(self._said_row)
        row.setContentsMargins(0, 0, theme.GRID, 0)
        row.addWidget(self.said, 1)
        row.addWidget(self.dismiss)
        self._said_row.hide()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._said_row)
        column.addWidget(self.view, 1)
        column.addWidget(self.line)
        return middle

    def _right(self) -> QWidget:
        right, inner = QFrame(), QWidget()
        for each in (right, inner):
            each.setProperty("role", "panel")
        gap = 2 * theme.GRID
        column = QVBoxLayout(inner)
        column.setContentsMargins(3 * theme.GRID, gap, 3 * theme.GRID, gap)
        column.setSpacing(gap)
        for title, part in ((self.tr("Parts"), self.parts), (self.tr("Checked before printing"), self.checks)):
            column.addWidget(heading(title))
            column.addWidget(part)
            column.addSpacing(gap)
        column.addStretch(1)
        area = scrolled(inner)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        foot = QVBoxLayout()
        foot.setContentsMargins(3 * theme.GRID, gap, 3 * theme.GRID, 3 * theme.GRID)
        foot.addWidget(heading(self.tr("Export")))
        foot.addWidget(self.export)
        layout = QVBoxLayout(right)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(area, 1)
        layout.addWidget(hairline())
        layout.addLayout(foot)
        right.setMinimumWidth(_RIGHT - 40)
        return right

    def _wire(self) -> None:
        panel, bench = self.recipe_panel, self.bench
        panel.load_wanted.connect(self._ask_load)
        panel.save_wanted.connect(self._ask_save)
        panel.printer.bed_changed.connect(self.view.show_bed)
        panel.steps.apart_toggled.connect(self.view.show_apart)
        panel.steps.view_wanted.connect(self._cut_across_view)
        self.view.show_bed(bed_size(bench.recipe))
        self.view.plane_dragged.connect(self._on_plane_dragged)
        self.view.plane_dropped.connect(bench.history.settle)
        self.export.written.connect(self.exported)
        bench.told.connect(lambda text: self.say(text, "warning"))
        for keys, call in (("Ctrl+Z", bench.undo), ("Ctrl+Y", bench.redo), ("Ctrl+Shift+Z", bench.redo)):
            QShortcut(QKeySequence(keys), self).activated.connect(call)
        for keys, deed in (("Ctrl+S", self._ask_save), ("Ctrl+O", self._ask_load), ("Ctrl+W", self.close)):
            QShortcut(QKeySequence(keys), self).activated.connect(deed)
        QShortcut(QKeySequence("Ctrl+E"), self).activated.connect(self.export.write)

    # cuts

    def _on_plane_dragged(self, mm: float) -> None:
        step, at = self.bench.selected_step, self.bench.selected
        if isinstance(step, Cut) and at is not None:
            self.bench.replace_step(at, moved_along(step, mm), step_title(step.kind), "point_ras")

    def _cut_across_view(self, at: int) -> None:
        """The plane of a cut faces the viewer, at the place where it was."""
        step = self.bench.recipe.steps[at]
        if isinstance(step, Cut):
            x, y, z = (round(float(each), 6) for each in np.asarray(self.view.camera.turn[2]))
            other = Cut(step.point_ras, (x, y, z), step.pins, step.pin_mm, step.clearance_mm)
            self.bench.replace_step(at, other, step_title(step.kind))

    # recipes as files

    def _ask_save(self) -> None:
        dialog = self._file_dialog(self.tr("Save recipe"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.selectFile("recipe.json")
        dialog.fileSelected.connect(lambda name: self.save_recipe(Path(name)))
        dialog.open()

    def _ask_load(self) -> None:
        dialog = self._file_dialog(self.tr("Load recipe"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.load_recipe(Path(name)))
        dialog.open()

    def _file_dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self, title, str(self.export.files.folder.parent))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setNameFilters([self.tr("Recipes") + " (*.json)", self.tr("All files") + " (*)"])
        return dialog

    def _on_recipe_read(self, recipe: PrintRecipe) -> None:
        bench = self.bench
        self._hide_said()
        bench.selected = bench.shown_steps = None
        bench.change(recipe, self.tr("load recipe"))
        missing = bench.missing
        if missing:
            words = self.tr("The recipe was loaded. Not in these labels: {names}.")
            self.say(words.format(names=titles_of(missing)), "warning")

    def _say_saved(self, path: Path) -> None:
        self.say(self.tr("{name} was written.").format(name=path.name), "good")

    def _say_error(self, error: Exception) -> None:
        told = words_for(error)
        if told is not None:
            self.say(f"{told.sentence} {told.hint}".strip(), "error")

    def say(self, text: str, role: str) -> None:
        """A line above the preview, until it is dismissed."""
        self.said.setText(text)
        set_role(self.said, role)
        self._said_row.show()

    def _hide_said(self) -> None:
        self._said_row.hide()


def _write_text(path: Path, text: str) -> None:
    """Writes a recipe. Raises ExportError."""
    from tsdesktop.exports.writing import written

    with written(path, overwrite=True) as temporary:
        temporary.write_text(text, "utf-8")


def _read_recipe(path: Path) -> PrintRecipe:
    """Reads a recipe. Raises ReadError."""
    try:
        if path.stat().st_size > _MOST_RECIPE_BYTES:
            raise ReadError("recipe.not_one", name=path.name)
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise ReadError("read.missing", name=path.name) from error
    except OSError as error:
        raise ReadError("read.not_allowed", name=path.name, reason=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ReadError("recipe.not_one", name=path.name) from error
    return recipe_from_json(text, path.name)
