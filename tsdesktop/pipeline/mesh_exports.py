"""Makes the surfaces of an export, looks at them as for printing, and writes them in every format and layout.

Every file is read back and compared with the surfaces before it counts as written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsdesktop.core.options import MeshLayout
from tsdesktop.core.printers import print_limits
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.exports.meshes.writing import MeshPlace, write_meshes
from tsdesktop.exports.writing import file_names
from tsdesktop.pipeline.export_plan import MeshPlan
from tsdesktop.surfaces.extract import extract_surfaces
from tsdesktop.surfaces.preflight import Finding, Preflight, preflight
from tsdesktop.surfaces.smoothing import smoothing_of


@dataclass(frozen=True, eq=False)
class CheckedMesh:
    """A surface that was written, and what was found in it; None where it was not looked at."""

    structure: StructureClass
    triangles: int
    preflight: Preflight | None

    @property
    def light(self) -> str:
        """The worst light: "good", "warning" or "bad"; a surface that is no closed solid is bad."""
        return "" if self.preflight is None else self.preflight.light

    @property
    def concerns(self) -> tuple[Finding, ...]:
        """What is not good."""
        return () if self.preflight is None else tuple(each for each in self.preflight.findings if each.light != "good")

    def told(self) -> dict[str, Any]:
        """What a manifest says of it."""
        told: dict[str, Any] = {"name": self.structure.name, "triangles": self.triangles}
        if self.preflight is not None:
            told |= {"preflight": self.light, "found": [each.sentence for each in self.concerns]}
            told["values"] = {each.id: _plain(each.values) for each in self.preflight.findings}
        return told


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers as JSON has them: null for what is not finite."""
    return {key: None if isinstance(one, float) and not math.isfinite(one) else one for key, one in values.items()}


class MeshWriter:
    """Writes the surfaces of a label map; `checked` tells of those that were written."""

    def __init__(self, plan: MeshPlan, label_map: LabelMap, *, overwrite: bool) -> None:
        self._plan = plan
        self._label_map = label_map
        self._overwrite = overwrite
        # Surfaces are kept only where a file holds all of them.
        self._kept: list[SurfaceMesh] = []
        names = file_names([each.name for each in label_map.present], "")
        self._stems = dict(zip([each.label for each in label_map.present], names, strict=True))
        self.checked: list[CheckedMesh] = []

    def write(self, begin: Callable[[str], None]) -> Iterator[Path]:
        """Makes and writes all surfaces; `begin` hears the title of each and may raise.

        Raises ExportError, also when a file that was read back is not what was to be written; it is removed then.
        """
        labels = list(self._stems)
        layouts = self._plan.layouts_of(len(labels))
        for mesh in surfaces_of(self._plan, self._label_map, labels):
            begin(mesh.structure.title)
            self.checked.append(self._looked_at(mesh))
            if "per-structure" in layouts:
                place = MeshPlace(self._plan.folder, self._stems[mesh.structure.label])
                yield from self._written([mesh], place, "per-structure")
            if set(layouts) - {"per-structure"}:
                self._kept.append(mesh)
        for layout in layouts:
            if layout != "per-structure" and self._kept:
                place = MeshPlace(self._plan.beside, self._plan.stem(layout))
                yield from self._written(self._kept, place, layout)

    def _looked_at(self, mesh: SurfaceMesh) -> CheckedMesh:
        if self._plan.check:
            return looked_at(mesh, self._label_map)
        return CheckedMesh(mesh.structure, len(mesh.triangles), None)

    def _written(self, meshes: Sequence[SurfaceMesh], place: MeshPlace, layout: MeshLayout) -> Iterator[Path]:
        from tsdesktop.pipeline.printing import check_written

        # A file of one surface bears the stem of the place in every layout but this one.
        form: MeshLayout = "merged" if layout == "per-structure" else layout
        for key in self._plan.formats:
            files = write_meshes(meshes, place, key, form, self._plan.frame, overwrite=self._overwrite)
            check_written(files, meshes, form)
            yield from files


def surfaces_of(plan: MeshPlan, label_map: LabelMap, labels: Sequence[int]) -> Iterator[SurfaceMesh]:
    """The surfaces of these labels as the plan wants them, one after the other."""
    smoothing = smoothing_of(plan.smoothing, plan.smoothing_mm, label_map.spacing_mm)
    for mesh in extract_surfaces(label_map, labels, smoothing):
        if plan.largest_error_mm:
            from tsdesktop.surfaces.decimate import decimated

            yield decimated(mesh, plan.largest_error_mm)
        else:
            yield mesh


def looked_at(mesh: SurfaceMesh, label_map: LabelMap) -> CheckedMesh:
    """What is found in a surface that is to be the structure of `label_map`."""
    return CheckedMesh(
        mesh.structure, len(mesh.triangles), preflight(mesh, print_limits(), (label_map, mesh.structure.label))
    )
