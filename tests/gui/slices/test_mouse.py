"""Mouse and keys over a slice, with real events."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.slices.phantoms import (
    CONTROL,
    LEFT,
    MIDDLE,
    PLAIN,
    RIGHT,
    SHIFT,
    click,
    double_click,
    drag,
    mouse,
    move,
    oblique,
    ramp,
    shown,
    straight,
    two_boxes,
    wheel,
)
from tsdesktop.gui.slices.plane import PLANE_NAMES, PlaneName
from tsdesktop.gui.windowing import Window

_TOWARDS: dict[PlaneName, tuple[int, int]] = {"axial": (2, 1), "coronal": (1, 1), "sagittal": (0, -1)}


@pytest.mark.parametrize("codes", ["RAS", "LPS", "RPI"])
@pytest.mark.parametrize("name", PLANE_NAMES)
def test_the_wheel_goes_one_slice_towards_head_front_or_left(qtbot: QtBot, name: PlaneName, codes: str) -> None:
    it = shown(qtbot, name)
    it.open(ramp(straight(codes)))
    before = it.session.cursor_ras.copy()
    wheel(it.view, 120)
    axis, sign = _TOWARDS[name]
    moved = it.session.cursor_ras - before
    spacing = it.session.volume.spacing_mm[axis] if it.session.volume else 0
    assert moved[axis] == pytest.approx(sign * spacing)
    assert np.abs(np.delete(moved, axis)).max() < 1e-9


def test_a_fine_wheel_adds_up_and_turning_back_begins_anew(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    start = it.session.cursor_voxel[2]
    for _ in range(7):
        wheel(it.view, 40)
    assert it.session.cursor_voxel[2] == start + 2
    for _ in range(2):
        wheel(it.view, -40)
    assert it.session.cursor_voxel[2] == start + 2
    wheel(it.view, -40)
    assert it.session.cursor_voxel[2] == start + 1


def test_the_wheel_stops_at_the_last_slice(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    wheel(it.view, 120 * 500)
    assert it.session.cursor_voxel[2] == 29
    wheel(it.view, 120)
    assert it.session.cursor_voxel[2] == 29


@pytest.mark.parametrize("radiological", [True, False])
def test_a_click_puts_the_crosshair_on_the_voxel_under_it(qtbot: QtBot, radiological: bool) -> None:
    it = shown(qtbot)
    geometry = straight("RAS")
    it.open(ramp(geometry))
    it.session.set_display(it.session.display.__class__(radiological=radiological))
    # The axial picture is 40 x 50 mm, fitted into 94 % of 400 pixels of height.
    pixels_per_mm = 0.94 * 400 / 50
    right_of_middle, below_middle = 7.2, -11.3
    click(it.view, QPointF(210 + right_of_middle * pixels_per_mm, 200 + below_middle * pixels_per_mm))
    # The patient's left is on the right of radiological pictures, and R is the axis that counts upwards.
    middle = geometry.world_ras((19.5, 24.5, 14))
    expected = middle + np.array([-right_of_middle if radiological else right_of_middle, -below_middle, 0])
    assert it.session.cursor_ras[:2] == pytest.approx(expected[:2], abs=0.02)


@pytest.mark.parametrize("name", PLANE_NAMES)
def test_a_click_in_an_oblique_scan_lands_on_its_voxel_and_selects(qtbot: QtBot, name: PlaneName) -> None:
    it = shown(qtbot, name)
    it.open(ramp(oblique()), two_boxes(oblique()))
    it.session.move_cursor(oblique().world_ras((28, 30, 14)))
    place = it.place_of((28, 30, 14))
    click(it.view, place)
    assert it.session.cursor_voxel == (28, 30, 14)
    assert it.session.selected == 2
    it.session.move_cursor(oblique().world_ras((3, 3, 3)))
    click(it.view, it.place_of((3, 3, 3)))
    assert it.session.selected is None


def test_dragging_moves_the_crosshair_without_selecting(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((15, 20, 8)))
    drag(it.view, it.place_of((5, 5, 8)), it.place_of((15, 20, 8)))
    assert it.session.cursor_voxel == (15, 20, 8)
    assert it.session.selected is None


def test_hidden_structures_are_not_selected(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((15, 20, 8)))
    it.session.change_visible("hide", [1], False)
    click(it.view, it.place_of((15, 20, 8)))
    assert it.session.selected is None


@pytest.mark.parametrize(("profile", "button"), [("crosshair", RIGHT), ("window", LEFT)])
def test_dragging_the_window_widens_to_the_right_and_darkens_downwards(
    qtbot: QtBot, profile: str, button: Qt.MouseButton
) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    it.view.mouse_profile = "window" if profile == "window" else "crosshair"
    it.session.set_window(Window(40, 400))
    cursor = it.session.cursor_ras.copy()
    drag(it.view, QPointF(200, 200), QPointF(225, 190), button)
    assert it.session.window == Window(40 - 4 * 10, 400 + 4 * 25)
    drag(it.view, QPointF(300, 200), QPointF(20, 200), button)
    assert it.session.window == Window(0, 1)
    assert it.session.cursor_ras == pytest.approx(cursor)


def test_dragging_the_window_of_other_scans_goes_by_their_range(qtbot: QtBot) -> None:
    it = shown(qtbot)
    volume = ramp(straight(), np.float32, "MR")
    it.open(volume)
    before = it.session.window
    drag(it.view, QPointF(200, 200), QPointF(200, 240), RIGHT)
    low, high = np.percentile(volume.array, [0.1, 99.9])
    assert it.session.window.level - before.level == pytest.approx(40 * (high - low) / 1024, rel=0.02)


def test_in_the_window_profile_a_click_selects_and_the_right_button_zooms(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.view.mouse_profile = "window"
    it.session.move_cursor(straight().world_ras((2, 2, 8)))
    window = it.session.window
    click(it.view, it.place_of((15, 20, 8)))
    assert it.session.cursor_voxel == (15, 20, 8)
    assert (it.session.selected, it.session.window) == (1, window)
    drag(it.view, QPointF(200, 200), QPointF(200, 150), RIGHT)
    assert it.view.pane is not None
    assert it.view.pane.viewport.zoom == pytest.approx(np.exp(0.4))


def test_control_wheel_zooms_at_the_pointer(qtbot: QtBot) -> None:
    it = shown(qtbot, "coronal")
    it.open(ramp(oblique()))
    assert it.view.pane is not None
    place, number = QPointF(130, 260), it.view.pane.number
    before = it.view.pane.world_ras(130, 260)
    for _ in range(5):
        wheel(it.view, 120, place, CONTROL)
    assert it.view.pane.viewport.zoom == pytest.approx(1.15**5)
    assert it.view.pane.world_ras(130, 260) == pytest.approx(before)
    assert it.view.pane.number == number
    it.view.zoom_reset()
    assert it.view.pane.viewport.is_fitted


@pytest.mark.parametrize(("button", "modifiers"), [(MIDDLE, PLAIN), (LEFT, SHIFT)])
def test_panning_takes_the_picture_along(qtbot: QtBot, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    wheel(it.view, 1200, modifiers=CONTROL)
    assert it.view.pane is not None
    under, cursor = it.view.pane.world_ras(200, 200), it.session.cursor_ras.copy()
    drag(it.view, QPointF(200, 200), QPointF(240, 170), button, modifiers)
    assert it.view.pane.world_ras(240, 170) == pytest.approx(under)
    assert it.session.cursor_ras == pytest.approx(cursor)


def test_a_crosshair_that_jumps_out_of_sight_is_followed_but_not_where_one_panned(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    for _ in range(12):
        wheel(it.view, 120, QPointF(200, 200), CONTROL)
    it.session.move_cursor(straight().world_ras((2, 46, 8)))
    place = it.place_of((2, 46, 8))
    assert it.view.rect().contains(place.toPoint())
    drag(it.view, QPointF(10, 200), QPointF(400, 200), MIDDLE)
    drag(it.view, QPointF(200, 390), QPointF(200, 10), MIDDLE)
    panned = it.view.pane.viewport if it.view.pane else None
    wheel(it.view, 120)
    assert it.view.pane is not None
    assert it.view.pane.viewport == panned


def test_shift_and_move_takes_the_crosshair_along(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    number = it.session.cursor_voxel[2]
    move(it.view, it.place_of((4, 9, number)), SHIFT)
    assert it.session.cursor_voxel == (4, 9, number)
    move(it.view, it.place_of((30, 30, number)))
    assert it.session.cursor_voxel == (4, 9, number)


def test_a_double_click_asks_to_be_maximised_and_changes_nothing_else(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((30, 30, 14)))
    it.session.select(2)
    cursor = it.session.cursor_ras.copy()
    with qtbot.waitSignal(it.view.double_clicked):
        double_click(it.view, it.place_of((3, 3, 14)))
    assert it.session.cursor_ras == pytest.approx(cursor)
    assert it.session.selected == 2


def test_control_double_click_resets_the_window(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    first = it.session.window
    it.session.set_window(Window(1000, 7))
    with qtbot.assertNotEmitted(it.view.double_clicked):
        double_click(it.view, QPointF(200, 200), CONTROL)
    assert it.session.window == first


def test_control_drag_makes_the_window_from_the_region(qtbot: QtBot) -> None:
    it = shown(qtbot)
    volume = ramp(straight())
    it.open(volume)
    number = it.session.cursor_voxel[2]
    # Radiological: the larger i is further left.
    start = it.place_of((22.5, 30.5, number))
    drag(it.view, start, it.place_of((9.5, 14.5, number)), LEFT, CONTROL)
    low, high = np.percentile(volume.array[10:23, 15:31, number], [0.1, 99.9])
    assert it.session.window.level == pytest.approx((low + high) / 2)
    assert it.session.window.width == pytest.approx(high - low)


def test_a_right_click_asks_for_the_menu_of_what_is_under_it(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((30, 30, 14)))
    window = it.session.window
    with qtbot.waitSignal(it.view.menu_wanted) as asked:
        click(it.view, it.place_of((30, 30, 14)), RIGHT)
    assert asked.args is not None and asked.args[0] == 2
    with qtbot.waitSignal(it.view.menu_wanted) as asked:
        click(it.view, it.place_of((3, 3, 14)), RIGHT)
    assert asked.args is not None and asked.args[0] == 0
    assert it.session.window == window


def test_the_keys_go_through_the_slices_and_zoom(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    key = Qt.Key
    for pressed, expected in (
        (key.Key_Up, 15), (key.Key_Down, 14), (key.Key_Left, 13), (key.Key_PageUp, 23), (key.Key_PageDown, 13),
        (key.Key_End, 29), (key.Key_Home, 0), (key.Key_Right, 1),
    ):  # fmt: skip
        QTest.keyClick(it.view, pressed)
        assert it.session.cursor_voxel[2] == expected
    for sign in (key.Key_Plus, key.Key_Plus, key.Key_Minus):
        QTest.keyClick(it.view, sign)
    assert it.view.pane is not None
    assert it.view.pane.viewport.zoom == pytest.approx(1.15)


def test_the_status_line_hears_what_is_under_the_mouse(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    number = it.session.cursor_voxel[2]
    move(it.view, it.place_of((6, 7, number)))
    assert it.session.pointer_ras == pytest.approx(straight().world_ras((6, 7, number)))
    wheel(it.view, 120, it.place_of((6, 7, number)))
    assert it.session.pointer_ras == pytest.approx(straight().world_ras((6, 7, number + 1)))
    move(it.view, QPointF(3, 3))
    assert it.session.pointer_ras is None


def test_nothing_is_under_a_mouse_that_left(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    heard: list[bool] = []
    it.session.pointer_changed.connect(lambda: heard.append(it.session.pointer_ras is None))
    move(it.view, QPointF(210, 200))
    QApplication.sendEvent(it.view, QEvent(QEvent.Type.Leave))
    assert heard == [False, True]


def test_without_a_scan_nothing_happens(qtbot: QtBot) -> None:
    it = shown(qtbot)
    wheel(it.view, 120)
    wheel(it.view, 120, modifiers=CONTROL)
    drag(it.view, QPointF(200, 200), QPointF(240, 240))
    drag(it.view, QPointF(200, 200), QPointF(240, 240), RIGHT)
    double_click(it.view, QPointF(50, 50), CONTROL)
    QTest.keyClick(it.view, Qt.Key.Key_Up)
    it.view.zoom_reset()
    assert it.view.screenshot().pixelColor(200, 200).getRgb() == (0, 0, 0, 255)


def test_another_scan_opened_during_a_drag_ends_it(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    mouse(it.view, QEvent.Type.MouseButtonPress, QPointF(200, 200), RIGHT)
    it.open(ramp(oblique(), np.float32, "MR"))
    window = it.session.window
    mouse(it.view, QEvent.Type.MouseMove, QPointF(300, 300), RIGHT)
    mouse(it.view, QEvent.Type.MouseButtonRelease, QPointF(300, 300), RIGHT)
    assert it.session.window == window
