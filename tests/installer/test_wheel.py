"""The built wheel is complete: the program in it finds its assets and runs without the source checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import tsdesktop
from tsdesktop.core.assets import asset, assets_folder
from tsdesktop.core.tasks import catalogue
from tsdesktop.cli.command import run
assert tsdesktop.__file__.startswith(sys.argv[1]), tsdesktop.__file__
assert str(assets_folder()).startswith(sys.argv[1]), assets_folder()
code = run(["segment", str(asset("sample/ct.nii.gz")), "-o", sys.argv[2], "--task", "fat_soft_bone", "-q"])
print(code, len(catalogue().tasks))
"""


def test_the_wheel_segments_its_own_sample(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=TOP, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("tsdesktop-*.whl")
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(unpacked)
    assert not any(name.startswith(("tests/", "installer/")) for name in names)
    assert {"tsdesktop/assets/tasks.json", "tsdesktop/assets/structures.json"} <= set(names)
    # The process of the networks is started as a module and must be the wheel's too.
    command = [sys.executable, "-c", _PROGRAM, str(unpacked), str(tmp_path / "out")]
    run = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["0", str(len(_tasks()))], run.stderr
    assert (tmp_path / "out" / "fat_soft_bone.nii.gz").is_file()


def _tasks() -> list[str]:
    from tsdesktop.core.tasks import catalogue

    return list(catalogue().tasks)
