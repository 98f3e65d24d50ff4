"""Structures, quality and the options of upstream: what is chosen is what runs."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDoubleSpinBox, QMenu, QSpinBox
from pytestqt.qtbot import QtBot

from tests.gui.panels.bench import LeftBench, click, put_here, scan
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.panels.advanced import is_meaningful
from tsdesktop.gui.panels.structure_picker import StructureBox
from tsdesktop.gui.panels.systems import presets_for


def box(left: LeftBench) -> StructureBox:
    """Opens the tree by a click on the row."""
    click(left.panel.structures.row)
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, StructureBox)
    return popup


def tick(opened: StructureBox, title: str) -> None:
    """A click on the box before a structure or a system."""
    item = opened.tree.findItems(title, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)[0]
    opened.tree.scrollToItem(item)
    area = opened.tree.visualItemRect(item)
    QTest.mouseClick(opened.tree.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(area.left() + 8, area.center().y()))
    QApplication.processEvents()


def test_all_structures_without_a_choice(with_ct: LeftBench) -> None:
    opened = box(with_ct)
    assert with_ct.choices.options().roi == ()
    assert opened.tree.ticked() == ()
    assert with_ct.panel.structures.row.text() == "All 117 · choose…"


def test_ticking_a_found_structure(with_ct: LeftBench) -> None:
    opened = box(with_ct)
    QTest.keyClicks(opened.search, "kidney left")
    tick(opened, "kidney left")
    assert with_ct.choices.options().roi == ("kidney_left",)
    assert with_ct.panel.structures.row.text() == "1 of 117 · choose…"


def test_ticking_a_body_system(with_ct: LeftBench) -> None:
    opened = box(with_ct)
    tick(opened, "Pelvis  2")
    assert with_ct.choices.options().roi == ("hip_left", "hip_right")
    tick(opened, "Pelvis  2")
    assert with_ct.choices.options().roi == ()


def test_looking_for_structures_ticks_none(with_ct: LeftBench) -> None:
    opened = box(with_ct)
    tick(opened, "Pelvis  2")
    QTest.keyClicks(opened.search, "rib")
    QApplication.processEvents()
    assert with_ct.choices.options().roi == ("hip_left", "hip_right")


def test_return_ticks_all_that_was_found_beside_what_is_ticked(with_ct: LeftBench) -> None:
    opened = box(with_ct)
    QTest.keyClicks(opened.search, "kidney")
    QTest.keyClick(opened.search, Qt.Key.Key_Return)
    QTest.keyClicks(opened.search, "spleen")
    QTest.keyClick(opened.search, Qt.Key.Key_Return)
    assert set(with_ct.choices.options().roi) >= {"kidney_left", "kidney_right", "spleen"}
    assert "liver" not in with_ct.choices.options().roi


def test_all_is_no_choice(with_ct: LeftBench) -> None:
    opened = box(with_ct)
    tick(opened, "Pelvis  2")
    click(opened.all)
    assert with_ct.choices.options().roi == ()
    click(opened.none)
    assert opened.tree.ticked() == ()


def test_a_choice_saves_networks(with_ct: LeftBench) -> None:
    with_ct.choices.choose_quality("full")
    opened = box(with_ct)
    tick(opened, "Pelvis  2")
    assert opened.note.text().startswith("2 of 117 structures are computed. 1 of 5 networks run, about ")
    assert opened.note.text().endswith(".")


def test_presets_choose(with_ct: LeftBench) -> None:
    click(with_ct.panel.structures.presets)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    action = next(each for each in menu.actions() if each.text().startswith("All ribs"))
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    assert len(with_ct.choices.options().roi) == 24
    assert all(name.startswith("rib_") for name in with_ct.choices.options().roi)


@pytest.mark.parametrize("task", [each for each in catalogue().tasks.values() if each.roi_subset], ids=lambda t: t.name)
def test_every_preset_is_a_choice_of_its_task(left: LeftBench, task: object) -> None:
    left.choices.choose_task(task)  # type: ignore[arg-type]
    presets = presets_for(left.choices.task)
    assert presets
    for preset in presets:
        left.choices.choose_structures(preset.structures)
        left.choices.options().check_for(left.choices.task, [])


def test_tasks_computed_as_a_whole_offer_no_structures(with_ct: LeftBench) -> None:
    with_ct.choose("liver_segments")
    assert not with_ct.panel.structures.isVisible()
    with_ct.panel.open_structure_picker()
    assert QApplication.activePopupWidget() is None


def test_another_task_forgets_structures_and_options(with_ct: LeftBench) -> None:
    with_ct.choices.choose_structures(("liver",))
    with_ct.choices.choose_how("threads", 2, 0)
    with_ct.choose("skin")
    with_ct.choose("total")
    assert with_ct.choices.options() == Options(task="total", fast=True)


def test_quality_by_click_and_by_key(with_ct: LeftBench) -> None:
    draft, fast, full = with_ct.panel.quality.segments
    click(full)
    assert with_ct.choices.options() == Options(task="total")
    click(draft)
    assert with_ct.choices.options() == Options(task="total", fastest=True)
    draft.setFocus()
    QTest.keyClick(draft, Qt.Key.Key_Right)
    assert with_ct.choices.options() == Options(task="total", fast=True)
    assert fast.isChecked() and not draft.isChecked()


def test_each_quality_says_what_it_costs(with_ct: LeftBench) -> None:
    lines = [each.line for each in with_ct.panel.quality.segments]
    assert [line.split(" · ")[0] for line in lines] == ["6 mm", "3 mm", "1.5 mm"]
    assert all(line.endswith((" s", " min")) for line in lines)
    assert "GB of memory" in with_ct.panel.quality.segments[2].toolTip()
    assert "to download" in with_ct.panel.quality.segments[2].toolTip()


def test_full_is_proposed_where_only_its_networks_are(left: LeftBench) -> None:
    put_here("total", "full")
    left.open(scan("CT"))
    assert (left.choices.task.name, left.choices.quality) == ("total", "full")


def opened_options(left: LeftBench) -> dict[str, object]:
    click(left.panel.advanced.toggle)
    return dict(left.panel.advanced.editors)


def test_options_of_upstream(with_ct: LeftBench) -> None:
    editors = opened_options(with_ct)
    robust, order, blobs = editors["robust_crop"], editors["resampling_order"], editors["remove_small_blobs"]
    assert isinstance(robust, QCheckBox) and isinstance(order, QSpinBox) and isinstance(blobs, QDoubleSpinBox)
    QTest.mouseClick(robust, Qt.MouseButton.LeftButton, pos=QPoint(8, robust.height() // 2))
    order.setFocus()
    QTest.keyClick(order, Qt.Key.Key_Up)
    QTest.keyClick(order, Qt.Key.Key_Up)
    blobs.setFocus()
    blobs.selectAll()
    QTest.keyClicks(blobs, "200")
    QTest.keyClick(blobs, Qt.Key.Key_Return)
    expected = Options(task="total", fast=True, robust_crop=True, resampling_order=3, remove_small_blobs=200.0)
    assert with_ct.choices.options() == expected
    assert with_ct.panel.advanced.toggle.text() == "Advanced options · 3"


def test_one_way_of_smoothing_excludes_the_other(with_ct: LeftBench) -> None:
    editors = opened_options(with_ct)
    new, old = editors["smooth_labels"], editors["smooth_labels_legacy"]
    assert isinstance(new, QCheckBox) and isinstance(old, QCheckBox)
    new.click()
    old.click()
    assert with_ct.choices.options().smooth_labels_legacy
    assert not with_ct.choices.options().smooth_labels and not new.isChecked()


def test_small_networks_go_with_every_quality(with_ct: LeftBench) -> None:
    with_ct.choose("total_v3")
    size = opened_options(with_ct)["model_size"]
    assert isinstance(size, QComboBox)
    size.setCurrentText("small")
    for segment in with_ct.panel.quality.segments:
        click(segment)
        with_ct.choices.options().check_for(with_ct.choices.task, [])
    assert with_ct.choices.options() == Options(task="total_v3", model_size="small")


def test_only_options_that_mean_something_are_offered() -> None:
    tasks = catalogue().tasks
    assert is_meaningful("bone_threshold_hu", tasks["bone"]) and not is_meaningful("threads", tasks["bone"])
    assert not is_meaningful("bone_threshold_hu", tasks["total"])
    assert is_meaningful("body_crop", tasks["total"]) and not is_meaningful("body_crop", tasks["total_mr"])
    assert not is_meaningful("model_size", tasks["total"])


def test_the_bone_threshold(with_ct: LeftBench) -> None:
    with_ct.choose("bone")
    threshold = opened_options(with_ct)["bone_threshold_hu"]
    assert isinstance(threshold, QDoubleSpinBox)
    threshold.setValue(350)
    assert with_ct.choices.options() == Options(task="bone", bone_threshold_hu=350.0)


def test_down_goes_from_the_search_into_what_was_found_and_up_comes_back(with_ct: LeftBench) -> None:
    opened = box(with_ct)
    QTest.keyClicks(opened.search, "aorta")
    QTest.keyClick(opened.search, Qt.Key.Key_Down)
    current = opened.tree.currentItem()
    assert opened.tree.hasFocus() and current is not None and current.text(0) == "aorta"
    QTest.keyClick(opened.tree, Qt.Key.Key_Space)
    QApplication.processEvents()
    assert with_ct.choices.options().roi == ("aorta",)
    QTest.keyClick(opened.tree, Qt.Key.Key_Up)
    QTest.keyClick(opened.tree, Qt.Key.Key_Up)
    assert opened.search.hasFocus()


def test_systems_say_how_many_of_theirs_were_found(with_ct: LeftBench) -> None:
    tree = box(with_ct).tree
    tree.filter("aorta")
    systems = [tree.topLevelItem(n) for n in range(tree.topLevelItemCount())]
    assert [each.text(0) for each in systems if each is not None and not each.isHidden()] == ["Vessels  1 of 16"]
    tree.filter("")
    assert tree.findItems("Vessels  16", Qt.MatchFlag.MatchExactly)


def test_options_that_are_opened_come_into_sight(with_ct: LeftBench, qtbot: QtBot) -> None:
    panel = with_ct.panel
    panel.resize(320, 560)
    QApplication.processEvents()
    panel.advanced.toggle.setFocus()
    QTest.keyClick(panel.advanced.toggle, Qt.Key.Key_Space)

    def in_sight() -> bool:
        last = list(panel.advanced.editors.values())[-1]
        return not last.visibleRegion().isEmpty() and not panel.advanced.toggle.visibleRegion().isEmpty()

    qtbot.waitUntil(in_sight)
