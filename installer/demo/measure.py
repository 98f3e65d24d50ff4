"""Measure the demonstration network on phantoms it has not seen, beside a classifier that sees single voxels only.

    python installer/demo/measure.py --network assets/demo --phantoms 12
"""  # fmt: skip

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from demo_network import SPACING_MM, load, predict
from numpy.typing import NDArray
from phantom import CLASSES, make_phantom

# Neither here nor there: training starts at 1 000 000, validation at 500 000, calibration at 700 000.
FIRST_UNSEEN_SEED, FIRST_FITTED_SEED = 900_000, 800_000
BIN_HU, LOWEST_HU, BINS = 4, -1024, 800
SLIVER_VOXELS = 64  # 8 ml at 5 mm

Labels = NDArray[np.uint8]
Scores = NDArray[np.float64]
Segment = Callable[[NDArray[np.int16]], Labels]


def class_dice(labels: Labels, truth: Labels) -> Scores:
    """Dice of each class; nan where neither has it."""
    both = np.bincount(truth[labels == truth], minlength=len(CLASSES) + 1)
    sizes = sum(np.bincount(a.ravel(), minlength=len(CLASSES) + 1) for a in (labels, truth))
    with np.errstate(invalid="ignore"):
        return np.asarray((2 * both / sizes)[1:], float)


def mean_dice(scores: Sequence[Scores]) -> float:
    """Mean over the classes of the mean over the phantoms."""
    return float(np.nanmean(np.nanmean(scores, 0)))


def on_phantoms(segment: Segment, seeds: Sequence[int], cut: bool = False, least_voxels: int = 0) -> list[Scores]:
    """Dice of each class on each of these phantoms; nan where less than so many voxels of it are in view."""
    scores = []
    for seed in seeds:
        phantom = make_phantom(seed, spacing_mm=SPACING_MM, cut=cut)
        sizes = np.bincount(phantom.labels.ravel(), minlength=len(CLASSES) + 1)[1:]
        scores.append(np.where(sizes >= least_voxels, class_dice(segment(phantom.hu), phantom.labels), np.nan))
    return scores


def voxel_classifiers(seeds: Sequence[int]) -> list[Segment]:
    """Bayes classifiers of single voxels' HU fitted to phantoms: by frequency, and as if all classes were as large."""
    counts = np.zeros((BINS, len(CLASSES) + 1), np.int64)
    for seed in seeds:
        phantom = make_phantom(seed, spacing_mm=SPACING_MM)
        pairs = _bins(phantom.hu).ravel() * counts.shape[1] + phantom.labels.ravel()
        counts += np.bincount(pairs, minlength=counts.size).reshape(counts.shape)
    tables = counts, counts / np.maximum(counts.sum(0), 1)
    return [partial(_looked_up, table=np.argmax(table, 1).astype(np.uint8)) for table in tables]


def _looked_up(hu: NDArray[np.int16], table: Labels) -> Labels:
    return np.asarray(table[_bins(hu)])


def _bins(hu: NDArray[np.int16]) -> NDArray[np.int64]:
    return np.clip((hu.astype(np.int64) - LOWEST_HU) // BIN_HU, 0, BINS - 1)


def main() -> None:
    """Read the command line and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=Path, required=True, help="folder that holds Dataset900_phantom")
    parser.add_argument("--phantoms", type=int, default=12, help="how many unseen phantoms")
    asked = parser.parse_args()
    torch.set_num_threads(2)
    network, intensity = load(asked.network)
    unseen = range(FIRST_UNSEEN_SEED, FIRST_UNSEEN_SEED + asked.phantoms)
    segment = partial(predict, network, intensity=intensity)
    begun = time.perf_counter()
    scores = on_phantoms(segment, unseen)
    print(f"network, {len(unseen)} unseen phantoms: mean Dice {mean_dice(scores):.3f}")
    print(f"  {(time.perf_counter() - begun) / len(unseen):.1f} s each, making the phantom included")
    for name, least, mean in zip(CLASSES, np.nanmin(scores, 0), np.nanmean(scores, 0), strict=True):
        print(f"  {name:24s} {mean:.3f}, worst {least:.3f}")
    for least in (SLIVER_VOXELS, 0):
        score = mean_dice(on_phantoms(segment, unseen, cut=True, least_voxels=least))
        print(f"network, the same cut at random, classes of {least} voxels and more: mean Dice {score:.3f}")
    fitted = voxel_classifiers(range(FIRST_FITTED_SEED, FIRST_FITTED_SEED + 40))
    for name, classify in zip(("by frequency", "classes alike"), fitted, strict=True):
        print(f"single voxels' HU, {name}: mean Dice {mean_dice(on_phantoms(classify, unseen)):.3f}")


if __name__ == "__main__":
    main()
