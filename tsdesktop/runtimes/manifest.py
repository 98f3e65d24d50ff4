"""A set of libraries on the disk: what it is for, whether it is whole, and what its trial showed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tsdesktop.core.files import written_whole
from tsdesktop.core.version import __version__
from tsdesktop.runtimes.places import FILES, MANIFEST, VERDICT, platform_tag, python_tag, runtimes_folder
from tsdesktop.weights.hashing import FileFact

log = logging.getLogger(__name__)
# Files of libraries proper: these are looked at before every use, all others only when somebody asks.
_LARGE_BYTES = 1_000_000


@dataclass(frozen=True)
class Manifest:
    """What a set is: its torch, the build, for which Python and system; its wheels by name; `large` files and sizes."""

    release: str
    build: str
    python: str
    platform: str
    bytes: int
    wheels: tuple[tuple[str, str, str], ...]  # name, version, SHA-256
    large: tuple[tuple[str, int], ...]
    installed: str
    program: str

    @property
    def fits_this_python(self) -> bool:
        """Whether this Python on this system can load it."""
        return (self.python, self.platform) == (python_tag(), platform_tag())


@dataclass(frozen=True)
class Installed:
    """A set that is in its place."""

    folder: Path
    manifest: Manifest


@dataclass(frozen=True)
class Verdict:
    """What a trial showed under a driver for CUDA `driver`: that it `works`, and with which card, or why not."""

    works: bool
    reason: str = ""
    driver: str = ""
    card: str = ""
    tried: str = ""


def new_manifest(
    release: str, build: str, wheels: Iterable[tuple[str, str, str]], files: Iterable[FileFact]
) -> Manifest:
    """The manifest of something that is installed now."""
    facts = tuple(files)
    large = tuple((each.name, each.size) for each in facts if each.size >= _LARGE_BYTES or _is_start(each.name))
    total = sum(each.size for each in facts)
    return Manifest(release, build, python_tag(), platform_tag(), total, tuple(wheels), large, now(), __version__)


def write_manifest(folder: Path, manifest: Manifest, files: Iterable[FileFact]) -> None:
    """Writes what a folder holds into it. Raises OSError."""
    _write(folder / FILES, [asdict(each) for each in files])
    _write(folder / MANIFEST, asdict(manifest))


def read_manifest(folder: Path) -> Manifest | None:
    """What a folder says it holds; None when it says nothing that can be understood."""
    data = _read(folder / MANIFEST)
    try:
        return Manifest(
            str(data["release"]),
            str(data["build"]),
            str(data["python"]),
            str(data["platform"]),
            int(data["bytes"]),
            tuple((str(name), str(version), str(sha256)) for name, version, sha256 in data["wheels"]),
            tuple((str(name), int(size)) for name, size in data["large"]),
            str(data["installed"]),
            str(data["program"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def read_files(folder: Path) -> tuple[FileFact, ...] | None:
    """Every file of a set; None when its list cannot be read."""
    data = _read(folder / FILES)
    try:
        return tuple(FileFact(str(each["name"]), int(each["size"]), str(each["sha256"])) for each in data)
    except (KeyError, TypeError, ValueError):
        return None


def installed_sets() -> tuple[Installed, ...]:
    """Every set in its place, the one installed last first; folders that are on their way do not count."""
    places = runtimes_folder()
    if not places.is_dir():
        return ()
    folders = [each for each in places.iterdir() if each.is_dir() and not each.name.startswith(".")]
    found = [Installed(each, manifest) for each in folders if (manifest := read_manifest(each)) is not None]
    return tuple(sorted(found, key=lambda each: each.manifest.installed, reverse=True))


def lacking_file(installed: Installed) -> str:
    """The first large file that is not there in its size; "" when all are."""
    for name, size in installed.manifest.large:
        try:
            if (installed.folder / name).stat().st_size != size:
                return name
        except OSError:
            return name
    return ""


def write_verdict(folder: Path, verdict: Verdict) -> None:
    """Remembers what a trial showed; a folder that cannot be written is tried again the next time."""
    try:
        _write(folder / VERDICT, asdict(verdict))
    except OSError as error:
        log.warning("the outcome of a trial could not be kept: %s", error.strerror)


def read_verdict(folder: Path) -> Verdict | None:
    """What the last trial showed; None where there was none."""
    data = _read(folder / VERDICT)
    try:
        words = (str(data[each]) for each in ("reason", "driver", "card", "tried"))
        return Verdict(data["works"] is True, *words)
    except (KeyError, TypeError):
        return None


def now() -> str:
    """This moment as text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _is_start(name: str) -> bool:
    return name in ("torch/__init__.py", "torch/version.py")


def _write(path: Path, data: object) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(data, indent=1), encoding="utf-8")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read: %s", path.name, error)
        return None
