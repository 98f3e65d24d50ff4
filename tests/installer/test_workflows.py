"""The workflows name files, commands and options that are there, and ask for no more rights than they need."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer import build, dev, program
from installer.facts import read_facts

TOP = Path(__file__).resolve().parents[2]
needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="the script is bash's")
WORKFLOWS = sorted(TOP.glob(".github/workflows/*.yml"))


def read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return told


def steps_of(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def scripts() -> str:
    return "\n".join(step.get("run", "") for path in WORKFLOWS for step in steps_of(read(path)))


def installers() -> dict[str, Any]:
    return read(TOP / ".github" / "workflows" / "installers.yml")


def test_there_are_workflows_for_checks_and_installers() -> None:
    assert [path.name for path in WORKFLOWS] == ["checks.yml", "installers.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_githubs_own_and_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    assert len(used) == sum("uses" in step for step in steps_of(read(path))) > 0
    for each in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_only_read_unless_they_release(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    writing = {name for name, job in workflow["jobs"].items() if "permissions" in job}
    assert writing <= {"release"}
    for step in steps_of(workflow):
        if "checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_only_a_tag_makes_a_release_and_only_a_draft() -> None:
    release = installers()["jobs"]["release"]
    assert release["if"] == "github.ref_type == 'tag'" and release["needs"] == "build"
    (made,) = [step["run"] for step in release["steps"] if "gh release" in step.get("run", "")]
    assert "--draft" in made and "--verify-tag" in made


def test_scripts_that_are_called_are_there() -> None:
    called = set(re.findall(r"python3? (installer/\w+\.py)", scripts()))
    assert called == {"installer/dev.py", "installer/build.py", "installer/sbom.py"}
    assert all((TOP / name).is_file() for name in called)
    for name in re.findall(r"\bdev\.(\w+)\(", scripts()):
        assert callable(getattr(dev, name))


def test_every_system_that_can_be_built_is_built() -> None:
    matrix = installers()["jobs"]["build"]["strategy"]["matrix"]["include"]
    assert [each["target"] for each in matrix] == list(build.SYSTEMS)
    for each in matrix:
        assert build.parse([each["target"]]).platform == each["target"]


def test_programs_that_are_checked_have_these_names() -> None:
    facts = read_facts()
    text = scripts()
    assert f"xvfb-run --auto-servernum {facts.name} --self-test" in text
    assert f"-Filter {program.executables(facts, 'windows')[1][0]}.exe" in text
    assert f"{facts.formal_name}.app/Contents/MacOS/{facts.name}" in text


@needs_bash
def test_the_step_that_compares_tag_and_version_finds_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    (script,) = [step["run"] for step in steps_of(installers()) if "tag is the version" in step.get("name", "")]
    for tag, code in ((f"v{read_facts().version}", 0), ("v99.0", 1)):
        done = subprocess.run(["bash", "-ec", script], cwd=TOP, env={"TAG": tag, "PATH": "/usr/bin:/bin"}, check=False)
        assert done.returncode == code


@needs_bash
def test_scripts_of_bash_have_no_slips(tmp_path: Path) -> None:
    for path in WORKFLOWS:
        for number, step in enumerate(steps_of(read(path))):
            if "run" in step and step.get("shell") != "pwsh":
                script = tmp_path / f"{path.stem}-{number}.sh"
                script.write_text(step["run"])
                assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0, step
