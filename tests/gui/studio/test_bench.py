"""The bench of the print studio: recipes with a way back, the newest one wins, what was asked for before is dropped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from tests.gui.scene.conftest import LEFT_BOX, boxes_map
from tests.gui.studio.conftest import NAMES, PATIENCE_MS, engine_of, settle
from tsdesktop.core.printing import FillHoles, Hollow, Merge, PrintRecipe, Scale
from tsdesktop.gui.studio.history import History
from tsdesktop.gui.studio.workbench import Workbench


def test_undo_goes_back_one_change_and_redo_forward() -> None:
    history = History(PrintRecipe())
    one, two = PrintRecipe(steps=(Merge(),)), PrintRecipe(steps=(Merge(), Scale(50.0)))
    history.change(one, "add merge")
    history.change(two, "add scale")
    assert (history.undo_name, history.redo_name) == ("add scale", "")
    assert history.undo()
    assert history.current == one
    assert (history.undo_name, history.redo_name) == ("add merge", "add scale")
    assert history.undo()
    assert not history.undo()
    assert history.redo()
    assert history.redo()
    assert not history.redo()
    assert history.current == two


def test_change_after_undo_forgets_what_was_undone() -> None:
    history = History(PrintRecipe())
    history.change(PrintRecipe(bed="prusa_mk4"), "printer")
    history.undo()
    history.change(PrintRecipe(smoothing="smooth"), "smoothing")
    assert not history.redo()
    history.undo()
    assert history.current == PrintRecipe()


def test_dragging_one_value_is_one_step_until_it_is_let_go() -> None:
    history = History(PrintRecipe())
    for mm in (1.0, 2.0, 3.0):
        history.change(PrintRecipe(smoothing_mm=mm), "smoothing", "smoothing_mm")
    history.settle()
    history.change(PrintRecipe(smoothing_mm=4.0), "smoothing", "smoothing_mm")
    history.undo()
    assert history.current.smoothing_mm == 3.0
    history.undo()
    assert history.current == PrintRecipe()


def test_same_recipe_again_is_no_change() -> None:
    history = History(PrintRecipe())
    assert not history.change(PrintRecipe(), "nothing")
    assert not history.undo()


def test_parts_of_all_structures_are_made_and_checked(qtbot: QtBot, bench: Workbench) -> None:
    settle(qtbot, bench)
    assert bench.made is not None
    assert [each.name for each in bench.made.parts] == list(NAMES)
    assert bench.made is bench.whole
    assert set(bench.checks) == {0, 1, 2}
    # 20 x 8 x 24 voxels of 8 mm3, whose edges are rounded.
    assert bench.made.numbers[0].volume_ml == pytest.approx(30.72, rel=0.02)


def test_newest_recipe_wins_and_older_work_is_stopped(qtbot: QtBot, bench: Workbench) -> None:
    settle(qtbot, bench)
    engine = engine_of(bench)
    engine.gate.clear()
    engine.asked.clear()
    bench.change(replace(bench.recipe, structures=("front_box",)), "structures")
    qtbot.waitUntil(lambda: len(engine.asked) == 1, timeout=PATIENCE_MS)
    bench.change(replace(bench.recipe, structures=("back_box",)), "structures")
    qtbot.waitUntil(lambda: len(engine.asked) == 2, timeout=PATIENCE_MS)
    assert engine.stopped == [PrintRecipe(structures=("front_box",))]
    engine.gate.set()
    settle(qtbot, bench)
    assert bench.made is not None
    assert [each.name for each in bench.made.parts] == ["back_box"]


def test_changes_in_quick_succession_are_made_once(qtbot: QtBot, bench: Workbench) -> None:
    settle(qtbot, bench)
    engine_of(bench).asked.clear()
    for percent in (90.0, 80.0, 70.0):
        bench.change(PrintRecipe(steps=(Scale(percent),)), "scale", "percent")
    settle(qtbot, bench)
    assert engine_of(bench).asked == [PrintRecipe(steps=(Scale(70.0),))]


def test_preview_can_follow_only_some_steps_and_what_is_exported_does_not(qtbot: QtBot, bench: Workbench) -> None:
    bench.change(PrintRecipe(steps=(Merge(), FillHoles(), Hollow())), "steps")
    settle(qtbot, bench)
    whole = bench.whole
    bench.show_steps(1)
    qtbot.waitUntil(lambda: bench.made is not None and len(bench.made.recipe.steps) == 1, timeout=PATIENCE_MS)
    assert bench.whole is whole
    bench.show_steps(None)
    settle(qtbot, bench)
    assert bench.made is bench.whole


def test_error_keeps_recipe_and_parts_and_goes_with_the_next_change(qtbot: QtBot, bench: Workbench) -> None:
    settle(qtbot, bench)
    before = bench.made
    engine_of(bench).problem = "nothing is left"
    bench.add_step(Hollow(), "add")
    qtbot.waitUntil(lambda: bench.error is not None, timeout=PATIENCE_MS)
    assert bench.made is before
    assert bench.recipe.steps == (Hollow(),)
    assert not bench.is_current
    engine_of(bench).problem = ""
    bench.undo()
    settle(qtbot, bench)
    assert bench.error is None


def test_stopped_work_leaves_what_was_shown(qtbot: QtBot, bench: Workbench) -> None:
    settle(qtbot, bench)
    before = bench.made
    engine_of(bench).gate.clear()
    bench.add_step(Merge(), "add")
    qtbot.waitUntil(lambda: len(engine_of(bench).asked) == 2, timeout=PATIENCE_MS)
    bench.stop()
    qtbot.waitUntil(lambda: not bench.is_busy, timeout=PATIENCE_MS)
    assert bench.made is before
    assert not bench.is_current


def test_other_labels_keep_the_recipe_and_tell_what_is_missing(qtbot: QtBot, bench: Workbench) -> None:
    bench.change(PrintRecipe(structures=("left_box", "heart")), "structures")
    settle(qtbot, bench)
    assert bench.missing == ("heart",)
    only_left = boxes_map().only(["left_box"])
    bench.show_labels(only_left)
    settle(qtbot, bench)
    assert bench.made is not None
    assert [each.structure.label for each in bench.made.parts] == [LEFT_BOX]
    bench.show_labels(None)
    assert not bench.is_current
    assert bench.recipe == PrintRecipe(structures=("left_box", "heart"))


def test_steps_are_added_moved_changed_and_taken_out(qtbot: QtBot, bench: Workbench) -> None:
    bench.add_step(Merge(), "add")
    bench.add_step(Hollow(), "add")
    assert bench.selected == 1
    bench.move_step(1, -1, "order")
    assert bench.recipe == PrintRecipe(steps=(Hollow(), Merge()))
    assert bench.selected == 0
    bench.replace_step(0, Hollow(3.0), "hollow", "wall_mm")
    bench.replace_step(0, Hollow(4.0), "hollow", "wall_mm")
    bench.remove_step(1, "remove")
    assert bench.recipe == PrintRecipe(steps=(Hollow(4.0),))
    bench.undo()
    bench.undo()
    assert bench.recipe == PrintRecipe(steps=(Hollow(), Merge()))
    settle(qtbot, bench)
