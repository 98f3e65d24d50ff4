"""The 3D view in a window, driven by mouse and keys: what is seen, what is selected, what it tells the session."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytest import approx
from pytestqt.qtbot import QtBot

from tests.gui.scene.conftest import (
    BACK_BOX,
    BLUE,
    BOXES,
    FRONT_BOX,
    GREEN,
    LEFT_BOX,
    RED,
    Open,
    boxes_map,
    coloured,
    geometry,
    middle_of,
    patient,
    pixels,
    settle,
)
from tsdesktop.gui.scene.overlay import note, reason_for_nothing
from tsdesktop.gui.scene.probe import PROCESSOR, Graphics
from tsdesktop.gui.scene.view import SceneView
from tsdesktop.gui.session import Session
from tsdesktop.gui.windowing import Window

Buttons = Qt.MouseButton


def place_of(view: SceneView, label: int) -> QPoint:
    x, y, _ = view.camera.on_screen(middle_of(label)[None], view.width(), view.height())[0]
    return QPoint(round(x), round(y))


def drag(qtbot: QtBot, view: SceneView, button: Qt.MouseButton, right: int, down: int) -> None:
    start = QPoint(150, 110)
    QTest.mousePress(view, button, pos=start)
    for share in (0.5, 1.0):
        QApplication.processEvents()
        place = QPointF(start) + QPointF(right, down) * share
        move_pressed(view, button, place)
    QTest.mouseRelease(view, button, pos=start + QPoint(right, down))


def move_pressed(view: SceneView, button: Qt.MouseButton, place: QPointF) -> None:
    """QTest's own move says that no button is held."""
    none = Qt.KeyboardModifier.NoModifier
    whole = QPointF(view.mapToGlobal(place.toPoint()))
    QApplication.sendEvent(view, QMouseEvent(QEvent.Type.MouseMove, place, whole, Buttons.NoButton, button, none))


def test_all_structures_are_seen_in_their_colours_and_places(open_view: Open, each_graphics: Graphics) -> None:
    view = open_view(each_graphics)
    red, blue = coloured(view, RED), coloured(view, BLUE)
    assert red.sum() > 1000
    assert blue.sum() > 1000
    # From the front the patient's left is on the right.
    assert np.nonzero(blue)[1].mean() > np.nonzero(red)[1].mean() + 60


def test_box_in_front_hides_the_one_behind_from_the_front_only(
    qtbot: QtBot, open_view: Open, each_graphics: Graphics
) -> None:
    view = open_view(each_graphics)
    assert coloured(view, GREEN).sum() < 50
    view.look_from("P")
    settle(qtbot, view)
    assert coloured(view, GREEN).sum() > 1000


def test_hidden_structure_leaves_the_picture_and_comes_back(
    qtbot: QtBot, open_view: Open, session: Session, each_graphics: Graphics
) -> None:
    view = open_view(each_graphics)
    before = coloured(view, RED).sum()
    session.change_visible("hide", [FRONT_BOX], visible=False)
    settle(qtbot, view)
    assert coloured(view, RED).sum() == 0
    assert coloured(view, GREEN).sum() > 1000
    session.undo_stack.undo()
    settle(qtbot, view)
    assert coloured(view, RED).sum() == approx(before, rel=0.02)


def test_other_colour_is_shown_without_making_surfaces_again(
    qtbot: QtBot, open_view: Open, session: Session, gl: Graphics
) -> None:
    view = open_view(gl)
    blue, red = coloured(view, BLUE).sum(), coloured(view, RED).sum()
    with qtbot.assertNotEmitted(view.surfaces_shown):
        session.set_looks({LEFT_BOX: replace(session.looks[LEFT_BOX], rgb=RED)})
        settle(qtbot, view)
    assert coloured(view, BLUE).sum() == 0
    assert coloured(view, RED).sum() == approx(red + blue, rel=0.02)


