"""Options of a run change the labels as TotalSegmentator's do, voxel for voxel."""

from __future__ import annotations

from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.inference.bands import band_networks, class_labels, table, tasks
from tests.inference.conftest import Runner
from tests.inference.examples import blocks, example, oblique_affine, settled
from tests.inference.expected import Expectation, How
from tsdesktop.core.errors import OptionsError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap
from tsdesktop.jobs.plan import make_plan
from tsdesktop.pipeline.segmentation import in_v1_order

Array = NDArray[Any]


def brightest_of_rough(key: str) -> tuple[str, ...]:
    """Two structures of total that its rough network sees at the highest intensities, above all others."""
    order = np.argsort(band_networks()[key].centres[0])
    names = {label: name for name, label in class_labels("total").items()}
    return names[int(order[-1])], names[int(order[-3])]


def compare(run: Runner, name: str, how: How, options: Options, scan: Array | None = None) -> Array:
    """Runs and compares; returns the labels, and sees to it that the option changed them."""
    affine = oblique_affine()
    given = example(name, how) if scan is None else scan
    given, expected, _ = settled(given, affine, lambda each: each.task(name, how))
    result = run(given, affine, options)
    np.testing.assert_array_equal(result.labels, expected)
    plain = Expectation(nib.Nifti1Image(given, affine)).task(name, How(how.variant))
    assert (expected != plain).any(), "the option must matter on this scan"
    return expected


@pytest.mark.parametrize("robust", [False, True], ids=["6mm", "3mm"])
@pytest.mark.parametrize("variant", ["full", "fast", "fastest"])
def test_roi_of_total(run: Runner, variant: str, robust: bool) -> None:
    roi = brightest_of_rough("297" if robust else "298")
    options = Options(roi=roi, robust_crop=robust, fast=variant == "fast", fastest=variant == "fastest")
    labels = compare(run, "total", How(variant, roi=roi, robust=robust), options)
    assert set(np.unique(labels)) == {0} | {class_labels("total")[name] for name in roi}


def test_roi_runs_only_the_parts_it_needs(run: Runner) -> None:
    options = Options(roi=("liver", "rib_left_5"))
    plan = make_plan(catalogue().task("total"), options, catalogue())
    assert [each.key for each in plan.networks] == ["291", "295"]
    assert [each.key for each in plan.all_networks] == ["298", "291", "295"]


@pytest.mark.parametrize("variant", ["full", "fast", "fastest"])
@pytest.mark.parametrize("robust", [False, True])
def test_roi_of_total_mr_always_looks_with_the_3_mm_network(run: Runner, variant: str, robust: bool) -> None:
    how = How(variant, roi=("liver",), robust=robust)
    options = Options(
        task="total_mr", roi=how.roi, robust_crop=robust, fast=variant == "fast", fastest=variant == "fastest"
    )
    compare(run, "total_mr", how, options)


@pytest.mark.parametrize("variant", ["full", "full_small"])
def test_sixth_lumbar_vertebra_is_looked_for_as_s1(run: Runner, variant: str) -> None:
    how = How(variant, roi=("vertebrae_L6",))
    options = Options(task="total_v3", roi=how.roi, model_size="small" if variant == "full_small" else "big")
    labels = compare(run, "total_v3", how, options)
    assert set(np.unique(labels)) == {0, 26}


@pytest.mark.parametrize("name", ["liver_segments", "teeth", "abdominal_muscles", "liver_segments_mr"])
def test_robust_crop(run: Runner, name: str) -> None:
    how = How(robust=True)
    options = Options(task=name, robust_crop=True)
    if name in ("liver_segments", "teeth"):
        compare(run, name, how, options)
    else:
        # There is no finer network for these; the option changes nothing.
        scan, expected, _ = settled(example(name, how), oblique_affine(), lambda each: each.task(name, How()))
        np.testing.assert_array_equal(run(scan, oblique_affine(), options).labels, expected)


@pytest.mark.parametrize(("name", "variant"), [("total", "fast"), ("trunk_cavities", "full")])
def test_body_crop(run: Runner, name: str, variant: str) -> None:
    options = Options(task=name, body_crop=True, fast=variant == "fast")
    compare(run, name, How(variant, body_crop=True), options)


def test_body_crop_is_for_ct(run: Runner) -> None:
    with pytest.raises(OptionsError, match="body-crop"):
        run(example("total_mr", How()), oblique_affine(), Options(task="total_mr", body_crop=True))


@pytest.mark.parametrize("order", [0, 3])
def test_resampling_order(run: Runner, order: int) -> None:
    compare(run, "total", How("fast", order=order), Options(fast=True, resampling_order=order))


