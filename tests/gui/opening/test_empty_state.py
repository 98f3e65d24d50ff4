"""The empty centre, driven as a person would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFontMetrics, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.volume import ScanSource, Volume
from tsdesktop.gui import theme
from tsdesktop.gui.opening.empty_state import EmptyState
from tsdesktop.gui.opening.recent import RecentScan, recent_scans, remember
from tsdesktop.gui.opening.thumbnails import picture_of_scan, remember_with_picture

# Newer Qt wants QPointF here, which older Qt does not take.
pytestmark = pytest.mark.filterwarnings("ignore:.*QDragEnterEvent:DeprecationWarning")


def volume(codes: str = "LPS") -> Volume:
    """Bright at the patient's right (R) and, less so, at the head (S), whatever way the grid runs."""
    ras = np.full((30, 20, 40), -1000, np.int16)
    ras[20:, :, :], ras[:20, :, 30:] = 1000, 40
    flips = [slice(None, None, 1 if code in "RAS" else -1) for code in codes]
    signs = [1.0 if code in "RAS" else -1.0 for code in codes]
    source = ScanSource("dicom", "Series 3", description="Thorax 3.0")
    return Volume(ras[tuple(flips)], Geometry(ras.shape, np.diag([*signs, 1.0])), "CT", source)


@pytest.fixture
def shown(qtbot: QtBot) -> Callable[[], EmptyState]:
    def show() -> EmptyState:
        widget = EmptyState()
        qtbot.addWidget(widget)
        widget.resize(860, 700)
        widget.show()
        qtbot.waitUntil(lambda: len(widget.cards) == len(recent_scans()))
        return widget

    return show


def pressed(widget: EmptyState, text: str) -> QPushButton:
    return next(each for each in widget.findChildren(QPushButton) if each.text() == text)


def test_the_sample_is_one_click_away(qtbot: QtBot, shown: Callable[[], EmptyState]) -> None:
    widget = shown()
    with qtbot.waitSignal(widget.open_wanted) as caught:
        QTest.mouseClick(pressed(widget, "Open the sample"), Qt.MouseButton.LeftButton)
    assert caught.args is not None and caught.args[0][0].is_file()


def test_dropping_wants_everything_opened_together(
    qtbot: QtBot, shown: Callable[[], EmptyState], tmp_path: Path
) -> None:
    widget = shown()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in ("scan.nii", "labels.nii")])
    keys = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, mime, *keys)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted()
    with qtbot.waitSignal(widget.open_wanted) as caught:
        QApplication.sendEvent(widget, QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, mime, *keys))
    assert caught.args == [[tmp_path / "scan.nii", tmp_path / "labels.nii"]]


def test_words_are_no_scan(shown: Callable[[], EmptyState]) -> None:
    mime = QMimeData()
    mime.setText("words")
    keys = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, mime, *keys)
    enter.ignore()
    QApplication.sendEvent(shown(), enter)
    assert not enter.isAccepted()


@pytest.mark.parametrize("text", ["Browse file…", "Browse folder…"])
def test_browsing(qtbot: QtBot, shown: Callable[[], EmptyState], tmp_path: Path, text: str) -> None:
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    widget = shown()
    QTest.mouseClick(pressed(widget, text), Qt.MouseButton.LeftButton)
    dialog = widget.findChild(QFileDialog)
    assert dialog is not None and dialog.isVisible()
    with qtbot.waitSignal(widget.open_wanted) as caught:
        dialog.filesSelected.emit([str(tmp_path)])
    dialog.close()
    assert caught.args == [[tmp_path]]


def test_a_recent_scan_opens_by_click_and_by_key(qtbot: QtBot, shown: Callable[[], EmptyState], tmp_path: Path) -> None:
    remember_with_picture(volume(), tmp_path)
    card = shown().cards[0]
    widget = card.window()
    assert isinstance(widget, EmptyState) and "Thorax 3.0" in card.accessibleName()
    with qtbot.waitSignal(widget.open_wanted) as caught:
        QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    assert caught.args == [[tmp_path]]
    with qtbot.waitSignal(widget.open_wanted):
        QTest.keyClick(card, Qt.Key.Key_Return)


def test_a_recent_series_is_opened_as_that_series(
    qtbot: QtBot, shown: Callable[[], EmptyState], tmp_path: Path
) -> None:
    remember_with_picture(volume(), tmp_path, "2")
    widget = shown()
    with qtbot.assertNotEmitted(widget.open_wanted), qtbot.waitSignal(widget.series_wanted) as caught:
        QTest.mouseClick(widget.cards[0], Qt.MouseButton.LeftButton)
    assert caught.args == [tmp_path, "2"]


