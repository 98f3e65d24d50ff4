"""Terms of use and the licence number in the real window: asked once, and what waited for them goes on."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.weights.licence_stand_in import REJECTED, address_of, running
from tsdesktop.core.options import Options
from tsdesktop.core.settings import load_settings
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.dialogs.licence_dialog import LicenceDialog
from tsdesktop.gui.dialogs.terms import TermsDialog
from tsdesktop.gui.window import MainWindow
from tsdesktop.weights.licence_server import SERVER_VARIABLE

OPTIONS = Options(task="brain_aneurysm")
NUMBER = "aca_" + "A1b2C3d4E5f6G7"


@pytest.fixture
def started(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """The runs that the window would start."""
    runs: list[Options] = []
    monkeypatch.setattr(window.runs, "start", runs.append)
    return runs


def asked(window: MainWindow) -> TermsDialog | None:
    return next((each for each in window.findChildren(TermsDialog) if each.isVisible()), None)


def test_a_run_waits_for_the_terms_once(qtbot: QtBot, window: MainWindow, started: list[Options]) -> None:
    window.commands.start_run(OPTIONS)
    dialog = asked(window)
    assert dialog is not None and started == []
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert asked(window) is None and started == [] and window.memory.settings.terms_accepted == ""
    window.commands.start_run(OPTIONS)
    dialog = asked(window)
    assert dialog is not None
    QTest.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    assert started == [OPTIONS] and asked(window) is None
    window.commands.start_run(OPTIONS)
    assert started == [OPTIONS, OPTIONS] and asked(window) is None
    window.memory.save_now()
    assert load_settings().terms_accepted == "brain_aneurysm"


def test_tasks_without_terms_start_at_once(window: MainWindow, started: list[Options]) -> None:
    go_on: list[str] = []
    window.commands.with_terms(catalogue().task("total"), lambda: go_on.append("total"))
    window.commands.start_run(Options(task="bone"))
    assert (go_on, [each.task for each in started], asked(window)) == (["total"], ["bone"], None)


def test_what_waits_for_a_number_goes_on_when_it_is_valid(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    went_on: list[bool] = []
    with running() as server:
        monkeypatch.setenv(SERVER_VARIABLE, address_of(server))
        server.body, valid = REJECTED, server.body
        window.commands.show_licence(lambda: went_on.append(True))
        (dialog,) = window.findChildren(LicenceDialog)
        dialog.line.setText(NUMBER)
        with qtbot.waitSignal(dialog.entered):
            QTest.mouseClick(dialog.store_button, Qt.MouseButton.LeftButton)
        assert went_on == [] and dialog.isVisible()
        server.body = valid
        dialog.line.setText(NUMBER[:-1] + "8")
        QTest.mouseClick(dialog.store_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: went_on == [True])
        qtbot.waitUntil(lambda: not any(each.isVisible() for each in window.findChildren(LicenceDialog)))
