"""Rows: what is there, in which order, how they are found, selected and kept in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QFontMetrics, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from tests.gui.right.bench import ABSENT, BOXES, Bench, classes, labels_of, whole_body
from tsdesktop.core.geometry import Box
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.gui import theme, translation
from tsdesktop.gui.panels.structure_list_names import fitted_name
from tsdesktop.gui.words import structure_title

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def groups(bench: Bench) -> dict[str, list[str]]:
    """What stands under each body system, in the order of the rows."""
    rows = bench.panel.list.rows
    found = {}
    for n in range(rows.rowCount()):
        parent = rows.index(n, 0)
        members = [rows.structure(rows.index(m, 0, parent)) for m in range(rows.rowCount(parent))]
        found[str(rows.data(parent))] = [each.name for each in members if each]
    return found


def test_only_what_was_found_has_a_row(bench: Bench) -> None:
    assert set(bench.rows()) == set(BOXES) and not set(ABSENT) & set(bench.rows())


def test_rows_stand_by_body_system_in_its_order(bench: Bench) -> None:
    assert groups(bench) == {
        "Vessels": ["aorta"],
        "Digestive and spleen": ["liver", "spleen", "stomach"],
        "Urinary": ["kidney_left", "kidney_right", "urinary_bladder"],
        "Spine": ["vertebrae_L1", "vertebrae_L2"],
        "Pelvis": ["hip_left"],
    }


def test_sorted_by_volume_the_largest_is_first(bench: Bench) -> None:
    bench.panel.head.by_volume.click()
    sizes = {name: int(np.prod(box.shape)) for name, box in BOXES.items()}
    assert bench.rows() == sorted(sizes, key=lambda name: -sizes[name])
    assert bench.panel.list.rows.rowCount() == 10
    bench.panel.head.by_name.click()
    assert list(groups(bench)) == ["Vessels", "Digestive and spleen", "Urinary", "Spine", "Pelvis"]


def test_sorted_by_volume_before_the_numbers_come(empty_bench: Bench) -> None:
    empty_bench.show(labels_of(BOXES, classes()), numbers=False)
    empty_bench.panel.head.by_volume.click()
    assert empty_bench.rows()[0] == "aorta"
    empty_bench.measure()
    assert empty_bench.rows()[0] == "liver"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("kid", ["kidney_left", "kidney_right"]),
        ("left kidn", ["kidney_left"]),
        ("kidny", ["kidney_left", "kidney_right"]),
        ("bladder urin", ["urinary_bladder"]),
        ("vertebra l", ["vertebrae_L1", "vertebrae_L2"]),
        ("pancreas", []),
    ],
)
def test_filter(bench: Bench, typed: str, found: list[str]) -> None:
    QTest.keyClicks(bench.panel.head.filter, typed)
    assert bench.rows() == found
    assert bench.panel.nothing.isVisible() is (not found)
    QTest.keyClick(bench.panel.head.filter, Qt.Key.Key_Escape)
    assert len(bench.rows()) == 10 and bench.panel.list.isVisible()


def test_filter_by_an_anatomical_name(empty_bench: Bench) -> None:
    known = (structure_class(1, "aorta"), structure_class(2, "adrenal_gland_left"))
    assert known[1].ta2_name == "suprarenal gland"
    box = Box((2, 2, 2), (4, 4, 4))
    empty_bench.show(labels_of({"aorta": box, "adrenal_gland_left": Box((9, 9, 9), (12, 12, 12))}, known))
    QTest.keyClicks(empty_bench.panel.head.filter, "suprarenal")
    assert empty_bench.rows() == ["adrenal_gland_left"]


def test_return_in_the_filter_goes_to_the_first_found(bench: Bench) -> None:
    QTest.keyClicks(bench.panel.head.filter, "spleen")
    QTest.keyClick(bench.panel.head.filter, Qt.Key.Key_Return)
    assert bench.session.selected == bench.label("spleen")


def centre(name: str) -> tuple[float, ...]:
    """The middle of a box in the world, on the voxel that the crosshair takes."""
    box = BOXES[name]
    index = [(a + b - 1) / 2 for a, b in zip(box.start, box.stop, strict=True)]
    return -2.0 * index[0] + 60, 2.5 * index[1] - 40, 4.0 * index[2] + 10


def test_a_click_selects_and_moves_the_crosshair_to_the_centre(bench: Bench) -> None:
    bench.click("kidney_right")
    assert bench.session.selected == bench.label("kidney_right")
    assert bench.session.cursor_ras == pytest.approx(centre("kidney_right"), abs=2.01)
    bench.session.move_cursor(np.zeros(3))
    bench.click("kidney_right")
    assert bench.session.cursor_ras == pytest.approx(centre("kidney_right"), abs=2.01)


def test_a_selection_from_elsewhere_is_highlighted_and_scrolled_to(empty_bench: Bench) -> None:
    empty_bench.show(whole_body())
    assert len(empty_bench.rows()) == 117
    for name in ("rib_right_9", "aorta", "gluteus_minimus_left", "vertebrae_T7", "brain"):
        empty_bench.session.select(empty_bench.label(name))
        view = empty_bench.panel.list
        assert [view.rows.structure(index).name for index in view.selectedIndexes()] == [name]  # type: ignore[union-attr]
        assert empty_bench.is_seen(name), name
    empty_bench.session.select(None)
    assert not empty_bench.panel.list.selectedIndexes()


def test_a_selection_opens_its_body_system(bench: Bench) -> None:
    bench.click("urinary")
    assert not bench.is_seen("kidney_left")
    bench.session.select(bench.label("kidney_left"))
    assert bench.is_seen("kidney_left")


def test_several_are_selected_with_ctrl_and_shift(bench: Bench) -> None:
    names = ["kidney_left", "kidney_right", "urinary_bladder", "vertebrae_L1"]
    bench.click("kidney_left")
    bench.click("vertebrae_L1", keys=SHIFT)
    assert bench.panel.selected_labels == tuple(bench.label(name) for name in names)
    bench.click("kidney_right", keys=CTRL)
    assert bench.panel.selected_labels == tuple(bench.label(name) for name in names if name != "kidney_right")
    bench.click("liver")
    assert bench.panel.selected_labels == (bench.label("liver"),)


def test_list_and_session_mark_the_same(bench: Bench) -> None:
    bench.click("kidney_left")
    bench.click("kidney_right", keys=CTRL)
    both = tuple(bench.label(name) for name in ("kidney_left", "kidney_right"))
    assert bench.session.marked == frozenset(both)
    assert bench.session.selected == bench.label("kidney_right")
    others = (bench.label("aorta"), bench.label("liver"))
    bench.session.mark(others, others[0])
    assert list(bench.panel.selected_labels) == list(others)
    rows = bench.panel.list.selectedIndexes()
    assert {bench.panel.list.rows.labels(each) for each in rows} == {(label,) for label in others}
    assert bench.panel.details.title.text() == "2 structures"
    bench.session.select(others[1])
    assert list(bench.panel.selected_labels) == [others[1]]


def test_several_stay_marked_in_a_refined_result(bench: Bench) -> None:
    bench.click("kidney_left")
    bench.click("spleen", keys=CTRL)
    bench.click("kidney_right", keys=CTRL)
    bench.show(labels_of({name: box for name, box in BOXES.items() if name != "spleen"}, classes()))
    assert bench.panel.selected_labels == tuple(bench.label(name) for name in ("kidney_left", "kidney_right"))
    assert bench.session.selected == bench.label("kidney_right")


def test_what_the_filter_hides_stays_selected(bench: Bench) -> None:
    bench.click("liver")
    QTest.keyClicks(bench.panel.head.filter, "kidney")
    assert bench.session.selected == bench.label("liver") == bench.panel.selected_labels[0]
    assert bench.panel.details.title.text() == "liver"
    bench.panel.head.filter.clear()
    assert bench.panel.list.selectedIndexes() and bench.is_seen("liver")


def test_keys_alone_reach_everything(bench: Bench) -> None:
    bench.panel.focus_filter()
    QTest.keyClicks(bench.panel.head.filter, "kidney")
    QTest.keyClick(bench.panel.head.filter, Qt.Key.Key_Down)
    assert bench.panel.focusWidget() is bench.panel.list
    bench.press(Qt.Key.Key_Down)
    assert bench.session.selected == bench.label("kidney_right")
    bench.press(Qt.Key.Key_Space)
    assert "kidney_right" not in bench.visible()
    bench.press(Qt.Key.Key_Up)
    bench.session.move_cursor(np.zeros(3))
    bench.press(Qt.Key.Key_Return)
    assert bench.session.selected == bench.label("kidney_left")
    assert bench.session.cursor_ras == pytest.approx(centre("kidney_left"), abs=2.01)
    bench.press(Qt.Key.Key_Escape)
    assert bench.panel.selected_labels == () and not bench.panel.details.isVisible()


def test_going_over_a_body_system_keeps_the_selection(bench: Bench) -> None:
    bench.click("aorta")
    bench.press(Qt.Key.Key_Down)
    assert bench.session.selected == bench.label("aorta")
    bench.press(Qt.Key.Key_Left)
    assert not bench.is_seen("liver")
    bench.press(Qt.Key.Key_Space)
    assert not {"liver", "spleen", "stomach"} & bench.visible()
    bench.press(Qt.Key.Key_Return)
    assert bench.is_seen("liver")


def test_letters_find_a_name(bench: Bench) -> None:
    bench.panel.list.setFocus()
    QTest.keyClicks(bench.panel.list, "sto")
    assert bench.session.selected == bench.label("stomach")


def test_a_click_closes_and_opens_a_body_system(bench: Bench) -> None:
    bench.click("digestive")
    assert not bench.is_seen("liver") and bench.is_seen("kidney_left")
    bench.panel.head.by_volume.click()
    bench.panel.head.by_name.click()
    assert not bench.is_seen("liver")
    bench.click("digestive")
    assert bench.is_seen("liver")


def test_the_border_mark_is_just_where_the_border_is_touched(bench: Bench) -> None:
    rows = bench.panel.list.rows
    marked = {each.name for each in rows.shown if rows.touches_border(each)}
    assert marked == {"stomach", "aorta"}


def painted(bench: Bench, name: str, part: str) -> set[int]:
    """The colours in a part of a row."""
    view = bench.panel.list
    view.scrollTo(view.rows.index_of(name))
    bench.move(QPoint(1, 1))
    area = getattr(view.places(view.rows.index_of(name)), part)
    picture = view.viewport().grab(area).toImage()
    return {picture.pixel(x, y) for x in range(picture.width()) for y in range(picture.height())}


def test_the_mark_is_painted_only_there(bench: Bench) -> None:
    assert len(painted(bench, "stomach", "mark")) > 1 and len(painted(bench, "aorta", "mark")) > 1
    assert len(painted(bench, "liver", "mark")) == 1


def test_a_hidden_row_is_dim(bench: Bench) -> None:
    def brightest(name: str) -> int:
        return max(pixel >> 8 & 255 for pixel in painted(bench, name, "text"))

    before = brightest("liver")
    bench.click("liver", "eye")
    assert brightest("liver") < 0.65 * before
    assert brightest("spleen") == before


def test_swatches_have_the_colours_of_the_session(bench: Bench) -> None:
    red, green, blue = bench.session.looks[bench.label("spleen")].rgb
    assert 0xFF000000 | red << 16 | green << 8 | blue in painted(bench, "spleen", "swatch")


def tooltip(bench: Bench, name: str, part: str) -> str:
    view = bench.panel.list
    at = getattr(view.places(view.rows.index_of(name)), part).center()
    QToolTip.hideText()
    QApplication.sendEvent(view.viewport(), QHelpEvent(QEvent.Type.ToolTip, at, view.viewport().mapToGlobal(at)))
    return QToolTip.text()


def test_tooltips_teach(bench: Bench) -> None:
    assert "border of the scan" in tooltip(bench, "stomach", "mark")
    assert tooltip(bench, "stomach", "eye") == "Hide (Space)\nCtrl+click: show only this; again: as before"
    assert tooltip(bench, "stomach", "swatch") == "Change the colour"
    bench.show(whole_body())
    bench.panel.resize(264, 700)
    assert tooltip(bench, "portal_vein_and_splenic_vein", "text").startswith("portal vein and splenic vein")


def test_rows_say_themselves(bench: Bench) -> None:
    rows = bench.panel.list.rows
    said = {name: rows.data(rows.index_of(name), Qt.ItemDataRole.AccessibleTextRole) for name in BOXES}
    assert said["liver"] == "liver, 160 ml, visible"
    assert said["stomach"] == "stomach, 10.0 ml, touches the border, visible"
    bench.click("liver", "eye")
    parent = rows.index_of("liver").parent()
    assert rows.data(rows.index_of("liver"), Qt.ItemDataRole.AccessibleTextRole) == "liver, 160 ml, hidden"
    assert rows.data(parent, Qt.ItemDataRole.AccessibleTextRole) == "Digestive and spleen, 3 structures, partly hidden"
    interface = QAccessible.queryAccessibleInterface(bench.panel.list)
    spoken = [interface.child(n).text(QAccessible.Text.Name) for n in range(interface.childCount())]
    assert "liver, 160 ml, hidden" in spoken


def test_before_a_run_there_is_one_quiet_line(empty_bench: Bench) -> None:
    panel = empty_bench.panel
    assert panel.nothing.words.isVisible() and "after a run" in panel.nothing.words.text()
    assert not panel.head.isVisible() and not panel.details.isVisible()
    empty_bench.show(labels_of({}, classes()))
    assert "No structure was found" in panel.nothing.words.text()
    empty_bench.show(labels_of(BOXES, classes()))
    assert not panel.nothing.isVisible() and panel.head.filter.placeholderText() == "Filter 10 structures"
    empty_bench.session.close_labels()
    assert "after a run" in panel.nothing.words.text()


def test_numbers_appear_without_moving_anything(empty_bench: Bench) -> None:
    empty_bench.show(whole_body(), numbers=False)
    view = empty_bench.panel.list
    view.verticalScrollBar().setValue(700)
    liver = structure_class(5, "liver")
    assert view.rows.volume_text(liver) == "\u2014"
    before = {name: view.visualRect(view.rows.index_of(name)) for name in empty_bench.rows()}
    empty_bench.measure()
    assert {name: view.visualRect(view.rows.index_of(name)) for name in empty_bench.rows()} == before
    assert view.verticalScrollBar().value() == 700 and view.rows.volume_text(liver).endswith("ml")


def place_of(bench: Bench, name: str) -> int:
    view = bench.panel.list
    return view.visualRect(view.rows.index_of(name)).top()


def test_a_refined_result_keeps_place_selection_and_closed_systems(empty_bench: Bench) -> None:
    draft = whole_body()
    missing = {"iliac_artery_left", "heart", "spleen", "rib_left_3"}
    empty_bench.show(draft.only(each.name for each in draft if each.name not in missing))
    empty_bench.click("lungs")
    empty_bench.click("vertebrae_L3")
    empty_bench.click("vertebrae_L5", keys=CTRL)
    empty_bench.click("liver", "eye")
    view = empty_bench.panel.list
    view.verticalScrollBar().setValue(600)
    shown = next(name for name in empty_bench.rows() if empty_bench.is_seen(name))
    before = place_of(empty_bench, shown)
    empty_bench.show(whole_body(), numbers=False)
    assert place_of(empty_bench, shown) == before
    empty_bench.measure()
    assert place_of(empty_bench, shown) == before and missing <= set(empty_bench.rows())
    names = {each.name for index in view.selectedIndexes() if (each := view.rows.structure(index))}
    assert names == {"vertebrae_L3", "vertebrae_L5"}
    assert not view.isExpanded(view.rows.index_of_system("lungs")) and "liver" not in empty_bench.visible()


def test_a_refined_result_with_other_labels_keeps_names(bench: Bench) -> None:
    bench.click("kidney_left")
    turned = tuple(
        StructureClass(n, each.name, each.rgb, system=each.system) for n, each in enumerate(reversed(classes()), 1)
    )
    bench.show(labels_of(BOXES, turned))
    assert bench.panel.selected_labels == (bench.label("kidney_left"),)
    assert bench.panel.details.title.text() == "kidney left"
    bench.click("liver", "eye")
    assert bench.visible() == set(BOXES) - {"liver"}


def test_what_is_gone_in_the_refined_result_is_selected_no_more(bench: Bench) -> None:
    bench.click("spleen")
    bench.show(labels_of({name: box for name, box in BOXES.items() if name != "spleen"}, classes()))
    assert bench.session.selected is None and bench.panel.selected_labels == ()
    assert not bench.panel.details.isVisible()


def test_a_clicked_row_is_not_covered_by_the_details(empty_bench: Bench) -> None:
    empty_bench.show(whole_body())
    view = empty_bench.panel.list
    lowest = [name for name in empty_bench.rows() if empty_bench.is_seen(name)][-1]
    QTest.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, pos=view.places(view.rows.index_of(lowest)).text.center()
    )
    assert empty_bench.panel.details.isVisible() and empty_bench.is_seen(lowest)


@pytest.fixture(params=["en", "de"])
def _language(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[None]:
    installed = translation.install(qapp, request.param)
    yield
    translation.uninstall(qapp, installed)


@pytest.mark.usefixtures("_language")
@pytest.mark.parametrize("width", [264, 280, 296])
def test_no_two_names_read_the_same_and_all_fit(empty_bench: Bench, width: int) -> None:
    empty_bench.show(whole_body())
    litres = {"lungs": 1_619_000.0, "muscles": 1_088_000.0}
    measured = empty_bench.session.statistics.values()
    usual = [replace(each, volume_mm3=litres.get(each.structure.system, 88_800.0)) for each in measured]
    empty_bench.session.set_statistics(usual)
    empty_bench.panel.resize(width, 700)
    QApplication.processEvents()
    view = empty_bench.panel.list
    names: list[str] = []
    for each in view.rows.shown:
        name, size_px = view.delegate.name(each, at := view.places(view.rows.index_of(each.name)))
        taken = QFontMetrics(theme.base_font(size_px)).horizontalAdvance(name)
        figure = QFontMetrics(theme.base_font()).horizontalAdvance(view.rows.volume_text(each))
        assert at.text.left() + taken < at.text.right() - figure
        assert "…" not in name
        assert name[:2] == structure_title(each)[:2]
        assert name.split()[-1] == structure_title(each).split()[-1] or name.endswith(".")
        names.append(name)
    assert len(names) == len(set(names)) == 117


@pytest.mark.parametrize(
    ("title", "width", "expected"),
    [
        ("liver", 60, "liver"),
        ("gluteus maximus right", 130, "gluteus maximus right"),
        ("gluteus maximus right", 115, "gluteus max. right"),
        ("brachiocephalic vein left", 125, "brachioceph. vein left"),
        ("lung lower lobe right", 110, "lung low. lobe right"),
    ],
)
def test_long_words_are_shortened_and_sides_are_not(empty_bench: Bench, title: str, width: int, expected: str) -> None:
    assert fitted_name(title, width)[0] == expected
