"""Packs the program as an archive that runs from any folder, on any Linux with a C library as new as the package's.

It has no dependencies to declare, so it brings the few libraries that lean desktops lack. Libraries of graphics drivers
it does not bring: those have to fit the driver.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from installer import dev
from installer.facts import TOP, Facts
from installer.linux.desktop import write_desktop_files
from installer.program import Program
from installer.pruned import SystemLibrary, read_libraries

SCRIPT = TOP / "installer" / "linux" / "menu-entry.sh"
README = """{formal_name} {version} for Linux

Start the file "{name}" in this folder: with a double click, or from a terminal with arguments.
"menu-entry.sh install" puts it into the menu of applications and tells the desktop which files it opens;
"menu-entry.sh remove" takes that back. Deleting this folder removes the program.

It needs Linux for 64-bit PCs with the GNU C library {glibc} or newer (Debian 12, Ubuntu 22.04 or later) and OpenGL.
"""


def make_folder(facts: Facts, program: Program, build: Path, glibc: str) -> Path:
    """Makes the folder that runs from anywhere; returns it. Raises dev.SetupError where a library is missing."""
    root = build / "portable" / f"{facts.name}-{facts.version}"
    shutil.rmtree(root.parent, ignore_errors=True)
    shutil.copytree(program.folder, root, symlinks=True)
    for library in read_libraries():
        if library.leaf:
            bring(library, root / "_internal")
    write_desktop_files(facts, root / "share")
    shutil.copy(SCRIPT, root)
    told = README.format(formal_name=facts.formal_name, name=facts.name, version=facts.version, glibc=glibc)
    (root / "README.txt").write_text(told, encoding="utf-8")
    return root


def make_portable(facts: Facts, folder: Path, goal: Path) -> Path:
    """Packs that folder as the archive in `goal`; returns its path. Raises dev.SetupError where that fails."""
    return pack(folder, goal / f"{facts.name}-{facts.version}-linux-x86_64.tar.xz")


def bring(library: SystemLibrary, folder: Path) -> None:
    """Copies a library of this system into the program. Raises dev.SetupError where this system lacks it."""
    found = path_of(library.name)
    if found is None:
        raise dev.SetupError(f"{library.name} is missing: {dev.apt_line([library.package])}.")
    shutil.copyfile(found, folder / library.name)


def path_of(name: str) -> Path | None:
    """Where this system has a library of this name for 64-bit PCs."""
    ldconfig = shutil.which("ldconfig") or "/sbin/ldconfig"
    told = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False).stdout
    found = re.search(rf"^\s*{re.escape(name)} \(libc6,x86-64[^)]*\) => (\S+)$", told, re.MULTILINE)
    return Path(found.group(1)) if found else None


def pack(root: Path, archive: Path) -> Path:
    """Packs a folder. Raises dev.SetupError where tar fails."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    dev.heading(f"packing {archive.name}")
    command = [
        "tar",
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "-I",
        "xz -T0 -2",
        "-cf",
        str(archive),
    ]
    if subprocess.call([*command, "-C", str(root.parent), root.name]):
        raise dev.SetupError("tar could not make the archive; its reason stands above.")
    return archive
