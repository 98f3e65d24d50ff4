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
    """See `predictor.Windows`. Sums are [z, y, x, channels]."""

    def __init__(self, network: OpenVinoNetwork, tiling: Tiling, table: NDArray[np.uint8] | None) -> None:
        self._network, self._tiling, self._table = network, tiling, table
        self._request = network.request()
        self._weight = tile_weight(tiling.patch)
        # The only window of an image is its own sum.
        self._alone = tiling.count == 1
        self._sums: Floats = (
            np.empty(0, np.float32) if self._alone else room.zeros((*tiling.slab_shape, network.channels))
        )
        self._weights: Floats = self._weight if self._alone else np.zeros(tiling.slab_shape, np.float32)
        self._result: NDArray[Any]
        if table is None:
            self._result = room.zeros((network.plans.outputs, *tiling.image.shape))
        else:
            self._result = np.empty(tiling.image.shape, np.uint8)

    def add(self, corner: Shape) -> None:
        """Runs the network on the window that begins at `corner` and adds its weighted output."""
        output = run_window(self._request, self._tiling.tile(corner))
        if self._alone:
            self._sums = output
            return
        where = self._tiling.in_slab(corner)
        self._sums[where] += output
        self._weights[where] += self._weight

    def finish(self, start: int, rows: int) -> None:
        """Makes labels or logits of finished rows and moves the others up."""
        done, roll = self._tiling.rows(0, rows), self._tiling.roll
        goal = self._result[(..., *self._tiling.rows(start, start + rows))]
        finisher = self._network.finisher()
        if self._table is None:
            finisher.write_logits(self._sums[done], self._weights[done], self._network.fold_count, goal)
        else:
            finisher.write_labels(self._sums[done], self._weights[done], self._table, goal)
        if not self._alone:
            _shift(self._sums, roll, rows)
            _shift(self._weights, roll, rows)

    def result(self) -> NDArray[Any]:
        """Labels or logits of the whole padded image."""
        self._sums = np.empty(0, np.float32)
        self._request = None
        self._network.release()
        return self._result


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
    return _core().compile_model(str(path), "CPU", settings)


@cache
def _core() -> Any:
    return library().Core()


def _shift(buffer: Floats, axis: int, rows: int) -> None:
    """Moves `buffer` up by `rows` along `axis`, row by row, and clears what comes free."""
    along = np.moveaxis(buffer, axis, 0)
    for row in range(len(along) - rows):
        along[row] = along[row + rows]
    along[max(len(along) - rows, 0) :] = 0.0
