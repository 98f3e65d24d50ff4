"""Binary PLY with a colour at every vertex. It holds one object and has no unit; numbers are mm.

The frame and the names of the structures stand in comments; 3D Slicer reads the frame there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tsdesktop.exports.meshes.parts import MeshFrame, Part, Piece, chunks, frame_words

VERTEX = np.dtype([("place", "<f4", 3), ("rgb", "u1", 3)])
FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
_HEADER = """ply
format binary_little_endian 1.0
{comments}
element vertex {vertices}
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
element face {faces}
property list uchar int vertex_indices
end_header
"""


def write_ply(parts: Sequence[Part], path: Path, frame: MeshFrame) -> None:
    """Writes all parts as one object: the format knows one only. Raises OSError."""
    pieces = [piece for part in parts for piece in part.pieces]
    with path.open("wb") as stream:
        stream.write(_header(parts, pieces, frame).encode("ascii", "replace"))
        for piece in pieces:
            stream.write(_vertices(piece).tobytes())
        first = 0
        for piece in pieces:
            for some in chunks(piece.triangles):
                stream.write(_faces(some + np.int32(first)).tobytes())
            first += len(piece.vertices)


def _header(parts: Sequence[Part], pieces: Sequence[Piece], frame: MeshFrame) -> str:
    name = parts[0].name if len(parts) == 1 else f"{len(parts)} structures"
    comments = [f"tsdesktop {frame_words(frame)}", f"object {name}", *(f"structure {piece.name}" for piece in pieces)]
    return _HEADER.format(
        comments="\n".join(f"comment {words}" for words in comments),
        vertices=sum(part.vertex_count for part in parts),
        faces=sum(part.triangle_count for part in parts),
    )


def _vertices(piece: Piece) -> NDArray[np.void]:
    rows = np.empty(len(piece.vertices), VERTEX)
    rows["place"], rows["rgb"] = piece.vertices, piece.rgb
    return rows


def _faces(triangles: NDArray[np.int32]) -> NDArray[np.void]:
    rows = np.empty(len(triangles), FACE)
    rows["count"], rows["corners"] = 3, triangles
    return rows
