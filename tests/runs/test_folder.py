"""Folders of runs: private, gone afterwards, also where the program was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tsdesktop.runs.folder import private_folder, remove_abandoned

HOLD = """
import sys, time
from pathlib import Path
from tsdesktop.runs.folder import private_folder
with private_folder(Path(sys.argv[1])) as name:
    Path(name, "scan.npy").write_bytes(b"a scan")
    print(name, flush=True)
    time.sleep(60)
"""


def make_older(folder: Path) -> None:
    an_hour_ago = time.time() - 3600
    os.utime(folder, (an_hour_ago, an_hour_ago))


def test_a_folder_is_private_and_removed(tmp_path: Path) -> None:
    with private_folder(tmp_path / "runs") as name:
        assert Path(name).is_dir()
        if os.name == "posix":
            assert Path(name).stat().st_mode & 0o077 == 0
        Path(name, "scan.npy").write_bytes(b"a scan")
    assert list((tmp_path / "runs").iterdir()) == []


def test_what_a_killed_program_has_left_is_removed_by_the_next_run(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        left = Path(program.stdout.readline().strip())
        make_older(left)
        with private_folder(tmp_path):
            assert (left / "scan.npy").exists(), "the folder of a run under way was removed"
        program.kill()
    make_older(left)
    with private_folder(tmp_path):
        assert not left.exists()


def test_folders_that_are_just_being_made_and_others_stay(tmp_path: Path) -> None:
    young, other = tmp_path / "run-young", tmp_path / "other"
    young.mkdir()
    other.mkdir()
    make_older(other)
    remove_abandoned(tmp_path)
    assert young.exists() and other.exists()
