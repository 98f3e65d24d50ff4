"""The last layer of a network, taken once per finished voxel instead of once per window.

It is a 1x1x1 convolution, so it is linear, and the weighted sum over windows may be taken before it: over the few
dozen features that it reads instead of the hundred logits that it makes. The result is equal up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Voxels taken at once: their logits stay in the processor's cache.
_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Head:
    """`weight` [outputs, features] and `bias` [outputs]. Of several folds the features lie one after the other, and
    the outputs are the sums of all folds.
    """

    weight: Floats
    bias: Floats

    @property
    def outputs(self) -> int:
        """How many logits it makes."""
        return len(self.weight)


@dataclass(frozen=True, eq=False)
class Finisher:
    """Turns weighted sums of windows into labels or logits.

    `head` None: the sums are of logits already. `regions`: outputs do not compete for a voxel (see `winners`).
    """

    head: Head | None
    regions: bool

    def write_labels(self, sums: Floats, weights: Floats, table: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Labels, through `table`, of sums [a, b, c, channels] with summed weights [a, b, c] into `out` [a, b, c]."""
        for where, logits in self._pieces(sums, weights):
            out[where] = table[winners(logits, self.regions)].reshape(out[where].shape)

    def write_logits(self, sums: Floats, weights: Floats, folds: int, out: Floats) -> None:
        """Mean logits over windows and `folds` into `out` [outputs, a, b, c]."""
        for where, logits in self._pieces(sums, weights):
            divided = logits / (weights[where].reshape(-1, 1) * folds)
            goal = out[(slice(None), *where)]
            goal[:] = divided.T.reshape(goal.shape)

    def _pieces(self, sums: Floats, weights: Floats) -> Iterator[tuple[tuple[Any, ...], Floats]]:
        """Where some voxels lie in [a, b, c], and their weighted logits [voxels, outputs]."""
        first, second, third, channels = sums.shape
        rows = max(1, _AT_ONCE // third)
        logits_of = self._head_for(rows * third, channels)
        for a in range(first):
            for b in range(0, second, rows):
                where = (a, slice(b, b + rows))
                yield where, logits_of(sums[where], weights[where])

    def _head_for(self, voxels: int, channels: int) -> Callable[[Floats, Floats], Floats]:
        head = self.head
        if head is None:
            return lambda sums, _weights: sums.reshape(-1, channels)
        # The bias counts as often as windows were added: as weight of one more feature, which is the summed weight.
        matrix = np.ascontiguousarray(np.vstack([head.weight.T, head.bias]), np.float32)
        features = np.empty((voxels, channels + 1), np.float32)
        logits = np.empty((voxels, head.outputs), np.float32)

        def apply(sums: Floats, weights: Floats) -> Floats:
            count = weights.size
            features[:count, :channels] = sums.reshape(count, channels)
            features[:count, channels] = weights.reshape(count)
            return np.dot(features[:count], matrix, out=logits[:count])

        return apply


def winners(logits: Floats, regions: bool) -> NDArray[np.intp] | NDArray[np.uint8]:
    """Labels of logits [voxels, outputs]: the best output, or the last region that is more likely than not, from 1."""
    if not regions:
        best: NDArray[np.intp] = logits.argmax(1)
        return best
    labels = np.zeros(len(logits), np.uint8)
    for number in range(logits.shape[1]):
        # A likelihood over one half is a logit over 0.
        labels[logits[:, number] > 0] = number + 1
    return labels


def joined(heads: list[Head]) -> Head:
    """The heads of several folds as one, of all their features one after the other."""
    return Head(np.concatenate([each.weight for each in heads], 1), np.sum([each.bias for each in heads], 0))


def is_worth_it(heads: list[Head]) -> bool:
    """Whether the folds have fewer features to add up than logits."""
    return sum(int(each.weight.shape[1]) for each in heads) < heads[0].outputs
