"""STL, binary and as text. It has no colour and no unit; numbers are mm.

The frame stands in the header as "SPACE=LPS" or "SPACE=RAS", the comment that 3D Slicer writes and reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from tsdesktop.exports.meshes.parts import (
    MeshFrame,
    Part,
    Piece,
    WrittenMesh,
    chunks,
    frame_words,
    in_ras,
    numbers_in,
    rows_as_text,
)

_HEADER_BYTES = 80
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_COUNT_BYTES = 4
_OWN_HEADER = re.compile(r"tsdesktop \w+=\w+ UNIT=mm (.+)")
_OWN_NAME = re.compile(r"(.*?) \w+=\w+ UNIT=mm$")
_SOLID = re.compile(rb"^[ \t]*solid\b([^\r\n]*)", re.MULTILINE)
_NO_VERTEX = re.compile(rb"^[ \t]*(?:facet|outer|end)[^\n]*\n?", re.MULTILINE)
_LONGEST_LINE = 1000
_FACET_TEXT = " facet normal %s\n  outer loop\n   vertex %s\n   vertex %s\n   vertex %s\n  endloop\n endfacet\n"


def write_stl(parts: Sequence[Part], path: Path, frame: MeshFrame) -> None:
    """Writes all parts one after the other as binary STL: the format knows one object only. Raises OSError."""
    pieces = [piece for part in parts for piece in part.pieces]
    name = pieces[0].name if len(pieces) == 1 else f"{len(pieces)} structures"
    with path.open("wb") as stream:
        stream.write(_header(name, frame))
        stream.write(np.array(sum(part.triangle_count for part in parts), "<u4").tobytes())
        for piece in pieces:
            for some in chunks(piece.triangles):
                stream.write(_facets(piece.vertices[some]).tobytes())


def write_stl_text(parts: Sequence[Part], path: Path, frame: MeshFrame) -> None:
    """Writes each part as a `solid` of its own. Numbers are read back as exactly what they were. Raises OSError."""
    with path.open("w", encoding="ascii", errors="replace", newline="\n") as stream:
        for part in parts:
            # Some readers take the first word for the name, so the frame comes last.
            stream.write(f"solid {part.name} {frame_words(frame)}\n")
            for piece in part.pieces:
                _write_facets(piece, stream)
            stream.write(f"endsolid {part.name}\n")


def read_stl(path: Path) -> list[WrittenMesh]:
    """The objects of an STL file of either kind; corners at equal places become one vertex.

    A binary one without our header is named as its file. Raises OSError, ValueError.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(_HEADER_BYTES + _COUNT_BYTES)
        count = int.from_bytes(start[_HEADER_BYTES:], "little")
        if size != len(start) + count * _FACET.itemsize or len(start) < _HEADER_BYTES + _COUNT_BYTES:
            if start.lstrip().startswith(b"solid"):
                return _read_text(path)
            raise ValueError("its length does not fit the number of triangles it states")
        facets = np.fromfile(stream, _FACET, count)
    words = start[:_HEADER_BYTES].decode("ascii", "replace").strip("\0 ")
    own = _OWN_HEADER.match(words)
    return [joined(own[1] if own else path.stem, facets["corners"], words)]


def _read_text(path: Path) -> list[WrittenMesh]:
    """Each `solid`, up to its `endsolid`."""
    text = path.read_bytes()
    heads = list(_SOLID.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    found: list[WrittenMesh] = []
    for head, end in zip(heads, ends, strict=True):
        words = head[1].decode("ascii", "replace").strip()
        own = _OWN_NAME.match(words)
        found.append(joined(own[1] if own else words or path.stem, _corners(text[head.end() : end]), words))
    return found


def _corners(text: bytes) -> NDArray[np.float32]:
    """The corners (m, 3, 3) of one solid's facets."""
    if b"endsolid" not in text[-_LONGEST_LINE:]:
        raise ValueError("it ends too early")
    places = _NO_VERTEX.sub(b"", text)
    count = places.count(b"vertex")
    numbers = numbers_in(places.replace(b"vertex", b""))
    if count % 3 or numbers.size != count * 3:
        raise ValueError("a facet has not three corners of three numbers")
    return numbers.astype(np.float32).reshape(-1, 3, 3)


def joined(name: str, corners: NDArray[np.float32], words: str) -> WrittenMesh:
    """Triangles (m, 3, 3) as a mesh whose equal corners are one vertex."""
    places = np.ascontiguousarray(corners.reshape(-1, 3)) + np.float32(0)
    # Sorting one hash of each place is ten times as fast as sorting the places themselves.
    bits = places.view(np.uint32).astype(np.uint64)
    keys = (bits * np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)).sum(axis=1)
    _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
    vertices = places[first]
    if not np.array_equal(vertices[numbers], places, equal_nan=True):
        vertices, numbers = np.unique(places, axis=0, return_inverse=True)
    return WrittenMesh(name, in_ras(vertices, words), numbers.reshape(-1, 3).astype(np.int32))


def _header(name: str, frame: MeshFrame) -> bytes:
    # Must not begin with "solid": that is how readers recognise the text form of STL.
    text = f"tsdesktop {frame_words(frame)} {name}".encode("ascii", "replace")
    return text[:_HEADER_BYTES].ljust(_HEADER_BYTES)


def _facets(corners: NDArray[np.float32]) -> NDArray[np.void]:
    facets = np.zeros(len(corners), _FACET)
    facets["corners"] = corners
    facets["normal"] = _normals(corners)
    return facets


def _normals(corners: NDArray[np.float32]) -> NDArray[np.float64]:
    """Unit normals (m, 3) of triangles (m, 3, 3); zero where a triangle has no area."""
    a, b, c = (corners[:, n].astype(np.float64) for n in range(3))
    areas = np.cross(b - a, c - a)
    return np.asarray(areas / np.maximum(np.linalg.norm(areas, axis=1, keepdims=True), 1e-30) + 0.0)


def _write_facets(piece: Piece, stream: IO[str]) -> None:
    places = np.array(rows_as_text(piece.vertices, "%.9g %.9g %.9g").splitlines(), object)
    for some in chunks(piece.triangles):
        normals = np.array(rows_as_text(_normals(piece.vertices[some]), "%.6g %.6g %.6g").splitlines(), object)
        words = np.column_stack([normals[:, None], places[some]])
        stream.write((_FACET_TEXT * len(some)) % tuple(words.ravel()))
