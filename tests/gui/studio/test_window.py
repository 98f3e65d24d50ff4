"""The print studio, driven as a person would: ticks, steps, fixes, files; and what it says where something is amiss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSlider,
)
from pytestqt.qtbot import QtBot

from tests.gui.scene.conftest import boxes_map
from tests.gui.studio.conftest import NAMES, PATIENCE_MS, OpenStudio, engine_of, finding, settle
from tsdesktop.core.printing import (
    Cut,
    FillHoles,
    Hollow,
    Label,
    Merge,
    Plate,
    PrintRecipe,
    Scale,
    Step,
    Thicken,
)
from tsdesktop.gui.studio.steps import MENU
from tsdesktop.gui.studio.window import Studio
from tsdesktop.gui.studio.words import stage_words
from tsdesktop.surfaces.preflight import Finding
from tsdesktop.surfaces.smoothing import PRESETS, effect_mm


def tick(studio: Studio, *names: str) -> None:
    """Ticks these structures and no others."""
    box = studio.recipe_panel.structures
    box.none.click()
    for n in range(box.list.count()):
        item = box.list.item(n)
        if item.data(Qt.ItemDataRole.UserRole) in names:
            item.setCheckState(Qt.CheckState.Checked)


def value_of(studio: Studio, step: int, field: str) -> QDoubleSpinBox:
    widget = studio.recipe_panel.steps.cards[step].fields[field]
    assert isinstance(widget, QDoubleSpinBox)
    return widget


def test_ticked_structures_are_the_parts(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio()
    assert studio.recipe_panel.structures.ticked == NAMES
    tick(studio, "back_box")
    settle(qtbot, studio.bench)
    assert studio.bench.recipe.structures == ("back_box",)
    assert [studio.parts.list.item(n).text() for n in range(studio.parts.list.count())] == ["back box"]


def test_with_nothing_ticked_the_recipe_stays_and_a_hint_is_shown(open_studio: OpenStudio) -> None:
    studio = open_studio()
    tick(studio)
    assert studio.bench.recipe.structures == ()
    assert studio.recipe_panel.structures.count.text() == "Tick what is to be printed"


def test_all_ticked_again_means_all_on_other_scans_too(open_studio: OpenStudio) -> None:
    studio = open_studio(recipe=PrintRecipe(structures=("left_box",)))
    studio.recipe_panel.structures.all.click()
    assert studio.bench.recipe.structures == ()


def test_every_step_of_the_menu_is_added_with_its_fields_open(open_studio: OpenStudio) -> None:
    studio = open_studio()
    for kind in (kind for group in MENU for kind in group):
        studio.recipe_panel.steps.add_step(kind)
        (card,) = studio.recipe_panel.steps.cards
        assert [each.kind for each in steps_of(studio)] == [kind]
        assert not card.body.isHidden()
        card.remove.click()
        assert steps_of(studio) == ()


def steps_of(studio: Studio) -> tuple[Step, ...]:
    return studio.bench.recipe.steps


def test_fields_change_the_step_and_keys_take_it_back(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio()
    studio.recipe_panel.steps.add_step("hollow")
    value_of(studio, 0, "wall_mm").setValue(3.5)
    assert steps_of(studio) == (Hollow(3.5),)
    studio.activateWindow()
    qtbot.waitUntil(studio.isActiveWindow, timeout=PATIENCE_MS)
    studio.view.setFocus()
    QTest.keyClick(studio.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert steps_of(studio) == (Hollow(),)
    QTest.keyClick(studio.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert steps_of(studio) == ()
    QTest.keyClick(studio.view, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(studio.view, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert steps_of(studio) == (Hollow(3.5),)
    assert not studio.recipe_panel.redo.isEnabled()


def test_text_of_a_label_that_is_emptied_keeps_the_last_words(open_studio: OpenStudio) -> None:
    studio = open_studio()
    studio.recipe_panel.steps.add_step("label")
    text = studio.recipe_panel.steps.cards[0].fields["text"]
    assert isinstance(text, QLineEdit)
    text.clear()
    QTest.keyClicks(text, "L1")
    text.selectAll()
    QTest.keyClick(text, Qt.Key.Key_Backspace)
    step = studio.bench.recipe.steps[0]
    assert isinstance(step, Label)
    assert step.text == "L1"


def test_steps_change_places_and_stay_open(open_studio: OpenStudio) -> None:
    studio = open_studio(recipe=PrintRecipe(steps=(Merge(), Plate())))
    studio.bench.select(1)
    studio.recipe_panel.steps.cards[1].up.click()
    assert steps_of(studio) == (Plate(), Merge())
    assert not studio.recipe_panel.steps.cards[0].body.isHidden()
    assert not studio.recipe_panel.steps.cards[0].up.isEnabled()


def test_plane_of_a_cut_is_dragged_in_the_preview(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio()
    studio.recipe_panel.steps.add_step("cut")
    settle(qtbot, studio.bench)
    view, bench = studio.view, studio.bench
    before = bench.recipe.steps[0]
    assert isinstance(before, Cut)
    place = frame_place(view)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=place)
    for up in (10, 20):
        QTest.mouseMove(view, place - QPoint(0, up))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=place - QPoint(0, 20))
    after = bench.recipe.steps[0]
    assert isinstance(after, Cut)
    mm_per_px = view.camera.height_mm / view.height()
    assert after.point_ras[2] - before.point_ras[2] == pytest.approx(20 * mm_per_px, rel=0.25)
    assert after.point_ras[:2] == pytest.approx(before.point_ras[:2])
    bench.undo()
    assert bench.recipe.steps[0] == before


def frame_place(view: Any) -> QPoint:
    """A place in the middle of the nearest side of the plane's frame."""
    corners = view._frame_on_screen()
    low = np.argsort(corners[:, 1])[-2:]
    x, y = corners[low].mean(axis=0)
    return QPoint(round(x), round(y))


