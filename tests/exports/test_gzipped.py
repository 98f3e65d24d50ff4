from __future__ import annotations

import gzip
import io
import subprocess
import zlib
from collections.abc import Sequence

import numpy as np
import pytest

from tsdesktop.exports.gzipped import ZeroRunGzip

MIB = 1 << 20


def packed(parts: Sequence[bytes | int]) -> bytes:
    stream = io.BytesIO()
    with ZeroRunGzip(stream) as file:
        for part in parts:
            file.write_zeros(part) if isinstance(part, int) else file.write(part)
    return stream.getvalue()


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"header"],
        [1],
        [3 * MIB],
        [b"a", MIB, b"b" * 1000, 2 * MIB + 5, np.random.default_rng(0).bytes(70_000), MIB - 1],
        [0, b"", 7 * MIB + 1, b"\x01"],
    ],
    ids=str,
)
def test_runs_of_zeros_read_back(parts: list[bytes | int]) -> None:
    expected = b"".join(bytes(part) if isinstance(part, int) else part for part in parts)
    data = packed(parts)
    # gzip.decompress checks the checksum and the length too.
    assert gzip.decompress(data) == expected
    assert len(data) < len(expected) / 100 + 80_000
    # One member only: browsers stop after the first.
    reader = zlib.decompressobj(wbits=31)
    reader.decompress(data)
    assert (reader.eof, reader.unused_data) == (True, b"")


def test_gzip_itself_accepts_it() -> None:
    data = packed([b"scan", 5 * MIB, b"end"])
    done = subprocess.run(["gzip", "-t"], input=data, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_nothing_depends_on_time_or_name() -> None:
    assert packed([b"x", MIB]) == packed([b"x", MIB])
    assert packed([b"x"])[3:8] == bytes(5)
