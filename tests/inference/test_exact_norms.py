"""Instance norms of converted networks: as exact over a large window as over a small one."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tsdesktop.core.geometry import Shape
from tsdesktop.inference.conversion import make_norms_exact
from tsdesktop.inference.openvino_network import library

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
