"""How late the window's event loop is while networks run in the other process.

    python tests/benchmarks/event_loop.py SCAN [--quality fast] [--seconds 20] [--busy-ms 6]

A timer of 5 ms ticks; each tick draws a 512x512 picture for about `busy-ms`, as scrolling slices does (0 for none).
Lateness is what a tick came later than 5 ms after the one before had ended. Measured without a run, with a run at the
window's own priority, and with one at low priority, as runs from the window are.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt, QTimer

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.options import Options
from tsdesktop.core.volume import Volume
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline import Engine, read, segment_volume

_TICK_MS = 5


class Ticks:
    """A timer that draws, and how late its ticks were in ms."""

    def __init__(self, busy_ms: float) -> None:
        self.late_ms: list[float] = []
        self.drawn_ms: list[float] = []
        self._busy_ms = busy_ms
        self._picture = np.random.default_rng(1).integers(0, 255, (512, 512)).astype(np.float32)
        self._ended = time.perf_counter()
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_TICK_MS)

    def _tick(self) -> None:
        began = time.perf_counter()
        self.late_ms.append((began - self._ended) * 1000 - _TICK_MS)
        cpu = time.thread_time()
        while (time.thread_time() - cpu) * 1000 < self._busy_ms:
            (self._picture * 0.5 + 3.0).astype(np.uint8)
        self._ended = time.perf_counter()
        self.drawn_ms.append((self._ended - began) * 1000)
        self._timer.start(_TICK_MS)


def watched(busy_ms: float, seconds: float) -> Ticks:
    """Ticks for so many seconds."""
    ticks = Ticks(busy_ms)
    QTimer.singleShot(round(seconds * 1000), QCoreApplication.quit)
    QCoreApplication.exec()
    return ticks


def watched_during_run(volume: Volume, options: Options, low_priority: bool, given: argparse.Namespace) -> Ticks:
    """Ticks while networks run; the run is cancelled afterwards."""
    computing = threading.Event()

    def hear(told: Progress) -> None:
        if told.tiles:
            computing.set()

    def run() -> None:
        try:
            while True:
                segment_volume(volume, options, engine=engine, listen=hear)
        except Cancelled:
            return

    with Engine(low_priority=low_priority) as engine:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        computing.wait()
        ticks = watched(given.busy_ms, given.seconds)
        engine.cancel()
        thread.join()
    return ticks


def line(name: str, ticks: Ticks) -> str:
    """p50, p99 and the worst, of lateness and of drawing."""
    late, drawn = np.array(ticks.late_ms), np.array(ticks.drawn_ms)
    figures = " ".join(f"{value:7.1f}" for value in (*np.percentile(late, (50, 99)), late.max()))
    drawing = " ".join(f"{value:7.1f}" for value in (*np.percentile(drawn, (50, 99)), drawn.max()))
    return f"{name:32s} {figures}   {drawing}   {len(late):6d}\n"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan")
    parser.add_argument("--quality", choices=["full", "fast", "fastest"], default="fast")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--busy-ms", type=float, default=6.0)
    given = parser.parse_args()
    app = QCoreApplication(sys.argv)
    options = Options(fast=given.quality == "fast", fastest=given.quality == "fastest")
    volume = read(given.scan)
    waiting = os.environ.get("OMP_WAIT_POLICY", "PASSIVE (our default)")
    sys.stdout.write(f"ms: late p50, p99, max; drawing p50, p99, max; ticks. OMP_WAIT_POLICY {waiting}\n")
    sys.stdout.write(line("no run", watched(given.busy_ms, given.seconds)))
    for name, low in (("run at the window's priority", False), ("run at low priority", True)):
        sys.stdout.write(line(name, watched_during_run(volume, options, low, given)))
    app.quit()


if __name__ == "__main__":
    main()