def test_resampling_order_holds_for_the_first_look_too(run: Runner) -> None:
    compare(run, "liver_segments", How(order=2), Options(task="liver_segments", resampling_order=2))


def test_splitting_normalises_each_third_for_itself(run: Runner) -> None:
    scan = blocks((8, 112, 7), (2, 4, 2), list(range(100, 900, 7)), np.random.default_rng(5))
    scan += np.arange(112, dtype=np.int16)[None, :, None] * 3
    compare(run, "total_mr", How("fast", split=True), Options(task="total_mr", fast=True, force_split=True), scan)


def test_small_pieces_are_removed(run: Runner) -> None:
    for mm3 in (200.0, 450.0):
        how = How("fast", blobs_mm3=mm3)
        compare(run, "total", how, Options(fast=True, remove_small_blobs=mm3))


@pytest.mark.parametrize("variant", ["fast", "fastest"])
def test_labels_at_model_resolution_say_where_they_are(run: Runner, variant: str) -> None:
    affine, how = oblique_affine(), How(variant, keep_model_resolution=True)
    scan, expected, _ = settled(example("total", how), affine, lambda each: each.task("total", how))

    options = Options(fast=variant == "fast", fastest=variant == "fastest", keep_model_resolution=True)
    result = run(scan, affine, options)

    np.testing.assert_array_equal(result.labels, expected)
    last = np.subtract(scan.shape, 1)
    assert result.geometry.world_ras((0, 0, 0)) == pytest.approx(affine[:3, 3])
    assert result.geometry.world_ras(np.subtract(expected.shape, 1)) == pytest.approx(affine[:3] @ [*last, 1])


@pytest.mark.parametrize("name", ["tissue_types", "headneck_muscles", "liver_segments", "heartchambers_highres"])
def test_smooth_labels(run: Runner, name: str) -> None:
    how = How(smooth="labels")
    if tasks()[name]["variants"]["full"]["spacing_mm"] is None:
        # These networks already work on the scan's own grid: nothing changes.
        scan, expected, _ = settled(example(name, how), oblique_affine(), lambda each: each.task(name, How()))
        result = run(scan, oblique_affine(), Options(task=name, smooth_labels=True))
        np.testing.assert_array_equal(result.labels, expected)
    else:
        compare(run, name, how, Options(task=name, smooth_labels=True))


def test_smooth_labels_leave_out_what_lies_only_between_two_others(run: Runner) -> None:
    """On a scan finer than the network's grid. Interpolating from dark to bright passes through the bands between.

    Along i: dark, bright from 15, dark from 23, the band next to background from 27. No sample of the network's grid
    falls between the voxels of a border, so that band wins between dark and bright only by interpolation: at 23,
    within three samples of where it is, and not at 15.
    """
    dark, middle, _, bright = sorted(round(centre) for centre in band_networks()["481"].centres[0])
    affine, how = oblique_affine((1.6, 0.8, 1.4)), How(smooth="labels")
    scan = np.full((40, 8, 9), dark, np.int16)
    scan[15:23], scan[27:] = bright, middle
    scan, expected, _ = settled(scan, affine, lambda each: each.task("tissue_types", how))

    result = run(scan, affine, Options(task="tissue_types", smooth_labels=True))

    np.testing.assert_array_equal(result.labels, expected)
    between = band_networks()["481"].centres[0].index(middle)
    assert between not in expected[12:18]
    assert between in expected[21:25]


@pytest.mark.parametrize("with_roi", [False, True])
def test_smooth_labels_the_earlier_way(run: Runner, with_roi: bool) -> None:
    roi = brightest_of_rough("298")[:1] if with_roi else ()
    how = How("fast", roi=roi, smooth="legacy")
    compare(run, "total", how, Options(fast=True, roi=roi, smooth_labels_legacy=True))


def test_labels_in_the_order_of_version_1(run: Runner) -> None:
    how = How("fast")
    scan, expected, _ = settled(example("total", how), oblique_affine(), lambda each: each.task("total", how))
    result = run(scan, oblique_affine(), Options(fast=True, v1_order=True))
    task = catalogue().task("total")

    label_map = in_v1_order(LabelMap(result.labels, Geometry(scan.shape, oblique_affine()), task.classes, "total"))

    goal = np.zeros_like(expected)
    for label, name in table()["v1_order"].items():
        if name in class_labels("total"):
            goal[expected == class_labels("total")[name]] = int(label)
    np.testing.assert_array_equal(label_map.array, goal)
    assert len(np.unique(goal)) > 90
    assert {each.label: each.name for each in label_map.classes} == {
        int(label): name for label, name in table()["v1_order"].items()
    }
