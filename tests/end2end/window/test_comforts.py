"""What people expect of a window: keys, undo, panels that collapse, memory, pickers, pictures, the other language."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QWidget
from pytestqt.qtbot import QtBot

from tests.end2end.window.conftest import Open, drop, wait_for_scan
from tests.scans.series import TEN, write_series
from tsdesktop.core.assets import asset
from tsdesktop.core.settings import Settings, cache_folder, load_settings
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.dialogs.series_picker import SeriesPicker, VolumePicker
from tsdesktop.gui.window import MainWindow, wear_chosen
from tsdesktop.gui.windowing import CT_PRESETS

CTRL, NONE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier


def two_boxes(window: MainWindow) -> LabelMap:
    """A liver on the patient's right and a spleen on the left, as boxes in the open scan."""
    volume = window.session.volume
    assert volume is not None
    array = np.zeros(volume.geometry.shape, np.uint8)
    i, j, k = (n // 4 for n in array.shape)
    array[:i, j : 2 * j, k : 2 * k] = 1
    array[-i:, j : 2 * j, k : 2 * k] = 2
    return LabelMap(array, volume.geometry, (structure_class(1, "liver"), structure_class(2, "spleen")), "total")


@pytest.fixture
def labelled(qtbot: QtBot, window: MainWindow) -> MainWindow:
    """A window with the sample and two labels."""
    window.open_paths([asset("sample/ct.nii.gz")])
    wait_for_scan(qtbot, window)
    window.session.show_labels(two_boxes(window))
    qtbot.waitUntil(lambda: bool(window.session.statistics), timeout=20_000)
    return window


def focused_view(window: MainWindow) -> QWidget:
    view = window.centre.slices["axial"]
    view.setFocus()
    QApplication.processEvents()
    return view


def test_keys_of_the_views(qtbot: QtBot, labelled: MainWindow) -> None:
    view = focused_view(labelled)
    QTest.keyClick(view, Qt.Key.Key_2)
    assert labelled.session.window == CT_PRESETS[1][1]
    QTest.keyClick(view, Qt.Key.Key_G)
    assert not labelled.session.display.show_labels
    QTest.keyClick(view, Qt.Key.Key_N)
    assert not labelled.session.display.radiological
    QTest.keyClick(view, Qt.Key.Key_F7)
    assert labelled.centre.grid.layout_name == "3d"
    QTest.keyClick(view, Qt.Key.Key_D)
    assert str(labelled.centre.measurements.tool) == "distance"
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert str(labelled.centre.measurements.tool) == ""


def test_escape_puts_the_tool_down_and_then_selects_no_measurement(labelled: MainWindow) -> None:
    view, measurements = focused_view(labelled), labelled.centre.measurements
    QTest.keyClick(view, Qt.Key.Key_D)
    for place in (QPoint(60, 80), QPoint(160, 120)):
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, NONE, place)
    assert [measurements.selected] == list(measurements.items)
    assert str(measurements.tool) == ""
    assert [action.data() for action in labelled.menus.tool_actions if action.isChecked()] == [""]
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert [measurements.selected, len(measurements.items)] == [None, 1]


def test_entries_that_would_do_nothing_are_grey_and_the_layout_in_use_is_marked(window: MainWindow) -> None:
    assert not window.menus.run.isEnabled() and not window.menus.cancel.isEnabled()
    assert [action.data() for action in window.menus.layout_actions if action.isChecked()] == ["four"]


@pytest.mark.parametrize("state", ["[]", '{"grid": 5}', '{"sides": "x"}', '{"grid": {"splits": 1}}', "no JSON"])
def test_a_damaged_memory_of_the_layout_is_left_out(open_window: Open, state: str) -> None:
    assert open_window(Settings(theme="dark", language="en", window_state=state)).centre.grid.layout_name == "four"


def test_tab_in_a_view_hides_both_panels_and_brings_them_back(labelled: MainWindow) -> None:
    view = focused_view(labelled)
    QTest.keyClick(view, Qt.Key.Key_Tab)
    assert not labelled.left.isVisible() and not labelled.right.isVisible()
    QTest.keyClick(view, Qt.Key.Key_Tab)
    assert labelled.left.isVisible() and labelled.right.isVisible()


