"""What nnU-Net does around a network: axis order, the box of non-zero voxels, normalisation, resampling, windows."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.transform import resize

from tests.inference.conftest import Heard, Runner
from tests.inference.examples import blocks, example, oblique_affine, settled
from tests.inference.expected import How, network_labels
from tests.networks import BandNetwork, CtRange, Shape, band_centres, write_band_network
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.inference.networks import TorchNetworks, load_network
from tsdesktop.inference.predictor import predict_labels, predict_logits
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.segment import Engine, Scan, segment
from tsdesktop.jobs.job import Choices
from tsdesktop.jobs.plan import NetworkRun, Plan

Array = NDArray[Any]
_FOLDER = "Dataset901_bands/nnUNetTrainer__nnUNetPlans__3d_fullres"
_CT = CtRange(-200.0, 300.0, 40.0, 110.0)
_LEVELS = list(range(-180, 290, 31))


def network(**changes: Any) -> BandNetwork:
    """Six bands of 41 HU, background the lowest; spacing as `straight_affine` has it."""
    centres = band_centres([0, 3, 1, 5, 2, 4], -100.0, 41.0, 6)
    return replace(BandNetwork(_FOLDER, (centres,), _CT, (3.0, 2.0, 1.5), patch=(8, 12, 10)), **changes)


def z_score_network(**changes: Any) -> BandNetwork:
    centres = band_centres([2, 0, 1, 3], -0.83, 0.6, 4)
    return network(centres=(centres,), ct=None, **changes)


def straight_affine(spacing_mm: tuple[float, float, float] = (1.5, 2.0, 3.0)) -> Array:
    return np.diag([*spacing_mm, 1.0])


def labels_of(
    place: Path, given: BandNetwork, scan: Array, affine: Array | None = None, choices: Choices | None = None
) -> Array:
    """The program's labels of `scan` by a plan of this one network, without resampling before it."""
    folder = write_band_network(place, given)
    run = NetworkRun("901", str(folder), given.folds, "", tuple(range(1, given.outputs)))
    plan = Plan("bands", None, 0.5, (run,))
    engine = Engine(choices or Choices(), TorchNetworks(torch.device("cpu")), Meter(Heard().hear, lambda: False), place)
    affine = straight_affine() if affine is None else affine
    shape = (scan.shape[0], scan.shape[1], scan.shape[2])
    return segment(Scan(scan, Geometry(shape, affine)), plan, engine).labels


def expected_of(given: BandNetwork, scan: Array, spacing_mm: tuple[float, float, float] = (1.5, 2.0, 3.0)) -> Array:
    labels, close = network_labels(scan.astype(float), np.array(spacing_mm), given)
    assert not close.any()
    return labels


def textured(shape: Shape, seed: int = 0) -> Array:
    return blocks(shape, (3, 2, 2), _LEVELS, np.random.default_rng(seed))


@pytest.mark.parametrize("order", list(permutations((0, 1, 2))), ids=str)
def test_axis_order_of_the_plans(tmp_path: Path, order: Shape) -> None:
    # Plans spacings and patches are in the network's own order; two of three axes are resampled.
    spacing, patch = (2.6, 2.0, 1.8), (10, 12, 14)
    given = network(transpose=order, spacing_mm=tuple(spacing[n] for n in order), patch=tuple(patch[n] for n in order))
    scan = textured((17, 15, 11))
    np.testing.assert_array_equal(labels_of(tmp_path, given, scan), expected_of(given, scan))


@pytest.mark.parametrize("shape", [(5, 6, 4), (3, 19, 4), (2, 2, 2)])
def test_image_smaller_than_the_window(tmp_path: Path, shape: Shape) -> None:
    scan = textured(shape)
    np.testing.assert_array_equal(labels_of(tmp_path, network(), scan), expected_of(network(), scan))


@pytest.mark.parametrize("given", [network(), z_score_network()], ids=["CT", "z-score"])
def test_zeros_around_the_image_are_background(tmp_path: Path, given: BandNetwork) -> None:
    scan = np.zeros((17, 15, 12), np.int16)
    scan[3:14, 2:15, 4:9] = textured((11, 13, 5)) + 1
    scan[6:8, 5:7, 6] = 0
    labels = labels_of(tmp_path, given, scan)
    np.testing.assert_array_equal(labels, expected_of(given, scan))
    assert not labels[:3].any()
    assert given.ct is None or labels[6, 5, 6] > 0, "zeros inside are intensities like others"


def test_image_of_zeros(tmp_path: Path) -> None:
    scan = np.zeros((9, 8, 7), np.int16)
    np.testing.assert_array_equal(labels_of(tmp_path, network(), scan), expected_of(network(), scan))


