"""Eyes, solo, colours and opacity, by clicks and keys; each is one step to undo."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QColorDialog
from pytestqt.qtbot import QtBot

from tests.gui.right.bench import BOXES, Bench, classes, labels_of
from tsdesktop.gui.panels.structure_colour import PALETTE, ColourBox
from tsdesktop.gui.panels.structure_details import OpacityRow

ALL = set(BOXES)
ALT, CTRL, SHIFT = (
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


def test_an_eye_hides_and_undo_shows_again(bench: Bench) -> None:
    bench.click("liver", "eye")
    assert bench.visible() == ALL - {"liver"}
    assert bench.session.undo_stack.undoText() == "hide liver"
    bench.session.undo_stack.undo()
    assert bench.visible() == ALL
    bench.session.undo_stack.redo()
    bench.click("liver", "eye")
    assert bench.visible() == ALL and bench.session.undo_stack.undoText() == "show liver"


def test_an_eye_does_not_select(bench: Bench) -> None:
    bench.click("liver", "eye")
    assert bench.session.selected is None and not bench.panel.details.isVisible()


def test_two_quick_clicks_on_an_eye_are_two(bench: Bench) -> None:
    view = bench.panel.list
    at = view.places(view.rows.index_of("liver")).eye.center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert bench.session.undo_stack.count() == 2 and "liver" in bench.visible()


@pytest.mark.parametrize("keys", [ALT, CTRL])
def test_solo_shows_one_and_again_what_was_there_before(bench: Bench, keys: Qt.KeyboardModifier) -> None:
    bench.click("spleen", "eye")
    bench.click("aorta", "eye", keys)
    assert bench.visible() == {"aorta"}
    assert bench.session.undo_stack.undoText() == "show only aorta"
    bench.click("liver", "eye", keys)
    assert bench.visible() == {"liver"}
    bench.click("liver", "eye", keys)
    assert bench.visible() == {"aorta"}
    bench.session.undo_stack.setIndex(1)
    assert bench.visible() == ALL - {"spleen"}
    bench.click("aorta", "eye", keys)
    bench.click("aorta", "eye", keys)
    assert bench.visible() == ALL - {"spleen"}


def test_solo_again_shows_all_where_nothing_else_was_there(bench: Bench) -> None:
    bench.panel.head.hide_all.click()
    bench.click("aorta", "eye")
    bench.click("aorta", "eye", ALT)
    assert bench.visible() == ALL


def test_the_eye_of_a_body_system_is_for_all_in_it(bench: Bench) -> None:
    bench.click("digestive", "eye")
    assert bench.visible() == ALL - {"liver", "spleen", "stomach"}
    assert bench.session.undo_stack.undoText() == "hide Digestive and spleen"
    bench.click("liver", "eye")
    bench.click("digestive", "eye")
    assert bench.visible() == ALL
    bench.click("digestive", "eye", ALT)
    assert bench.visible() == {"liver", "spleen", "stomach"}


def test_space_is_for_every_selected_row(bench: Bench) -> None:
    bench.click("kidney_left")
    bench.click("kidney_right", keys=CTRL)
    bench.click("aorta", keys=CTRL)
    bench.press(Qt.Key.Key_Space)
    assert bench.visible() == ALL - {"kidney_left", "kidney_right", "aorta"}
    assert bench.session.undo_stack.undoText() == "hide 3 structures"
    bench.press(Qt.Key.Key_Space)
    assert bench.visible() == ALL
    bench.click("aorta", "eye")
    assert bench.visible() == ALL - {"kidney_left", "kidney_right", "aorta"}


def test_delete_does_nothing(bench: Bench) -> None:
    bench.click("liver")
    bench.press(Qt.Key.Key_Delete)
    assert bench.session.undo_stack.count() == 0 and len(bench.rows()) == 10


def test_show_and_hide_all_are_for_what_the_filter_leaves(bench: Bench) -> None:
    bench.panel.head.hide_all.click()
    assert bench.visible() == set()
    QTest.keyClicks(bench.panel.head.filter, "kidney")
    assert bench.panel.head.show_all.text() == "Show these"
    bench.panel.head.show_all.click()
    assert bench.visible() == {"kidney_left", "kidney_right"}
    bench.panel.head.filter.clear()
    bench.panel.head.show_all.click()
    assert bench.visible() == ALL and bench.session.undo_stack.undoText() == "show all structures"


def opened_box(bench: Bench, name: str) -> ColourBox:
    bench.click(name, "swatch")
    box = QApplication.activePopupWidget()
    assert isinstance(box, ColourBox)
    return box


def test_a_colour_is_chosen_by_a_click(bench: Bench) -> None:
    before = bench.session.looks[bench.label("liver")].rgb
    box = opened_box(bench, "liver")
    QTest.mouseClick(box.buttons[14], Qt.MouseButton.LeftButton)
    wanted = QColor(PALETTE[14])
    assert bench.session.looks[bench.label("liver")].rgb == (wanted.red(), wanted.green(), wanted.blue())
    assert bench.session.undo_stack.undoText() == "colour of liver"
    bench.session.undo_stack.undo()
    assert bench.session.looks[bench.label("liver")].rgb == before
    assert bench.session.selected is None


def test_a_colour_is_chosen_by_keys_and_given_back(bench: Bench) -> None:
    box = opened_box(bench, "liver")
    box.buttons[0].setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Return):
        QTest.keyClick(QApplication.focusWidget() or box, key)
    chosen = QColor(PALETTE[7])
    assert bench.session.looks[bench.label("liver")].rgb == (chosen.red(), chosen.green(), chosen.blue())
    opened_box(bench, "liver").own.click()
    assert bench.session.looks[bench.label("liver")].rgb == classes()[0].rgb


def test_any_other_colour_is_tried_out_live(bench: Bench, qtbot: QtBot) -> None:
    label = bench.label("liver")
    before = bench.session.looks[label].rgb
    opened_box(bench, "liver").more.click()
    dialog = bench.panel.findChild(QColorDialog)
    assert dialog is not None and not dialog.isModal()
    dialog.setCurrentColor(QColor(1, 2, 3))
    assert bench.session.looks[label].rgb == (1, 2, 3) and bench.session.undo_stack.count() == 0
    dialog.reject()
    assert bench.session.looks[label].rgb == before and bench.session.undo_stack.count() == 0
    opened_box(bench, "liver").more.click()
    dialog = next(each for each in bench.panel.findChildren(QColorDialog) if each.isVisible())
    dialog.setCurrentColor(QColor(9, 8, 7))
    dialog.accept()
    assert bench.session.looks[label].rgb == (9, 8, 7)
    bench.session.undo_stack.undo()
    assert bench.session.looks[label].rgb == before


def test_a_colour_dialog_closes_when_its_labels_go(bench: Bench) -> None:
    opened_box(bench, "liver").more.click()
    dialog = bench.panel.findChild(QColorDialog)
    assert dialog is not None
    dialog.setCurrentColor(QColor(1, 2, 3))
    bench.session.close_labels()
    assert not dialog.isVisible() and bench.session.looks == {}


def slide(row: OpacityRow, *steps: int) -> None:
    """Drags the handle by these steps."""
    slider = row.slider
    reach = slider.width() - 14
    start = QPoint(7 + round(reach * (slider.value() - slider.minimum()) / 95), slider.height() // 2)
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for step in steps:
        QTest.mouseMove(slider, start + QPoint(step, 0))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=start + QPoint(steps[-1], 0))


def test_a_drag_of_the_opacity_is_one_step(bench: Bench) -> None:
    bench.click("liver")
    label, row = bench.label("liver"), bench.panel.details.opacity
    seen: list[float] = []
    bench.session.looks_changed.connect(lambda: seen.append(bench.session.looks[label].opacity))
    slide(row, -10, -30, -60)
    low = bench.session.looks[label].opacity
    assert low < 0.7 and len({*seen}) >= 3
    assert bench.session.undo_stack.count() == 1 and bench.session.undo_stack.undoText() == "opacity of liver"
    bench.session.undo_stack.undo()
    assert bench.session.looks[label].opacity == 1.0 and row.slider.value() == 100
    bench.session.undo_stack.redo()
    assert bench.session.looks[label].opacity == low


def test_keys_on_the_opacity_become_one_step_after_a_pause(bench: Bench, qtbot: QtBot) -> None:
    bench.click("liver")
    slider = bench.panel.details.opacity.slider
    for _ in range(3):
        QTest.keyClick(slider, Qt.Key.Key_PageDown)
    assert bench.session.looks[bench.label("liver")].opacity == pytest.approx(0.7)
    qtbot.waitUntil(lambda: bench.session.undo_stack.count() == 1)
    bench.session.undo_stack.undo()
    assert bench.session.looks[bench.label("liver")].opacity == 1.0


def test_opacity_moved_for_one_is_kept_when_another_is_selected(bench: Bench) -> None:
    bench.click("liver")
    QTest.keyClick(bench.panel.details.opacity.slider, Qt.Key.Key_PageDown)
    bench.click("aorta")
    assert bench.session.undo_stack.count() == 1
    assert bench.session.looks[bench.label("liver")].opacity == pytest.approx(0.9)
    assert bench.panel.details.opacity.slider.value() == 100


def test_opacity_of_labels_that_went_is_not_given_to_others(bench: Bench) -> None:
    bench.click("liver")
    QTest.keyClick(bench.panel.details.opacity.slider, Qt.Key.Key_PageDown)
    others = tuple(reversed(classes()))
    renumbered = tuple(type(each)(n, each.name, each.rgb, system=each.system) for n, each in enumerate(others, 1))
    bench.show(labels_of(BOXES, renumbered))
    bench.click("aorta")
    looks = {each.name: bench.session.looks[each.label].opacity for each in renumbered}
    assert {name for name, opacity in looks.items() if opacity < 1} == {"liver"}
    assert bench.session.undo_stack.count() == 0
