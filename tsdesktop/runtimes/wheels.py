"""Unpacks a wheel: names are looked at before anything is written, every file is compared with the wheel's own list."""

from __future__ import annotations

import base64
import csv
import shutil
from pathlib import Path

from tsdesktop.core.errors import LibraryError
from tsdesktop.weights.archive import is_left_out, unpack
from tsdesktop.weights.hashing import FileFact
from tsdesktop.weights.progress import Listen
from tsdesktop.weights.stopping import Stop

# Signatures of the list cannot stand in it.
_NOT_LISTED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_LIBRARIES = ("purelib", "platlib")
# Headers, for whoever compiles against torch: three quarters of all files, and none is read by a network that runs.
_WITHOUT = ("torch/include/",)


def unpack_wheel(path: Path, folder: Path, name: str, listen: Listen, stop: Stop) -> tuple[FileFact, ...]:
    """Unpacks the wheel at `path` into the empty folder `folder`, as a folder of packages, and says what is in it.

    `name` is what errors call it. Scripts, torch's headers and other data are left out. Raises WeightsError for an
    unsafe or damaged zip, LibraryError for one that differs from its RECORD; Cancelled.
    """
    facts = unpack(path, folder, listen, stop, name, _WITHOUT)
    _compare(facts, _record(facts, folder, name), name)
    return tuple(each for each in (_settled(fact, folder) for fact in facts) if each is not None)


def _record(facts: tuple[FileFact, ...], folder: Path, name: str) -> dict[str, str]:
    """The wheel's own list: SHA-256 in hexadecimal by file name, "" where it states none."""
    lists = [each.name for each in facts if each.name.endswith(".dist-info/RECORD") and each.name.count("/") == 1]
    if len(lists) != 1:
        raise LibraryError("runtime.damaged", name=name, member="RECORD")
    with (folder / lists[0]).open(encoding="utf-8", newline="") as file:
        try:
            return {row[0]: _hex(row[1]) for row in csv.reader(file) if row}
        except (ValueError, IndexError, csv.Error) as error:
            raise LibraryError("runtime.damaged", name=name, member="RECORD") from error


def _hex(told: str) -> str:
    kind, _, text = told.partition("=")
    if kind != "sha256":
        return ""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()


def _compare(facts: tuple[FileFact, ...], listed: dict[str, str], name: str) -> None:
    for fact in facts:
        is_exempt = fact.name.endswith(tuple(f".dist-info/{each}" for each in _NOT_LISTED))
        if not is_exempt and listed.get(fact.name, "") != fact.sha256:
            raise LibraryError("runtime.damaged", name=name, member=fact.name)
    lacking = set(listed) - {fact.name for fact in facts}
    for member in sorted(lacking):
        if not is_left_out(member) and not member.startswith(_WITHOUT):
            raise LibraryError("runtime.damaged", name=name, member=member)


def _settled(fact: FileFact, folder: Path) -> FileFact | None:
    """A file where it belongs: what a wheel keeps in its data folder is moved up, or removed when it is no library."""
    top, _, rest = fact.name.partition("/")
    if not top.endswith(".data"):
        return fact
    kind, _, inner = rest.partition("/")
    source, target = folder / fact.name, folder / inner
    if kind not in _LIBRARIES or not inner:
        source.unlink()
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
    return FileFact(inner, fact.size, fact.sha256)
