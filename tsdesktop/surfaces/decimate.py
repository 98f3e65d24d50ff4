"""Fewer triangles with a largest error in mm that really holds: every reduction is measured before it is taken.

Edges are collapsed where that changes the surface least (quadric error, Garland and Heckbert 1997, VTK's filter). The
filter knows no largest distance and opens a surface now and then. So it goes in steps; after each one the volume is
restored, and the result is compared with the mesh that came in: distances both ways, closedness, shells, volume, and
triangles that run through others. A step that fails is taken back and tried smaller. Where a surface came open, or bore
no step, manifold3d's `simplify` is tried, too: it never opens one, but leaves more triangles at the same largest error
(twice as many on vessels and bones), because it keeps to the vertices that are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import MeshCheck, check_mesh
from tsdesktop.surfaces.pieces import Pieces
from tsdesktop.surfaces.self_intersections import self_intersections

Points = NDArray[np.float64]

# A step keeps this share of the triangles; one that fails is tried with the root of its share, up to the largest.
_FIRST_SHARE, _LARGEST_SHARE = 0.5, 0.93
# The first tolerance is this share of the cap, the next is chosen for an error of that much of it.
_TRIES, _FIRST_TOLERANCE, _AIM = 4, 0.65, 0.9
_STEP_DOWN = 0.6
_VOLUME_TOLERANCE = 0.002
# Distances are taken at samples: those between may be larger by this share of the cap.
_SAMPLED = 0.97
_MOST_SAMPLES_ALONG = 16


def decimated(mesh: SurfaceMesh, largest_error_mm: float) -> SurfaceMesh:
    """The mesh with fewer triangles, nowhere farther than `largest_error_mm` from it, in both directions.

    A closed mesh stays closed and manifold with the same number of shells, its volume stays within 0.5 %, and it does
    not begin to run through itself. With 0 mm, or when the mesh is not closed or bears no reduction, it is given back
    as it is. Raises ValueError for an error below 0.
    """
    if not largest_error_mm >= 0.0:
        raise ValueError(f"the largest error must be 0 mm or more, got {largest_error_mm}")
    original = _Original(mesh)
    if largest_error_mm == 0.0 or not original.check.is_sound:
        return mesh
    cap = largest_error_mm * _SAMPLED
    stepwise, came_open = _in_steps(original, cap)
    if not came_open and stepwise is not mesh:
        return stepwise
    return min(stepwise, _within_tolerance(original, cap), key=lambda each: len(each.triangles))


def _in_steps(original: _Original, cap_mm: float) -> tuple[SurfaceMesh, bool]:
    """The mesh reduced step by step, and whether a step failed for another reason than its distance."""
    best, share, came_open = original.mesh, _FIRST_SHARE, False
    while share < _LARGEST_SHARE:
        candidate = _collapsed(best, share, original.mesh.volume_ml)
        error = original.error_mm(candidate)
        if error <= cap_mm and len(candidate.triangles) < len(best.triangles):
            best = candidate
        else:
            came_open |= np.isinf(error)
            share = float(np.sqrt(share))
    return best, came_open


def _within_tolerance(original: _Original, cap_mm: float) -> SurfaceMesh:
    best, tolerance = original.mesh, cap_mm * _FIRST_TOLERANCE
    for _ in range(_TRIES):
        candidate = _simplified(original.mesh, tolerance)
        error = original.error_mm(candidate)
        if error <= cap_mm and len(candidate.triangles) < len(best.triangles):
            best = candidate
        tolerance *= _STEP_DOWN if np.isinf(error) else float(np.clip(_AIM * cap_mm / max(error, 1e-9), 0.3, 1.5))
    return best


@dataclass(frozen=True, eq=False)
class _Original:
    """The mesh that came in, and how far others are from it."""

    mesh: SurfaceMesh

    @cached_property
    def check(self) -> MeshCheck:
        return check_mesh(self.mesh)

    def error_mm(self, other: SurfaceMesh) -> float:
        """The largest distance between the two, seen from either; inf when `other` has another form or volume."""
        check = check_mesh(other)
        same = check.is_sound and check.shells == self.check.shells
        if not same or abs(other.volume_ml / self.mesh.volume_ml - 1.0) > _VOLUME_TOLERANCE:
            return float("inf")
        there = _largest_distance(self._samples, _distance_to(other))
        error = max(there, _largest_distance(_samples(other, self._edge_mm), self._distance))
        return float("inf") if not self._crosses_itself and self_intersections(other).count else error

    @cached_property
    def _crosses_itself(self) -> bool:
        return self_intersections(self.mesh).count > 0

    @cached_property
    def _samples(self) -> Points:
        return _samples(self.mesh, self._edge_mm)

    @cached_property
    def _edge_mm(self) -> float:
        corners = self.mesh.vertices_ras[self.mesh.triangles]
        return float(np.median(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)))

    @cached_property
    def _distance(self) -> Any:
        return _distance_to(self.mesh)


def _collapsed(mesh: SurfaceMesh, share: float, volume_ml: float) -> SurfaceMesh:
    """The mesh with about this share of its triangles by VTK's quadric decimation, at this volume."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkQuadricDecimation

    origin = np.round(mesh.bounds_mm.mean(axis=0))
    quadric = vtkQuadricDecimation()
    quadric.SetInputData(_vtk_surface(mesh, origin))
    quadric.SetTargetReduction(1.0 - share)
    quadric.VolumePreservationOn()
    quadric.Update()
    out = quadric.GetOutput()
    triangles = vtk_to_numpy(out.GetPolys().GetConnectivityArray())
    used, corners = np.unique(triangles, return_inverse=True)
    places = vtk_to_numpy(out.GetPoints().GetData())[used].astype(np.float64)
    faces = corners.reshape(-1, 3).astype(np.int32)
    return SurfaceMesh((_at_volume(places, faces, volume_ml) + origin).astype(np.float32), faces, mesh.structure)