def test_translucent_structure_lets_the_one_behind_through(
    qtbot: QtBot, open_view: Open, session: Session, gl: Graphics
) -> None:
    view = open_view(gl)
    session.set_looks({FRONT_BOX: replace(session.looks[FRONT_BOX], opacity=0.15)})
    settle(qtbot, view)
    assert coloured(view, GREEN).sum() > 500


def test_click_selects_everywhere_and_goes_to_its_own_place(qtbot: QtBot, open_view: Open, session: Session) -> None:
    view = open_view()
    place = place_of(view, LEFT_BOX) + QPoint(9, -12)
    QTest.mouseClick(view, Buttons.LeftButton, pos=place)
    assert session.selected == LEFT_BOX
    assert session.label_at(session.cursor_voxel) == LEFT_BOX
    x, y, _ = view.camera.on_screen(session.cursor_ras[None], view.width(), view.height())[0]
    assert (x, y) == approx((place.x(), place.y()), abs=1.5)
    was = session.cursor_ras
    QTest.mouseClick(view, Buttons.LeftButton, pos=QPoint(3, 120))
    assert not session.marked
    assert np.array_equal(session.cursor_ras, was)


def test_selected_structure_is_lighter(
    qtbot: QtBot, open_view: Open, session: Session, each_graphics: Graphics
) -> None:
    view = open_view(each_graphics)
    before = pixels(view.screenshot()).astype(int)
    inside = coloured(view, BLUE)
    session.select(LEFT_BOX)
    settle(qtbot, view)
    lighter = pixels(view.screenshot()).astype(int) - before
    assert lighter[inside].mean() > 5
    assert abs(lighter[coloured(view, RED)].mean()) < 2


def test_selected_structure_is_seen_through_what_covers_it(
    qtbot: QtBot, open_view: Open, session: Session, each_graphics: Graphics
) -> None:
    view = open_view(each_graphics)
    plain = pixels(view.screenshot()).astype(int)
    session.select(BACK_BOX)
    settle(qtbot, view)
    through = pixels(view.screenshot()).astype(int)
    place = place_of(view, BACK_BOX)
    assert through[place.y(), place.x(), 1] > plain[place.y(), place.x(), 1] + 40
    # The front box is larger on all sides.
    column, row, _ = np.rint(view.camera.on_screen(geometry().world_ras((9.5, 6, 22))[None], 320, 240)[0]).astype(int)
    assert np.abs(through - plain)[row, column].max() <= 2
    session.change_visible("hide", [BACK_BOX], visible=False)
    settle(qtbot, view)
    assert np.abs(pixels(view.screenshot()).astype(int) - plain).max(axis=2).mean() < 2


def test_marked_structures_are_all_lighter_unless_all_are_marked(
    qtbot: QtBot, open_view: Open, session: Session, each_graphics: Graphics
) -> None:
    view = open_view(each_graphics)
    plain = pixels(view.screenshot()).astype(int)
    red, blue = coloured(view, RED), coloured(view, BLUE)
    session.mark((FRONT_BOX, LEFT_BOX), LEFT_BOX)
    settle(qtbot, view)
    lighter = pixels(view.screenshot()).astype(int) - plain
    assert lighter[red].mean() > 3
    assert lighter[blue].mean() > 3
    session.mark(tuple(BOXES), LEFT_BOX)
    settle(qtbot, view)
    assert np.abs(pixels(view.screenshot()).astype(int) - plain).mean() < 1


def test_all_but_the_selected_fade(qtbot: QtBot, open_view: Open, session: Session, gl: Graphics) -> None:
    view = open_view(gl)
    session.select(LEFT_BOX)
    QTest.mouseClick(view.tools.fading, Buttons.LeftButton)
    settle(qtbot, view)
    place = place_of(view, FRONT_BOX)
    assert view.screenshot().pixelColor(place).red() < 100
    assert coloured(view, BLUE).sum() > 1000


