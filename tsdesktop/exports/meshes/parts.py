"""What a mesh file holds: parts with a name, made of coloured pieces, in the frame of the file.

The only place where the vertices of meshes turn from RAS to LPS. Half a turn about the third axis does that, so a
triangle's outside stays outside and right stays right.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.structures import Rgb
from tsdesktop.core.surface import SurfaceMesh

Frame = Literal["LPS", "RAS"]
# "bed": the meshes lie on a printer's bed already (z up), and are written as they are.
MeshFrame = Literal["LPS", "RAS", "bed"]
_TURNS: dict[str, tuple[int, int, int]] = {"LPS": (-1, -1, 1), "RAS": (1, 1, 1), "bed": (1, 1, 1)}
# Triangles that are turned into bytes at a time: some tens of MB.
CHUNK = 200_000


@dataclass(frozen=True)
class Piece:
    """One surface as it goes into a file."""

    mesh: SurfaceMesh
    frame: MeshFrame

    @property
    def name(self) -> str:
        """The structure's name on one line."""
        return "".join(each if each.isprintable() else "_" for each in self.mesh.name)

    @property
    def rgb(self) -> Rgb:
        """The structure's colour."""
        return self.mesh.structure.rgb

    @cached_property
    def vertices(self) -> NDArray[np.float32]:
        """Vertices (n, 3) in mm in the file's frame."""
        return turned(self.mesh.vertices_ras, self.frame)

    @property
    def triangles(self) -> NDArray[np.int32]:
        """Triangles (m, 3), counter-clockwise seen from outside."""
        return self.mesh.triangles


@dataclass(frozen=True)
class Part:
    """One object of a file: a structure, or several that were merged into one object."""

    name: str
    pieces: tuple[Piece, ...]

    @property
    def triangle_count(self) -> int:
        """Triangles of all pieces."""
        return sum(len(piece.triangles) for piece in self.pieces)

    @property
    def vertex_count(self) -> int:
        """Vertices of all pieces."""
        return sum(len(piece.mesh.vertices_ras) for piece in self.pieces)

    @property
    def vertices(self) -> NDArray[np.float32]:
        """Vertices (n, 3) of all pieces, one after the other."""
        return np.concatenate([piece.vertices for piece in self.pieces])

    @property
    def triangles(self) -> NDArray[np.int32]:
        """Triangles (m, 3) of all pieces; they name the rows of `vertices`."""
        counts = [len(piece.mesh.vertices_ras) for piece in self.pieces]
        firsts = np.cumsum([0, *counts[:-1]]).astype(np.int32)
        return np.concatenate([piece.triangles + first for piece, first in zip(self.pieces, firsts, strict=True)])

    @property
    def colours(self) -> NDArray[np.uint8]:
        """Colour (m, 3) of every triangle, 0 to 255."""
        rows = np.array([piece.rgb for piece in self.pieces], np.uint8)
        return np.repeat(rows, [len(piece.triangles) for piece in self.pieces], axis=0)


@dataclass(frozen=True, eq=False)
class WrittenMesh:
    """One object as it was read from a file.

    `vertices` (n, 3) float64 in mm in RAS, or on the printer's bed where the file says so; `triangles` (m, 3) int32;
    `rgb` None where the file states no colour or several.
    """

    name: str
    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    rgb: Rgb | None = None


def only_used(name: str, vertices: NDArray[np.float64], triangles: NDArray[np.int32], rgb: Rgb | None) -> WrittenMesh:
    """An object with only those of a file's vertices that its triangles name. Raises ValueError if one is not there."""
    used, numbers = np.unique(triangles, return_inverse=True)
    if len(used) and not 0 <= used[0] <= used[-1] < len(vertices):
        raise ValueError("a triangle names a vertex that is not there")
    return WrittenMesh(name, vertices[used], numbers.reshape(triangles.shape).astype(np.int32), rgb)


def parts_of(meshes: Sequence[SurfaceMesh], frame: MeshFrame, merged_name: str = "") -> tuple[Part, ...]:
    """One part for each mesh, or with `merged_name` one part of that name with all of them as its pieces."""
    pieces = tuple(Piece(mesh, frame) for mesh in meshes)
    if not merged_name:
        return tuple(Part(piece.name, (piece,)) for piece in pieces)
    return (Part(pieces[0].name if len(pieces) == 1 else merged_name, pieces),)


def turned(vertices: NDArray[np.float32], frame: MeshFrame) -> NDArray[np.float32]:
    """Vertices (n, 3) from RAS mm into the file's frame; the same call turns them back."""
    # Adding zero makes 0 of -0, which some readers take for another place.
    return vertices * np.array(_TURNS[frame], np.float32) + np.float32(0)


def in_ras(vertices: NDArray[np.generic], words: str) -> NDArray[np.float64]:
    """Vertices (n, 3) of a file whose comments are `words`, in RAS; LPS is assumed where they state no frame."""
    return np.asarray(vertices.astype(np.float64) * _TURNS[frame_in(words) or "LPS"] + 0.0)


def frame_words(frame: MeshFrame) -> str:
    """How the frame and unit stand in comments: SPACE is what 3D Slicer writes and reads."""
    return "FRAME=bed UNIT=mm" if frame == "bed" else f"SPACE={frame} UNIT=mm"


def only_colour(colours: NDArray[np.generic]) -> Rgb | None:
    """The colour of all rows (n, 3), None where they differ or there are none."""
    if not len(colours) or (colours != colours[0]).any():
        return None
    red, green, blue = (int(value) for value in colours[0])
    return red, green, blue


def frame_in(words: str) -> MeshFrame | None:
    """The frame that comments of a file state, None where they do not."""
    if "FRAME=bed" in words:
        return "bed"
    if "SPACE=RAS" in words:
        return "RAS"
    return "LPS" if "SPACE=LPS" in words else None


def chunks(triangles: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    """The triangles in portions, so that large meshes do not fill the memory."""
    for start in range(0, len(triangles), CHUNK):
        yield triangles[start : start + CHUNK]


def rows_as_text(rows: NDArray[np.number], form: str) -> str:
    """A line for every row of numbers; nine digits give every float32 back exactly."""
    return ((form + "\n") * len(rows)) % tuple(rows.ravel().tolist())


def numbers_in(text: bytes) -> NDArray[np.float64]:
    """The numbers of a text between blanks and line ends. Raises ValueError for anything else."""
    try:
        with warnings.catch_warnings():
            # Older versions of numpy only warn of what is no number.
            warnings.simplefilter("error", DeprecationWarning)
            return np.fromstring(text, np.float64, sep=" ")
    except (ValueError, DeprecationWarning) as error:
        raise ValueError("something stands where a number should") from error


def rows_in(lines: Sequence[str]) -> NDArray[np.float64]:
    """The numbers of lines that all have as many, a row for each line. Raises ValueError for anything else."""
    if not lines:
        raise ValueError("it holds no triangles")
    width = len(lines[0].split())
    numbers = numbers_in("\n".join(lines).encode("ascii", "replace"))
    if numbers.size != len(lines) * width:
        raise ValueError("not all lines hold as many numbers")
    return numbers.reshape(-1, width)
