"""The sliding window: a network over an image, tile by tile, with a Gaussian weight on every tile's output.

Same tiles, weights and sums as nnU-Net's predictor, but the window rolls along one axis: rows that no later tile
touches are finished and handed out, so that all classes x the whole volume never exist at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from nnunetv2.inference.sliding_window_prediction import compute_gaussian
from numpy.typing import NDArray

from tsdesktop.core.geometry import Shape
from tsdesktop.inference.networks import LoadedNetwork
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.room import zeros
from tsdesktop.jobs.tiles import tiles_along
from tsdesktop.weights.plans import NetworkPlans

Tiles = tuple[list[int], list[int], list[int]]


@dataclass(frozen=True, eq=False)
class Tiling:
    """How an image is covered: padded image (z, y, x), tile starts per axis, and the axis the window rolls along."""

    image: torch.Tensor
    starts: Tiles
    patch: Shape
    roll: int
    unpadded: tuple[slice, slice, slice]

    @property
    def count(self) -> int:
        """How many tiles there are."""
        a, b, c = self.starts
        return len(a) * len(b) * len(c)


@dataclass(frozen=True, eq=False)
class Slab:
    """Finished rows [start, stop) along the rolling axis: summed logits [c, z, y, x] and summed weights [z, y, x]."""

    start: int
    stop: int
    sums: torch.Tensor
    weights: torch.Tensor


def predict_labels(
    image: NDArray[np.float32], network: LoadedNetwork, step: float, meter: Meter, part: tuple[int, int, str]
) -> NDArray[np.uint8]:
    """The network's label of every voxel of `image` (z, y, x). `part` is (number, of how many, name), for progress."""
    tiling = make_tiling(image, network.plans.patch_shape, step)
    labels = torch.empty(tiling.image.shape, dtype=torch.uint8)
    for slab in finished_slabs(tiling, network, meter, part):
        rows = labels.narrow(tiling.roll, slab.start, slab.stop - slab.start)
        rows.copy_(winners(slab.sums, network.plans))
    out: NDArray[np.uint8] = labels[tiling.unpadded].numpy()
    return out


def predict_logits(
    image: NDArray[np.float32], network: LoadedNetwork, step: float, meter: Meter, part: tuple[int, int, str]
) -> NDArray[np.float32]:
    """The network's logits [c, z, y, x] of every voxel of `image` (z, y, x), averaged over tiles and folds."""
    tiling = make_tiling(image, network.plans.patch_shape, step)
    logits = zeros((network.plans.outputs, *tiling.image.shape), torch.device("cpu"))
    for slab in finished_slabs(tiling, network, meter, part):
        rows = logits.narrow(tiling.roll + 1, slab.start, slab.stop - slab.start)
        torch.div(slab.sums, slab.weights * len(network.folds), out=slab.sums)
        rows.copy_(slab.sums)
    out: NDArray[np.float32] = logits[(slice(None), *tiling.unpadded)].numpy()
    return out


def winners(logits: torch.Tensor, plans: NetworkPlans) -> torch.Tensor:
    """Labels of logits [c, z, y, x] (or of sums of them): the best output, or the last region that is more likely than
    not, counted from 1.
    """
    if not plans.regions:
        return logits.argmax(0)
    labels = torch.zeros(logits.shape[1:], dtype=torch.uint8, device=logits.device)
    for number, region in enumerate(logits, 1):
        # A likelihood over one half is a logit over 0.
        labels[region > 0] = number
    return labels


