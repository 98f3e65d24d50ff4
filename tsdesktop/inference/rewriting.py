"""Changes to a network of OpenVINO before it is kept. What it computes stays, more exactly or in less memory."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np

from tsdesktop.inference.openvino_network import library

# Instance norms over more voxels than this are made exact, by way of blocks of at most so many voxels along a side.
_FEW_VOXELS, _BLOCK = 64**3, 8


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


def split_convolutions_of_joined_maps(model: Any) -> None:
    """Where a convolution reads two maps joined into one, it becomes the sum of a convolution of each.

    The joined map, the largest of all in a U-Net, is then never made; the sum is made as the second one is computed.
    """
    operations = library().opset13
    for each in model.get_ops():
        joined = each.input_value(0).get_node() if each.get_type_name() == "Convolution" else None
        if (
            joined is None
            or not _joins_channels(joined)
            or each.input_value(1).get_node().get_type_name() != "Constant"
        ):
            continue
        weights, attributes = each.input_value(1).get_node().data, each.get_attributes()
        ways = [attributes[name] for name in ("strides", "pads_begin", "pads_end", "dilations", "auto_pad")]
        parts = joined.input_values()
        ends = np.cumsum([int(part.get_shape()[1]) for part in parts])
        own = [np.ascontiguousarray(each) for each in np.split(weights, ends[:-1], axis=1)]
        single = [
            operations.convolution(part, operations.constant(mine), *ways)
            for part, mine in zip(parts, own, strict=True)
        ]
        each.output(0).replace(reduce(operations.add, single).output(0))
    model.validate_nodes_and_infer_types()


def _joins_channels(node: Any) -> bool:
    return bool(node.get_type_name() == "Concat" and node.get_attributes()["axis"] == 1)


def weighted(model: Any) -> Any:
    """The model with its output multiplied by a second input, the window's weights [1, 1, z, y, x], and its channels
    last.

    Both are free there: they are one pass over the output with what the last layer does anyway. As constants the
    weights would be multiplied by the last layer's bias ahead, which takes the room of two outputs.
    """
    openvino = library()
    operations = openvino.opset13
    output = model.outputs[0].get_node().input_value(0)
    weights = operations.parameter([1, 1, *list(output.get_shape())[2:]], np.float32)
    last = operations.transpose(operations.multiply(output, weights), operations.constant(np.array([0, 2, 3, 4, 1])))
    return openvino.Model([operations.result(last)], [*model.get_parameters(), weights], "network")
