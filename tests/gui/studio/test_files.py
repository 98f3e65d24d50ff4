"""Files of the print studio: parts that are read back, and recipes that are saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.scene.conftest import boxes_map
from tests.gui.studio.conftest import NAMES, PATIENCE_MS, OpenStudio, box_mesh, engine_of, finding, settle
from tsdesktop.core.errors import Cancelled, ExportError
from tsdesktop.core.printing import Merge, PrintRecipe, Scale, recipe_json
from tsdesktop.gui.studio.engine import LabelsEngine, Made, Told
from tsdesktop.gui.studio.export_box import PrintFiles, Written
from tsdesktop.gui.studio.window import Studio
from tsdesktop.gui.studio.writing import write_parts


def test_export_writes_what_was_made_reads_it_back_and_says_so(
    qtbot: QtBot, open_studio: OpenStudio, tmp_path: Path
) -> None:
    studio = open_studio(write_parts, PrintRecipe(structures=("front_box",)), LabelsEngine)
    qtbot.waitUntil(studio.export.export.isEnabled, timeout=PATIENCE_MS)
    with qtbot.waitSignal(studio.exported, timeout=PATIENCE_MS) as heard:
        studio.export.export.click()
    files = heard.args[0]
    assert sorted(path.name for path in files) == ["all_structures.3mf", "print_manifest.json", "recipe.json"]
    assert all(path.parent == tmp_path / "out" and path.stat().st_size for path in files)
    assert studio.export.said.text() == "Done: 3 files, read back and compared"
    assert studio.export.open_folder.isVisible()
    assert json.loads((tmp_path / "out" / "recipe.json").read_text())["structures"] == ["front_box"]


def test_manifest_tells_of_the_run_and_parts_with_defects_are_mended(tmp_path: Path) -> None:
    label_map = boxes_map()
    part = box_mesh(label_map, label_map.present[0].label)
    torn = replace(part, triangles=part.triangles[2:])
    run = SimpleNamespace(label_map=label_map)
    made = Made(PrintRecipe(), (torn,), (), ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tsdesktop.pipeline.origin.run_of_result", lambda result: {"device": "cpu"} if result else {})
        files = write_parts(label_map, Written(made, {}, PrintFiles(tmp_path), cast(Any, run)), lambda _: None)
    told = json.loads(files[-1].read_text("utf-8"))
    assert told["run"] == {"device": "cpu"}
    assert "was mended" in told["notes"][0]["sentence"]
    assert all(each["light"] == "good" for each in told["parts"][0]["preflight"][:5])


def test_mended_parts_are_told_with_the_files(qtbot: QtBot, open_studio: OpenStudio, tmp_path: Path) -> None:
    studio = open_studio(lambda *_: [tmp_path / "a.3mf"])
    engine_of(studio.bench).findings = (replace(finding("open", "bad", "fill", edges=4), id="closed"),)
    studio.bench.make_again()
    settle(qtbot, studio.bench)
    qtbot.waitUntil(lambda: len(studio.bench.checks) == len(NAMES), timeout=PATIENCE_MS)
    qtbot.waitUntil(studio.export.export.isEnabled, timeout=PATIENCE_MS)
    studio.export.export.click()
    qtbot.waitUntil(studio.export.said.isVisible, timeout=PATIENCE_MS)
    assert studio.export.said.text() == ("Done: 1 file, read back and compared. Parts whose defects were mended: 3")


def test_files_that_are_there_are_overwritten_only_when_ticked(
    qtbot: QtBot, open_studio: OpenStudio, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "front_box.3mf").write_text("other")
    studio = open_studio()
    qtbot.waitUntil(studio.export.overwrite.isVisible, timeout=PATIENCE_MS)
    assert studio.export.planned.text() == "1 of 3 files are there already"
    assert not studio.export.export.isEnabled()
    studio.export.overwrite.click()
    assert studio.export.export.isEnabled()
    assert studio.export.files.overwrite


def test_format_without_parts_gets_a_file_for_each(open_studio: OpenStudio) -> None:
    studio = open_studio()
    box = studio.export.format
    box.setCurrentIndex(box.findData("stl"))
    assert studio.export.files.layout == "per-structure"


def test_failed_export_is_told_and_can_be_tried_again(qtbot: QtBot, open_studio: OpenStudio) -> None:
    def fail(*_: object) -> list[Path]:
        raise ExportError("export.not_written", name="x.3mf", reason="No space left on device")

    studio = open_studio(fail)
    qtbot.waitUntil(studio.export.export.isEnabled, timeout=PATIENCE_MS)
    studio.export.export.click()
    qtbot.waitUntil(studio.export.said.isVisible, timeout=PATIENCE_MS)
    assert "No space left on device" in studio.export.said.text()
    qtbot.waitUntil(studio.export.export.isEnabled, timeout=PATIENCE_MS)


def test_export_can_be_stopped(qtbot: QtBot, open_studio: OpenStudio) -> None:
    def slow(_map: object, _written: object, listen: Callable[[Told], None]) -> list[Path]:
        for share in range(100_000):
            QTest.qSleep(5)
            listen(Told("writing", share / 100_000))
        raise AssertionError("was not stopped")

    studio = open_studio(slow)
    qtbot.waitUntil(studio.export.export.isEnabled, timeout=PATIENCE_MS)
    studio.export.export.click()
    qtbot.waitUntil(lambda: studio.export.stage.text() == "Writing the files", timeout=PATIENCE_MS)
    QTest.keyClick(studio, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not studio.export.is_writing, timeout=PATIENCE_MS)
    assert studio.export.said.text().startswith("Stopped")
    assert studio.isVisible()
    assert Cancelled.__name__ not in studio.export.said.text()


def test_recipe_is_saved_and_loaded_and_missing_structures_are_told(
    qtbot: QtBot, open_studio: OpenStudio, tmp_path: Path
) -> None:
    studio = open_studio()
    path = tmp_path / "recipe.json"
    path.write_text(recipe_json(PrintRecipe(structures=("left_box", "heart"), steps=(Merge(), Scale(50.0)))))
    studio.load_recipe(path)
    qtbot.waitUntil(lambda: len(studio.bench.recipe.steps) == 2, timeout=PATIENCE_MS)
    assert studio.said.text() == "The recipe was loaded. Not in these labels: heart."
    assert studio.recipe_panel.structures.missing.text() == "Not in these labels: heart"
    studio.recipe_panel.structures.leave_out.click()
    assert studio.bench.recipe.structures == ("left_box",)
    other = tmp_path / "other.json"
    studio.save_recipe(other)
    qtbot.waitUntil(lambda: "other.json" in studio.said.text(), timeout=PATIENCE_MS)
    assert other.read_text("utf-8") == recipe_json(studio.bench.recipe)
    studio.bench.undo()
    studio.bench.undo()
    assert studio.bench.recipe == PrintRecipe()


def test_file_that_is_no_recipe_changes_nothing(qtbot: QtBot, open_studio: OpenStudio, tmp_path: Path) -> None:
    studio = open_studio()
    path = tmp_path / "bad.json"
    contents = {"is not a recipe": "{", "newer version": '{"print_recipe": 99}', "may not be read": None}
    for words, content in contents.items():
        if content is None:
            path.unlink()
            path.mkdir()
        else:
            path.write_text(content)
        studio.load_recipe(path)
        qtbot.waitUntil(partial(said, studio, words), timeout=PATIENCE_MS)
        assert studio.bench.recipe == PrintRecipe()


def said(studio: Studio, words: str) -> bool:
    return words in studio.said.text()