def _simplified(mesh: SurfaceMesh, tolerance_mm: float) -> SurfaceMesh:
    """The mesh after manifold3d collapsed what lies within the tolerance, at its own volume."""
    from tsdesktop.surfaces.solids.manifolds import from_manifold, origin_of, to_manifold

    origin = origin_of([mesh])
    simple = from_manifold(to_manifold(mesh, origin).simplify(tolerance_mm), mesh.structure, origin)
    places = simple.vertices_ras.astype(np.float64) - origin
    return simple.with_vertices((_at_volume(places, simple.triangles, mesh.volume_ml) + origin).astype(np.float32))


def _at_volume(places: Points, triangles: NDArray[np.int32], volume_ml: float) -> Points:
    whole = Pieces(triangles, np.zeros(len(places), np.int32), np.array([volume_ml * 1000.0]))
    return whole.at_own_volume(places, np.ones(len(places)))


def _distance_to(mesh: SurfaceMesh) -> Any:
    """VTK's exact distance to a mesh."""
    from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

    distance = vtkImplicitPolyDataDistance()
    distance.SetInput(_vtk_surface(mesh, np.zeros(3)))
    return distance


def _vtk_surface(mesh: SurfaceMesh, origin: Points) -> Any:
    """The mesh as VTK's own, its corners counted from `origin` in double precision."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    points, polygons, surface = vtkPoints(), vtkCellArray(), vtkPolyData()
    points.SetData(numpy_to_vtk(mesh.vertices_ras.astype(np.float64) - origin, deep=True))
    ends = np.arange(0, mesh.triangles.size + 1, 3, dtype=np.int64)
    polygons.SetData(numpy_to_vtk(ends, deep=True), numpy_to_vtk(mesh.triangles.ravel().astype(np.int64), deep=True))
    surface.SetPoints(points)
    surface.SetPolys(polygons)
    return surface


def _largest_distance(places: Points, distance: Any) -> float:
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkDoubleArray

    found = vtkDoubleArray()
    found.SetNumberOfTuples(len(places))
    distance.FunctionValue(numpy_to_vtk(places), found)
    return float(np.abs(vtk_to_numpy(found)).max())


def _samples(mesh: SurfaceMesh, apart_mm: float) -> Points:
    """The corners of a mesh, the middles of its triangles, and places about so far apart on those that are larger."""
    corners = mesh.vertices_ras[mesh.triangles].astype(np.float64)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    along = np.clip(np.rint(longest / apart_mm), 1, _MOST_SAMPLES_ALONG).astype(int)
    places = [mesh.vertices_ras.astype(np.float64), corners.mean(axis=1)]
    for count in np.unique(along[along > 1]):
        weights = np.array([(i, j, count - i - j) for i in range(count + 1) for j in range(count + 1 - i)]) / count
        places.append(np.einsum("wn,tnk->twk", weights, corners[along == count]).reshape(-1, 3))
    return np.concatenate(places)
