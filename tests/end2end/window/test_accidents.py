"""What goes wrong while a window is open: cancelled, killed, closed, dropped on, unreadable, without OpenGL."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from tests.end2end.window.conftest import drop, wait_for_labels, wait_for_scan, wait_for_tile
from tsdesktop.core.assets import asset
from tsdesktop.core.options import Options
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.scene import probe
from tsdesktop.gui.window import MainWindow

SAMPLE = "sample/ct.nii.gz"
SLOW = Options(task="total", fast=True)
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def running(qtbot: QtBot, window: MainWindow, slow: None) -> MainWindow:
    """A window in the middle of a tile that takes long."""
    heard: list[str] = []
    window.supervisor.progressed.connect(lambda progress: heard.append(progress.stage))
    window.open_paths([asset(SAMPLE)])
    wait_for_scan(qtbot, window)
    window.runs.start(SLOW)
    wait_for_tile(qtbot, window, heard)
    return window


def ended_within(process: psutil.Process, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def child_of(window: MainWindow) -> psutil.Process:
    pid = window.supervisor.pid
    assert pid is not None
    return psutil.Process(pid)


def test_cancel_answers_within_a_second_and_the_next_run_works(qtbot: QtBot, running: MainWindow) -> None:
    assert running.menus.cancel.isEnabled() and not running.menus.run.isEnabled()
    began = time.monotonic()
    with qtbot.waitSignal(running.supervisor.cancelled, timeout=5_000):
        QTest.mouseClick(running.left.run.cancel, Qt.MouseButton.LeftButton)
    assert time.monotonic() - began < 2.0
    assert running.left.run.button.isVisible() and not running.left.run.cancel.isVisible()
    assert running.menus.run.isEnabled() and not running.menus.cancel.isEnabled()
    running.runs.start(Options(task="bone"))
    wait_for_labels(qtbot, running)
    assert running.session.label_map is not None


def test_a_cancelled_run_gives_the_labels_from_before_back(qtbot: QtBot, running: MainWindow) -> None:
    before, draft = boxes(running, ("liver",)), boxes(running, ("spleen", "liver"))
    running.session.show_labels(before)
    running.runs.give_up()
    qtbot.waitUntil(lambda: not running.runs.is_running, timeout=5_000)
    running.runs.start(SLOW)
    running.supervisor.draft_ready.emit(draft)
    assert running.session.label_map is draft and running.session.is_draft
    QTest.mouseClick(running.left.run.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not running.runs.is_running, timeout=5_000)
    assert running.session.label_map is before and not running.session.is_draft


def test_a_draft_is_not_exported(running: MainWindow) -> None:
    running.supervisor.draft_ready.emit(boxes(running, ("liver",)))
    running.commands.export()
    assert "draft" in running.centre.notes.said
    assert not any(each.isVisible() for each in running.findChildren(QDialog))


def boxes(window: MainWindow, names: tuple[str, ...]) -> LabelMap:
    """Structures as boxes in the open scan, one above the other."""
    volume = window.session.volume
    assert volume is not None
    array = np.zeros(volume.geometry.shape, np.uint8)
    for n in range(len(names)):
        array[10:30, 10:30, 10 + 20 * n : 25 + 20 * n] = n + 1
    return LabelMap(array, volume.geometry, tuple(structure_class(n, name) for n, name in enumerate(names, 1)))


def test_no_run_begins_while_another_scan_is_being_opened(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, write_small_scan: Callable[[Path], Path]
) -> None:
    window.open_paths([asset(SAMPLE)])
    wait_for_scan(qtbot, window)
    first = window.session.volume
    drop(window, write_small_scan(tmp_path))
    window.left.run_wanted.emit(Options(task="bone"))
    assert not window.runs.is_running
    assert "being opened" in window.centre.notes.said
    qtbot.waitUntil(lambda: window.session.volume is not first, timeout=20_000)
    wait_for_scan(qtbot, window)
    window.left.run_wanted.emit(Options(task="bone"))
    assert window.runs.is_running


def test_a_killed_computation_is_told_and_the_next_run_works(qtbot: QtBot, running: MainWindow) -> None:
    with qtbot.waitSignal(running.supervisor.failed, timeout=10_000):
        child_of(running).send_signal(signal.SIGKILL)
    assert running.session.volume is not None
    assert any("ended unexpectedly" in label.text() for label in running.left.run.findChildren(QLabel))
    running.runs.start(Options(task="bone"))
    wait_for_labels(qtbot, running)


def test_closing_during_a_run_asks_and_leaves_no_process(qtbot: QtBot, running: MainWindow) -> None:
    child = child_of(running)
    running.close()
    assert running.isVisible()
    (box,) = running.findChildren(QMessageBox)
    yes = next(each for each in box.buttons() if each.text() == "Stop the run")
    QTest.mouseClick(yes, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not running.isVisible(), timeout=5_000)
    assert ended_within(child, 3.0)


def test_a_second_scan_during_a_run_asks_and_no_keeps_the_run(
    qtbot: QtBot, running: MainWindow, tmp_path: Path, write_small_scan: Callable[[Path], Path]
) -> None:
    first = running.session.volume
    drop(running, write_small_scan(tmp_path))
    (box,) = running.findChildren(QMessageBox)
    QTest.mouseClick(box.button(QMessageBox.StandardButton.Cancel), Qt.MouseButton.LeftButton)
    assert running.runs.is_running and running.session.volume is first


def test_a_second_scan_during_a_run_can_take_its_place(
    qtbot: QtBot, running: MainWindow, tmp_path: Path, write_small_scan: Callable[[Path], Path]
) -> None:
    first = running.session.volume
    drop(running, write_small_scan(tmp_path))
    (box,) = running.findChildren(QMessageBox)
    yes = next(each for each in box.buttons() if each.text() == "Stop the run")
    QTest.mouseClick(yes, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: running.session.volume is not first and not running.runs.is_running, timeout=20_000)
    assert running.session.label_map is None


def test_the_question_about_a_run_that_has_ended_meanwhile_is_asked_anew(
    qtbot: QtBot,
    window: MainWindow,
    tmp_path: Path,
    write_small_scan: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its labels must not be lost by an answer that was meant for an unfinished run."""
    monkeypatch.setattr("tsdesktop.gui.run_flow._WORTH_ASKING_S", 0.0)
    window.open_paths([asset(SAMPLE)])
    wait_for_scan(qtbot, window)
    first = window.session.volume
    window.runs.start(Options(task="bone"))
    drop(window, write_small_scan(tmp_path))
    assert [each.text() for each in window.findChildren(QMessageBox)] == ["A run is under way. Stop it?"]
    wait_for_labels(qtbot, window)
    qtbot.waitUntil(
        lambda: (
            [each.text() for each in window.findChildren(QMessageBox)]
            == ["The labels have not been exported. Go on without them?"]
        ),
        timeout=5_000,
    )
    assert window.session.volume is first and window.session.label_map is not None
    (box,) = window.findChildren(QMessageBox)
    QTest.mouseClick(box.button(QMessageBox.StandardButton.Cancel), Qt.MouseButton.LeftButton)
    assert window.session.volume is first and window.runs.has_unsaved_result