def test_the_keyboard_goes_round_the_window(labelled: MainWindow) -> None:
    focused_view(labelled)
    parts = []
    for _ in range(6):
        labelled.commands.focus_next_part(1)
        parts.append(QApplication.focusWidget())
    views = labelled.centre.slices
    assert [views["sagittal"], views["coronal"], labelled.scene] == parts[:3]
    assert parts[3] is not None and labelled.right.isAncestorOf(parts[3])
    assert parts[4] is not None and labelled.left.isAncestorOf(parts[4])
    assert parts[5] is views["axial"]
    labelled.commands.focus_next_part(-1)
    assert QApplication.focusWidget() is parts[4]


def test_hiding_all_can_be_undone_and_redone_with_keys(labelled: MainWindow) -> None:
    session = labelled.session
    QTest.keyClick(labelled, Qt.Key.Key_H, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert not any(look.visible for look in session.looks.values())
    QTest.keyClick(labelled, Qt.Key.Key_Z, CTRL)
    assert all(look.visible for look in session.looks.values())
    QTest.keyClick(labelled, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert not any(look.visible for look in session.looks.values())


def test_click_in_a_slice_selects_everywhere(qtbot: QtBot, labelled: MainWindow) -> None:
    view = labelled.centre.slices["axial"]
    session = labelled.session
    session.select(1, go_there=True)
    session.select(None)
    pane = view.pane
    assert pane is not None
    x, y = pane.to_widget(session.cursor_ras)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, NONE, QPoint(round(x), round(y)))
    assert session.selected == 1
    assert labelled.right.selected_labels == (1,)
    assert labelled.status.structure.text() == "liver"


def test_the_window_remembers_its_layout_panels_and_display(qtbot: QtBot, open_window: Open) -> None:
    first = open_window()
    first.open_paths([asset("sample/ct.nii.gz")])
    wait_for_scan(qtbot, first)
    first.commands.set_layout_named("slices")
    first.commands.toggle_left()
    QTest.keyClick(focused_view(first), Qt.Key.Key_O)
    first.close()
    kept = load_settings()
    assert (kept.window_layout, kept.left_open, kept.label_style) == ("slices", False, "outlined")
    second = open_window(kept)
    second.open_paths([asset("sample/ct.nii.gz")])
    wait_for_scan(qtbot, second)
    assert second.centre.grid.layout_name == "slices"
    assert not second.left.isVisible() and second.right.isVisible()
    assert second.session.display.style == "outlined"


def test_a_folder_of_two_series_offers_them(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    for name, positions in (("a", TEN), ("b", TEN[:6])):
        uid = f"1.2.3.{len(positions)}"
        write_series(tmp_path / name, positions, SeriesDescription=f"Series {name}", SeriesInstanceUID=uid)
    drop(window.centre.empty, tmp_path)
    qtbot.waitUntil(lambda: bool(window.findChildren(SeriesPicker)), timeout=20_000)
    (picker,) = window.findChildren(SeriesPicker)
    assert picker.list.count() == 2
    QTest.keyClick(picker.list, Qt.Key.Key_Return)
    wait_for_scan(qtbot, window)
    assert window.session.volume is not None
    # The longer one is preselected.
    assert window.session.volume.geometry.shape[2] == len(TEN)


def test_another_volume_of_a_file_is_one_action_away(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    array = np.zeros((20, 20, 20, 3), np.int16)
    for n in range(3):
        array[..., n] = 100 * n + np.arange(20)
    path = tmp_path / "times.nii.gz"
    nib.save(nib.Nifti1Image(array, np.eye(4)), path)
    drop(window.centre.empty, path)
    wait_for_scan(qtbot, window)
    window.centre.notes.volume_wanted.emit(3, 0)
    (picker,) = window.findChildren(VolumePicker)
    QTest.keyClicks(picker.line, "2")
    QTest.keyClick(picker.line, Qt.Key.Key_Return)
    qtbot.waitUntil(
        lambda: window.session.volume is not None and int(window.session.volume.array.min()) == 200, timeout=20_000
    )


def header_says(window: MainWindow) -> str:
    """The modality of the open scan."""
    return str(window.session.volume.modality) if window.session.volume else ""


def test_a_person_says_what_the_file_does_not(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    array = np.random.default_rng(1).integers(0, 255, (24, 24, 24)).astype(np.uint8)
    path = tmp_path / "unknown.nii.gz"
    nib.save(nib.Nifti1Image(array, np.diag([1.1, 1.1, 1.1, 1.0])), path)
    drop(window.centre.empty, path)
    wait_for_scan(qtbot, window)
    assert header_says(window) == "unknown"
    assert not window.left.run.button.isEnabled()
    window.centre.notes.modality_chosen.emit("MR")
    assert header_says(window) == "MR"
    assert window.left.choices.task.modality == "MR"
    assert window.left.run.button.isEnabled()
    assert not any(each.id == "note.unknown_modality" for each in window.session.notes)


def test_masks_of_a_folder_open_on_the_open_scan(qtbot: QtBot, labelled: MainWindow, tmp_path: Path) -> None:
    volume = labelled.session.volume
    assert volume is not None
    folder = tmp_path / "masks"
    folder.mkdir()
    for n, name in enumerate(("kidney_left", "kidney_right")):
        mask = np.zeros(volume.geometry.shape, np.uint8)
        mask[10 + 20 * n : 25 + 20 * n, 20:40, 20:40] = 1
        nib.save(nib.Nifti1Image(mask, volume.affine), folder / f"{name}.nii.gz")
    drop(labelled, folder)

    def shown() -> bool:
        label_map = labelled.session.label_map
        return label_map is not None and {each.name for each in label_map.present} == {"kidney_left", "kidney_right"}

    qtbot.waitUntil(shown, timeout=20_000)
    assert labelled.session.volume is volume


def test_picture_of_one_view_goes_to_the_clipboard(labelled: MainWindow) -> None:
    menu = QMenu(labelled)
    view = labelled.centre.slices["coronal"]
    labelled.commands.fill_view_menu(menu, view)
    next(each for each in menu.actions() if each.text().startswith("Copy picture")).trigger()
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (view.width(), view.height())
    assert "clipboard" in labelled.status.said


def test_every_dialog_opens_and_closes_with_escape(qtbot: QtBot, labelled: MainWindow) -> None:
    commands = labelled.commands
    for show in (
        commands.show_preferences, commands.show_scan_information, commands.show_licence, commands.show_log,
        commands.show_shortcuts, commands.show_about, commands.export,
    ):  # fmt: skip
        show()
        dialogs = [each for each in labelled.findChildren(QDialog) if each.isVisible()]
        assert len(dialogs) == 1
        dialogs[0].activateWindow()
        qtbot.waitUntil(dialogs[0].isActiveWindow, timeout=5_000)
        assert dialogs[0].accessibleName() or dialogs[0].windowTitle()
        QTest.keyClick(dialogs[0], Qt.Key.Key_Escape)
        assert not any(each.isVisible() for each in labelled.findChildren(QDialog)), dialogs


def test_light_and_dark_change_at_once(labelled: MainWindow) -> None:
    before = labelled.left.palette().window().color()
    labelled.memory.change(theme="light")
    after = labelled.left.palette().window().color()
    assert after.lightness() > before.lightness() + 100
    wear_chosen(load_settings())


def test_closing_the_scan_leads_back_to_the_empty_window(labelled: MainWindow) -> None:
    QTest.keyClick(labelled, Qt.Key.Key_W, CTRL)
    assert labelled.session.volume is None and labelled.session.label_map is None
    assert labelled.centre.empty.isVisible()
    assert not labelled.left.isVisible() and not labelled.right.isVisible()


def test_every_key_means_one_thing(window: MainWindow) -> None:
    keys = [(key, text) for text, keys in window.menus.spoken for key in keys.split("; ")]
    twice = {key for key, _ in keys if sum(other == key for other, _ in keys) > 1}
    assert twice == set()


def test_results_that_are_no_longer_to_be_kept_are_removed(qtbot: QtBot, window: MainWindow) -> None:
    folder = cache_folder() / "results"
    folder.mkdir(parents=True)
    (folder / "one.labels.gz").write_bytes(b"kept")
    (folder / "notes.txt").write_text("somebody else's")
    window.memory.change(theme="light")
    window.memory.change(keep_results=False)
    qtbot.waitUntil(lambda: [each.name for each in folder.iterdir()] == ["notes.txt"])
