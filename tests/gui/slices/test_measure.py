"""Measurements drawn with the mouse, against what geometry and numpy say."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.slices.phantoms import (
    CONTROL,
    SHAPE,
    Shown,
    click,
    double_click,
    drag,
    move,
    oblique,
    ramp,
    shown,
    straight,
    two_boxes,
    wheel,
)
from tsdesktop.core.volume import Volume
from tsdesktop.gui.slices import canvas
from tsdesktop.gui.slices.measure import Kind, Measurement, Measurements, circle_values
from tsdesktop.gui.slices.measure_painting import words_box
from tsdesktop.gui.slices.plane import PLANE_NAMES, PlaneName
from tsdesktop.gui.slices.view import SliceView

# For each plane two voxels of one slice of the grid, and a third for angles.
_VOXELS: dict[PlaneName, list[tuple[int, int, int]]] = {
    "axial": [(6, 9, 14), (31, 38, 14), (30, 12, 14)],
    "coronal": [(6, 24, 4), (31, 24, 25), (30, 24, 6)],
    "sagittal": [(19, 9, 4), (19, 38, 25), (19, 12, 22)],
}


def _at(it: Shown, voxel: tuple[int, int, int]) -> Shown:
    it.session.move_cursor(oblique().world_ras(voxel))
    return it


@pytest.mark.parametrize("by_dragging", [True, False])
@pytest.mark.parametrize("name", PLANE_NAMES)
def test_a_distance_is_that_of_the_world(qtbot: QtBot, name: PlaneName, by_dragging: bool) -> None:
    it = shown(qtbot, name)
    it.open(ramp(oblique()))
    one, other, _ = _VOXELS[name]
    _at(it, one)
    # On screen positions as fine as a mouse has them: a nearer look makes them finer than 0.1 mm.
    it.measurements.set_tool("distance")
    if by_dragging:
        drag(it.view, it.place_of(one), it.place_of(other))
    else:
        click(it.view, it.place_of(one))
        move(it.view, it.place_of(other))
        assert not it.measurements.items
        click(it.view, it.place_of(other))
    # i, j, k are 0.8, 1.5 and 4 mm apart, at right angles.
    expected = np.linalg.norm((np.array(other) - one) * (0.8, 1.5, 4.0))
    assert len(it.measurements.items) == 1
    assert it.measurements.items[0].length_mm == pytest.approx(expected, abs=0.1)
    assert it.measurements.tool == ""


@pytest.mark.parametrize("name", PLANE_NAMES)
def test_an_angle_is_that_of_the_world(qtbot: QtBot, name: PlaneName) -> None:
    it = shown(qtbot, name)
    it.open(ramp(oblique()))
    one, corner, other = _VOXELS[name]
    _at(it, one)
    it.measurements.set_tool("angle")
    for voxel in (one, corner, other):
        click(it.view, it.place_of(voxel))
    assert str(it.measurements.tool) == ""
    mm = [np.array(voxel) * (0.8, 1.5, 4.0) for voxel in (one, corner, other)]
    arms = mm[0] - mm[1], mm[2] - mm[1]
    cosine = arms[0] @ arms[1] / np.linalg.norm(arms[0]) / np.linalg.norm(arms[1])
    assert it.measurements.items[0].angle_degrees == pytest.approx(np.degrees(np.arccos(cosine)), abs=0.2)
    assert it.measurements.words(it.measurements.items[0])[0].endswith("°")


@pytest.mark.parametrize("name", PLANE_NAMES)
def test_a_circle_holds_what_numpy_finds_in_it(qtbot: QtBot, name: PlaneName) -> None:
    it = shown(qtbot, name)
    volume = ramp(oblique())
    it.open(volume)
    # No voxel lies just on the rim.
    middle, rim = (20, 25, 14), (34.5, 25, 14) if name == "coronal" else (20, 32.5, 14)
    _at(it, middle)
    it.measurements.set_tool("circle")
    drag(it.view, it.place_of(middle), it.place_of(rim))
    circle = it.measurements.items[0]
    radius = np.linalg.norm((np.array(rim) - middle) * (0.8, 1.5, 4.0))
    assert circle.length_mm == pytest.approx(radius, abs=0.05)
    voxels = np.moveaxis(np.indices(SHAPE), 0, -1)
    away = np.linalg.norm((voxels - middle) * (0.8, 1.5, 4.0), axis=-1)
    through = {"axial": 2, "coronal": 1, "sagittal": 0}[name]
    values = volume.array[(away <= circle.length_mm) & (voxels[..., through] == middle[through])]
    found = circle_values(circle, volume)
    assert found is not None
    assert (found.mean, found.sd) == pytest.approx((values.mean(), values.std()))
    assert (found.lowest, found.highest) == (values.min(), values.max())
    assert found.area_mm2 == pytest.approx(np.pi * circle.length_mm**2)
    assert "HU" in it.measurements.words(circle)[0]


def test_a_small_circle_has_the_nearest_voxel_and_one_beside_the_scan_none() -> None:
    volume = ramp(straight())
    small = Measurement("circle", "axial", straight().world_ras([(10.3, 12.4, 6), (10.4, 12.4, 6)]))
    found = circle_values(small, volume)
    assert found is not None
    assert (found.mean, found.sd) == (float(volume.array[10, 12, 6]), 0)
    assert circle_values(small.shifted(np.array([-30.0, 0, 0])), volume) is None
    assert circle_values(small.shifted(np.array([0, 0, 300.0])), volume) is None
    half_outside = Measurement("circle", "axial", straight().world_ras([(0, 10, 6), (5, 10, 6)]))
    values = [volume.array[i, j, 6] for i in range(6) for j in range(5, 16) if i**2 + (j - 10) ** 2 <= 25]
    found = circle_values(half_outside, volume)
    assert found is not None
    assert found.mean == pytest.approx(np.mean(values))


def test_a_measurement_stays_on_its_slice_and_its_plane(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(Volume(np.full(SHAPE, -1000, np.int16), straight(), "CT"))
    it.session.set_display(it.session.display.__class__(crosshair=False))
    empty = it.view.screenshot()
    it.measurements.set_tool("distance")
    drag(it.view, QPointF(120, 150), QPointF(300, 220))
    drawn = it.view.screenshot()
    assert drawn != empty
    number = it.session.cursor_voxel[2]
    wheel(it.view, 120)
    x, y = 210, 185
    assert it.view.screenshot().pixelColor(x, y).lightness() == 0
    wheel(it.view, -120)
    assert it.session.cursor_voxel[2] == number
    assert it.view.screenshot() == drawn
    coronal = SliceView(it.session, "coronal", it.measurements)
    qtbot.addWidget(coronal)
    assert coronal.pane is not None
    with_it = coronal.screenshot()
    it.measurements.clear()
    assert coronal.screenshot() == with_it


def test_it_lies_in_the_world_when_the_picture_turns(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(oblique()))
    it.measurements.set_tool("distance")
    drag(it.view, QPointF(120, 150), QPointF(300, 220))
    one = it.measurements.items[0]
    it.session.set_display(it.session.display.__class__(radiological=False))
    assert it.view.pane is not None
    assert it.view.pane.to_widget(one.points_ras[0]) == pytest.approx((420 - 120, 150), abs=1.0)
    wheel(it.view, 480, QPointF(10, 10), CONTROL)
    assert it.measurements.items == (one,)


def test_its_ends_can_be_dragged_and_all_of_it_by_its_line(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    cursor = it.session.cursor_ras.copy()
    it.measurements.set_tool("distance")
    drag(it.view, QPointF(120, 150), QPointF(300, 150))
    drag(it.view, QPointF(299, 151), QPointF(300, 250))
    assert it.view.pane is not None
    pane = it.view.pane
    ends = [pane.to_widget(point) for point in it.measurements.items[0].points_ras]
    assert ends == [pytest.approx((120, 150), abs=0.01), pytest.approx((300, 250), abs=0.01)]
    drag(it.view, QPointF(210, 200), QPointF(220, 230))
    ends = [pane.to_widget(point) for point in it.measurements.items[0].points_ras]
    assert ends == [pytest.approx((130, 180), abs=0.01), pytest.approx((310, 280), abs=0.01)]
    assert it.session.cursor_ras == pytest.approx(cursor)


def test_a_circle_is_moved_by_its_middle_and_sized_by_its_rim(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    it.measurements.set_tool("circle")
    drag(it.view, QPointF(200, 200), QPointF(240, 200))
    radius = it.measurements.items[0].length_mm
    drag(it.view, QPointF(200, 200), QPointF(170, 180))
    assert it.measurements.items[0].length_mm == pytest.approx(radius)
    drag(it.view, QPointF(210, 180), QPointF(250, 180))
    assert it.measurements.items[0].length_mm == pytest.approx(2 * radius)


def test_delete_removes_the_selected_one_and_a_click_elsewhere_leaves_it(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    for y in (120.0, 250.0):
        it.measurements.set_tool("distance")
        drag(it.view, QPointF(120, y), QPointF(300, y))
    click(it.view, QPointF(120, 120))
    assert it.measurements.selected is it.measurements.items[0]
    QTest.keyClick(it.view, Qt.Key.Key_Delete)
    assert len(it.measurements.items) == 1
    click(it.view, QPointF(300, 250))
    click(it.view, QPointF(200, 60))
    QTest.keyClick(it.view, Qt.Key.Key_Delete)
    assert len(it.measurements.items) == 1
    it.measurements.clear()
    assert not it.measurements.items


def test_escape_gives_up_what_is_half_drawn(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    it.measurements.set_tool("angle")
    click(it.view, QPointF(120, 150))
    click(it.view, QPointF(200, 150))
    QTest.keyClick(it.view, Qt.Key.Key_Escape)
    assert it.measurements.tool == ""
    click(it.view, QPointF(250, 250))
    assert len(it.measurements.items) == 0


def test_a_double_click_while_drawing_does_not_maximise(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    it.measurements.set_tool("distance")
    with qtbot.assertNotEmitted(it.view.double_clicked):
        double_click(it.view, QPointF(120, 150))
    assert not it.measurements.items
    assert it.measurements.tool == "distance"


def test_another_slice_begins_anew(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    it.measurements.set_tool("distance")
    click(it.view, QPointF(120, 150))
    wheel(it.view, 120)
    click(it.view, QPointF(300, 150))
    assert not it.measurements.items
    click(it.view, QPointF(200, 150))
    number = it.session.cursor_voxel[2]
    assert straight().voxel(it.measurements.items[0].points_ras)[:, 2] == pytest.approx([number, number])


def test_another_scan_has_no_measurements(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()))
    it.measurements.set_tool("distance")
    drag(it.view, QPointF(120, 150), QPointF(300, 150))
    it.open(ramp(oblique()))
    assert not it.measurements.items


def test_three_views_share_the_tool(qtbot: QtBot) -> None:
    it = shown(qtbot)
    other = SliceView(it.session, "coronal", it.measurements)
    qtbot.addWidget(other)
    it.open(ramp(straight()))
    it.measurements.set_tool("distance")
    assert other.cursor().shape() == it.view.cursor().shape() == Qt.CursorShape.CrossCursor
    it.measurements.set_tool("")
    assert it.view.cursor().shape() == Qt.CursorShape.ArrowCursor


@pytest.mark.parametrize("count", [1, 3])
def test_a_wrong_number_of_points_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="needs 2 points"):
        Measurement("distance", "axial", np.zeros((count, 3)))


def test_words_follow_the_kind(qtbot: QtBot) -> None:
    it = shown(qtbot)
    it.open(Volume(np.full(SHAPE, 0.25, np.float32), straight(), "MR"))
    model: Measurements = it.measurements
    points = straight().world_ras([(10, 10, 5), (13, 14, 5)])
    assert model.words(Measurement("distance", "axial", points)) == ["5.0 mm"]
    circle = model.words(Measurement("circle", "axial", points))
    assert circle == ["mean 0.250 ± 0", "min 0.250   max 0.250", "area 78.5 mm²"]
    far = Measurement("circle", "axial", points + 500)
    assert model.words(far) == ["outside the scan"]


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("distance", [(300, 100), (394, 100)]),
        ("distance", [(300, 20), (398, 4)]),
        ("distance", [(100, 100), (4, 100)]),
        ("distance", [(200, 100), (200, 296)]),
        ("angle", [(330, 60), (396, 100), (330, 140)]),
        ("circle", [(370, 270), (390, 290)]),
    ],
)
def test_words_stand_in_the_view_and_beside_the_handles(
    qtbot: QtBot, kind: Kind, places: list[tuple[int, int]]
) -> None:
    words = ["mean 40 ± 12 HU", "area 78.5 mm²"] if kind == "circle" else ["123.4 mm"]
    handles = [QPointF(*each) for each in places]
    box = words_box(QSizeF(400, 300), kind, handles, words)
    assert QRectF(0, 0, 400, 300).contains(box)
    assert not any(box.adjusted(-4, -4, 4, 4).contains(each) for each in handles)


def test_words_stand_beyond_the_end_where_there_is_room(qtbot: QtBot) -> None:
    box = words_box(QSizeF(400, 300), "distance", [QPointF(100, 100), QPointF(200, 100)], ["12.3 mm"])
    assert box.left() > 205
    assert box.center().y() == pytest.approx(100)


def test_structures_are_not_named_while_measuring_nor_over_a_measurement(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = shown(qtbot)
    it.open(ramp(straight()), two_boxes(straight()))
    it.session.move_cursor(straight().world_ras((15, 20, 8)))
    said: list[str] = []
    monkeypatch.setattr(canvas, "paint_chip", lambda painter, view, place, words: said.append(words))

    def chip_at(voxel: tuple[float, float, float]) -> str:
        move(it.view, it.place_of(voxel))
        said.clear()
        it.view.grab()
        return said[0] if said else ""

    assert chip_at((15, 20, 8)).startswith("aorta")
    it.measurements.set_tool("distance")
    assert chip_at((15, 20, 8)) == ""
    it.measurements.set_tool("")
    assert chip_at((15, 20, 8)).startswith("aorta")
    points = straight().world_ras([(12, 20, 8), (18, 20, 8)])
    it.measurements.add(Measurement("distance", "axial", points))
    assert chip_at((15, 20, 8)) == ""
    assert chip_at((15, 11, 8)).startswith("aorta")
