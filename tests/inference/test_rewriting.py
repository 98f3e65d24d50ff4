"""Changes to converted networks: norms are exact over large windows too, joined maps are not made."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tsdesktop.core.geometry import Shape
from tsdesktop.inference.openvino_network import library
from tsdesktop.inference.rewriting import make_norms_exact, split_convolutions_of_joined_maps, weighted

CHANNELS, EPSILON = 3, 1e-5


def converted_norm(shape: Shape) -> Any:
    norm = torch.nn.InstanceNorm3d(CHANNELS, EPSILON, affine=True).eval()
    torch.nn.init.constant_(norm.weight, 1.5)
    torch.nn.init.constant_(norm.bias, -0.25)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(norm, torch.zeros(1, CHANNELS, 4, 4, 4), check_trace=False)  # type: ignore[no-untyped-call]
    model = library().convert_model(traced)
    model.reshape([1, CHANNELS, *shape])
    make_norms_exact(model)
    return model


def kinds(model: Any) -> list[str]:
    return [each.get_type_name() for each in model.get_ops()]


def error_of(model: Any, values: NDArray[np.float32]) -> float:
    compiled = library().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    exact = values.astype(np.float64)
    axes = (2, 3, 4)
    exact = (exact - exact.mean(axes, keepdims=True)) / np.sqrt(exact.var(axes, keepdims=True) + EPSILON)
    return float(np.sqrt(np.mean((compiled([values])[0] - (1.5 * exact - 0.25)) ** 2)))


@pytest.mark.parametrize("shape", [(96, 96, 64), (90, 84, 100), (128, 128, 40)])
def test_norms_over_many_voxels_are_exact(shape: Shape) -> None:
    model = converted_norm(shape)
    values = np.random.default_rng(3).normal(20.0, 4.0, (1, CHANNELS, *shape)).astype(np.float32)
    assert "MVN" not in kinds(model)
    # Single precision of values around 20 with a spread of 4, and no more.
    assert error_of(model, values) < 2e-6


@pytest.mark.parametrize("shape", [(64, 64, 64), (97, 101, 103)])
def test_small_maps_and_sides_without_a_divisor_keep_openvinos_norm(shape: Shape) -> None:
    assert "MVN" in kinds(converted_norm(shape))


def test_a_constant_map_becomes_the_bias() -> None:
    shape = (96, 96, 64)
    values = np.full((1, CHANNELS, *shape), 700.0, np.float32)
    compiled = library().Core().compile_model(converted_norm(shape), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    np.testing.assert_allclose(compiled([values])[0], -0.25, atol=1e-3)


def joining_network() -> Any:
    operations = library().opset13
    draw = np.random.default_rng(5)
    parts = [operations.parameter([1, channels, 8, 9, 10], np.float32) for channels in (3, 5)]
    weights = operations.constant(draw.normal(size=(4, 8, 3, 3, 3)).astype(np.float32))
    joined = operations.concat(parts, 1)
    output = operations.convolution(joined, weights, [1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1])
    biased = operations.add(output, operations.constant(draw.normal(size=(1, 4, 1, 1, 1)).astype(np.float32)))
    return library().Model([operations.result(biased)], parts, "joining")


def computed(model: Any, *inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    compiled = library().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    result: NDArray[np.float32] = compiled(list(inputs))[0].copy()
    return result


def test_a_convolution_of_joined_maps_becomes_a_sum() -> None:
    draw = np.random.default_rng(7)
    images = [draw.normal(size=(1, channels, 8, 9, 10)).astype(np.float32) for channels in (3, 5)]
    model = joining_network()
    expected = computed(model, *images)
    split_convolutions_of_joined_maps(model)
    assert "Concat" not in kinds(model)
    np.testing.assert_allclose(computed(model, *images), expected, atol=2e-5)


def test_outputs_are_weighted_and_their_channels_come_last() -> None:
    operations = library().opset13
    image = operations.parameter([1, 2, 3, 4, 5], np.float32)
    model = weighted(library().Model([operations.result(operations.relu(image))], [image], "plain"))
    draw = np.random.default_rng(9)
    values, weights = draw.random((1, 2, 3, 4, 5), np.float32), draw.random((1, 1, 3, 4, 5), np.float32)
    np.testing.assert_allclose(computed(model, values, weights), np.moveaxis(values * weights, 1, -1), rtol=1e-6)
