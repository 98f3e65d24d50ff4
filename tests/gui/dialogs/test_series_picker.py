"""Choosing among series and volumes, with mouse and keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.scans.files import SHAPE, oriented, written
from tests.scans.series import TEN, write_series
from tsdesktop.gui.dialogs.series_picker import _PICTURE, SeriesPicker, VolumePicker, series_lines
from tsdesktop.pipeline import SeriesSummary, list_series


@pytest.fixture
def summaries(tmp_path: Path) -> list[SeriesSummary]:
    """A large scan that suits best, a small one, and a file that is no scan."""
    rng = np.random.default_rng(1)
    for name, shape in (("a small.nii.gz", SHAPE), ("b large.nii.gz", (20, 21, 22))):
        written(tmp_path / name, rng.integers(0, 9, shape), oriented("LPS"))
    written(tmp_path / "c flat.nii.gz", rng.integers(0, 9, (20, 21, 1)), oriented("LPS"))
    return list_series(tmp_path)


@pytest.fixture
def picker(qtbot: QtBot, summaries: list[SeriesSummary], window: QWidget) -> SeriesPicker:
    made = SeriesPicker(summaries, window)
    made.show()
    return made


def place_of(picker: SeriesPicker, row: int) -> tuple[QWidget, object]:
    return picker.list.viewport(), picker.list.visualItemRect(picker.list.item(row)).center()


def test_the_best_is_marked_and_enter_opens_it(qtbot: QtBot, picker: SeriesPicker) -> None:
    with qtbot.waitSignal(picker.chosen) as caught:
        QTest.keyClick(picker.list, Qt.Key.Key_Return)
    assert caught.args is not None and caught.args[0].description == "b large.nii.gz"
    assert not picker.isVisible()


def test_arrow_keys_choose_another(qtbot: QtBot, picker: SeriesPicker) -> None:
    QTest.keyClick(picker.list, Qt.Key.Key_Up)
    with qtbot.waitSignal(picker.chosen) as caught:
        QTest.mouseClick(picker.open_button, Qt.MouseButton.LeftButton)
    assert caught.args is not None and caught.args[0].description == "a small.nii.gz"


def test_a_double_click_opens_once(qtbot: QtBot, picker: SeriesPicker) -> None:
    told: list[SeriesSummary] = []
    picker.chosen.connect(told.append)
    viewport, place = picker.list.viewport(), picker.list.visualItemRect(picker.list.item(0)).center()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    assert [each.description for each in told] == ["a small.nii.gz"]


def test_escape_chooses_nothing(picker: SeriesPicker) -> None:
    told: list[SeriesSummary] = []
    picker.chosen.connect(told.append)
    QTest.keyClick(picker, Qt.Key.Key_Escape)
    assert not told


def test_pictures_come_afterwards(qtbot: QtBot, picker: SeriesPicker) -> None:
    qtbot.waitUntil(lambda: all(picker.list.item(n).data(_PICTURE) is not None for n in (0, 1)))
    assert picker.list.item(2).data(_PICTURE) is None


def test_what_speaks_against_a_series_is_said(picker: SeriesPicker) -> None:
    said = picker.list.item(2).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "c flat.nii.gz" in said and "flat picture" in said


def test_what_is_said_of_a_dicom_series(tmp_path: Path) -> None:
    write_series(tmp_path, TEN)
    title, figures, remark = series_lines(list_series(tmp_path)[0])
    assert title and "10 slices" in figures and "CT" in figures and "mm" in figures
    assert remark == "Suits best"


def test_a_volume_by_typing(qtbot: QtBot, window: QWidget) -> None:
    picker = VolumePicker(60, 3, window)
    picker.show()
    QTest.keyClicks(picker.line, "41")
    with qtbot.waitSignal(picker.chosen) as caught:
        QTest.keyClick(picker.line, Qt.Key.Key_Return)
    assert caught.args == [41]


def test_a_volume_that_is_not_there_cannot_be_chosen(qtbot: QtBot, window: QWidget) -> None:
    picker = VolumePicker(60, 3, window)
    picker.show()
    QTest.keyClicks(picker.line, "75")
    QTest.keyClick(picker.slider, Qt.Key.Key_Right)
    with qtbot.waitSignal(picker.chosen) as caught:
        picker.accept()
    assert caught.args == [8]
