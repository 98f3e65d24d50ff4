"""Exceptions become words in one place, and reports hold neither patients nor folders."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

import tsdesktop
from tsdesktop.core.errors import Cancelled, ReadError
from tsdesktop.gui.dialogs.bug_report import BugReport
from tsdesktop.gui.dialogs.log_view import LogView
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.report import RecentLines, redacted, report_text, told_exception


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_our_errors_have_a_sentence_and_a_hint() -> None:
    told = words_for(ReadError("read.empty_file", name="scan.nii"))
    assert told is not None and not told.is_bug
    assert (told.sentence, told.hint) == ("scan.nii is empty.", "Copy or download it again.")


def test_cancelled_has_no_words() -> None:
    assert words_for(Cancelled()) is None


def test_anything_else_is_a_bug_with_a_report() -> None:
    told = words_for(raised(KeyError("Meier^Anna")), ["12:00:00 INFO x: read /scans/Meier"], ["Meier"])
    assert told is not None and told.is_bug
    assert "KeyError" in told.report and "raised" in told.report and tsdesktop.__version__ in told.report
    assert "KeyError" not in told.sentence + told.hint
    assert "Meier" not in told.report and "Anna" not in told.report


@pytest.mark.parametrize(
    "text",
    [
        "could not open /home/anna/scans/Meier_Anna.nii.gz",
        "could not open '/mnt/My Scans/Meier Anna/ct.nii.gz': gone",
        r"could not open C:\Users\anna\Meier\scan.dcm",
        r"could not open \\server\share\Meier\scan.dcm",
        "could not open '/mnt/My Scans/Anna Meier ct': gone",
        "could not open /mnt/My Scans/ct of Anna Meier.nii.gz (gone)",
        "file:///data/Meier%20Anna.zip is damaged",
        "Meier_Anna.nii.gz is damaged",
        "~/scans/Meier.mha",
        'File "/home/meier/tsdesktop/core/volume.py", line 3',
    ],
)
def test_paths_and_file_names_are_left_out(text: str) -> None:
    out = redacted(text)
    for word in ("meier", "anna", "users", "home", "server", "mnt", "data/"):
        assert word not in out.lower(), out


def test_what_is_no_path_stays() -> None:
    line = "network 3/5: 12 tiles, 0.5 mm/voxel, and/or 1 / 2 in 3.4 s; version 2.13.1 (cpu): 100 %"
    assert redacted(line) == line


def test_identifiers_and_private_words_are_left_out() -> None:
    out = redacted("series 1.2.840.113619.2.55.3.1 of thorax 3.0", ["Thorax 3.0", "", "x"])
    assert out == "series <uid> of <private>"


def test_where_it_happened_is_told_without_folders() -> None:
    told = told_exception(raised(ValueError("bad value 'Meier'")))
    assert "test_reports" in told and "raised" in told and "ValueError: bad value" in told
    assert "Meier" not in told and str(Path(__file__).parent) not in told


def test_the_last_lines_are_kept_and_debug_is_not() -> None:
    recent = RecentLines(3)
    logger = logging.getLogger("tsdesktop.test_reports")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(recent)
    try:
        logger.debug("secret")
        for n in range(5):
            logger.info("line %d", n)
    finally:
        logger.removeHandler(recent)
    assert [line[-6:] for line in recent.lines] == ["line 2", "line 3", "line 4"]
    assert "line 4" in report_text(recent.lines) and "secret" not in report_text(recent.lines)


def test_the_bug_dialog_copies_its_report(qtbot: QtBot, window: QWidget) -> None:
    told = words_for(raised(RuntimeError("boom")))
    assert told is not None
    dialog = BugReport(told, window)
    dialog.show()
    QTest.mouseClick(next(each for each in dialog.findChildren(QPushButton) if each.text() == "Copy report"),
                     Qt.MouseButton.LeftButton)  # fmt: skip
    assert QGuiApplication.clipboard().text() == told.report
    gone = []
    dialog.destroyed.connect(lambda: gone.append(True))
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: bool(gone))


def test_the_log_view_follows_the_log_and_its_report_names_nobody(qtbot: QtBot, window: QWidget) -> None:
    recent = RecentLines()
    dialog = LogView(recent, ["Thorax Meier"], window)
    dialog.show()
    record = logging.LogRecord("x", logging.INFO, "", 0, "opened Thorax Meier from /scans/meier.zip", None, None)
    recent.handle(record)
    box = dialog.findChild(QPlainTextEdit)
    assert box is not None
    qtbot.waitUntil(lambda: "opened" in box.toPlainText())
    dialog.copy()
    for text in (box.toPlainText(), QGuiApplication.clipboard().text()):
        assert "meier" not in text.lower() and "opened" in text
    assert "numpy" in QGuiApplication.clipboard().text()
