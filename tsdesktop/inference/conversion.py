"""Turns a network of torch into one of OpenVINO, for windows of one size, weighting included."""

from __future__ import annotations

import warnings
from math import prod
from pathlib import Path

import numpy as np
import torch

from tsdesktop.core.geometry import Shape
from tsdesktop.inference import converted
from tsdesktop.inference.networks import LoadedNetwork
from tsdesktop.inference.openvino_network import library
from tsdesktop.inference.tiling import tile_weight
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
    model = _weighted(model, network.plans.patch_shape)

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


def _weighted(model: object, patch: Shape) -> object:
    """The model with its output multiplied by the window's weights and its channels last.

    Both are free there: they are one pass over the output with what the last layer does anyway.
    """
    openvino = library()
    operations = openvino.opset13
    output = model.outputs[0].get_node().input_value(0)  # type: ignore[attr-defined]
    weighted = operations.multiply(output, operations.constant(tile_weight(patch)[None, None]))
    last = operations.transpose(weighted, operations.constant(np.array([0, 2, 3, 4, 1], np.int32)))
    return openvino.Model([operations.result(last)], model.get_parameters(), "network")  # type: ignore[attr-defined]
