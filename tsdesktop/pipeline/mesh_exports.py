"""Makes the surfaces of an export, checks them, and writes them in every format and layout that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsdesktop.core.options import MeshLayout
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.exports.meshes.writing import MeshPlace, write_meshes
from tsdesktop.exports.writing import file_names
from tsdesktop.pipeline.export_plan import MeshPlan
from tsdesktop.surfaces.extract import extract_surfaces
from tsdesktop.surfaces.smoothing import Smoothing, smoothing_of


@dataclass(frozen=True, eq=False)
class CheckedMesh:
    """A surface that was written."""

    structure: StructureClass
    triangles: int

    def told(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"name": self.structure.name, "triangles": self.triangles}


class MeshWriter:
    """Writes the surfaces of a label map; `checked` tells of those that were written."""

    def __init__(self, plan: MeshPlan, label_map: LabelMap, *, overwrite: bool) -> None:
        self._plan = plan
        self._label_map = label_map
        self._overwrite = overwrite
        # Surfaces are kept only where a file holds all of them.
        self._kept: list[SurfaceMesh] = []
        self._stems = dict(
            zip(
                [each.label for each in label_map.present],
                file_names([each.name for each in label_map.present], ""),
                strict=True,
            )
        )
        self.checked: list[CheckedMesh] = []

    def write(self, begin: Callable[[str], None]) -> Iterator[Path]:
        """Makes and writes all surfaces; `begin` hears the title of each and may raise. Raises ExportError."""
        plan = self._plan
        labels = [each.label for each in self._label_map.present]
        layouts = plan.layouts_of(len(labels))
        surfaces = extract_surfaces(self._label_map, labels, smoothing_for(plan, self._label_map))
        for mesh in surfaces:
            begin(mesh.structure.title)
            self.checked.append(CheckedMesh(mesh.structure, len(mesh.triangles)))
            if "per-structure" in layouts:
                yield from self._one(mesh)
            if set(layouts) - {"per-structure"}:
                self._kept.append(mesh)
        for layout in layouts:
            if layout != "per-structure" and self._kept:
                yield from self._together(layout)

    def _one(self, mesh: SurfaceMesh) -> Iterator[Path]:
        plan = self._plan
        for key in plan.formats:
            place = MeshPlace(plan.folder, self._stems[mesh.structure.label])
            yield from write_meshes([mesh], place, key, "parts", plan.frame, overwrite=self._overwrite)

    def _together(self, layout: MeshLayout) -> Iterator[Path]:
        plan = self._plan
        for key in plan.formats:
            place = MeshPlace(plan.beside, plan.stem(layout))
            yield from write_meshes(self._kept, place, key, layout, plan.frame, overwrite=self._overwrite)


def smoothing_for(plan: MeshPlan, label_map: LabelMap) -> Smoothing:
    """The smoothing of a plan on the voxels of a label map."""
    return smoothing_of(plan.smoothing, plan.smoothing_mm, label_map.spacing_mm)
