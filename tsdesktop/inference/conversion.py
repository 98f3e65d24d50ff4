"""Turns a network of torch into one of OpenVINO, for windows of one size, weighting included."""

from __future__ import annotations

import warnings
from math import prod
from pathlib import Path

import torch

from tsdesktop.core.geometry import Shape
from tsdesktop.inference import converted
from tsdesktop.inference.networks import LoadedNetwork
from tsdesktop.inference.openvino_network import library
from tsdesktop.inference.rewriting import make_norms_exact, split_convolutions_of_joined_maps, weighted
from tsdesktop.inference.torch_windows import Outputs
from tsdesktop.weights.plans import NetworkPlans


def convert(network: LoadedNetwork, name: str) -> None:
    """Converts `network` and keeps it as `name`.

    Raises OSError where it cannot be kept, and RuntimeError and others of OpenVINO's where it knows no such layer.
    """
    openvino = library()
    outputs = Outputs(network.folds)
    model = openvino.convert_model(_traced(outputs, network.plans))
    model.reshape([1, 1, *network.plans.patch_shape])
    make_norms_exact(model)
    split_convolutions_of_joined_maps(model)
    model = weighted(model)

    def write(folder: Path) -> None:
        openvino.save_model(model, folder / converted.MODEL, compress_to_fp16=False)

    converted.store(name, network.plans, outputs.head, write)


def _traced(outputs: Outputs, plans: NetworkPlans) -> torch.jit.ScriptModule:
    """The network as torch records it; a small image shows all its layers."""
    example = torch.zeros(1, 1, *_small_window(plans))
    with torch.no_grad(), warnings.catch_warnings():
        # torch advises another way to record that OpenVINO reads less well.
        warnings.simplefilter("ignore")
        traced: torch.jit.ScriptModule = torch.jit.trace(  # type: ignore[no-untyped-call]
            outputs.eval(), example, check_trace=False
        )
    return traced


def _small_window(plans: NetworkPlans) -> Shape:
    """Twice the smallest window: the deepest layer still sees several voxels, whose spread it needs."""
    strides = plans.architecture_arguments["strides"]
    each = [[stride] * 3 if isinstance(stride, int) else list(stride) for stride in strides]
    a, b, c = (2 * prod(int(stride[axis]) for stride in each) for axis in range(3))
    return a, b, c
