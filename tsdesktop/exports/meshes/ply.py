"""Binary PLY with a colour at every vertex. It holds one object and has no unit; numbers are mm.

The frame and the names of the structures stand in comments; 3D Slicer reads the frame there.
"""

from __future__ import annotations

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
    only_colour,
)

_VERTEX = np.dtype([("place", "<f4", 3), ("rgb", "u1", 3)])
_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
_SCALARS = {
    "char": "i1",
    "uchar": "u1",
    "short": "<i2",
    "ushort": "<u2",
    "int": "<i4",
    "uint": "<u4",
    "int8": "i1",
    "uint8": "u1",
    "int16": "<i2",
    "uint16": "<u2",
    "int32": "<i4",
    "uint32": "<u4",
    "float": "<f4",
    "double": "<f8",
    "float32": "<f4",
    "float64": "<f8",
}
_LONGEST_HEADER = 1 << 20
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


def read_ply(path: Path) -> list[WrittenMesh]:
    """The one object of a binary PLY file of triangles. Raises OSError, ValueError, KeyError."""
    with path.open("rb") as stream:
        lines = _header_lines(stream)
        vertex, face = _records(lines)
        counts = {words[1]: int(words[2]) for words in map(str.split, lines) if words[0] == "element"}
        sizes = counts["vertex"] * vertex.itemsize, counts["face"] * face.itemsize
        if min(sizes) < 0 or stream.tell() + sum(sizes) > path.stat().st_size:
            raise ValueError("it ends too early")
        points = np.fromfile(stream, vertex, counts["vertex"])
        faces = np.fromfile(stream, face, counts["face"])
    if (faces["count"] != 3).any():
        raise ValueError("it has faces that are not triangles")
    places = np.column_stack([points[axis] for axis in "xyz"])
    names = vertex.names or ()
    rgb = only_colour(np.column_stack([points[each] for each in ("red", "green", "blue")])) if "red" in names else None
    own = [line.removeprefix("comment object ") for line in lines if line.startswith("comment object ")]
    vertices, triangles = in_ras(places, "\n".join(lines)), faces["corners"].astype(np.int32)
    return [WrittenMesh(own[0] if own else path.stem, vertices, triangles, rgb)]


def _header_lines(stream: IO[bytes]) -> list[str]:
    lines: list[str] = []
    while stream.tell() < _LONGEST_HEADER:
        line = stream.readline(1000)
        if line.strip() == b"end_header":
            if lines[:2] != ["ply", "format binary_little_endian 1.0"]:
                raise ValueError("it is not a binary PLY file")
            return lines
        if not line:
            break
        lines.append(line.decode("ascii", "replace").strip() or "comment")
    raise ValueError("its header has no end")


def _records(lines: Sequence[str]) -> tuple[np.dtype[np.void], np.dtype[np.void]]:
    """How a vertex and a face lie in the file."""
    owner = ""
    vertex: list[tuple[str, str]] = []
    face: list[tuple[str, str] | tuple[str, str, int]] = []
    for words in map(str.split, lines):
        if words[0] == "element":
            owner = words[1]
        elif words[0] == "property" and owner == "vertex":
            vertex.append((words[2], _SCALARS[words[1]]))
        elif words[0] == "property" and words[1] == "list":
            face += [("count", _SCALARS[words[2]]), ("corners", _SCALARS[words[3]], 3)]
        elif words[0] == "property":
            face.append((words[2], _SCALARS[words[1]]))
    return np.dtype(vertex), np.dtype(face)


def _header(parts: Sequence[Part], pieces: Sequence[Piece], frame: MeshFrame) -> str:
    name = parts[0].name if len(parts) == 1 else f"{len(parts)} structures"
    comments = [f"tsdesktop {frame_words(frame)}", f"object {name}", *(f"structure {piece.name}" for piece in pieces)]
    return _HEADER.format(
        comments="\n".join(f"comment {words}" for words in comments),
        vertices=sum(part.vertex_count for part in parts),
        faces=sum(part.triangle_count for part in parts),
    )


def _vertices(piece: Piece) -> NDArray[np.void]:
    rows = np.empty(len(piece.vertices), _VERTEX)
    rows["place"], rows["rgb"] = piece.vertices, piece.rgb
    return rows


def _faces(triangles: NDArray[np.int32]) -> NDArray[np.void]:
    rows = np.empty(len(triangles), _FACE)
    rows["count"], rows["corners"] = 3, triangles
    return rows
