"""Networks in half precision (bfloat16) on the processor, for those who ask for it: on processors that have
instructions for it, and where a window of the scan shows no more than rounding.

It is compared with single precision once per network and processor, by the rule that graphics cards are held to.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tsdesktop.inference import openvino_network
from tsdesktop.inference.image import Image
from tsdesktop.inference.openvino_network import OpenVinoNetwork, run_window
from tsdesktop.inference.remembered import Remembered
from tsdesktop.inference.tiling import busiest_tile, make_tiling, tile_weight
from tsdesktop.inference.timing import timed

log = logging.getLogger(__name__)
# So many planes of a window are compared, evenly spread.
_PLANES = 24
_ENDING = " | bfloat16"
# Half precision is taken where it needs at most this share of single precision's time.
_QUICKER = 0.8


@dataclass(frozen=True)
class Verdict:
    """Whether half precision is used for a network; `refused` says why not. Seconds are the processor's, a window."""

    refused: str = ""
    half_s: float = 0.0
    single_s: float = 0.0


class HalfPrecision:
    """Decides for each network, and remembers it. `threads` 0 takes all cores."""

    def __init__(self, memory: Remembered, threads: int) -> None:
        self._memory, self._threads = memory, threads

    def is_known_good(self, key: str) -> bool:
        """Whether the network, processor and libraries that `key` names have been found to give right labels."""
        known = self._known(key)
        return known is not None and not known.refused

    def of(self, network: OpenVinoNetwork, key: str, image: Image, step: float) -> tuple[OpenVinoNetwork, str]:
        """`network` in half precision, or itself and why: it would be wrong, or no quicker.

        `image` (z, y, x) is what it is to run on, in windows `step` of a window apart. Raises RuntimeError.
        """
        if network.is_half:
            return network, ""
        if not openvino_network.knows_half():
            return network, "this processor has no bfloat16"
        verdict = self._known(key)
        if verdict is None:
            tile = busiest_tile(make_tiling(image, network.plans.patch_shape, step))
            verdict = _compared(network.in_half(self._threads), network, np.ascontiguousarray(tile))
            self._memory.keep(key + _ENDING, asdict(verdict))
        return (network if verdict.refused else network.in_half(self._threads)), verdict.refused

    def _known(self, key: str) -> Verdict | None:
        facts = self._memory.get(key + _ENDING)
        return Verdict(str(facts["refused"])) if "refused" in facts else None


def _compared(half: OpenVinoNetwork, single: OpenVinoNetwork, tile: NDArray[np.float32]) -> Verdict:
    """Both compute a window, one after the other."""
    import torch

    from tsdesktop.inference.verify import compared

    weight = tile_weight(single.plans.patch_shape)
    planes = slice(None, None, max(1, len(tile) // _PLANES))
    logits, seconds = [], []
    for network in (half, single):
        request = network.request()
        output, took = timed(partial(run_window, request, tile))
        logits.append(torch.from_numpy(network.finisher().logits(output[planes], weight[planes])))
        seconds.append(took)
        network.release()
    difference = compared(*logits, regions=bool(single.plans.regions))
    log.info("bfloat16 %.2f s, single %.2f s, off by %.4f", *seconds, difference.logits)
    refused = ""
    if not difference.is_small:
        refused = f"off by {difference.logits:.2f}, {difference.labels:.1%} other labels"
    elif seconds[0] > _QUICKER * seconds[1]:
        refused = "it is no quicker here"
    return Verdict(refused, *seconds)
