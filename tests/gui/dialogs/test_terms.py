"""Terms of use: what is asked, and that only a yes goes on."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.dialogs.terms import TermsDialog
from tsdesktop.weights.terms import TERMS_URL

TASK = catalogue().task("brain_aneurysm")


@pytest.fixture
def dialog(qtbot: QtBot, window: QWidget) -> TermsDialog:
    made = TermsDialog(TASK, window)
    made.show()
    return made


def test_what_is_asked(dialog: TermsDialog) -> None:
    texts = " ".join(each.text() for each in dialog.findChildren(QLabel))
    assert "Brain aneurysm" in texts and "non-commercial use only" in texts


def test_a_yes_goes_on(qtbot: QtBot, dialog: TermsDialog) -> None:
    heard: list[str] = []
    dialog.accepted.connect(lambda: heard.append("accepted"))
    dialog.destroyed.connect(lambda: heard.append("gone"))
    QTest.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: heard == ["accepted", "gone"])


def test_return_is_a_yes(qtbot: QtBot, dialog: TermsDialog) -> None:
    with qtbot.waitSignal(dialog.accepted):
        QTest.keyClick(dialog, Qt.Key.Key_Return)


@pytest.mark.parametrize("by", ["button", "escape"])
def test_anything_else_does_not(qtbot: QtBot, dialog: TermsDialog, by: str) -> None:
    heard: list[str] = []
    dialog.accepted.connect(lambda: heard.append("accepted"))
    with qtbot.waitSignal(dialog.rejected):
        if by == "button":
            QTest.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
        else:
            QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert heard == []


def test_links_lead_to_the_licence_and_the_papers(dialog: TermsDialog, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_url(url: QUrl) -> bool:
        opened.append(url.toString())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    for link in dialog.findChildren(QPushButton):
        if link.property("role") == "link":
            QTest.mouseClick(link, Qt.MouseButton.LeftButton)
    assert opened == [TERMS_URL, *TASK.papers, *TASK.credits]
