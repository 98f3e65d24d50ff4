"""The manners of every export: nothing is overwritten unasked, files are whole or not there, failures are told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tsdesktop.core.errors import ExportError
from tsdesktop.core.files import written_whole

# Names no file may have on Windows, whatever its ending.
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_FORBIDDEN = '<>:"/\\|?*'
# File systems allow 255 bytes or characters; endings and numbers come on top.
_LONGEST_NAME, _MOST_BYTES = 100, 200


@contextmanager
def written(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yields a temporary path that becomes `path` when the block ends well. Raises ExportError."""
    refuse_existing([path], overwrite=overwrite)
    try:
        with written_whole(path) as temporary:
            yield temporary
    except OSError as error:
        raise not_written(path, error) from error


def refuse_existing(paths: Iterable[Path], *, overwrite: bool) -> None:
    """Raises ExportError when one of `paths` is there already, unless `overwrite`, or cannot be looked for."""
    for path in paths:
        try:
            there = path.exists()
        except OSError as error:
            raise not_written(path, error) from error
        if there and not overwrite:
            raise ExportError("export.exists", name=path.name)


def existing_folder(folder: Path) -> Path:
    """The folder, made if it was not there. Raises ExportError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error) from error
    return folder


def not_written(path: Path, error: OSError) -> ExportError:
    """The error for people that an OSError about `path` means."""
    return ExportError("export.not_written", name=path.name, reason=error.strerror or type(error).__name__)


def write_json(data: Any, path: Path, *, indent: int = 2, overwrite: bool = False) -> None:
    """Writes plain data as UTF-8 JSON. Raises ExportError."""
    text = json.dumps(data, indent=indent, ensure_ascii=False, allow_nan=False) + "\n"
    with written(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def file_names(names: Iterable[str], ending: str) -> list[str]:
    """One file name for each of `names` that every system allows, none twice even where case does not count."""
    out: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem = safe_name(name)
        candidate, count = stem, 1
        while candidate.lower() in taken:
            count += 1
            candidate = f"{stem}_{count}"
        taken.add(candidate.lower())
        out.append(candidate + ending)
    return out


def safe_name(name: str) -> str:
    """`name` without what Windows, macOS or Linux refuse in a file name, and not too long for any of them.

    A name that is safe stays as it is.
    """
    kept = "".join("_" if each in _FORBIDDEN or ord(each) < 32 else each for each in name)
    kept = kept[:_LONGEST_NAME].encode("utf-8", "replace")[:_MOST_BYTES].decode("utf-8", "ignore")
    kept = kept.strip().rstrip(". ")
    if not kept:
        return "structure"
    # What Windows reserves it reserves with any ending.
    head, dot, rest = kept.partition(".")
    return f"{head}_{dot}{rest}" if head.rstrip().lower() in _RESERVED else kept
