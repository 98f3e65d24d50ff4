"""The licence number: what is said while typing, and exactly one state afterwards."""

from __future__ import annotations

from typing import Literal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tsdesktop.gui.dialogs.licence_dialog import LicenceDialog
from tsdesktop.weights.licence import store_licence, stored_licence

NUMBER = "aca_" + "A1b2C3d4E5f6G7"


def shown(window: QWidget, answer: Literal["valid", "rejected", "unreachable", ""] = "") -> LicenceDialog:
    def ask(number: str) -> Literal["valid", "rejected", "unreachable"]:
        assert number == NUMBER and answer
        return answer

    dialog = LicenceDialog(window, ask if answer else None)
    dialog.show()
    return dialog


def test_nothing_is_entered_at_first(qtbot: QtBot, window: QWidget) -> None:
    dialog = shown(window)
    assert dialog.state_line.text() == "No number is entered."
    assert not dialog.store_button.isEnabled() and not dialog.remove_button.isVisible()


def test_the_form_is_checked_while_typing_and_nothing_is_stored(qtbot: QtBot, window: QWidget) -> None:
    dialog = shown(window)
    QTest.keyClicks(dialog.line, NUMBER[:8])
    assert dialog.state_line.text().startswith("Go on")
    QTest.keyClicks(dialog.line, NUMBER[8:])
    assert dialog.store_button.isEnabled() and stored_licence() == ""
    QTest.keyClicks(dialog.line, "x")
    assert dialog.state_line.text().startswith("Rejected") and not dialog.store_button.isEnabled()
    assert dialog.state_line.property("role") == "error"


def test_without_a_server_it_is_stored_and_said_so(qtbot: QtBot, window: QWidget) -> None:
    dialog = shown(window)
    QTest.keyClicks(dialog.line, f"{NUMBER} ")
    with qtbot.waitSignal(dialog.entered) as caught:
        QTest.keyClick(dialog.line, Qt.Key.Key_Return)
    assert caught.args == ["valid"] and stored_licence() == NUMBER
    assert dialog.state_line.text() == "Stored. Only its form was checked: this version asks no server."


@pytest.mark.parametrize(
    ("answer", "words", "kept"),
    [
        ("valid", "Valid.", NUMBER),
        ("rejected", "Rejected by the licence server", ""),
        ("unreachable", "The licence server cannot be reached. The number is kept", NUMBER),
    ],
)
def test_with_a_server_its_answer_is_said(
    qtbot: QtBot, window: QWidget, answer: Literal["valid", "rejected", "unreachable"], words: str, kept: str
) -> None:
    dialog = shown(window, answer)
    dialog.line.setText(NUMBER)
    with qtbot.waitSignal(dialog.entered) as caught:
        QTest.mouseClick(dialog.store_button, Qt.MouseButton.LeftButton)
    assert caught.args == [answer] and stored_licence() == kept
    assert dialog.state_line.text().startswith(words)


def test_a_stored_number_can_be_removed(qtbot: QtBot, window: QWidget) -> None:
    store_licence(NUMBER)
    dialog = shown(window)
    assert dialog.line.text() == NUMBER and dialog.state_line.text().startswith("Stored.")
    with qtbot.waitSignal(dialog.entered) as caught:
        QTest.mouseClick(dialog.remove_button, Qt.MouseButton.LeftButton)
    assert caught.args == ["not entered"] and stored_licence() == ""
    assert dialog.state_line.text() == "No number is entered."
