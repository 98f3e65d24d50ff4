"""The row of steps: each a card, and the menu that adds one."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QPushButton, QVBoxLayout, QWidget

from tsdesktop.core.printing import Cut, Plate, Step
from tsdesktop.gui import theme
from tsdesktop.gui.parts import clear, paragraph, stacked
from tsdesktop.gui.studio.printer_box import known_process
from tsdesktop.gui.studio.step_card import StepCard
from tsdesktop.gui.studio.steps import MENU, Beginning, new_step, step_help, step_title
from tsdesktop.gui.studio.workbench import Workbench


class StepsPanel(QWidget):
    """The steps of the bench's recipe.

    `view_wanted(at)`: the cut at that place should lie across the view; `apart_toggled` for halves shown away from each
    other.
    """

    view_wanted = Signal(int)
    apart_toggled = Signal(bool)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.cards: list[StepCard] = []
        self._row = QVBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.GRID)
        self.nothing = paragraph(self.tr("Structures are printed as they are, each a part of its own."), "secondary")
        self.add = self._add_button()
        self.setLayout(stacked(self.nothing, self._row, self.add))
        bench.recipe_changed.connect(self._on_recipe_changed)
        bench.selection_changed.connect(self._show_open)
        bench.made_changed.connect(self._show_values)
        self._on_recipe_changed()

    def add_step(self, kind: str) -> None:
        """A new step of this kind at the end, with its fields open."""
        step = new_step(kind, self._beginning())
        self._bench.add_step(step, self.tr("add: {step}").format(step=step_title(kind)))
        self.cards[-1].focus_first()

    def _add_button(self) -> QPushButton:
        made = QPushButton(self.tr("Add step"))
        made.setAutoDefault(False)
        made.setToolTip(self.tr("What is done with the structures, one after the other"))
        menu = QMenu(made)
        menu.setToolTipsVisible(True)
        for group in MENU:
            for kind in group:
                action = menu.addAction(step_title(kind), partial(self.add_step, kind))
                action.setToolTip(step_help(kind))
                action.setData(kind)
            menu.addSeparator()
        made.setMenu(menu)
        return made

    def _beginning(self) -> Beginning:
        made, recipe = self._bench.made, self._bench.recipe
        box = None if made is None else made.box_mm
        x, y, z = (0.0, 0.0, 0.0) if box is None else (round(float(each), 1) for each in box.mean(axis=0))
        has_plate = any(isinstance(each, Plate) for each in recipe.steps)
        return Beginning((x, y, z), known_process(recipe).smallest_wall_mm, self.tr("Text"), has_plate)

    def _on_recipe_changed(self) -> None:
        steps = self._bench.recipe.steps
        if [type(each.step) for each in self.cards] != [type(each) for each in steps]:
            self._rebuild()
        self._show_values()
        self._show_open()
        self.nothing.setVisible(not steps)

    def _rebuild(self) -> None:
        had_focus = any(each.isAncestorOf(self.focusWidget()) for each in self.cards if self.focusWidget())
        clear(self._row)
        self.cards = [self._card(n, step) for n, step in enumerate(self._bench.recipe.steps)]
        for n, card in enumerate(self.cards):
            card.show_place(is_first=n == 0, is_last=n == len(self.cards) - 1)
            self._row.addWidget(card)
        if had_focus:
            self.add.setFocus()

    def _card(self, at: int, step: Step) -> StepCard:
        card, bench = StepCard(at + 1, step), self._bench
        title = step_title(step.kind)
        card.opened.connect(lambda: self._open(at))
        card.changed.connect(lambda other, touched: bench.replace_step(at, other, title, touched))
        card.removed.connect(lambda: bench.remove_step(at, self.tr("remove: {step}").format(step=title)))
        card.moved.connect(lambda by: bench.move_step(at, by, self.tr("order of steps")))
        card.eye_clicked.connect(lambda: bench.show_steps(at + 1))
        card.apart_toggled.connect(self.apart_toggled)
        card.view_wanted.connect(lambda: self.view_wanted.emit(at))
        return card

    def _open(self, at: int) -> None:
        """Opens a step, or closes it where it is open."""
        bench = self._bench
        is_open = bench.selected == at
        bench.select(None if is_open else at)
        if not is_open and isinstance(bench.selected_step, Cut):
            # Its plane lies where the parts are at this step, which later steps may move.
            bench.show_steps(at + 1)

    def _show_values(self) -> None:
        made = self._bench.made
        box = None if made is None else made.box_mm
        for card, step in zip(self.cards, self._bench.recipe.steps, strict=True):
            card.show_step(step, box)

    def _show_open(self) -> None:
        for n, card in enumerate(self.cards):
            card.show_open(is_open=n == self._bench.selected)
