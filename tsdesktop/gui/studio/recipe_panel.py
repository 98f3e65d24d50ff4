"""The left side of the print studio: the recipe. Structures, surface, steps, printer; undo, load and save."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.parts import button, hairline, heading, scrolled, small_button, stacked
from tsdesktop.gui.studio.printer_box import PrinterBox
from tsdesktop.gui.studio.steps_panel import StepsPanel
from tsdesktop.gui.studio.structures_box import StructuresBox
from tsdesktop.gui.studio.surface_box import SurfaceBox
from tsdesktop.gui.studio.workbench import Workbench

WIDTH = 316


class RecipePanel(QFrame):
    """All of a recipe, top to bottom. `load_wanted` and `save_wanted` by its links."""

    load_wanted = Signal()
    save_wanted = Signal()

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.setProperty("role", "panel")
        self.structures = StructuresBox(bench)
        self.surface = SurfaceBox(bench)
        self.steps = StepsPanel(bench)
        self.printer = PrinterBox(bench)
        self.undo = small_button("mdi6.undo", self.tr("Undo"), bench.undo)
        self.redo = small_button("mdi6.redo", self.tr("Redo"), bench.redo)
        self.load = button(self.tr("Load recipe…"), self.load_wanted.emit, "link")
        self.load.setToolTip(self.tr("Repeats what was done on another scan; structures are found by their names"))
        self.save = button(self.tr("Save recipe…"), self.save_wanted.emit, "link")
        self.save.setToolTip(self.tr("All that is chosen on this side, as a file"))
        self._build()
        bench.recipe_changed.connect(self._show_undo)
        self._show_undo()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Wide enough for its fields."""
        return QSize(WIDTH, super().sizeHint().height())

    def _build(self) -> None:
        inner = QWidget()
        inner.setProperty("role", "panel")
        gap = 2 * theme.GRID
        column = QVBoxLayout(inner)
        column.setContentsMargins(3 * theme.GRID, gap, 3 * theme.GRID, gap)
        column.setSpacing(gap)
        for title, part in (
            (self.tr("Structures"), self.structures),
            (self.tr("Surface"), self.surface),
            (self.tr("Steps"), self.steps),
            (self.tr("Printer"), self.printer),
        ):
            column.addWidget(heading(title))
            column.addWidget(part)
            column.addSpacing(gap)
        column.addStretch(1)
        head = QHBoxLayout()
        head.setContentsMargins(3 * theme.GRID, theme.GRID, 3 * theme.GRID, theme.GRID)
        head.setSpacing(gap)
        for each in (self.undo, self.redo):
            head.addWidget(each)
        head.addStretch(1)
        for link in (self.load, self.save):
            head.addWidget(link)
        area = scrolled(inner)
        area.setFocusPolicy(area.focusPolicy().NoFocus)
        layout = stacked(head, hairline(), area, gap=0)
        self.setLayout(layout)
        self.setMinimumWidth(WIDTH - 36)

    def _show_undo(self) -> None:
        history = self._bench.history
        self._name(self.undo, self.tr("Undo"), history.undo_name, "Ctrl+Z")
        self._name(self.redo, self.tr("Redo"), history.redo_name, "Ctrl+Y")

    def _name(self, control: QWidget, verb: str, what: str, keys: str) -> None:
        control.setEnabled(bool(what))
        control.setAccessibleName(f"{verb}: {what}" if what else verb)
        control.setToolTip(f"{verb}: {what} ({keys})" if what else f"{verb} ({keys})")
