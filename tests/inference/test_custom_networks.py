"""A person's own networks give, voxel for voxel, what nnU-Net itself gives with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.label_handling.label_handling import LabelManager
from numpy.typing import NDArray

from tests.inference.examples import blocks
from tests.networks import BandNetwork, CtRange, write_band_network
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.inference.merge import resampled_labels
from tsdesktop.inference.networks import TorchNetworks
from tsdesktop.inference.preprocess import network_input
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.segment import Engine, Scan, segment
from tsdesktop.inference.torch_windows import winners
from tsdesktop.inference.verify import compared
from tsdesktop.jobs.job import Choices
from tsdesktop.jobs.plan import make_plan
from tsdesktop.weights.catalogue import full_catalogue
from tsdesktop.weights.custom import add_custom
from tsdesktop.weights.plans import read_plans
from tsdesktop.weights.progress import nobody
from tsdesktop.weights.stopping import Stop

CT = CtRange(-200.0, 400.0, 60.0, 110.0)
LEVELS = [-120, -40, 40, 120, 200, 280]
BANDS = BandNetwork(
    "Dataset701_Bands/nnUNetTrainer__nnUNetPlans__3d_fullres",
    ((-120.0, -40.0, 40.0, 120.0, 200.0),),
    CT,
    (2.2, 1.7, 2.6),
    patch=(16, 20, 18),
)
TUMOUR: dict[str, Any] = {
    "labels": {"background": 0, "whole tumour": [1, 2, 3], "core": [2, 3], "enhancing": 3},
    "regions_class_order": [1, 2, 3],
}
REGIONS = replace(
    BANDS,
    folder="Dataset702_Tumour/nnUNetTrainer__nnUNetPlans__3d_fullres",
    # Not halfway between two levels, where rounding decides.
    regions=(7.0, 87.0, 167.0),
    dataset=TUMOUR,
)
TORCH: dict[str, Any] = {"is_seg": False, "force_separate_z": False, "memefficient_seg_resampling": False}
BY_TORCH = {
    "resampling_fn_data": "resample_torch_fornnunet",
    "resampling_fn_probabilities": "resample_torch_fornnunet",
    "resampling_fn_data_kwargs": TORCH,
    "resampling_fn_probabilities_kwargs": TORCH,
}
SEPARATE = {f"resampling_fn_{each}_kwargs": TORCH | {"force_separate_z": None} for each in ("data", "probabilities")}
FACTS = {"percentile_00_5": 5.0, "percentile_99_5": 900.0, "mean": 300.0, "std": 200.0}
SPACING_MM = (1.6, 1.9, 2.4)

CASES: dict[str, BandNetwork] = {
    "full resolution": BANDS,
    "low resolution": replace(
        BANDS, folder=BANDS.folder.replace("fullres", "lowres"), spacing_mm=(4.8, 4.1, 4.4), patch=(8, 12, 10)
    ),
    "two folds": replace(
        BANDS, folds=(0, 1), centres=(BANDS.centres[0], tuple(each + 20 for each in BANDS.centres[0]))
    ),
    "regions": REGIONS,
    "regions on the scan's own grid": replace(REGIONS, spacing_mm=(2.4, 1.9, 1.6)),
    "regions painted in another order": replace(
        REGIONS, dataset=TUMOUR | {"regions_class_order": [3, 2, 1]}, spacing_mm=(4.0, 3.9, 4.1)
    ),
    "resampled with torch": replace(BANDS, extra=BY_TORCH),
    "coarse slices by torch": replace(BANDS, extra=BY_TORCH | SEPARATE, spacing_mm=(9.0, 1.7, 1.6), patch=(8, 20, 18)),
    "MR": replace(
        BANDS,
        ct=None,
        centres=((-1.2, -0.4, 0.4, 1.2),),
        extra={"use_mask_for_norm": [True]},
        plans={"foreground_intensity_properties_per_channel": {"0": FACTS}},
    ),
    "turned plans": replace(BANDS, transpose=(1, 2, 0), spacing_mm=(1.7, 2.6, 2.2)),
    "one that looks beside": replace(BANDS, looks_at=(0, 1, -1)),
}


def add(place: Path, network: BandNetwork) -> str:
    """Writes a network in nnU-Net's results folder `place`, adds it, and says its task's name."""
    (added,) = add_custom(write_band_network(place, network), nobody, Stop())
    assert added.problem == ""
    return added.name


def ours(name: str, scan: NDArray[Any], geometry: Geometry, folder: Path, **choices: Any) -> NDArray[Any]:
    """The labels of a task on an array, in this process."""
    known = full_catalogue()
    plan = make_plan(known.task(name), Options(task=name), known)
    meter = Meter(lambda _: None, lambda: False)
    result = segment(
        Scan(scan, geometry), plan, Engine(Choices(**choices), TorchNetworks(torch.device("cpu")), meter, folder)
    )
    if not choices.get("force_split"):
        assert meter.left.windows == 0 and abs(meter.left.around_s) < 1e-6, "done is what was planned"
    return np.asarray(result.labels)


@pytest.fixture
def nnunet(monkeypatch: pytest.MonkeyPatch) -> Callable[..., NDArray[Any]]:
    return partial(nnunets, monkeypatch)


def nnunets(monkeypatch: pytest.MonkeyPatch, folder: Path, folds: tuple[int, ...], scan: NDArray[Any]) -> NDArray[Any]:
    """What nnU-Net makes of the array of a file, as its readers hand it over: z, y, x."""
    predictor = nnUNetPredictor(use_mirroring=False, device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(folder), folds)
    # It sums windows in half precision, so that a voxel near the edge between two bands may fall to either.
    monkeypatch.setattr(torch, "half", torch.float32)
    image = scan.transpose(2, 1, 0)[None].astype(np.float32)
    facts = {"spacing": list(reversed(SPACING_MM))}
    labels: NDArray[Any] = predictor.predict_single_npy_array(image, facts).transpose(2, 1, 0)
    return labels


def scan_of(network: BandNetwork) -> NDArray[Any]:
    levels = LEVELS if network.ct else list(range(100, 900, 40))
    scan = blocks((30, 26, 22), (5, 4, 4), levels, np.random.default_rng(5))
    if network.ct is None:
        scan[:4] = scan[:, :, -3:] = 0
    return scan


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", CASES)
def test_labels_are_those_of_nnunet(what: str, tmp_path: Path, nnunet: Callable[..., NDArray[Any]]) -> None:
    network = CASES[what]
    scan = scan_of(network)
    # The axes of the file run to the left, to the feet and to the back.
    affine = np.array([[-SPACING_MM[0], 0, 0, 9], [0, 0, -SPACING_MM[2], 5], [0, -SPACING_MM[1], 0, 1], [0, 0, 0, 1.0]])

    labels = ours(add(tmp_path, network), scan, Geometry((30, 26, 22), affine), tmp_path)
    expected = nnunet(tmp_path / network.folder, network.folds, scan)

    assert set(np.unique(labels)) == set(np.unique(expected)) and len(np.unique(expected)) >= 2
    assert np.mean(labels == expected) > 0.999


def test_regions_are_painted_as_nnunet_paints_them(tmp_path: Path) -> None:
    plans = read_plans(write_band_network(tmp_path, REGIONS))
    manager = LabelManager(TUMOUR["labels"], TUMOUR["regions_class_order"])
    logits = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 9, 8, 7)).astype(np.float32))
    logits[:, 0] = 0.0

    labels = np.array([0, *plans.regions])[winners(logits, regions=True).numpy()]

    np.testing.assert_array_equal(labels, manager.convert_logits_to_segmentation(logits).numpy())
    assert set(np.unique(labels)) == {0, 1, 2, 3} and not labels[0].any(), "one half is not more likely than not"


def test_resampled_regions_are_painted_from_resampled_logits(tmp_path: Path) -> None:
    plans = read_plans(write_band_network(tmp_path, REGIONS))
    given = network_input(np.zeros((14, 12, 10), np.float32), (1.0, 1.2, 1.1), plans)
    rough = np.random.default_rng(2).normal(size=(3, *given.image.shape)).astype(np.float32)

    painted = resampled_labels(rough, given, plans)

    for number in range(3):
        alone = replace(plans, labels={"one": 1}, regions=(1,))
        inside = resampled_labels(rough[number : number + 1], given, alone) == 1
        assert (painted[inside] > number).all(), "a later region covers this one, nothing else does"
    assert painted.shape == given.box.shape and given.is_resampled


@pytest.mark.parametrize("choice", ["smooth_labels", "smooth_labels_legacy", "force_split", "keep_model_resolution"])
def test_every_way_of_going_back_gives_regions(choice: str, tmp_path: Path) -> None:
    name, scan = add(tmp_path, REGIONS), scan_of(REGIONS)
    geometry = Geometry((30, 26, 22), np.diag([*SPACING_MM, 1.0]))
    usual = ours(name, scan, geometry, tmp_path)
    other = ours(name, scan, geometry, tmp_path, **{choice: True})
    assert np.mean(usual == other) > (0.95 if choice == "force_split" else 0.99999)
    assert set(np.unique(usual)) == {0, 1, 2, 3}


def test_likelihoods_of_regions_do_not_compete(tmp_path: Path) -> None:
    name = add(tmp_path, replace(REGIONS, spacing_mm=(2.4, 1.9, 1.6)))
    geometry = Geometry((30, 26, 22), np.diag([*SPACING_MM, 1.0]))
    labels = ours(name, scan_of(REGIONS), geometry, tmp_path, probabilities=True).transpose(2, 1, 0)
    with np.load(tmp_path / f"probabilities_{name}.npz") as stored:
        chances, names = stored["probabilities"], list(stored["labels"])
    assert names == ["whole tumour", "core", "enhancing"] and chances.shape == (3, *labels.shape)
    for number in range(3):
        np.testing.assert_array_equal(chances[number] > 0.5, labels > number)
    assert chances.sum(0).max() > 1.5


def test_a_card_that_flips_one_region_is_found_out(tmp_path: Path) -> None:
    expected = torch.from_numpy(np.random.default_rng(3).normal(size=(3, 6, 6, 6)).astype(np.float32)) * 4
    expected[2, 0, 0, 0], expected[0, 1, 1, 1] = 3.0, 0.01
    wrong, near_zero = expected.clone(), expected.clone()
    wrong[2, 0, 0, 0] = -3.0
    near_zero[0, 1, 1, 1] = -0.01
    assert compared(wrong, expected, regions=True).labels == pytest.approx(1 / 216)
    assert compared(near_zero, expected, regions=True).labels == 0.0


def test_a_network_that_was_replaced_is_not_taken_from_memory(tmp_path: Path) -> None:
    name, scan = add(tmp_path / "first", BANDS), scan_of(BANDS)
    geometry = Geometry((30, 26, 22), np.diag([*SPACING_MM, 1.0]))
    before = ours(name, scan, geometry, tmp_path)
    moved = replace(BANDS, centres=(tuple(each + 80.0 for each in BANDS.centres[0]),))
    assert add(tmp_path / "second", moved) == name
    after = ours(name, scan, geometry, tmp_path)
    assert np.mean(after == np.maximum(before.astype(int) - 1, 0)) > 0.9


def test_scans_are_turned_for_networks_that_were_trained_on_turned_ones(tmp_path: Path) -> None:
    """nnU-Net's reader with reorientation turns to RAS, its other readers to nothing at all."""
    beside = replace(BANDS, looks_at=(0, 0, 1), spacing_mm=(2.4, 1.9, 1.6))
    turned = replace(beside, plans={"image_reader_writer": "NibabelIOWithReorient"})
    scan = scan_of(beside)
    geometry = Geometry((30, 26, 22), np.diag([-1.6, 1.9, 2.4, 1.0]))

    as_stored = ours(add(tmp_path / "one", beside), scan, geometry, tmp_path)
    as_ras = ours(add(tmp_path / "two", turned), scan, geometry, tmp_path)

    np.testing.assert_array_equal(as_stored[:-2], as_ras[2:], "one looks at the next voxel, one at the one before")
    assert (as_stored != as_ras).any()
