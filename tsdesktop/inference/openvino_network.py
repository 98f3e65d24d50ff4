"""Networks run by OpenVINO on the processor: twice as fast as torch there, and ready in a fraction of a second.

Its output has the channels last and is already weighted by the window's weights (see `conversion`).
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Shape
from tsdesktop.inference import room
from tsdesktop.inference.converted import MODEL, WEIGHTS, Converted
from tsdesktop.inference.heads import Finisher
from tsdesktop.inference.tiling import Tiling, tile_weight
from tsdesktop.weights.plans import NetworkPlans

Floats = NDArray[np.float32]
_LOADING = threading.Lock()


@cache
def library() -> Any:
    """The openvino package. Raises ImportError (or OSError from the system's loader) where it cannot be used."""
    # Conversion would report to its maker through this package; where somebody has installed it, it is not found.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    return importlib.import_module("openvino")


def knows_half() -> bool:
    """Whether this processor has instructions for bfloat16. Raises what `library` raises."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def version() -> str:
    """OpenVINO's own version. Raises what `library` raises."""
    return str(library().get_version())


class OpenVinoNetwork:
    """See `predictor.Network`."""

    def __init__(self, converted: Converted, threads: int, *, half: bool = False) -> None:
        """Loads it; `threads` 0 leaves their number to OpenVINO, `half` computes with bfloat16.

        Raises RuntimeError where that fails.
        """
        self._converted = converted
        self.is_half = half
        self._threads = threads or os.cpu_count() or 1
        # A network that is being loaded ahead is waited for, not loaded twice.
        with _LOADING:
            self._compiled = LOADED.get(converted.folder, threads, half=half)

    @property
    def plans(self) -> NetworkPlans:
        """What is known of it."""
        return self._converted.plans

    @property
    def fold_count(self) -> int:
        """How many folds it has."""
        return self._converted.fold_count

    def in_half(self, threads: int) -> OpenVinoNetwork:
        """The same network computed with bfloat16. Raises RuntimeError."""
        return OpenVinoNetwork(self._converted, threads, half=True)

    def windows(self, tiling: Tiling, table: NDArray[np.uint8] | None) -> OpenVinoWindows:
        """See `predictor.Network`."""
        return OpenVinoWindows(self, tiling, table)

    def finisher(self) -> Finisher:
        """What turns sums of its output into labels."""
        return Finisher(self._converted.head, bool(self.plans.regions), self._threads)

    @property
    def channels(self) -> int:
        """Channels of its output."""
        return int(self._compiled.output(0).shape[-1])

    def request(self) -> Any:
        """Something that runs windows one after the other. Its working memory is large: see `release`."""
        return self._compiled.create_infer_request()

    def release(self) -> None:
        """Gives back the memory that running took; the next run takes it again."""
        self._compiled.release_memory()


class OpenVinoWindows:
    """See `predictor.Windows`. Sums are [rolling axis, the others in their order, channels].

    Of the rows that will be finished after the last window at their start, those parts are finished and given back
    ahead that only windows before it touch.
    """

    def __init__(self, network: OpenVinoNetwork, tiling: Tiling, table: NDArray[np.uint8] | None) -> None:
        self._network, self._tiling, self._table = network, tiling, table
        self._request = network.request()
        self._weight = tile_weight(tiling.patch)
        # The only window of an image is its own sum.
        self._alone = tiling.count == 1
        self._slab = room.Slab((0,) if self._alone else (*self._rolled(tiling.slab_shape), network.channels))
        self._sums: Floats = self._slab.array
        weights = self._weight if self._alone else np.zeros(tiling.slab_shape, np.float32)
        self._weights: Floats = np.moveaxis(weights, tiling.roll, 0)
        self._ahead = 0
        self._result: NDArray[Any]
        if table is None:
            self._result = room.zeros((network.plans.outputs, *tiling.image.shape))
        else:
            self._result = np.empty(tiling.image.shape, np.uint8)

    def add(self, corner: Shape) -> None:
        """Runs the network on the window that begins at `corner` and adds its weighted output."""
        self._finish_ahead(corner)
        output = run_window(self._request, self._tiling.tile(corner))
        if self._alone:
            self._sums = np.moveaxis(output, self._tiling.roll, 0)
            return
        where, roll = self._tiling.in_slab(corner), self._tiling.roll
        np.moveaxis(self._sums, 0, roll)[where] += output
        np.moveaxis(self._weights, 0, roll)[where] += self._weight

    def finish(self, start: int, rows: int) -> None:
        """Makes labels or logits of finished rows and moves the others up."""
        self._write(start, rows, slice(self._ahead, None))
        self._ahead = 0
        if self._alone:
            return
        for row in range(len(self._sums) - rows):
            self._sums[row] = self._sums[row + rows]
            self._weights[row] = self._weights[row + rows]
        self._slab.clear(self._sums[max(len(self._sums) - rows, 0) :])
        self._weights[max(len(self._weights) - rows, 0) :] = 0.0

    def result(self) -> NDArray[Any]:
        """Labels or logits of the whole padded image."""
        self._slab = room.Slab((0,))
        self._sums = self._slab.array
        self._request = None
        self._network.release()
        return self._result

    def _finish_ahead(self, corner: Shape) -> None:
        """Finishes what lies before `corner` and every later window at this start along the rolling axis."""
        begin, start = corner[self._tiling.across], corner[self._tiling.roll]
        if begin <= self._ahead:
            return
        rows = self._tiling.finished_rows(start)
        self._write(start, rows, slice(self._ahead, begin))
        for plane in self._sums[:rows]:
            self._slab.clear(plane[self._ahead : begin])
        self._ahead = begin

    def _write(self, start: int, rows: int, across: slice) -> None:
        goal = np.moveaxis(self._result, self._tiling.roll - 3, -3)[..., start : start + rows, across, :]
        sums, weights, finisher = self._sums[:rows, across], self._weights[:rows, across], self._network.finisher()
        if self._table is None:
            finisher.write_logits(sums, weights, self._network.fold_count, goal)
        else:
            finisher.write_labels(sums, weights, self._table, goal)

    def _rolled(self, shape: Shape) -> Shape:
        roll = self._tiling.roll
        first, second = (size for axis, size in enumerate(shape) if axis != roll)
        return shape[roll], first, second


def run_window(request: Any, tile: Floats) -> Floats:
    """Weighted output [z, y, x, channels] of a window [z, y, x]; it is overwritten by the next one."""
    image, weight = np.ascontiguousarray(tile), np.ascontiguousarray(tile_weight(tile.shape))
    given = {0: image[None, None], 1: weight[None, None]}
    output: Floats = request.infer(given, share_inputs=True, share_outputs=True)[0][0]
    return output


class Loaded:
    """Networks in OpenVINO's own form, weights laid out for this processor. The last ones stay for the next run.

    A network takes about five times its file. So before one is loaded those used longest ago go, until the files of
    all are below a bound that one large network passes by itself.
    """

    def __init__(self, most_bytes: int = 64 << 20) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[tuple[Path, int, bool], tuple[Any, int]] = {}

    def get(self, folder: Path, threads: int, *, half: bool = False) -> Any:
        """The network of a converted one's folder. Raises RuntimeError where it cannot be loaded."""
        key = (folder, threads, half)
        network, size = self._kept.pop(key, (None, 0))
        if network is None:
            size = (folder / WEIGHTS).stat().st_size
            self._make_room(size)
            network = _compiled(folder / MODEL, threads, half)
        self._kept[key] = network, size
        return network

    def clear(self) -> None:
        """Forgets all."""
        self._kept.clear()

    def _make_room(self, size: int) -> None:
        while self._kept and size + sum(each for _, each in self._kept.values()) > self._most_bytes:
            self._kept.pop(next(iter(self._kept)))


LOADED = Loaded()


def _compiled(path: Path, threads: int, half: bool) -> Any:
    settings: dict[str, Any] = {
        # Some processors would otherwise be given sixteen bits.
        "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        # Threads bound to cores would wait for whatever else runs on these.
        "ENABLE_CPU_PINNING": False,
    }
    if threads:
        settings["INFERENCE_NUM_THREADS"] = threads
    network = _core().compile_model(str(path), "CPU", settings)
    # They have been laid out anew for this processor.
    room.give_back_file(path.with_name(WEIGHTS))
    return network


@cache
def _core() -> Any:
    return library().Core()
