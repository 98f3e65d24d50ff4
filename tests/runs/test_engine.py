"""The inference process can be cancelled, killed, starved and orphaned, and the program goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.slow_network import write_slow_network
from tsdesktop.core.errors import Cancelled, EngineCrashed, OutOfMemory, WeightsError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import Volume
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline import Engine, segment_volume, segmentation
from tsdesktop.runs import engine as engine_module

SLOW = Options(task="total", fast=True)
INSTANT = Options(task="fat_soft_bone")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose one tile takes many seconds, in the place of the 3 mm network of total."""
    folder = tmp_path_factory.mktemp("weights")
    write_slow_network(folder / catalogue().networks["297"].folder, labels=catalogue().networks["297"].labels)
    return folder


@pytest.fixture
def slow(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(weights))


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as one:
        yield one


@pytest.fixture
def scan() -> Volume:
    array = np.full((40, 40, 40), -1000, np.int16)
    array[8:32, 8:32, 4:36] = 40
    return Volume(array, Geometry((40, 40, 40), np.diag([3.0, 3.0, 3.0, 1.0])), "CT")


class _AtFirstTile:
    """Does something a moment after the first window has begun, on a thread of its own."""

    def __init__(self, act: Callable[[], None], delay_s: float = 2.5) -> None:
        self.acted_at = 0.0
        self._act = act
        self._delay_s = delay_s
        self._begun = False

    def __call__(self, told: Progress) -> None:
        if told.stage == "resampling" and not self._begun:
            self._begun = True
            threading.Thread(target=self._later, daemon=True).start()

    def _later(self) -> None:
        time.sleep(self._delay_s)
        self.acted_at = time.monotonic()
        self._act()


@pytest.mark.usefixtures("slow")
def test_cancel_ends_a_run_within_a_second_in_the_middle_of_a_tile(engine: Engine, scan: Volume) -> None:
    listener = _AtFirstTile(engine.cancel)
    with pytest.raises(Cancelled):
        segment_volume(scan, SLOW, engine=engine, listen=listener)
    assert time.monotonic() - listener.acted_at < 1.0
    assert segment_volume(scan, INSTANT, engine=engine).label_map.array.any()


@pytest.mark.usefixtures("slow")
def test_a_killed_process_is_an_error_of_ours_and_the_next_run_works(engine: Engine, scan: Volume) -> None:
    listener = _AtFirstTile(lambda: os.kill(engine.pid or 0, signal.SIGKILL))
    with pytest.raises(EngineCrashed) as caught:
        segment_volume(scan, SLOW, engine=engine, listen=listener)
    assert caught.value.arguments["code"] == -signal.SIGKILL
    assert segment_volume(scan, INSTANT, engine=engine).label_map.array.any()


