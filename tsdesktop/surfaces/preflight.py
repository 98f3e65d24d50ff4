"""What is looked at before a mesh is written or printed: a list of findings with a light each, always in one order.

Defects (a surface that is open, not manifold, inside out or runs through itself) are counted after vertices at equal
places were merged, as every reader of the file does. What else is found concerns printing: pieces, walls, size, file,
unit, material, and how far the mesh is from the label map.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tsdesktop.core.notes import Argument, Note, note
from tsdesktop.core.printers import PrintLimits
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.check import MeshCheck, check_mesh, double_triangles
from tsdesktop.surfaces.distances import Difference, difference
from tsdesktop.surfaces.read_back import RawMesh, compare
from tsdesktop.surfaces.self_intersections import SelfIntersections, self_intersections
from tsdesktop.surfaces.shells import Shells, shells
from tsdesktop.surfaces.walls import Walls, walls

__all__ = ["DEFECTS", "ORDER", "Finding", "Light", "Preflight", "RawMesh", "compare", "preflight"]

Light = Literal["good", "warning", "bad"]
# The order in which findings stand; those of DEFECTS have to be good for a mesh to be whole.
DEFECTS = ("closed", "manifold", "degenerate", "outward", "self-intersections")
ORDER = (*DEFECTS, "pieces", "walls", "size", "file", "unit", "material", "difference")
_LIGHTS: tuple[Light, ...] = ("good", "warning", "bad")

# A piece counts as small below this share of the largest one's volume.
SMALL_PIECE = 0.01
# Drawing in triangles takes a little off a wall that is as thick as was asked for.
AS_THICK_AS = 0.97
MANY_TRIANGLES = 1_000_000
TOO_MANY_TRIANGLES = 5_000_000
LIKELY_MM = (1.0, 1000.0)
# Allowed difference to the label map: volume in % (below as many voxels: more), distance in voxels.
VOLUME_PERCENT, VOLUME_PERCENT_OF_FEW, FEW_VOXELS = 1.0, 3.0, 500
P95_VOXELS = 0.5
# Beyond these the mesh is another shape.
WRONG_VOLUME_PERCENT, WRONG_P95_VOXELS = 10.0, 1.5
_STL_BYTES = 84, 50
_THREADS = 4


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing that was looked at: what was found in one sentence, its light, the numbers, and what mends it.

    `fix` is an id of `surfaces.fixes`: of MESH_FIXES, which change this mesh, or of RECIPE_FIXES, which name a step of
    the recipe; "" where nothing mends it. Values are numbers, or texts; lengths and places are in mm.
    """

    id: str
    light: Light
    note: Note
    values: Mapping[str, Argument]
    fix: str = ""

    @property
    def sentence(self) -> str:
        """What was found, as one plain English sentence."""
        return self.note.sentence

    def to_data(self) -> dict[str, object]:
        """The finding as plain data."""
        return {
            "id": self.id,
            "light": self.light,
            "sentence": self.sentence,
            "fix": self.fix,
            "values": dict(self.values),
        }


@dataclass(frozen=True, eq=False)
class Preflight:
    """The findings on one mesh, in the order of ORDER."""

    findings: tuple[Finding, ...]

    def __getitem__(self, id: str) -> Finding:
        """The finding of that id. Raises KeyError."""
        for each in self.findings:
            if each.id == id:
                return each
        raise KeyError(id)

    @property
    def light(self) -> Light:
        """The worst light."""
        return max((each.light for each in self.findings), key=_LIGHTS.index)

    @property
    def is_whole(self) -> bool:
        """Whether the mesh has none of DEFECTS."""
        return all(each.light == "good" for each in self.findings if each.id in DEFECTS)

    def to_data(self) -> list[dict[str, object]]:
        """The findings as plain data."""
        return [each.to_data() for each in self.findings]


@dataclass(frozen=True, eq=False)
class _Measured:
    """All that was counted and measured of one mesh."""

    mesh: SurfaceMesh
    limits: PrintLimits
    check: MeshCheck
    double: int
    crossings: SelfIntersections
    pieces: Shells
    thickness: Walls | None
    apart: Difference | None


def preflight(mesh: SurfaceMesh, limits: PrintLimits, truth: tuple[LabelMap, int] | None = None) -> Preflight:
    """Looks at `mesh` before it is written or printed.

    `truth` is the label map in whose world the mesh lies and the label it stands for; None for a mesh that was meant to
    become different (cut, hollow, merged, scaled), which then has no finding "difference".
    Raises KeyError for a label without voxels.
    """
    if not len(mesh.triangles):
        return Preflight((Finding("closed", "bad", note("preflight.empty"), {"triangles": 0}),))
    measured = _measured(mesh, limits, truth)
    return Preflight(tuple(_findings(measured)))


