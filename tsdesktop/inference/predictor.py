"""The sliding window: a network over an image, tile by tile, with a Gaussian weight on every tile's output.

Same tiles, weights and sums as nnU-Net's predictor, but the window rolls along one axis: rows that no later tile
touches are finished and handed out, so that all classes x the whole volume never exist at once. What computes and adds
up is behind `Network` and `Windows`: torch or OpenVINO, on the processor or on a card.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Shape
from tsdesktop.inference.image import Image
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.tiling import Tiling, make_tiling
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.weights.plans import NetworkPlans

Part = tuple[int, int, str]
# Every label as it is.
AS_IT_IS: NDArray[np.uint8] = np.arange(256, dtype=np.uint8)


class Windows(Protocol):
    """Weighted outputs over the rows of one window along the rolling axis of an image, and what is finished of it."""

    def add(self, corner: Shape) -> None:
        """Runs the network on the window that begins at `corner` and adds its weighted output.

        Corners come in the order of the rolling axis, then of the first of the others, then of the last.
        """

    def finish(self, start: int, rows: int) -> None:
        """No later window touches the first `rows` rows, which begin at `start` of the image; the rest moves up."""

    def result(self) -> NDArray[Any]:
        """Labels [z, y, x] or logits [c, z, y, x] of the whole padded image."""


class Network(Protocol):
    """A network that is ready to run."""

    @property
    def plans(self) -> NetworkPlans:
        """What is known of it."""

    @property
    def fold_count(self) -> int:
        """How many folds it has."""

    def windows(self, tiling: Tiling, table: NDArray[np.uint8] | None) -> Windows:
        """Where its outputs on an image are added up: to labels through `table`, without one to logits."""


@dataclass(frozen=True, eq=False)
class Opened:
    """A network whose plans are known; `ready`(image [z, y, x], step) gets it ready to run on this image."""

    plans: NetworkPlans
    ready: Callable[[Image, float], Network]


class Networks(Protocol):
    """Where networks come from: it decides what computes them."""

    def expect(self, run: NetworkRun) -> None:
        """This network will be opened soon: what can be done ahead may be done, in another thread."""

    def open(self, run: NetworkRun) -> Opened:
        """Raises WeightsError when a file is missing, broken, does not fit its plans, or asks for code to be run."""


def predict_labels(
    image: Image,
    network: Network,
    step: float,
    meter: Meter,
    part: Part,
    table: NDArray[np.uint8] = AS_IT_IS,
) -> NDArray[np.uint8]:
    """The network's label of every voxel of `image` (z, y, x), through `table`.

    `part` is (number, of how many, name), for progress.
    """
    tiling = make_tiling(image, network.plans.patch_shape, step)
    out: NDArray[np.uint8] = _run(tiling, network, table, meter, part)[tiling.unpadded]
    return out


def predict_logits(image: Image, network: Network, step: float, meter: Meter, part: Part) -> NDArray[np.float32]:
    """The network's logits [c, z, y, x] of every voxel of `image` (z, y, x), averaged over tiles and folds."""
    tiling = make_tiling(image, network.plans.patch_shape, step)
    out: NDArray[np.float32] = _run(tiling, network, None, meter, part)[(slice(None), *tiling.unpadded)]
    return out


def _run(tiling: Tiling, network: Network, table: NDArray[np.uint8] | None, meter: Meter, part: Part) -> NDArray[Any]:
    """Runs every tile once, in rolling order, and finishes rows as soon as no later tile reaches them."""
    rolling = tiling.starts[tiling.roll]
    others = list(product(*(starts for axis, starts in enumerate(tiling.starts) if axis != tiling.roll)))
    number, parts, name = part
    voxels = prod(tiling.patch) * network.fold_count
    meter.begin(name, voxels, (number, parts, tiling.count))
    windows = network.windows(tiling, table)
    for n, start in enumerate(rolling):
        for m, other in enumerate(others):
            windows.add(_corner(tiling.roll, start, other))
            meter.tile(name, voxels, (number, parts, n * len(others) + m + 1, tiling.count))
        last = n + 1 == len(rolling)
        windows.finish(start, tiling.patch[tiling.roll] if last else rolling[n + 1] - start)
    return windows.result()


def _corner(roll: int, start: int, other: tuple[int, ...]) -> Shape:
    """Where a window begins, from its place along the rolling axis and along the others."""
    i, j, k = (start if axis == roll else other[axis - (axis > roll)] for axis in range(3))
    return i, j, k
