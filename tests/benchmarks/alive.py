"""Does the window stay alive while a network runs? Event-loop lateness while slices are scrolled, with and without.

    python -m tests.benchmarks.alive [--scan PATH] [--task total --fast] [--seconds 60]

A timer of 5 ms asks how late it comes; three times a second a wheel event is sent to one slice view, and the time until
its painting is over is taken. First idle, then during a run in the other process. Prints a table and a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from tsdesktop.core.assets import asset
from tsdesktop.core.options import Options
from tsdesktop.core.settings import Settings
from tsdesktop.gui import window as windows
from tsdesktop.gui.report import RecentLines

TICK_MS = 5
WHEEL_EVERY_MS = 333


class Lateness:
    """Collects how late a timer comes, in ms."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._due = 0.0
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        self._timer.timeout.connect(self._on_tick)

    def start(self) -> None:
        """Begins to listen."""
        self._due = time.perf_counter() + TICK_MS / 1000
        self._timer.start()

    def stop(self) -> list[float]:
        """Ends, and gives what was found."""
        self._timer.stop()
        return self.late

    def _on_tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._due) * 1000))
        self._due = now + TICK_MS / 1000


class Scrolling:
    """Turns the wheel over the axial view, up and down, and takes the time to the end of painting, in ms."""

    def __init__(self, window: windows.MainWindow) -> None:
        self.took: list[float] = []
        self._view = window.centre.slices["axial"]
        self._turn = 0
        self._timer = QTimer(interval=WHEEL_EVERY_MS)
        self._timer.timeout.connect(self._on_due)

    def start(self) -> None:
        """Begins to scroll."""
        self._timer.start()

    def stop(self) -> list[float]:
        """Ends, and gives what was found."""
        self._timer.stop()
        return self.took

    def _on_due(self) -> None:
        self._turn += 1
        delta = 120 if (self._turn // 20) % 2 else -120
        place = QPointF(self._view.width() / 2, self._view.height() / 2)
        event = QWheelEvent(
            place, self._view.mapToGlobal(place), QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        began = time.perf_counter()
        QApplication.sendEvent(self._view, event)
        self._view.repaint()
        self.took.append((time.perf_counter() - began) * 1000)


def watched(application: QApplication, window: windows.MainWindow, seconds: float, run: bool) -> dict[str, Any]:
    """Lateness and frame times over some seconds, or until the run ends."""
    lateness, scrolling = Lateness(), Scrolling(window)
    lateness.start()
    scrolling.start()
    until = time.monotonic() + seconds
    while time.monotonic() < until and (not run or window.runs.is_running):
        application.processEvents()
        time.sleep(0.0005)
    return {"late_ms": figures(lateness.stop()), "wheel_ms": figures(scrolling.stop())}


def figures(values: list[float]) -> dict[str, float]:
    """Median, 99th percentile, maximum and number."""
    if not values:
        return {}
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2), "max": round(max(values), 2), "n": len(values)}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scan", type=Path, default=asset("sample/ct.nii.gz"))
    parser.add_argument("--task", default="demo")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--fastest", action="store_true")
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    application = QApplication(["alive"])
    settings = Settings(theme="dark")
    windows.wear_chosen(settings)
    window = windows.MainWindow(settings, RecentLines())
    window.resize(1600, 1000)
    window.show()
    window.open_paths([given.scan])
    wait(application, lambda: window.session.volume is not None and window.left.choices.devices is not None)
    idle = watched(application, window, 10.0, run=False)
    window.runs.start(Options(task=given.task, fast=given.fast, fastest=given.fastest))
    running = watched(application, window, given.seconds, run=True)
    window.runs.give_up()
    for name, found in (("idle", idle), ("running", running)):
        for what, numbers in found.items():
            sys.stdout.write(f"{name:8} {what:9} {numbers}\n")
    report = {"load": psutil.getloadavg()[0], "cores": psutil.cpu_count(), "idle": idle, "running": running}
    sys.stdout.write(json.dumps(report) + "\n")
    wait(application, lambda: not window.runs.is_running)
    window.close()


def wait(application: QApplication, condition: Any, seconds: float = 60.0) -> None:
    """Lets events happen until the condition holds."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        application.processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    main()