def test_cut_that_is_not_the_last_step_is_shown_where_it_is_made(qtbot: QtBot, open_studio: OpenStudio) -> None:
    cut = Cut((0.0, 0.0, -260.0), (0.0, 0.0, 1.0))
    studio = open_studio(recipe=PrintRecipe(steps=(cut, Scale(50.0))))
    studio.recipe_panel.steps.cards[0].head.click()
    assert studio.bench.shown_steps == 1
    qtbot.waitUntil(lambda: studio.line.shown.isVisible(), timeout=PATIENCE_MS)
    assert studio.line.shown.text() == "Shown up to step 1 of 2"
    studio.line.show_all.click()
    assert studio.bench.shown_steps is None


def test_plane_of_a_cut_is_moved_with_keys(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio()
    studio.recipe_panel.steps.add_step("cut")
    settle(qtbot, studio.bench)
    before = cut_of(studio).point_ras[2]
    QTest.keyClick(studio.view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(studio.view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(studio.view, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert cut_of(studio).point_ras[2] == pytest.approx(before + 1.0)


def test_what_is_being_done_is_told_in_words() -> None:
    told = [
        stage_words(each) for each in ("hollow", "base plate", "flat side of left kidney", "liver A", "writing", "")
    ]
    assert told == ["Hollow", "Base plate", "left kidney", "liver A", "Writing the files", ""]


def test_cut_goes_along_slices_or_across_the_view(open_studio: OpenStudio) -> None:
    studio = open_studio()
    studio.recipe_panel.steps.add_step("cut")
    plane = studio.recipe_panel.steps.cards[0].plane
    assert plane is not None
    plane.way.segment("sagittal").click()
    assert cut_of(studio).normal_ras == (1.0, 0.0, 0.0)
    plane.across.click()
    assert np.allclose(cut_of(studio).normal_ras, studio.view.camera.turn[2], atol=1e-5)
    assert plane.way.current == ""
    plane.turn.click()
    assert np.allclose(cut_of(studio).normal_ras, -studio.view.camera.turn[2], atol=1e-5)


def cut_of(studio: Studio) -> Cut:
    step = studio.bench.recipe.steps[0]
    assert isinstance(step, Cut)
    return step


def test_bed_is_chosen_or_entered(open_studio: OpenStudio) -> None:
    studio = open_studio()
    printer = studio.recipe_panel.printer
    printer.bed.setCurrentIndex(printer.bed.findData("prusa_mini"))
    printer.bed.activated.emit(printer.bed.currentIndex())
    assert studio.bench.recipe.bed == "prusa_mini"
    assert studio.view.bed_mm == (180.0, 180.0, 180.0)
    printer.bed.setCurrentIndex(1)
    printer.bed.activated.emit(1)
    assert printer.entered.isVisible()
    printer.sides[2].setValue(95.0)
    assert studio.bench.recipe.custom_bed_mm == (180.0, 180.0, 95.0)
    assert studio.bench.recipe.bed == ""


def test_slider_says_its_effect_and_takes_the_place_of_the_preset(open_studio: OpenStudio) -> None:
    studio = open_studio()
    surface = studio.recipe_panel.surface
    faithful_mm = effect_mm(PRESETS["faithful"], (2.0, 2.0, 2.0))
    assert surface.effect.text() == f"Evens out what is narrower than {faithful_mm:.1f} mm"
    surface.slider.setValue(50)
    assert studio.bench.recipe.smoothing_mm == 5.0
    assert surface.effect.text() == "Evens out what is narrower than 5.0 mm"
    assert surface.preset.current == ""
    surface.preset.segment("smooth").click()
    assert studio.bench.recipe == PrintRecipe(smoothing="smooth")


def test_effect_is_that_on_the_grid_the_labels_were_made_on(
    qtbot: QtBot, open_studio: OpenStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsdesktop.surfaces import true_grid

    monkeypatch.setattr(true_grid, "true_spacing_mm", lambda _: (3.0, 3.0, 6.0))
    surface = open_studio().recipe_panel.surface
    faithful_mm = effect_mm(PRESETS["faithful"], (3.0, 3.0, 6.0))
    words = f"Evens out what is narrower than {faithful_mm:.1f} mm"
    qtbot.waitUntil(lambda: surface.effect.text() == words, timeout=PATIENCE_MS)
    assert surface.slider.maximum() == 480


def test_finding_with_a_fix_adds_the_step_that_mends_it(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio()
    give(
        qtbot,
        studio,
        finding("some_thin", "warning", "thicken", wall_mm=0.4, limit_mm=0.8, process="FDM"),
    )
    line = studio.checks.rows[0]
    assert line.text.text() == "The thinnest wall is 0.4 mm, less than the 0.8 mm that hold (FDM)."
    assert line.fix is not None
    line.fix.click()
    assert [each.kind for each in studio.bench.recipe.steps] == ["thicken"]
    studio.bench.undo()
    assert steps_of(studio) == ()


def test_finding_on_a_mesh_is_mended_on_that_part(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio()
    give(qtbot, studio, finding("open", "bad", "fill", edges=4))
    studio.parts.list.setCurrentRow(1)
    fix = studio.checks.rows[0].fix
    assert fix is not None
    fix.click()
    qtbot.waitUntil(lambda: bool(engine_of(studio.bench).mended), timeout=PATIENCE_MS)
    assert engine_of(studio.bench).mended == [1]
    assert steps_of(studio) == ()
    settle(qtbot, studio.bench)


def test_fix_that_the_recipe_has_already_is_told(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio(recipe=PrintRecipe(steps=(Thicken(0.8),)))
    thin = finding("some_thin", "warning", "thicken", wall_mm=0.4, limit_mm=0.8, process="FDM")
    small = finding("small_pieces", "warning", "remove-small-pieces", pieces=2, small=1, percent=1)
    give(qtbot, studio, thin, small)
    for row in studio.checks.rows[:2]:
        assert row.fix is not None
        row.fix.click()
    assert studio.said.text().startswith("The recipe does that already")
    assert [each.kind for each in steps_of(studio)] == ["remove-islands", "thicken"]


def give(qtbot: QtBot, studio: Studio, *findings: Finding) -> None:
    """Lets the checks find this from now on."""
    engine_of(studio.bench).findings = (*findings, finding("closed", "good"))
    studio.bench.make_again()
    settle(qtbot, studio.bench)
    qtbot.waitUntil(lambda: len(studio.checks.rows) == len(findings) + 1, timeout=PATIENCE_MS)


def test_error_is_one_sentence_and_the_recipe_stays(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio()
    engine_of(studio.bench).problem = "nothing is left"
    studio.recipe_panel.steps.add_step("hollow")
    qtbot.waitUntil(studio.line.error.isVisible, timeout=PATIENCE_MS)
    assert "nothing is left" in studio.line.error.text()
    assert steps_of(studio) == (Hollow(),)
    assert not studio.export.export.isEnabled()
    engine_of(studio.bench).problem = ""
    studio.line.again.click()
    settle(qtbot, studio.bench)
    assert not studio.line.error.isVisible()


def test_stopped_work_can_be_taken_up_again(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio()
    engine_of(studio.bench).gate.clear()
    studio.recipe_panel.steps.add_step("hollow")
    qtbot.waitUntil(studio.line.cancel.isVisible, timeout=PATIENCE_MS)
    studio.line.cancel.click()
    qtbot.waitUntil(studio.line.again.isVisible, timeout=PATIENCE_MS)
    assert studio.line.error.text().startswith("Stopped")
    assert not studio.export.export.isEnabled()
    engine_of(studio.bench).gate.set()
    studio.line.again.click()
    settle(qtbot, studio.bench)
    assert not studio.line.again.isVisible()


def test_note_of_a_step_that_took_a_structure_away_is_a_line(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio(recipe=PrintRecipe(steps=(Merge(), FillHoles(), Hollow())))
    assert "Nothing of x is left" in studio.line.notes.text()
    studio.bench.undo()
    studio.bench.remove_step(0, "remove")
    settle(qtbot, studio.bench)
    assert not studio.line.notes.isVisible()


def test_labels_that_are_closed_leave_the_recipe(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio(recipe=PrintRecipe(steps=(Merge(),)))
    studio.show_labels(None)
    assert studio.parts.list.count() == 0
    assert not studio.export.export.isEnabled()
    assert steps_of(studio) == (Merge(),)
    studio.show_labels(boxes_map())
    settle(qtbot, studio.bench)
    assert studio.parts.list.count() == 3


def test_every_control_has_a_name_and_takes_the_keyboard(open_studio: OpenStudio) -> None:
    studio = open_studio()
    for kind in ("hollow", "cut", "label", "plate"):
        studio.recipe_panel.steps.add_step(kind)
    kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QSlider, QCheckBox)
    for widget in (each for kind in kinds for each in studio.findChildren(kind)):
        if widget.isVisibleTo(studio) and widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
            assert widget.accessibleName() or getattr(widget, "text", str)(), widget
    assert studio.minimumWidth() <= 1280
    assert studio.minimumHeight() <= 800


def test_escape_does_not_close_the_window(open_studio: OpenStudio) -> None:
    studio = open_studio()
    QTest.keyClick(studio, Qt.Key.Key_Escape)
    assert studio.isVisible()


def test_closing_keeps_the_recipe_for_the_next_time(qtbot: QtBot, open_studio: OpenStudio) -> None:
    studio = open_studio()
    studio.recipe_panel.steps.add_step("merge")
    with qtbot.waitSignal(studio.recipe_kept) as heard:
        assert studio.close()
    assert not studio.isVisible()
    assert heard.args == [PrintRecipe(steps=(Merge(),))]