def _measured(mesh: SurfaceMesh, limits: PrintLimits, truth: tuple[LabelMap, int] | None) -> _Measured:
    # All of it is numpy, scipy and VTK, which let go of Python's lock. One after the other it needs a third of the
    # memory: about half a GB for a million triangles.
    threads = _THREADS if len(mesh.triangles) <= MANY_TRIANGLES else 1
    with ThreadPoolExecutor(threads, thread_name_prefix="preflight") as pool:
        apart = None if truth is None else pool.submit(difference, mesh, *truth)
        crossings, thickness = pool.submit(self_intersections, mesh), pool.submit(walls, mesh, limits.smallest_wall_mm)
        check, pieces = pool.submit(check_mesh, mesh), pool.submit(shells, mesh)
        double = pool.submit(double_triangles, mesh)
        return _Measured(
            mesh, limits, check.result(), double.result(), crossings.result(), pieces.result(), thickness.result(),
            None if apart is None else apart.result(),
        )  # fmt: skip


def _findings(measured: _Measured) -> Iterator[Finding]:
    yield _closed(measured.check)
    yield _manifold(measured.check)
    yield _degenerate(measured.check, measured.double)
    yield _outward(measured.check, measured.pieces)
    yield _crossings(measured.crossings)
    yield _pieces(measured.pieces)
    yield _walls(measured.thickness, measured.limits)
    yield _size(measured.mesh, measured.limits)
    yield _file(len(measured.mesh.triangles))
    yield _unit(measured.mesh)
    yield _material(measured.check, measured.limits)
    if measured.apart is not None:
        yield _difference(measured.apart)


def _closed(check: MeshCheck) -> Finding:
    values = {"edges": check.boundary_edges}
    if check.boundary_edges:
        return Finding("closed", "bad", note("preflight.open", **values), values, "fill")
    return Finding("closed", "good", note("preflight.closed"), values)


def _manifold(check: MeshCheck) -> Finding:
    values = {"edges": check.non_manifold_edges, "vertices": check.non_manifold_vertices}
    if any(values.values()):
        return Finding("manifold", "bad", note("preflight.not_manifold", **values), values, "separate")
    return Finding("manifold", "good", note("preflight.manifold"), values)


def _degenerate(check: MeshCheck, double: int) -> Finding:
    values = {"degenerate": check.degenerate_triangles, "double": double}
    if any(values.values()):
        return Finding("degenerate", "bad", note("preflight.degenerate", **values), values, "clean")
    return Finding("degenerate", "good", note("preflight.no_degenerate"), values)


def _outward(check: MeshCheck, pieces: Shells) -> Finding:
    values = {"edges": check.disagreeing_edges, "pieces": int(np.count_nonzero(pieces.are_inside_out))}
    if any(values.values()):
        return Finding("outward", "bad", note("preflight.not_outward", **values), values, "flip")
    return Finding("outward", "good", note("preflight.outward"), values)


def _crossings(crossings: SelfIntersections) -> Finding:
    values = {"pairs": crossings.count, "triangles": len(crossings.triangles)}
    if not crossings.count:
        return Finding("self-intersections", "good", note("preflight.no_self_intersection"), values)
    words = "preflight.self_intersections" if crossings.complete else "preflight.many_self_intersections"
    fix = "resolve" if crossings.complete else ""
    return Finding("self-intersections", "bad", note(words, pairs=crossings.count), values, fix)


def _pieces(pieces: Shells) -> Finding:
    bodies = pieces.volumes_mm3[~pieces.are_cavities]
    cavities = pieces.count - len(bodies)
    small = int(np.count_nonzero(np.abs(bodies) < SMALL_PIECE * np.abs(bodies).max()))
    values = {"pieces": len(bodies), "cavities": cavities, "small": small}
    if small:
        words = note("preflight.small_pieces", pieces=len(bodies), small=small, percent=round(100 * SMALL_PIECE))
        return Finding("pieces", "warning", words, values, "remove-small-pieces")
    if cavities:
        words = note("preflight.cavities", pieces=len(bodies), cavities=cavities)
        return Finding("pieces", "warning", words, values, "fill-holes")
    if len(bodies) > 1:
        return Finding("pieces", "warning", note("preflight.pieces", pieces=len(bodies)), values, "struts")
    return Finding("pieces", "good", note("preflight.one_piece"), values)


def _walls(thickness: Walls | None, limits: PrintLimits) -> Finding:
    limit = limits.smallest_wall_mm
    if thickness is None:
        return Finding("walls", "good", note("preflight.no_wall"), {"limit_mm": limit})
    x, y, z = (round(each, 3) for each in thickness.place)
    values: dict[str, Argument] = {
        "wall_mm": round(thickness.smallest_mm, 3), "p1_mm": round(thickness.first_percentile_mm, 3),
        "p5_mm": round(thickness.fifth_percentile_mm, 3), "limit_mm": limit, "x_mm": x, "y_mm": y, "z_mm": z,
    }  # fmt: skip
    said: dict[str, Argument] = {
        "wall_mm": round(thickness.smallest_mm, 2),
        "limit_mm": limit,
        "process": limits.process.title,
    }
    if thickness.smallest_mm >= limit * AS_THICK_AS:
        return Finding("walls", "good", note("preflight.wall", **said), values)
    if thickness.fifth_percentile_mm >= limit:
        return Finding("walls", "warning", note("preflight.some_thin", **said), values, "thicken")
    return Finding("walls", "bad", note("preflight.thin", **said), values, "thicken")


