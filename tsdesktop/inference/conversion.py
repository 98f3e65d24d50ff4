"""Turns a network of torch into one of OpenVINO, for windows of one size, weighting included."""

from __future__ import annotations

import warnings
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tsdesktop.core.geometry import Shape
from tsdesktop.inference import converted
from tsdesktop.inference.networks import LoadedNetwork
from tsdesktop.inference.openvino_network import library
from tsdesktop.inference.tiling import tile_weight
from tsdesktop.inference.torch_windows import Outputs
from tsdesktop.weights.plans import NetworkPlans

# Instance norms over more voxels than this are made exact, by way of blocks of at most so many voxels along a side.
_FEW_VOXELS, _BLOCK = 64**3, 8


def convert(network: LoadedNetwork, name: str) -> None:
    """Converts `network` and keeps it as `name`.

    Raises OSError where it cannot be kept, and RuntimeError and others of OpenVINO's where it knows no such layer.
    """
    openvino = library()
    outputs = Outputs(network.folds)
    model = openvino.convert_model(_traced(outputs, network.plans))
    model.reshape([1, 1, *network.plans.patch_shape])
    make_norms_exact(model)
    model = _weighted(model, network.plans.patch_shape)

    def write(folder: Path) -> None:
        openvino.save_model(model, folder / converted.MODEL, compress_to_fp16=False)

    converted.store(name, network.plans, outputs.head, write)


def make_norms_exact(model: Any) -> None:
    """Replaces the instance norms of `model`, whose sizes must be known, that add up very many voxels.

    OpenVINO's own adds them one after the other in single precision: over 128^3 voxels that is off by 1e-5. Here small
    blocks are averaged first, then blocks of these averages, which is ten times as exact and takes no longer.
    """
    for each in model.get_ops():
        if each.get_type_name() != "MVN":
            continue
        sizes = [int(size) for size in each.get_input_shape(0)[2:]]
        if prod(sizes) > _FEW_VOXELS and prod(_block(sizes)) > 1:
            each.output(0).replace(_exact_norm(each, sizes))
    model.validate_nodes_and_infer_types()


def _exact_norm(norm: Any, sizes: list[int]) -> Any:
    operations = library().opset13
    values = norm.input_value(0)
    middle = _mean(values, sizes)
    variance = _mean(operations.squared_difference(values, middle), sizes)
    spread = operations.sqrt(operations.add(variance, operations.constant(np.float32(norm.get_attributes()["eps"]))))
    scale = operations.divide(operations.constant(np.float32(1)), spread)
    return operations.multiply(operations.subtract(values, middle), scale).output(0)


def _mean(values: Any, sizes: list[int]) -> Any:
    """The mean of each channel: of blocks, of blocks of these, and so on."""
    operations = library().opset13
    none = [0] * len(sizes)
    while prod(block := _block(sizes)) > 1:
        values = operations.avg_pool(values, block, none, none, block, False)
        sizes = [size // side for size, side in zip(sizes, block, strict=True)]
    return operations.reduce_mean(values, operations.constant(np.arange(2, 2 + len(sizes))), True)


def _block(sizes: list[int]) -> list[int]:
    """The sides of the blocks that are averaged next; all 1 where nothing is left to divide."""
    return [next(side for side in range(_BLOCK, 0, -1) if size % side == 0) for size in sizes]


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
