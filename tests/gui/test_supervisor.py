"""Runs behind the window: one ending each, coarse labels on the way, and no process that outlives its window."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from pytestqt.qtbot import QtBot

from tests.inference.bands import band_networks
from tests.inference.examples import example, oblique_affine
from tests.inference.expected import How
from tests.networks import write_band_network
from tests.slow_network import write_slow_network
from tsdesktop.core.errors import EngineCrashed, InferenceError, OutOfMemory, WeightsError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui import supervisor as supervisor_module
from tsdesktop.gui.supervisor import Order, Supervisor
from tsdesktop.jobs.messages import Devices, Progress
from tsdesktop.pipeline import Engine, Segmentation
from tsdesktop.runs.folder import runs_folder

SLOW = Options(task="total", fast=True)
INSTANT = Options(task="fat_soft_bone")
LONG_MS = 60_000


class Heard:
    """Everything a supervisor has said, in order."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.progress: list[Progress] = []
        self.drafts: list[LabelMap] = []
        self.endings: list[str] = []
        self.result: Segmentation | None = None
        self.error: Exception | None = None
        self.devices: Devices | None = None
        supervisor.progressed.connect(self.progress.append)
        supervisor.draft_ready.connect(self.drafts.append)
        supervisor.finished.connect(self._on_finished)
        supervisor.failed.connect(self._on_failed)
        supervisor.cancelled.connect(self._on_cancelled)
        supervisor.devices_found.connect(self._on_devices_found)

    def _on_finished(self, result: Segmentation) -> None:
        self.endings.append("finished")
        self.result = result

    def _on_failed(self, error: Exception) -> None:
        self.endings.append("failed")
        self.error = error

    def _on_cancelled(self) -> None:
        self.endings.append("cancelled")

    def _on_devices_found(self, devices: Devices) -> None:
        self.devices = devices

    @property
    def computing(self) -> bool:
        """Whether the first window of a network is at work."""
        return any(each.tiles for each in self.progress)


@pytest.fixture(scope="module")
def slow_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slow")
    network = catalogue().networks["297"]
    write_slow_network(folder / network.folder, labels=network.labels)
    return folder


