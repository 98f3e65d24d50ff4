"""A print of labels tells which run made them, as long as they are the run's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.pipeline.test_export_plan import result as result
from tsdesktop.core.options import Options
from tsdesktop.core.printing import PrintRecipe
from tsdesktop.exports.nifti import write_label_map
from tsdesktop.pipeline import Segmentation, export
from tsdesktop.pipeline.origin import run_beside, run_of_result
from tsdesktop.pipeline.printing import PrintPlace, print_parts


@pytest.mark.parametrize("out", ["run", "run/labels.nii.gz"])
@pytest.mark.parametrize("options", [Options(fast=True), Options(fast=True, format="per-class")])
def test_what_is_printed_tells_of_the_run(result: Segmentation, tmp_path: Path, out: str, options: Options) -> None:
    files = export(replace(result, options=options), tmp_path / out)
    labels = files[0] if options.format == "multilabel" else files[0].parent
    printed = print_parts(labels, PrintRecipe(("liver",)), PrintPlace(tmp_path / "parts"))
    told = json.loads(printed.files[-1].read_text(encoding="utf-8"))["run"]
    assert told["task"]["name"] == "total" and told["made_at"] == "2026-05-04T03:02:01Z"
    assert told["options"]["fast"] is True and "outputs" not in told


def test_a_run_of_this_window_tells_the_same_as_its_files(result: Segmentation, tmp_path: Path) -> None:
    assert run_of_result(result) == run_beside(export(result, tmp_path)[0].parent)


def test_labels_that_were_changed_are_not_the_runs(result: Segmentation, tmp_path: Path) -> None:
    path = export(result, tmp_path)[0]
    assert run_beside(path) and run_beside(tmp_path)
    changed = result.label_map.with_array(np.roll(result.label_map.array, 1, axis=0))
    write_label_map(changed, path, overwrite=True)
    assert run_beside(path) == {} == run_beside(tmp_path)


def test_manifests_that_are_damaged_or_of_others_tell_nothing(result: Segmentation, tmp_path: Path) -> None:
    path = export(result, tmp_path)[0]
    for text in ("{", "[]", '{"program": 1, "outputs": []}', '{"program": {"name": "tsdesktop"}, "outputs": [1]}'):
        (tmp_path / "manifest.json").write_text(text)
        assert run_beside(path) == {}