def test_pointer_names_the_structure_and_tells_the_session(qtbot: QtBot, open_view: Open, session: Session) -> None:
    view = open_view()
    before = view.grab().toImage()
    QTest.mouseMove(view, place_of(view, FRONT_BOX))
    qtbot.waitUntil(lambda: session.pointer_ras is not None, timeout=3000)
    assert session.pointer_ras is not None
    i, j, k = np.rint(boxes_map().geometry.voxel(session.pointer_ras)).astype(int)
    assert boxes_map().array[i, j, k] == FRONT_BOX
    assert view.grab().toImage() != before  # the chip
    QTest.mouseMove(view, QPoint(3, 120))
    qtbot.waitUntil(lambda: session.pointer_ras is None, timeout=3000)


def test_drag_turns_and_does_not_select(qtbot: QtBot, open_view: Open, session: Session) -> None:
    view = open_view()
    front = view.camera
    drag(qtbot, view, Buttons.LeftButton, 60, 0)
    assert view.camera.turn[2] @ front.turn[2] < 0.95
    assert session.selected is None


def test_right_drag_and_wheel_zoom_middle_drag_moves(qtbot: QtBot, open_view: Open) -> None:
    view = open_view()
    before = view.camera
    drag(qtbot, view, Buttons.RightButton, 0, -40)
    assert view.camera.height_mm != before.height_mm
    nearer = view.camera
    turn_wheel(view, 120)
    assert view.camera.height_mm < nearer.height_mm
    drag(qtbot, view, Buttons.MiddleButton, 30, 10)
    assert np.linalg.norm(view.camera.focus_ras - before.focus_ras) > 5
    assert np.array_equal(view.camera.turn, before.turn)


def turn_wheel(view: SceneView, angle: int) -> None:
    middle = QPointF(view.rect().center())
    event = QWheelEvent(
        middle, QPointF(view.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, angle), Buttons.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def test_right_click_asks_for_the_menu_of_what_is_under_it_and_a_drag_does_not(qtbot: QtBot, open_view: Open) -> None:
    view = open_view()
    place = place_of(view, LEFT_BOX)
    with qtbot.waitSignal(view.menu_wanted) as asked:
        QTest.mouseClick(view, Buttons.RightButton, pos=place)
    assert asked.args == [LEFT_BOX, view.mapToGlobal(place)]
    with qtbot.waitSignal(view.menu_wanted) as asked:
        QTest.mouseClick(view, Buttons.RightButton, pos=QPoint(3, 120))
    assert asked.args is not None
    assert asked.args[0] == 0
    with qtbot.assertNotEmitted(view.menu_wanted):
        drag(qtbot, view, Buttons.RightButton, 0, 30)


def test_menu_key_asks_for_the_menu_of_the_selected(qtbot: QtBot, open_view: Open, session: Session) -> None:
    view = open_view()
    session.select(BACK_BOX)
    with qtbot.waitSignal(view.menu_wanted) as asked:
        QApplication.sendEvent(
            view, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(10, 10), view.mapToGlobal(QPoint(10, 10)))
        )
    assert asked.args is not None
    assert asked.args[0] == BACK_BOX


def test_double_click_asks_to_be_maximised(qtbot: QtBot, open_view: Open) -> None:
    view = open_view()
    with qtbot.waitSignal(view.double_clicked):
        QTest.mouseDClick(view, Buttons.LeftButton, pos=QPoint(50, 120))


@pytest.mark.parametrize("letter", "PLRSIA")
def test_letters_look_from_their_side(qtbot: QtBot, open_view: Open, letter: str) -> None:
    view = open_view(wait=False)
    view.look_from("S" if letter != "S" else "A")
    view.setFocus()
    QTest.keyClick(view, getattr(Qt.Key, f"Key_{letter}"))
    assert np.array_equal(view.camera.turn, view.camera.looking_from(letter).turn)