@pytest.fixture
def slow(slow_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One window of the 3 mm network of total takes many seconds."""
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(slow_weights))


@pytest.fixture
def supervisor(qtbot: QtBot) -> Iterator[Supervisor]:
    one = Supervisor()
    yield one
    one.close()


@pytest.fixture
def scan() -> Volume:
    array = np.full((40, 40, 40), -1000, np.int16)
    array[8:32, 8:32, 4:36] = 40
    return Volume(array, Geometry((40, 40, 40), np.diag([3.0, 3.0, 3.0, 1.0])), "CT")


def ended(heard: Heard, times: int = 1) -> bool:
    return len(heard.endings) >= times


def run_to_its_end(qtbot: QtBot, supervisor: Supervisor, heard: Heard, order: Order) -> str:
    before = len(heard.endings)
    supervisor.run(order)
    qtbot.waitUntil(lambda: ended(heard, before + 1), timeout=LONG_MS)
    return heard.endings[-1]


def test_a_run_finishes_once_and_its_progress_never_falls(qtbot: QtBot, supervisor: Supervisor, scan: Volume) -> None:
    heard = Heard(supervisor)
    assert run_to_its_end(qtbot, supervisor, heard, Order(scan, INSTANT)) == "finished"
    qtbot.wait(50)
    shares = [each.share for each in heard.progress]
    assert heard.endings == ["finished"] and supervisor.running is None
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert heard.result is not None and heard.result.label_map.array.any()


def test_coarse_labels_come_first_and_do_not_change_the_result(
    qtbot: QtBot, supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("297", "298"):
        write_band_network(tmp_path, band_networks()[key])
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(tmp_path))
    array = example("total", How("fastest"))
    volume = Volume(array, Geometry(array.shape, oblique_affine()), "CT")
    results = []
    for drafts in (True, False):
        heard = Heard(supervisor)
        assert run_to_its_end(qtbot, supervisor, heard, Order(volume, SLOW, drafts)) == "finished"
        assert heard.result is not None
        results.append(heard.result.label_map.array)
        assert len(heard.drafts) == (1 if drafts else 0)
        for draft in heard.drafts:
            assert max(draft.spacing_mm) > 5.0 and draft.array.dtype == np.uint8
            assert len(draft.present) > 20 and draft.classes == heard.result.label_map.classes
    np.testing.assert_array_equal(results[0], results[1])


@pytest.mark.usefixtures("slow")
def test_a_run_is_cancelled_in_the_middle_of_a_window(qtbot: QtBot, supervisor: Supervisor, scan: Volume) -> None:
    heard = Heard(supervisor)
    supervisor.run(Order(scan, SLOW))
    qtbot.waitUntil(lambda: heard.computing, timeout=LONG_MS)
    supervisor.cancel()
    qtbot.waitUntil(lambda: ended(heard), timeout=LONG_MS)
    assert heard.endings == ["cancelled"]
    assert run_to_its_end(qtbot, supervisor, heard, Order(scan, INSTANT)) == "finished"


@pytest.mark.usefixtures("slow")
def test_a_run_is_cancelled_before_it_has_begun(qtbot: QtBot, supervisor: Supervisor, scan: Volume) -> None:
    heard = Heard(supervisor)
    supervisor.run(Order(scan, SLOW))
    supervisor.cancel()
    qtbot.waitUntil(lambda: ended(heard), timeout=LONG_MS)
    assert heard.endings == ["cancelled"] and not heard.progress


def test_cancelling_when_nothing_runs_does_not_end_the_next_run(
    qtbot: QtBot, supervisor: Supervisor, scan: Volume
) -> None:
    supervisor.cancel()
    assert run_to_its_end(qtbot, supervisor, Heard(supervisor), Order(scan, INSTANT)) == "finished"
    supervisor.cancel()
    assert run_to_its_end(qtbot, supervisor, Heard(supervisor), Order(scan, INSTANT)) == "finished"


@pytest.mark.usefixtures("slow")
def test_a_killed_process_is_told_and_the_next_run_works(qtbot: QtBot, supervisor: Supervisor, scan: Volume) -> None:
    heard = Heard(supervisor)
    supervisor.run(Order(scan, SLOW))
    qtbot.waitUntil(lambda: heard.computing, timeout=LONG_MS)
    first = supervisor.pid
    assert first is not None
    os.kill(first, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    qtbot.waitUntil(lambda: ended(heard), timeout=LONG_MS)
    assert heard.endings == ["failed"] and isinstance(heard.error, EngineCrashed)
    qtbot.waitUntil(lambda: supervisor.pid not in (None, first), timeout=LONG_MS)
    assert run_to_its_end(qtbot, supervisor, heard, Order(scan, INSTANT)) == "finished"


@pytest.mark.usefixtures("slow")
def test_one_run_at_a_time(qtbot: QtBot, supervisor: Supervisor, scan: Volume) -> None:
    heard = Heard(supervisor)
    supervisor.run(Order(scan, SLOW))
    with pytest.raises(RuntimeError, match="under way"):
        supervisor.run(Order(scan, INSTANT))
    supervisor.cancel()
    qtbot.waitUntil(lambda: ended(heard), timeout=LONG_MS)
    assert heard.endings == ["cancelled"]


@pytest.mark.usefixtures("slow")
def test_closing_during_a_run_leaves_no_process_and_says_nothing(qtbot: QtBot, scan: Volume) -> None:
    one = Supervisor()
    heard = Heard(one)
    one.run(Order(scan, SLOW))
    qtbot.waitUntil(lambda: heard.computing, timeout=LONG_MS)
    child = psutil.Process(one.pid)
    one.close()
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert one.pid is None and one.running is None
    qtbot.wait(50)
    assert heard.endings == []


def test_missing_networks_are_told_as_such(qtbot: QtBot, supervisor: Supervisor, scan: Volume) -> None:
    heard = Heard(supervisor)
    assert run_to_its_end(qtbot, supervisor, heard, Order(scan, Options(task="liver_segments"))) == "failed"
    assert isinstance(heard.error, WeightsError)
    qtbot.waitUntil(lambda: supervisor.pid is not None, timeout=LONG_MS)


def test_memory_of_a_run_that_had_too_little_is_given_back(
    qtbot: QtBot, supervisor: Supervisor, scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(supervisor)
    assert run_to_its_end(qtbot, supervisor, heard, Order(scan, INSTANT)) == "finished"
    first = supervisor.pid

    def starve(*given: object, **named: object) -> Segmentation:
        raise OutOfMemory("run.out_of_memory", device="the processor")

    monkeypatch.setattr(supervisor_module, "segment_volume", starve)
    assert run_to_its_end(qtbot, supervisor, heard, Order(scan, INSTANT)) == "failed"
    qtbot.waitUntil(lambda: supervisor.pid not in (None, first), timeout=LONG_MS)
    assert first is not None and not psutil.pid_exists(first)


def test_the_processor_is_always_among_the_devices(qtbot: QtBot, supervisor: Supervisor) -> None:
    heard = Heard(supervisor)
    supervisor.find_devices()
    qtbot.waitUntil(lambda: heard.devices is not None, timeout=LONG_MS)
    assert heard.devices is not None
    usable = [each for each in heard.devices.devices if not each.refused]
    assert usable[-1].name == "cpu" and usable[-1].memory_gb > 0
    assert all(each.refused for each in heard.devices.devices[len(usable) :])
    assert heard.devices.library.startswith("torch ")


def test_what_a_killed_program_left_is_removed_when_the_window_starts(qtbot: QtBot, supervisor: Supervisor) -> None:
    left = runs_folder() / "run-left"
    left.mkdir(parents=True)
    (left / "scan.npy").write_bytes(b"voxels")
    os.utime(left, (1, 1))
    heard = Heard(supervisor)
    supervisor.find_devices()
    qtbot.waitUntil(lambda: heard.devices is not None, timeout=LONG_MS)
    assert not left.exists()


def test_a_search_for_devices_that_fails_says_why_no_card_is_used(
    qtbot: QtBot, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> Devices:
        raise InferenceError("run.crashed", code=-11)

    monkeypatch.setattr(Engine, "find_devices", fail)
    heard = Heard(supervisor)
    supervisor.find_devices()
    qtbot.waitUntil(lambda: heard.devices is not None, timeout=LONG_MS)
    assert heard.devices is not None
    cpu, card = heard.devices.devices
    assert cpu.name == "cpu" and not cpu.refused
    assert "exit code -11" in card.refused


@pytest.mark.usefixtures("slow")
def test_a_search_for_devices_does_not_hold_up_a_cancelled_run(
    qtbot: QtBot, supervisor: Supervisor, scan: Volume
) -> None:
    heard = Heard(supervisor)
    supervisor.find_devices()
    supervisor.run(Order(scan, SLOW))
    supervisor.cancel()
    qtbot.waitUntil(lambda: ended(heard), timeout=LONG_MS)
    assert heard.endings == ["cancelled"]
