"""The foot of the panel: start, watch, stop."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot

from tests.gui.panels.bench import LeftBench, click, put_here, scan
from tsdesktop.core.errors import OutOfMemory
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.panels.run_words import count_text, left_text, stage_text
from tsdesktop.jobs.messages import Device, Devices, Progress

NO_CARD = Device("gpu:0", "NVIDIA graphics card", 0.0, "no card or no driver was found")
CPU = Device("cpu", "processor", 16.0)
CARD = Device("gpu:0", "NVIDIA A10", 24.0)


@pytest.fixture
def ready(with_ct: LeftBench) -> LeftBench:
    """With the networks of the chosen task here."""
    put_here("total", "fast")
    put_here("total", "fastest")
    with_ct.choices.look_again()
    return with_ct


def texts(left: LeftBench) -> str:
    """Everything that can be read at the foot."""
    return "\n".join(each.text() for each in left.panel.run.findChildren(QLabel) if each.isVisible())


def test_the_button_wants_a_run_with_what_was_chosen(ready: LeftBench, qtbot: QtBot) -> None:
    ready.choices.choose_structures(("liver", "spleen"))
    ready.choices.choose_device("cpu")
    with qtbot.waitSignal(ready.panel.run_wanted) as caught:
        click(ready.panel.run.button)
    assert caught.args == [Options(task="total", fast=True, roi=("liver", "spleen"), device="cpu")]


def test_start_is_the_button(left: LeftBench, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(left.panel.run_wanted):
        left.panel.start()
    left.open(scan("CT"))
    with qtbot.waitSignal(left.panel.run_wanted):
        left.panel.start()
    left.panel.run.show_started(left.choices.options())
    with qtbot.assertNotEmitted(left.panel.run_wanted):
        left.panel.start()


def test_cancel_is_the_button_of_a_run_under_way(with_ct: LeftBench, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(with_ct.panel.cancel_wanted):
        with_ct.panel.cancel()
    with_ct.panel.run.show_started(with_ct.choices.options())
    with qtbot.waitSignal(with_ct.panel.cancel_wanted):
        with_ct.panel.cancel()
    with qtbot.assertNotEmitted(with_ct.panel.cancel_wanted):
        with_ct.panel.cancel()


def test_a_run_is_watched(with_ct: LeftBench) -> None:
    run = with_ct.panel.run
    run.show_started(Options(task="total"))
    assert run.cancel.isVisible() and not run.button.isVisible()
    assert "Starting" in texts(with_ct)
    run.show_progress(Progress("total organs", 0.4, 3, 5, 12, 27, 190.0))
    for words in ("Full resolution", "network 3 of 5 · window 12 of 27", "3 min 10 s left"):
        assert words in texts(with_ct)
    run.show_note("A draft is shown")
    assert "A draft is shown" in texts(with_ct)


def test_stopping_is_said_until_it_has_stopped(ready: LeftBench, qtbot: QtBot) -> None:
    run = ready.panel.run
    run.show_started(Options(task="total"))
    with qtbot.waitSignal(ready.panel.cancel_wanted):
        click(run.cancel)
    run.show_progress(Progress("total organs", 0.5, 3, 5, 13, 27, 100.0))
    assert "Stopping" in texts(ready) and "left" not in texts(ready)
    assert not run.cancel.isEnabled()
    run.show_idle()
    assert run.button.isVisible() and not run.cancel.isVisible()


def test_the_end_is_told_until_it_is_dismissed_or_another_scan_comes(with_ct: LeftBench) -> None:
    run = with_ct.panel.run
    run.show_started(Options(task="total"))
    run.show_done("Found 61 structures in 20 s")
    assert "Found 61 structures" in texts(with_ct)
    with_ct.open(scan("CT"))
    assert "Found" not in texts(with_ct)


def test_an_error_says_what_happened_and_what_to_do(with_ct: LeftBench) -> None:
    run = with_ct.panel.run
    run.show_error(OutOfMemory("run.out_of_memory", device="the graphics card"))
    assert "The memory of the graphics card did not suffice." in texts(with_ct)
    assert "choose fewer structures" in texts(with_ct)
    run.show_error(RuntimeError("index 7"))
    assert "This is a bug" in texts(with_ct) and "index 7" not in texts(with_ct)


@pytest.mark.parametrize(
    ("progress", "options", "words"),
    [
        (Progress("", 0.0), Options(), "Starting"),
        (Progress("resampling", 0.1), Options(), "Preparing the scan"),
        (Progress("restoring", 0.9), Options(), "Bringing the result back"),
        (Progress("writing", 0.99), Options(), "Bringing the result back"),
        (Progress("checking", 0.1), Options(), "Trying the network on this computer"),
        (Progress("bone", 0.4), Options(task="bone"), "Bones, by threshold"),
        (Progress("total", 0.2, 1, 1, 1, 4), Options(fast=True), "Fast"),
        (Progress("total", 0.2, 1, 1, 1, 4), Options(), "A first draft"),
        (Progress("total", 0.2, 1, 1, 1, 4), Options(task="liver_segments"), "Finding the region"),
        (Progress("liver_segments", 0.2, 1, 1, 1, 4), Options(task="liver_segments"), "Liver segments"),
    ],
)
def test_stages_in_words(progress: Progress, options: Options, words: str) -> None:
    assert stage_text(progress, options, catalogue()) == words


def test_counts_in_words() -> None:
    assert count_text(Progress("resampling", 0.1)) == ""
    assert count_text(Progress("total", 0.1, 1, 1, 2, 4)) == "window 2 of 4"
    assert left_text(None) == ""
    assert left_text(45.2) == "45 s left"


def test_the_device_is_chosen_with_its_reason(with_ct: LeftBench, qtbot: QtBot) -> None:
    device = with_ct.panel.device
    assert "Looking for a graphics card" in device.reason.text()
    device.show_devices(Devices((CPU, NO_CARD), "torch"))
    assert device.row.text().startswith("CPU, ")
    assert device.reason.text() == "automatic · NVIDIA graphics card: no card or no driver was found"
    assert device.why.isVisible() and "no card or no driver" in device.reasons()
    device.show_devices(Devices((CARD, CPU), "torch"))
    assert device.row.text() == "NVIDIA A10, 24 GB" and not device.why.isVisible()
    assert with_ct.choices.quality == "full", "a graphics card makes the full quality the best one"
    with qtbot.waitSignal(with_ct.choices.device_changed) as caught:
        next(each for each in device.menu().actions() if each.data() == "cpu").trigger()
    assert caught.args == ["cpu"]
    assert with_ct.choices.options().device == "cpu" and device.reason.text() == "chosen by you"


def test_devices_that_may_not_be_used_cannot_be_chosen(with_ct: LeftBench) -> None:
    with_ct.panel.device.show_devices(Devices((CPU, NO_CARD), "torch"))
    action = next(each for each in with_ct.panel.device.menu().actions() if each.data() == "gpu:0")
    assert not action.isEnabled() and "no card or no driver" in action.text()
    with_ct.choices.choose_device("gpu:0")
    assert with_ct.panel.device.reason.text() == "NVIDIA graphics card was chosen, but cannot be used"
    assert with_ct.choices.used_device == "cpu"


def test_instant_tasks_need_no_device(with_ct: LeftBench) -> None:
    with_ct.choose("bone")
    assert not with_ct.panel.device.isVisible()


def test_the_keyboard_stays_in_the_panel_when_a_run_begins_is_stopped_and_ends(ready: LeftBench) -> None:
    run = ready.panel.run
    run.button.setFocus()
    run.show_started(ready.choices.options())
    assert run.cancel.hasFocus()
    QTest.keyClick(run.cancel, Qt.Key.Key_Space)
    assert run.hasFocus(), "nothing can be pressed while it stops"
    run.show_idle()
    assert run.button.hasFocus()
    run.show_started(ready.choices.options())
    assert run.cancel.hasFocus() and run.cancel.isEnabled()
    run.show_done("Found 61 structures in 20 s")
    assert run.button.hasFocus()


def test_the_keyboard_stays_where_it_is_outside_of_the_panel(with_ct: LeftBench) -> None:
    with_ct.panel.focus_search()
    with_ct.panel.run.show_started(with_ct.choices.options())
    with_ct.panel.run.show_idle()
    assert with_ct.panel.tasks.search.hasFocus()


def test_what_was_said_takes_the_keyboard_back_to_the_button_when_it_goes(ready: LeftBench) -> None:
    run = ready.panel.run
    run.show_error(OutOfMemory("run.out_of_memory", device="the graphics card"))
    cross = next(each for each in run.findChildren(QToolButton) if each.accessibleName() == "Dismiss")
    cross.setFocus()
    QTest.keyClick(cross, Qt.Key.Key_Space)
    assert not cross.isVisible() and run.button.hasFocus()
