"""The set-up script, as far as it can be tested without installing anything."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from installer import dev

TOP = Path(dev.__file__).resolve().parents[1]


def test_arguments_are_handed_on_untouched() -> None:
    assert dev.parse(["run"]) == ("run", [])
    assert dev.parse(["test", "-k", "name"]) == ("test", ["-k", "name"])
    assert dev.parse(["run", "segment", "--help"]) == ("run", ["segment", "--help"])


@pytest.mark.parametrize("arguments", [[], ["build"], ["-k", "name"]])
def test_anything_but_run_and_test_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        dev.parse(arguments)
    assert ended.value.code == 2
    assert "run,test" in capsys.readouterr().err


def test_an_older_python_is_refused_with_one_sentence() -> None:
    assert dev.refuse_old_python((3, 11, 0), "python3") == ""
    assert dev.refuse_old_python((3, 13, 1), "python3") == ""
    refusal = dev.refuse_old_python((3, 9, 2), "/usr/bin/python3")
    assert "3.11" in refusal
    assert "3.9.2" in refusal
    assert "\n" not in refusal


def test_the_script_needs_nothing_but_the_standard_library() -> None:
    script = TOP / "installer" / "dev.py"
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        for name in _imported_by(node)
    }
    assert imported <= sys.stdlib_module_names
    subprocess.run([sys.executable, "-S", "-I", str(script), "--help"], check=True, capture_output=True)


def test_an_old_python_can_read_the_script_far_enough_to_refuse() -> None:
    script = (TOP / "installer" / "dev.py").read_text(encoding="utf-8")
    ast.parse(script, feature_version=(3, 7))
    top_level = {name for node in ast.parse(script).body for name in _imported_by(node)}
    assert "tomllib" not in top_level


def test_constraints_hold_torch_and_the_torchvision_that_asks_for_it() -> None:
    constraints = dev.CONSTRAINTS.read_text(encoding="utf-8")
    assert dev.pinned_version("torch", constraints) == "2.13.0"
    assert dev.pinned_version("torchvision", constraints) == "0.28.0"
    with pytest.raises(ValueError, match="numpy"):
        dev.pinned_version("numpy", constraints)


def test_pins_are_found_beside_comments_and_markers() -> None:
    text = "# torch==1.0\ntorchaudio==9.9\ntorch==2.0 ; python_version > '3' # why\n"
    assert dev.pinned_version("torch", text) == "2.0"


def test_a_stamp_covers_the_same_request_and_smaller_ones() -> None:
    stamp = dev.Stamp("abc", ("test",))
    assert stamp.covers("abc", ("test",))
    assert stamp.covers("abc", ())
    assert not dev.Stamp("abc", ()).covers("abc", ("test",))
    assert not stamp.covers("other", ())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fingerprint": "abc"}', '{"fingerprint": "a", "extras": 3}'])
def test_a_damaged_stamp_means_not_installed(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stamp.json"
    path.write_text(content, encoding="utf-8")
    assert dev.read_stamp(path) == dev.Stamp("", ())
    assert dev.read_stamp(tmp_path / "missing.json") == dev.Stamp("", ())


def test_the_fingerprint_follows_what_decides_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "pyproject.toml"
    constraints = tmp_path / "constraints.txt"
    monkeypatch.setattr(dev, "TOP", tmp_path)
    monkeypatch.setattr(dev, "CONSTRAINTS", constraints)
    project.write_text('[project]\nname = "a"\n[tool.ruff]\nline-length = 1\n', encoding="utf-8")
    constraints.write_text("torch==1.0\n", encoding="utf-8")
    first = dev.fingerprint_of("3.11")
    project.write_text('[project]\nname = "a"\n[tool.ruff]\nline-length = 2\n', encoding="utf-8")
    assert dev.fingerprint_of("3.11") == first, "how code is checked changes nothing that is installed"
    assert dev.fingerprint_of("3.12") != first
    constraints.write_text("torch==2.0\n", encoding="utf-8")
    second = dev.fingerprint_of("3.11")
    assert second != first
    project.write_text('[project]\nname = "a"\ndependencies = ["numpy"]\n', encoding="utf-8")
    assert dev.fingerprint_of("3.11") not in {first, second}


def test_only_what_is_missing_is_asked_for() -> None:
    assert dev.missing_packages(dev.SCREEN, lambda command: True) == []
    assert dev.missing_packages(dev.SCREEN, lambda command: False) == ["xvfb", "xauth"]
    assert dev.missing_packages(dev.SCREEN, lambda command: command == "xvfb-run") == ["xauth"]
    assert "libxcb-icccm4" in dev.missing_packages(dev.LIBRARIES, lambda library: "icccm" not in library)


def test_a_library_that_is_not_here_is_noticed() -> None:
    assert not dev.can_be_loaded("libnothing-of-this-name.so.7")


@pytest.mark.parametrize(
    ("environment", "platform", "shown"),
    [({}, "linux", False), ({"DISPLAY": ":0"}, "linux", True), ({"WAYLAND_DISPLAY": "w"}, "linux", True),
     ({}, "darwin", True), ({}, "win32", True)],
)  # fmt: skip
def test_the_window_is_opened_where_it_can_be_seen(environment: dict[str, str], platform: str, shown: bool) -> None:
    assert dev.has_display(environment, platform) is shown


def test_no_virtual_screen_is_installed_beside_a_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "apt_install", lambda packages: pytest.fail("something was installed"))
    monkeypatch.setattr(shutil, "which", lambda command: None)
    monkeypatch.setattr(dev, "can_be_loaded", lambda library: True)
    dev.install_virtual_screen({"DISPLAY": ":0"})


def test_programs_that_check_files_are_asked_for_and_not_insisted_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda command: "/usr/bin/it" if command in {"assimp", "apt-get"} else None)
    monkeypatch.setattr(dev, "apt_install", asked.append)
    dev.install_readers()
    assert asked == [["dicom3tools"]]
    assert "sudo apt-get install dicom3tools" in capsys.readouterr().out


def test_nothing_is_installed_into_the_system_by_an_ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(subprocess, "call", lambda *_, **__: pytest.fail("something was started"))
    assert not dev.apt_install(["xvfb"])


def test_the_line_to_run_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda command: "/usr/bin/apt-get")
    assert dev.apt_line(["xauth", "xvfb"]) == "run `sudo apt-get install xauth xvfb`"
    monkeypatch.setattr(shutil, "which", lambda command: None)
    assert "xauth xvfb" in dev.apt_line(["xauth", "xvfb"])


def test_every_check_runs_and_pytest_comes_last_on_the_screen() -> None:
    every = dev.checks(Path("python"), [], ("xvfb-run", "-a"))
    assert [each.name for each in every] == ["ruff check", "ruff format", "mypy", "lint-imports", "pytest"]
    assert every[-1].command == ("xvfb-run", "-a", "python", "-m", "pytest", *dev.IN_PROCESSES)
    assert all(each.command[0] == "python" for each in every[:-1])


def test_with_arguments_only_pytest_runs() -> None:
    (only,) = dev.checks(Path("python"), ["-k", "name"], ())
    assert only.command == ("python", "-m", "pytest", "-k", "name")


def test_a_display_that_is_there_is_used() -> None:
    assert dev.on_virtual_screen({"DISPLAY": ":0"}) == ()


def test_half_installed_packages_are_removed_and_whole_ones_kept(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("whole-1.0.dist-info", "half-1.0.dist-info", "~alf", "half"):
        (packages / name).mkdir(parents=True)
    for name in ("INSTALLER", "RECORD"):
        (packages / "whole-1.0.dist-info" / name).touch()
    (packages / "half-1.0.dist-info" / "RECORD").touch()
    dev.remove_half_installed(tmp_path)
    assert sorted(each.name for each in packages.iterdir()) == ["half", "whole-1.0.dist-info"]


def test_an_environment_without_python_or_pip_is_not_taken(tmp_path: Path) -> None:
    assert dev.version_of(tmp_path / "bin" / "python") == ""
    assert dev.version_of(Path(sys.executable)) in {"", "{}.{}".format(*sys.version_info[:2])}


def test_an_interrupted_pip_is_not_taken_for_a_failed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "call", lambda *_, **__: -2)
    with pytest.raises(KeyboardInterrupt):
        dev.pip(Path("python"), "check")


def test_a_failed_installation_leaves_the_former_one_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = tmp_path / "stamp.json"
    stamp.write_text('{"fingerprint": "before", "extras": []}', encoding="utf-8")
    monkeypatch.setattr(dev, "VENV", tmp_path)
    monkeypatch.setattr(dev, "STAMP", stamp)
    monkeypatch.setattr(dev, "install_torch", lambda python: None)
    monkeypatch.setattr(dev, "pip", lambda *_: 1)
    with pytest.raises(dev.SetupError):
        dev.install(Path("python"), dev.Stamp("after", ("test",)))
    assert dev.read_stamp(stamp) == dev.Stamp("before", ())
    monkeypatch.setattr(dev, "complaints", lambda _: [])
    said: list[tuple[str, ...]] = []

    def pip(_: Path, *words: str) -> int:
        said.append(words)
        return 0

    monkeypatch.setattr(dev, "pip", pip)
    dev.install(Path("python"), dev.Stamp("after", ("test",)))
    assert dev.read_stamp(stamp) == dev.Stamp("after", ("test",))
    assert said[-1] == ("uninstall", "--yes", "--quiet", "openvino-telemetry"), "nothing may report what is done here"


def test_only_a_package_that_is_not_wanted_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    unwanted = "openvino 2026.4.1 requires openvino-telemetry, which is not installed.\n"
    for output, code, expected in (
        ("No broken requirements found.\n", 0, []),
        (unwanted, 1, []),
        (unwanted + "keyring 25.0 requires jeepney, which is not installed.\n", 1, ["keyring 25.0 requires jeepney"]),
        ("openvino 2026.4.1 has requirement numpy<2.6, but you have numpy 3.0.\n", 1, ["openvino 2026.4.1 has"]),
        ("", 2, ["pip is broken"]),
    ):
        done = subprocess.CompletedProcess(["pip"], code, output, "pip is broken")
        monkeypatch.setattr(subprocess, "run", lambda *_, done=done, **__: done)
        found = dev.complaints(Path("python"))
        assert len(found) == len(expected)
        assert all(line.startswith(start) for line, start in zip(found, expected, strict=True))


def test_the_tour_asks_for_every_kind_of_result() -> None:
    arguments = dev.tour_arguments("bone")
    assert arguments[0] == "segment"
    assert {"--meshes", "--statistics", "--preview", "--overwrite"} <= set(arguments)
    assert arguments[arguments.index("--task") + 1] == "bone"


def _imported_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
