"""What is left out of the packaged program, and the libraries it takes from the system: two lists kept as data."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PRUNING = Path(__file__).resolve().parent / "pruning.toml"
LIBRARIES = Path(__file__).resolve().parent / "linux" / "libraries.toml"
# Belongs to the C library itself, which every Linux has; its version is the floor that docs/installing.md states.
C_LIBRARY = (
    "libc.so.*",
    "libm.so.*",
    "libdl.so.*",
    "libpthread.so.*",
    "librt.so.*",
    "libutil.so.*",
    "libresolv.so.*",
    "ld-linux-*",
)


@dataclass(frozen=True)
class Pruning:
    """Modules, and patterns of files by their place, that are left out; binaries that lose debuggers' names."""

    modules: tuple[str, ...]
    files: tuple[str, ...]
    stripped: tuple[str, ...] = ()


@dataclass(frozen=True)
class SystemLibrary:
    """A library of a Linux system: the Debian package that has it. `loaded`: only by name, while the program runs.

    A `leaf` is used by no graphics driver: the portable archive brings it along.
    """

    name: str
    package: str
    loaded: bool = False
    leaf: bool = False


def read_pruning(path: Path = PRUNING) -> Pruning:
    """The list of what is left out. Raises KeyError where an entry lacks its reason."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for each in (*table["modules"], *table["files"]):
        if not each["reason"]:
            raise KeyError("reason")
    return Pruning(
        tuple(name for each in table["modules"] for name in each["names"]),
        tuple(pattern for each in table["files"] for pattern in each["patterns"]),
        tuple(table["strip"]["patterns"]),
    )


def read_libraries(path: Path = LIBRARIES) -> tuple[SystemLibrary, ...]:
    """The libraries that a Linux system has to have."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(SystemLibrary(**each) for each in table["library"])


def read_bundled(path: Path = LIBRARIES) -> tuple[str, ...]:
    """Patterns of the system's libraries that the program brings along."""
    return tuple(tomllib.loads(path.read_text(encoding="utf-8"))["bundled"])


def missing_libraries(needed: Iterable[str], bundled: Iterable[str], system: Iterable[SystemLibrary]) -> list[str]:
    """Libraries that something needs and that are neither in the program nor known to be the system's."""
    known = {*bundled, *(each.name for each in system)}
    return sorted(
        name for name in set(needed) if name not in known and not any(fnmatch.fnmatch(name, c) for c in C_LIBRARY)
    )
