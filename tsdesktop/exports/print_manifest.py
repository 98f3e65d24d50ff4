"""The manifest of a print: the recipe, what it was made from, what the parts are, and what was found in them.

No patient, no folders, no time: the same labels and the same recipe give the same text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tsdesktop.core.notes import Note
from tsdesktop.core.printing import PrintRecipe, recipe_json
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.version import __version__
from tsdesktop.core.volume import LabelMap
from tsdesktop.exports.manifest import NOTICE, library_versions, output_data
from tsdesktop.exports.writing import write_json


@dataclass(frozen=True, eq=False)
class PrintRecord:
    """What a manifest of a print tells.

    `labels_sha256` is of the labels, their grid and their names; `frame` is "LPS", "RAS" or "bed" (the printer's mm, z
    up); `findings` are those of the preflight, part by part, as plain data; `cite` is what a publication should name;
    `run` is what the manifest of the run that made the labels tells, as far as it is known.
    """

    recipe: PrintRecipe
    label_map: LabelMap
    labels_sha256: str
    parts: tuple[SurfaceMesh, ...]
    findings: tuple[Sequence[Mapping[str, Any]], ...]
    frame: str
    notes: tuple[Note, ...] = ()
    cite: tuple[str, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)


def write_print_manifest(path: Path, record: PrintRecord, outputs: Sequence[Path], *, overwrite: bool = False) -> None:
    """Writes the manifest as JSON; `outputs` are the files that were written. Raises ExportError."""
    write_json(print_manifest(record, outputs, path.parent), path, overwrite=overwrite)


def print_manifest(record: PrintRecord, outputs: Sequence[Path], folder: Path) -> dict[str, Any]:
    """The manifest as plain data; outputs are named relative to `folder`. Raises ExportError for an unreadable one."""
    parts = zip(record.parts, record.findings, strict=True)
    return {
        "program": {"name": "tsdesktop", "version": __version__},
        "notice": NOTICE,
        "libraries": library_versions(),
        "recipe": json.loads(recipe_json(record.recipe)),
        "source": _source(record),
        "run": dict(record.run) or None,
        "frame": record.frame,
        "unit": "mm",
        "parts": [_part(part, findings) for part, findings in parts],
        "outputs": [output_data(path, folder) for path in outputs],
        "notes": [{**each.to_data(), "sentence": each.sentence} for each in record.notes],
        "cite": list(record.cite),
    }


def _source(record: PrintRecord) -> dict[str, Any]:
    label_map = record.label_map
    geometry = label_map.geometry
    return {
        "task": label_map.task,
        "labels_sha256": record.labels_sha256,
        "structures": [each.name for each in label_map.present],
        "shape": list(geometry.shape),
        "spacing_mm": [round(step, 6) for step in geometry.spacing_mm],
        "axes": geometry.axis_codes,
        "affine_ras": geometry.affine.tolist(),
    }


def _part(part: SurfaceMesh, findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": part.name,
        "rgb": list(part.structure.rgb),
        "triangles": len(part.triangles),
        "vertices": len(part.vertices_ras),
        "volume_ml": round(part.volume_ml, 6),
        "size_mm": [round(float(side), 3) for side in np.ptp(part.bounds_mm, axis=0)],
        "preflight": [dict(each) for each in findings],
    }
