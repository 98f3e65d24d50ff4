"""Parts, the printer's bed and the plane of a cut as bodies of the 3D view. Parts are made ready in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.printing import Cut
from tsdesktop.core.structures import Rgb
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.gui.scene.content import Body

if TYPE_CHECKING:  # VTK is loaded by the workers.
    from tsdesktop.surfaces.display import DisplayMesh, DisplaySurface

Places = NDArray[np.float64]
# Edges sharper than this are shown as edges: those of cuts, plates and letters, not the bends of a bone.
_EDGE_DEGREES = 50.0
_MOST_SHOWN = 400_000
_LINES_MM = 10.0
_MOST_LINES = 60
_LINE_SHARE = 0.0011
_PLANE_MARGIN = 1.12
_PLANE_OPACITY = 0.22
# Numbers that no part has: bodies are told apart by them.
BED, PLANE, PLANE_EDGE = 1_000_001, 1_000_002, 1_000_003


def shown_part(mesh: SurfaceMesh, number: int) -> DisplaySurface:
    """A part with the normals to show it, sharp where it is, with fewer triangles where it has more than can be shown
    at a fair pace. Takes some 100 ms: not for the main thread.
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkPolyDataNormals

    from tsdesktop.surfaces.display import DisplayMesh, DisplaySurface, coarse_twin

    normals = vtkPolyDataNormals()
    normals.SetInputData(_thinned(mesh))
    normals.SetFeatureAngle(_EDGE_DEGREES)
    normals.SplittingOn()
    normals.ConsistencyOff()
    normals.NonManifoldTraversalOff()
    normals.Update()
    data = normals.GetOutput()
    fine = DisplayMesh(
        np.array(vtk_to_numpy(data.GetPoints().GetData()), np.float32),
        np.array(vtk_to_numpy(data.GetPointData().GetNormals()), np.float32),
        np.array(vtk_to_numpy(data.GetPolys().GetConnectivityArray()).reshape(-1, 3), np.int32),
    )
    return DisplaySurface(number, fine, coarse_twin(fine, _edge_mm(mesh)))


def _thinned(mesh: SurfaceMesh) -> Any:
    """The mesh as VTK's, with at most about _MOST_SHOWN triangles: vertices in a small cell become one."""
    from vtkmodules.vtkFiltersCore import vtkQuadricClustering

    from tsdesktop.gui.scene.shapes import poly_data

    data = poly_data(mesh.vertices_ras, mesh.triangles)
    if len(mesh.triangles) <= _MOST_SHOWN:
        return data
    cell_mm = _edge_mm(mesh) * (len(mesh.triangles) / _MOST_SHOWN) ** 0.5
    low, high = mesh.bounds_mm
    clusters = vtkQuadricClustering()
    clusters.SetInputData(data)
    clusters.AutoAdjustNumberOfDivisionsOff()
    clusters.SetNumberOfDivisions(*(max(2, int(each / cell_mm)) for each in high - low))
    clusters.Update()
    return clusters.GetOutput()


