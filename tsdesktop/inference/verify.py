"""Before a card is trusted with a network, it computes a real window of the scan as the processor does.

Graphics drivers have been wrong without saying so, for one layout of arrays and not for another. So the first window of
every network is computed twice; where both differ the card gets another way to compute, then the processor takes over.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from tsdesktop.core.notes import note
from tsdesktop.inference.image import Image
from tsdesktop.inference.networks import LoadedNetwork, Way, load_network
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.tiling import busiest_tile, make_tiling
from tsdesktop.inference.torch_windows import tile_logits
from tsdesktop.inference.trust import Memory, Verdict, card_name, key_of
from tsdesktop.jobs.plan import NetworkRun

log = logging.getLogger(__name__)
# Difference a card may show to the processor, relative to the spread of the logits: half precision stays ten times
# below, wrong results are of the order of the spread itself.
TOLERANCE = 0.05
# Share of voxels whose label may differ where the processor sees no tie.
_OTHER_LABELS = 0.001
_WAYS = {"cuda": (Way(), Way(half=False)), "mps": (Way(), Way(channels_last=True))}
Compute = Callable[[LoadedNetwork, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Difference:
    """How far a card is from the processor: of logits, relative to their spread, and the share of other labels."""

    logits: float
    labels: float

    @property
    def is_small(self) -> bool:
        """Whether rounding explains it."""
        return self.logits <= TOLERANCE and self.labels <= _OTHER_LABELS


class Verifier:
    """Compares cards with the processor, once per network, card, driver and version of torch."""

    def __init__(self, meter: Meter, memory: Memory | None = None, compute: Compute = tile_logits) -> None:
        self._meter = meter
        self._memory = memory or Memory()
        self._compute = compute

    def trusted(self, network: LoadedNetwork, run: NetworkRun, image: Image, step: float) -> LoadedNetwork:
        """`network` in a way that computes rightly: on its own device, else on the processor, with a note.

        `image` (z, y, x) is what it is to run on, in windows `step` of a window apart. Raises torch.OutOfMemoryError.
        """
        if network.device.type == "cpu":
            return network
        key = key_of(run, network.device)
        verdict = self._memory.verdict(key)
        if verdict is None:
            self._meter.stage("checking")
            tile = busiest_tile(make_tiling(image, network.plans.patch_shape, step))
            verdict = self._verdict(network, torch.from_numpy(np.ascontiguousarray(tile)))
            self._memory.keep(key, verdict)
        if not verdict.refused:
            return network if verdict.way == network.way else network.in_another_way(verdict.way)
        card = card_name(network.device)
        self._meter.note(
            note("note.network_on_processor", card=card, network=run.part or run.key, reason=verdict.refused)
        )
        return load_network(run, torch.device("cpu"))

    def _verdict(self, network: LoadedNetwork, tile: torch.Tensor) -> Verdict:
        expected = self._compute(_on_processor(network), tile)
        reason = ""
        for way in _WAYS.get(network.device.type, (Way(),)):
            try:
                # Folds share their layers, so the first one stands for all.
                one = replace(network, folds=network.folds[:1]).in_another_way(way)
                difference = compared(self._compute(one, tile).cpu(), expected, regions=bool(one.plans.regions))
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                reason = reason or f"it stopped with: {str(error).splitlines()[0][:80]}"
                continue
            if difference.is_small:
                return Verdict(way)
            reason = f"off by {difference.logits:.2f}, {difference.labels:.1%} other labels"
            log.warning("%s computes wrongly in %s: %s", network.device, way, reason)
        return Verdict(refused=reason)


def compared(got: torch.Tensor, expected: torch.Tensor, *, regions: bool = False) -> Difference:
    """Logits [c, z, y, x] of a card against the processor's; `regions` do not compete for a voxel."""
    if not bool(torch.isfinite(got).all()):
        return Difference(float("inf"), 1.0)
    spread = float(expected.std()) or 1.0
    logits = float((got - expected).square().mean().sqrt()) / spread
    if regions:
        # Near 0 a card may decide either way.
        flipped = ((got > 0) != (expected > 0)) & (expected.abs() > 2 * TOLERANCE * spread)
        return Difference(logits, float(flipped.any(0).float().mean()))
    # A card may pick either of two labels that are as likely; then the processor's logits of both are alike.
    picked = expected.gather(0, got.argmax(0, keepdim=True))[0]
    other = (expected.amax(0) - picked) > 2 * TOLERANCE * spread
    return Difference(logits, float(other.float().mean()))


def _on_processor(network: LoadedNetwork) -> LoadedNetwork:
    """A copy of the first fold, to be forgotten after the comparison."""
    fold = copy.deepcopy(network.folds[0]).to("cpu")
    return LoadedNetwork(network.plans, (fold,), torch.device("cpu")).in_another_way(Way())
