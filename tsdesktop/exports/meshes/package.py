"""The zip of a 3MF with headers that every reader knows.

lib3mf writes headers for files over 4 GB, and the zeroth day of the zeroth month, whatever the size; some readers
(assimp among them) open no such file. Here the same compressed bytes get plain headers and a valid, fixed time.
"""

from __future__ import annotations

import shutil
import struct
import zipfile
from pathlib import Path
from typing import IO

_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_VERSION, _NAMES_ARE_UTF8 = 20, 0x800
_FIRST_DAY = 1 << 5 | 1  # 1 January 1980, where the time of zip begins
_TOO_LARGE = 0xFFFFFFFF
_LOCAL_NAME_LENGTHS = 26


def with_plain_headers(source: IO[bytes], target: Path) -> None:
    """Writes the files of the zip `source` into `target`, the list of types first. Raises OSError.

    Files over 4 GB need the other headers: then it is an exact copy.
    """
    with zipfile.ZipFile(source) as package:
        entries = sorted(package.infolist(), key=lambda each: (not each.filename.startswith("["), each.header_offset))
    with target.open("wb") as stream:
        if source.seek(0, 2) >= _TOO_LARGE or any(each.file_size >= _TOO_LARGE for each in entries):
            source.seek(0)
            shutil.copyfileobj(source, stream)
            return
        places = [_copy(entry, source, stream) for entry in entries]
        start = stream.tell()
        for entry, place in zip(entries, places, strict=True):
            stream.write(
                _CENTRAL.pack(b"PK\1\2", _VERSION, *_facts(entry), 0, 0, 0, 0, place) + entry.filename.encode()
            )
        count, size = len(entries), stream.tell() - start
        stream.write(_END.pack(b"PK\5\6", 0, 0, count, count, size, start, 0))


def _copy(entry: zipfile.ZipInfo, raw: IO[bytes], stream: IO[bytes]) -> int:
    """Copies the compressed bytes of one file behind a plain header; returns where that header stands."""
    place = stream.tell()
    stream.write(_LOCAL.pack(b"PK\3\4", *_facts(entry)) + entry.filename.encode())
    raw.seek(entry.header_offset + _LOCAL_NAME_LENGTHS)
    raw.seek(sum(struct.unpack("<2H", raw.read(4))), 1)
    stream.write(raw.read(entry.compress_size))
    return place


def _facts(entry: zipfile.ZipInfo) -> tuple[int, ...]:
    """What both kinds of header say of a file."""
    sizes = entry.CRC, entry.compress_size, entry.file_size
    return (_VERSION, _NAMES_ARE_UTF8, entry.compress_type, 0, _FIRST_DAY, *sizes, len(entry.filename.encode()), 0)
