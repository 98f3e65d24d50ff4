"""What was installed and from where, and what the last thorough look at it found: a small JSON file per network."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tsdesktop.core.files import written_whole
from tsdesktop.core.version import __version__
from tsdesktop.weights.hashing import FileFact
from tsdesktop.weights.places import own_weights_folder

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """`address` is where the zip came from, "" for one that was imported; `zip_sha256` "" for a folder."""

    folder: str
    address: str
    zip_sha256: str
    installed: str
    program: str
    files: tuple[FileFact, ...]


@dataclass(frozen=True)
class Verdict:
    """What the last thorough look found: `problem` "" when all was well, `stamp` tells whether files changed since."""

    place: str
    stamp: str
    problem: str
    checked: str


def new_record(folder: str, files: Iterable[FileFact], address: str = "", zip_sha256: str = "") -> Record:
    """The record of something that is installed now."""
    return Record(folder, address, zip_sha256, _now(), __version__, tuple(files))


def write_record(record: Record) -> None:
    """Keeps a record. Raises OSError."""
    _write(_record_file(record.folder), record)


def read_record(folder: str) -> Record | None:
    """The record of a dataset folder; None when there is none that can be read."""
    data = _read(_record_file(folder))
    try:
        files = tuple(FileFact(str(each["name"]), int(each["size"]), str(each["sha256"])) for each in data["files"])
        words = {key: str(data[key]) for key in ("folder", "address", "zip_sha256", "installed", "program")}
        return Record(**words, files=files)
    except (KeyError, TypeError, ValueError):
        return None


def write_verdict(folder: str, place: Path, problem: str) -> None:
    """Keeps what a thorough look at the dataset folder `place` found. Raises OSError."""
    _write(_verdict_file(folder), Verdict(str(place), stamp_of(place), problem, _now()))


def read_verdict(folder: str, place: Path) -> Verdict | None:
    """What the last thorough look at `place` found; None when nobody looked since its files changed."""
    data = _read(_verdict_file(folder))
    try:
        verdict = Verdict(*(str(data[key]) for key in ("place", "stamp", "problem", "checked")))
    except (KeyError, TypeError):
        return None
    return verdict if verdict.place == str(place) and verdict.stamp == stamp_of(place) else None


def forget(folder: str) -> None:
    """Removes record and verdict. Raises OSError."""
    _record_file(folder).unlink(missing_ok=True)
    _verdict_file(folder).unlink(missing_ok=True)


def stamp_of(place: Path) -> str:
    """Changes whenever a file below `place` is added, removed or written to."""
    digest = hashlib.sha256()
    for path in sorted(each for each in place.rglob("*") if each.is_file()):
        facts = path.stat()
        digest.update(f"{path.relative_to(place).as_posix()}\n{facts.st_size}\n{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _record_file(folder: str) -> Path:
    return own_weights_folder() / ".records" / f"{folder}.json"


def _verdict_file(folder: str) -> Path:
    return own_weights_folder() / ".records" / f"{folder}.verdict.json"


def _write(path: Path, value: Record | Verdict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(vars(value), default=vars, indent=1)
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("the record %s cannot be read: %s", path.name, error)
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
