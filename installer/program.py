"""Makes the program with PyInstaller: one folder with the executable and all it needs, on the system it runs on.

The environment it is made from is made anew from pyproject.toml, so that nothing a developer has installed gets in.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from installer import dev
from installer.facts import TOP, Facts, read_facts
from installer.pruned import read_bundled, read_libraries, read_pruning
from installer.windows.version import version_resource

PYINSTALLER = "6.22.3"
VERSION_FILE = "tsdesktop/core/version.py"
SPEC = TOP / "installer" / "program.spec"
# Distributions whose modules may be inside for technical reasons, and which are not part of the program.
TOOLS = ("pip", "pyinstaller", "pyinstaller-hooks-contrib", "altgraph", "setuptools")


@dataclass(frozen=True)
class Program:
    """The program that was made: its folder (on macOS the application), its executable, its environment's Python."""

    folder: Path
    executable: Path
    python: Path


def make_program(facts: Facts, platform: str, build: Path) -> Program:
    """Makes the program below `build` for "linux", "windows" or "macos", which has to be the system this runs on.

    Raises dev.SetupError where the environment or the program could not be made.
    """
    python = make_environment(build / "environment", facts.url)
    wanted = build / "program.json"
    wanted.write_text(json.dumps(wishes(facts, platform, build), indent=1), encoding="utf-8")
    dev.heading("making the program")
    command = [str(python), "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"]
    places = ["--distpath", str(build / "program"), "--workpath", str(build / "work")]
    environment = {**os.environ, "TSDESKTOP_PROGRAM": str(wanted), "PYTHONHASHSEED": "0"}
    if subprocess.call([*command, *places, str(SPEC)], env=environment, cwd=build):
        raise dev.SetupError("PyInstaller could not make the program; its reason stands above.")
    program = made(facts, platform, build, python)
    if platform == "linux":
        strip(program.folder / "_internal")
    return program


def strip(folder: Path) -> None:
    """Takes debuggers' names out of the binaries that the list names. Raises dev.SetupError where that fails."""
    files = [path for pattern in read_pruning().stripped for path in folder.glob(pattern) if not path.is_symlink()]
    if subprocess.call(["strip", "--strip-unneeded", *map(str, files)]):
        raise dev.SetupError(f"The binaries could not be stripped: {dev.apt_line(['binutils'])}.")


def made(facts: Facts, platform: str, build: Path, python: Path) -> Program:
    """Where the program of a finished build is. Raises dev.SetupError where it is not."""
    folder = build / "program" / facts.name
    executable = folder / (f"{facts.name}.exe" if platform == "windows" else facts.name)
    if platform == "macos":
        folder = build / "program" / f"{facts.formal_name}.app"
        executable = folder / "Contents" / "MacOS" / facts.name
    if not executable.is_file():
        raise dev.SetupError(f"PyInstaller made no {executable}.")
    return Program(folder, executable, python)


def make_environment(folder: Path, repository: str = "") -> Path:
    """Makes an environment with the project's requirements, the project itself and PyInstaller; returns its Python.

    The project in it knows that it is published in `repository`.

    One that is there already gets only the project again, unless the requirements have changed since. Raises
    dev.SetupError where pip fails.
    """
    stamp, wanted = folder / "requirements", "".join(facts_of_requirements())
    if folder.exists() and not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        shutil.rmtree(folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists() and subprocess.call([sys.executable, "-m", "venv", str(folder)]):
        raise dev.SetupError(f"The environment {folder} could not be made; the reason stands above.")
    dev.heading("installing what the program is made from")
    dev.install_torch(python)
    tools = f"pyinstaller=={PYINSTALLER}"
    if dev.pip(python, "install", "--quiet", "--constraint", str(dev.CONSTRAINTS), tools, str(TOP)):
        raise dev.SetupError("The packages could not be installed; pip's reason stands above.")
    # The version stays the same while the program changes.
    dev.pip(python, "install", "--quiet", "--no-deps", "--force-reinstall", str(TOP))
    dev.pip(python, "uninstall", "--yes", "--quiet", *dev.UNWANTED)
    for path in folder.glob(f"**/site-packages/{VERSION_FILE}"):
        path.write_text(published_in(repository, path.read_text(encoding="utf-8")), encoding="utf-8")
    stamp.write_text(wanted, encoding="utf-8")
    return python


def published_in(repository: str, version_file: str) -> str:
    """The text of the program's file about its version, with the repository. Raises dev.SetupError for another text."""
    text, found = re.subn(r'^REPOSITORY = ".*"$', f'REPOSITORY = "{repository}"', version_file, flags=re.MULTILINE)
    if found != 1:
        raise dev.SetupError(f"{VERSION_FILE} names no repository.")
    return text


def facts_of_requirements() -> list[str]:
    """All that decides what is installed: requirements, constraints, PyInstaller's version."""
    requirements = [f"{each}\n" for each in (*read_facts().requirements, PYINSTALLER)]
    return [*requirements, dev.CONSTRAINTS.read_text(encoding="utf-8")]


def wishes(facts: Facts, platform: str, build: Path) -> dict[str, Any]:
    """What `program.spec` is told."""
    pruning = read_pruning()
    suffix = {"linux": ".png", "windows": ".ico", "macos": ".icns"}[platform]
    system = [each.name for each in read_libraries()] if platform == "linux" else []
    return {
        "start": str(TOP / "installer" / "start.py"),
        "folder": facts.name,
        "formal_name": facts.formal_name,
        "version": facts.version,
        "identifier": facts.identifier,
        "icon": None if platform == "linux" else str(TOP / f"{facts.icon}{suffix}"),
        "version_file": version_resource(facts, build) if platform == "windows" else None,
        "target_arch": "arm64" if platform == "macos" else None,
        "executables": executables(facts, platform),
        "modules": pruning.modules,
        "files": [*pruning.files, *system],
        "datas": [[str(TOP / name), "."] for name in facts.licence_files],
        "bundled": read_bundled(),
        "tools": TOOLS,
        "info_plist": info_plist(facts) if platform == "macos" else {},
    }


def executables(facts: Facts, platform: str) -> list[tuple[str, bool]]:
    """Names of the executables, and whether each is for a console.

    On Windows a program is either for windows or for consoles; elsewhere one executable is both.
    """
    if platform == "windows":
        return [(facts.name, False), (f"{facts.name}-console", True)]
    return [(facts.name, platform == "linux")]


def info_plist(facts: Facts) -> dict[str, Any]:
    """What macOS reads about the application, with the kinds of files that it offers itself for."""
    kinds = [
        {
            "CFBundleTypeName": each["description"],
            "CFBundleTypeRole": "Viewer",
            "CFBundleTypeExtensions": [each["extension"]],
            "LSHandlerRank": "Alternate",
        }
        for each in facts.document_types.values()
    ]
    kinds.append({"CFBundleTypeName": "Folder", "CFBundleTypeRole": "Viewer", "LSItemContentTypes": ["public.folder"]})
    macos = facts.app["macOS"]
    return {
        **macos["info"],
        "CFBundleDocumentTypes": kinds,
        "CFBundleShortVersionString": facts.version,
        "LSMinimumSystemVersion": macos["min_os_version"],
    }
