"""How long until all surfaces of a label map are in the 3D view, and what the main thread feels of it.

    python tests/benchmarks/surfaces_3d.py [LABELS.nii.gz] [--structures 117] [--spacing 1.5] [--processor]

Without a label map it makes a body of rounded pieces. A map that has fewer structures than asked for is brought to the
spacing and its largest structures are halved until there are enough. Needs a display (or xvfb-run).

Lateness is how much later than asked a timer of 1 ms is heard on the main thread. Frames are drawn off the main thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication
from scipy import ndimage

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui import theme
from tsdesktop.gui.scene.drawing import Frame
from tsdesktop.gui.scene.probe import PROCESSOR
from tsdesktop.gui.scene.view import SceneView
from tsdesktop.gui.session import Session

_MADE_MM = (360.0, 260.0, 450.0)
_PIECES = (3, 3, 13)
_PATIENCE_S = 120.0


@dataclass
class Lateness:
    """Beats every millisecond on the main thread and notes how late it is heard."""

    late_ms: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._clock = QElapsedTimer()
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=1)
        self._timer.timeout.connect(self._on_beat)
        self._clock.start()
        self._timer.start()

    def _on_beat(self) -> None:
        self.late_ms.append(max(0.0, self._clock.nsecsElapsed() / 1e6 - 1.0))
        self._clock.restart()

    def told(self) -> str:
        """p50, p99 and max since the last time, in ms."""
        late, self.late_ms = np.array(self.late_ms), []
        p50, p99 = np.percentile(late, (50, 99))
        return f"p50 {p50:.1f}, p99 {p99:.1f}, max {late.max():.1f} ms"


def wait_until(reached: Callable[[], bool], patience_s: float = _PATIENCE_S) -> None:
    """Runs the event loop, sleeping in between, until something is so."""
    loop, timer, began = QEventLoop(), QTimer(interval=5), time.monotonic()
    timer.timeout.connect(lambda: loop.quit() if reached() or time.monotonic() - began > patience_s else None)
    timer.start()
    loop.exec()
    timer.stop()
    if not reached():
        raise TimeoutError("not reached in time")


def made_labels(spacing_mm: float) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """A body of 117 rounded pieces with air between them, and its affine."""
    shape = [round(length / spacing_mm) for length in _MADE_MM]
    grid = np.meshgrid(
        *(np.linspace(0, n, s, endpoint=False) for n, s in zip(_PIECES, shape, strict=True)), indexing="ij"
    )
    cell = np.ravel_multi_index([each.astype(int) for each in grid], _PIECES) + 1
    off = np.sqrt(sum((each % 1.0 - 0.5) ** 2 for each in grid))
    wave = 0.08 * np.sin(9.0 * grid[0]) * np.sin(7.0 * grid[1]) * np.sin(8.0 * grid[2])
    return np.where(off + wave < 0.52, cell, 0).astype(np.uint16), np.diag([spacing_mm] * 3 + [1.0])


def read_labels(path: Path, spacing_mm: float) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """A label map from a NIfTI file at another spacing, by nearest neighbour, and its affine."""
    import nibabel

    image = nibabel.load(path)
    steps = np.linalg.norm(image.affine[:3, :3], axis=0)
    array = ndimage.zoom(np.asarray(image.dataobj).astype(np.uint16), steps / spacing_mm, order=0)
    return array, np.asarray(image.affine @ np.diag([*(spacing_mm / steps), 1.0]))


def with_structures(array: NDArray[np.uint16], wanted: int) -> NDArray[np.uint16]:
    """Halves the largest structure along its longest side until there are as many as wanted."""
    counts = np.bincount(array.ravel())
    counts[0] = 0
    while np.count_nonzero(counts) < wanted:
        largest, new = int(np.argmax(counts)), len(counts)
        box = ndimage.find_objects(array, largest)[largest - 1]
        part = array[box]
        axis = int(np.argmax(part.shape))
        half = np.moveaxis(part, axis, 0)[part.shape[axis] // 2 :]
        moved = half == largest
        half[moved] = new
        taken = int(np.count_nonzero(moved))
        counts[largest] -= taken
        counts = np.append(counts, taken)
    return array


def label_map_of(arguments: argparse.Namespace) -> LabelMap:
    """The label map that is asked for, with names and colours."""
    made = read_labels(arguments.labels, arguments.spacing) if arguments.labels else made_labels(arguments.spacing)
    array, affine = with_structures(made[0], arguments.structures), made[1]
    i, j, k = array.shape
    classes = tuple(structure_class(int(n), f"structure_{n}") for n in np.unique(array) if n)
    return LabelMap(array, Geometry((i, j, k), affine), classes)


def frame_times(view: SceneView, frames: list[Frame]) -> str:
    """Medians of the frames of two seconds of turning, and of the still pictures after it, in ms."""
    frames.clear()
    view.tools.turntable.setChecked(True)
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 2.0)
    view.tools.turntable.setChecked(False)
    moving = [each.milliseconds for each in frames]
    scale, coarse = frames[-1].order.detail.scale, frames[-1].order.detail.coarse
    frames.clear()
    wait_until(lambda: view.is_still)
    still = ", ".join(f"{each.milliseconds:.0f}" for each in frames if not each.order.detail.coarse)
    how = f"{'coarse' if coarse else 'fine'} meshes, {scale:.1f} of the pixels"
    return f"moving {np.median(moving):.0f} ms ({len(moving) / 2:.0f} a second, {how}), still {still} ms"


def main() -> None:
    """Prints a table of what was measured."""
    parser = argparse.ArgumentParser(description="Time until all surfaces are in the 3D view.")
    parser.add_argument("labels", nargs="?", type=Path)
    parser.add_argument("--structures", type=int, default=117)
    parser.add_argument("--spacing", type=float, default=1.5)
    parser.add_argument("--size", default="1100x700")
    parser.add_argument("--processor", action="store_true", help="as where there is no OpenGL")
    arguments = parser.parse_args()
    application = QApplication([])
    theme.wear(application, theme.DARK)
    label_map = label_map_of(arguments)
    # Whoever reads labels in the program counts them in the background too.
    present = len(label_map.boxes)
    say(f"labels    {'x'.join(map(str, label_map.array.shape))} at {arguments.spacing} mm, {present} structures")
    session = Session()
    session.open_volume(Volume(np.zeros(label_map.array.shape, np.int16), label_map.geometry, "CT"))
    view = SceneView(session, graphics=PROCESSOR if arguments.processor else None)
    view.resize(*map(int, arguments.size.split("x")))
    measure(session, view, label_map)
    view.close_scene()


def measure(session: Session, view: SceneView, label_map: LabelMap) -> None:
    """Opens the view, shows the labels twice and turns them."""
    frames: list[Frame] = []
    shown: list[float] = []
    view._drawing.drawn.connect(frames.append)
    view.surfaces_shown.connect(lambda: shown.append(time.perf_counter()))
    lateness = Lateness()
    began = time.perf_counter()
    view.show()
    wait_until(lambda: view.drawn_by is not None)
    drawn_by = view.drawn_by
    assert drawn_by is not None
    say(
        f"renderer  {drawn_by.renderer} ({drawn_by.window_class or 'no OpenGL'}), {view.width()}x{view.height()} pixels"
    )
    say(
        f"ready     {time.perf_counter() - began:.2f} s after the first paint was asked for; lateness {lateness.told()}"
    )
    for name in ("first", "again"):
        shown.clear()
        began, began_cpu = time.perf_counter(), time.process_time()
        session.show_labels(label_map)
        wait_until(lambda: bool(shown))
        cpu = time.process_time() - began_cpu
        took = f"{shown[0] - began:.2f} s (CPU {cpu:.2f} s)"
        say(f"surfaces  {name}: all in the picture after {took}; lateness {lateness.told()}")
    wait_until(lambda: view.is_still)
    say(f"triangles {sum(len(b.surface.fine.triangles) for b in view._stage.content(view.camera).bodies):,}")
    say(f"frames    {frame_times(view, frames)}")
    say(f"          lateness while turning {lateness.told()}")


def say(line: str) -> None:
    """Prints at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
