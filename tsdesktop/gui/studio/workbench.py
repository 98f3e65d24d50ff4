"""What is on the bench of the print studio: a recipe with its history, parts, and what was found on them.

The parts of the window get it and listen. Everything slow runs in the background: the newest recipe wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from tsdesktop.core.printing import PrintRecipe, Step
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.studio.engine import Engine, Made, Told
from tsdesktop.gui.studio.history import History
from tsdesktop.gui.studio.newest import Newest, Wanted

if TYPE_CHECKING:
    from tsdesktop.pipeline.segmentation import Segmentation
    from tsdesktop.surfaces.preflight import Preflight

_SOON_MS = 180


class Workbench(QObject):
    """One label map with the run that made it, where it is known, one recipe with undo, its parts and their checks.

    `selected`: the step whose fields are open, None for none. `shown_steps`: how many steps the preview follows, None
    for all. `made` are the parts that are shown, `whole` those of the whole recipe (the same where all is shown).
    `part` is the one whose findings are shown, marked in the preview once a person has chosen one. `told(text)`:
    something that a person should know about what was just done.
    """

    recipe_changed = Signal()
    selection_changed = Signal()
    labels_changed = Signal()
    made_changed = Signal()
    checks_changed = Signal()
    busy_changed = Signal()
    part_changed = Signal()
    progressed = Signal(object)
    failed = Signal(Exception)
    told = Signal(str)
    _heard = Signal(object, object)
    _found = Signal(object, int, object)

    def __init__(self, engine_of: Callable[[LabelMap], Engine], recipe: PrintRecipe, parent: QObject) -> None:
        super().__init__(parent)
        self._engine_of = engine_of
        self._history = History(recipe)
        self._engine: Engine | None = None
        self.label_map: LabelMap | None = None
        self.result: Segmentation | None = None
        self.selected: int | None = None
        self.shown_steps: int | None = None
        self.made: Made | None = None
        self.whole: Made | None = None
        self.checks: Mapping[int, Preflight] = {}
        self.part = 0
        self.is_part_marked = False
        self.error: Exception | None = None
        self._making, self._checking = Newest(self), Newest(self)
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._make)
        self._heard.connect(self._on_heard, Qt.ConnectionType.QueuedConnection)
        self._found.connect(self._on_found, Qt.ConnectionType.QueuedConnection)
        for each in (self._making, self._checking):
            each.busy_changed.connect(self.busy_changed)

    # what is known

    @property
    def recipe(self) -> PrintRecipe:
        """The recipe as it is now."""
        return self._history.current

    @property
    def history(self) -> History:
        """The recipes before, for the words of undo and redo."""
        return self._history

    @property
    def engine(self) -> Engine | None:
        """What makes parts of the label map; None without one."""
        return self._engine

    @property
    def is_busy(self) -> bool:
        """Whether parts are being made, or will be in a moment."""
        return self._making.is_busy or self._soon.isActive()

    @property
    def is_checking(self) -> bool:
        """Whether parts are being checked."""
        return self._checking.is_busy

    @property
    def is_current(self) -> bool:
        """Whether `whole` is what the recipe makes."""
        return self.whole is not None and not self.is_busy and self.whole.recipe == self.recipe

    @property
    def is_stopped(self) -> bool:
        """Whether the parts are of an earlier recipe, and nothing is being done about it."""
        waits = self.is_busy or self._engine is None or self.error is not None
        return not waits and (self.whole is None or self.whole.recipe != self.recipe)

    @property
    def selected_step(self) -> Step | None:
        """The step whose fields are open."""
        return None if self.selected is None else self.recipe.steps[self.selected]

    @property
    def missing(self) -> tuple[str, ...]:
        """The structures that the recipe names and the labels lack."""
        if self.label_map is None:
            return ()
        here = {each.name for each in self.label_map.present}
        return tuple(name for name in self.recipe.structures if name not in here)

    # what a person does

    def show_labels(self, label_map: LabelMap | None, result: Segmentation | None = None) -> None:
        """Other labels: the recipe stays, structures are found by their names."""
        self._making.stop()
        self._checking.stop()
        self.label_map, self.result = label_map, result
        self._engine = None if label_map is None else self._engine_of(label_map)
        self.made = self.whole = self.error = None
        self.checks = {}
        self.labels_changed.emit()
        self.made_changed.emit()
        self.checks_changed.emit()
        self._make_soon()

    def change(self, recipe: PrintRecipe, name: str, touched: str = "") -> None:
        """Another recipe, as a step that can be undone; `touched` as in `History.change`."""
        if self._history.change(recipe, name, touched):
            self._on_recipe_changed()

    def change_values(self, name: str, touched: str = "", **values: Any) -> None:
        """Some values of the recipe, as a step that can be undone."""
        self.change(replace(self.recipe, **values), name, touched)

    def add_step(self, step: Step, name: str, at: int | None = None) -> None:
        """A step at the end, or before the step `at`; its fields open."""
        steps = list(self.recipe.steps)
        place = len(steps) if at is None else at
        steps.insert(place, step)
        self.selected, self.shown_steps = place, None
        self.change_values(name, steps=tuple(steps))

    def replace_step(self, at: int, step: Step, name: str, touched: str = "") -> None:
        """Other values of a step."""
        steps = (*self.recipe.steps[:at], step, *self.recipe.steps[at + 1 :])
        self.change_values(name, f"{at} {touched}" if touched else "", steps=steps)

    def remove_step(self, at: int, name: str) -> None:
        """Takes a step out."""
        self.selected = None
        self.shown_steps = None
        self.change_values(name, steps=(*self.recipe.steps[:at], *self.recipe.steps[at + 1 :]))

    def move_step(self, at: int, by: int, name: str) -> None:
        """Moves a step up or down in the order."""
        steps = list(self.recipe.steps)
        if 0 <= at + by < len(steps):
            steps.insert(at + by, steps.pop(at))
            self.selected = at + by
            self.change_values(name, steps=tuple(steps))

    def select(self, at: int | None) -> None:
        """Opens the fields of a step, or closes them."""
        if at != self.selected:
            self.selected = at
            self._history.settle()
            self.selection_changed.emit()

    def show_steps(self, count: int | None) -> None:
        """How many steps the preview follows: None for all."""
        count = None if count is None or count >= len(self.recipe.steps) else count
        if count != self.shown_steps:
            self.shown_steps = count
            self.selection_changed.emit()
            if count is None and self.whole is not None and self.is_current:
                self.made = self.whole
                self.made_changed.emit()
            else:
                self._make()

    def choose_part(self, number: int) -> None:
        """The part whose findings are shown."""
        self.is_part_marked = True
        self.part = number
        self.part_changed.emit()

    def undo(self) -> None:
        """Back to the recipe before."""
        if self._history.undo():
            self._on_recipe_changed()

    def redo(self) -> None:
        """The recipe that was undone."""
        if self._history.redo():
            self._on_recipe_changed()

    def mend(self, number: int) -> None:
        """Shows a part without its defects; they are mended in any case when it is written."""
        engine, made = self._engine, self.whole
        if engine is None or made is None or not self.is_current:
            return

        def call(_wanted: Wanted) -> Made:
            return engine.mend(made, number)

        self._making.start(call, partial(self._on_made, None), self._on_failed)

    def stop(self) -> None:
        """Stops what is being made; what was shown before stays."""
        self._soon.stop()
        self._making.stop()
        self._checking.stop()
        self.busy_changed.emit()

    def make_again(self) -> None:
        """Makes the parts once more, after a stop or an error."""
        self._make_soon()

    def close(self) -> None:
        """Nothing goes on behind a closed window."""
        self._soon.stop()
        for each in (self._making, self._checking):
            each.close()

    # what follows

    def _on_recipe_changed(self) -> None:
        count = len(self.recipe.steps)
        if self.selected is not None and self.selected >= count:
            self.selected = None
        if self.shown_steps is not None and self.shown_steps >= count:
            self.shown_steps = None
        self.recipe_changed.emit()
        self._make_soon()

    def _make_soon(self) -> None:
        if self._engine is None:
            return
        # What is under way is of no use any more; what follows waits for the end of a drag.
        self._making.stop()
        self._checking.stop()
        self._soon.start()
        self.busy_changed.emit()

    def _make(self) -> None:
        engine = self._engine
        if engine is None:
            return
        count, recipe = self.shown_steps, self.recipe
        if count is not None:
            recipe = replace(recipe, steps=recipe.steps[:count])
        self.error = None

        def call(wanted: Wanted) -> Made:
            return engine.make(recipe, partial(self._heard.emit, wanted), wanted)

        self._making.start(call, partial(self._on_made, count), self._on_failed)

    def _on_heard(self, wanted: Wanted, told: Told) -> None:
        if wanted():
            self.progressed.emit(told)

    def _on_made(self, count: int | None, made: Made) -> None:
        self.made = made
        if count is None:
            self.whole = made
            self.checks = {}
            self.part = min(self.part, max(0, len(made.parts) - 1))
            self.checks_changed.emit()
            self._check(made)
        self.made_changed.emit()

    def _check(self, made: Made) -> None:
        engine, recipe = self._engine, self.recipe
        if engine is None:
            return

        def call(wanted: Wanted) -> None:
            engine.check(made, recipe, partial(self._found.emit, made), wanted)

        self._checking.start(call, lambda _: None, self._on_failed)

    def _on_found(self, made: Made, number: int, found: Preflight) -> None:
        if made is self.whole:
            self.checks = {**self.checks, number: found}
            self.checks_changed.emit()

    def _on_failed(self, error: Exception) -> None:
        self.error = error
        self.failed.emit(error)
