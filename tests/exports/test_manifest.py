from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tsdesktop import __version__
from tsdesktop.core.errors import ExportError
from tsdesktop.core.notes import note
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import ScanSource, Volume
from tsdesktop.exports.manifest import Run, UsedNetwork, write_manifest


@pytest.fixture
def run(volume: Volume) -> Run:
    source = ScanSource("dicom", "DOE^JANE", "/scans/DOE^JANE/1", "DOE", "1.2.3.4", None, ("/scans/DOE^JANE/1/a.dcm",))
    task = catalogue().task("liver_vessels")
    return Run(
        task,
        Options(task="liver_vessels", device="cpu", statistics=True, series="DOE JANE abdomen"),
        replace(volume, source=source),
        (UsedNetwork("Dataset008_HepaticVessel", "ab" * 32, (0, 4)),),
        "cpu",
        12.3456,
        (note("note.other_series", count=3, name="DOE^JANE"), note("note.thick_slices", spacing_mm=5)),
        task.classes,
    )


def test_manifest_tells_what_was_run(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "masks" / "liver_vessels.nii.gz"
    output.parent.mkdir()
    output.write_bytes(b"content")
    write_manifest(tmp_path / "manifest.json", run, [output])
    told = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert told["program"] == {"name": "tsdesktop", "version": __version__}
    assert {"numpy", "nibabel", "torch", "nnunetv2"} <= set(told["libraries"])
    assert told["task"]["name"] == "liver_vessels"
    assert told["classes"] == {"1": "liver_vessels", "2": "liver_tumor"}
    assert told["networks"] == [{"folder": "Dataset008_HepaticVessel", "plans_sha256": "ab" * 32, "folds": [0, 4]}]
    assert told["options"] == {"task": "liver_vessels", "device": "cpu", "statistics": True, "series": "(given)"}
    assert told["source"]["shape"] == [17, 13, 11]
    assert told["source"]["spacing_mm"] == pytest.approx([0.7, 0.9, 2.5])
    assert told["source"]["affine_ras"] == run.volume.affine.tolist()
    assert told["runtime_seconds"] == 12.35
    sha256 = hashlib.sha256(b"content").hexdigest()
    assert told["outputs"] == [{"name": "masks/liver_vessels.nii.gz", "bytes": 7, "sha256": sha256}]
    assert [each["id"] for each in told["notes"]] == ["note.other_series", "note.thick_slices"]
    assert "5 mm thick" in told["notes"][1]["sentence"]
    assert "https://arxiv.org/abs/1902.09063" in told["cite"]
    assert "https://doi.org/10.1148/ryai.230024" in told["cite"]


def test_the_torch_that_computed_is_named_instead_of_the_installed_one(run: Run, tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", replace(run, torch="2.13.0+cu130"), [])
    told = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert told["libraries"]["torch"] == "2.13.0+cu130"


def test_neither_patient_nor_folders_are_named(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "labels.nii.gz"
    output.write_bytes(b"")
    elsewhere = tmp_path / "folder"
    elsewhere.mkdir()
    write_manifest(elsewhere / "manifest.json", run, [output])
    text = (elsewhere / "manifest.json").read_text(encoding="utf-8")
    for secret in ("DOE", "JANE", "1.2.3.4", "/scans", str(tmp_path)):
        assert secret not in text
    assert json.loads(text)["outputs"][0]["name"] == "labels.nii.gz"


def test_instant_tasks_cite_no_network(run: Run, tmp_path: Path) -> None:
    instant = replace(run, task=catalogue().task("bone"), networks=())
    write_manifest(tmp_path / "manifest.json", instant, [])
    assert json.loads((tmp_path / "manifest.json").read_text())["cite"] == []
    mr = replace(run, task=catalogue().task("total_mr"))
    write_manifest(tmp_path / "mr.json", mr, [])
    assert json.loads((tmp_path / "mr.json").read_text())["cite"] == [
        "https://doi.org/10.1148/radiol.241613",
        "https://doi.org/10.1038/s41592-020-01008-z",
    ]


def test_missing_output_and_existing_manifest_are_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"gone\.stl could not be written"):
        write_manifest(tmp_path / "manifest.json", run, [tmp_path / "gone.stl"])
    (tmp_path / "manifest.json").write_text("mine")
    with pytest.raises(ExportError, match="exists already"):
        write_manifest(tmp_path / "manifest.json", run, [])
