"""The likelihoods of a network's labels as a file: layers on the network's grid, which is stated in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.files import written_whole
from tsdesktop.core.geometry import Geometry
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.weights.plans import NetworkPlans


def probabilities_file(folder: Path, run: NetworkRun) -> Path:
    """Where the probabilities of a network go."""
    return folder / f"probabilities_{run.key}.npz"


def save_probabilities(logits: NDArray[np.float32], plans: NetworkPlans, geometry: Geometry, path: Path) -> None:
    """Writes likelihoods as float16 [layer, k, j, i] of `geometry`, whose affine goes with them as `affine_ras`.

    `logits` are [layer, z, y, x] in the network's order of axes. Likelihoods of one voxel add up to one, but for
    regions, which may lie in each other.
    """
    chances = np.empty(logits.shape, np.float16)
    # Slice by slice: copies of all classes x the whole volume would be several times the result.
    for z in range(logits.shape[1]):
        if plans.regions:
            chances[:, z] = 1.0 / (1.0 + np.exp(-np.clip(logits[:, z], -80.0, 80.0)))
            continue
        powers = np.exp(logits[:, z] - logits[:, z].max(0))
        chances[:, z] = powers / powers.sum(0)
    turned = chances.transpose(0, *(1 + axis for axis in plans.transpose_backward))
    with written_whole(path) as temporary:
        np.savez_compressed(
            temporary, probabilities=turned, labels=np.array(list(plans.labels)), affine_ras=geometry.affine
        )
