"""The tasks whose labels are corrected afterwards, on scans where every correction has something to do."""

from __future__ import annotations

from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from tests.inference.bands import class_labels
from tests.inference.conftest import Runner
from tests.inference.examples import level_of, oblique_affine, settled
from tests.inference.expected import Expectation, How
from tsdesktop.core.options import Options

Array = NDArray[Any]
_BODY_SPACING_MM = (7.2, 6.1, 5.3)
_SPINE_SPACING_MM = (2.0, 2.3, 1.7)


@pytest.mark.parametrize("variant", ["full", "fast"])
def test_body_keeps_one_trunk_and_large_extremities(run: Runner, variant: str) -> None:
    affine = oblique_affine(_BODY_SPACING_MM)
    key = {"full": "299", "fast": "300"}[variant]
    trunk, arm = (level_of(key, class_labels("body")[name]) for name in ("body_trunc", "body_extremities"))
    scan = np.full((20, 22, 18), -40, np.int16)
    scan[1:11, 2:14, 2:14] = trunk
    scan[14:18, 2:5, 3:7] = trunk
    scan[12:18, 8:17, 1:8] = arm
    scan[13:17, 17:21, 11:16] = arm
    how = How(variant)
    scan, expected, _ = settled(scan, affine, lambda each: each.task("body", how))

    result = run(scan, affine, Options(task="body", fast=variant == "fast"))

    np.testing.assert_array_equal(result.labels, expected)
    assert labels_lost_and_left(expected, scan, affine, how) == ({1, 2}, {1, 2})


# Each spine, from below: first voxel along the body, size in voxels across and along, and the number its middle gets.
FROM_TOP = [(2, (5, 5, 3), 9), (8, (4, 5, 3), 3), (15, (5, 4, 4), 1), (22, (2, 2, 2), 0)]
FROM_BOTTOM = [(2, (5, 5, 3), 24), (8, (4, 5, 3), 1), (15, (5, 4, 4), 17), (22, (5, 6, 3), 8)]
NEITHER_END = [(2, (5, 5, 3), 13), (8, (4, 5, 3), 20), (15, (5, 4, 4), 9), (22, (5, 6, 3), 8)]


@pytest.mark.parametrize("task", ["vertebrae_pp", "vertebrae_pp_refined"])
@pytest.mark.parametrize("spine", [FROM_TOP, FROM_BOTTOM, NEITHER_END], ids=["top", "bottom", "middle"])
def test_mixed_up_vertebrae_are_numbered_again(run: Runner, task: str, spine: list[Any]) -> None:
    scan, expected, _ = settled(spine_of(spine), spine_affine(), lambda each: each.task(task, How()))

    result = run(scan, spine_affine(), Options(task=task))

    np.testing.assert_array_equal(result.labels, expected)
    numbers = {int(label) for label in np.unique(expected[expected > 0])}
    bare = Expectation(nib.Nifti1Image(scan, spine_affine())).rough(task, "full")
    assert ndimage.label(bare > 0)[1] == 4
    if spine is FROM_TOP:
        assert numbers == {1, 2, 3}, "three vertebrae counted from C1; the speck below 100 mm3 is none"
    else:
        assert numbers == set(range(max(numbers) - 3, max(numbers) + 1)), "counted from the lowest one present"
    assert (max(numbers) == 24) == (spine is FROM_BOTTOM)


def test_vertebrae_that_do_not_touch_keep_their_numbers(run: Runner) -> None:
    level, first = min((level_of("803", label), label) for label in range(1, 25))
    scan = np.full((14, 24, 14), level_of("803", 0), np.int16)
    scan[3:8, 2:6, 4:9] = level
    scan[3:8, 9:12, 4:9] = level
    scan, expected, _ = settled(scan, spine_affine(), lambda each: each.task("vertebrae_pp", How()))

    result = run(scan, spine_affine(), Options(task="vertebrae_pp"))

    np.testing.assert_array_equal(result.labels, expected)
    assert set(np.unique(expected)) == {0, first}


def spine_affine() -> NDArray[np.float64]:
    """Voxel axis j runs upwards."""
    return oblique_affine(_SPINE_SPACING_MM)


def spine_of(spine: list[Any]) -> Array:
    """Blocks along j. Their borders pass through the bands of other vertebrae: numbers are mixed up in each of them."""
    rng = np.random.default_rng(3)
    scan = np.full((14, 28, 14), -60, np.int16)
    for start, (i, j, k), number in spine:
        level = level_of("803", number) if number else 33
        scan[3 : 3 + i, start : start + k, 4 : 4 + j] = level
    noisy: Array = scan + rng.integers(-2, 3, scan.shape).astype(np.int16)
    return noisy


def labels_lost_and_left(expected: Array, scan: Array, affine: Array, how: How) -> tuple[set[int], set[int]]:
    """Of the task body: labels that corrections cleared somewhere, and labels that are left."""
    bare = Expectation(nib.Nifti1Image(scan, affine)).rough("body", how.variant)
    lost = {int(label) for label in np.unique(bare[(bare > 0) & (expected == 0)])}
    return lost, {int(label) for label in np.unique(expected[expected > 0])}
