"""Lets Briefcase make the installers of Windows and macOS from the program that PyInstaller made.

Briefcase reads one pyproject.toml with everything in it: it is written here, into the build folder, from the facts.
There the program is an "external" one to Briefcase, which adds what belongs to an installer: WiX's description of the
.msi; signatures, notarisation and the .dmg. Briefcase fetches its templates and WiX from the internet.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from installer import dev
from installer.facts import TOP, Facts
from installer.program import Program

BRIEFCASE = "0.4.7"
# Who signs, from the environment: the name or the fingerprint of a certificate that the system has. Without it nothing
# is signed on Windows, and only for this computer on macOS.
IDENTITY_VARIABLE = "TSDESKTOP_SIGNING_IDENTITY"
_PLATFORMS = {"windows": ("windows", "app", "msi"), "macos": ("macOS", "app", "dmg")}


def make_installer(facts: Facts, platform: str, program: Program, build: Path, goal: Path) -> Path:
    """Makes the .msi or .dmg in `goal`; returns its path. Raises dev.SetupError where Briefcase fails."""
    stage = stage_tree(facts, platform, program, build / "stage")
    briefcase = install_briefcase(build / "briefcase", program.python)
    system, output, form = _PLATFORMS[platform]
    # What an earlier try left would be packed without a word.
    shutil.rmtree(stage / "build", ignore_errors=True)
    shutil.rmtree(stage / "dist", ignore_errors=True)
    command = [str(briefcase), "-m", "briefcase", "package", system, output, "-p", form, "--no-input"]
    dev.heading(f"packing the .{form}")
    if subprocess.call([*command, *signing(os.environ)], cwd=stage):
        raise dev.SetupError("Briefcase could not make the installer; its reason stands above.")
    found = sorted((stage / "dist").glob(f"*.{form}"))
    if len(found) != 1:
        raise dev.SetupError(f"Briefcase made {len(found)} files of the kind .{form}, not one.")
    goal.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(found[0], goal / found[0].name))


def signing(environment: Mapping[str, str]) -> list[str]:
    """What Briefcase is told about signing. A macOS program that is signed by name is notarised too."""
    identity = environment.get(IDENTITY_VARIABLE, "")
    if identity:
        return ["--identity", identity]
    return ["--adhoc-sign"]


def stage_tree(facts: Facts, platform: str, program: Program, stage: Path) -> Path:
    """Writes the tree that Briefcase works in: pyproject.toml, licence, icons. Returns it."""
    stage.mkdir(parents=True, exist_ok=True)
    (stage / "pyproject.toml").write_text(to_toml(briefcase_table(facts, platform, program)), encoding="utf-8")
    for name in (*facts.licence_files, "CHANGELOG.md", "README.md"):
        shutil.copyfile(TOP / name, stage / name)
    shutil.copytree(TOP / "assets" / "icons", stage / "assets" / "icons", dirs_exist_ok=True)
    # Briefcase wants the sources to be there, though the program that is packed holds them already.
    for source in facts.app["sources"]:
        (stage / source).mkdir(exist_ok=True)
        shutil.copyfile(TOP / source / "__init__.py", stage / source / "__init__.py")
    return stage


def briefcase_table(facts: Facts, platform: str, program: Program) -> dict[str, Any]:
    """The whole pyproject.toml for Briefcase: facts of the project, and briefcase.toml with the program's place."""
    system = _PLATFORMS[platform][0]
    inside = program.executable.relative_to(program.folder)
    place = {"external_package_path": str(program.folder), "external_package_executable_path": inside.as_posix()}
    app = {name: value for name, value in facts.app.items() if name not in ("windows", "macOS", "linux")}
    app |= {
        # One line of at most 80 letters; the rest stands in the long description.
        "description": facts.description.split(". ")[0],
        "license": facts.licence,
        "license-files": list(facts.licence_files),
        "requires": list(facts.requirements),
        system: {**facts.app[system], **place},
    }
    return {
        "tool": {
            "briefcase": {
                "project_name": facts.name,
                "bundle": facts.bundle,
                "version": facts.version,
                **({"url": facts.url} if facts.url else {}),
                "author": facts.author,
                "author_email": facts.author_email,
                "requires-python": facts.requires_python,
                "app": {facts.name: app},
            }
        }
    }


def to_toml(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """A table of strings, numbers, truth values, lists of strings and tables as TOML."""
    plain = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"[{'.'.join(map(_key, path))}]"] if path and plain else []
    # Strings, numbers, lists and truth values are written the same in JSON and TOML.
    lines += [f"{_key(name)} = {json.dumps(value, ensure_ascii=False)}" for name, value in plain.items()]
    text = "\n".join([*lines, ""]) + "\n" if lines else ""
    return text + "".join(to_toml(value, (*path, name)) for name, value in table.items() if isinstance(value, Mapping))


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else json.dumps(name)


def install_briefcase(folder: Path, python: Path) -> Path:
    """An environment of its own for Briefcase; returns its Python. Raises dev.SetupError where pip fails."""
    own = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not own.exists() and subprocess.call([str(python), "-m", "venv", str(folder)]):
        raise dev.SetupError(f"The environment {folder} could not be made; the reason stands above.")
    if dev.pip(own, "install", "--quiet", f"briefcase=={BRIEFCASE}"):
        raise dev.SetupError("Briefcase could not be installed; pip's reason stands above.")
    return own
