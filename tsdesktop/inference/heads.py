"""The last layer of a network, taken once per finished voxel instead of once per window.

It is a 1x1x1 convolution, so it is linear, and the weighted sum over windows may be taken before it: over the few
dozen features that it reads instead of the hundred logits that it makes. The result is equal up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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
    threads: int = 1

    def write_labels(self, sums: Floats, weights: Floats, table: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Labels, through `table`, of sums [a, b, c, channels] with summed weights [a, b, c] into `out` [a, b, c]."""
        pieces = _pieces(weights.shape)
        shares = [pieces[n :: self.threads] for n in range(min(self.threads, len(pieces)))]

        def work(share: list[Piece]) -> None:
            logits_of = self._head_for(max(piece.voxels for piece in share), sums.shape[-1])
            for piece in share:
                logits = logits_of(sums[piece.where], weights[piece.where])
                goal = out[piece.where]
                goal[:] = table[winners(logits, self.regions)].reshape(goal.shape)

        if len(shares) == 1:
            work(shares[0])
            return
        with ThreadPoolExecutor(len(shares)) as threads:
            list(threads.map(work, shares))

    def logits(self, sums: Floats, weights: Floats) -> Floats:
        """Mean logits [outputs, a, b, c] of one fold's sums [a, b, c, channels] with summed weights [a, b, c]."""
        outputs = sums.shape[-1] if self.head is None else self.head.outputs
        out = np.empty((outputs, *weights.shape), np.float32)
        self.write_logits(sums, weights, 1, out)
        return out

    def write_logits(self, sums: Floats, weights: Floats, folds: int, out: Floats) -> None:
        """Mean logits over windows and `folds` into `out` [outputs, a, b, c]."""
        matrix = None if self.head is None else _matrix(self.head)
        for piece in _pieces(weights.shape):
            weight = weights[piece.where].reshape(piece.voxels, 1)
            features = np.column_stack([sums[piece.where].reshape(piece.voxels, -1), weight])
            features /= weight * folds
            goal = out[(slice(None), *piece.where)]
            logits = features.T[:-1] if matrix is None else matrix @ features.T
            goal[:] = logits.reshape(goal.shape)

    def _head_for(self, most: int, channels: int) -> Callable[[Floats, Floats], Floats]:
        """Makes logits [voxels, outputs] of at most `most` voxels, in the same memory every time."""
        if self.head is None:
            return lambda sums, _weights: sums.reshape(-1, channels)
        matrix = np.ascontiguousarray(_matrix(self.head).T)
        features = np.empty((most, channels + 1), np.float32)
        logits = np.empty((most, self.head.outputs), np.float32)

        def apply(sums: Floats, weights: Floats) -> Floats:
            count = weights.size
            features[:count, :channels] = sums.reshape(count, channels)
            # The bias counts as often as windows were added: it is a feature whose value is the summed weight.
            features[:count, channels] = weights.reshape(count)
            return np.dot(features[:count], matrix, out=logits[:count])

        return apply


@dataclass(frozen=True)
class Piece:
    """Some voxels of an array [a, b, c]: rows of one plane."""

    where: tuple[int, slice]
    voxels: int


def _pieces(shape: tuple[int, ...]) -> list[Piece]:
    first, second, third = shape
    rows = max(1, _AT_ONCE // third)
    return [
        Piece((a, slice(b, b + rows)), min(rows, second - b) * third)
        for a in range(first)
        for b in range(0, second, rows)
    ]


def _matrix(head: Head) -> Floats:
    """Weight and bias side by side [outputs, features + 1]."""
    return np.column_stack([head.weight, head.bias])


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
