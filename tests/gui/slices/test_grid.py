"""The arrangement of the views, by double clicks, by dragging its lines and by name."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QEvent, QPointF, QRect, Qt, Signal
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.slices.phantoms import LEFT, double_click, mouse, ramp, straight
from tsdesktop.gui import theme
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.grid import ViewGrid
from tsdesktop.gui.slices.measure import Measurements
from tsdesktop.gui.slices.plane import PLANE_NAMES, PlaneName
from tsdesktop.gui.slices.view import SliceView


class _Scene(QWidget):
    double_clicked = Signal()


class _Grid:
    def __init__(self, qtbot: QtBot) -> None:
        self.session = Session()
        measurements = Measurements(self.session)
        self.views: dict[PlaneName, SliceView] = {
            name: SliceView(self.session, name, measurements) for name in PLANE_NAMES
        }
        self.grid = ViewGrid(self.views)
        self.scene = _Scene()
        qtbot.addWidget(self.grid)
        self.grid.resize(801, 601)
        self.grid.show()
        qtbot.waitExposed(self.grid)
        self.session.open_volume(ramp(straight()))

    def box(self, name: str) -> tuple[int, int, int, int]:
        view = self.scene if name == "3d" else next(v for n, v in self.views.items() if n == name)
        place = view.geometry() if view.isVisible() else QRect(0, 0, 0, 0)
        return place.x(), place.y(), place.width(), place.height()


@pytest.fixture
def it(qtbot: QtBot) -> _Grid:
    made = _Grid(qtbot)
    made.grid.set_scene(made.scene)
    return made


def test_four_views_stand_in_line(it: _Grid) -> None:
    assert it.box("axial") == (0, 0, 400, 300)
    assert it.box("3d") == (401, 0, 400, 300)
    assert it.box("coronal") == (0, 301, 400, 300)
    assert it.box("sagittal") == (401, 301, 400, 300)


def test_before_the_3d_view_is_loaded_its_place_is_quiet(qtbot: QtBot) -> None:
    theme.wear(QApplication.instance(), theme.DARK)  # type: ignore[arg-type]
    made = _Grid(qtbot)
    picture = made.grid.grab().toImage()
    assert picture.pixelColor(600, 150) == theme.DARK.colour("panel")
    assert picture.pixelColor(400, 150) == theme.DARK.colour("line")


def test_a_double_click_maximises_and_another_goes_back(qtbot: QtBot, it: _Grid) -> None:
    view = it.views["coronal"]
    number = it.session.cursor_voxel
    with qtbot.waitSignal(it.grid.layout_changed):
        double_click(view, QPointF(200, 150))
    assert it.grid.layout_name == "coronal"
    assert it.box("coronal") == (0, 0, 801, 601)
    assert it.box("axial") == it.box("3d") == (0, 0, 0, 0)
    assert it.session.cursor_voxel == number
    double_click(view, QPointF(200, 150))
    assert it.grid.layout_name == "four"
    assert it.box("sagittal") == (401, 301, 400, 300)


def test_the_3d_view_is_maximised_too(it: _Grid) -> None:
    it.grid.set_layout("slices")
    it.grid.set_layout("3d")
    it.scene.double_clicked.emit()
    assert it.grid.layout_name == "scene"
    assert it.box("3d") == (0, 0, 801, 601)
    it.scene.double_clicked.emit()
    assert it.grid.layout_name == "3d"


def test_one_large_view_with_small_ones(it: _Grid) -> None:
    it.grid.set_layout("slices")
    x, _, width, height = it.box("axial")
    assert (x, height) == (0, 601)
    assert width > 400
    assert it.box("coronal")[:2] == (width + 1, 0)
    assert it.box("sagittal")[0] == width + 1
    assert it.box("3d") == (0, 0, 0, 0)
    it.grid.set_layout("3d")
    assert it.box("3d")[3] == 601
    heights = [it.box(name)[3] for name in PLANE_NAMES]
    assert max(heights) - min(heights) <= 1
    assert sum(heights) + 2 == 601


def _drag_handle(grid: ViewGrid, shape: Qt.CursorShape, place: QPointF) -> None:
    handle = next(each for each in grid.findChildren(QWidget) if each.cursor().shape() == shape and each.isVisible())
    start = QPointF(handle.rect().center())
    mouse(handle, QEvent.Type.MouseButtonPress, start, LEFT)
    mouse(handle, QEvent.Type.MouseMove, QPointF(handle.mapFromParent(place)), LEFT)
    mouse(handle, QEvent.Type.MouseButtonRelease, QPointF(handle.mapFromParent(place)), LEFT)


def test_lines_can_be_dragged_and_both_rows_stay_in_line(it: _Grid) -> None:
    _drag_handle(it.grid, Qt.CursorShape.SplitHCursor, QPointF(500, 20))
    assert it.box("axial")[2] == it.box("coronal")[2] == 500
    _drag_handle(it.grid, Qt.CursorShape.SplitVCursor, QPointF(50, 200))
    assert it.box("axial")[3] == it.box("3d")[3] == 200
    _drag_handle(it.grid, Qt.CursorShape.SizeAllCursor, QPointF(300, 400))
    assert it.box("axial")[2:] == (300, 400)
    _drag_handle(it.grid, Qt.CursorShape.SplitHCursor, QPointF(2, 20))
    assert it.box("axial")[2] == 120


def test_a_double_click_on_a_line_puts_it_back(it: _Grid) -> None:
    it.grid.move_lines(600, 100)
    handle = next(
        each for each in it.grid.findChildren(QWidget) if each.cursor().shape() == Qt.CursorShape.SizeAllCursor
    )
    double_click(handle, QPointF(handle.rect().center()))
    assert it.box("axial") == (0, 0, 400, 300)


def test_what_was_arranged_is_remembered(qtbot: QtBot, it: _Grid) -> None:
    it.grid.move_lines(600, 150)
    it.grid.set_layout("slices")
    kept = json.loads(json.dumps(it.grid.state()))
    other = _Grid(qtbot)
    other.grid.restore(kept)
    assert other.grid.layout_name == "slices"
    other.grid.set_layout("four")
    assert other.box("axial")[2:] == (600, 150)


@pytest.mark.parametrize(
    "state", [{}, {"layout": "nonsense", "splits": {"four": [2, "a"], "nine": [0.5]}}, {"splits": 3}]
)
def test_a_state_of_another_version_is_taken_as_far_as_it_goes(it: _Grid, state: dict[str, object]) -> None:
    it.grid.restore(state)
    assert it.grid.layout_name == "four"
    assert it.box("axial") == (0, 0, 400, 300)