def test_other_keys_turn_zoom_and_reset_but_ctrl_is_left_to_the_window(qtbot: QtBot, open_view: Open) -> None:
    view = open_view(wait=False)
    front = view.camera
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert not np.array_equal(view.camera.turn, front.turn)
    turned = view.camera
    QTest.keyClick(view, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert view.camera is turned
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.camera.height_mm < turned.height_mm
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert np.array_equal(view.camera.turn, front.turn)


def test_buttons_of_the_strip_have_names_and_are_reached_by_tab(open_view: Open) -> None:
    view = open_view(wait=False)
    view.resize(600, 400)
    buttons = view.tools.findChildren(QToolButton)
    assert len(buttons) == 12
    for each in buttons:
        assert each.accessibleName()
        assert each.toolTip()
        assert each.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert view.accessibleName() == "3D view"


def test_strip_and_marker_give_way_in_a_small_view(qtbot: QtBot, open_view: Open) -> None:
    view = open_view(wait=False)
    for width, strip in ((600, True), (250, True), (150, False)):
        view.resize(width, 200)
        assert view.tools.isVisible() is strip
        assert not strip or view.rect().contains(view.tools.geometry())


def test_clip_opens_the_front_box_and_closes_its_cut(
    qtbot: QtBot, open_view: Open, session: Session, each_graphics: Graphics
) -> None:
    session.move_cursor(middle_of(FRONT_BOX))
    view = open_view(each_graphics)
    before = coloured(view, RED).sum()
    view.clip("coronal")
    settle(qtbot, view)
    # Half of the box is gone, and what is seen of it is its cut: no hole through which green would show.
    assert coloured(view, RED).sum() == approx(before, rel=0.25)
    assert coloured(view, GREEN).sum() < 50
    session.move_cursor(middle_of(BACK_BOX))
    settle(qtbot, view)
    assert coloured(view, RED).sum() == 0
    assert coloured(view, GREEN).sum() > 500


def test_slices_follow_the_cursor_and_the_window(
    qtbot: QtBot, open_view: Open, session: Session, each_graphics: Graphics
) -> None:
    view = open_view(each_graphics)
    plain = view.screenshot()
    view.tools.slices.setChecked(True)
    settle(qtbot, view)
    shown = view.screenshot()
    assert shown != plain
    session.move_cursor(session.cursor_ras + np.array([0.0, 20.0, 0.0]))
    settle(qtbot, view)
    moved = view.screenshot()
    assert moved != shown
    session.set_window(Window(session.window.level + 200.0, 500.0))
    settle(qtbot, view)
    assert view.screenshot() != moved


def test_skin_is_a_ghost_around_structures_and_a_body_without_them(
    qtbot: QtBot, open_view: Open, session: Session, gl: Graphics
) -> None:
    view = open_view(gl)
    red = coloured(view, RED).sum()
    view.tools.skin.setChecked(True)
    settle(qtbot, view)
    assert coloured(view, RED).sum() > 0.7 * red
    session.close_labels()
    settle(qtbot, view)
    middle = view.screenshot().pixelColor(160, 120)
    assert middle.red() > 120


def test_turntable_turns_and_stops(qtbot: QtBot, open_view: Open) -> None:
    view = open_view()
    front = view.camera
    view.tools.turntable.setChecked(True)
    qtbot.waitUntil(lambda: view.camera.turn[2] @ front.turn[2] < 0.99, timeout=5000)
    view.tools.turntable.setChecked(False)
    settle(qtbot, view)
    stopped = view.camera
    qtbot.wait(80)
    assert view.camera is stopped


def test_refined_labels_take_the_place_of_coarse_ones_without_an_empty_picture(
    qtbot: QtBot, open_view: Open, session: Session
) -> None:
    view = open_view()
    turn_wheel(view, 120)
    settle(qtbot, view)
    camera, before = view.camera, coloured(view, RED).sum()
    seen: list[int] = []
    view.picture_drawn.connect(lambda: seen.append(int(coloured(view, RED).sum())))
    smaller = {**BOXES, FRONT_BOX: np.s_[10:26, 6:14, 12:32]}
    del smaller[LEFT_BOX]
    session.show_labels(boxes_map(smaller))
    settle(qtbot, view)
    assert min(seen) > 500
    assert seen[-1] < 0.95 * before
    assert coloured(view, BLUE).sum() == 0
    assert view.camera is camera


def test_larger_result_is_fitted_anew_and_a_place_that_was_chosen_is_kept_by_a_finer_one(
    qtbot: QtBot, open_view: Open, session: Session
) -> None:
    session.show_labels(boxes_map({FRONT_BOX: BOXES[FRONT_BOX]}))
    view = open_view()
    small = view.camera.height_mm
    turn_wheel(view, 120)
    nearer = view.camera
    session.show_labels(boxes_map({FRONT_BOX: np.s_[8:28, 6:14, 11:33]}))
    settle(qtbot, view)
    assert view.camera is nearer
    session.show_labels(boxes_map())
    settle(qtbot, view)
    assert view.camera.height_mm > 1.2 * small
    # Nobody has moved since, so that a smaller one is fitted as well.
    session.show_labels(boxes_map({FRONT_BOX: BOXES[FRONT_BOX]}))
    settle(qtbot, view)
    assert view.camera.height_mm == approx(small, rel=0.01)


def test_structures_stand_above_the_strip_of_tools(qtbot: QtBot, open_view: Open, session: Session) -> None:
    session.show_labels(boxes_map({FRONT_BOX: np.s_[2:56, 6:14, 0:42]}))
    view = open_view()
    assert view.tools.isVisible()
    red = np.nonzero(coloured(view, RED).any(axis=1))[0]
    assert red.max() < view.tools.y()
    assert red.min() < 20


def test_other_scan_in_the_middle_of_the_work_leaves_nothing_of_the_first(
    qtbot: QtBot, open_view: Open, session: Session
) -> None:
    view = open_view(wait=False)
    session.open_volume(patient())
    settle(qtbot, view)
    assert coloured(view, RED).sum() == 0
    session.show_labels(boxes_map({LEFT_BOX: BOXES[LEFT_BOX]}))
    session.show_labels(boxes_map({FRONT_BOX: BOXES[FRONT_BOX]}))
    settle(qtbot, view)
    assert coloured(view, BLUE).sum() == 0
    assert coloured(view, RED).sum() > 1000


def test_empty_picture_says_why(qtbot: QtBot, open_view: Open, session: Session) -> None:
    view = open_view()
    stage = view._stage
    assert reason_for_nothing(session, stage) == ""
    session.change_visible("hide", list(session.looks), visible=False)
    assert reason_for_nothing(session, stage) == "All structures are hidden"
    session.show_labels(boxes_map({}))
    settle(qtbot, view)
    assert reason_for_nothing(session, stage) == "No structures were found"
    session.close_labels()
    assert reason_for_nothing(session, stage) == "Structures appear here"
    assert note(stage, PROCESSOR) == "3D is drawn by the processor"


def test_failing_surface_is_said_and_the_rest_stays(
    qtbot: QtBot, open_view: Open, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsdesktop.surfaces import display

    view = open_view()

    def fails(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(display, "surface_of_mask", fails)
    session.show_labels(boxes_map())
    settle(qtbot, view)
    assert note(view._stage, PROCESSOR) == "Some surfaces could not be made"
    assert coloured(view, RED).sum() > 500


def test_hidden_view_draws_what_changed_when_it_is_shown_again(qtbot: QtBot, open_view: Open, session: Session) -> None:
    view = open_view()
    view.hide()
    session.change_visible("hide", [FRONT_BOX], visible=False)
    view.show()
    settle(qtbot, view)
    assert coloured(view, RED).sum() == 0
