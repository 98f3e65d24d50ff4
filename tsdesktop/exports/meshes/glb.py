"""GLB, glTF in one file, for viewers, browsers and presentations: metres, y up, smooth normals, names and colours.

glTF's front looks along +z and its up is +y. The patient stands upright in it and looks at the viewer:

    x = left (-R),  y = superior (S),  z = anterior (A),  each in metres

That is a rotation of RAS, so nothing is mirrored. What lies on a printer's bed (z up) becomes x, z, -y. Which of the
two it was stands in `asset.extras`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.structures import Rgb
from tsdesktop.exports.meshes.parts import MeshFrame, Part, Piece, WrittenMesh, only_colour

# Rows give x, y and z of glTF from RAS, or from a bed's x, y and z. Both are rotations.
TO_GLTF: dict[str, NDArray[np.float64]] = {
    "RAS": np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]]),
    "bed": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}
METRES_PER_MM = 0.001
MAGIC, JSON_CHUNK, BINARY_CHUNK = b"glTF", b"JSON", b"BIN\0"
FLOAT, UINT32 = 5126, 5125
_COMPONENTS = {5121: "u1", 5123: "<u2", UINT32: "<u4", FLOAT: "<f4"}
_DEEPEST = 50
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
        out: dict[str, Any] = {"bufferView": self._append("bufferViews", view), "type": "SCALAR"}
        out |= {"componentType": component, "count": len(rows)}
        if rows.ndim == 2:
            out |= {"type": "VEC3", "min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
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


def screen_colour(light: Sequence[float]) -> Rgb:
    """The screen colour of light 0 to 1; the way back from `linear`."""
    values = np.clip(np.array(light[:3], float), 0, 1)
    red, green, blue = np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055) * 255
    return round(float(red)), round(float(green)), round(float(blue))


def read_glb(path: Path) -> list[WrittenMesh]:
    """The mesh nodes of a GLB file, turned back to RAS or to the bed. Raises OSError, ValueError, KeyError, IndexError.

    Nodes may be nested and moved. A file that does not state its frame stands as this module's do.
    """
    file = _Document(*_read_chunks(path))
    frame = file.json.get("asset", {}).get("extras", {}).get("frame", "RAS")
    to_mm = TO_GLTF["bed" if frame == "bed" else "RAS"] / METRES_PER_MM
    roots = file.json["scenes"][file.json.get("scene", 0)]["nodes"]
    found = [mesh for root in roots for mesh in file.under(root, np.eye(4))]
    return [replace(mesh, vertices=mesh.vertices @ to_mm + 0.0) for mesh in found]


def _read_chunks(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    if data[:4] != MAGIC or int.from_bytes(data[8:12], "little") != len(data):
        raise ValueError("it is not a whole GLB file")
    size = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + size])
    if data[16:20] != JSON_CHUNK or not isinstance(document, dict):
        raise ValueError("it does not begin with a glTF document")
    return document, data[20 + size + 8 :]


@dataclass(frozen=True)
class _Document:
    """A glTF document and its buffer, to be read."""

    json: dict[str, Any]
    binary: bytes

    def under(self, number: int, placed: NDArray[np.float64], depth: int = 0) -> Iterator[WrittenMesh]:
        """The meshes of a node and of its children, in the frame of the scene."""
        if depth > _DEEPEST:
            raise ValueError("its nodes are nested too deep")
        node = self.json["nodes"][number]
        here = placed @ _placement(node)
        if "mesh" in node:
            yield self._mesh(self.json["meshes"][node["mesh"]], node.get("name", ""), here)
        for child in node.get("children", ()):
            yield from self.under(child, here, depth + 1)

    def _mesh(self, mesh: dict[str, Any], name: str, placed: NDArray[np.float64]) -> WrittenMesh:
        vertices, triangles, first = [], [], 0
        for each in mesh["primitives"]:
            vertices.append(self._array(each["attributes"]["POSITION"], 3).astype(np.float64))
            triangles.append(self._array(each["indices"], 1).reshape(-1, 3).astype(np.int32) + first)
            first += len(vertices[-1])
        moved = np.concatenate(vertices) @ placed[:3, :3].T + placed[:3, 3]
        colours = np.array([self._colour(each) for each in mesh["primitives"] if "material" in each])
        return WrittenMesh(name or mesh.get("name", ""), moved, np.concatenate(triangles), only_colour(colours))

    def _array(self, number: int, width: int) -> NDArray[Any]:
        accessor = self.json["accessors"][number]
        view = self.json["bufferViews"][accessor["bufferView"]]
        kind = np.dtype(_COMPONENTS[accessor["componentType"]])
        if view.get("byteStride", kind.itemsize * width) != kind.itemsize * width or "sparse" in accessor:
            raise ValueError("it is packed in a way that is not read here")
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        return np.frombuffer(self.binary, kind, accessor["count"] * width, start).reshape(-1, width)

    def _colour(self, primitive: dict[str, Any]) -> Rgb:
        material = self.json["materials"][primitive["material"]].get("pbrMetallicRoughness", {})
        return screen_colour(material.get("baseColorFactor", [1, 1, 1, 1]))


def _placement(node: dict[str, Any]) -> NDArray[np.float64]:
    """The matrix (4, 4) that moves a node."""
    from scipy.spatial.transform import Rotation  # here, because writing does not need it

    if "matrix" in node:
        return np.array(node["matrix"], float).reshape(4, 4).T
    out = np.eye(4)
    turn = Rotation.from_quat(node.get("rotation", [0, 0, 0, 1])).as_matrix()
    out[:3, :3], out[:3, 3] = turn * node.get("scale", [1, 1, 1]), node.get("translation", [0, 0, 0])
    return out