def _edge_mm(mesh: SurfaceMesh) -> float:
    """How long the edges of its triangles are, about."""
    corners = mesh.vertices_ras[mesh.triangles[:: max(1, len(mesh.triangles) // 2000)]].astype(np.float64)
    return max(1e-3, float(np.median(np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1))))


def box_of(surfaces: Sequence[DisplaySurface]) -> Places | None:
    """The box (2, 3) around parts, in mm; None without any."""
    if not surfaces:
        return None
    bounds = np.array([each.bounds_mm for each in surfaces])
    return np.array([bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)])


def bed_body(size_mm: tuple[float, float, float], corner_mm: tuple[float, float], rgb: Rgb) -> Body:
    """The outline of a printer's bed with a line every centimetre, and its height at the corners; a small thing."""
    width, depth, height = size_mm
    x, y = corner_mm
    thin = _LINE_SHARE * max(size_mm)
    step = _LINES_MM * max(1, round(max(width, depth) / _LINES_MM / _MOST_LINES + 0.49))
    across = [(np.array([x + at, y, 0.0]), np.array([x + at, y + depth, 0.0])) for at in _stops(width, step)]
    along = [(np.array([x, y + at, 0.0]), np.array([x + width, y + at, 0.0])) for at in _stops(depth, step)]
    corners = [np.array([x + a * width, y + b * depth, 0.0]) for a, b in product((0, 1), repeat=2)]
    posts = [(each, each + np.array([0.0, 0.0, min(height, 0.06 * max(width, depth))])) for each in corners]
    inner = [_bar(a, b, thin) for a, b in (*across[1:-1], *along[1:-1])]
    outer = [_bar(a, b, 3.0 * thin) for a, b in (across[0], across[-1], along[0], along[-1], *posts)]
    return Body(_surface([*inner, *outer], BED), rgb)


def _stops(length: float, step: float) -> list[float]:
    inner = [n * step for n in range(1, int(np.ceil(length / step)))]
    return [0.0, *inner, length]


def plane_corners(cut: Cut, bounds_mm: Places) -> Places:
    """The corners (4, 3) of the plane of a cut, as large as what it cuts, in turn."""
    normal = np.array(cut.normal_ras, float) / np.linalg.norm(cut.normal_ras)
    least = np.eye(3)[int(np.argmin(np.abs(normal)))]
    first = np.cross(normal, least)
    first /= np.linalg.norm(first)
    sides = np.stack([first, np.cross(normal, first)])
    middle = bounds_mm.mean(axis=0)
    centre = middle - normal * float((middle - np.array(cut.point_ras)) @ normal)
    box = np.array(list(product(*bounds_mm.T))) - middle
    half = np.abs(box @ sides.T).max(axis=0) * _PLANE_MARGIN + 1.0
    turns = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.array([centre + a * half[0] * sides[0] + b * half[1] * sides[1] for a, b in turns])


def plane_bodies(cut: Cut, bounds_mm: Places, rgb: Rgb) -> tuple[Body, Body]:
    """The plane of a cut, seen through, and its frame."""
    corners = plane_corners(cut, bounds_mm)
    thin = 0.004 * float(np.linalg.norm(bounds_mm[1] - bounds_mm[0]))
    frame = [_bar(corners[n], corners[(n + 1) % 4], thin) for n in range(4)]
    return Body(_surface([_sheet(corners)], PLANE), rgb, _PLANE_OPACITY), Body(_surface(frame, PLANE_EDGE), rgb)


def apart(surfaces: Sequence[DisplaySurface], cut: Cut, gap_mm: float) -> list[DisplaySurface]:
    """Parts drawn away from the plane of a cut by half of `gap_mm`, each to its own side."""
    normal = np.array(cut.normal_ras, float) / np.linalg.norm(cut.normal_ras)
    point = np.array(cut.point_ras)
    out = []
    for each in surfaces:
        side = 1.0 if float((each.fine.vertices_ras.mean(axis=0) - point) @ normal) > 0.0 else -1.0
        out.append(_moved(each, (normal * side * gap_mm / 2).astype(np.float32)))
    return out


def _moved(surface: DisplaySurface, by_mm: NDArray[np.float32]) -> DisplaySurface:
    fine = replace(surface.fine, vertices_ras=surface.fine.vertices_ras + by_mm)
    if surface.coarse is surface.fine:
        return replace(surface, fine=fine, coarse=fine)
    return replace(surface, fine=fine, coarse=replace(surface.coarse, vertices_ras=surface.coarse.vertices_ras + by_mm))


def _sheet(corners: Places) -> tuple[Places, Places, NDArray[np.int32]]:
    """Both sides of a rectangle: vertices, normals, triangles."""
    normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
    normal /= np.linalg.norm(normal)
    front = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return corners, np.repeat(normal[None], 4, axis=0), front


def _bar(start: Places, stop: Places, thick: float) -> tuple[Places, Places, NDArray[np.int32]]:
    """A square rod from one place to another: vertices (8, 3), normals, triangles facing outward."""
    along = (stop - start) / max(1e-9, float(np.linalg.norm(stop - start)))
    least = np.eye(3)[int(np.argmin(np.abs(along)))]
    first = np.cross(along, least)
    first /= np.linalg.norm(first)
    second = np.cross(along, first)
    ring = np.array([first + second, second - first, -first - second, first - second])
    vertices = np.concatenate([start + ring * (thick / 2), stop + ring * (thick / 2)])
    normals = np.concatenate([ring, ring]) / np.sqrt(2.0)
    sides = [[n, (n + 1) % 4, n + 4] for n in range(4)] + [[(n + 1) % 4, (n + 1) % 4 + 4, n + 4] for n in range(4)]
    ends = [[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7]]
    return vertices, normals, np.array([*sides, *ends], np.int32)


def _surface(shapes: Sequence[tuple[Places, Places, NDArray[np.int32]]], number: int) -> DisplaySurface:
    from tsdesktop.surfaces.display import DisplayMesh, DisplaySurface

    starts = np.cumsum([0] + [len(vertices) for vertices, _, _ in shapes])
    mesh: DisplayMesh = DisplayMesh(
        np.concatenate([each[0] for each in shapes]).astype(np.float32),
        np.concatenate([each[1] for each in shapes]).astype(np.float32),
        np.concatenate([each[2] + int(at) for each, at in zip(shapes, starts, strict=False)]).astype(np.int32),
    )
    return DisplaySurface(number, mesh, mesh)
