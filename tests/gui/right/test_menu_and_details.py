"""The context menu's entries do what they say; the details say what is true."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt, QTranslator
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from tests.gui.right.bench import BOXES, Bench, classes, labels_of, whole_body
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.volume import Volume
from tsdesktop.gui import theme
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.panels.structure_colour import ColourBox
from tsdesktop.gui.panels.structure_menu import structure_menu

ALL = set(BOXES)
CTRL = Qt.KeyboardModifier.ControlModifier


def open_menu(bench: Bench, name: str) -> QMenu:
    """A click of the secondary button, as the desktop sends it."""
    view = bench.panel.list
    bench.click(name, button=Qt.MouseButton.RightButton)
    at = view.places(view.rows.index_of(name)).text.center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, view.viewport().mapToGlobal(at))
    QApplication.sendEvent(view.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def test_the_menu_is_for_the_row_and_moves_nothing(bench: Bench, chosen_action: Callable[[str], None]) -> None:
    before = tuple(bench.session.cursor_ras)
    open_menu(bench, "liver")
    assert bench.session.selected == bench.label("liver") and tuple(bench.session.cursor_ras) == before
    chosen_action("Go there")
    assert tuple(bench.session.cursor_ras) != before


def test_show_only_this_and_back(bench: Bench, chosen_action: Callable[[str], None]) -> None:
    bench.click("aorta", "eye")
    open_menu(bench, "liver")
    chosen_action("Show only this")
    assert bench.visible() == {"liver"}
    open_menu(bench, "liver")
    chosen_action("Show others as before")
    assert bench.visible() == ALL - {"aorta"}


def test_hide_show_and_show_all(bench: Bench, chosen_action: Callable[[str], None]) -> None:
    menu = open_menu(bench, "liver")
    assert not next(each for each in menu.actions() if each.text() == "Show all").isEnabled()
    chosen_action("Hide liver")
    assert bench.visible() == ALL - {"liver"}
    open_menu(bench, "liver")
    chosen_action("Show liver")
    assert bench.visible() == ALL
    bench.panel.head.hide_all.click()
    open_menu(bench, "liver")
    chosen_action("Show all")
    assert bench.visible() == ALL


def test_the_menu_is_for_all_selected(bench: Bench, chosen_action: Callable[[str], None], qtbot: QtBot) -> None:
    bench.click("kidney_left")
    bench.click("kidney_right", keys=CTRL)
    open_menu(bench, "kidney_right")
    chosen_action("Hide 2 structures")
    assert bench.visible() == ALL - {"kidney_left", "kidney_right"}
    open_menu(bench, "kidney_right")
    labels = (bench.label("kidney_left"), bench.label("kidney_right"))
    with qtbot.waitSignal(bench.panel.export_wanted) as export:
        chosen_action("Export 2 structures")
    assert export.args == [labels]
    open_menu(bench, "liver")
    chosen_action("Hide liver")
    assert "liver" not in bench.visible()


def test_opacity_in_the_menu(bench: Bench) -> None:
    menu = open_menu(bench, "liver")
    submenu = next(inner for each in menu.actions() if isinstance(inner := each.menu(), QMenu))
    assert [(each.text(), each.isChecked()) for each in submenu.actions()] == [
        ("100 %", True),
        ("60 %", False),
        ("30 %", False),
    ]
    submenu.actions()[2].trigger()
    menu.close()
    assert bench.session.looks[bench.label("liver")].opacity == 0.3
    bench.session.undo_stack.undo()
    assert bench.session.looks[bench.label("liver")].opacity == 1.0


def test_colour_in_the_menu(bench: Bench, chosen_action: Callable[[str], None]) -> None:
    open_menu(bench, "liver")
    chosen_action("Colour")
    box = QApplication.activePopupWidget()
    assert isinstance(box, ColourBox)
    box.close()


def test_copied_numbers_are_a_table(bench: Bench, chosen_action: Callable[[str], None]) -> None:
    open_menu(bench, "stomach")
    chosen_action("Copy numbers")
    head, row = (line.split("\t") for line in QGuiApplication.clipboard().text().split("\n"))
    told = dict(zip(head, row, strict=True))
    inside = bench.volume.array[BOXES["stomach"].slices]
    assert told["structure"] == "stomach" and float(told["volume_ml"]) == 10.0 and told["touches_border"] == "yes"
    assert float(told["mean"]) == pytest.approx(inside.mean(), abs=0.01)
    assert float(told["sd"]) == pytest.approx(inside.std(), abs=0.01)


def test_numbers_that_are_not_there_cannot_be_copied(empty_bench: Bench) -> None:
    empty_bench.show(labels_of(BOXES, classes()), numbers=False)
    menu = open_menu(empty_bench, "liver")
    assert not next(each for each in menu.actions() if each.text() == "Copy numbers").isEnabled()
    menu.close()


def test_the_menu_opens_from_the_keyboard(bench: Bench) -> None:
    bench.click("liver")
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0))
    QApplication.sendEvent(bench.panel.list.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu) and any(each.text() == "Hide liver" for each in menu.actions())
    menu.close()


def test_a_menu_for_slices_does_not_stay_behind(bench: Bench, qtbot: QtBot) -> None:
    menu = structure_menu(bench.session, bench.label("liver"), bench.panel)
    heard: list[tuple[int, ...]] = []
    menu.export_wanted.connect(heard.append)
    menu.popup(QPoint(10, 10))
    action = next(each for each in menu.actions() if each.text().startswith("Export liver"))
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    assert heard == [(bench.label("liver"),)]
    qtbot.waitUntil(lambda: not isValid(menu))


def test_details_are_true(bench: Bench) -> None:
    bench.click("kidney_right")
    details, box = bench.panel.details, BOXES["kidney_right"]
    inside = bench.volume.array[box.slices].astype(float)
    texts = {key: value.text() for key, value in details.values.items()}
    assert details.values["volume"].accessibleName() == "Volume: 16.2 ml"
    assert details.title.text() == "kidney right" and details.view.text() == "whole in view"
    assert texts["volume"] == f"{inside.size * 0.02:.1f} ml" == "16.2 ml"
    assert texts["mean"] == f"{decimal(inside.mean(), 0)} ± {decimal(inside.std(), 0)} HU"
    assert texts["median"] == f"{decimal(float(np.median(inside)), 0)} HU"
    assert texts["range"] == f"{decimal(inside.min(), 0)} to {decimal(inside.max(), 0)} HU"
    assert texts["size"] == "18 × 22 × 40 mm"  # noqa: RUF001
    assert texts["snomed"] == "64033007, right" and "24028007" in details.values["snomed"].toolTip()
    assert details.values["size"].toolTip().startswith("R–L × A–P × S–I\n")  # noqa: RUF001
    flags = details.values["snomed"].textInteractionFlags()
    assert flags & Qt.TextInteractionFlag.TextSelectableByMouse


def test_details_say_what_touches_the_border(bench: Bench) -> None:
    bench.click("stomach")
    assert bench.panel.details.view.text() == "touches the border"
    assert bench.panel.details.view.property("role") == "warning"
    bench.click("liver", keys=CTRL)
    assert bench.panel.details.view.text() == "1 at the border"


def test_what_a_structure_does_not_have_takes_no_row(empty_bench: Bench) -> None:
    known = (StructureClass(1, "liver", (200, 90, 60)), structure_class(2, "aorta"), structure_class(3, "spleen"))
    empty_bench.show(labels_of({name: BOXES[name] for name in ("liver", "aorta", "spleen")}, known))
    values = empty_bench.panel.details.values
    for name, rows in (("liver", ()), ("spleen", ("snomed",)), ("aorta", ("snomed",))):
        empty_bench.click(name)
        shown = {key for key in ("snomed", "ta2") if values[key].isVisible()}
        structure = next(each for each in known if each.name == name)
        assert shown == {*rows, *(["ta2"] if structure.ta2_name else [])}
        assert all(values[key].property("title").isVisible() == (key in shown) for key in ("snomed", "ta2"))


def test_sides_are_told_in_the_language_of_the_window(bench: Bench, qapp: QApplication) -> None:
    translator = _Words({"left": "links", "right": "rechts"})
    qapp.installTranslator(translator)
    bench.click("kidney_right")
    assert bench.panel.details.values["snomed"].text() == "64033007, rechts"
    bench.click("aorta")
    assert "," not in bench.panel.details.values["snomed"].text()
    qapp.removeTranslator(translator)


class _Words(QTranslator):
    """Translates a few words of the details."""

    def __init__(self, words: dict[str, str]) -> None:
        super().__init__()
        self._words = words

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, note: str | None = None, number: int = -1) -> str:
        return self._words.get(text, "") if context == "StructureDetails" else ""


@pytest.mark.parametrize("width", [240, 296])
def test_a_long_name_has_two_lines(empty_bench: Bench, width: int) -> None:
    empty_bench.show(whole_body())
    empty_bench.panel.resize(width, 700)
    heights, details = [], empty_bench.panel.details
    for name in ("liver", "portal_vein_and_splenic_vein"):
        empty_bench.session.select(empty_bench.label(name))
        QApplication.processEvents()
        needed = details.title.heightForWidth(details.title.width())
        assert details.title.height() >= needed
        assert not details.title.geometry().intersects(details.view.geometry())
        assert details.title.text() == name.replace("_", " ")
        heights.append(details.height())
    assert heights[1] > heights[0]


def test_the_size_follows_the_axes_of_the_body(bench: Bench) -> None:
    turned = Volume(bench.volume.array.transpose(2, 0, 1), _turned(bench.volume), "MR")
    label_map = labels_of(BOXES, classes())
    bench.session.open_volume(turned)
    bench.volume = turned
    bench.show(type(label_map)(label_map.array.transpose(2, 0, 1), turned.geometry, label_map.classes))
    bench.click("kidney_right")
    assert bench.panel.details.values["size"].text() == "18 × 22 × 40 mm"  # noqa: RUF001
    assert "HU" not in bench.panel.details.values["mean"].text()


def _turned(volume: Volume) -> Geometry:
    affine = volume.affine[:, [2, 0, 1, 3]]
    i, j, k = volume.geometry.shape
    return Geometry((k, i, j), affine)


def test_several_are_summed(bench: Bench) -> None:
    bench.click("kidney_left")
    bench.click("kidney_right", keys=CTRL)
    details = bench.panel.details
    assert details.title.text() == "2 structures" and details.values["volume"].text() == "34.2 ml"
    assert not details.values["mean"].isVisible() and not details.go_there.isVisible()
    assert details.view.text() == "whole in view"


def test_details_buttons(bench: Bench, qtbot: QtBot) -> None:
    bench.click("liver")
    bench.session.move_cursor(np.zeros(3))
    before = tuple(bench.session.cursor_ras)
    QTest.mouseClick(bench.panel.details.go_there, Qt.MouseButton.LeftButton)
    assert tuple(bench.session.cursor_ras) != before
    with qtbot.waitSignal(bench.panel.export_wanted) as export:
        QTest.mouseClick(bench.panel.details.export, Qt.MouseButton.LeftButton)
    assert export.args == [(bench.label("liver"),)]


def test_details_wait_for_numbers_in_place(empty_bench: Bench) -> None:
    empty_bench.show(labels_of(BOXES, classes()), numbers=False)
    empty_bench.click("liver")
    details = empty_bench.panel.details
    assert details.values["volume"].text() == details.values["size"].text() == "\u2014"
    assert details.view.text() == "" and not details.go_there.isEnabled()
    before = details.geometry()
    empty_bench.measure()
    QApplication.processEvents()
    assert details.values["volume"].text() == "160 ml" and details.geometry() == before
    assert details.go_there.isEnabled()


@pytest.mark.parametrize("width", [240, 296, 420])
@pytest.mark.parametrize("worn", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_nothing_is_cut_off(bench: Bench, width: int, worn: theme.Theme, qapp: QApplication) -> None:
    theme.wear(qapp, worn)
    bench.panel.resize(width, 700)
    bench.click("urinary_bladder")
    QApplication.processEvents()
    assert bench.panel.width() == width and bench.panel.minimumSizeHint().width() <= 240
    for each in (bench.panel.head.hide_all, bench.panel.details.export, bench.panel.details.opacity):
        corner = each.mapTo(bench.panel, each.rect().bottomRight())
        assert bench.panel.rect().contains(corner), each.accessibleName()
    picture = bench.panel.grab().toImage()
    assert picture.pixelColor(2, 2) == worn.colour("panel")


def test_icons_follow_the_theme(bench: Bench, qapp: QApplication) -> None:
    theme.wear(qapp, theme.LIGHT)
    QApplication.sendPostedEvents(None, QEvent.Type.PaletteChange.value)
    view = bench.panel.list
    eye = view.places(view.rows.index_of("liver")).eye
    picture = view.viewport().grab(eye).toImage()
    darkest = min(picture.pixelColor(x, y).lightness() for x in range(16) for y in range(16))
    assert darkest < 150
