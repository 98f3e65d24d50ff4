"""The preflight of every structure of a real result and of phantoms, counted on the files that were read again.

    python tests/benchmarks/preflight.py [LABELS.nii.gz] [--smoothing faithful] [--json FILE] [--short]

Each surface is made as an export makes it, written as binary STL, read again, and looked at: vertices at equal places
are merged and nothing is left out. trimesh counts again, on its own. Prints a Markdown table; with --short only what is
not whole, and a summary. Distances are between the surface and the border of the voxels, which itself has steps.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import nibabel
import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.printers import print_limits
from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap
from tsdesktop.exports.meshes.reading import read_meshes
from tsdesktop.exports.meshes.writing import MeshPlace, write_meshes
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.extract import extract_surface
from tsdesktop.surfaces.preflight import compare, preflight
from tsdesktop.surfaces.smoothing import smoothing_of

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ct_abdomen" / "total_fast.nii.gz"
_COLUMNS = (
    "structure", "triangles", "open edges", "non-manifold edges", "non-manifold vertices", "self-intersections",
    "shells", "smallest wall mm", "volume %", "p95 mm", "max mm", "whole", "s",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What was found of one file."""

    structure: str
    triangles: int
    open_edges: int
    non_manifold_edges: int
    non_manifold_vertices: int
    self_intersections: int
    shells: int
    smallest_wall_mm: float
    volume_percent: float
    p95_mm: float
    largest_mm: float
    whole: bool
    seconds: float
    difference_to_written: str
    trimesh: str
    lights: dict[str, str]

    @property
    def is_fine(self) -> bool:
        """Whether the file is what was made, has no defect, and trimesh thinks so too."""
        return self.whole and not self.difference_to_written and not self.trimesh

    def line(self) -> str:
        """One row of the table."""
        counts = (self.open_edges, self.non_manifold_edges, self.non_manifold_vertices, self.self_intersections)
        lengths = (self.smallest_wall_mm, abs(self.volume_percent), self.p95_mm, self.largest_mm)
        verdict = "yes" if self.is_fine else "NO"
        return (
            f"| {self.structure} | {self.triangles} | {' | '.join(map(str, counts))} | {self.shells} | "
            f"{' | '.join(f'{each:.2f}' for each in lengths)} | {verdict} | {self.seconds:.1f} |\n"
        )


def labels_of(path: Path) -> LabelMap:
    image = nibabel.load(path)
    array = np.asarray(image.dataobj)
    return LabelMap(array, Geometry(array.shape, image.affine), catalogue().task("total").classes, "total")


def phantoms() -> Iterator[tuple[str, LabelMap]]:
    """Labels that are awkward for surfaces, on an oblique, mirrored grid far from the origin."""
    place = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"))
    radius = np.linalg.norm(place - 19.5, axis=0)
    low, high = place < 20, place >= 20
    two = np.where(low[0], 1, 2) * (radius < 15)
    single = {
        "touching all borders": radius < 24,
        "whole scan": radius >= 0,
        "meeting at an edge voxel": (low[0] & low[1] & (radius < 15)) | (high[0] & high[1] & (radius < 15)),
        "meeting at a corner voxel": (np.all(low, axis=0) | np.all(high, axis=0)) & (radius < 15),
        "thin plate, one voxel": (place[2] == 20) & (radius < 15),
        "thin plate, two voxels, oblique": np.abs((place[0] + 2 * place[1] + 3 * place[2]) / 14**0.5 - 31.2) < 1.0,
        "thread, one voxel": (place[0] == place[1]) & (place[1] == place[2]),
        "hollow sphere": np.abs(radius - 13) < 1.2,
        "noise blob": (np.random.default_rng(7).random(radius.shape) < 0.4) & (radius < 14),
        "checkerboard": (place.sum(axis=0) % 2 == 0) & (radius < 8),
    }
    for name, mask in single.items():
        yield name, _phantom(np.asarray(mask, np.uint8))
    yield "touching each other", _phantom(np.asarray(two, np.uint8))


def _phantom(array: NDArray[np.uint8]) -> LabelMap:
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", [20, -10, 35], degrees=True).as_matrix()
    affine[:3, :3] = turn @ np.diag([-0.8, 0.9, 1.5])
    affine[:3, 3] = (120.0, -230.0, -1450.0)
    return LabelMap(array, Geometry(array.shape, affine), (structure_class(1, "one"), structure_class(2, "other")))


def row_of(name: str, label_map: LabelMap, label: int, folder: Path, smoothing: str) -> Row:
    """Makes, writes, reads and looks at one surface."""
    mesh = extract_surface(label_map, label, smoothing_of(smoothing, None, label_map.spacing_mm))
    if mesh is None:
        raise AssertionError(f"{name} has no surface")
    (path,) = write_meshes([mesh], MeshPlace(folder, "part"), "stl", "merged", "LPS", overwrite=True)
    written = read_meshes(path)
    again = SurfaceMesh(written[0].vertices.astype(np.float32), written[0].triangles.astype(np.int32), mesh.structure)
    start = time.perf_counter()
    found = preflight(again, print_limits(), (label_map, label))
    seconds = time.perf_counter() - start
    check, values = check_mesh(again), {each.id: each.values for each in found.findings}
    return Row(
        name, check.triangles, check.boundary_edges, check.non_manifold_edges, check.non_manifold_vertices,
        int(values["self-intersections"]["pairs"]), check.shells, float(values["walls"].get("wall_mm", float("nan"))),
        float(values["difference"]["volume_percent"]), float(values["difference"]["p95_mm"]),
        float(values["difference"]["largest_mm"]), found.is_whole, seconds, compare(written, [mesh]),
        _by_trimesh(path),
        {each.id: each.light for each in found.findings},
    )  # fmt: skip


def _by_trimesh(path: Path) -> str:
    """What trimesh has against a file; it merges vertices and counts edges on its own."""
    read = trimesh.load_mesh(path)
    wrong = [name for name in ("is_watertight", "is_winding_consistent", "is_volume") if not getattr(read, name)]
    return ", ".join(wrong)


def rows(path: Path, smoothing: str) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        label_map = labels_of(path)
        for each in label_map.present:
            yield row_of(each.name, label_map, each.label, Path(folder), smoothing)
        for name, phantom in phantoms():
            for label in phantom.boxes:
                title = f"phantom: {name}" + (f" ({label})" if len(phantom.boxes) > 1 else "")
                yield row_of(title, phantom, label, Path(folder), smoothing)


def summary(found: Sequence[Row]) -> str:
    whole = sum(each.is_fine for each in found)
    real = [each for each in found if not each.structure.startswith("phantom")]
    triangles = sum(each.triangles for each in found)
    return (
        f"{whole} of {len(found)} whole ({len(real)} structures, {len(found) - len(real)} phantoms), "
        f"{triangles} triangles; largest volume difference "
        f"{max(abs(each.volume_percent) for each in real):.2f} %, p95 {max(each.p95_mm for each in real):.2f} mm, "
        f"max {max(each.largest_mm for each in real):.2f} mm (structures)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", nargs="?", type=Path, default=_DATA)
    parser.add_argument("--smoothing", default="faithful")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args()
    sys.stdout.write(f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}\n")
    found = []
    for each in rows(asked.labels, asked.smoothing):
        found.append(each)
        if not asked.short or not each.is_fine:
            sys.stdout.write(each.line())
    sys.stdout.write(f"\n{summary(found)}\n")
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n", encoding="utf-8")
    return 0 if all(each.is_fine for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
