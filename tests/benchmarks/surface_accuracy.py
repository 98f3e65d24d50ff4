"""How exact meshes of bodies are whose truth is known, ours beside pyvista's and 3D Slicer's default.

    python tests/benchmarks/surface_accuracy.py [--seeds 4] [--json FILE]

Every body is turned at random and drawn by voxel centres into a grid turned at random, at least two voxels thick (of
the longest edge). Distances are of points spread over the mesh to the true surface and of points of the true surface to
the mesh, in the longest voxel spacing; the table has the worst grid and turn of each body. Prints Markdown.

- pyvista: `ImageData.contour_labels()` with its defaults.
- Slicer: what its "closed surface" representation does by default: discrete flying edges in voxels, windowed sinc with
  a smoothing factor of 0.5: pass band 10^(-4 * 0.5), 20 + 40 * 0.5 iterations, no feature edges, no decimation.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.surfaces.conftest import BODIES, Phantom, drawn
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.extract import PRESETS, extract_surface
from tsdesktop.surfaces.self_intersections import self_intersections

SPACINGS = ((0.7, 0.7, 0.7), (1.5, 1.5, 1.5), (3.0, 3.0, 3.0), (0.8, 0.8, 2.5))
# Sizes in the grid's longest spacing.
CASES: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("sphere of radius 1.5", "sphere", (1.5,)),
    ("sphere of radius 3", "sphere", (3.0,)),
    ("sphere of radius 7", "sphere", (7.0,)),
    ("ellipsoid 2 x 3 x 5", "ellipsoid", (2.0, 3.0, 5.0)),
    ("ellipsoid 7 x 9 x 12", "ellipsoid", (7.0, 9.0, 12.0)),
    ("cylinder of radius 1", "cylinder", (1.0, 10.0)),
    ("cylinder of radius 5", "cylinder", (5.0, 7.0)),
    ("plate, 2 thick", "plate", (18.0, 14.0, 2.0)),
    ("rib, 2 thick", "rib", (10.0, 2.0, 6.0)),
    ("rib, 3 thick", "rib", (10.0, 3.0, 6.0)),
    ("vessel of radius 1", "tube", (8.0, 1.0)),
    ("vessel of radius 2", "tube", (10.0, 2.0)),
)
Surface = Callable[[LabelMap], SurfaceMesh | None]


@dataclass(frozen=True)
class Row:
    """Worst of all grids and turns. Volumes in %, distances in voxels; `defects` are meshes that are not sound."""

    method: str
    body: str
    off_label_percent: float
    off_truth_percent: float
    p95: float
    largest: float
    defects: int
    meshes: int


def by_pyvista(label_map: LabelMap) -> SurfaceMesh | None:
    """The surface of label 1 with pyvista's defaults."""
    image = _image(label_map, label_map.spacing_mm)
    surface = image.contour_labels().triangulate()
    return _in_the_world(surface, label_map, label_map.spacing_mm)


def by_slicer(label_map: LabelMap) -> SurfaceMesh | None:
    """The surface of label 1 as 3D Slicer makes it by default."""
    import pyvista
    from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter
    from vtkmodules.vtkFiltersGeneral import vtkDiscreteFlyingEdges3D

    contour = vtkDiscreteFlyingEdges3D()
    contour.SetInputData(_image(label_map, (1.0, 1.0, 1.0)))
    contour.SetValue(0, 1)
    sinc = vtkWindowedSincPolyDataFilter()
    sinc.SetInputConnection(contour.GetOutputPort())
    sinc.SetNumberOfIterations(40)
    sinc.SetPassBand(0.01)
    sinc.BoundarySmoothingOff()
    sinc.FeatureEdgeSmoothingOff()
    sinc.NonManifoldSmoothingOn()
    sinc.NormalizeCoordinatesOn()
    sinc.Update()
    return _in_the_world(pyvista.wrap(sinc.GetOutput()), label_map, (1.0, 1.0, 1.0))


