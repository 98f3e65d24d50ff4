"""Train the demonstration network on random phantoms.

    python installer/demo/train.py --out FOLDER --minutes N

FOLDER gets nnU-Net's results layout. Two processor cores and about an hour are enough; the learning rate falls with
the clock, so that a slower machine ends properly too.
"""  # fmt: skip

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from demo_network import PATCH, SPACING_MM, Intensity, build, load, normalised, predict, save
from measure import class_dice, mean_dice
from numpy.typing import NDArray
from phantom import CLASSES, make_phantom
from scipy.ndimage import gaussian_filter
from torch.nn import functional

log = logging.getLogger(__name__)

FIRST_TRAINING_SEED = 1_000_000
VALIDATION_SEEDS = range(500_000, 500_002)
POOL = 240
STATISTICS_PHANTOMS = 10
LEARNING_RATE = 2e-3
SAVE_EVERY_S = 720.0


@dataclass(frozen=True, eq=False)
class Case:
    """A phantom in the network's order [z, y, x]."""

    hu: NDArray[np.int16]
    labels: NDArray[np.uint8]


def pool(size: int, folder: Path | None) -> list[Case]:
    """Phantoms to train on, made on two cores; a folder keeps them for the next time."""
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as makers:
        return list(makers.map(partial(_case, folder=folder), range(size), chunksize=4))


def _case(number: int, folder: Path | None) -> Case:
    kept = folder / f"{number}-{SPACING_MM[0]:g}mm.npz" if folder is not None else None
    if kept is not None and kept.exists():
        with np.load(kept) as arrays:
            return Case(arrays["hu"], arrays["labels"])
    phantom = make_phantom(FIRST_TRAINING_SEED + number, spacing_mm=SPACING_MM)
    hu = np.ascontiguousarray(phantom.hu.transpose(2, 1, 0))
    labels = np.ascontiguousarray(phantom.labels.transpose(2, 1, 0))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, hu=hu, labels=labels)
    return Case(hu, labels)


def train(root: Path, minutes: float, cases: list[Case], start: Path | None) -> None:
    """Train for this long and write the network to root every few minutes and at the end."""
    random = np.random.default_rng(0)
    torch.manual_seed(0)
    network, intensity = load(start) if start is not None else (build(), statistics(cases[:STATISTICS_PHANTOMS]))
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    running, begun = math.log(len(CLASSES)), time.monotonic()
    saved = begun
    for step, share in enumerate(_clock(begun, minutes)):
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / 100) * max(0.5 * (1 + math.cos(math.pi * share)), 0.005)
        image, truth = draw(cases[random.integers(len(cases))], intensity, random)
        running += 0.02 * (_learn(network, optimiser, image, truth) - running)
        if step % 50 == 0:
            log.info("step %d, %.0f %%, loss %.3f", step, 100 * share, running)
        if time.monotonic() - saved > SAVE_EVERY_S:
            _report_and_save(network, intensity, len(cases), root)
            saved = time.monotonic()
    _report_and_save(network, intensity, len(cases), root)


def statistics(cases: list[Case]) -> dict[str, float]:
    """nnU-Net's intensity fingerprint of the labelled voxels."""
    hu = np.concatenate([case.hu[case.labels > 0] for case in cases]).astype(np.float64)
    low, high = np.percentile(hu, (0.5, 99.5))
    measured = {"max": hu.max(), "mean": hu.mean(), "median": np.median(hu), "min": hu.min(),
                "percentile_00_5": low, "percentile_99_5": high, "std": hu.std()}  # fmt: skip
    return {name: round(float(value), 3) for name, value in measured.items()}


def draw(case: Case, intensity: Intensity, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A patch as the sliding window meets it, now and then from a scan that is smaller than the patch."""
    size = np.minimum(PATCH, case.hu.shape)
    if random.uniform() < 0.3:
        size[0] = random.integers(12, size[0] + 1)
    if random.uniform() < 0.15:
        size[1:] = [random.integers(30, limit + 1) for limit in size[1:]]
    spare = np.subtract(case.hu.shape, size)
    # Overshooting makes the ends of the scan, met by the first and last tiles, as frequent as its middle.
    start = np.clip(np.round(random.uniform(-0.15, 1.15, 3) * spare).astype(int), 0, spare)
    window = tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))
    # Scans of thin slices come sharper and scans of thick slices duller than a phantom drawn at this spacing.
    hu = case.hu[window].astype(np.float32)
    hu += np.float32(random.uniform(-0.6, 1.0)) * (hu - gaussian_filter(hu, 0.7))
    hu += random.uniform(0, 16) * random.standard_normal(tuple(size), dtype=np.float32)
    hu = (hu + 1000) * random.uniform(0.985, 1.015) - 1000 + random.uniform(-8, 8)
    image, labels = np.zeros(PATCH, np.float32), np.zeros(PATCH, np.int64)
    inner = tuple(slice((p - n) // 2, (p - n) // 2 + n) for p, n in zip(PATCH, size, strict=True))
    image[inner] = normalised(np.round(hu).astype(np.int16), intensity)
    labels[inner] = case.labels[window]
    return torch.from_numpy(image)[None, None], torch.from_numpy(labels)[None]


def loss_of(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy plus one minus the mean soft Dice of the classes that are there."""
    flat, target = logits[0].flatten(1), truth.flatten()
    probabilities = flat.softmax(0)
    right = probabilities.gather(0, target[None])[0]
    there = torch.bincount(target, minlength=flat.shape[0]).float()
    overlap = torch.zeros_like(there).index_add(0, target, right)
    dice = (2 * overlap + 1) / (probabilities.sum(1) + there + 1)
    present = there[1:] > 0
    soft = 1 - dice[1:][present].mean() if present.any() else dice.sum() * 0
    return functional.nll_loss((right + 1e-7).log()[:, None], torch.zeros_like(target)) + soft


def _learn(
    network: torch.nn.Module, optimiser: torch.optim.Optimizer, image: torch.Tensor, truth: torch.Tensor
) -> float:
    network.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(image)
    loss = loss_of(logits.float(), truth)
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def _clock(begun: float, minutes: float) -> Iterator[float]:
    """The share of the time that is over, until all is."""
    while (share := (time.monotonic() - begun) / (60 * minutes)) < 1:
        yield share


def _report_and_save(network: torch.nn.Module, intensity: Intensity, phantoms: int, root: Path) -> None:
    network.eval()
    scores = []
    for seed in VALIDATION_SEEDS:
        phantom = make_phantom(seed, spacing_mm=SPACING_MM)
        scores.append(class_dice(predict(network, phantom.hu, intensity), phantom.labels))
    worst = np.argsort(np.nanmean(scores, 0))[:8]
    weak = ", ".join(f"{CLASSES[n]} {np.nanmean(scores, 0)[n]:.2f}" for n in worst)
    log.info("Dice %.3f; weakest %s", mean_dice(scores), weak)
    save(network, intensity, phantoms, root)


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder that gets Dataset900_phantom")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long to train")
    parser.add_argument("--start", type=Path, help="such a folder to continue from")
    parser.add_argument("--pool", type=Path, help="folder that keeps the phantoms for the next time")
    parser.add_argument("--threads", type=int, default=2, help="threads for torch")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(asked.out, asked.minutes, pool(POOL, asked.pool), asked.start)


if __name__ == "__main__":
    main()
