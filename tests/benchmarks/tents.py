"""Hand-set networks of the whole catalogue that both programs can run and whose labels do not hang on rounding.

The bands are those of `tests.inference.bands`, but a label's logit is minus the distance from the middle of its band,
`_STEP` for the width of a band. The best logits are then near 0, where half precision is finest: TotalSegmentator
adds up windows in it. (The logits of `tests.networks` grow with the square of the intensity and would drown there.)
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet

from tests.inference.examples import written_networks
from tests.networks import BandNetwork, architecture_of, write_band_network

_STEP = 8.0
_SLOPES = {"LeakyReLU": 0.01, "ReLU": 0.0}
_READER = "NibabelIOWithReorient"


def write_home(home: Path, tents: bool = True) -> Path:
    """TotalSegmentator's home folder with every network of the catalogue. One that is there already is kept.

    Without `tents`, logits are linear in the intensity, as in `tests.networks`: what is interpolated between voxels
    then depends on the intensity alone. Half-way between two tents all labels in between are equally far away.
    """
    results = home / "nnunet" / "results"
    if not (home / "config.json").exists():
        written_networks(results, write_tent_network if tents else write_linear_network)
        config = {"totalseg_id": "totalseg_00000000", "send_usage_stats": False, "prediction_counter": 0}
        (home / "config.json").write_text(json.dumps(config | {"statistics_disclaimer_shown": True}))
    return home


def write_linear_network(place: Path, network: BandNetwork) -> Path:
    """Writes the model folder of `network` under `place` so that the peer reads it."""
    plans: dict[str, Any] = {"image_reader_writer": _READER}
    if network.ct is None:
        # Not used by either program, but nnU-Net reads it.
        facts = dict.fromkeys(("mean", "median", "min", "percentile_00_5"), 0.0)
        facts |= dict.fromkeys(("std", "max", "percentile_99_5"), 1.0)
        plans["foreground_intensity_properties_per_channel"] = {"0": facts}
    return write_band_network(place, replace(network, plans=network.plans | plans))


def write_tent_network(place: Path, network: BandNetwork) -> Path:
    """As `write_linear_network`, with tents for logits but for residual networks."""
    if network.residual:
        return write_linear_network(place, network)
    block = architecture_of(network)
    block["arch_kwargs"] |= {"features_per_stage": [network.outputs + 2, 2], "kernel_sizes": [[1, 1, 1], [3, 3, 3]]}
    folder = write_linear_network(place, replace(network, extra=network.extra | {"architecture": block}))
    for number, fold in enumerate(network.folds):
        path = folder / f"fold_{fold}" / "checkpoint_final.pth"
        state = torch.load(path, weights_only=True)
        state["network_weights"] = tent_weights(network, block["arch_kwargs"], number)
        torch.save(state, path)
    return folder


def tent_weights(network: BandNetwork, arguments: dict[str, Any], fold: int) -> dict[str, torch.Tensor]:
    """The channels are x, -x and x - m_c for every label c; the last layer makes -|x - m_c| of them.

    With f the nonlinearity passed twice (slope s below 0): |t| = (2 f(t) - (1 + s) t) / (1 - s), and
    x = (f(x) - f(-x)) / (1 + s).
    """
    chosen = arguments | {"conv_op": torch.nn.Conv3d, "nonlin": getattr(torch.nn, network.nonlin)}
    unet = PlainConvUNet(input_channels=1, num_classes=network.outputs, **chosen)
    centres = network.normalised(fold)
    middles, count = torch.tensor(centres), network.outputs + 2
    slope = _SLOPES[network.nonlin] ** 2
    scale = _STEP / float(np.diff(np.sort(centres)).min()) / (1.0 - slope)
    with torch.no_grad():
        for parameter in unet.parameters():
            parameter.zero_()
        first, last = unet.encoder.stages[0][0].convs[0].conv, unet.decoder.seg_layers[0]
        first.weight[:, 0, 0, 0, 0] = torch.tensor([1.0, -1.0] + [1.0] * network.outputs)
        first.bias[2:] = -middles
        # The decoder sees the upsampled channels first, then those of the skip connection.
        unet.decoder.stages[0].convs[0].conv.weight[:, count:, 0, 0, 0] = torch.eye(count)
        last.weight[:, 0], last.weight[:, 1] = scale, -scale
        last.weight[:, 2:, 0, 0, 0] = -2.0 * scale * torch.eye(network.outputs)
        last.bias[:] = -scale * (1.0 + slope) * middles
    weights: dict[str, torch.Tensor] = unet.state_dict()
    return weights
