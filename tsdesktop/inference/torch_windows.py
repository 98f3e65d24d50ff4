"""Windows computed and added up by torch: on a graphics card, and on the processor as the reference.

The image is put on the device once, and labels stay there until the last window is done.
"""

from __future__ import annotations

import logging
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from tsdesktop.core.geometry import Shape
from tsdesktop.inference import room
from tsdesktop.inference.heads import Head, is_worth_it, joined
from tsdesktop.inference.tiling import Tiling, tile_weight

if TYPE_CHECKING:
    from tsdesktop.inference.networks import LoadedNetwork

log = logging.getLogger(__name__)
# Logits that exist at once when the head is applied.
_LOGITS_AT_ONCE = 1 << 26


class Outputs(torch.nn.Module):
    """All folds of a network as one: the sum of their logits, or what their last layers read where that is less.

    `head` is what remains to be applied then; None where the output is logits.
    """

    def __init__(self, folds: tuple[torch.nn.Module, ...]) -> None:
        super().__init__()
        self._folds = torch.nn.ModuleList(folds)
        heads = [head_of(fold) for fold in folds]
        self.head: Head | None = joined(heads) if is_worth_it(heads) else None
        self.channels = heads[0].outputs if self.head is None else self.head.weight.shape[1]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Output [1, channels, z, y, x] of an image [1, 1, z, y, x]."""
        if self.head is not None:
            return torch.cat([features_of(fold, image) for fold in self._folds], 1)
        total: torch.Tensor = self._folds[0](image)
        for fold in self._folds[1:]:
            total = total + fold(image)
        return total


def head_of(fold: Any) -> Head:
    """The last layer of a U-Net, a 1x1x1 convolution."""
    layer = fold.decoder.seg_layers[-1]
    weight, bias = (each.detach().float().cpu().numpy() for each in (layer.weight, layer.bias))
    return Head(weight.reshape(len(weight), -1), bias)


def features_of(fold: Any, image: torch.Tensor) -> torch.Tensor:
    """What the last layer of a U-Net reads: its forward pass without that layer."""
    skips = fold.encoder(image)
    decoder, features = fold.decoder, skips[-1]
    for enlarge, stage, skip in zip(decoder.transpconvs, decoder.stages, reversed(skips[:-1]), strict=True):
        features = stage(torch.cat((enlarge(features), skip), 1))
    out: torch.Tensor = features
    return out


class TorchWindows:
    """See `predictor.Windows`. Sums lie on the network's device while there is room on it."""

    def __init__(self, network: LoadedNetwork, tiling: Tiling, table: NDArray[np.uint8] | None) -> None:
        self._network, self._tiling = network, tiling
        self._outputs = Outputs(network.folds)
        self._image = _on_device(torch.from_numpy(np.asarray(tiling.image)), network.device)
        self._sums = zeros((self._outputs.channels, *tiling.slab_shape), network.device)
        device = self._sums.device
        self._weights = torch.zeros(tiling.slab_shape, device=device)
        self._weight = torch.tensor(tile_weight(tiling.patch), device=device)
        self._table = None if table is None else torch.from_numpy(table.copy()).to(device)
        self._head = None if self._outputs.head is None else _on(self._outputs.head, device)
        if table is None:
            self._result = torch.from_numpy(room.zeros((network.plans.outputs, *tiling.image.shape)))
        else:
            self._result = torch.empty(tiling.image.shape, dtype=torch.uint8, device=device)
        self._previous: Any = None

    @torch.inference_mode()
    def add(self, corner: Shape) -> None:
        """Queues the window; returns when the one before it is done, so that progress is told as it is made."""
        tile = self._image[self._tiling.window(corner)]
        output = run_on(self._network, self._outputs, tile).to(self._sums.device)
        where = self._tiling.in_slab(corner)
        self._sums[(slice(None), *where)].addcmul_(output, self._weight)
        self._weights[where] += self._weight
        self._wait_for_previous()

    @torch.inference_mode()
    def finish(self, start: int, rows: int) -> None:
        """Makes labels or logits of finished rows and moves the others up."""
        done, roll = self._tiling.rows(0, rows), self._tiling.roll
        goal = self._result[(..., *self._tiling.rows(start, start + rows))]
        sums, weights = self._sums[(slice(None), *done)], self._weights[done]
        depth = max(1, _LOGITS_AT_ONCE // (self._network.plans.outputs * prod(sums.shape[2:])))
        for z in range(0, sums.shape[1], depth):
            part = slice(z, z + depth)
            logits = self._logits(sums[:, part], weights[part])
            if self._table is None:
                goal[:, part].copy_(logits / (weights[part] * self._network.fold_count))
            else:
                winning = winners(logits, regions=bool(self._network.plans.regions))
                goal[part].copy_(self._table[winning.long()])
        _shift(self._sums, roll + 1, rows)
        _shift(self._weights, roll, rows)

    def result(self) -> NDArray[Any]:
        """Labels or logits of the whole padded image."""
        return self._result.cpu().numpy()

    def _wait_for_previous(self) -> None:
        device = self._network.device
        if device.type == "mps":
            torch.mps.synchronize()
        elif device.type == "cuda":
            queued: Any = torch.cuda.Event()  # type: ignore[no-untyped-call]
            queued.record(torch.cuda.current_stream(device))
            if self._previous is not None:
                self._previous.synchronize()
            self._previous = queued

    def _logits(self, sums: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        if self._head is None:
            return sums
        weight, bias = self._head
        logits = weight @ sums.flatten(1) + bias[:, None] * weights.flatten()
        return logits.reshape(-1, *weights.shape)


def run_on(network: LoadedNetwork, module: torch.nn.Module, tile: torch.Tensor) -> torch.Tensor:
    """Output [c, z, y, x] of a window [z, y, x], float32 on the network's device, computed in the network's way."""
    image = tile[None, None].to(network.device)
    if network.way.channels_last:
        image = image.to(memory_format=torch.channels_last_3d)
    with torch.autocast("cuda", enabled=network.device.type == "cuda" and network.way.half):
        output: torch.Tensor = module(image)[0]
    return output.float()


@torch.inference_mode()
def tile_logits(network: LoadedNetwork, tile: torch.Tensor) -> torch.Tensor:
    """Logits [c, z, y, x] of one window [z, y, x], summed over the folds, float32 on the network's device."""
    total = run_on(network, network.folds[0], tile)
    for fold in network.folds[1:]:
        total = total + run_on(network, fold, tile)
    return total


def winners(logits: torch.Tensor, *, regions: bool) -> torch.Tensor:
    """Labels of logits [c, z, y, x] (or of sums of them), as `heads.winners`."""
    if not regions:
        return logits.argmax(0)
    labels = torch.zeros(logits.shape[1:], dtype=torch.uint8, device=logits.device)
    for number, region in enumerate(logits, 1):
        labels[region > 0] = number
    return labels


def zeros(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """Zeros on `device`; where it is too small, in main memory or in a file (see `room`)."""
    if device.type != "cpu":
        try:
            return torch.zeros(shape, dtype=torch.float32, device=device)
        except torch.OutOfMemoryError:
            log.info("the graphics card is too small for %s values; main memory is used", prod(shape))
    return torch.from_numpy(room.zeros(shape))


def _on_device(image: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The image on the device; where that is too small it stays here, and every window is sent by itself."""
    try:
        return image.to(device)
    except torch.OutOfMemoryError:
        return image


def _on(head: Head, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(head.weight).to(device), torch.from_numpy(head.bias).to(device)


def _shift(buffer: torch.Tensor, axis: int, rows: int) -> None:
    """Moves `buffer` up by `rows` along `axis` and clears what comes free."""
    kept = buffer.shape[axis] - rows
    if kept > 0:
        buffer.narrow(axis, 0, kept).copy_(buffer.narrow(axis, rows, kept).clone())
    buffer.narrow(axis, max(kept, 0), buffer.shape[axis] - max(kept, 0)).zero_()
