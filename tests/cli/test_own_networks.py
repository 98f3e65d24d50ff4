"""A person's own network as a task of the command line: listed, run with everything, refused with its reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.networks import BandNetwork, CtRange, write_band_network
from tsdesktop.cli.command import run
from tsdesktop.weights.custom import add_custom, recolour_custom
from tsdesktop.weights.progress import nobody
from tsdesktop.weights.stopping import Stop

TUMOUR = BandNetwork(
    "Dataset702_Tumour/nnUNetTrainer__nnUNetResEncUNetMPlans__3d_lowres",
    ((0.0,),),
    CtRange(-200.0, 400.0, 60.0, 110.0),
    (4.0, 5.0, 6.0),
    patch=(16, 20, 18),
    regions=(0.0, 80.0, 160.0),
    dataset={
        "labels": {"background": 0, "whole / tumour": [1, 2, 3], "core": [2, 3], "enhancing": 3},
        "regions_class_order": [1, 2, 3],
    },
)
AFFINE = np.array([[-3.0, 0, 0, 60], [0, 2.5, 0, -50], [0, 0, 4.0, 10], [0, 0, 0, 1]])


@pytest.fixture
def tumour(tmp_path: Path) -> str:
    (added,) = add_custom(write_band_network(tmp_path / "results", TUMOUR), nobody, Stop())
    return added.name


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    """Shells of 40, 120 and 200 HU in air."""
    array = np.full((40, 44, 30), -1000, np.int16)
    for margin, level in ((6, 40), (10, 120), (12, 200)):
        array[margin:-margin, margin:-margin, margin - 3 : 3 - margin] = level
    path = tmp_path / "ct.nii.gz"
    nib.save(nib.Nifti1Image(array, AFFINE), path)
    return path


def test_it_runs_with_labels_statistics_and_meshes(tumour: str, ct: Path, tmp_path: Path) -> None:
    recolour_custom(tumour, "core", (9, 8, 7))
    out = tmp_path / "out"
    asked = ["segment", str(ct), "-o", str(out), "--task", tumour, "--device", "cpu"]
    assert run([*asked, "--format", "per-class", "--statistics", "--meshes", "stl"]) == 0
    masks = {name: np.asarray(nib.load(out / f"{name}.nii.gz").dataobj) for name in ("whole _ tumour", "core")}
    assert masks["whole _ tumour"][8, 20, 15] == 1 and masks["core"][8, 20, 15] == 0
    assert masks["core"][11, 20, 15] == 1
    assert {each.name for each in (out / "meshes").iterdir()} == {"whole _ tumour.stl", "core.stl", "enhancing.stl"}
    statistics = json.loads((out / "statistics.json").read_text())
    assert statistics["whole / tumour"]["volume"] > statistics["enhancing"]["volume"] > 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["networks"][0]["folder"] == TUMOUR.folder
    assert run([*asked, "--format", "per-class"]) == 1, "files in the way are found under the same names"


def test_info_lists_it(tumour: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info"]) == 0
    line = next(each for each in capsys.readouterr().out.splitlines() if each.startswith(tumour))
    assert line.split() == [tumour, "CT", "3", "full", "Custom:", "Tumour"]
    assert run(["info", tumour, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["group"], facts["problem"], facts["classes"]["1"]["name"]) == ("custom", "", "whole / tumour")


def test_one_that_cannot_run_is_refused_before_the_scan_is_read(
    ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    two = replace(TUMOUR, dataset=TUMOUR.dataset | {"channel_names": {"0": "T1", "1": "T2"}})
    (added,) = add_custom(write_band_network(tmp_path / "results", two), nobody, Stop())
    monkeypatch.setattr("tsdesktop.cli.segment.read", lambda *_, **__: pytest.fail("the scan was read"))
    assert run(["segment", str(ct), "-o", str(tmp_path / "out"), "--task", added.name]) == 1
    reason = "cannot be run here: it needs 2 images at once (T1, T2)"
    assert f"The network Tumour {reason}." in capsys.readouterr().err
    assert run(["info"]) == 0
    assert reason in capsys.readouterr().out
    assert run(["info", added.name]) == 0
    assert f"The network Tumour {reason}." in capsys.readouterr().out
