"""The card in the left panel: offered where it is not used, used by a new process once its libraries are here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.gui.cards.test_card_dialog import BAD, Bench
from tsdesktop.gui.card_flow import CardFlow
from tsdesktop.gui.cards.window import CardDialog
from tsdesktop.gui.panels.left import LeftPanel
from tsdesktop.gui.session import Session
from tsdesktop.gui.supervisor import _Runner
from tsdesktop.jobs.messages import Device, Devices

REFUSED = Devices((Device("cpu", "processor", 16.0), Device("gpu:0", "NVIDIA graphics card", 0.0, "no CUDA")), "torch")
USED = Devices((Device("gpu:0", "RTX A4000", 16.0), Device("cpu", "processor", 16.0)), "torch")


class StandIn(QObject):
    """Supervisor and teller in one."""

    devices_found = Signal(Devices)

    def __init__(self) -> None:
        super().__init__()
        self.asked_anew = 0
        self.told: list[str] = []

    def find_devices_anew(self) -> None:
        self.asked_anew += 1

    def done(self, text: str) -> None:
        self.told.append(text)

    def warning(self, text: str, hint: str = "") -> None:
        self.told.append(f"{text} {hint}")


class Stage:
    def __init__(self, qtbot: QtBot) -> None:
        self.bench, self.half, self.window = Bench(), StandIn(), QWidget()
        self.left = LeftPanel(Session())
        for each in (self.left, self.window):
            qtbot.addWidget(each)
        self.flow = CardFlow(self.left, self.half, self.half, self.window, self.bench.libraries)  # type: ignore[arg-type]

    @property
    def offer(self) -> str:
        return "" if self.left.device.card.isHidden() else self.left.device.card.text()


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    made = Stage(qtbot)
    yield made
    made.bench.may_end.set()
    made.flow.close()
    made.bench.dialog.deleteLater()


def test_a_card_that_is_used_is_not_offered(stage: Stage, qtbot: QtBot) -> None:
    stage.half.devices_found.emit(USED)
    qtbot.wait(50)
    assert stage.bench.libraries.state == "unknown"
    assert stage.offer == ""


def test_a_card_that_is_not_used_is_offered_and_leads_to_the_dialog(stage: Stage, qtbot: QtBot) -> None:
    stage.half.devices_found.emit(REFUSED)
    qtbot.waitUntil(lambda: stage.offer == "Use the graphics card…")
    assert stage.left.device.card.toolTip() == "NVIDIA RTX A4000"
    assert not stage.bench.calls
    stage.left.device.card.click()
    stage.left.device.card.click()
    assert len(stage.window.findChildren(CardDialog)) == 1


def test_once_it_works_a_new_process_takes_it(stage: Stage, qtbot: QtBot) -> None:
    libraries = stage.bench.libraries
    stage.half.devices_found.emit(REFUSED)
    qtbot.waitUntil(lambda: libraries.state == "offered")
    libraries.ask()
    qtbot.waitUntil(lambda: libraries.state == "priced")
    libraries.fetch()
    qtbot.waitUntil(lambda: stage.offer == "Downloading for the card: 39 %…")
    stage.bench.may_end.set()
    qtbot.waitUntil(lambda: libraries.state == "works")
    assert stage.half.asked_anew == 1
    assert stage.half.told == ["NVIDIA RTX A4000 is used from now on."]
    assert stage.offer == ""
    libraries.remove()
    qtbot.waitUntil(lambda: libraries.state == "offered")
    assert stage.half.asked_anew == 2


def test_a_new_process_is_one_that_the_old_one_has_made_room_for() -> None:
    calls: list[str] = []

    class Process:
        def stop(self) -> None:
            calls.append("stop")

        def find_devices(self) -> Devices:
            calls.append("find")
            return USED

    runner = _Runner(Process())  # type: ignore[arg-type]
    runner.find_devices_anew()
    assert calls == ["stop", "find"]


def test_what_does_not_work_is_told(stage: Stage, qtbot: QtBot) -> None:
    libraries = stage.bench.libraries
    stage.bench.verdict = BAD
    stage.bench.may_end.set()
    libraries.look()
    qtbot.waitUntil(lambda: libraries.state == "offered")
    libraries.ask()
    qtbot.waitUntil(lambda: libraries.state == "priced")
    libraries.fetch()
    qtbot.waitUntil(lambda: libraries.state == "broken")
    assert stage.half.told == ["The graphics card does not work with what was fetched. Run > Graphics card tells why."]
