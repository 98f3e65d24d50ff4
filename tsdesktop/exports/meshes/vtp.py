"""VTP, the surfaces of VTK and ParaView, as XML with appended base64 data. Numbers are mm.

Every triangle has the number of its structure ("structure", an index into the field "structure_names") and its colour
("RGB"). The frame is the field "SPACE", where 3D Slicer writes and reads it. Written without VTK, so that
exporting needs no graphics.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.exports.meshes.parts import MeshFrame, Part, WrittenMesh, in_ras, only_colour, only_used

_KINDS = {"float32": "Float32", "int32": "Int32", "uint8": "UInt8", "uint16": "UInt16"}
# Divisible by three: base64 of the portions is then the base64 of the whole.
_PORTION = 3 << 20
_DATA = b'<AppendedData encoding="base64">'
_ARRAY = re.compile(r'<DataArray type="(\w+)" Name="(\w+)"[^>]* format="appended" offset="(\d+)"/>')
_STRINGS = re.compile(r'<Array type="String" Name="(\w+)" NumberOfTuples="\d+" format="ascii">([\d ]*)</Array>')


@dataclass(frozen=True, eq=False)
class _Array:
    """An array of the file: one row per value or tuple."""

    name: str
    rows: NDArray[np.generic]

    @property
    def encoded_size(self) -> int:
        """Characters of its base64 text, its length of 8 bytes in front."""
        return (self.rows.nbytes + 8 + 2) // 3 * 4

    def declaration(self, offset: int) -> str:
        """Its element, which says where in the appended data it begins."""
        components = f' NumberOfComponents="{self.rows.shape[1]}"' if self.rows.ndim == 2 else ""
        kind = _KINDS[self.rows.dtype.name]
        return f'<DataArray type="{kind}" Name="{self.name}"{components} format="appended" offset="{offset}"/>'

    def encoded(self) -> Iterator[bytes]:
        """Its base64 text in portions."""
        data = memoryview(
            np.uint64(self.rows.nbytes).astype("<u8").tobytes() + np.ascontiguousarray(self.rows).tobytes()
        )
        for start in range(0, len(data), _PORTION):
            yield base64.b64encode(data[start : start + _PORTION])


def write_vtp(parts: Sequence[Part], path: Path, frame: MeshFrame) -> None:
    """Writes all parts into one file, told apart by the structure's number. Raises OSError."""
    arrays = _arrays(parts)
    ends = np.cumsum([array.encoded_size for array in arrays.values()])
    offsets = dict(zip(arrays, [0, *ends[:-1].tolist()], strict=True))
    declared = {key: array.declaration(offsets[key]) for key, array in arrays.items()}
    with path.open("wb") as stream:
        stream.write(_head(parts, frame, declared).encode("utf-8"))
        for array in arrays.values():
            stream.writelines(array.encoded())
        stream.write(b"\n  </AppendedData>\n</VTKFile>\n")


def read_vtp(path: Path) -> list[WrittenMesh]:
    """The objects of a VTP file as this module writes them. Raises OSError, ValueError, KeyError."""
    head, found, data = path.read_bytes().partition(_DATA)
    if not found or b"</AppendedData>" not in data[-100:]:
        raise ValueError("it is not whole, or another program wrote it")
    text = head.decode("utf-8")
    fields = {name: bytes(map(int, codes.split())).decode().split("\0")[:-1] for name, codes in _STRINGS.findall(text)}
    data = data.split(b"_", 1)[1]
    arrays = {name: _decoded(data, kind, int(offset)) for kind, name, offset in _ARRAY.findall(text)}
    vertices = in_ras(arrays["Points"].reshape(-1, 3), f"SPACE={fields['SPACE'][0]} FRAME={fields['SPACE'][0]}")
    triangles, colours = arrays["connectivity"].reshape(-1, 3), arrays["RGB"].reshape(-1, 3)
    numbers = arrays["structure"]
    if "merged_name" in fields:
        return [WrittenMesh(fields["merged_name"][0], vertices, triangles, only_colour(colours))]
    return [
        only_used(name, vertices, triangles[numbers == number], only_colour(colours[numbers == number]))
        for number, name in enumerate(fields["structure_names"])
    ]


def _decoded(data: bytes, kind: str, offset: int) -> NDArray[Any]:
    """The array that begins at this character of the appended data."""
    size = int.from_bytes(base64.b64decode(data[offset : offset + 12])[:8], "little")
    text = data[offset : offset + (size + 8 + 2) // 3 * 4]
    types = {word: name for name, word in _KINDS.items()}
    return np.frombuffer(base64.b64decode(text, validate=True)[8:], np.dtype(types[kind]).newbyteorder("<"))


def _arrays(parts: Sequence[Part]) -> dict[str, _Array]:
    whole = Part("", tuple(piece for part in parts for piece in part.pieces))
    counts = [len(piece.triangles) for piece in whole.pieces]
    triangles = whole.triangles
    ends = np.arange(3, 3 * len(triangles) + 1, 3, dtype=np.int32)
    numbers = np.repeat(np.arange(len(counts), dtype=np.uint16), counts)
    return {
        "points": _Array("Points", whole.vertices),
        "corners": _Array("connectivity", triangles.ravel()),
        "ends": _Array("offsets", ends),
        "numbers": _Array("structure", numbers),
        "colours": _Array("RGB", whole.colours),
    }


def _head(parts: Sequence[Part], frame: MeshFrame, declared: dict[str, str]) -> str:
    names = [piece.name for part in parts for piece in part.pieces]
    merged = [_strings("merged_name", [parts[0].name])] if len(parts[0].pieces) > 1 else []
    fields = [_strings("SPACE", [frame]), _strings("UNIT", ["mm"]), _strings("structure_names", names), *merged]
    points, triangles = (sum(getattr(part, what) for part in parts) for what in ("vertex_count", "triangle_count"))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64">
  <PolyData>
    <FieldData>
      {chr(10).join(fields)}
    </FieldData>
    <Piece NumberOfPoints="{points}" NumberOfVerts="0" NumberOfLines="0" NumberOfStrips="0" NumberOfPolys="{triangles}">
      <Points>{declared["points"]}</Points>
      <Polys>{declared["corners"]}{declared["ends"]}</Polys>
      <CellData Scalars="RGB">{declared["numbers"]}{declared["colours"]}</CellData>
    </Piece>
  </PolyData>
  <AppendedData encoding="base64">
   _"""


def _strings(name: str, values: Sequence[str]) -> str:
    """A list of words as VTK keeps it: the bytes of each, and a zero at its end."""
    codes = " ".join(str(code) for value in values for code in (*value.encode("utf-8"), 0))
    return f'<Array type="String" Name="{name}" NumberOfTuples="{len(values)}" format="ascii">{codes}</Array>'
