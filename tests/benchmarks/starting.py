"""How long from starting the program to its first painted window, and to slices and 3D of a scan on screen.

    python -m tests.benchmarks.starting [--scan PATH] [--times 5]

Every time is that of a new process with a warm disk, from its creation on, as the operating system tells it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

_CHILD = """
import sys, time, json, psutil
born = psutil.Process().create_time()
from pathlib import Path
from PySide6.QtCore import QEvent, QObject, QTimer
from tsdesktop.gui import start as starting
from tsdesktop.gui import window as windows

marks = {}
def mark(name):
    marks.setdefault(name, round(time.time() - born, 3))

class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and watched.isWidgetType() and watched.isWindow():
            QTimer.singleShot(0, first)
        return False

watch = Watch()
def first():
    if "window" in marks:
        return
    mark("window")
    heavy = ("torch", "vtkmodules", "pyvista", "nnunetv2")
    marks["modules_with_torch_or_vtk"] = sorted(name for name in sys.modules if name in heavy)
    if not scan:
        finish()

def finish():
    memory = psutil.Process().memory_full_info()
    marks["uss_mb"] = round(memory.uss / 1e6)
    print(json.dumps(marks), flush=True)
    window.close()

scan = sys.argv[1] if len(sys.argv) > 1 else ""
log_lines = starting.set_up_log()
application = starting.make_application(["tsdesktop"])
settings = starting.load_settings()
starting.translation.install(application, settings.language)
windows.wear_chosen(settings)
window = windows.MainWindow(settings, log_lines)
window.installEventFilter(watch)
window.show()
if scan:
    window.opening.scan_opened.connect(lambda _: QTimer.singleShot(0, slices))
    QTimer.singleShot(0, lambda: window.open_paths([Path(scan)]))
def slices():
    mark("scan")
    QTimer.singleShot(2000, finish)
application.exec()
"""

_COMPILED = Path(tempfile.gettempdir()) / "tsdesktop-benchmark-compiled"


def one_start(scan: str) -> dict[str, object]:
    """The marks of one new process, in seconds since it was made."""
    with tempfile.TemporaryDirectory() as data:
        # As installed: with compiled modules, wherever they are kept.
        environment = os.environ | {"TSDESKTOP_DATA_DIR": data, "PYTHONPYCACHEPREFIX": str(_COMPILED)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", _CHILD, *([scan] if scan else [])]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    marks: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return marks


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scan", default="", help="a scan to open as well")
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    scan = str(Path(given.scan).resolve()) if given.scan else ""
    one_start(scan)
    runs = [one_start(scan) for _ in range(given.times)]
    say(f"load {psutil.getloadavg()[0]:.1f}, {psutil.cpu_count()} cores, {given.times} starts")
    for name in ("window", "scan", "uss_mb"):
        values = [float(str(run[name])) for run in runs if name in run]
        if values:
            say(f"{name:8} min {min(values):.2f}  median {statistics.median(values):.2f}  max {max(values):.2f}")
    say(f"loaded by then: {runs[0].get('modules_with_torch_or_vtk')}")


def say(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
