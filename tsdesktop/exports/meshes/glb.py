"""GLB, glTF in one file, for viewers, browsers and presentations: metres, y up, smooth normals, names and colours.

glTF's front looks along +z and its up is +y. The patient stands upright in it and looks at the viewer:

    x = left (-R),  y = superior (S),  z = anterior (A),  each in metres

That is a rotation of RAS, so nothing is mirrored. What lies on a printer's bed (z up) becomes x, z, -y. Which of the
two it was stands in `asset.extras`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.structures import Rgb
from tsdesktop.exports.meshes.parts import MeshFrame, Part, Piece

# Rows give x, y and z of glTF from RAS, or from a bed's x, y and z. Both are rotations.
TO_GLTF: dict[str, NDArray[np.float64]] = {
    "RAS": np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]]),
    "bed": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}
METRES_PER_MM = 0.001
MAGIC, JSON_CHUNK, BINARY_CHUNK = b"glTF", b"JSON", b"BIN\0"
FLOAT, UINT32 = 5126, 5125
_VERTEX_BUFFER, _INDEX_BUFFER = 34962, 34963


def write_glb(parts: Sequence[Part], path: Path, frame: MeshFrame) -> None:
    """Writes each part as a named node. The frame is glTF's own, whatever other formats get. Raises OSError."""
    scene = _Scene("bed" if frame == "bed" else "RAS")
    for part in parts:
        scene.add(part)
    text = json.dumps(scene.as_json(), ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 4)
    sizes = np.array([2, 12 + 8 + len(text) + 8 + scene.size], "<u4")
    with path.open("wb") as stream:
        stream.write(MAGIC + sizes.tobytes())
        stream.write(np.array(len(text), "<u4").tobytes() + JSON_CHUNK + text)
        stream.write(np.array(scene.size, "<u4").tobytes() + BINARY_CHUNK)
        for array in scene.arrays:
            stream.write(array.tobytes())


class _Scene:
    """A glTF document that is being made: its lists, and the arrays of its one buffer."""

    def __init__(self, frame: str) -> None:
        self.arrays: list[NDArray[Any]] = []
        self.size = 0
        self._frame = frame
        self._lists: dict[str, list[dict[str, Any]]] = {
            key: [] for key in ("nodes", "meshes", "materials", "accessors", "bufferViews")
        }

    def add(self, part: Part) -> None:
        """Adds a node with the part's mesh; each of its pieces has its own material."""
        primitives = [self._primitive(piece) for piece in part.pieces if len(piece.triangles)]
        mesh = self._append("meshes", {"name": part.name, "primitives": primitives})
        self._append("nodes", {"name": part.name, "mesh": mesh})

    def as_json(self) -> dict[str, Any]:
        """The document."""
        axes = "x left, y superior, z anterior" if self._frame == "RAS" else "y up, on the printer's bed"
        extras = {"frame": self._frame, "axes": axes, "unit": "m", "millimetres": "1000 per metre"}
        return {
            "asset": {"version": "2.0", "generator": "tsdesktop", "extras": extras},
            "scene": 0,
            "scenes": [{"nodes": list(range(len(self._lists["nodes"])))}],
            **self._lists,
            "buffers": [{"byteLength": self.size}],
        }

    def _primitive(self, piece: Piece) -> dict[str, Any]:
        places = in_gltf(piece.mesh.vertices_ras, self._frame)
        attributes = {
            "POSITION": self._accessor(places, FLOAT, _VERTEX_BUFFER),
            "NORMAL": self._accessor(smooth_normals(places, piece.triangles), FLOAT, _VERTEX_BUFFER),
        }
        indices = self._accessor(piece.triangles.ravel().astype("<u4"), UINT32, _INDEX_BUFFER)
        return {"attributes": attributes, "indices": indices, "material": self._material(piece), "mode": 4}

    def _material(self, piece: Piece) -> int:
        colour = {"baseColorFactor": [*linear(piece.rgb), 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.7}
        return self._append("materials", {"name": piece.name, "pbrMetallicRoughness": colour})

    def _accessor(self, rows: NDArray[Any], component: int, target: int) -> int:
        view = {"buffer": 0, "byteOffset": self.size, "byteLength": rows.nbytes, "target": target}
        out = {"bufferView": self._append("bufferViews", view), "componentType": component, "count": len(rows)}
        out["type"] = "VEC3" if rows.ndim == 2 else "SCALAR"
        if rows.ndim == 2:
            out |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        self.arrays.append(rows)
        self.size += rows.nbytes
        return self._append("accessors", out)

    def _append(self, key: str, entry: dict[str, Any]) -> int:
        self._lists[key].append(entry)
        return len(self._lists[key]) - 1


def in_gltf(vertices: NDArray[np.float32], frame: str) -> NDArray[np.float32]:
    """Vertices (n, 3) from mm in RAS, or on the bed, into glTF's frame in metres."""
    turned = vertices.astype(np.float64) @ TO_GLTF[frame].T
    return np.ascontiguousarray(turned * METRES_PER_MM + 0.0, "<f4")


def smooth_normals(vertices: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Unit normals (n, 3) of the vertices: the mean of their triangles', weighted by area."""
    a, b, c = (vertices[triangles[:, n]].astype(np.float64) for n in range(3))
    areas = np.cross(b - a, c - a)
    sums = np.zeros((len(vertices), 3))
    for axis in range(3):
        weights = np.repeat(areas[:, axis], 3)
        sums[:, axis] = np.bincount(triangles.ravel(), weights, len(vertices))
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    # glTF wants unit length everywhere, also where a vertex has no triangle.
    return np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1), (0.0, 1.0, 0.0)).astype("<f4")


def linear(rgb: Rgb) -> list[float]:
    """A screen colour (sRGB, 0 to 255) as light, 0 to 1, as glTF states colours (IEC 61966-2-1)."""
    values = np.array(rgb) / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return [round(float(value), 6) for value in light]
