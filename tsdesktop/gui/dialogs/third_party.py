"""Whose work comes with the program and under which licences, as the installed packages say themselves. No Qt here."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tsdesktop.core.assets import asset

_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_EXTRA = re.compile(r";.*\bextra\s*==")
_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|copyright|ofl)", re.IGNORECASE)
_LONGEST_SHORT_NAME = 60
_CLASSIFIER = "License :: "
_NOT_STATED = ("", "UNKNOWN")
_HOME = ("homepage", "home", "source", "source code", "repository", "github")
# Licences whose whole text comes with the program, for packages that only name theirs. LGPL 3 refers to GPL 3.
_KEPT_TEXTS = {"LGPL-3.0": ("LGPL-3.0", "GPL-3.0"), "GPL-3.0": ("GPL-3.0",), "Apache-2.0": ("Apache-2.0",)}
# A shorter text only names a licence.
_LEAST_TEXT = 200


@dataclass(frozen=True)
class Work:
    """A piece of other people's work: name, version, short name of its licence, the texts of its licence files, and
    where it comes from."""

    name: str
    version: str
    licence: str
    text: str
    address: str = ""


def third_party_works() -> list[Work]:
    """Everything the program brings along, by name. Slow: it reads many files."""
    works = [_work(each) for each in needed_distributions()]
    return sorted([*works, *_others()], key=lambda each: each.name.lower())


def own_licence() -> str:
    """The text of this program's licence."""
    return _read(asset("licences/Apache-2.0.txt"))


def needed_distributions() -> Iterator[metadata.Distribution]:
    """What tsdesktop needs to run and what that needs in turn, as far as it is installed.

    In a packaged program everything that is installed came with it, and it may not tell what it needs.
    """
    own = _found("tsdesktop")
    waiting = [] if own is None or hasattr(sys, "frozen") else list(_needed(own))
    if not waiting:
        every = {_same(each.metadata["Name"]): each for each in metadata.distributions()}
        yield from (each for name, each in every.items() if name != "tsdesktop")
    seen = {"tsdesktop", *waiting}
    while waiting:
        found = _found(waiting.pop())
        if found is None:
            # Needed on another system only.
            continue
        yield found
        new = [name for name in _needed(found) if name not in seen]
        seen.update(new)
        waiting += new


def _found(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _needed(distribution: metadata.Distribution) -> Iterator[str]:
    for each in distribution.requires or ():
        name = _NAME.match(each)
        if name is not None and not _EXTRA.search(each):
            yield _same(name.group())


def _same(name: str) -> str:
    """A package's name in the one spelling that all its spellings share."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _work(distribution: metadata.Distribution) -> Work:
    told = distribution.metadata
    licence = _short_name(told)
    text = _texts(distribution) or _stated(told, "License")
    if len(text) < _LEAST_TEXT:
        text = _kept_text(f"{licence} {_stated(told, 'License-Expression')}") or text
    return Work(told["Name"], distribution.version, licence, text, _address(told))


def _short_name(told: metadata.PackageMetadata) -> str:
    stated = (_stated(told, "License-Expression") or _stated(told, "License")).strip()
    if stated and len(stated) <= _LONGEST_SHORT_NAME and "\n" not in stated:
        return stated
    kinds = [each for each in told.get_all("Classifier") or () if each.startswith(_CLASSIFIER)]
    if kinds:
        return ", ".join(each.split(" :: ")[-1] for each in kinds)
    first = stated.partition("\n")[0].strip()
    return first if len(first) <= _LONGEST_SHORT_NAME else f"{first[:_LONGEST_SHORT_NAME].rpartition(' ')[0]} …"


def _kept_text(names: str) -> str:
    """The texts of the first of these licences whose text is kept here."""
    kept = next((texts for name, texts in _KEPT_TEXTS.items() if name in names), ())
    return "\n\n".join(_read(asset(f"licences/{each}.txt")) for each in kept)


def _address(told: metadata.PackageMetadata) -> str:
    pairs = (str(each).split(", ", 1) for each in told.get_all("Project-URL") or ())
    pages = {pair[0].lower(): pair[1] for pair in pairs if len(pair) == 2}
    return _stated(told, "Home-page") or next((pages[name] for name in _HOME if name in pages), "")


def _stated(told: metadata.PackageMetadata, field: str) -> str:
    stated = str(next(iter(told.get_all(field) or ()), ""))
    return "" if stated in _NOT_STATED else stated


def _texts(distribution: metadata.Distribution) -> str:
    """What lies beside the metadata. Lists of installed files are not asked: packagers leave them out."""
    place = Path(str(distribution.locate_file("")))
    name = _same(distribution.metadata["Name"])
    folders = [each for each in place.glob("*-info") if _same(each.name.rpartition(".")[0].split("-")[0]) == name]
    files = [each for folder in folders for each in sorted(folder.rglob("*")) if _is_licence(each)]
    texts = [text for each in files if (text := _read(each))]
    return "\n\n".join(dict.fromkeys(texts))


def _is_licence(file: Path) -> bool:
    named = bool(_LICENCE_FILE.search(file.name)) or "licenses" in file.parts
    return named and file.is_file() and file.suffix.lower() not in (".py", ".pyc", ".json")


def _others() -> Iterator[Work]:
    """What comes along and is no package."""
    yield Work("Inter (font)", "3.19", "OFL-1.1", _read(asset("fonts/OFL.txt")), "https://rsms.me/inter/")
    # Beside the standard library; a packaged program keeps that in an archive.
    text = _read(Path(os.__file__).parent / "LICENSE.txt") or _read(asset("licences/PSF-2.0.txt"))
    yield Work("Python", platform.python_version(), "PSF-2.0", text, "https://www.python.org")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
