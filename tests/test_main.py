"""What a command line starts, before anything is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tsdesktop.__main__ import COMMANDS, HALF_VARIABLE, half, has_display
from tsdesktop.cli.command import make_parser


def test_nothing_or_a_path_opens_the_window(tmp_path: Path) -> None:
    assert half([], {}) == "window"
    assert half([str(tmp_path)], {}) == "window"


@pytest.mark.parametrize("arguments", [["segment", "x"], ["--help"], ["-v"], ["segmnt"], ["no/such/scan.nii.gz"]])
def test_commands_and_mistakes_go_to_the_command_line(arguments: list[str]) -> None:
    assert half(arguments, {}) == "command line"


def test_a_file_called_like_a_command_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "info").mkdir()
    monkeypatch.chdir(tmp_path)
    assert half(["info"], {}) == "command line"


def test_the_environment_names_the_inference_half() -> None:
    assert half([], {HALF_VARIABLE: "inference"}) == "inference"


def test_every_command_of_the_command_line_is_known_here() -> None:
    (commands,) = [each for each in make_parser()._actions if isinstance(each.choices, dict)]
    assert tuple(commands.choices or ()) == COMMANDS


@pytest.mark.parametrize(
    ("environment", "platform", "shown"),
    [({}, "linux", False), ({"DISPLAY": ":1"}, "linux", True), ({}, "win32", True), ({}, "darwin", True)],
)
def test_a_window_needs_a_display(environment: dict[str, str], platform: str, shown: bool) -> None:
    assert has_display(environment, platform) is shown


def test_without_a_display_one_sentence_says_so(tmp_path: Path) -> None:
    environment = {"PATH": "", "TSDESKTOP_DATA_DIR": str(tmp_path)}
    if not sys.platform.startswith("linux"):
        pytest.skip("there is always a display here")
    done = subprocess.run(
        [sys.executable, "-m", "tsdesktop"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "no display" in done.stderr and "Traceback" not in done.stderr


def test_ctrl_c_while_libraries_load_is_one_word() -> None:
    code = (
        "import sys; from tsdesktop import __main__ as program\n"
        "def interrupted(): raise KeyboardInterrupt\n"
        "program._import_only_what_is_used = interrupted\n"
        "sys.argv = ['tsdesktop', 'info']\n"
        "sys.exit(program.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stderr.strip() == "Cancelled."


def test_choosing_imports_neither_qt_nor_torch() -> None:
    heavy = "('PySide6', 'torch', 'numpy')"
    code = f"import sys, tsdesktop.__main__; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
