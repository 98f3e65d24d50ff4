"""Hand-set networks: model folders in nnU-Net's layout whose output is a known function of the intensity.

The network passes relu(x) and relu(-x) of the normalised intensity x through its first stage and the skip connection;
the last layer makes logit_c = 2 m_c x - m_c^2 of them. The label with the largest logit is the one whose centre m_c is
nearest to x: every label is a band of intensities.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from numpy.typing import NDArray

Shape = tuple[int, int, int]
Spacing = tuple[float, float, float]
Floats = NDArray[np.float64]
_SLOPES = {"LeakyReLU": 0.01, "ReLU": 0.0}


@dataclass(frozen=True)
class CtRange:
    """What CT normalisation does: clip to [low, high], subtract `mean`, divide by `std`."""

    low: float
    high: float
    mean: float
    std: float


@dataclass(frozen=True)
class BandNetwork:
    """A hand-set network. `centres[fold][label]` is the middle of a label's band: HU with `ct`, else z-score units.

    `patch` and `spacing_mm` are in plans order: z, y, x, permuted by `transpose`. With `regions` output n says instead
    whether the voxel is brighter than regions[n]; `dataset` then names them. `looks_at` is the neighbour whose
    intensity decides, in plans order.
    """

    folder: str
    centres: tuple[tuple[float, ...], ...]
    ct: CtRange | None
    spacing_mm: Spacing
    patch: Shape = (32, 40, 36)
    folds: tuple[int, ...] = (0,)
    nonlin: Literal["LeakyReLU", "ReLU"] = "LeakyReLU"
    residual: bool = False
    transpose: Shape = (0, 1, 2)
    extra: dict[str, Any] = field(default_factory=dict)
    regions: tuple[float, ...] = ()
    dataset: dict[str, Any] = field(default_factory=dict)
    plans: dict[str, Any] = field(default_factory=dict)
    looks_at: Shape = (0, 0, 0)

    @property
    def outputs(self) -> int:
        """Labels, background included, or regions."""
        return len(self.regions) or len(self.centres[0])

    def normalised(self, fold: int) -> Floats:
        """The centres of one fold on the scale of the normalised intensity."""
        centres = np.array(self.regions or self.centres[fold])
        return centres if self.ct is None else (centres - self.ct.mean) / self.ct.std

    def lines(self) -> tuple[Floats, Floats]:
        """Slope and offset of every label's logit over the normalised intensity, averaged over the folds."""
        each = [self.normalised(n) for n in range(len(self.centres))]
        return np.mean([2.0 * m for m in each], 0), np.mean([-(m**2) for m in each], 0)


def write_band_network(place: Path, network: BandNetwork) -> Path:
    """Writes the model folder of `network` under `place` and returns it."""
    folder = place / network.folder
    folder.mkdir(parents=True, exist_ok=True)
    _, plans_name, configuration = network.folder.split("/")[1].split("__")
    labels = {"background": 0} | {f"structure_{n}": n for n in range(1, network.outputs)}
    dataset = {"channel_names": {"0": "CT" if network.ct else "MR"}, "labels": labels, "file_ending": ".nii.gz"}
    dataset |= network.dataset
    (folder / "dataset.json").write_text(json.dumps(dataset))
    (folder / "plans.json").write_text(json.dumps(plans_of(network, plans_name, configuration)))
    for number, fold in enumerate(network.folds):
        (folder / f"fold_{fold}").mkdir(exist_ok=True)
        state = {
            "network_weights": hand_set_weights(network, number),
            "trainer_name": network.folder.split("/")[1].split("__")[0],
            "init_args": {"configuration": configuration},
            "inference_allowed_mirroring_axes": (0, 1, 2),
        }
        torch.save(state, folder / f"fold_{fold}" / "checkpoint_final.pth")
    return folder


