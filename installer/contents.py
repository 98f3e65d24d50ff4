"""Writes assets/contents.json: which files the program brings along, for `tsdesktop --self-test`.

    .venv/bin/python installer/contents.py

What was trained, scanned or drawn by others is listed with its SHA-256, so that damage is found; the rest by name,
since it changes with the program. Sources of translations and what installers put elsewhere (icons of files) are not
needed to run and not listed.
"""  # fmt: skip

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tsdesktop.core.installation import CONTENTS, digest_of

ASSETS = Path(__file__).resolve().parents[1] / "assets"
_WITH_DIGEST = ("demo", "fonts", "sample")
_NOT_NEEDED = ("translations/*.ts", "translations/*.txt", "*.icns", "*.ico", "icons/files/*")


def contents(folder: Path = ASSETS) -> dict[str, str]:
    """Every file that is needed, by its name below `folder`, with its SHA-256 or ""."""
    return {name: _digest(folder / name, name) for name in sorted(_names(folder))}


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and name.name != CONTENTS and not any(name.match(each) for each in _NOT_NEEDED):
            yield name.as_posix()


def _digest(path: Path, name: str) -> str:
    return digest_of(name, path.read_bytes()) if name.split("/")[0] in _WITH_DIGEST else ""


def main() -> None:
    """Writes the list."""
    (ASSETS / CONTENTS).write_text(json.dumps(contents(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
