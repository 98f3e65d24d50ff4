"""Windows, their weights, and the last layer taken once per voxel: against nnU-Net and against the direct way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nnunetv2.inference.sliding_window_prediction import compute_gaussian
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from numpy.typing import NDArray

from tsdesktop.core.geometry import Shape
from tsdesktop.inference.heads import Finisher, Head, is_worth_it, joined, winners
from tsdesktop.inference.room import give_back
from tsdesktop.inference.tiling import make_tiling, tile_weight
from tsdesktop.inference.torch_windows import Outputs, features_of, head_of
from tsdesktop.inference.torch_windows import winners as torch_winners

Array = NDArray[Any]
_ROOM = "dynamic_network_architectures.architectures.unet."


@pytest.mark.parametrize("patch", [(112, 112, 128), (56, 56, 64), (10, 12, 16), (7, 9, 5), (1, 3, 8)], ids=str)
def test_weights_of_a_window_are_nnunets(patch: Shape) -> None:
    expected = compute_gaussian(patch, 1.0 / 8, 10, dtype=torch.float32, device=torch.device("cpu")).numpy()
    np.testing.assert_allclose(tile_weight(patch), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(30, 12, 16), (7, 33, 9), (12, 12, 40)], ids=str)
def test_windows_cover_the_padded_image(shape: Shape) -> None:
    tiling = make_tiling(np.ones(shape, np.float32), (10, 12, 16), 0.5)
    seen = np.zeros(tiling.image.shape, int)
    a, b, c = tiling.starts
    for corner in ((i, j, k) for i in a for j in b for k in c):
        seen[tiling.window(corner)] += 1
        assert tiling.tile(corner).shape == tiling.patch
        assert np.zeros(tiling.slab_shape)[tiling.in_slab(corner)].shape == tiling.patch
    assert (
        seen.all() and tiling.image[tiling.unpadded].shape == shape and np.asarray(tiling.image).sum() == np.prod(shape)
    )


def unet(outputs: int, features: int, seed: int, kind: str = "PlainConvUNet") -> torch.nn.Module:
    torch.manual_seed(seed)
    blocks = "n_conv_per_stage" if kind == "PlainConvUNet" else "n_blocks_per_stage"
    arguments = {
        "n_stages": 3,
        "features_per_stage": [features, 2 * features, 2 * features],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[3, 3, 3]] * 3,
        "strides": [[1, 1, 1], [2, 2, 2], [1, 2, 2]],
        blocks: [1, 1, 1],
        "n_conv_per_stage_decoder": [1, 1],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    imports = ["conv_op", "norm_op", "nonlin"]
    network: torch.nn.Module = get_network_from_plans(
        _ROOM + kind, arguments, imports, 1, outputs, deep_supervision=False
    )
    return network.eval()


@pytest.mark.parametrize("kind", ["PlainConvUNet", "ResidualEncoderUNet"])
@torch.inference_mode()
def test_features_and_last_layer_are_the_network(kind: str) -> None:
    fold = unet(9, 4, 1, kind)
    image = torch.randn(1, 1, 8, 12, 16)
    head = head_of(fold)
    features = features_of(fold, image)[0].numpy()
    logits = np.einsum("of,fzyx->ozyx", head.weight, features) + head.bias[:, None, None, None]
    np.testing.assert_allclose(logits, fold(image)[0].numpy(), atol=1e-5)


@pytest.mark.parametrize(("outputs", "folds", "late"), [(9, 1, True), (9, 2, True), (9, 3, False), (3, 1, False)])
@torch.inference_mode()
def test_the_smaller_of_features_and_logits_is_added_up(outputs: int, folds: int, late: bool) -> None:
    networks = tuple(unet(outputs, 4, seed) for seed in range(folds))
    image = torch.randn(1, 1, 4, 8, 8)
    expected = sum(each(image)[0] for each in networks).numpy()
    module = Outputs(networks)
    output = module(image)[0].numpy()
    assert len(output) == module.channels == (4 * folds if late else outputs)
    assert (module.head is not None) == late
    finished = np.empty(expected.shape, np.float32)
    ones = np.ones(expected.shape[1:], np.float32)
    Finisher(module.head, False).write_logits(np.moveaxis(output, 0, -1), ones, 1, finished)
    np.testing.assert_allclose(finished, expected, atol=1e-5)


@pytest.mark.parametrize("regions", [False, True])
@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 90, 61), (1, 1, 5000), (4, 1, 1)], ids=str)
def test_labels_from_features_are_those_from_logits(shape: Shape, regions: bool) -> None:
    rng = np.random.default_rng(5)
    head = Head(rng.normal(size=(40, 6)).astype(np.float32), rng.normal(size=40).astype(np.float32))
    features, weights = rng.normal(size=(*shape, 6)).astype(np.float32), rng.random(shape, np.float32) + 0.1
    table = rng.permutation(256).astype(np.uint8)
    logits = features @ head.weight.T + head.bias * weights[..., None]
    got = np.empty(shape, np.uint8)
    Finisher(head, regions).write_labels(features, weights, table, got)
    expected = torch_winners(torch.from_numpy(np.moveaxis(logits, -1, 0)), regions=regions).numpy()
    order = np.sort(logits, -1)
    sure = (np.abs(logits).min(-1) if regions else order[..., -1] - order[..., -2]) > 1e-4
    assert sure.mean() > 0.9
    np.testing.assert_array_equal(got[sure], table[expected][sure])
    several = np.empty(shape, np.uint8)
    Finisher(head, regions, 3).write_labels(features, weights, table, several)
    np.testing.assert_array_equal(several[sure], got[sure])
    direct = np.empty(shape, np.uint8)
    Finisher(None, regions).write_labels(np.ascontiguousarray(logits), weights, table, direct)
    np.testing.assert_array_equal(direct[sure], got[sure])


def test_rows_of_a_slab_need_not_lie_together() -> None:
    rng = np.random.default_rng(6)
    head = Head(rng.normal(size=(9, 4)).astype(np.float32), np.zeros(9, np.float32))
    sums, weights = rng.normal(size=(6, 7, 8, 4)).astype(np.float32), np.ones((6, 7, 8), np.float32)
    whole, part = np.empty((9, 6, 7, 8), np.float32), np.empty((9, 6, 7, 3), np.float32)
    Finisher(head, False).write_logits(sums, weights, 2, whole)
    Finisher(head, False).write_logits(sums[:, :, 2:5], weights[:, :, 2:5], 2, part)
    np.testing.assert_allclose(part, whole[..., 2:5], rtol=1e-5)
    np.testing.assert_allclose(whole, np.moveaxis(sums @ head.weight.T, -1, 0) / 2, rtol=1e-4, atol=1e-5)


def test_heads_of_folds_are_joined_in_order() -> None:
    heads = [Head(np.full((5, 2), n, np.float32), np.full(5, n, np.float32)) for n in (1, 2)]
    both = joined(heads)
    np.testing.assert_array_equal(both.weight[0], [1, 1, 2, 2])
    assert both.bias[0] == 3 and both.outputs == 5
    assert is_worth_it(heads) and not is_worth_it([*heads, heads[0]])


def test_the_last_likely_region_is_painted() -> None:
    logits = np.array([[1, 1, -1], [1, -1, -1], [-1, -1, -1], [0, 0, 0], [-1, -1, 2]], np.float32)
    np.testing.assert_array_equal(winners(logits, regions=True), [2, 1, 0, 0, 3])


def test_memory_of_a_mapped_scan_is_given_back_and_the_scan_is_still_there(tmp_path: Path) -> None:
    scan = np.arange(300_000, dtype=np.int16).reshape(60, 50, 100)
    np.save(tmp_path / "scan.npy", scan)
    mapped = np.load(tmp_path / "scan.npy", mmap_mode="r")
    for view in (mapped, mapped.T[::-1, 2:], scan):
        before = view.copy()
        give_back(view)
        np.testing.assert_array_equal(view, before)
