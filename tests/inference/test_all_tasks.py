"""Every task and variant gives, voxel for voxel, what its networks, crop, label table and corrections must give."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inference.bands import class_labels, tasks
from tests.inference.conftest import Runner
from tests.inference.examples import example, oblique_affine, settled
from tests.inference.expected import How
from tsdesktop.core.options import Options

_OWN_SHAPES = ("body", "vertebrae_pp", "vertebrae_pp_refined")
CASES = [(name, variant) for name, task in tasks().items() for variant in task["variants"] if name not in _OWN_SHAPES]


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_task_gives_its_labels(run: Runner, name: str, variant: str) -> None:
    how = How(variant)
    scan, expected, expectation = settled(example(name, how), oblique_affine(), lambda each: each.task(name, how))

    result = run(scan, oblique_affine(), options_for(name, variant))

    assert result.geometry.matches(type(result.geometry)(scan.shape, oblique_affine()))
    np.testing.assert_array_equal(result.labels, expected)
    assert set(np.unique(expected)) >= set(class_labels(name).values()), "the scan must show every structure"
    for crop in expectation.crops:
        assert 0 < np.prod([part.stop - part.start for part in crop]) < 0.7 * scan.size, "the crop must matter"
    assert run.heard.shares == sorted(run.heard.shares)
    assert run.meter.left.windows == 0 and abs(run.meter.left.around_s) < 1e-6, "done is what was planned"


def options_for(name: str, variant: str) -> Options:
    return Options(
        task=name,
        fast=variant.startswith("fast") and variant != "fastest",
        fastest=variant == "fastest",
        model_size="small" if variant.endswith("_small") else "big",
    )
