"""A print studio on boxes whose places are known, with an engine that can be held up; closed when a test ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, QThreadPool
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from tests.gui.scene.conftest import boxes_map
from tsdesktop.core.errors import ExportError
from tsdesktop.core.notes import Argument, note
from tsdesktop.core.printing import PrintRecipe
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.scene.probe import PROCESSOR
from tsdesktop.gui.studio.engine import LabelsEngine, Made, Told
from tsdesktop.gui.studio.export_box import PrintFiles
from tsdesktop.gui.studio.newest import Wanted
from tsdesktop.gui.studio.window import Studio
from tsdesktop.gui.studio.workbench import Workbench
from tsdesktop.surfaces.preflight import Finding, Light, Preflight

NAMES = ("front_box", "back_box", "left_box")
PATIENCE_MS = 30_000
_NO_RECIPE = PrintRecipe()


def finding(words: str, light: Light, fix: str = "", **values: Argument) -> Finding:
    """A finding that says the sentence `words`."""
    return Finding(words, light, note(f"preflight.{words}", **values), values, fix)


class QuickEngine(LabelsEngine):
    """Box meshes at once instead of solids; every recipe it was asked for is kept. `gate` holds the work up."""

    def __init__(self, label_map: LabelMap) -> None:
        super().__init__(label_map)
        self.asked: list[PrintRecipe] = []
        self.stopped: list[PrintRecipe] = []
        self.mended: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.problem = ""
        self.findings: tuple[Finding, ...] = (finding("closed", "good"),)

    def make(self, recipe: PrintRecipe, listen: Callable[[Told], None], wanted: Wanted) -> Made:
        self.asked.append(recipe)
        while not self.gate.wait(0.01):
            if not wanted():
                self.stopped.append(recipe)
                return Made(recipe, (), (), ())
        if self.problem:
            raise ExportError("export.nothing", reason=self.problem)
        listen(Told("", 0.5))
        chosen = [each.label for each in self._label_map.present if each.name in (recipe.structures or NAMES)]
        meshes = tuple(box_mesh(self._label_map, label) for label in chosen)
        notes = (note("note.solid_vanished", name="x", step="fill-holes"),) if len(recipe.steps) == 3 else ()
        return self._made(Made(recipe, meshes, (), (), notes), wanted)

    def check(self, made: Made, recipe: PrintRecipe, found: Callable[[int, Any], None], wanted: Wanted) -> None:
        for number in range(len(made.parts)):
            if wanted():
                found(number, Preflight(self.findings))

    def mend(self, made: Made, number: int) -> Made:
        self.mended.append(number)
        return replace(made)


def box_mesh(label_map: LabelMap, label: int) -> Any:
    from tsdesktop.surfaces.extract import extract_surface

    return extract_surface(label_map, label)


@pytest.fixture
def bench(qapp: QObject) -> Iterator[Workbench]:
    """A bench with the boxes, whose engine answers at once."""
    owner = QObject()
    made = Workbench(QuickEngine, PrintRecipe(), owner)
    made.show_labels(boxes_map())
    yield made
    close(made)


def engine_of(bench: Workbench) -> QuickEngine:
    assert isinstance(bench.engine, QuickEngine)
    return bench.engine


def close(bench: Workbench) -> None:
    if isinstance(bench.engine, QuickEngine):
        bench.engine.gate.set()
    bench.close()
    QThreadPool.globalInstance().waitForDone(20_000)


def settle(qtbot: QtBot, bench: Workbench) -> None:
    """Until the parts of the recipe are there and checked."""
    qtbot.waitUntil(lambda: bench.is_current and not bench.is_checking, timeout=PATIENCE_MS)


Write = Callable[..., list[Path]]
OpenStudio = Callable[..., Studio]


@pytest.fixture
def open_studio(qtbot: QtBot, tmp_path: Path) -> Iterator[OpenStudio]:
    """Opens studios on the boxes; `write` is what writes their files."""
    opened: list[Studio] = []
    parent = QWidget()
    qtbot.addWidget(parent)

    def make(write: Write | None = None, recipe: PrintRecipe = _NO_RECIPE, engine: Any = QuickEngine) -> Studio:
        bench = Workbench(engine, recipe, parent)
        studio = Studio(bench, PrintFiles(tmp_path / "out"), (plan, write or write_nothing), parent, graphics=PROCESSOR)
        studio.resize(1240, 760)
        opened.append(studio)
        studio.show()
        qtbot.waitExposed(studio)
        studio.show_labels(boxes_map())
        settle(qtbot, bench)
        return studio

    yield make
    for studio in filter(isValid, opened):
        close(studio.bench)
        studio.close()
    QThreadPool.globalInstance().waitForDone(20_000)


def plan(names: Sequence[str], files: PrintFiles) -> list[Path]:
    return [files.folder / f"{name}.{files.format}" for name in names]


def write_nothing(*_: object) -> list[Path]:
    raise AssertionError("nothing was to be written")
