"""The demonstration network: its plans, its nnU-Net v2 results folder, and prediction with a sliding window.

Arrays for the network are [z, y, x] of the RAS+ volume; everything else is [i, j, k].
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from numpy.typing import NDArray
from phantom import CLASSES

DATASET, TRAINER, PLANS, CONFIGURATION = "Dataset900_phantom", "nnUNetTrainer", "nnUNetPlans", "3d_fullres"
SPACING_MM = (5.0, 5.0, 5.0)
PATCH = (48, 48, 64)
FEATURES = (16, 32, 48, 64, 80)
KEEPS_IMPORTED = ["conv_op", "norm_op", "dropout_op", "nonlin"]

Intensity = Mapping[str, float]


def architecture() -> dict[str, Any]:
    """nnU-Net's plain U-Net, with one convolution where the arrays are large."""
    stages = len(FEATURES)
    arguments = {
        "n_stages": stages, "features_per_stage": list(FEATURES), "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[3, 3, 3]] * stages, "strides": [[1, 1, 1]] + [[2, 2, 2]] * (stages - 1),
        "n_conv_per_stage": [1, 2, 2, 2, 2], "n_conv_per_stage_decoder": [1, 1, 1, 1], "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d", "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None, "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
    }  # fmt: skip
    return {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": arguments,
        "_kw_requires_import": KEEPS_IMPORTED,
    }


def plans(intensity: Intensity) -> dict[str, Any]:
    """nnU-Net's plans.json for this network; intensity are the CT statistics of the labelled voxels."""
    resampling: dict[str, Any] = {}
    for what, order in (("data", 3), ("seg", 1), ("probabilities", 1)):
        resampling[f"resampling_fn_{what}"] = "resample_data_or_seg_to_shape"
        resampling[f"resampling_fn_{what}_kwargs"] = {
            "is_seg": what == "seg", "order": order, "order_z": 0, "force_separate_z": None,
        }  # fmt: skip
    configuration = {
        "data_identifier": f"{PLANS}_{CONFIGURATION}", "preprocessor_name": "DefaultPreprocessor", "batch_size": 1,
        "patch_size": list(PATCH), "median_image_size_in_voxels": [128.0, 60.0, 84.0], "spacing": list(SPACING_MM),
        "normalization_schemes": ["CTNormalization"], "use_mask_for_norm": [False], "batch_dice": False,
        **resampling, "architecture": architecture(),
    }  # fmt: skip
    return {
        "dataset_name": DATASET, "plans_name": PLANS, "original_median_spacing_after_transp": list(SPACING_MM),
        "original_median_shape_after_transp": [128, 60, 84], "image_reader_writer": "NibabelIOWithReorient",
        "transpose_forward": [0, 1, 2], "transpose_backward": [0, 1, 2],
        "configurations": {CONFIGURATION: configuration}, "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager", "foreground_intensity_properties_per_channel": {"0": dict(intensity)},
    }  # fmt: skip


def dataset(phantoms: int) -> dict[str, Any]:
    """nnU-Net's dataset.json."""
    labels = {"background": 0} | {name: number for number, name in enumerate(CLASSES, 1)}
    return {
        "channel_names": {"0": "CT"}, "labels": labels, "numTraining": phantoms, "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "NibabelIOWithReorient", "name": DATASET,
        "description": "Make-believe CT phantoms; not for real scans",
    }  # fmt: skip


def build() -> torch.nn.Module:
    """The network with fresh weights."""
    built = architecture()
    network = get_network_from_plans(
        built["network_class_name"], built["arch_kwargs"], KEEPS_IMPORTED, 1, len(CLASSES) + 1, deep_supervision=False
    )
    assert isinstance(network, torch.nn.Module)
    return network


def results_folder(root: Path) -> Path:
    """Where nnU-Net looks for the network below a results folder."""
    return root / DATASET / f"{TRAINER}__{PLANS}__{CONFIGURATION}"


def save(network: torch.nn.Module, intensity: Intensity, phantoms: int, root: Path) -> None:
    """Write the results folder; each file appears whole or not at all."""
    folder = results_folder(root)
    (folder / "fold_0").mkdir(parents=True, exist_ok=True)
    for name, content in (("plans.json", plans(intensity)), ("dataset.json", dataset(phantoms))):
        part = folder / f"{name}.part"
        part.write_text(json.dumps(content, indent=1) + "\n")
        part.replace(folder / name)
    checkpoint = {
        # Not cloned: names that share one tensor keep sharing it, and the file holds it once.
        "network_weights": {name: value.detach() for name, value in network.state_dict().items()},
        "trainer_name": TRAINER,
        "init_args": {"configuration": CONFIGURATION},
        "inference_allowed_mirroring_axes": None,
    }
    part = folder / "fold_0" / "checkpoint_final.pth.part"
    torch.save(checkpoint, part)
    part.replace(part.with_suffix(""))


def load(root: Path) -> tuple[torch.nn.Module, dict[str, float]]:
    """The trained network and its intensity statistics."""
    folder = results_folder(root)
    written = json.loads((folder / "plans.json").read_text())
    checkpoint = torch.load(folder / "fold_0" / "checkpoint_final.pth", map_location="cpu", weights_only=True)
    network = build()
    network.load_state_dict(checkpoint["network_weights"])
    return network.eval(), written["foreground_intensity_properties_per_channel"]["0"]


def normalised(hu: NDArray[np.int16], intensity: Intensity) -> NDArray[np.float32]:
    """nnU-Net's CT normalisation."""
    clipped = np.clip(hu.astype(np.float32), intensity["percentile_00_5"], intensity["percentile_99_5"])
    return np.asarray((clipped - intensity["mean"]) / max(intensity["std"], 1e-8), np.float32)


@torch.inference_mode()
def predict(network: torch.nn.Module, hu: NDArray[np.int16], intensity: Intensity) -> NDArray[np.uint8]:
    """Labels [i, j, k] of a scan at the network's spacing: half-overlapping tiles, weighted by a Gaussian."""
    image = torch.from_numpy(normalised(hu, intensity).transpose(2, 1, 0).copy())
    spare = [max(patch - size, 0) for patch, size in zip(PATCH, image.shape, strict=True)]
    first = [extra // 2 for extra in spare]
    ends = [(start, extra - start) for start, extra in zip(first, spare, strict=True)]
    padding = [amount for pair in reversed(ends) for amount in pair]
    padded = torch.nn.functional.pad(image, padding)
    weight = _gaussian()
    logits = torch.zeros((len(CLASSES) + 1, *padded.shape))
    for corner in product(*(_steps(size, patch) for size, patch in zip(padded.shape, PATCH, strict=True))):
        tile = tuple(slice(start, start + patch) for start, patch in zip(corner, PATCH, strict=True))
        logits[(slice(None), *tile)] += network(padded[tile][None, None])[0] * weight
    labels = logits.argmax(0).numpy().astype(np.uint8)
    real = tuple(slice(start, start + size) for start, size in zip(first, image.shape, strict=True))
    return labels[real].transpose(2, 1, 0)


def _steps(size: int, patch: int) -> list[int]:
    """nnU-Net's tile starts along one axis for a step of half a tile."""
    count = int(np.ceil((size - patch) / (patch * 0.5))) + 1
    return [round((size - patch) / max(count - 1, 1) * step) for step in range(count)]


def _gaussian() -> torch.Tensor:
    axes = [torch.exp(-0.5 * ((torch.arange(n) - n // 2) / (n / 8)) ** 2) for n in PATCH]
    weight = axes[0][:, None, None] * axes[1][:, None] * axes[2]
    return (weight / weight.max()).clamp_min(1e-4)
