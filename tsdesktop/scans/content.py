"""What a file is, told from its first bytes and not from its name, and opening it whether it is gzipped or not."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from isal import igzip, isal_zlib

from tsdesktop.core.errors import ReadError

_GZIP_ERRORS: tuple[Any, ...] = (gzip.BadGzipFile, zlib.error, isal_zlib.error)

Kind = Literal["nifti", "mgh", "nrrd", "meta", "gipl", "dicom", "zip", "packed", "unknown"]

_HEAD = 600
_GIPL_MAGIC = (b"\xef\xff\xe9\xb0", b"\x2a\xe3\x89\xb8")
_MGH_TYPES = (0, 1, 3, 4)
# Value representations that can stand in the first element of a DICOM file without preamble.
_VRS = (b"UL", b"UI", b"CS", b"SH", b"DA", b"TM", b"OB", b"LO", b"DT")


def is_gzip(path: Path) -> bool:
    """Whether the file starts as a gzip stream. Raises OSError."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's content, unpacked on the fly if it is gzipped. Raises ReadError for a damaged stream, and OSError."""
    try:
        if is_gzip(path):
            with igzip.open(path, "rb") as packed:
                yield packed
        else:
            with path.open("rb") as file:
                yield file
    except EOFError as error:
        raise ReadError("read.truncated", name=path.name) from error
    except _GZIP_ERRORS as error:
        raise ReadError("read.broken", name=path.name, reason="its compression is damaged") from error


def kind_of(path: Path) -> Kind:
    """What the file is. Raises ReadError for an empty or damaged file, and OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise ReadError("read.empty_file", name=path.name)
    if head[:2] != b"\x1f\x8b":
        return _kind_of_head(head)
    with opened(path) as file:
        inside = file.read(_HEAD)
    kind = _kind_of_head(inside)
    return kind if kind in ("nifti", "mgh", "unknown") else "packed"


def _kind_of_head(head: bytes) -> Kind:
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    if head[128:132] == b"DICM":
        return "dicom"
    if head[:6] == b"NRRD00":
        return "nrrd"
    if head[344:347] in (b"n+1", b"ni1") or head[4:7] in (b"n+2", b"ni2"):
        return "nifti"
    if head[252:256] in _GIPL_MAGIC:
        return "gipl"
    if _is_meta(head):
        return "meta"
    if _is_mgh(head):
        return "mgh"
    return "dicom" if _is_bare_dicom(head) else "unknown"


def _is_meta(head: bytes) -> bool:
    lines = head.split(b"\n")
    keys = [line.split(b"=")[0].strip() for line in lines if b"=" in line]
    return b"NDims" in keys or keys[:1] == [b"ObjectType"]


def _is_mgh(head: bytes) -> bool:
    if len(head) < 284:
        return False
    version, *sizes, frames, kind = struct.unpack(">6i", head[:24])
    return version == 1 and all(0 < n < 65536 for n in (*sizes, frames)) and kind in _MGH_TYPES


def _is_bare_dicom(head: bytes) -> bool:
    """A data set without preamble: it starts with an element of group 2 or 8, in explicit or implicit notation."""
    if len(head) < 16:
        return False
    group, element = struct.unpack("<HH", head[:4])
    if group not in (2, 8) or element > 0x70:
        return False
    return head[4:6] in _VRS or (
        (element % 2 == 0 or element in (0x05, 0x31)) and struct.unpack("<I", head[4:8])[0] < 256
    )


def unpacked_to(path: Path, folder: Path) -> Path:
    """The gzipped file's content as a file in `folder`, named without the last ending. Raises ReadError and OSError."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    target = folder / (name or "content")
    with opened(path) as source, target.open("wb") as out:
        while block := source.read(1 << 20):
            out.write(block)
    return target


def plain_size(file: IO[Any]) -> int | None:
    """Bytes of an open plain file; None for an unpacked stream, whose length is not known."""
    return os.fstat(file.fileno()).st_size if isinstance(file, io.BufferedReader) else None