@pytest.mark.parametrize("scan_mm", [(1.5, 2.0, 7.0), (7.0, 1.5, 2.0)], ids=str)
def test_coarse_axis_is_resampled_for_itself(tmp_path: Path, scan_mm: tuple[float, float, float]) -> None:
    """An axis over three times coarser: slices by order 3, across them the nearest; back likewise with order 1."""
    given = network(spacing_mm=(1.9, 1.9, 1.9), patch=(16, 12, 10))
    scan = textured((13, 12, 9), 4)
    coarse = 2 - int(np.argmax(scan_mm))
    values = (np.clip(scan, _CT.low, _CT.high).transpose(2, 1, 0) - _CT.mean) / _CT.std
    shape = [round(old / 1.9 * n) for old, n in zip(scan_mm[::-1], values.shape, strict=True)]
    back = by_slices(by_slices(values, shape, coarse, 3), list(values.shape), coarse, 1)
    slope, offset = given.lines()
    logits = slope[:, None, None, None] * back + offset[:, None, None, None]
    assert np.diff(np.sort(logits, 0)[-2:], axis=0).min() > 1e-5
    labels = labels_of(tmp_path, given, scan, straight_affine(scan_mm))
    np.testing.assert_array_equal(labels, logits.argmax(0).transpose(2, 1, 0))


def by_slices(values: Array, shape: list[int], coarse: int, order: int) -> Array:
    slices = np.moveaxis(values, coarse, 0)
    flat = [n for axis, n in enumerate(shape) if axis != coarse]
    resized = np.array([resize(each, flat, order=order, mode="edge", anti_aliasing=False) for each in slices])
    nearest = np.clip(np.floor((np.arange(shape[coarse]) + 0.5) * len(slices) / shape[coarse]), 0, len(slices) - 1)
    return np.moveaxis(resized[nearest.astype(int)], 0, coarse)


def test_fractions_of_a_float_scan_are_kept(tmp_path: Path) -> None:
    """A scan scaled to 0..1 shows what it showed before scaling."""
    scan = textured((17, 15, 12), 2)
    given = z_score_network()
    scaled = (scan.astype(np.float32) + 200) / 500
    np.testing.assert_array_equal(labels_of(tmp_path, given, scaled), expected_of(given, scan))


def test_z_score_of_what_is_not_zero(tmp_path: Path) -> None:
    # Voxels outside the mask stay 0, which must not lie between two bands.
    centres = band_centres([2, 0, 1, 3], -0.85, 0.6, 4)
    given = network(centres=(centres,), ct=None, extra={"use_mask_for_norm": [True]})
    scan = np.zeros((14, 13, 9), np.int16)
    scan[2:12, 3:10, 1:8] = textured((10, 7, 7)) + 1
    scan[2:5, 3:6, 1:4] = 0
    filled = ndimage.binary_fill_holes(scan[2:12, 3:10, 1:8] != 0)
    kept = scan[2:12, 3:10, 1:8]
    expected = np.zeros(scan.shape, int)
    x = np.where(filled, (kept - kept[filled].mean()) / kept[filled].std(), 0)
    expected[2:12, 3:10, 1:8] = nearest_band(x, given)
    assert not filled.all()
    np.testing.assert_array_equal(labels_of(tmp_path, given, scan), expected)


@pytest.mark.parametrize("scheme", ["NoNormalization", "RescaleTo01Normalization"])
def test_other_normalisations(tmp_path: Path, scheme: str) -> None:
    scan = textured((14, 13, 9), 5)
    centres = band_centres([2, 0, 1, 3], -110.0, 101.0, 4)
    x = scan.astype(float)
    if scheme == "RescaleTo01Normalization":
        x, centres = (x - x.min()) / (x.max() - x.min()), band_centres([2, 0, 1, 3], 0.1, 0.27, 4)
    given = network(centres=(centres,), ct=None, extra={"normalization_schemes": [scheme]})
    np.testing.assert_array_equal(labels_of(tmp_path, given, scan), nearest_band(x, given))


def nearest_band(x: Array, given: BandNetwork) -> Array:
    distance = np.abs(x[..., None] - given.normalised(0))
    assert np.diff(np.sort(distance, -1)[..., :2]).min() > 1e-6
    nearest: Array = distance.argmin(-1)
    return nearest


