"""STL, binary and as text. It has no colour and no unit; numbers are mm.

The frame stands in the header as "SPACE=LPS" or "SPACE=RAS", the comment that 3D Slicer writes and reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from tsdesktop.exports.meshes.parts import MeshFrame, Part, Piece, chunks, frame_words, rows_as_text

HEADER_BYTES = 80
FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
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


def _header(name: str, frame: MeshFrame) -> bytes:
    # Must not begin with "solid": that is how readers recognise the text form of STL.
    text = f"tsdesktop {frame_words(frame)} {name}".encode("ascii", "replace")
    return text[:HEADER_BYTES].ljust(HEADER_BYTES)


def _facets(corners: NDArray[np.float32]) -> NDArray[np.void]:
    facets = np.zeros(len(corners), FACET)
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
