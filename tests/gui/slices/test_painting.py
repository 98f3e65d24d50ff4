"""What is seen: voxels and labels at their pixels, letters, titles, words beside the pointer, marks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRectF
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from tests.gui.slices.phantoms import (
    AORTA,
    CONTROL,
    LEFT,
    RIGHT,
    SHAPE,
    Shown,
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
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui import background, theme
from tsdesktop.gui.slices import canvas, halo, overlay, scroll
from tsdesktop.gui.slices.plane import PLANE_NAMES, Edges, PlaneName
from tsdesktop.gui.windowing import Window


@pytest.fixture
def dressed(qapp: QApplication) -> Iterator[QApplication]:
    theme.wear(qapp, theme.DARK)
    yield qapp
    theme.wear(qapp, theme.DARK)


def pixel(it: Shown, voxel: tuple[float, float, float], ratio: float = 1.0) -> tuple[int, int, int]:
    """The colour at the middle of a voxel, of the bare slice."""
    it.session.set_display(replace(it.session.display, crosshair=False))
    image, place = it.view.screenshot(), it.place_of(voxel)
    return rgb(image, place.x() * ratio, place.y() * ratio)


def rgb(image: QImage, x: float, y: float) -> tuple[int, int, int]:
    colour = image.pixelColor(int(x), int(y))
    return colour.red(), colour.green(), colour.blue()


def grey(value: float, window: Window) -> int:
    return int(np.clip((value - window.low) * 255 / window.width, 0, 255).round())


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("name", PLANE_NAMES)
def test_a_voxel_has_its_grey(qtbot: QtBot, name: PlaneName, smooth: bool, dtype: Any) -> None:
    it = shown(qtbot, name)
    volume = ramp(oblique(), dtype)
    it.open(volume)
    it.session.set_window(Window(0, 900))
    it.session.set_display(replace(it.session.display, smooth=smooth))
    it.session.move_cursor(oblique().world_ras((12, 21, 9)))
    red, green, blue = pixel(it, (12, 21, 9))
    assert red == green == blue
    assert red == pytest.approx(grey(float(volume.array[12, 21, 9]), it.session.window), abs=2)


@pytest.mark.parametrize("radiological", [True, False])
def test_labels_have_their_colour_and_opacity(qtbot: QtBot, radiological: bool) -> None:
    it = shown(qtbot)
    volume = ramp(straight("LPS"))
    it.open(volume, two_boxes(straight("LPS")))
    it.session.set_window(Window(0, 900))
    it.session.set_display(replace(it.session.display, radiological=radiological, fill_opacity=0.6))
    it.session.move_cursor(straight("LPS").world_ras((15, 20, 8)))
    base = grey(float(volume.array[15, 20, 8]), it.session.window)
    expected = [base + (channel - base) * 0.6 for channel in AORTA.rgb]
    assert pixel(it, (15, 20, 8)) == pytest.approx(expected, abs=3)
    it.session.set_display(replace(it.session.display, style="outlined"))
    assert pixel(it, (15, 20, 8)) == pytest.approx((base,) * 3, abs=2)
    it.session.set_display(replace(it.session.display, style="filled", show_labels=False))
    assert pixel(it, (15, 20, 8)) == pytest.approx((base,) * 3, abs=2)
    it.session.set_display(replace(it.session.display, show_labels=True))
    it.session.change_visible("hide", [1], False)
    assert pixel(it, (15, 20, 8)) == pytest.approx((base,) * 3, abs=2)


@pytest.mark.parametrize("zoom_steps", [0, 8, 20])
def test_an_outline_lies_on_the_border_of_its_label(qtbot: QtBot, zoom_steps: int) -> None:
    it = shown(qtbot)
    black = Volume(np.full(SHAPE, -1000, np.int16), straight(), "CT")
    it.open(black, two_boxes(straight()))
    it.session.set_display(replace(it.session.display, style="outlined"))
    it.session.move_cursor(straight().world_ras((19.5, 20, 8)))
    for _ in range(zoom_steps):
        wheel(it.view, 120, it.place_of((19.5, 20, 8)), CONTROL)
    image = _bare(it)
    border = it.place_of((19.5, 20, 8))
    row = [image.pixelColor(int(border.x()) + n, int(border.y())).red() for n in range(-20, 21)]
    # One line of about a pixel where voxel 19 of the aorta ends.
    assert abs(int(np.argmax(row)) - 20) <= 1
    assert 0.6 * 220 < sum(row) < 1.5 * 220


def _bare(it: Shown) -> QImage:
    it.session.set_display(replace(it.session.display, crosshair=False))
    return it.view.screenshot()


def test_a_selected_structure_comes_forward(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((15, 25, 11)))
    plain = pixel(it, (15, 25, 11)), pixel(it, (30, 30, 11))
    it.session.select(1)
    marked = pixel(it, (15, 25, 11)), pixel(it, (30, 30, 11))
    assert marked[0][0] - marked[0][2] > plain[0][0] - plain[0][2]
    assert marked[1][0] - marked[1][2] < plain[1][0] - plain[1][2]


def test_labels_on_a_grid_of_their_own_lie_where_they_are(qtbot: QtBot) -> None:
    it = shown(qtbot)
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = straight().world_ras((0.5, 0.5, 0.5))
    coarse = LabelMap(np.ones((5, 5, 15), np.uint8), Geometry((5, 5, 15), affine), (AORTA,))
    it.open(ramp(straight()), coarse)
    it.session.move_cursor(straight().world_ras((5, 5, 5)))
    inside, outside = pixel(it, (8, 8, 5)), pixel(it, (12, 12, 5))
    assert inside[0] - inside[2] > 40
    assert outside[0] == outside[2]


@pytest.mark.parametrize(
    ("name", "radiological", "expected"),
    [
        ("axial", True, ("R", "L", "A", "P")),
        ("axial", False, ("L", "R", "A", "P")),
        ("coronal", True, ("R", "L", "S", "I")),
        ("coronal", False, ("L", "R", "S", "I")),
        ("sagittal", True, ("A", "P", "S", "I")),
        ("sagittal", False, ("A", "P", "S", "I")),
    ],
)
@pytest.mark.parametrize("geometry", [straight("LPI"), oblique()], ids=["stored otherwise", "oblique"])
def test_letters_stand_on_all_four_edges(
    qtbot: QtBot, name: PlaneName, radiological: bool, expected: tuple[str, ...], geometry: Geometry
) -> None:
    it = shown(qtbot, name)
    it.open(Volume(np.full(SHAPE, 3000, np.int16), geometry, "CT"))
    it.session.set_display(replace(it.session.display, radiological=radiological))
    assert it.view.pane is not None
    assert it.view.pane.plane.edges == expected
    places = overlay.letter_places(Edges(*expected), it.view.width(), it.view.height())
    assert [letter for letter, _ in places] == list(expected)
    wheel(it.view, 120 * 6, modifiers=CONTROL)
    # Over the white scan they stand in a dark halo, in light ink.
    image = _bare(it)
    for _, place in places:
        around = [
            image.pixelColor(int(place.x()) + dx, int(place.y()) + dy).lightness()
            for dx in range(-8, 9)
            for dy in range(-8, 9)
        ]
        assert min(around) < 110
        assert max(around) > 200


def test_the_picture_and_its_letters_turn_together(qtbot: QtBot) -> None:
    it = shown(qtbot)
    array = np.full(SHAPE, -1000, np.int16)
    # RAS: the patient's right is at the low end of i.
    array[:8] = 3000
    it.open(Volume(array, straight("RAS").__class__(SHAPE, np.diag([1.0, 1, 2, 1])), "CT"))
    wheel(it.view, 120 * 3, QPointF(150, 210), CONTROL)
    assert it.view.pane is not None
    centre = it.view.pane.world_ras(210, 200)
    for radiological, side in ((True, 1), (False, -1)):
        it.session.set_display(replace(it.session.display, radiological=radiological))
        assert it.view.pane.world_ras(210, 200) == pytest.approx(centre)
        bright, dark = it.place_of((2, 20, 14)), it.place_of((12, 20, 14))
        assert np.sign(bright.x() - dark.x()) == side
        letters = it.view.pane.plane.edges
        assert (letters.right if side > 0 else letters.left) == "L"


def test_the_title_counts_as_people_do(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    it.session.move_cursor(straight().world_ras((5, 5, 0)))
    written = _written(it, monkeypatch)
    assert ("Axial 1 / 30", theme.AXIAL) in written


def test_the_scale_bar_is_as_long_as_it_says(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    it = shown(qtbot)
    it.open(Volume(np.full(SHAPE, -1000, np.int16), straight(), "CT"))
    assert "1 cm" in {words for words, _ in _written(it, monkeypatch)}
    assert it.view.pane is not None
    row = [_bare(it).pixelColor(x, it.view.height() - 11).lightness() > 150 for x in range(it.view.width() // 3)]
    # 50 mm of scan take 94 % of the height.
    assert sum(row) == pytest.approx(10 * 0.94 * it.view.height() / 50, abs=1.5)


def _written(it: Shown, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, QColor]]:
    written: list[tuple[str, QColor]] = []
    plain = halo.paint_words

    def paint_words(painter: Any, place: QPointF, words: str, colour: QColor = halo.INK, **rest: Any) -> None:
        written.append((words, colour))
        plain(painter, place, words, colour, **rest)

    monkeypatch.setattr(overlay, "paint_words", paint_words)
    it.view.screenshot()
    return written


def _chip(it: Shown, monkeypatch: pytest.MonkeyPatch) -> str:
    said: list[str] = []
    monkeypatch.setattr(canvas, "paint_chip", lambda painter, view, place, words: said.append(words))
    it.view.grab()
    return said[0] if said else ""


def test_the_chip_names_the_structure_and_its_value(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((15, 20, 8)))
    move(it.view, it.place_of((15, 20, 8)))
    assert _chip(it, monkeypatch) == "aorta · \u221229 HU"
    wheel(it.view, 120, it.place_of((15, 20, 8)))
    assert _chip(it, monkeypatch) == "aorta · \u221222 HU"
    move(it.view, it.place_of((2, 2, 9)))
    assert _chip(it, monkeypatch) == ""
    move(it.view, it.place_of((15, 20, 9)))
    it.session.change_visible("hide", [1], False)
    assert _chip(it, monkeypatch) == ""


def test_the_chip_has_no_unit_in_other_scans(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    it = shown(qtbot)
    volume = Volume((ramp(straight()).array / np.float32(1000)).astype(np.float32), straight(), "MR")
    it.open(volume, two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((30, 30, 20)))
    move(it.view, it.place_of((30, 30, 20)))
    assert _chip(it, monkeypatch) == "hip left · 0.170"


def test_the_crosshair_stops_short_of_its_place_and_can_be_hidden(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(Volume(np.full(SHAPE, -1000, np.int16), straight(), "CT"))
    it.session.move_cursor(straight().world_ras((10, 30, 8)))
    x, y = (int(each) for each in (it.place_of((10, 30, 8)).x(), it.place_of((10, 30, 8)).y()))
    image = it.view.screenshot()
    assert image.pixelColor(x, y).lightness() == 0
    for beside in (QPointF(x - 30, y), QPointF(x + 30, y), QPointF(x, y - 30), QPointF(x, y + 30)):
        assert image.pixelColor(beside.toPoint()).lightness() > 90
    assert _bare(it).pixelColor(x - 30, y).lightness() == 0


@pytest.mark.parametrize("width", [420, 240])
def test_the_crosshair_leaves_out_the_letters_it_would_cross(qtbot: QtBot, width: int) -> None:
    it = shown(qtbot, size=(width, 400))
    it.open(Volume(np.full(SHAPE, -1000, np.int16), straight(), "CT"))
    assert it.view.pane is not None
    it.session.move_cursor(it.view.pane.world_ras(width / 2 + 0.5, 200.5))
    crossing, places = it.view.screenshot(), overlay.letter_places(it.view.pane.plane.edges, width, 400)
    it.session.set_display(replace(it.session.display, crosshair=False))
    alone = it.view.screenshot()
    for _, place in places:
        field = QRectF(place.x() - 8, place.y() - 9, 16, 18).toRect()
        assert crossing.copy(field) == alone.copy(field)
    # Away from the letters the lines are whole.
    assert crossing.pixelColor(width // 2, int(places[2][1].y()) + 16).lightness() > 90
    assert crossing.pixelColor(int(places[0][1].x()) + 16, 200).lightness() > 90


def test_marked_structures_come_forward_together(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((15, 25, 11)))
    it.session.select(1)
    one = pixel(it, (15, 25, 11)), pixel(it, (30, 30, 11))
    it.session.mark((1, 2), 2)
    both = pixel(it, (15, 25, 11)), pixel(it, (30, 30, 11))
    assert both[0] == one[0]
    assert both[1][0] - both[1][2] > one[1][0] - one[1][2]


def test_a_moved_crosshair_does_not_make_the_picture_anew(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.view.grab()
    made: list[int] = []
    plain = it.view._layers.paint

    def paint(*scene: Any) -> QImage:
        made.append(1)
        return plain(*scene)

    monkeypatch.setattr(it.view._layers, "paint", paint)
    it.session.move_cursor(straight().world_ras((3, 3, 14)))
    it.session.point_at(straight().world_ras((3, 3, 14)))
    it.view.grab()
    assert made == []
    it.session.move_cursor(straight().world_ras((3, 3, 15)))
    it.view.grab()
    assert made == [1]


def test_the_scroll_mark_shows_where_the_selected_structure_is(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(Volume(np.full(SHAPE, -1000, np.int16), straight(), "CT"), two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((5, 5, 29)))
    it.session.select(1)
    qtbot.waitUntil(lambda: it.view._whereabouts.on_axis(2) is not None)
    assert it.view.pane is not None
    image, pane = it.view.screenshot(), it.view.pane
    column = [rgb(image, it.view.width() - 2, y) for y in range(it.view.height())]
    red = [y for y, (r, g, b) in enumerate(column) if r > 120 and g < 60]
    # The aorta is on slices 5 to 11, low in the picture since the head is at its top.
    assert [scroll.number_at(pane, red[0]), scroll.number_at(pane, red[-1])] == [11, 5]
    blue = [y for y, (r, _, b) in enumerate(column) if b > 200 and r < 120]
    assert scroll.number_at(pane, sum(blue) / len(blue)) == 29


def test_dragging_the_scroll_mark_goes_through_the_stack(qtbot: QtBot) -> None:
    it = shown(qtbot, "sagittal")
    it.open(ramp(straight("RAS")), two_boxes(straight("RAS")))
    edge = it.view.width() - 3.0
    drag(it.view, QPointF(edge, 200), QPointF(edge, 0))
    # The patient's left is at the top, and i counts towards the right.
    assert it.session.cursor_voxel[0] == 0
    drag(it.view, QPointF(edge, 200), QPointF(edge, 400))
    assert it.session.cursor_voxel[0] == 39
    assert it.session.selected is None


def test_the_slice_is_seen_through_the_region_that_is_dragged(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    it = shown(qtbot)
    it.open(Volume(np.full(SHAPE, -1000, np.int16), straight(), "CT"), two_boxes(straight()))
    it.session.set_display(replace(it.session.display, crosshair=False, show_labels=False))
    mouse(it.view, QEvent.Type.MouseButtonPress, QPointF(150, 150), LEFT, CONTROL)
    mouse(it.view, QEvent.Type.MouseMove, QPointF(250, 240), LEFT, CONTROL)
    image = it.view.grab().toImage()
    accent = theme.DARK.colour("accent")
    assert image.pixelColor(200, 150).blue() == accent.blue()
    assert image.pixelColor(200, 200).blue() == pytest.approx(accent.blue() * 0.15, abs=3)
    assert image.pixelColor(260, 200).blue() == 0
    assert _chip(it, monkeypatch) == ""


def test_the_window_is_told_while_it_is_dragged(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.session.set_window(Window(40, 400))
    mouse(it.view, QEvent.Type.MouseButtonPress, QPointF(200, 200), RIGHT)
    mouse(it.view, QEvent.Type.MouseMove, QPointF(210, 195), RIGHT)
    assert _chip(it, monkeypatch) == "W 440  L 20"
    mouse(it.view, QEvent.Type.MouseButtonRelease, QPointF(210, 195), RIGHT)
    assert "W" not in _chip(it, monkeypatch)


def test_a_resized_view_keeps_the_middle(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    wheel(it.view, 600, QPointF(100, 100), CONTROL)
    assert it.view.pane is not None
    before = it.view.pane.world_ras(210, 200)
    it.view.resize(300, 500)
    qtbot.waitUntil(lambda: it.view.pane is not None and it.view.pane.viewport.width == 300)
    assert it.view.pane.world_ras(150, 250) == pytest.approx(before)


def test_sharp_screens_get_a_sharp_picture(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    it = shown(qtbot)
    volume = ramp(straight())
    it.open(volume, two_boxes(straight()))
    monkeypatch.setattr(type(it.view), "devicePixelRatioF", lambda _: 2.0)
    image = it.view.screenshot()
    assert (image.width(), image.height()) == (840, 800)
    it.session.set_window(Window(0, 900))
    it.session.move_cursor(straight().world_ras((2, 40, 8)))
    assert pixel(it, (2, 40, 8), 2.0)[0] == pytest.approx(grey(float(volume.array[2, 40, 8]), Window(0, 900)), abs=2)


def test_slices_are_black_in_the_light_theme_too(qtbot: QtBot, dressed: QApplication) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    theme.wear(dressed, theme.LIGHT)
    dressed.processEvents()
    assert it.view.grab().toImage().pixelColor(380, 60).lightness() == 0


def test_a_closed_scan_leaves_black(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.view.grab()
    it.session.volume = None
    it.session.volume_changed.emit()
    assert it.view.grab().toImage().pixelColor(210, 200).lightness() == 0


def test_a_view_may_go_while_the_structure_is_looked_for(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    begun, go_on = Event(), Event()

    def slow(*_: Any) -> Any:
        begun.set()
        go_on.wait(5)
        return np.zeros((3, 1), np.bool_)

    monkeypatch.setattr(scroll, "presence", slow)
    it.session.select(2)
    begun.wait(5)
    it.view.setParent(None)
    delete(it.view)
    go_on.set()
    # An answer that finds nobody would be an error here.
    qtbot.waitUntil(lambda: not background._running)