@pytest.mark.parametrize("shape", [(23, 14, 19), (30, 9, 12), (7, 13, 41)], ids=str)
@pytest.mark.parametrize("step", [0.5, 0.8])
def test_windows_and_their_weights(tmp_path: Path, shape: Shape, step: float) -> None:
    """A network that sees window borders shows where windows stand and how they are weighed."""
    torch.manual_seed(4)
    given = network(patch=(10, 12, 16), centres=(network().centres[0],) * 2, folds=(0, 3))
    folder = write_band_network(tmp_path, given)
    for fold in given.folds:
        disturb(folder / f"fold_{fold}" / "checkpoint_final.pth")
    run = NetworkRun("901", str(folder), given.folds, "", (1, 2, 3, 4, 5))
    loaded = load_network(run, torch.device("cpu"))
    image = torch.randn(shape).numpy()

    expected = windows_by_hand(image, loaded.folds, given.patch, step)
    meter = Meter(Heard().hear, lambda: False)
    got = predict_logits(image, loaded, step, meter, (1, 1, ""))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    labels = predict_labels(image, loaded, step, meter, (1, 1, ""))
    sure = np.diff(np.sort(expected, 0)[-2:], axis=0)[0] > 1e-3
    np.testing.assert_array_equal(labels[sure], expected.argmax(0)[sure])
    assert sure.mean() > 0.95


def disturb(path: Path) -> None:
    """Neighbours count too: what lies outside a window is missing to it."""
    state = torch.load(path, weights_only=True)
    for key, value in state["network_weights"].items():
        if key.endswith("conv.weight") or "all_modules" in key:
            value += 0.3 * torch.randn(value.shape)
    torch.save(state, path)


def windows_by_hand(image: Array, folds: Any, patch: Shape, step: float) -> Array:
    """Logits of all windows, weighed by a Gaussian of an eighth of the window, in double precision."""
    missing = [max(0, window - size) for size, window in zip(image.shape, patch, strict=True)]
    padded = np.pad(image, [(n // 2, n - n // 2) for n in missing])
    starts = []
    for size, window in zip(padded.shape, patch, strict=True):
        count = int(np.ceil((size - window) / (window * step))) + 1
        starts.append(np.round(np.linspace(0, size - window, count)).astype(int))
    peak = np.zeros(patch)
    peak[tuple(n // 2 for n in patch)] = 1
    weight = ndimage.gaussian_filter(peak, [n / 8 for n in patch], mode="constant")
    weight = np.maximum(weight, weight[weight > 0].min())
    sums, weights = np.zeros((6, *padded.shape)), np.zeros(padded.shape)
    for corner in product(*starts):
        where = tuple(slice(at, at + n) for at, n in zip(corner, patch, strict=True))
        tile = torch.from_numpy(padded[where].copy())[None, None]
        with torch.inference_mode():
            logits = np.mean([fold(tile)[0].double().numpy() for fold in folds], 0)
        sums[(slice(None), *where)] += logits * weight
        weights[where] += weight
    inner = tuple(slice(n // 2, n // 2 + size) for n, size in zip(missing, image.shape, strict=True))
    return (sums / weights)[(slice(None), *inner)]


def test_probabilities_are_the_softmax_of_the_logits(tmp_path: Path) -> None:
    scan = textured((13, 12, 9), 6)
    labels = labels_of(tmp_path, network(), scan, choices=Choices(probabilities=True))
    np.testing.assert_array_equal(labels, expected_of(network(), scan))
    with np.load(tmp_path / "probabilities_901.npz") as saved:
        got = saved["probabilities"].astype(float)
    x = (np.clip(scan, _CT.low, _CT.high) - _CT.mean) / _CT.std
    slope, offset = network().lines()
    powers = np.exp(slope[:, None, None, None] * x + offset[:, None, None, None])
    np.testing.assert_allclose(got, (powers / powers.sum(0)).transpose(0, 3, 2, 1), atol=1e-3)


def test_nothing_found_to_crop_to(run: Runner) -> None:
    scan = np.full((30, 34, 20), -700, np.int16)
    result = run(scan, oblique_affine(), Options(task="liver_segments"))
    assert result.labels.shape == scan.shape
    assert not result.labels.any()
    assert result.geometry.matches(Geometry(scan.shape, oblique_affine()))
    assert [(each.id, each.arguments) for each in run.heard.notes] == [("note.empty_crop", {"what": "liver"})]


@pytest.mark.parametrize("turn", ["RAS", "LPS", "SRA", "AIL", "IPR"])
def test_voxel_order_does_not_matter(run: Runner, turn: str) -> None:
    """The same scan with its axes turned gives the same labels, turned."""
    how = How()
    scan, expected, _ = settled(
        example("liver_segments", how), oblique_affine(), lambda e: e.task("liver_segments", how)
    )
    source = nib.io_orientation(oblique_affine())
    move = nib.orientations.ornt_transform(source, nib.orientations.axcodes2ornt(turn))
    affine = oblique_affine() @ nib.orientations.inv_ornt_aff(move, scan.shape)
    result = run(nib.apply_orientation(scan, move), affine, Options(task="liver_segments"))
    np.testing.assert_array_equal(result.labels, nib.apply_orientation(expected, move))
