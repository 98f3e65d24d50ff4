"""Files that the desktop hands to the running program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, QUrl
from PySide6.QtGui import QFileOpenEvent
from pytestqt.qtbot import QtBot

from tsdesktop.gui.handed_over import HandedOver


def test_files_that_come_together_are_opened_together(qtbot: QtBot, tmp_path: Path) -> None:
    opened: list[Sequence[Path]] = []
    watched = QObject()
    HandedOver(watched, opened.append)
    first, second = tmp_path / "a.nii.gz", tmp_path / "b ü.nii"
    for path in (first, second):
        QCoreApplication.sendEvent(watched, QFileOpenEvent(QUrl.fromLocalFile(str(path))))
    assert not opened
    qtbot.waitUntil(lambda: bool(opened))
    assert opened == [[first, second]]
    QCoreApplication.sendEvent(watched, QFileOpenEvent(QUrl.fromLocalFile(str(second))))
    qtbot.waitUntil(lambda: len(opened) == 2)
    assert opened[1] == [second]


def test_a_page_on_the_internet_is_no_file(qtbot: QtBot) -> None:
    opened: list[Sequence[Path]] = []
    watched = QObject()
    HandedOver(watched, opened.append)
    QCoreApplication.sendEvent(watched, QFileOpenEvent(QUrl("https://example.org/scan.nii")))
    qtbot.wait(20)
    assert not opened
