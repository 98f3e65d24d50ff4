"""The command line as a person types it: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import psutil
import pytest

from tests.slow_network import write_slow_network
from tsdesktop.cli.command import run
from tsdesktop.cli.printing import progress_text, table, time_left
from tsdesktop.core.tasks import catalogue
from tsdesktop.jobs.messages import Progress

AFFINE = np.array([[-3.0, 0, 0, 60], [0, 2.5, 0, -50], [0, 0, 4.0, 10], [0, 0, 0, 1]])


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    """A block of soft tissue of 200 x 150 x 120 mm with a bar of bone of 30 x 30 mm through it, in air."""
    array = np.full((96, 80, 40), -1000, np.int16)
    array[12:79, 10:70, 5:35] = 40
    array[40:50, 30:42, 5:35] = 800
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(array, AFFINE), path)
    return path


def test_segment_writes_what_was_asked_for_and_says_where(
    ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    asked = ["segment", str(ct), "-o", str(out), "--task", "bone", "--statistics", "--meshes", "stl", "--preview"]
    assert run(asked) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "1 of 1 structures" in printed[0]
    names = {"bone.nii.gz", "bone.json", "meshes/bone.stl", "preview.png"}
    names |= {f"statistics{ending}" for ending in (".json", ".csv", ".xlsx", "_full.json")}
    assert {str(Path(line).relative_to(out)) for line in printed[1:]} == names | {"manifest.json"}
    image = nib.load(out / "bone.nii.gz")
    assert np.allclose(image.affine, AFFINE) and image.get_data_dtype() == np.uint8
    with (out / "statistics.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert float(row["volume_ml"]) == pytest.approx(30 * 30 * 120 / 1000, rel=0.02)
    assert run(asked) == 1
    assert "exists already" in capsys.readouterr().err
    before = (out / "bone.nii.gz").stat().st_mtime_ns
    assert run([*asked, "--overwrite", "-q"]) == 0
    assert (out / "bone.nii.gz").stat().st_mtime_ns > before
    assert capsys.readouterr() == ("", "")


def test_a_label_file_as_output_keeps_other_results_beside_it(ct: Path, tmp_path: Path) -> None:
    asked = ["segment", str(ct), "-o", str(tmp_path / "b.nii.gz"), "--task", "bone", "--meshes", "stl", "--statistics"]
    assert run(asked) == 0
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("b*") if path.is_file()}
    tables = {f"b_statistics{ending}" for ending in (".json", ".csv", ".xlsx", "_full.json")}
    assert found == {"b.nii.gz", "b.json", "b_meshes/bone.stl", "b_manifest.json"} | tables


def test_several_formats_at_once(ct: Path, tmp_path: Path) -> None:
    asked = ["segment", str(ct), "-o", str(tmp_path / "out"), "--task", "fat_soft_bone", "--meshes", "3mf", "glb"]
    assert run([*asked, "--mesh-layout", "parts", "--label-formats", "nrrd", "--no-manifest"]) == 0
    found = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {"fat_soft_bone.seg.nrrd", "all_parts.3mf", "all_parts.glb"}


@pytest.mark.parametrize("asked", [["--label-formats", "nifti", "dicom-seg"], ["--dicom-sr"]])
def test_dicom_results_of_another_scan_are_refused_before_computing(
    ct: Path, tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["segment", str(ct), "-o", str(tmp_path / "out"), "--task", "bone", *asked]) == 1
    assert "was not read from DICOM files" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_file_per_structure(ct: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(["segment", str(ct), "-o", str(out), "--task", "fat_soft_bone", "--format", "per-class"]) == 0
    soft = np.asarray(nib.load(out / "soft_tissue.nii.gz").dataobj)
    assert soft[20, 20, 20] == 1 and soft[45, 35, 20] == 0 and soft[2, 2, 2] == 0
    assert {path.name for path in out.glob("*.nii.gz")} == {
        f"{each.name}.nii.gz" for each in catalogue().task("fat_soft_bone").classes
    }


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["segment", "nowhere.nii.gz", "-o", "x", "--task", "bone"], 1, "nowhere.nii.gz does not exist."),
        (["segment", "{ct}", "-o", "x", "--task", "totl"], 2, "Did you mean total?"),
        (["segment", "{ct}", "-o", "x", "--roi", "livr"], 2, "Did you mean liver?"),
        (["segment", "{ct}", "-o", "x", "--task", "lung_vessels", "--fast"], 2, "lung_vessels has no fast version."),
        (["segment", "{ct}", "-o", "x", "--fast", "--fastest"], 2, "cannot be used together"),
        (["segment", "{ct}", "-o", "x", "--task", "bone", "--device", "tpu", "--resampling-order", "7"], 2, "7 is not"),
        (["segment", "{ct}", "-o", "x"], 1, "Dataset291_TotalSegmentator_part1_organs_1559subj.zip"),
        (["segment", "{ct}", "-o", "x", "--task", "face"], 1, "licence"),
        (["convert", "{text}", "-o", "x.nii.gz"], 1, "is not a scan this program can read"),
        (["info", "nothing"], 2, "There is no task named nothing."),
    ],
)
def test_mistakes_get_one_plain_sentence(
    arguments: list[str], code: int, words: str, ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("Dear colleague, thank you for referring this patient.")
    places = {"ct": str(ct), "text": str(text)}
    assert run([each.format(**places) for each in arguments]) == code
    said = capsys.readouterr()
    assert words in said.err and "Traceback" not in said.err and said.out == ""
    assert len(said.err.splitlines()) <= 2


def test_files_in_the_way_are_refused_before_anything_is_computed(
    ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsdesktop.cli.segment.read", lambda *_, **__: pytest.fail("the scan was read"))
    (tmp_path / "preview.png").write_bytes(b"mine")
    assert run(["segment", str(ct), "-o", str(tmp_path), "--task", "bone", "--preview"]) == 1
    assert "preview.png exists already." in capsys.readouterr().err
    assert run(["segment", str(ct), "-o", str(ct / "out"), "--task", "bone"]) == 1
    assert "is a file, not a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["segment"], ["segment", "a.nii"], ["frobnicate"], ["segment", "--format=x"]]
)
def test_wrong_usage_ends_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(arguments)
    assert caught.value.code == 2


def test_info_lists_tasks_classes_and_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "--json"]) == 0
    tasks = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert "test" not in tasks and "total_highres_test" not in tasks
    assert tasks["total"]["variants"]["fast"]["networks"][0]["state"] == "missing"
    assert run(["info", "total", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["classes"]["1"]["name"] == "spleen" and len(facts["classes"]) == 117
    assert run(["info"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in catalogue().tasks)


def test_devices_says_why_a_card_is_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["devices", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["devices"]
    assert any(each["name"] == "cpu" and not each["refused"] for each in found)
    assert all(each["refused"] for each in found if each["name"] != "cpu" and each["memory_gb"] == 0.0)


def test_convert_writes_what_was_read(ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goal = tmp_path / "copy.nii.gz"
    assert run(["convert", str(ct), "-o", str(goal)]) == 0
    before, after = nib.load(ct), nib.load(goal)
    assert np.array_equal(np.asarray(before.dataobj), np.asarray(after.dataobj))
    assert np.allclose(before.affine, after.affine) and after.get_data_dtype() == np.int16
    assert "axes LAS" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="signals as a terminal sends them")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_a_request_to_end_tidy_up(
    ct: Path, tmp_path: Path, own_data_folder: Path, asked: signal.Signals
) -> None:
    network = catalogue().networks["297"]
    write_slow_network(tmp_path / "weights" / network.folder, labels=network.labels)
    command = [sys.executable, "-m", "tsdesktop", "segment", str(ct), "-o", str(tmp_path / "out"), "--fast", "-v"]
    environment = os.environ | {"TSDESKTOP_WEIGHTS_DIR": str(tmp_path / "weights")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as program:
        children = _children_once_started(program)
        time.sleep(3.0)
        program.send_signal(asked)
        _, said = program.communicate(timeout=10)
    assert program.returncode == 1
    assert said.rstrip().endswith("Cancelled.") and "Traceback" not in said
    assert not any(child.is_running() for child in children)
    assert list((own_data_folder / "cache" / "runs").iterdir()) == []
    assert not (tmp_path / "out").exists()


def _children_once_started(program: subprocess.Popen[str]) -> list[psutil.Process]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if children := psutil.Process(program.pid).children():
            return children
        time.sleep(0.05)
    raise AssertionError("the inference process was not started")


def test_progress_reads_well() -> None:
    told = Progress("total organs", 0.3333, part=1, parts=5, tile=7, tiles=27, seconds_left=190.4)
    assert progress_text(told) == " 33% · total organs · network 1 of 5 · window 7 of 27 · 3 min 10 s left"
    assert [time_left(s) for s in (4.6, 59.6, 3700)] == ["5 s left", "1 min 00 s left", "1 h 01 min left"]
    assert table([("a", "long"), ("bbb", "c")]) == "a    long\nbbb  c"


def test_a_run_loads_neither_other_commands_nor_libraries_it_may_not_need() -> None:
    code = (
        "import sys; from tsdesktop.cli.command import make_parser; make_parser('segment');"
        "print(*sorted({name.split('.')[0] for name in sys.modules} | {n for n in sys.modules if 'cli' in n}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "tsdesktop.cli.segment" in loaded and "tsdesktop.cli.weights" not in loaded
    assert not {"vtkmodules", "SimpleITK", "pydicom", "nibabel", "scipy", "httpx", "torch"} & set(loaded)


def test_a_file_that_exists_is_kept_and_the_option_is_named(
    ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goal = tmp_path / "copy.nii.gz"
    goal.write_bytes(b"dear")
    assert run(["convert", str(ct), "-o", str(goal)]) == 1
    assert "--overwrite" in capsys.readouterr().err and goal.read_bytes() == b"dear"