def test_an_unreadable_file_is_one_line_and_the_open_scan_stays(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    window.open_paths([asset(SAMPLE)])
    wait_for_scan(qtbot, window)
    before = window.session.volume
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(asset(SAMPLE).read_bytes()[:50_000])
    with qtbot.waitSignal(window.opening.failed, timeout=10_000):
        drop(window, broken)
    assert "broken.nii.gz" in window.centre.notes.said
    assert window.session.volume is before
    assert window.findChildren(QMessageBox) == []


def test_what_is_no_scan_is_told_in_the_empty_window(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear doctor")
    with qtbot.waitSignal(window.opening.failed, timeout=10_000):
        drop(window.centre.empty, letter)
    assert "letter.txt" in window.centre.notes.said
    assert window.centre.empty.isVisible()


def test_without_opengl_structures_are_drawn_by_the_processor(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsdesktop.gui.scene.drawing.graphics", lambda: probe.PROCESSOR)
    window.open_paths([asset(SAMPLE)])
    wait_for_scan(qtbot, window)
    window.runs.start(Options(task="bone"))
    wait_for_labels(qtbot, window)
    qtbot.waitUntil(lambda: window.scene is not None and window.scene.is_still, timeout=60_000)
    assert window.scene is not None and window.scene.drawn_by == probe.PROCESSOR
    image = window.scene.screenshot()
    colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
    assert len(colours) > 50


def test_a_bug_becomes_a_line_and_the_window_goes_on(window: MainWindow) -> None:
    window.telling.error(KeyError("something nobody expected"))
    assert "bug" in window.centre.notes.said
    assert window.isVisible()
