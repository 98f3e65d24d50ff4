"""Gzip that is the same bytes every time and costs next to nothing for long runs of zeros.

A mask is mostly zeros. A run of zeros is compressed once and its bytes are repeated; the checksum passes over long runs
by matrix arithmetic (its update by zero bytes is linear, as in zlib's crc32_combine). The result is one ordinary gzip
member, as browsers want it.
"""

from __future__ import annotations

import struct
from functools import cache, lru_cache
from types import TracebackType
from typing import BinaryIO

from isal import isal_zlib

_FASTEST = 1
_RUN_BITS = 20
_RUN = 1 << _RUN_BITS
# Magic, deflate, no flags, no time, "fastest", unknown system: no file name, so nothing personal either.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_EMPTY_LAST_BLOCK = b"\x03\x00"
_POLYNOMIAL = 0xEDB88320
_ALL_BITS = 0xFFFFFFFF
_ZEROS = memoryview(bytes(_RUN))


class ZeroRunGzip:
    """Writes one gzip member to a binary stream: `write` for bytes, `write_zeros` for runs of zero bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._crc = 0
        self._length = 0
        stream.write(_HEADER)

    def __enter__(self) -> ZeroRunGzip:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._stream.write(_EMPTY_LAST_BLOCK + struct.pack("<LL", self._crc, self._length & _ALL_BITS))

    def write(self, data: bytes | memoryview) -> None:
        """Compresses `data`."""
        self._crc = isal_zlib.crc32(data, self._crc)
        self._length += len(data)
        self._stream.write(_deflated(data))

    def write_zeros(self, count: int) -> None:
        """The same as writing `count` zero bytes."""
        whole, rest = divmod(count, _RUN)
        for _ in range(whole):
            self._crc = _times(_run_operator(), self._crc ^ _ALL_BITS) ^ _ALL_BITS
            self._stream.write(_deflated_zeros(_RUN))
        if rest:
            self._crc = isal_zlib.crc32(_ZEROS[:rest], self._crc)
            self._stream.write(_deflated_zeros(rest))
        self._length += count


def _deflated(data: bytes | memoryview) -> bytes:
    """Deflate blocks that end on a byte and refer to nothing before them, so that they can stand in a row."""
    packer = isal_zlib.compressobj(_FASTEST, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
    return bytes(packer.compress(data) + packer.flush(isal_zlib.Z_FULL_FLUSH))


@lru_cache(256)
def _deflated_zeros(count: int) -> bytes:
    return _deflated(_ZEROS[:count])


@cache
def _run_operator() -> tuple[int, ...]:
    """What a run of zero bytes does to the checksum's register: a 32x32 matrix of bits, one number per column."""
    operator = (_POLYNOMIAL, *(1 << bit for bit in range(31)))
    for _ in range(3 + _RUN_BITS):
        operator = tuple(_times(operator, column) for column in operator)
    return operator


def _times(operator: tuple[int, ...], register: int) -> int:
    out = 0
    for column in operator:
        if register & 1:
            out ^= column
        register >>= 1
    return out
