"""The check's dialog: ticks as steps are done, what is wrong in sentences, a report to save; closing ends the check."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.notes import note
from tsdesktop.core.self_test import STEPS, Step, Voice
from tsdesktop.core.settings import Settings
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.self_test import Check, Hear, SelfTest
from tsdesktop.gui.remembering import Memory
from tsdesktop.gui.self_test import is_empty, unseen_platform, window_system_problem
from tsdesktop.gui.self_test_flow import SelfTestFlow
from tsdesktop.pipeline.self_test_report import report_of

WELL = tuple(Step(name, "ok", 0.1) for name in STEPS)
ILL = (
    Step("files", "failed", 0.1, (note("check.file_missing", name="presets.json"),), {"files": 48}),
    Step("libraries", "ok", 0.1, (), {"versions": {"vtk": "9.7", "numpy": "2.4"}}),
    *(Step(name, "ok") for name in STEPS[2:4]),
    *(Step(name, "skipped") for name in STEPS[4:6]),
    Step("window", "failed", 0.1, (note("check.crashed", what="3D view", how="SIGSEGV"),)),
)


def check_of(steps: tuple[Step, ...]) -> Check:
    def check(hear: Hear, _: Any) -> tuple[tuple[Step, ...], dict[str, Any]]:
        for each in steps:
            hear(each.name)
            hear(each)
        return steps, report_of(steps, 1.0)

    return check


def states(dialog: SelfTest) -> list[str]:
    return [row.state for row in dialog._rows.values()]


def texts(widget: QWidget) -> str:
    return "\n".join(each.text() for each in widget.findChildren(QLabel))


def opened(qtbot: QtBot, window: QWidget, check: Check) -> SelfTest:
    dialog = SelfTest("", window, check)
    with qtbot.waitSignal(dialog.checked, timeout=5_000):
        dialog.open()
    return dialog


def test_all_is_well(qtbot: QtBot, window: QWidget) -> None:
    dialog = opened(qtbot, window, check_of(WELL))
    assert states(dialog) == ["ok"] * len(STEPS)
    assert dialog.said.text() == "Everything is here and works." and dialog.save.isEnabled()


def test_what_is_wrong_stands_under_its_step(qtbot: QtBot, window: QWidget) -> None:
    dialog = opened(qtbot, window, check_of(ILL))
    assert states(dialog) == [each.state for each in ILL]
    said = texts(dialog)
    assert "presets.json is missing among the files of the program." in said and "2 libraries" in said
    assert "The program ended unexpectedly at this step: 3D view (SIGSEGV)." in said
    assert said.count("not tried") == 2 and dialog.said.text() == "Something is missing or does not work."


def test_the_report_is_saved(qtbot: QtBot, window: QWidget, tmp_path: Path) -> None:
    dialog = opened(qtbot, window, check_of(ILL))
    dialog.save_report(tmp_path / "report.json")
    qtbot.waitUntil(lambda: "report.json was written." in texts(dialog))
    assert json.loads((tmp_path / "report.json").read_text())["ok"] is False
    dialog.save_report(tmp_path / "nowhere" / "report.json")
    qtbot.waitUntil(lambda: "report.json could not be written: No such file" in texts(dialog))


def test_steps_are_shown_as_they_are_done_and_closing_ends_the_check(qtbot: QtBot, window: QWidget) -> None:
    ended = threading.Event()

    def check(hear: Hear, obey: Any) -> tuple[tuple[Step, ...], dict[str, Any]]:
        hear(WELL[0])
        hear("numpy")
        try:
            while True:
                obey()
                ended.wait(0.01)
        except Cancelled:
            ended.set()
            raise

    dialog = SelfTest("", window, check)
    dialog.open()
    qtbot.waitUntil(lambda: states(dialog)[:3] == ["ok", "trying", "waiting"])
    qtbot.waitUntil(lambda: "numpy" in texts(dialog))
    assert not dialog.save.isEnabled()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(ended.is_set)


def test_a_check_that_cannot_begin_says_why(qtbot: QtBot, window: QWidget) -> None:
    def check(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    dialog = opened(qtbot, window, check)
    assert "No space left on device" in dialog.said.text() and not dialog.save.isEnabled()


def test_ticks_follow_the_theme(qtbot: QtBot, window: QWidget, qapp: QApplication) -> None:
    dialog = opened(qtbot, window, check_of(WELL))
    icon = next(iter(dialog._rows.values()))._icon
    before = icon.pixmap().toImage()
    theme.wear(qapp, theme.LIGHT)
    QApplication.processEvents()
    assert icon.pixmap().toImage() != before


def test_the_window_opens_it(window: QWidget, monkeypatch: pytest.MonkeyPatch) -> None:
    opened_for: list[tuple[str, QWidget]] = []

    class Dialog:
        def __init__(self, folder: str, parent: QWidget) -> None:
            opened_for.append((folder, parent))

        def open(self) -> None:
            opened_for.append(("open", window))

    monkeypatch.setattr("tsdesktop.gui.dialogs.self_test.SelfTest", Dialog)
    SelfTestFlow(Memory(Settings(export_folder="/results"), window), window).open()
    assert opened_for == [("/results", window), ("open", window)]


def test_where_a_window_is_not_seen() -> None:
    assert unseen_platform({}, "linux") == "offscreen"
    assert unseen_platform({"DISPLAY": ":1"}, "linux") == ""
    assert unseen_platform({"DISPLAY": ":1", "QT_QPA_PLATFORM": "xcb"}, "linux") == "xcb"
    assert unseen_platform({}, "win32") == ""


def test_a_library_of_the_window_system_that_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: str) -> None:
        raise OSError("libxcb-cursor.so.0: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("tsdesktop.gui.self_test.ctypes.CDLL", load)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    problem = window_system_problem(Voice(tmp_path / "said"))
    assert problem is not None and problem.sentence == "Qt cannot be loaded: the system has no libxcb-cursor.so.0."


def test_an_empty_picture_is_told_from_a_drawn_one() -> None:
    image = QImage(300, 200, QImage.Format.Format_RGB32)
    image.fill(QColor("#14171c"))
    assert is_empty(image)
    for x in range(40, 260):
        for y in range(40, 160):
            image.setPixelColor(x, y, QColor(x % 256, y, 80))
    assert not is_empty(image)
