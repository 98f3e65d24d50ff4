"""Surfaces as binary STL in millimetres. Here RAS becomes LPS, the frame most programs expect, unless RAS is asked for.

The frame stands in the header as "SPACE=LPS" or "SPACE=RAS", the comment that 3D Slicer writes and reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.exports.writing import existing_folder, file_names, refuse_existing, written

Frame = Literal["LPS", "RAS"]
_HEADER_BYTES = 80
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def write_stl(meshes: Sequence[SurfaceMesh], path: Path, frame: Frame = "LPS", *, overwrite: bool = False) -> None:
    """Writes these surfaces into one file, one after the other. Raises ExportError."""
    if not meshes:
        raise ExportError("export.nothing", reason="no structure has a surface")
    name = meshes[0].name if len(meshes) == 1 else f"{len(meshes)} structures"
    with written(path, overwrite=overwrite) as temporary, temporary.open("wb") as stream:
        stream.write(_header(name, frame))
        stream.write(np.uint32(sum(len(mesh.triangles) for mesh in meshes)).astype("<u4").tobytes())
        for mesh in meshes:
            stream.write(_facets(mesh, frame).tobytes())


def write_stl_per_structure(
    meshes: Sequence[SurfaceMesh], folder: Path, frame: Frame = "LPS", *, overwrite: bool = False
) -> list[Path]:
    """Writes `<structure>.stl` for each surface; returns the paths. Raises ExportError."""
    names = file_names([mesh.name for mesh in meshes], ".stl")
    paths = [existing_folder(folder) / name for name in names]
    refuse_existing(paths, overwrite=overwrite)
    for mesh, path in zip(meshes, paths, strict=True):
        write_stl([mesh], path, frame, overwrite=overwrite)
    return paths


def _header(name: str, frame: Frame) -> bytes:
    # Must not begin with "solid": that is how readers recognise the text form of STL.
    text = f"tsdesktop SPACE={frame} UNIT=mm {name}".encode("ascii", "replace")
    return text[:_HEADER_BYTES].ljust(_HEADER_BYTES)


def _facets(mesh: SurfaceMesh, frame: Frame) -> NDArray[np.void]:
    # Turning by 180 degrees about the third axis keeps the triangles' outside out.
    turn = np.array([-1, -1, 1] if frame == "LPS" else [1, 1, 1], np.float32)
    facets = np.zeros(len(mesh.triangles), _FACET)
    facets["corners"] = (mesh.vertices_ras * turn)[mesh.triangles]
    a, b, c = (facets["corners"][:, n].astype(np.float64) for n in range(3))
    areas = np.cross(b - a, c - a)
    facets["normal"] = areas / np.maximum(np.linalg.norm(areas, axis=1, keepdims=True), 1e-30)
    return facets
