"""Shifts the network's last biases until structures have the phantom's volumes on the grid a scan usually has.

At the network's 5 mm thin structures come out a little small. A constant added to a class's logit moves its border
evenly; nothing else of the network changes. Run once after training:

    python installer/demo/calibrate.py --network assets/demo
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from demo_network import load, results_folder, save
from numpy.typing import NDArray
from phantom import CLASSES, make_phantom

from tsdesktop.core.geometry import Box
from tsdesktop.core.resampling import upsampled_part
from tsdesktop.inference.networks import LoadedNetwork
from tsdesktop.inference.predictor import predict_logits
from tsdesktop.inference.preprocess import NetworkInput, network_input
from tsdesktop.inference.progress import Meter
from tsdesktop.weights.plans import read_plans

SEEDS = range(700_000, 700_008)
SCAN_MM = (3.0, 3.0, 3.0)
ROUNDS = 14
STEP = 2.0
LARGEST_SHIFT = 2.5


@dataclass(frozen=True, eq=False)
class Case:
    """A phantom's logits on the scan's grid (classes first, float16, [z, y, x]) and its true voxel counts per class."""

    logits: NDArray[np.float16]
    truth: NDArray[np.float64]


def case_of(seed: int, network: LoadedNetwork) -> Case:
    """One phantom as the program would compute it, before the labels are chosen."""
    phantom = make_phantom(seed, spacing_mm=SCAN_MM)
    given = network_input(phantom.hu, SCAN_MM, network.plans)
    coarse = predict_logits(given.image, network, 0.5, Meter(lambda _: None, lambda: False), (1, 1, "demo"))
    logits = np.stack([on_scan(each, given).astype(np.float16) for each in coarse])
    truth = np.bincount(phantom.labels.ravel(), minlength=len(CLASSES) + 1).astype(np.float64)
    return Case(logits, truth)


def on_scan(values: NDArray[np.float32], given: NetworkInput) -> NDArray[np.float32]:
    """One class's logits on the scan's grid."""
    k, j, i = values.shape
    return upsampled_part(values, (k, j, i), Box((0, 0, 0), (k, j, i)), given.box.shape)[0]


def found(case: Case, shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Voxels per class when `shift` is added to the logits."""
    labels = (case.logits + shift.astype(np.float16)[:, None, None, None]).argmax(0)
    return np.bincount(labels.ravel(), minlength=len(shift)).astype(np.float64)


def shift_for(cases: list[Case]) -> NDArray[np.float64]:
    """The shifts of all classes (background stays) that bring found volumes to the true ones, over all cases."""
    shift = np.zeros(len(CLASSES) + 1)
    truth = sum(case.truth for case in cases)
    for number in range(ROUNDS):
        volumes = sum(found(case, shift) for case in cases)
        ratio = np.maximum(volumes, 1) / np.maximum(truth, 1)
        worst = int(np.argmax(np.abs(np.log(ratio[1:])))) + 1
        print(f"round {number}: worst {CLASSES[worst - 1]} {ratio[worst]:.3f}", flush=True)
        shift[1:] -= STEP * np.log(ratio[1:])
        shift = np.clip(shift, -LARGEST_SHIFT, LARGEST_SHIFT)
    return shift


def main() -> None:
    """Reads, shifts and writes the network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=Path, required=True, help="folder that holds Dataset900_phantom")
    root = parser.parse_args().network
    network, intensity = load(root)
    loaded = LoadedNetwork(read_plans(results_folder(root)), (network,), torch.device("cpu"))
    shift = shift_for([case_of(seed, loaded) for seed in SEEDS])
    with torch.no_grad():
        for name, bias in network.named_parameters():
            if name.endswith("seg_layers.3.bias"):
                bias.add_(torch.from_numpy(shift))
    phantoms = json.loads((results_folder(root) / "dataset.json").read_text())["numTraining"]
    save(network, intensity, phantoms, root)


if __name__ == "__main__":
    main()