def make_tiling(image: NDArray[np.float32], patch: Shape, step: float) -> Tiling:
    """Pads `image` (z, y, x) with zeros to at least the patch, evenly on both sides, and lays the tiles."""
    missing = [max(0, window - size) for size, window in zip(image.shape, patch, strict=True)]
    before = [n // 2 for n in missing]
    if any(missing):
        image = np.pad(image, [(low, n - low) for low, n in zip(before, missing, strict=True)])
    a, b, c = (slice(low, low + size - n) for low, size, n in zip(before, image.shape, missing, strict=True))
    z, y, x = image.shape
    # The slab holds patch rows along one axis and everything along the others: smallest for the axis with most patches.
    roll = int(np.argmax([size / window for size, window in zip(image.shape, patch, strict=True)]))
    return Tiling(torch.from_numpy(image), tiles_along((z, y, x), patch, step), patch, roll, (a, b, c))


def finished_slabs(tiling: Tiling, network: LoadedNetwork, meter: Meter, part: tuple[int, int, str]) -> Iterator[Slab]:
    """Runs every tile once, in rolling order, and yields rows as soon as no later tile reaches them."""
    sums, weights = _buffers(tiling, network)
    gaussian = _gaussian(tiling.patch, sums.device)
    rolling = tiling.starts[tiling.roll]
    others = list(product(*(starts for axis, starts in enumerate(tiling.starts) if axis != tiling.roll)))
    number, parts, name = part
    voxels = gaussian.numel() * len(network.folds)
    meter.begin(name, voxels, (number, parts, tiling.count))
    for n, start in enumerate(rolling):
        for m, other in enumerate(others):
            corner = [*other[: tiling.roll], start, *other[tiling.roll :]]
            logits = _tile_logits(tiling, network, corner).to(sums.device)
            corner[tiling.roll] = 0
            where = tuple(slice(at, at + size) for at, size in zip(corner, tiling.patch, strict=True))
            sums[(slice(None), *where)].addcmul_(logits, gaussian)
            weights[where] += gaussian
            done = n * len(others) + m + 1
            meter.tile(name, voxels, (number, parts, done, tiling.count))
        last = n + 1 == len(rolling)
        rows = tiling.patch[tiling.roll] if last else rolling[n + 1] - start
        yield Slab(start, start + rows, sums.narrow(tiling.roll + 1, 0, rows), weights.narrow(tiling.roll, 0, rows))
        if not last:
            _shift(sums, tiling.roll + 1, rows)
            _shift(weights, tiling.roll, rows)


def _buffers(tiling: Tiling, network: LoadedNetwork) -> tuple[torch.Tensor, torch.Tensor]:
    """Accumulators for one slab, on the network's device while there is room."""
    shape = list(tiling.image.shape)
    shape[tiling.roll] = tiling.patch[tiling.roll]
    sums = zeros((network.plans.outputs, *shape), network.device)
    return sums, zeros(tuple(shape), sums.device)


def _tile_logits(tiling: Tiling, network: LoadedNetwork, corner: list[int]) -> torch.Tensor:
    where = tuple(slice(at, at + size) for at, size in zip(corner, tiling.patch, strict=True))
    return tile_logits(network, tiling.image[where])


@torch.inference_mode()
def tile_logits(network: LoadedNetwork, tile: torch.Tensor) -> torch.Tensor:
    """Logits [c, z, y, x] of one window [z, y, x], summed over the folds, float32 on the network's device."""
    image = tile[None, None].to(network.device)
    if network.way.channels_last:
        image = image.to(memory_format=torch.channels_last_3d)
    with torch.autocast("cuda", enabled=network.device.type == "cuda" and network.way.half):
        total = network.folds[0](image)[0]
        for fold in network.folds[1:]:
            total = total + fold(image)[0]
    logits: torch.Tensor = total.float()
    return logits


def _gaussian(patch: Shape, device: torch.device) -> torch.Tensor:
    """nnU-Net's weight of a tile: sigma an eighth of the patch, highest value 10."""
    weight: Any = compute_gaussian(patch, 1.0 / 8, 10, dtype=torch.float32, device=torch.device("cpu"))
    out: torch.Tensor = weight.to(device)
    return out


def _shift(buffer: torch.Tensor, axis: int, rows: int) -> None:
    """Moves `buffer` up by `rows` along `axis` and clears what comes free."""
    kept = buffer.shape[axis] - rows
    if kept > 0:
        buffer.narrow(axis, 0, kept).copy_(buffer.narrow(axis, rows, kept).clone())
    buffer.narrow(axis, max(kept, 0), buffer.shape[axis] - max(kept, 0)).zero_()