def _image(label_map: LabelMap, spacing: tuple[float, float, float]) -> Any:
    import pyvista

    image = pyvista.ImageData(dimensions=label_map.array.shape, spacing=spacing)
    image.point_data["labels"] = label_map.array.ravel(order="F")
    image.set_active_scalars("labels")
    return image


def _in_the_world(surface: Any, label_map: LabelMap, spacing: tuple[float, float, float]) -> SurfaceMesh | None:
    if surface.n_cells == 0:
        return None
    places = label_map.geometry.world_ras(np.asarray(surface.points, np.float64) / spacing)
    mesh = SurfaceMesh(places.astype(np.float32), surface.regular_faces.astype(np.int32), label_map.classes[0])
    return mesh if mesh.volume_ml > 0 else replace(mesh, triangles=mesh.triangles[:, ::-1])


def measured(phantom: Phantom, mesh: SurfaceMesh | None, truth_mm3: float) -> NDArray[np.float64]:
    """Volume errors in % (to the label, to the truth), p95 and largest distance in voxels, 1 if not sound."""
    if mesh is None:
        return np.array([100.0, 100.0, np.inf, np.inf, 1.0])
    label_mm3 = np.count_nonzero(phantom.label_map.array) * phantom.label_map.geometry.voxel_volume_mm3
    there, back = phantom.errors_in_voxels(mesh), phantom.errors_back_in_voxels(mesh)
    sound = check_mesh(mesh).is_sound and self_intersections(mesh).count == 0
    volumes = [100.0 * abs(mesh.volume_ml * 1000.0 / mm3 - 1.0) for mm3 in (label_mm3, truth_mm3)]
    p95 = max(np.quantile(there, 0.95), np.quantile(back, 0.95))
    return np.array([*volumes, p95, max(there.max(), back.max()), float(not sound)])


def rows(methods: dict[str, Surface], seeds: int) -> list[Row]:
    """One row for every body and method."""
    found = []
    for title, kind, sizes in CASES:
        results: dict[str, list[NDArray[np.float64]]] = {name: [] for name in methods}
        for spacing in SPACINGS:
            body = BODIES[kind](*(size * max(spacing) for size in sizes))
            for seed in range(seeds):
                phantom = drawn(body, spacing, seed, np.array([31.0, -47.0, 112.0]))
                for name, surface in methods.items():
                    results[name].append(measured(phantom, surface(phantom.label_map), body.volume_mm3))
        for name, all_of_one in results.items():
            worst, defects = np.max(all_of_one, axis=0), int(np.sum(all_of_one, axis=0)[4])
            off_label, off_truth, p95, largest = (round(float(n), 4) for n in worst[:4])
            found.append(Row(name, title, off_label, off_truth, p95, largest, defects, len(all_of_one)))
        sys.stderr.write(f"{title} done\n")
    return found


def markdown(found: list[Row]) -> str:
    """A line per body; for every method volume error % to the label / p95 / largest distance in voxels."""
    methods = list(dict.fromkeys(row.method for row in found))
    lines = ["| body (sizes in voxels) | " + " | ".join(methods) + " |", "| --- |" + " --- |" * len(methods)]
    for title in dict.fromkeys(row.body for row in found):
        cells = [
            f"{row.off_label_percent:.1f} % / {row.p95:.2f} / {row.largest:.2f}" for row in found if row.body == title
        ]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    defects = [sum(row.defects for row in found if row.method == name) for name in methods]
    meshes = sum(row.meshes for row in found if row.method == methods[0])
    lines.append(f"| meshes with defects, of {meshes} | " + " | ".join(map(str, defects)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    methods: dict[str, Surface] = {
        name: partial(extract_surface, label=1, smoothing=smoothing) for name, smoothing in PRESETS.items()
    }
    found = rows(methods | {"pyvista": by_pyvista, "3D Slicer": by_slicer}, asked.seeds)
    sys.stdout.write(markdown(found) + "\n")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
