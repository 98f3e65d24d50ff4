"""What the installers say about the program: facts of pyproject.toml, briefcase.toml and the program's version, joined.

Nothing is said twice: a fact stands in one of the three, and this module is the only one that reads them.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[1]
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class MimeType:
    """A kind of file for Linux: its type, what it is called, names and bytes by which it is known, and its icon.

    `parent` is the type that each such file is of as well.
    """

    type: str
    comment: str
    globs: tuple[str, ...]
    magic: tuple[tuple[int, str], ...]
    icon: str
    parent: str = ""


@dataclass(frozen=True)
class Facts:
    """All facts of packaging. `app` is Briefcase's table of the app, `licence_files` are paths from the top.

    `url` is where releases are published; "" where whoever builds did not say.
    """

    name: str
    formal_name: str
    version: str
    description: str
    long_description: str
    licence: str
    licence_files: tuple[str, ...]
    author: str
    author_email: str
    url: str
    bundle: str
    icon: str
    requirements: tuple[str, ...]
    requires_python: str
    app: dict[str, Any]

    @property
    def identifier(self) -> str:
        """The name of the program among all programs, as macOS and AppStream want it."""
        return f"{self.bundle}.{self.name}"

    @property
    def document_types(self) -> dict[str, dict[str, str]]:
        """Kinds of files that the program offers itself for, in Briefcase's form."""
        types: dict[str, dict[str, str]] = self.app["document_type"]
        return types

    @property
    def mime_types(self) -> tuple[MimeType, ...]:
        """Kinds of files that Linux is told about."""
        return tuple(
            MimeType(
                each["type"],
                each["comment"],
                tuple(each["globs"]),
                tuple((int(offset), str(value)) for offset, value in each["magic"]),
                each["icon"],
                each.get("parent", ""),
            )
            for each in self.app["linux"]["mime"]
        )


def read_facts(top: Path = TOP, repository: str = "") -> Facts:
    """The facts of the checkout at `top`, published in `repository`.

    Raises KeyError for a fact that is missing, ValueError for no version.
    """
    project = tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packaging = tomllib.loads((top / "briefcase.toml").read_text(encoding="utf-8"))["tool"]["briefcase"]
    app = packaging["app"][project["name"]]
    return Facts(
        name=project["name"],
        formal_name=app["formal_name"],
        version=version_of(top),
        description=project["description"],
        long_description=app["long_description"],
        licence=project["license"],
        licence_files=tuple(project["license-files"]),
        author=packaging["author"],
        author_email=packaging["author_email"],
        url=repository,
        bundle=packaging["bundle"],
        icon=app["icon"],
        requirements=tuple(project["dependencies"]),
        requires_python=project["requires-python"],
        app=app,
    )


def version_of(top: Path) -> str:
    """The program's version. Raises ValueError where its file does not say one."""
    text = (top / "tsdesktop" / "core" / "version.py").read_text(encoding="utf-8")
    found = _VERSION.search(text)
    if found is None:
        raise ValueError("tsdesktop/core/version.py names no version")
    return found.group(1)
