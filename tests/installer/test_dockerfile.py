"""The image without a window, tested without Docker: it copies what is there, and all that a wheel needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
DOCKERFILE = TOP / "installer" / "Dockerfile"


def copied() -> list[str]:
    """What the image takes from the source."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    return [name for line in lines for name in line.split()]


def test_everything_copied_is_there_and_sent_to_docker() -> None:
    sent = {
        line[1:] for line in (TOP / "installer/Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert len(copied()) == 6
    for name in copied():
        assert (TOP / name).exists(), name
        assert name in sent, name


def test_what_is_copied_makes_the_program(tmp_path: Path) -> None:
    for name in copied():
        source, target = TOP / name, tmp_path / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=tmp_path / "source", check=True, capture_output=True)
    assert len(list(tmp_path.glob("tsdesktop-*.whl"))) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="sed is the image's")
def test_torch_is_the_pinned_build_for_the_processor() -> None:
    (command,) = re.findall(r"sed -n '(s/.+?/p)'", DOCKERFILE.read_text())
    done = subprocess.run(
        ["sed", "-n", command, str(TOP / "installer/constraints.txt")], capture_output=True, text=True, check=True
    )
    (line,) = done.stdout.split()
    assert re.fullmatch(r"torch==\d+\.\d+\.\d+\+cpu", line)


def test_it_does_not_run_as_root() -> None:
    lines = DOCKERFILE.read_text().splitlines()
    assert lines.index("USER tsdesktop") < lines.index('ENTRYPOINT ["tsdesktop"]')