@pytest.mark.usefixtures("slow")
@pytest.mark.skipif(sys.platform != "linux", reason="address space limits are the system's own")
def test_too_little_memory_is_told_as_such(scan: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = (
        "import resource, runpy; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30));"
        "runpy.run_module('tsdesktop', run_name='__main__')"
    )
    monkeypatch.setattr(engine_module, "inference_command", lambda: [sys.executable, "-c", limited])
    with pytest.raises(OutOfMemory), Engine() as engine:
        segment_volume(scan, SLOW, engine=engine)


def test_the_process_stays_warm_between_runs(engine: Engine, scan: Volume) -> None:
    segment_volume(scan, INSTANT, engine=engine)
    first = engine.pid
    segment_volume(scan, INSTANT, engine=engine)
    assert first is not None and engine.pid == first


def test_a_dismissed_process_ends_by_itself_and_the_next_run_has_another(engine: Engine, scan: Volume) -> None:
    segment_volume(scan, INSTANT, engine=engine)
    first = engine.pid
    engine.dismiss()
    dismissed = engine.pid
    assert dismissed is None
    engine.dismiss()
    assert segment_volume(scan, INSTANT, engine=engine).label_map.array.any()
    assert first is not None and engine.pid not in (None, first)
    engine.close()
    assert not psutil.pid_exists(first)


def test_a_wish_to_cancel_holds_while_the_scan_is_written(
    engine: Engine, scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled_meanwhile(path: Path, array: object, check: Callable[[], None]) -> None:
        engine.cancel()
        check()

    monkeypatch.setattr(segmentation, "save_array", cancelled_meanwhile)
    with pytest.raises(Cancelled):
        segment_volume(scan, INSTANT, engine=engine)
    monkeypatch.undo()
    assert segment_volume(scan, INSTANT, engine=engine).label_map.array.any()


def test_a_wish_to_cancel_holds_while_labels_are_read(
    engine: Engine, scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled_meanwhile(path: Path, check: Callable[[], None]) -> object:
        engine.cancel()
        return np.load(path)

    monkeypatch.setattr(segmentation, "load_array", cancelled_meanwhile)
    with pytest.raises(Cancelled):
        segment_volume(scan, INSTANT, engine=engine)
    monkeypatch.undo()
    assert segment_volume(scan, INSTANT, engine=engine).label_map.array.any()


def test_a_wish_to_cancel_is_for_the_run_under_way(engine: Engine, scan: Volume) -> None:
    engine.cancel()
    assert segment_volume(scan, INSTANT, engine=engine).label_map.array.any()
    engine.expect()
    engine.cancel()
    with pytest.raises(Cancelled):
        segment_volume(scan, INSTANT, engine=engine)
    engine.no_longer_expect()
    assert segment_volume(scan, INSTANT, engine=engine).label_map.array.any()


def test_a_listener_that_fails_leaves_nothing_behind_for_the_next_run(engine: Engine, scan: Volume) -> None:
    def fail(told: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        segment_volume(scan, INSTANT, engine=engine, listen=fail)
    heard: list[Progress] = []
    assert segment_volume(scan, INSTANT, engine=engine, listen=heard.append).label_map.array.any()
    assert heard[0].share == 0.0


@pytest.mark.skipif(os.name != "posix", reason="niceness is POSIX's word for it")
@pytest.mark.parametrize("low", [False, True])
def test_a_process_at_low_priority_yields_to_the_window(scan: Volume, low: bool) -> None:
    with Engine(low_priority=low) as engine:
        segment_volume(scan, INSTANT, engine=engine)
        assert psutil.Process(engine.pid).nice() - os.nice(0) == (10 if low else 0)


def test_threads_of_the_process_sleep_while_they_wait_unless_told_otherwise(
    scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given in (None, "ACTIVE"):
        if given:
            monkeypatch.setenv("OMP_WAIT_POLICY", given)
        with Engine() as engine:
            segment_volume(scan, INSTANT, engine=engine)
            assert psutil.Process(engine.pid).environ()["OMP_WAIT_POLICY"] == (given or "PASSIVE")


def test_errors_of_the_other_half_keep_their_kind_and_words(
    engine: Engine, scan: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = catalogue().networks["297"]
    write_slow_network(tmp_path / network.folder, labels=network.labels)
    file = tmp_path / network.folder / "fold_0" / "checkpoint_final.pth"
    file.write_bytes(file.read_bytes()[:1000])
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(WeightsError) as caught:
        segment_volume(scan, SLOW, engine=engine)
    assert caught.value.id == "weights.broken" and network.dataset_folder in caught.value.sentence


@pytest.mark.usefixtures("slow")
def test_nothing_is_left_when_the_program_is_killed(scan: Volume, tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", scan.array)
    program = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(tmp_path / "scan.npy")], stdout=subprocess.PIPE)
    try:
        assert program.stdout is not None
        child = int(program.stdout.readline())
        assert psutil.pid_exists(child)
    finally:
        program.kill()
        program.wait()
        if program.stdout is not None:
            program.stdout.close()
    _wait_until(lambda: not psutil.pid_exists(child), 5.0)


_PROGRAM = """
import sys, numpy as np, tsdesktop
from tsdesktop.core.geometry import Geometry
array = np.load(sys.argv[1])
volume = tsdesktop.Volume(array, Geometry(array.shape, np.diag([3.0, 3.0, 3.0, 1.0])), "CT")
engine = tsdesktop.Engine()
say = lambda told: print(engine.pid, flush=True) if told.stage == "resampling" else None
tsdesktop.segment(volume, engine=engine, listen=say, fast=True)
"""


def _wait_until(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"did not come true within {seconds} s"
        time.sleep(0.05)
