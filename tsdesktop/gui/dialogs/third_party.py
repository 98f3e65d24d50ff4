"""Whose work comes with the program and under which licences, as the installed packages say themselves. No Qt here."""

from __future__ import annotations

import re
import sysconfig
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


@dataclass(frozen=True)
class Work:
    """A piece of other people's work: name, version, short name of its licence, and the texts of its licence files."""

    name: str
    version: str
    licence: str
    text: str


def third_party_works() -> list[Work]:
    """Everything the program brings along, by name. Slow: it reads many files."""
    works = [_work(each) for each in _distributions()]
    return sorted([*works, *_others()], key=lambda each: each.name.lower())


def own_licence() -> str:
    """The text of this program's licence; empty where its file is not installed."""
    try:
        return _texts(metadata.distribution("tsdesktop"))
    except metadata.PackageNotFoundError:
        return ""


def _distributions() -> Iterator[metadata.Distribution]:
    """What tsdesktop needs to run and what that needs in turn, as far as it is installed."""
    seen = {"tsdesktop"}
    waiting = ["tsdesktop"]
    while waiting:
        try:
            found = metadata.distribution(waiting.pop())
        except metadata.PackageNotFoundError:
            # Needed on another system only.
            continue
        if _same(found.metadata["Name"]) != "tsdesktop":
            yield found
        for name in _needed(found):
            if name not in seen:
                seen.add(name)
                waiting.append(name)


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
    return Work(told["Name"], distribution.version, _short_name(told), _texts(distribution) or _stated(told, "License"))


def _short_name(told: metadata.PackageMetadata) -> str:
    stated = _stated(told, "License-Expression") or _stated(told, "License")
    if stated and len(stated) <= _LONGEST_SHORT_NAME and "\n" not in stated:
        return stated
    kinds = [each for each in told.get_all("Classifier") or () if each.startswith(_CLASSIFIER)]
    if kinds:
        return ", ".join(each.split(" :: ")[-1] for each in kinds)
    return stated.strip().splitlines()[0].strip()[:_LONGEST_SHORT_NAME] if stated.strip() else ""


def _stated(told: metadata.PackageMetadata, field: str) -> str:
    return str(next(iter(told.get_all(field) or ()), ""))


def _texts(distribution: metadata.Distribution) -> str:
    files = [each for each in distribution.files or () if _is_licence(each)]
    texts = [text for each in files if (text := _read(Path(str(distribution.locate_file(each)))))]
    return "\n\n".join(dict.fromkeys(texts))


def _is_licence(file: metadata.PackagePath) -> bool:
    in_metadata = any(part.endswith((".dist-info", ".egg-info")) for part in file.parts)
    named = bool(_LICENCE_FILE.search(file.name)) or "licenses" in file.parts
    return in_metadata and named and file.suffix.lower() not in (".py", ".pyc", ".json")


def _others() -> Iterator[Work]:
    """What comes along and is no package."""
    yield Work("Inter (font)", "3.19", "OFL-1.1", _read(asset("fonts/OFL.txt")))
    python = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    yield Work("Python", sysconfig.get_python_version(), "PSF-2.0", _read(python))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
