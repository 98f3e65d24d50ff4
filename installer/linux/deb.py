"""Packs the program as a .deb for Debian and Ubuntu: with its own interpreter, a menu entry and kinds of files.

Everything lies where dpkg knows it, and nothing is written there later, so that removing leaves nothing. The desktop's
lists of kinds of files and icons are renewed by the triggers of the packages that own them.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Sequence
from email.message import Message
from pathlib import Path

from installer import dev
from installer.facts import TOP, Facts
from installer.linux.desktop import write_desktop_files
from installer.linux.libraries import binaries, needs_of, packages, system_libraries
from installer.program import Program

RECOMMENDED = ("libgl1-mesa-dri", "fonts-dejavu-core")
SUGGESTED = ("xdg-utils",)
# The highest level packs for many minutes to save a few percent; zstd is unpacked much faster than xz.
_COMPRESSION = ("-Zzstd", "-z12")
_COPYRIGHT = """{name}, {author}

Licence: Apache License 2.0, see /usr/share/common-licenses/Apache-2.0

Works of others in this package. Their licences in full lie beside them in /usr/lib/{name}/_internal, and the program
shows them (Help, About).
"""


def make_deb(facts: Facts, program: Program, build: Path, goal: Path) -> Path:
    """Makes the package in `goal`; returns its path. Raises dev.SetupError where that fails."""
    root = build / "deb"
    shutil.rmtree(root, ignore_errors=True)
    place = root / "usr" / "lib" / facts.name
    shutil.copytree(program.folder, place, symlinks=True)
    link = root / "usr" / "bin" / facts.name
    link.parent.mkdir(parents=True)
    link.symlink_to(f"../lib/{facts.name}/{program.executable.name}")
    write_desktop_files(facts, root / "usr" / "share")
    write_documents(facts, program, root / "usr" / "share" / "doc" / facts.name)
    set_modes(root)
    needs = needs_of(binaries(place))
    depends = packages(system_libraries(place, needs), needs)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(control(facts, depends, size_kib(root)), encoding="utf-8")
    return build_package(root, goal / f"{facts.name}_{facts.version}_amd64.deb")


def control(facts: Facts, depends: Sequence[str], size: int) -> str:
    """The package's description of itself; `size` in KiB."""
    fields = {
        "Package": facts.name,
        "Version": facts.version,
        "Section": facts.app["linux"]["section"],
        "Priority": "optional",
        "Architecture": "amd64",
        "Maintainer": f"{facts.author} <{facts.author_email}>",
        "Installed-Size": str(size),
        "Depends": ", ".join(depends),
        "Recommends": ", ".join(RECOMMENDED),
        "Suggests": ", ".join(SUGGESTED),
        **({"Homepage": facts.url} if facts.url else {}),
        "Description": facts.description.rstrip("."),
    }
    lines = [f"{name}: {value}" for name, value in fields.items()]
    for number, paragraph in enumerate(facts.long_description.split("\n\n")):
        lines += [" ."] * bool(number) + [f" {paragraph}"]
    return "\n".join(lines) + "\n"


def size_kib(root: Path) -> int:
    """What the files take when they are installed."""
    return sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir()) // 1024 + 1


def write_documents(facts: Facts, program: Program, folder: Path) -> None:
    """Licences of the program and of all works in it, and what has changed."""
    folder.mkdir(parents=True)
    (folder / "copyright").write_text(copyright_file(facts, program), encoding="utf-8")
    with gzip.GzipFile(folder / "changelog.gz", "wb", 9, mtime=0) as stream:
        stream.write((TOP / "CHANGELOG.md").read_bytes())


def copyright_file(facts: Facts, program: Program) -> str:
    """The program's licence, then those of the works in it as their metadata states them; texts lie beside them."""
    metadata = sorted((program.folder / "_internal").glob("*.dist-info/METADATA"))
    lines = [_COPYRIGHT.format(name=facts.name, author=facts.author)]
    lines += [work(parse_metadata(path.read_text(encoding="utf-8"))) for path in metadata]
    return "\n".join(lines) + "\n"


def parse_metadata(text: str) -> Message:
    """A distribution's metadata, which has the form of a message."""
    from email.parser import Parser

    return Parser().parsestr(text, headersonly=True)


def work(told: Message) -> str:
    """One line about a work: name, version, licence."""
    licence = told.get("License-Expression") or (told.get("License") or "").partition("\n")[0]
    kinds = [each.split(" :: ")[-1] for each in told.get_all("Classifier") or () if each.startswith("License :: ")]
    return f"{told['Name']} {told['Version']}: {licence or ', '.join(kinds) or 'see its files'}"


def set_modes(root: Path) -> None:
    """Files may be read by all and written by the owner only, whatever the builder's settings are."""
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or bool(path.stat().st_mode & 0o100)
            path.chmod(0o755 if runs else 0o644)


def build_package(root: Path, package: Path) -> Path:
    """Packs a folder that is laid out as the system. Raises dev.SetupError where dpkg-deb fails."""
    package.parent.mkdir(parents=True, exist_ok=True)
    dev.heading(f"packing {package.name}")
    command = ["dpkg-deb", "--root-owner-group", *_COMPRESSION, "--build", str(root), str(package)]
    if subprocess.call(command):
        raise dev.SetupError("dpkg-deb could not make the package; its reason stands above.")
    return package
