"""The window of networks: what is done with networks that are here: verify, repair, delete, update."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.networks.bench import (
    BRAIN,
    ORGANS,
    ROUGH,
    Bench,
    damage,
)
from tsdesktop.gui.networks import deeds
from tsdesktop.gui.networks.sentences import freed_text, problem_text
from tsdesktop.gui.networks.work import delete_rows
from tsdesktop.gui.translation import install, uninstall
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import Progress, nobody
from tsdesktop.weights.stopping import Stop

NUMBER = "aca_" + "A1b2C3d4E5f6G7"


def test_a_whole_network_is_verified(qtbot: QtBot, bench: Bench) -> None:
    bench.install(BRAIN)
    bench.show()
    bench.select(BRAIN)
    bench.press("verify")
    assert bench.window.line.is_busy and not bench.window.import_button.isEnabled()
    bench.settle()
    assert bench.window.line.text.accessibleName() == "Brain haemorrhage is whole."
    assert bench.words(BRAIN)[0] == "verified" and bench.window.import_button.isEnabled()


def test_a_damaged_network_is_found_and_repaired(qtbot: QtBot, bench: Bench) -> None:
    bench.install(BRAIN)
    damage(BRAIN)
    bench.show()
    bench.select(BRAIN)
    assert bench.row(BRAIN).state == "here"
    bench.press("verify")
    bench.settle()
    row = bench.row(BRAIN)
    assert (
        row.state == "broken" and row.problem and bench.window.line.text.accessibleName().startswith(row.problem[:20])
    )
    assert bench.possible[0] == "repair"
    bench.press("repair")
    qtbot.waitUntil(lambda: bench.again == [BRAIN])
    package = bench.row(BRAIN).entry.package
    assert package is not None
    bench.release.ends(package)
    qtbot.waitUntil(lambda: bench.row(BRAIN).state == "here")
    bench.press("verify")
    bench.settle()
    assert bench.words(BRAIN)[0] == "verified"


def test_an_incomplete_network_says_what_is_missing(bench: Bench) -> None:
    bench.install(BRAIN)
    next((own_weights_folder() / BRAIN).rglob("checkpoint_final.pth")).unlink()
    bench.show()
    bench.select(BRAIN)
    assert bench.row(BRAIN).state == "broken"
    assert "checkpoint_final.pth" in bench.window.details.state.accessibleName()


def test_several_are_verified_together(bench: Bench) -> None:
    bench.install(BRAIN, ROUGH)
    damage(BRAIN)
    bench.show()
    bench.select(BRAIN, ROUGH, ORGANS)
    bench.press("verify")
    bench.settle()
    assert bench.row(BRAIN).state == "broken" and bench.words(ROUGH)[0] == "verified"
    assert bench.row(ORGANS).state == "missing"


def test_work_that_is_stopped_ends_once_and_says_so(
    qtbot: QtBot, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_rows: object, listen: object, stop: object) -> None:
        assert callable(listen) and hasattr(stop, "wait")
        while True:
            listen(Progress("checking", 1, 4))
            stop.wait(0.01)

    monkeypatch.setattr(deeds, "verify_rows", endless)
    bench.install(BRAIN)
    bench.show()
    bench.select(BRAIN)
    told: list[bool] = []
    bench.window.line.busy_changed.connect(told.append)
    bench.press("verify")
    qtbot.waitUntil(lambda: bench.window.line.bar.value() == 250)
    QTest.keyClick(bench.window, Qt.Key.Key_Escape)
    bench.settle()
    assert told == [True, False] and bench.window.line.text.accessibleName() == "Stopped; nothing was changed."
    assert bench.window.isVisible()
    bench.press("verify")
    bench.window.close()
    assert not bench.window.line.is_busy


def test_a_window_that_goes_unclosed_stops_its_work(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, stopped = threading.Event(), threading.Event()

    def endless(_rows: object, _listen: object, stop: Stop) -> None:
        began.set()
        try:
            while True:
                stop.wait(0.01)
        finally:
            stopped.set()

    monkeypatch.setattr(deeds, "verify_rows", endless)
    parent = QWidget()
    bench = Bench(qtbot, tmp_path, parent)
    bench.install(BRAIN)
    bench.show()
    bench.select(BRAIN)
    bench.press("verify")
    assert began.wait(5.0)
    parent.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert stopped.wait(5.0)
    bench.downloads.close()


def test_what_is_wrong_is_said_in_the_language_of_the_window(bench: Bench, qapp: QApplication) -> None:
    bench.install(BRAIN)
    next((own_weights_folder() / BRAIN).rglob("plans.json")).write_bytes(b"")
    bench.show()
    row = bench.row(BRAIN)
    assert problem_text(row.problem) == row.problem == f"The network {BRAIN} is broken: plans.json is empty."
    installed = install(qapp, "de")
    try:
        told = problem_text(row.problem)
    finally:
        uninstall(qapp, installed)
    assert told != row.problem and BRAIN in told


def test_deleting_asks_with_the_freed_size_and_can_be_refused(bench: Bench) -> None:
    bench.install(BRAIN, ROUGH)
    bench.show()
    bench.select(BRAIN)
    bench.press("delete")
    line = bench.window.line
    assert line.text.accessibleName() == "Delete Brain haemorrhage? It frees 1 MB."
    QTest.keyClick(bench.window, Qt.Key.Key_Escape)
    assert line.showing == "offer" and bench.row(BRAIN).state == "here" and bench.window.isVisible()
    bench.select(BRAIN, ROUGH)
    QTest.keyClick(bench.window.list, Qt.Key.Key_Delete)
    assert line.text.accessibleName().startswith("Delete 2 networks?")
    QTest.keyClick(line.yes, Qt.Key.Key_Space)
    bench.settle()
    assert bench.row(BRAIN).state == bench.row(ROUGH).state == "missing"
    assert bench.changes == 1 and not (own_weights_folder() / BRAIN).exists()


def test_deleting_that_is_stopped_keeps_the_rest_and_says_what_went(bench: Bench) -> None:
    bench.install(BRAIN, ROUGH)
    bench.show()
    rows, stop = (bench.row(BRAIN), bench.row(ROUGH)), Stop()
    assert delete_rows(rows[:1], nobody, stop) == rows[0].entry.bytes_here
    stop.set()
    assert delete_rows(rows[1:], nobody, stop) == 0 and (own_weights_folder() / ROUGH).is_dir()
    assert freed_text(0) == "Nothing was deleted."


def test_deleting_says_that_other_tasks_need_it(bench: Bench) -> None:
    bench.install(ROUGH)
    bench.show()
    bench.select(ROUGH)
    bench.press("delete")
    assert bench.window.line.text.accessibleName().endswith(f"{len(bench.row(ROUGH).uses)} tasks need it.")


def test_updates_are_only_looked_for_when_asked(qtbot: QtBot, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deeds, "find_updates", lambda *_: {BRAIN: "0" * 64})
    bench.install(BRAIN)
    bench.show()
    assert bench.row(BRAIN).state == "here"
    QTest.mouseClick(bench.window.updates_button, Qt.MouseButton.LeftButton)
    bench.settle()
    assert bench.row(BRAIN).state == "update" and bench.words(BRAIN)[0] == "update available"
    bench.select(BRAIN)
    bench.press("update")
    qtbot.waitUntil(lambda: bench.again == [BRAIN])
