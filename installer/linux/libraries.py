"""What the program's binaries need from the system: which libraries, and how new a C library."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from installer import dev
from installer.pruned import SystemLibrary, missing_libraries, read_libraries

_NEEDED = re.compile(r"^\s*NEEDED\s+(\S+)$", re.MULTILINE)
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)")
_GLIBCXX = re.compile(r"GLIBCXX_3\.4\.(\d+)")
_ELF = b"\x7fELF"
_AT_ONCE = 50


@dataclass(frozen=True)
class Needs:
    """What binaries need together: libraries by name, the version of the C library, and n of GLIBCXX_3.4.n."""

    libraries: frozenset[str]
    glibc: tuple[int, int]
    glibcxx: int


def binaries(folder: Path) -> Iterator[Path]:
    """Every ELF file below a folder, links not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(4) == _ELF:
                    yield path


def needs_of(files: Iterable[Path]) -> Needs:
    """What these binaries say they need. Raises dev.SetupError where objdump is missing."""
    paths = [str(each) for each in files]
    told = "".join(_objdump(paths[k : k + _AT_ONCE]) for k in range(0, len(paths), _AT_ONCE))
    return needs_in(told)


def needs_in(told: str) -> Needs:
    """What objdump's account of some binaries says."""
    glibc = max(((int(major), int(minor)) for major, minor in _GLIBC.findall(told)), default=(0, 0))
    glibcxx = max((int(each) for each in _GLIBCXX.findall(told)), default=0)
    return Needs(frozenset(_NEEDED.findall(told)), glibc, glibcxx)


def system_libraries(folder: Path, needs: Needs) -> list[SystemLibrary]:
    """Libraries that the program below `folder` takes from the system.

    Raises dev.SetupError where one is needed that is neither in the program nor in linux/libraries.toml.
    """
    known = read_libraries()
    bundled = {path.name for path in folder.rglob("*.so*")}
    missing = missing_libraries(needs.libraries, bundled, known)
    if missing:
        raise dev.SetupError(f"The program needs {', '.join(missing)}: name the package in linux/libraries.toml.")
    return [each for each in known if each.loaded or each.name in needs.libraries]


def packages(libraries: Iterable[SystemLibrary], needs: Needs) -> list[str]:
    """The Debian packages of libraries, each once, with the versions of C and C++ that are needed."""
    names = sorted({each.package for each in libraries})
    versions = {"libstdc++6": f"libstdc++6 (>= {gcc_of(needs.glibcxx)})"}
    glibc = "libc6 (>= {}.{})".format(*needs.glibc)
    return [glibc, *(versions.get(name, name) for name in names)]


def gcc_of(glibcxx: int) -> str:
    """The release of GCC whose libstdc++ was the first with GLIBCXX_3.4.n, for n of 22 and more.

    Source: the list of releases in the manual of libstdc++, "ABI Policy and Guidelines".
    """
    first = {22: "6", 23: "7", 24: "7.2", 25: "8", 26: "9", 27: "9.2", 28: "9.3", 29: "11", 30: "12", 31: "13.1"}
    return first.get(glibcxx, "13.2" if glibcxx > 31 else "6")


def _objdump(paths: list[str]) -> str:
    try:
        done = subprocess.run(["objdump", "-p", *paths], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise dev.SetupError(f"objdump is missing: {dev.apt_line(['binutils'])}.") from error
    return done.stdout
