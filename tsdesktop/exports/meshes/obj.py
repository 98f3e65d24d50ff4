"""OBJ with its materials (MTL) beside it: objects with names, colours as materials. It has no unit; numbers are mm.

The frame stands in the first comment, as 3D Slicer writes and reads it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from tsdesktop.core.structures import Rgb
from tsdesktop.exports.meshes.parts import (
    MeshFrame,
    Part,
    Piece,
    WrittenMesh,
    chunks,
    frame_words,
    in_ras,
    only_used,
    rows_as_text,
    rows_in,
)
from tsdesktop.exports.writing import file_names

MTL_ENDING = ".mtl"
_MATERIAL = "newmtl {name}\nKa 0 0 0\nKd {kd}\nKs 0.1 0.1 0.1\nNs 20\nd 1\nillum 2\n\n"


def materials_path(path: Path) -> Path:
    """The MTL file of an OBJ file: a name that every reader of the one finds the other by.

    Many readers stop at a blank and know only ASCII: a name with anything else gets a hash in its place.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", path.stem)
    if plain != path.stem:
        plain += "-" + hashlib.sha256(path.stem.encode()).hexdigest()[:8]
    return path.with_name(plain + MTL_ENDING)


def write_obj(parts: Sequence[Part], path: Path, frame: MeshFrame, materials: str) -> None:
    """Writes each part as an object; `materials` is the file name of the MTL. Raises OSError."""
    names = _material_names(parts)
    first = 1
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f"# tsdesktop {frame_words(frame)}\nmtllib {materials}\n")
        for name, part in zip(_object_names(parts), parts, strict=True):
            stream.write(f"o {name}\ng {name}\n")
            for piece in part.pieces:
                stream.write(f"usemtl {names[_material(piece)]}\n")
                first = _write_piece(piece, first, stream)


def write_mtl(parts: Sequence[Part], path: Path) -> None:
    """Writes the materials of these parts. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("# tsdesktop\n")
        for (_, rgb), name in _material_names(parts).items():
            stream.write(_MATERIAL.format(name=name, kd=" ".join(f"{value / 255:.6f}" for value in rgb)))


def read_obj(path: Path) -> list[WrittenMesh]:
    """The objects of an OBJ file of triangles, with the colour of their material. Raises OSError, ValueError."""
    lines = path.read_text("utf-8", "replace").splitlines()
    words = "\n".join(line for line in lines[:100] if line.startswith("#"))
    places = rows_in([line[2:] for line in lines if line.startswith("v ")])[:, :3]
    vertices, colours = in_ras(places, words), _colours(path, lines)
    found: list[WrittenMesh] = []
    for name, some in _objects(lines, path.stem):
        triangles = rows_in([line[2:] for line in some if line.startswith("f ")]).astype(np.int32) - 1
        own = {colours.get(line[7:].strip()) for line in some if line.startswith("usemtl ")}
        rgb = own.pop() if len(own) == 1 else None
        found.append(only_used(name, vertices, triangles, rgb))
    return found


def _objects(lines: Sequence[str], name: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Name and lines of each object; the file's name where it has none."""
    starts = [number for number, line in enumerate(lines) if line.startswith("o ")]
    if not starts:
        yield name, lines
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        yield lines[start][2:].strip(), lines[start:end]


def _colours(path: Path, lines: Sequence[str]) -> dict[str, Rgb]:
    """The colour of each material of the MTL beside the file; none where that is not there."""
    named = [line[7:].strip() for line in lines[:100] if line.startswith("mtllib ")]
    beside = path.with_name(Path(named[0]).name) if named else None
    out: dict[str, Rgb] = {}
    name = ""
    for line in beside.read_text("utf-8", "replace").splitlines() if beside and beside.is_file() else ():
        if line.startswith("newmtl "):
            name = line[7:].strip()
        elif line.startswith("Kd "):
            red, green, blue = (round(float(value) * 255) for value in line.split()[1:4])
            out[name] = red, green, blue
    return out


def _write_piece(piece: Piece, first: int, stream: IO[str]) -> int:
    """Writes vertices, then triangles that count from `first`; returns the number of the next vertex."""
    stream.write(rows_as_text(piece.vertices, "v %.9g %.9g %.9g"))
    for some in chunks(piece.triangles):
        stream.write(rows_as_text(some + first, "f %d %d %d"))
    return first + len(piece.vertices)


def _material(piece: Piece) -> tuple[str, Rgb]:
    return piece.name, piece.rgb


def _object_names(parts: Sequence[Part]) -> list[str]:
    return file_names([re.sub(r"\s", "_", part.name) for part in parts], "")


def _material_names(parts: Sequence[Part]) -> dict[tuple[str, Rgb], str]:
    """A name without blanks for each colour of a structure."""
    every = list(dict.fromkeys(_material(piece) for part in parts for piece in part.pieces))
    return dict(zip(every, file_names([re.sub(r"\s", "_", name) for name, _ in every], ""), strict=True))
