"""Mesh files back into meshes: to check what was written, before anybody is told that it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from tsdesktop.core.errors import ReadError
from tsdesktop.exports.meshes.glb import read_glb
from tsdesktop.exports.meshes.obj import read_obj
from tsdesktop.exports.meshes.parts import WrittenMesh
from tsdesktop.exports.meshes.ply import read_ply
from tsdesktop.exports.meshes.stl import read_stl
from tsdesktop.exports.meshes.threemf import read_3mf
from tsdesktop.exports.meshes.vtp import read_vtp

__all__ = ["READERS", "WrittenMesh", "read_meshes"]

READERS: Mapping[str, Callable[[Path], list[WrittenMesh]]] = MappingProxyType(
    {
        ".stl": read_stl,
        ".3mf": read_3mf,
        ".obj": read_obj,
        ".ply": read_ply,
        ".glb": read_glb,
        ".vtp": read_vtp,
    }
)


# What a reader stumbles over when a file is damaged.
_DAMAGED = (ValueError, TypeError, AttributeError, IndexError, OverflowError, MemoryError, RecursionError)


def read_meshes(path: Path) -> list[WrittenMesh]:
    """The objects of a mesh file in mm in RAS, as the frame and unit that it states say; LPS where it states none.

    Reads what `write_meshes` writes, and files of the same build by others. Raises ReadError for everything else.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ReadError("read.mesh", name=path.name, reason=f"only {', '.join(READERS)} can be read")
    try:
        # Numbers that are out of range are found below.
        with np.errstate(all="ignore"):
            meshes = reader(path)
        for mesh in meshes:
            _refuse_broken(mesh)
    except OSError as error:
        raise ReadError("read.mesh", name=path.name, reason=error.strerror or type(error).__name__) from error
    except KeyError as error:
        raise ReadError("read.mesh", name=path.name, reason=f"it lacks {error}") from error
    except _DAMAGED as error:
        raise ReadError("read.mesh", name=path.name, reason=str(error).strip(" .") or "it is damaged") from error
    if not meshes:
        raise ReadError("read.mesh", name=path.name, reason="it holds no triangles")
    return meshes


def _refuse_broken(mesh: WrittenMesh) -> None:
    if mesh.triangles.ndim != 2 or mesh.triangles.shape[1:] != (3,) or not len(mesh.triangles):
        raise ValueError("it holds something else than triangles")
    if not 0 <= int(mesh.triangles.min()) <= int(mesh.triangles.max()) < len(mesh.vertices):
        raise ValueError("a triangle names a vertex that is not there")
    if not np.isfinite(mesh.vertices).all():
        raise ValueError("a vertex has no valid place")