def _size(mesh: SurfaceMesh, limits: PrintLimits) -> Finding:
    sides = np.ptp(mesh.bounds_mm, axis=0)
    x, y, z = (round(float(each), 1) for each in sides)
    said: dict[str, Argument] = {"x_mm": x, "y_mm": y, "z_mm": z}
    values: dict[str, Argument] = {
        key: round(float(each), 3) for key, each in zip(("x_mm", "y_mm", "z_mm"), sides, strict=True)
    }
    if limits.bed is None:
        return Finding("size", "good", note("preflight.size", **said), values)
    values["bed"] = limits.bed.id
    width, depth, height = limits.bed.size_mm
    # Turned on the bed by a quarter it is the same part; turned over it has to be supported another way.
    standing = [*sorted(sides[:2]), sides[2]]
    if np.all(standing <= np.array([*sorted((width, depth)), height]) + 1e-3):
        return Finding("size", "good", note("preflight.fits", bed=limits.bed.title, **said), values)
    if np.all(np.sort(sides) <= np.sort(limits.bed.size_mm) + 1e-3):
        return Finding(
            "size", "warning", note("preflight.fits_turned", bed=limits.bed.title, **said), values, "lay-flat"
        )
    bed_mm = f"{width:g} x {depth:g} x {height:g}"
    words = note("preflight.too_large", bed=limits.bed.title, bed_mm=bed_mm, **said)
    return Finding("size", "bad", words, values, "fit-to-bed")


def _file(triangles: int) -> Finding:
    header, each = _STL_BYTES
    size_mb = (header + each * triangles) / 1e6
    values = {"triangles": triangles, "size_mb": round(size_mb, 3)}
    said = {"triangles": triangles, "size_mb": round(size_mb, 1)}
    if triangles <= MANY_TRIANGLES:
        return Finding("file", "good", note("preflight.file", **said), values)
    light: Light = "warning" if triangles <= TOO_MANY_TRIANGLES else "bad"
    return Finding("file", light, note("preflight.large_file", **said), values, "save-triangles")


def _unit(mesh: SurfaceMesh) -> Finding:
    longest = float(np.ptp(mesh.bounds_mm, axis=0).max())
    values = {"longest_mm": round(longest, 3)}
    if LIKELY_MM[0] <= longest <= LIKELY_MM[1]:
        return Finding("unit", "good", note("preflight.unit"), values)
    return Finding("unit", "warning", note("preflight.odd_unit", longest_mm=float(f"{longest:.3g}")), values)


def _material(check: MeshCheck, limits: PrintLimits) -> Finding:
    volume_ml = check.signed_volume_mm3 / 1000.0
    if not check.is_closed or volume_ml <= 0.0:
        return Finding("material", "warning", note("preflight.no_volume"), {})
    grams = limits.grams(volume_ml)
    values: dict[str, Argument] = {
        "volume_ml": round(volume_ml, 4), "grams": round(grams, 4), "material": limits.material.name,
    }  # fmt: skip
    said: dict[str, Argument] = {
        "volume_ml": _figure(volume_ml), "grams": _figure(grams), "material": limits.material.name,
    }  # fmt: skip
    return Finding("material", "good", note("preflight.material", **said), values)


def _difference(apart: Difference) -> Finding:
    values = {
        "volume_percent": round(apart.volume_percent, 4), "p95_mm": round(apart.p95_mm, 4),
        "largest_mm": round(apart.largest_mm, 4), "voxels": apart.voxels, "voxel_mm": round(apart.voxel_mm, 4),
    }  # fmt: skip
    said = {"volume_percent": round(apart.volume_percent, 2) + 0.0}
    said |= {"p95_mm": round(apart.p95_mm, 2), "largest_mm": round(apart.largest_mm, 2)}
    volume, p95 = abs(apart.volume_percent), apart.p95_mm / apart.voxel_mm
    allowed = VOLUME_PERCENT if apart.voxels >= FEW_VOXELS else VOLUME_PERCENT_OF_FEW
    if volume <= allowed and p95 <= P95_VOXELS:
        return Finding("difference", "good", note("preflight.faithful", **said), values)
    light: Light = "bad" if volume > WRONG_VOLUME_PERCENT or p95 > WRONG_P95_VOXELS else "warning"
    return Finding("difference", light, note("preflight.unfaithful", **said), values, "smooth-less")


def _figure(value: float) -> int | float:
    """At least three digits, and no decimals from 100 on."""
    return round(value) if value >= 100.0 else float(f"{value:.3g}")
