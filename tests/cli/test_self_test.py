"""`tsdesktop --self-test` as a person runs it: what is missing is named, the report names nobody, nothing is left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tsdesktop.cli import self_test
from tsdesktop.core.notes import note
from tsdesktop.core.self_test import STEPS, Step
from tsdesktop.pipeline.self_test_report import report_of

TOP = Path(__file__).resolve().parents[2]
WEIGHTS = "demo/Dataset900_phantom/nnUNetTrainer__nnUNetPlans__3d_fullres/fold_0/checkpoint_final.pth"
GERMAN = "translations/tsdesktop_de.qm"
_HIDDEN = 'raise ModuleNotFoundError("No module named \'{name}\'", name="{name}")\n'


def copied_program(folder: Path) -> Path:
    """The program as a release has it, in a folder of its own."""
    shutil.copytree(TOP / "tsdesktop", folder / "tsdesktop")
    shutil.copytree(TOP / "assets", folder / "tsdesktop" / "assets")
    return folder


def hidden(folder: Path, name: str) -> Path:
    """A folder for PYTHONPATH in which the library `name` is not there."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(_HIDDEN.format(name=name))
    return folder


def test_what_is_missing_is_named_and_everything_else_is_tried(tmp_path: Path) -> None:
    program, home, temporary = tmp_path / "program", tmp_path / "meier", tmp_path / "temporary"
    assets = copied_program(program) / "tsdesktop" / "assets"
    (assets / GERMAN).unlink()
    (assets / WEIGHTS).rename(assets / "elsewhere.pth")
    home.mkdir()
    temporary.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "QT_QPA_PLATFORM")}
    environment |= {"PYTHONPATH": str(hidden(tmp_path / "stub", "lib3mf")), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"HOME": str(home), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "tsdesktop", "--self-test", str(tmp_path / "report.json")]
    done = subprocess.run(command, cwd=program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert said == [
        f"{WEIGHTS} is missing among the files of the program. Install the program again.",
        f"{GERMAN} is missing among the files of the program. Install the program again.",
        "The library lib3mf is not installed. Install the program again.",
        "The window lacks a part: words of the language de. Install the program again.",
    ]
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    report = json.loads(text)
    states = {each["name"]: each["state"] for each in report["steps"]}
    assert states == {
        "files": "failed", "libraries": "failed", "network libraries": "ok", "devices": "ok", "segmentation": "skipped",
        "export": "skipped", "window": "failed",
    }  # fmt: skip
    assert {"vtk", "highdicom"} <= set(_step(report, "libraries")["facts"]["versions"])
    assert _step(report, "window")["facts"]["renderer"]
    assert "meier" not in text and str(tmp_path) not in text
    assert list(home.iterdir()) == [] and list(temporary.iterdir()) == []


def test_checking_needs_no_library_itself() -> None:
    code = "import sys, tsdesktop.cli.self_test; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    before = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], check=True, capture_output=True, text=True
    ).stdout.split()
    others = set(loaded) - {each.split(".")[0] for each in before} - set(sys.stdlib_module_names)
    assert others == {"tsdesktop"}


def _step(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in report["steps"] if each["name"] == name]
    return dict(found)


def told(*problems: str) -> tuple[tuple[Step, ...], dict[str, Any]]:
    notes = tuple(note("check.library_missing", name=each) for each in problems)
    steps = (*(Step(name, "ok") for name in STEPS[:-1]), Step("window", "failed" if notes else "ok", 0.1, notes))
    return steps, report_of(steps, 1.0)


def test_without_a_file_the_report_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(self_test, "check_installation", lambda *_: told())
    assert self_test.run([]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["ok"] is True and printed.err == ""


def test_one_sentence_for_each_thing_that_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(self_test, "check_installation", lambda *_: told("vtk", "vtk", "torch"))
    assert self_test.run([str(tmp_path / "report.json")]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and len(printed.err.splitlines()) == 2
    assert json.loads((tmp_path / "report.json").read_text())["ok"] is False


def test_a_report_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(self_test, "check_installation", lambda *_: told())
    assert self_test.run([str(tmp_path / "nowhere" / "report.json")]) == 1
    assert "report.json could not be written: No such file or directory." in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["a.json", "b.json"], ["--quiet"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert self_test.run(arguments) == 2
    assert "usage: tsdesktop --self-test [FILE]" in capsys.readouterr().err
