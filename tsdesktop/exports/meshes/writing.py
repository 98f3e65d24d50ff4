"""Surfaces into files of a chosen format and layout: one place that knows which format can do what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from tsdesktop.core.errors import ExportError
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.exports.meshes.glb import write_glb
from tsdesktop.exports.meshes.obj import materials_path, write_mtl, write_obj
from tsdesktop.exports.meshes.parts import MeshFrame, Part, parts_of
from tsdesktop.exports.meshes.ply import write_ply
from tsdesktop.exports.meshes.stl import write_stl, write_stl_text
from tsdesktop.exports.meshes.threemf import write_3mf
from tsdesktop.exports.meshes.vtp import write_vtp
from tsdesktop.exports.writing import existing_folder, file_names, refuse_existing, written

Layout = Literal["per-structure", "merged", "parts"]
Writer = Callable[[Sequence[Part], Path, MeshFrame], None]


@dataclass(frozen=True)
class MeshFormat:
    """A format: what it is called, and whether a file of it keeps names, colours and separate parts."""

    key: str
    title: str
    ending: str
    write: Writer | None  # None: it makes two files
    unit: str = "mm"
    names: bool = True
    colours: bool = True
    parts: bool = True


@dataclass(frozen=True)
class MeshPlace:
    """Where meshes go: the folder, and the name without ending of a file that holds all of them."""

    folder: Path
    stem: str = "all_structures"


MESH_FORMATS: Mapping[str, MeshFormat] = MappingProxyType(
    {
        each.key: each
        for each in (
            MeshFormat("stl", "STL", ".stl", write_stl, names=False, colours=False, parts=False),
            MeshFormat("stl-ascii", "STL as text", ".stl", write_stl_text, colours=False),
            MeshFormat("3mf", "3MF", ".3mf", write_3mf),
            MeshFormat("obj", "OBJ with MTL", ".obj", None),
            MeshFormat("ply", "PLY", ".ply", write_ply, parts=False),
            MeshFormat("glb", "GLB", ".glb", write_glb, unit="m"),
            MeshFormat("vtp", "VTP", ".vtp", write_vtp),
        )
    }
)


def write_meshes(
    meshes: Sequence[SurfaceMesh],
    place: MeshPlace,
    format: str = "stl",
    layout: Layout = "per-structure",
    frame: MeshFrame = "LPS",
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Writes the surfaces; returns the files, as `planned_mesh_files` names them.

    "per-structure" is a file for each, "parts" one file with an object for each, "merged" one file in which all
    triangles are one object, one surface after the other (not united). Nothing is written if a file is there already.
    Raises ExportError, also for "parts" in a format that has none.
    """
    paths = planned_mesh_files([mesh.name for mesh in meshes], place, format, layout)
    refuse_existing(paths, overwrite=overwrite)
    existing_folder(place.folder)
    files = [path for path in paths if path.suffix == mesh_format(format).ending]
    for path, content in zip(files, [[mesh] for mesh in meshes] if len(files) > 1 else [list(meshes)], strict=True):
        write_mesh_file(content, path, format, frame, merged=layout == "merged", overwrite=overwrite)
    return paths


def planned_mesh_files(
    names: Sequence[str], place: MeshPlace, format: str = "stl", layout: Layout = "per-structure"
) -> list[Path]:
    """The files that `write_meshes` makes of structures with these names. Raises ExportError as it does."""
    if not names:
        raise ExportError("export.nothing", reason="no structure has a surface")
    known = mesh_format(format)
    if layout == "parts" and len(names) > 1:
        _refuse_parts(known)
    stems = names if layout == "per-structure" else [place.stem]
    files = [place.folder / name for name in file_names(stems, known.ending)]
    return [*files, *(materials_path(path) for path in files)] if known.key == "obj" else files


def write_mesh_file(
    meshes: Sequence[SurfaceMesh],
    path: Path,
    format: str,
    frame: MeshFrame = "LPS",
    *,
    merged: bool = False,
    overwrite: bool = False,
) -> None:
    """Writes these surfaces into one file, each as an object or all merged into one. Raises ExportError."""
    _refuse_empty(meshes)
    known = mesh_format(format)
    parts = parts_of(meshes, frame, path.stem if merged else "")
    if len(parts) > 1:
        _refuse_parts(known)
    if known.write is None:
        _write_obj(parts, path, frame, overwrite=overwrite)
        return
    with written(path, overwrite=overwrite) as temporary:
        known.write(parts, temporary, frame)


def _refuse_empty(meshes: Sequence[SurfaceMesh]) -> None:
    if not meshes:
        raise ExportError("export.nothing", reason="no structure has a surface")
    for mesh in meshes:
        if not len(mesh.triangles):
            raise ExportError("export.nothing", reason=f"{mesh.name} has no surface")


def _refuse_parts(known: MeshFormat) -> None:
    if not known.parts:
        raise ExportError("export.no_parts", format=known.title)


def _write_obj(parts: Sequence[Part], path: Path, frame: MeshFrame, *, overwrite: bool) -> None:
    materials = materials_path(path)
    with written(path, overwrite=overwrite) as temporary:
        write_obj(parts, temporary, frame, materials.name)
        with written(materials, overwrite=overwrite) as beside:
            write_mtl(parts, beside)


def mesh_format(key: str) -> MeshFormat:
    """The format with this key. Raises ExportError for one that is not known."""
    known = MESH_FORMATS.get(key)
    if known is None:
        raise ExportError("options.value", value=key, option="the mesh format", allowed=", ".join(MESH_FORMATS))
    return known
