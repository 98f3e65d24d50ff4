"""Copies and reads large files piece by piece while their SHA-256 is taken; a whole checkpoint is never in memory."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.stopping import Stop

_PIECE_BYTES = 1 << 20
_WINDOWS_DISK_FULL = 112
Tell = Callable[[int], None]


@dataclass(frozen=True)
class FileFact:
    """A file as it was written: its name below a folder with "/" between, its size and SHA-256."""

    name: str
    size: int
    sha256: str


def pour(source: IO[bytes], target: Path | None, tell: Tell, stop: Stop) -> str:
    """Reads `source` to its end, writes it to `target` where one is given, and returns its SHA-256.

    `tell` hears how many bytes are done. What was written is on the disk itself when this returns, so that a power cut
    cannot leave an empty file in a folder that was already renamed. Raises what reading raises, WeightsError when
    writing fails, Cancelled.
    """
    digest = hashlib.sha256()
    if target is None:
        _pieces(source, None, "", digest, (tell, stop))
        return digest.hexdigest()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            _pieces(source, out, target.name, digest, (tell, stop))
            _write(out, None, target.name)
    except OSError as error:
        if error.filename is None:
            raise
        raise not_written(error, target.name) from error
    return digest.hexdigest()


def pour_into(source: IO[bytes], out: IO[bytes], name: str, tell: Tell, stop: Stop) -> str:
    """As `pour`, into a file that is open; `name` is what errors call it."""
    digest = hashlib.sha256()
    _pieces(source, out, name, digest, (tell, stop))
    return digest.hexdigest()


def sha256_of(path: Path, tell: Tell, stop: Stop) -> str:
    """The SHA-256 of a file. Raises OSError, Cancelled."""
    with path.open("rb") as file:
        return pour(file, None, tell, stop)


def not_written(error: OSError, name: str) -> WeightsError:
    """The error of this program for a file or folder that could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "winerror", None) == _WINDOWS_DISK_FULL:
        return WeightsError("weights.disk_full")
    return WeightsError("weights.not_written", name=name, reason=error.strerror or "no access")


def _pieces(source: IO[bytes], out: IO[bytes] | None, name: str, digest: hashlib._Hash, how: tuple[Tell, Stop]) -> None:
    tell, stop = how
    done = 0
    while piece := source.read(_PIECE_BYTES):
        stop.check()
        digest.update(piece)
        if out is not None:
            _write(out, piece, name)
        done += len(piece)
        tell(done)


def _write(out: IO[bytes], piece: bytes | None, name: str) -> None:
    """Writes a piece; None: all of it down to the disk. Told apart from errors of reading, which mean another thing."""
    try:
        if piece is not None:
            out.write(piece)
        else:
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise not_written(error, name) from error
