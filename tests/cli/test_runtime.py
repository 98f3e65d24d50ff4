"""`tsdesktop runtime`: from a package index on this computer to a set that is used, and away again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtimes.conftest import DRIVER
from tests.runtimes.stand_in import Indexes, wheel
from tsdesktop.cli import runtime
from tsdesktop.cli.command import run
from tsdesktop.core.torch_build import TorchBuild
from tsdesktop.runtimes import active, planning, trial
from tsdesktop.runtimes.manifest import Verdict, installed_sets, write_verdict
from tsdesktop.weights.stopping import Stop

TORCH = wheel(
    "torch",
    "9.1",
    {"torch/__init__.py": "", "torch/version.py": "__version__ = '9.1+cu130'\ncuda = '13.0'\n"},
    ["nvidia-cuda-runtime==13.0.96"],
)


@pytest.fixture
def indexes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    build = TorchBuild("9.1+cpu", False)
    for module in (planning, active, runtime):
        monkeypatch.setattr(module, "torch_build", lambda: build)
    monkeypatch.setattr(trial, "driver_version", lambda: (13, 0))
    monkeypatch.setattr(runtime, "find_driver", lambda: DRIVER)
    monkeypatch.setattr("sys.platform", "linux")
    with Indexes() as made:
        made.set_environment(monkeypatch)
        made.publish(TORCH, wheel("nvidia-cuda-runtime", "13.0.96", {"nvidia/rt.so": "rt"}))
        yield made


def trial_says(monkeypatch: pytest.MonkeyPatch, works: bool, reason: str = "") -> None:
    def judged(folder: Path, command: list[str], stop: Stop) -> Verdict:
        verdict = Verdict(works, reason, "13.0", "RTX A4000")
        write_verdict(folder, verdict)
        return verdict

    monkeypatch.setattr(runtime, "try_out", judged)


def test_listed_installed_verified_and_removed(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trial_says(monkeypatch, True)
    assert run(["runtime", "list"]) == 0
    said = capsys.readouterr().out
    assert "torch 9.1+cpu" in said
    assert "NVIDIA RTX A4000, 16.0 GB, compute capability 8.6" in said
    assert not indexes.asked
    assert run(["runtime", "install", "--yes"]) == 0
    said = capsys.readouterr().out
    assert "torch 9.1 for CUDA (cu130), 2 files from 127.0.0.1." in said
    assert "NVIDIA's own licence" in said
    assert "RTX A4000 works." in said
    assert run(["runtime", "list", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["active"] == facts["sets"][0]["folder"]
    assert facts["sets"][0]["works"] is True
    before = len(indexes.asked)
    assert run(["runtime", "install"]) == 0
    assert "is here already" in capsys.readouterr().out
    assert len(indexes.asked) == before
    assert run(["runtime", "verify"]) == 0
    assert "every file is as it was fetched" in capsys.readouterr().out
    assert run(["runtime", "remove", "--yes"]) == 0
    assert not installed_sets()
    assert run(["runtime", "remove", "--yes"]) == 1


def test_what_does_not_work_is_said_with_what_to_do(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trial_says(monkeypatch, False, "libcudart.so.13 is missing")
    assert run(["runtime", "install", "--yes", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert "does not work with them: libcudart.so.13 is missing." in said
    assert "Networks run on the processor." in said
    assert run(["runtime", "list"]) == 0
    assert "Not used: the libraries fetched for it do not work (libcudart.so.13 is missing)" in capsys.readouterr().out


def test_a_changed_file_is_named(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trial_says(monkeypatch, True)
    assert run(["runtime", "install", "--yes"]) == 0
    (installed_sets()[0].folder / "nvidia/rt.so").write_text("rx")
    assert run(["runtime", "verify"]) == 1
    assert "nvidia/rt.so" in capsys.readouterr().err


def test_without_a_driver_nobody_is_asked(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runtime, "find_driver", lambda: None)
    assert run(["runtime", "install", "--yes"]) == 1
    assert "No driver for an NVIDIA graphics card" in capsys.readouterr().err
    assert run(["runtime", "list"]) == 0
    assert "No driver" in capsys.readouterr().out
    assert not indexes.asked
