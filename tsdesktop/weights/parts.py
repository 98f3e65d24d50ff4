"""A file that is arriving: the part that is here, and beside it a note of what it is a part of.

The program may be killed at any moment. The part's own length says how much is here; the note is replaced as a whole,
before the first byte of what it describes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.progress import Meter
from tsdesktop.weights.stopping import Stop

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Version:
    """Which file at which address: `etag` and `modified` are what its server said of it, `total` None until known."""

    address: str
    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def validator(self) -> str:
        """What a server may be asked to compare before it goes on, "" when there is nothing that proves sameness."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def is_same_as(self, other: Version) -> bool:
        """Whether nothing that both know differs."""
        pairs = ((self.etag, other.etag), (self.modified, other.modified), (self.total, other.total))
        return self.address == other.address and all(not a or not b or a == b for a, b in pairs)


class Part:
    """The part of one file, of what is at `address`; anything else that lies there is not gone on with."""

    def __init__(self, path: Path, address: str) -> None:
        self.path = path
        self._note = path.with_suffix(".json")
        self.version = self._noted(address)
        if self.version is None or (self.version.total is not None and self.length > self.version.total):
            self.discard()

    @property
    def length(self) -> int:
        """How many bytes are here."""
        return length_of(self.path)

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here."""
        return self.version is not None and self.version.total == self.length

    def begin(self, version: Version) -> None:
        """Starts anew with another version of the file. Raises WeightsError when it cannot be written."""
        with writing(self.path.parent):
            self.path.write_bytes(b"")
            self.note(version)

    def note(self, version: Version) -> None:
        """Remembers what is known of the file now. Raises WeightsError when it cannot be written."""
        new = self._note.with_suffix(".json.new")
        with writing(self.path.parent):
            new.write_text(json.dumps(asdict(version)), encoding="utf-8")
            new.replace(self._note)
        self.version = version

    @contextmanager
    def appending(self) -> Iterator[BinaryIO]:
        """The file to append to with `append`, where every byte is on its way to the disk at once."""
        with writing(self.path.parent):
            file = self.path.open("ab", buffering=0)
        with file:
            yield file

    def append(self, file: BinaryIO, data: bytes) -> None:
        """Appends all of `data`. Raises WeightsError when the disk is full or may not be written."""
        rest = memoryview(data)
        with writing(self.path.parent):
            while rest:
                rest = rest[file.write(rest) :]

    def discard(self) -> None:
        """Removes the part and its note."""
        forget(self.path)
        self.version = None

    def sha256(self, meter: Meter, stop: Stop) -> str:
        """The hash of what is here; takes a second for each half gigabyte. Raises Cancelled."""
        found, done = hashlib.sha256(), 0
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                stop.check()
                found.update(block)
                done += len(block)
                meter.moved(done)
        return found.hexdigest()

    def _noted(self, address: str) -> Version | None:
        try:
            told = json.loads(self._note.read_text(encoding="utf-8"))
            version = Version(
                str(told["address"]),
                str(told["etag"]),
                str(told["modified"]),
                None if told["total"] is None else int(told["total"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return version if version.address == address else None


def length_of(path: Path) -> int:
    """How many bytes a file has; none when it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def forget(path: Path) -> None:
    """Removes a part and the notes beside it. Raises WeightsError when that may not be done."""
    with writing(path.parent):
        for each in (path, path.with_suffix(".json"), path.with_suffix(".json.new")):
            each.unlink(missing_ok=True)


def require_space(folder: Path, needed: float | None, name: str) -> None:
    """Raises WeightsError when the disk of `folder`, or of the nearest one above it that exists, has less free."""
    if needed is None:
        return
    there = next((each for each in (folder, *folder.parents) if each.is_dir()), folder)
    with writing(folder):
        free = shutil.disk_usage(there).free
    if free < needed:
        # Rounded away from each other: never "needs 2.0 and has 2.0".
        told = {"needed_gb": math.ceil(needed / 1e8) / 10, "free_gb": math.floor(free / 1e8) / 10}
        raise WeightsError("weights.disk_space", name=name, **told)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Says in plain words why something in `folder` could not be written: WeightsError instead of OSError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise WeightsError("weights.disk_full") from error
        # People know the folder of networks, not the hidden ones in it.
        place, reason = folder.parent if folder.name.startswith(".") else folder, error.strerror or "no access"
        raise WeightsError("weights.not_writable", place=str(place), reason=reason) from error
