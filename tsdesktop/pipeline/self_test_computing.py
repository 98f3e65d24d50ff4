"""The part of a self-test that computes: finds devices, segments the sample as a run would, exports a surface.

Run in a process of its own (`serve`), which starts the inference process in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tsdesktop.core.assets import asset
from tsdesktop.core.errors import TsDesktopError
from tsdesktop.core.notes import Note, note
from tsdesktop.core.redaction import redacted
from tsdesktop.core.self_test import LABELS_FILE, SAMPLE, Voice, end_with_parent, note_of
from tsdesktop.core.volume import LabelMap
from tsdesktop.pipeline import Engine, Segmentation, segment

# What the demo network finds in the sample, in ml, as the program was made; far apart in size and place, and
# within a few percent of the phantom's own volumes (installer/demo/README.md).
EXPECTED_ML = {"liver": 1387.0, "spleen": 112.6, "heart": 609.7, "aorta": 185.0, "vertebrae_L3": 39.2}
# Processors round differently and cards more so: labels at borders change, volumes do not.
_VOLUME_SHARE = 0.05
# A surface that keeps the volume of its voxels, written in single precision.
_MESH_SHARE = 0.01
_STRUCTURE = "liver"


def serve(arguments: Sequence[str]) -> int:
    """Makes the steps named after the file to tell it to and the folder for labels. Returns the exit code."""
    end_with_parent()
    voice, folder = Voice(Path(arguments[0])), Path(arguments[1])
    with Engine() as engine:
        _find_devices(voice, engine)
        result = _segment(voice, engine) if "segmentation" in arguments[2:] else None
    if result is not None:
        _export(voice, result.label_map, folder)
        # For the window to show.
        from tsdesktop.exports.nifti import write_label_map

        write_label_map(result.label_map, folder / LABELS_FILE)
    voice.end()
    return 0


def _find_devices(voice: Voice, engine: Engine) -> None:
    voice.begin("devices")
    voice.fact("processor_features", processor_features())
    try:
        found = engine.find_devices()
    except TsDesktopError as error:
        voice.problem(note_of(error))
        return
    told = [
        {"name": each.name, "title": each.title, "memory_gb": each.memory_gb, "refused": redacted(each.refused)}
        for each in found.devices
    ]
    voice.fact("devices", told)
    voice.fact("library", found.library)


def _segment(voice: Voice, engine: Engine) -> Segmentation | None:
    voice.begin("segmentation")
    try:
        result = segment(asset(SAMPLE), task="demo", engine=engine, cache=False)
    except TsDesktopError as error:
        voice.problem(note_of(error))
        return None
    voice.fact("device", result.device)
    voice.fact("structures", len(result.label_map.present))
    for problem in volume_problems(voice, result.label_map):
        voice.problem(problem)
    return result


def volume_problems(voice: Voice, label_map: LabelMap) -> list[Note]:
    """Structures whose volume is not what the demo network finds in the sample elsewhere."""
    found = {name: label_map.volume_ml(name) for name in EXPECTED_ML}
    voice.fact("volumes_ml", {name: round(value, 1) for name, value in found.items()})
    titles = {each.name: each.title for each in label_map.classes}
    return [
        note("check.other_volume", what=titles[name], found=round(found[name], 1), expected=expected)
        for name, expected in EXPECTED_ML.items()
        if abs(found[name] - expected) > _VOLUME_SHARE * expected
    ]


def _export(voice: Voice, label_map: LabelMap, folder: Path) -> None:
    voice.begin("export")
    try:
        path = write_stl(label_map, folder)
        for problem in stl_problems(voice, path, label_map.volume_ml(_STRUCTURE)):
            voice.problem(problem)
    except TsDesktopError as error:
        voice.problem(note_of(error))


def write_stl(label_map: LabelMap, folder: Path) -> Path:
    """Writes the surface of one structure as a run's export does. Raises ExportError."""
    from tsdesktop.exports.meshes.writing import MeshPlace, write_meshes
    from tsdesktop.surfaces.extract import extract_surfaces

    labels = [each.label for each in label_map.present if each.name == _STRUCTURE]
    (path,) = write_meshes(list(extract_surfaces(label_map, labels)), MeshPlace(folder), "stl")
    return path


def stl_problems(voice: Voice, path: Path, expected_ml: float) -> list[Note]:
    """Reads an STL file back: it must be closed and enclose `expected_ml`. Raises ReadError."""
    from tsdesktop.core.structures import structure_class
    from tsdesktop.core.surface import SurfaceMesh
    from tsdesktop.exports.meshes.reading import read_meshes
    from tsdesktop.surfaces.check import check_mesh

    (read,) = read_meshes(path)
    mesh = SurfaceMesh(read.vertices.astype(np.float32), read.triangles, structure_class(1, _STRUCTURE))
    counted, found_ml = check_mesh(mesh), mesh.volume_ml
    voice.fact("triangles", counted.triangles)
    voice.fact("closed", counted.is_closed)
    voice.fact("volume_ml", round(found_ml, 2))
    problems = []
    if not counted.is_closed:
        open_edges = counted.boundary_edges + counted.non_manifold_edges
        problems.append(note("check.mesh_open", count=open_edges))
    if abs(found_ml - expected_ml) > _MESH_SHARE * expected_ml:
        problems.append(note("check.mesh_volume", found=round(found_ml, 1), expected=round(expected_ml, 1)))
    return problems


def processor_features() -> list[str]:
    """What the processor can do at once, as numpy found it, such as AVX2."""
    shown: Any = np.show_config(mode="dicts")
    simd = shown.get("SIMD Extensions", {})
    return [*simd.get("baseline", []), *simd.get("found", [])]
