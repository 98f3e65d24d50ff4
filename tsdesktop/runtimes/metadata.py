"""What a wheel needs: its own METADATA, read without fetching the wheel, which may have half a gigabyte."""

from __future__ import annotations

import hashlib
import io
import zipfile
from email.parser import Parser

from packaging.requirements import InvalidRequirement, Requirement

from tsdesktop.core.errors import LibraryError
from tsdesktop.runtimes.index import Wheel, host_of
from tsdesktop.runtimes.pages import Reader
from tsdesktop.weights.archive import UNREADABLE

_TAIL_BYTES = 1 << 16


def requirements_of(wheel: Wheel, reader: Reader) -> tuple[Requirement, ...]:
    """Every Requires-Dist of a wheel. Raises LibraryError when it cannot be told, WeightsError, Cancelled."""
    text = _told_beside(wheel, reader) if wheel.has_metadata else ""
    return requirements_in(text or _read_inside(wheel, reader), wheel)


def requirements_in(metadata: str, wheel: Wheel) -> tuple[Requirement, ...]:
    """Every Requires-Dist in a text of METADATA. Raises LibraryError for one that cannot be understood."""
    told = Parser().parsestr(metadata).get_all("Requires-Dist") or []
    try:
        return tuple(Requirement(each) for each in told)
    except InvalidRequirement as error:
        raise LibraryError("runtime.no_metadata", index=host_of(wheel.address), name=wheel.file_name) from error


def _told_beside(wheel: Wheel, reader: Reader) -> str:
    """The file beside the wheel; "" where it is not there after all, or not what its hash says."""
    try:
        body = reader.page(f"{wheel.address}.metadata").body
    except LibraryError as error:
        if error.arguments.get("code") in (403, 404):
            return ""
        raise
    if wheel.metadata_sha256 and hashlib.sha256(body).hexdigest() != wheel.metadata_sha256:
        return ""
    return body.decode("utf-8", "replace")


def _read_inside(wheel: Wheel, reader: Reader) -> str:
    """The member of the wheel, of which only the list at its end and the member itself are fetched."""
    try:
        with zipfile.ZipFile(_Remote(wheel, reader)) as archive:
            name = next(each for each in archive.namelist() if is_metadata(each))
            return archive.read(name).decode("utf-8", "replace")
    except (*UNREADABLE, StopIteration, KeyError) as error:
        raise LibraryError("runtime.no_metadata", index=host_of(wheel.address), name=wheel.file_name) from error


def is_metadata(member: str) -> bool:
    """Whether a member of a wheel is its METADATA."""
    folder, _, name = member.partition("/")
    return folder.endswith(".dist-info") and name == "METADATA"


class _Remote(io.RawIOBase):
    """A file at an address, read in parts; its end is fetched once."""

    def __init__(self, wheel: Wheel, reader: Reader) -> None:
        super().__init__()
        self._wheel, self._reader, self._at = wheel, reader, 0
        tail = reader.part(wheel.address, -_TAIL_BYTES, 0)
        if tail is None or tail.total_bytes is None or not tail.body:
            raise OSError("only whole files are handed out")
        self._tail, self._size = tail.body, tail.total_bytes

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to where the next read begins."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Some bytes, or all that follow."""
        end = self._size if size < 0 else min(self._size, self._at + size)
        first, tail_from = self._at, self._size - len(self._tail)
        if first >= end:
            return b""
        self._at = end
        if first >= tail_from:
            return self._tail[first - tail_from : end - tail_from]
        # zipfile reads a header of some bytes first: what follows comes with it.
        found = self._reader.part(self._wheel.address, first, end - 1)
        if found is None or len(found.body) != end - first:
            raise OSError("the server handed out other bytes")
        return found.body