def plans_of(network: BandNetwork, plans_name: str, configuration: str) -> dict[str, Any]:
    """The plans.json of `network`; configurations other than 3d_fullres inherit from it, as published ones do."""
    how = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    own: dict[str, Any] = {
        "data_identifier": f"{plans_name}_{configuration}",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": list(network.patch),
        "spacing": list(network.spacing_mm),
        "normalization_schemes": ["CTNormalization" if network.ct else "ZScoreNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": how,
        "resampling_fn_seg_kwargs": how | {"is_seg": True, "order": 1},
        "resampling_fn_probabilities_kwargs": how | {"order": 1},
        "architecture": architecture_of(network),
        **network.extra,
    }
    configurations = {"3d_fullres": own}
    if configuration != "3d_fullres":
        configurations = {
            "3d_fullres": own | {"patch_size": [16, 16, 16], "spacing": [9.0, 9.0, 9.0]},
            configuration: {"inherits_from": "3d_fullres", "patch_size": own["patch_size"], "spacing": own["spacing"]},
        }
    plans: dict[str, Any] = {
        "dataset_name": network.folder.split("/")[0],
        "plans_name": plans_name,
        "transpose_forward": list(network.transpose),
        "transpose_backward": [int(n) for n in np.argsort(network.transpose)],
        "image_reader_writer": "SimpleITKIO",
        "label_manager": "LabelManager",
        "configurations": configurations,
    }
    if network.ct is not None:
        facts = {"percentile_00_5": network.ct.low, "percentile_99_5": network.ct.high}
        facts |= {"mean": network.ct.mean, "std": network.ct.std, "median": 0.0, "min": -3024.0, "max": 3071.0}
        plans["foreground_intensity_properties_per_channel"] = {"0": facts}
    return plans | network.plans


def architecture_of(network: BandNetwork) -> dict[str, Any]:
    """The "architecture" block of the plans."""
    name = "ResidualEncoderUNet" if network.residual else "PlainConvUNet"
    return {
        "network_class_name": f"dynamic_network_architectures.architectures.unet.{name}",
        "arch_kwargs": {
            "n_stages": 2,
            "features_per_stage": [2, 2],
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
            "strides": [[1, 1, 1], [2, 2, 2]],
            "n_blocks_per_stage" if network.residual else "n_conv_per_stage": [1, 1],
            "n_conv_per_stage_decoder": [1],
            "conv_bias": True,
            "norm_op": None,
            "norm_op_kwargs": None,
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": f"torch.nn.{network.nonlin}",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def hand_set_weights(network: BandNetwork, fold: int) -> dict[str, torch.Tensor]:
    """The parameters of one fold: all zero but the path from the image through the skip connection to the logits."""
    arguments = architecture_of(network)["arch_kwargs"] | {
        "conv_op": torch.nn.Conv3d,
        "nonlin": getattr(torch.nn, network.nonlin),
    }
    kind = ResidualEncoderUNet if network.residual else PlainConvUNet
    unet = kind(input_channels=1, num_classes=network.outputs, **arguments)
    with torch.no_grad():
        for parameter in unet.parameters():
            parameter.zero_()
        encoder, decoder = unet.encoder, unet.decoder
        first = encoder.stem.convs[0].conv if network.residual else encoder.stages[0][0].convs[0].conv
        z, y, x = (1 + step for step in network.looks_at)
        first.weight[:, 0, z, y, x] = torch.tensor([1.0, -1.0])
        # The decoder sees the upsampled channels first, then those of the skip connection.
        for n in range(2):
            decoder.stages[0].convs[0].conv.weight[n, 2 + n, 1, 1, 1] = 1.0
        _set_logits(decoder.seg_layers[0], network, fold)
    weights: dict[str, torch.Tensor] = unet.state_dict()
    return weights


def _set_logits(layer: torch.nn.Conv3d, network: BandNetwork, fold: int) -> None:
    # Each nonlinearity on the way scales the negative side by its slope; the residual block has one more of them.
    negative = _SLOPES[network.nonlin] ** (3 if network.residual else 2)
    centres = network.normalised(fold)
    share = torch.tensor(2.0 * (np.ones_like(centres) if network.regions else centres) / (1.0 + negative))
    layer.weight[:, 0, 0, 0, 0] = share
    layer.weight[:, 1, 0, 0, 0] = -share
    if layer.bias is not None:
        layer.bias[:] = torch.tensor(-2.0 * centres if network.regions else -(centres**2))


def band_centres(order: Sequence[int], first: float, width: float, outputs: int) -> tuple[float, ...]:
    """Centres of equal bands: label `order[0]` at `first`, every next one `width` higher."""
    centres = [0.0] * outputs
    for place, label in enumerate(order):
        centres[label] = first + place * width
    return tuple(centres)
