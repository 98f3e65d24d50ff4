"""The licence number: what is said while typing, and exactly one state afterwards."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from PySide6.QtCore import Qt, QThreadPool
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.weights.licence_stand_in import REJECTED, address_of, running
from tests.weights.password_stores import LockedStore, OpenStore, SilentStore, use
from tsdesktop.gui.dialogs.licence_dialog import LicenceDialog
from tsdesktop.weights.licence import store_licence, stored_licence, where_stored
from tsdesktop.weights.licence_server import SERVER_VARIABLE, Answer

NUMBER = "aca_" + "A1b2C3d4E5f6G7"
OTHER = NUMBER[:-1] + "8"
Show = Callable[..., LicenceDialog]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without the TotalSegmentator of the person who runs the tests."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def show(qtbot: QtBot, window: QWidget) -> Show:
    """Shows the dialog, and waits until it has looked for a number unless `is_read` is False."""

    def made(answer: Answer | Literal[""] = "", *, is_read: bool = True, **options: bool) -> LicenceDialog:
        def ask(number: str) -> Answer:
            assert number in (NUMBER, OTHER) and answer
            return answer

        dialog = LicenceDialog(window, ask, **options)
        dialog.show()
        if is_read:
            settle(qtbot)
        return dialog

    return made


def settle(qtbot: QtBot) -> None:
    """Until all background work has been heard, and what follows from it."""
    for _ in range(3):
        assert QThreadPool.globalInstance().waitForDone(5_000)
        qtbot.wait(1)


def click(button: QWidget) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_nothing_is_entered_at_first(show: Show) -> None:
    dialog = show()
    assert dialog.state_line.text() == "No number is entered."
    assert not dialog.store_button.isEnabled()
    assert not dialog.remove_button.isVisible() and not dialog.found_button.isVisible()


def test_the_form_is_checked_while_typing_and_nothing_is_stored(show: Show) -> None:
    dialog = show()
    QTest.keyClicks(dialog.line, NUMBER[:8])
    assert dialog.state_line.text().startswith("Go on")
    QTest.keyClicks(dialog.line, NUMBER[8:])
    assert dialog.store_button.isEnabled() and stored_licence() == ""
    QTest.keyClicks(dialog.line, "x")
    assert "not the form" in dialog.state_line.text() and not dialog.store_button.isEnabled()
    assert dialog.state_line.property("role") == "error"


@pytest.mark.parametrize(
    ("answer", "words", "role", "kept"),
    [
        ("valid", "Valid.", "good", NUMBER),
        ("rejected", "Rejected: the licence server does not accept this number. It is not stored.", "error", ""),
        ("unreachable", "The licence server cannot be reached. The number is kept", "warning", NUMBER),
    ],
)
def test_what_the_server_says_is_said(
    qtbot: QtBot, show: Show, answer: Answer, words: str, role: str, kept: str
) -> None:
    dialog = show(answer)
    QTest.keyClicks(dialog.line, f"{NUMBER} ")
    with qtbot.waitSignal(dialog.entered) as caught:
        QTest.keyClick(dialog.line, Qt.Key.Key_Return)
        assert dialog.state_line.text() == "Asking the licence server…"
        assert dialog.line.isReadOnly() and not dialog.store_button.isEnabled()
    assert caught.args == [answer] and stored_licence() == kept
    assert dialog.state_line.text().startswith(words) and dialog.state_line.property("role") == role
    assert not dialog.line.isReadOnly() and dialog.remove_button.isVisible() == bool(kept)


def test_the_real_server_is_asked_by_default(qtbot: QtBot, window: QWidget, monkeypatch: pytest.MonkeyPatch) -> None:
    with running() as server:
        monkeypatch.setenv(SERVER_VARIABLE, address_of(server))
        dialog = LicenceDialog(window)
        dialog.show()
        settle(qtbot)
        assert server.asked == []
        dialog.line.setText(NUMBER)
        with qtbot.waitSignal(dialog.entered) as caught:
            click(dialog.store_button)
        assert caught.args == ["valid"] and len(server.asked) == 1
        server.body = REJECTED
        dialog.line.setText(OTHER)
        with qtbot.waitSignal(dialog.entered) as caught:
            click(dialog.store_button)
        assert caught.args == ["rejected"] and stored_licence() == NUMBER


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("valid", "Valid."),
        ("rejected", "Rejected: the licence server does not accept this number."),
        ("unreachable", "The licence server cannot be reached. The number is kept"),
    ],
)
def test_a_stored_number_is_asked_about_when_the_dialog_opens(show: Show, answer: Answer, words: str) -> None:
    store_licence(NUMBER)
    dialog = show(answer)
    assert dialog.line.text() == NUMBER and dialog.state_line.text().startswith(words)
    assert "not stored" not in dialog.state_line.text() and stored_licence() == NUMBER
    assert dialog.store_button.text() == "Ask again" and dialog.store_button.isEnabled() == (answer != "valid")
    assert dialog.remove_button.isVisible() and "a file that only you can read" in dialog.place_line.text()


def test_what_is_typed_meanwhile_is_not_overwritten(
    qtbot: QtBot, window: QWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_licence(NUMBER)
    end = threading.Event()

    def ask(_: str) -> Answer:
        end.wait(10)
        return "valid"

    dialog = LicenceDialog(window, ask)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.state_line.text().startswith("Asking"))
    dialog.line.selectAll()
    QTest.keyClicks(dialog.line, OTHER[:9])
    end.set()
    settle(qtbot)
    assert dialog.line.text() == OTHER[:9] and dialog.state_line.text().startswith("Go on")


def test_typing_before_the_store_was_read_counts(show: Show, qtbot: QtBot) -> None:
    store_licence(NUMBER)
    dialog = show(is_read=False)
    dialog.line.setText(OTHER)
    settle(qtbot)
    assert dialog.line.text() == OTHER and dialog.remove_button.isVisible()
    assert dialog.state_line.text() == "The form is right. Not stored yet."


def test_a_stored_number_can_be_removed(qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    store = OpenStore()
    use(store, monkeypatch)
    store_licence(NUMBER)
    dialog = show("valid")
    assert "password store." in dialog.place_line.text()
    with qtbot.waitSignal(dialog.entered) as caught:
        click(dialog.remove_button)
    assert caught.args == ["not entered"] and (where_stored(), store.kept) == ("", {})
    assert dialog.state_line.text() == "No number is entered." and not dialog.remove_button.isVisible()
    assert threading.get_ident() not in store.threads


def test_the_number_of_totalsegmentator_is_offered(qtbot: QtBot, show: Show, home: Path) -> None:
    (home / ".totalsegmentator").mkdir()
    (home / ".totalsegmentator" / "config.json").write_text(json.dumps({"license_number": NUMBER}))
    dialog = show("valid")
    assert dialog.found_button.isVisible() and dialog.line.text() == "" and stored_licence() == ""
    with qtbot.waitSignal(dialog.entered) as caught:
        QTest.keyClick(dialog.found_button, Qt.Key.Key_Space)
    assert caught.args == ["valid"] and stored_licence() == NUMBER
    assert dialog.line.text() == NUMBER and not dialog.found_button.isVisible()


def test_a_store_that_does_not_answer_leaves_the_window_alive(
    qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = OpenStore()
    use(keeper, monkeypatch)
    store_licence(NUMBER)
    store = SilentStore()
    use(store, monkeypatch)
    dialog = show(is_read=False)
    QTest.keyClicks(dialog.line, NUMBER[:6])
    assert dialog.state_line.text().startswith("Go on")
    store.person.set()
    settle(qtbot)
    assert "password store is locked" in dialog.state_line.text() and dialog.remove_button.isVisible()
    assert dialog.line.text() == NUMBER[:6]


def test_a_number_that_cannot_be_removed_is_said(qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LockedStore()
    store.locked = False
    use(store, monkeypatch)
    store_licence(NUMBER)
    dialog = show("valid")
    store.locked = True
    click(dialog.remove_button)
    settle(qtbot)
    assert "could not be removed" in dialog.state_line.text() and dialog.remove_button.isEnabled()


def test_it_closes_where_somebody_waits_for_a_valid_number(qtbot: QtBot, show: Show) -> None:
    dialog = show("unreachable", closes_when_valid=True)
    dialog.line.setText(NUMBER)
    with qtbot.waitSignal(dialog.entered):
        click(dialog.store_button)
    assert dialog.isVisible()
    dialog.close()
    settle(qtbot)
    again = show("valid", closes_when_valid=True)
    again.line.setText(OTHER)
    heard: list[str] = []
    again.entered.connect(heard.append)
    again.destroyed.connect(lambda: heard.append("gone"))
    click(again.store_button)
    qtbot.waitUntil(lambda: heard == ["valid", "gone"])


def test_an_answer_after_it_was_closed_is_not_heard(qtbot: QtBot, window: QWidget) -> None:
    begun, end = threading.Event(), threading.Event()

    def ask(_: str) -> Answer:
        begun.set()
        end.wait(10)
        return "valid"

    dialog = LicenceDialog(window, ask)
    dialog.show()
    settle(qtbot)
    dialog.line.setText(NUMBER)
    click(dialog.store_button)
    assert begun.wait(5)
    gone: list[bool] = []
    dialog.destroyed.connect(lambda: gone.append(True))
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: gone == [True])
    end.set()
    settle(qtbot)
    assert stored_licence() == NUMBER