def test_a_missing_scan_is_grey_and_does_nothing(qtbot: QtBot, shown: Callable[[], EmptyState], tmp_path: Path) -> None:
    remember_with_picture(volume(), tmp_path / "gone.nii")
    widget = shown()
    assert "no longer there" in widget.cards[0].accessibleName()
    with qtbot.assertNotEmitted(widget.open_wanted, wait=50):
        QTest.mouseClick(widget.cards[0], Qt.MouseButton.LeftButton)


def test_delete_takes_a_scan_off_the_list(qtbot: QtBot, shown: Callable[[], EmptyState], tmp_path: Path) -> None:
    for name in ("a", "b"):
        remember_with_picture(volume(), tmp_path / name)
    widget = shown()
    QTest.keyClick(widget.cards[0], Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: len(widget.cards) == 1)
    assert [each.path.name for each in recent_scans()] == ["a"]


@pytest.mark.parametrize("codes", ["RAS", "LPS", "LAI"])
def test_the_picture_shows_the_patients_right_on_the_left_and_the_head_up(codes: str) -> None:
    picture = picture_of_scan(volume(codes))
    assert picture.width() == picture.height() == 192

    def grey(x: float, y: float) -> int:
        return picture.pixelColor(round(x * 192), round(y * 192)).lightness()

    assert grey(0.25, 0.5) > 200  # bone at the right
    assert 90 < grey(0.65, 0.1) < 160  # soft tissue at the head
    assert grey(0.65, 0.8) < 10 and grey(0.02, 0.5) == 0


def _flipped(scan: Volume) -> Volume:
    """The same scan with all axes running the other way."""
    affine = scan.affine @ np.diag([-1.0, -1.0, -1.0, 1.0])
    affine[:3, 3] = scan.geometry.world_ras(np.array(scan.geometry.shape) - 1.0)
    return Volume(np.array(scan.array[::-1, ::-1, ::-1], np.int16), Geometry(scan.geometry.shape, affine), "CT")


@pytest.mark.parametrize("codes", ["RAS", "LPI"])
@pytest.mark.parametrize("axis", [2, 0], ids=["axial slices", "sagittal slices"])
@pytest.mark.parametrize(("count", "step_mm"), [(3, 5.0), (30, 0.5), (8, 7.0)], ids=["few", "a slab", "far apart"])
def test_a_thin_scan_is_shown_from_its_broad_side(codes: str, axis: int, count: int, step_mm: float) -> None:
    array = np.full([count if n == axis else 60 for n in range(3)], -1000, np.int16)
    field: list[slice] = [slice(None) if n == axis else slice(40, 60) for n in range(3)]
    array[tuple(field)] = 1500
    affine = np.diag([step_mm if n == axis else 1.0 for n in range(3)] + [1.0])
    straight = Volume(array, Geometry(array.shape, affine), "CT")
    picture = picture_of_scan(straight if codes == "RAS" else _flipped(straight))
    # Bone is right and in front, or in front and at the head: in the upper left of a picture that fills its square.
    assert picture.pixelColor(20, 20).lightness() > 200
    for x, y in ((170, 20), (20, 170), (170, 170)):
        assert picture.pixelColor(x, y).lightness() < 10


def test_a_card_has_a_line_for_each_figure(qtbot: QtBot, shown: Callable[[], EmptyState], tmp_path: Path) -> None:
    scan = RecentScan(tmp_path, "Thorax", (512, 512, 1160), (0.715, 0.715, 5.0), "CT", "2025-03-04T10:00:00+00:00")
    remember(scan)
    card = shown().cards[0]
    card.resize(card.sizeHint())
    name, size, spacing, _ = card.lines
    assert (name, size, spacing) == ("Thorax", "CT  ·  512 × 512 × 1160", "0.71-5.0 mm")  # noqa: RUF001
    room = card.width() - card.words_left - 8
    assert QFontMetrics(theme.base_font(12)).horizontalAdvance(size) <= room


def test_the_picture_is_kept_with_the_scan(tmp_path: Path) -> None:
    scan = remember_with_picture(volume(), tmp_path)
    assert not QImage(str(scan.thumbnail)).isNull()
    assert recent_scans() == [scan]
