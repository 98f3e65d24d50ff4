"""The graphics card in the window: offered, priced, fetched, paused, tried, removed, and what went wrong in words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from tsdesktop.core.errors import LibraryError
from tsdesktop.core.settings import Settings
from tsdesktop.gui.cards.libraries import CardLibraries, Found, Ways
from tsdesktop.gui.cards.window import CardDialog
from tsdesktop.gui.dialogs.preferences import Preferences
from tsdesktop.runtimes.cards import Card, Driver
from tsdesktop.runtimes.index import Wheel
from tsdesktop.runtimes.manifest import Installed, Manifest, Verdict
from tsdesktop.runtimes.planning import Plan
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

DRIVER = Driver((13, 0), (Card("NVIDIA RTX A4000", (8, 6), 16.0),))
WHEEL = Wheel("torch", Version("9.1"), frozenset(), "torch-9.1-py3-none-any.whl", "", 2_530_000_000, "0" * 64)
PLAN = Plan("torch-9.1-cu130", "9.1", "cu130", "pypi.org", (WHEEL,))
SET = Installed(Path("torch-9.1-cu130"), Manifest("9.1", "cu130", "cp311", "linux", 4_010_000_000, (), (), "", ""))
GOOD, BAD = Verdict(True, "", "13.0", "RTX"), Verdict(False, "no card or no driver was found", "13.0")


class Bench:
    """A computer of which a test decides what is found on it and how fetching goes on."""

    def __init__(self) -> None:
        self.found = Found(None, DRIVER)
        self.plan_error: Exception | None = None
        self.fetch_error: Exception | None = None
        self.verdict = GOOD
        self.calls: list[str] = []
        self.may_end = threading.Event()
        self.libraries = CardLibraries(
            ways=Ways(self.look, self.plan, self.fetch, self.try_out, self.forget, self.remove)
        )
        self.dialog = CardDialog(self.libraries)

    def look(self) -> Found:
        return self.found

    def plan(self, driver: Driver | None, stop: Stop) -> Plan:
        self.calls.append("plan")
        if self.plan_error is not None:
            raise self.plan_error
        return PLAN

    def fetch(self, plan: Plan, listen: Listen, stop: Stop) -> Installed:
        self.calls.append("fetch")
        listen(Progress("downloading", 1_000_000_000, plan.total_bytes, 20e6, 77.0))
        while not self.may_end.wait(0.01):
            stop.check()
        if self.fetch_error is not None:
            raise self.fetch_error
        self.found = replace(self.found, installed=SET)
        return SET

    def try_out(self, installed: Installed, stop: Stop) -> Verdict:
        self.calls.append("try")
        problem = "" if self.verdict.works else f"the libraries fetched for it do not work ({self.verdict.reason})"
        self.found = replace(self.found, verdict=self.verdict, problem=problem)
        return self.verdict

    def forget(self) -> None:
        self.calls.append("forget")

    def remove(self, installed: Installed) -> None:
        self.calls.append("remove")
        self.found = Found(None, DRIVER)

    @property
    def buttons(self) -> list[str]:
        every = self.dialog.findChildren(QAbstractButton)
        return sorted(each.text() for each in every if each.isVisibleTo(self.dialog))


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench()
    # Not by qtbot: it is freed when it closes.
    made.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made.dialog)
    made.dialog.show()
    made.libraries.look()
    qtbot.waitUntil(lambda: made.libraries.state != "unknown")
    yield made
    made.may_end.set()
    made.libraries.close()


def priced(bench: Bench, qtbot: QtBot) -> None:
    bench.dialog.ask.click()
    qtbot.waitUntil(lambda: bench.libraries.state == "priced")


def test_a_card_is_offered_and_nobody_is_asked(bench: Bench) -> None:
    assert "NVIDIA RTX A4000, 16 GB" in bench.dialog.words
    assert "some 2.5 GB must be downloaded once" in bench.dialog.words
    assert "their own licence" in bench.dialog.words
    assert bench.buttons == ["Ask for the size", "Close"]
    assert not bench.calls


def test_the_size_is_shown_before_anything_is_fetched(bench: Bench, qtbot: QtBot) -> None:
    priced(bench, qtbot)
    assert "2.5 GB are downloaded once from pypi.org. 6.8 GB must be free meanwhile." in bench.dialog.words
    assert bench.buttons == ["Close", "Download 2.5 GB"]
    assert bench.calls == ["plan"]


def test_fetching_tells_how_far_it_is_then_tries_and_is_used(bench: Bench, qtbot: QtBot) -> None:
    priced(bench, qtbot)
    bench.dialog.fetch.click()
    qtbot.waitUntil(lambda: bench.libraries.progress is not None)
    assert bench.dialog.count.text() == "1.0 of 2.5 GB · 20.0 MB/s · 1 min 17 s left"
    assert bench.buttons == ["Cancel", "Close", "Pause"]
    with qtbot.waitSignal(bench.libraries.settled) as settled:
        bench.may_end.set()
    assert settled.args == [True]
    qtbot.waitUntil(lambda: bench.libraries.state == "works")
    assert "Networks run on this card." in bench.dialog.words
    assert "torch 9.1 for NVIDIA's cards takes 4.0 GB here." in bench.dialog.words
    assert bench.buttons == ["Check again", "Close", "Remove"]


def test_paused_and_gone_on_with(bench: Bench, qtbot: QtBot) -> None:
    priced(bench, qtbot)
    bench.dialog.fetch.click()
    qtbot.waitUntil(lambda: bench.libraries.progress is not None)
    bench.dialog.pause.click()
    qtbot.waitUntil(lambda: bench.libraries.state == "paused")
    assert "Paused." in bench.dialog.words
    assert bench.buttons == ["Cancel", "Close", "Resume"]
    bench.may_end.set()
    bench.dialog.fetch.click()
    qtbot.waitUntil(lambda: bench.libraries.state == "works")
    assert bench.calls == ["plan", "fetch", "fetch", "try"]


def test_cancelled_it_is_offered_again_and_nothing_stays(bench: Bench, qtbot: QtBot) -> None:
    priced(bench, qtbot)
    bench.dialog.fetch.click()
    qtbot.waitUntil(lambda: bench.libraries.progress is not None)
    bench.dialog.cancel.click()
    qtbot.waitUntil(lambda: bench.libraries.state == "offered")
    assert bench.calls == ["plan", "fetch", "forget"]


def test_a_download_that_fails_says_why_and_can_go_on(bench: Bench, qtbot: QtBot) -> None:
    priced(bench, qtbot)
    bench.fetch_error = LibraryError("runtime.disk_full")
    bench.may_end.set()
    bench.dialog.fetch.click()
    qtbot.waitUntil(lambda: bench.libraries.error is not None)
    assert "The disk is full. Free some space, then go on; what has arrived is kept." in bench.dialog.words
    assert "Resume" in bench.buttons


def test_an_index_without_it_is_said_and_can_be_asked_again(bench: Bench, qtbot: QtBot) -> None:
    bench.plan_error = LibraryError("runtime.no_wheel", index="pypi.org", version="9.1")
    bench.dialog.ask.click()
    qtbot.waitUntil(lambda: bench.libraries.error is not None)
    assert "pypi.org has no torch 9.1 for this system and graphics card." in bench.dialog.words
    assert "Ask for the size" in bench.buttons


def test_what_does_not_work_is_not_used_says_why_and_can_be_removed(bench: Bench, qtbot: QtBot) -> None:
    bench.verdict = BAD
    priced(bench, qtbot)
    bench.may_end.set()
    bench.dialog.fetch.click()
    qtbot.waitUntil(lambda: bench.libraries.state == "broken")
    assert "the libraries fetched for it do not work (no card or no driver was found)" in bench.dialog.words
    assert bench.buttons == ["Check again", "Close", "Remove"]
    bench.dialog.remove.click()
    qtbot.waitUntil(lambda: bench.libraries.state == "offered")
    assert bench.calls[-1] == "remove"


def test_without_a_driver_nothing_is_offered(bench: Bench, qtbot: QtBot) -> None:
    bench.found = Found(LibraryError("runtime.no_driver"))
    bench.libraries.look()
    qtbot.waitUntil(lambda: bench.libraries.state == "nothing")
    assert "No driver for an NVIDIA graphics card was found on this computer." in bench.dialog.words
    assert bench.buttons == ["Close", "Look again"]


def test_the_preferences_lead_there(qtbot: QtBot) -> None:
    dialog = Preferences(Settings())
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    link = next(each for each in dialog.findChildren(QAbstractButton) if each.text() == "Graphics card…")
    with qtbot.waitSignal(dialog.card_wanted):
        link.click()
