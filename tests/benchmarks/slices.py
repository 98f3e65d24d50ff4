"""From an event to the end of painting: three linked slice views of a 512x512x300 CT with 117 labels in a real window.

    python tests/benchmarks/slices.py [--events 300] [--with-3d] [--json FILE]

Needs a screen. Sends real wheel and mouse events and waits until every view that has to change is painted and handed to
the screen. Wall milliseconds, and CPU milliseconds of the main thread, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui import theme
from tsdesktop.gui.scene.view import SceneView
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.grid import ViewGrid
from tsdesktop.gui.slices.measure import Measurements
from tsdesktop.gui.slices.plane import PLANE_NAMES, PlaneName
from tsdesktop.gui.slices.view import SliceView

_SHAPE = (512, 512, 300)
_STRUCTURES = 117
_SPACING = (0.75, 0.75, 1.5)
_SIDES_PX = (295, 312)
_ALL = set(PLANE_NAMES)


class _View(SliceView):
    """Counts its paintings."""

    painted = 0

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.painted += 1


def _phantom() -> tuple[Volume, LabelMap]:
    """A noisy trunk full of wavy blobs, one for each label."""
    random = np.random.default_rng(0)
    i, j, _ = np.ogrid[: _SHAPE[0], : _SHAPE[1], :1]
    trunk = (((i - 256) / 225) ** 2 + ((j - 256) / 165) ** 2 < 1).astype(np.int16)
    # In the order DICOM slices are stacked in.
    scan = np.asfortranarray(np.broadcast_to(trunk * 1060 - 1000, _SHAPE)).astype(np.int16, order="F")
    labels = np.zeros(_SHAPE, np.uint8, order="F")
    for label in range(1, _STRUCTURES + 1):
        _add_blob(label, scan, labels, random)
    for k in range(_SHAPE[2]):
        scan[:, :, k] += random.normal(0, 14, _SHAPE[:2]).astype(np.int16)
    geometry = Geometry(_SHAPE, np.diag([-_SPACING[0], -_SPACING[1], _SPACING[2], 1.0]))
    tints = random.integers(40, 256, (_STRUCTURES, 3)).tolist()
    classes = tuple(StructureClass(n, f"structure_{n}", (r, g, b)) for n, (r, g, b) in enumerate(tints, 1))
    return Volume(scan, geometry, "CT"), LabelMap(labels, geometry, classes)


def _add_blob(label: int, scan: NDArray[np.int16], labels: NDArray[np.uint8], random: np.random.Generator) -> None:
    turn, far = random.uniform(0, 2 * np.pi), np.sqrt(random.uniform(0, 0.8))
    middle = np.array([256 + 205 * far * np.cos(turn), 256 + 145 * far * np.sin(turn), random.uniform(10, 290)])
    radii = random.uniform((14, 14, 12), (46, 46, 60))
    low = np.maximum(0, np.floor(middle - 1.3 * radii)).astype(int)
    high = np.minimum(_SHAPE, np.ceil(middle + 1.3 * radii)).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    x, y, z = ((axis - m) / r for axis, m, r in zip(np.ogrid[box], middle, radii, strict=True))
    waves = 0.22 * np.sin(7 * x + label) * np.sin(6 * y) * np.sin(5 * z + 1)
    inside = (x**2 + y**2 + z**2 + waves < 1) & (labels[box] == 0)
    labels[box][inside] = label
    scan[box][inside] += np.int16(random.integers(-80, 220))


class _Bench:
    def __init__(self, application: QApplication, with_3d: bool) -> None:
        self._application = application
        self.session = Session()
        measurements = Measurements(self.session)
        self.views: dict[PlaneName, _View] = {name: _View(self.session, name, measurements) for name in PLANE_NAMES}
        self.grid = ViewGrid(self.views)
        self.window = QWidget()
        row = QHBoxLayout(self.window)
        row.setContentsMargins(0, 38, 0, 24)
        row.setSpacing(0)
        sides = QWidget(), QWidget()
        for side, width in zip(sides, _SIDES_PX, strict=True):
            side.setFixedWidth(width)
        row.addWidget(sides[0])
        row.addWidget(self.grid, 1)
        row.addWidget(sides[1])
        self.window.resize(1600, 1000)
        self.scene = SceneView(self.session) if with_3d else None
        if self.scene is not None:
            self.grid.set_scene(self.scene)
        self.window.show()
        volume, label_map = _phantom()
        self.session.open_volume(volume)
        self.session.show_labels(label_map)
        self._settle()

    def _settle(self) -> None:
        loop = QEventLoop()
        QTimer.singleShot(120_000 if self.scene is not None else 1_000, loop.quit)
        if self.scene is not None:
            self.scene.surfaces_shown.connect(loop.quit)
        loop.exec()

    def times(self, count: int, send: Callable[[int], None], awaited: set[PlaneName]) -> list[tuple[float, float]]:
        """(wall, CPU) ms from each of `count` events to the end of painting in the views that are waited for."""
        out = []
        for n in range(count):
            before = {name: self.views[name].painted for name in awaited}
            wall, cpu = time.perf_counter(), time.thread_time()
            send(n)
            while any(self.views[name].painted == before[name] for name in awaited):
                self._application.processEvents()
            out.append((1e3 * (time.perf_counter() - wall), 1e3 * (time.thread_time() - cpu)))
        return out

    def wheel(self, name: PlaneName) -> Callable[[int], None]:
        """Turns over a view, 60 steps one way and back again."""
        view = self.views[name]
        place = QPointF(view.rect().center())

        def send(n: int) -> None:
            delta = QPoint(0, 120 if (n // 60) % 2 else -120)
            modifiers, phase = Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
            glob = QPointF(view.mapToGlobal(place.toPoint()))
            event = QWheelEvent(place, glob, QPoint(), delta, Qt.MouseButton.NoButton, modifiers, phase, False)
            QApplication.sendEvent(view, event)

        return send

    def drag(self, name: PlaneName, button: Qt.MouseButton) -> Callable[[int], None]:
        """Drags a button down and up through a view, three pixels at a time."""
        view = self.views[name]

        def send(n: int) -> None:
            step = n % 100
            way = 3 * (step if step < 50 else 100 - step) - 75
            place = QPointF(view.rect().center()) + QPointF(way + 0.5, 0.7 * way + 0.25)
            if n == 0:
                self._mouse(view, QEvent.Type.MouseButtonPress, place, button)
            self._mouse(view, QEvent.Type.MouseMove, place + QPointF(8, 0), button)

        return send

    def let_go(self, name: PlaneName, button: Qt.MouseButton) -> None:
        """The button comes up."""
        self._mouse(self.views[name], QEvent.Type.MouseButtonRelease, QPointF(0, 0), button)

    def _mouse(self, view: QWidget, kind: QEvent.Type, place: QPointF, button: Qt.MouseButton) -> None:
        pressed = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
        changed = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button
        glob = QPointF(view.mapToGlobal(place.toPoint()))
        QApplication.sendEvent(view, QMouseEvent(kind, place, glob, changed, pressed, Qt.KeyboardModifier.NoModifier))


def _measured(bench: _Bench, count: int) -> dict[str, list[tuple[float, float]]]:
    left, right = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
    out = {f"wheel over {name}": bench.times(count, bench.wheel(name), {*_ALL}) for name in PLANE_NAMES}
    out["crosshair drag in axial"] = bench.times(count, bench.drag("axial", left), {*_ALL})
    bench.let_go("axial", left)
    out["window drag (all three anew)"] = bench.times(count, bench.drag("axial", right), {*_ALL})
    bench.let_go("axial", right)
    for view in bench.views.values():
        if view.pane is not None:
            view.show_part(view.pane.viewport.zoomed(3.0, view.width() / 2, view.height() / 2))
    out["wheel over axial, zoomed in 3x"] = bench.times(count, bench.wheel("axial"), {*_ALL})
    out["crosshair drag in axial, zoomed in 3x"] = bench.times(count, bench.drag("axial", left), {*_ALL})
    bench.let_go("axial", left)
    return out


def _row(name: str, times: list[tuple[float, float]]) -> dict[str, float | str]:
    wall, cpu = np.array(times[5:]).T
    return {
        "what": name,
        "wall_p50_ms": round(float(np.percentile(wall, 50)), 2),
        "wall_p99_ms": round(float(np.percentile(wall, 99)), 2),
        "cpu_p50_ms": round(float(np.percentile(cpu, 50)), 2),
        "cpu_p99_ms": round(float(np.percentile(cpu, 99)), 2),
    }


def main(arguments: list[str]) -> None:
    """Prints a markdown table; writes JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--with-3d", action="store_true", help="show the 3D view too, with its surfaces made")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    application = QApplication([])
    theme.wear(application, theme.DARK)
    bench = _Bench(application, asked.with_3d)
    rows = [_row(name, times) for name, times in _measured(bench, asked.events).items()]
    size = bench.views["axial"].size()
    if bench.scene is not None:
        bench.scene.close_scene()
    sys.stdout.write(f"views of {size.width()} x {size.height()} at {bench.window.devicePixelRatioF():g}\n\n")
    sys.stdout.write("| event | wall p50 | p99 | CPU p50 | p99 ms |\n|---|---|---|---|---|\n")
    for row in rows:
        sys.stdout.write("| " + " | ".join(str(value) for value in row.values()) + " |\n")
    if asked.json is not None:
        asked.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
