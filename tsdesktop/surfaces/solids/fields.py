"""Distances to a surface on a regular grid, and surfaces of equal distance. All in mm from a near origin.

Inside and outside come from VTK's scan conversion of the surface. Distances are measured to patches: the centre and
normal of the surface inside each grid cell. scipy's distance transform finds the nearest patch; measuring to its plane
makes flat walls exact and curved ones right to a small part of a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D
from vtkmodules.vtkImagingStencil import vtkImageStencilToImage, vtkPolyDataToImageStencil

from tsdesktop.core.geometry import Shape

Points = NDArray[np.float64]
Triangles = NDArray[np.int32]
Field = NDArray[np.float32]
# Patches are about a step wide: within this part of it sideways, the distance to the patch is that to its plane.
_FLAT_STEPS = 0.6


@dataclass(frozen=True, eq=False)
class Grid:
    """Points `low` + index * `step_mm`, indices below `shape`."""

    low: Points
    step_mm: float
    shape: Shape

    def places(self, indices: NDArray[np.intp]) -> Points:
        """The places (n, 3) of indices (n, 3)."""
        return np.asarray(self.low + np.asarray(indices, np.float64) * self.step_mm)

    def cells(self, places: Points) -> NDArray[np.intp]:
        """The indices (n, 3) of the points nearest to places, inside the grid."""
        indices = np.rint((places - self.low) / self.step_mm).astype(np.intp)
        return np.asarray(np.clip(indices, 0, np.array(self.shape) - 1))


def grid_around(low: Points, high: Points, step_mm: float, most_points: int) -> Grid:
    """A grid that reaches two steps beyond a box; its step is larger where `most_points` would be passed."""
    size = np.maximum(high - low, 1e-6)
    step = max(step_mm, float(np.cbrt(np.prod(size) / most_points)))
    while np.prod(np.ceil(size / step) + 5.0) > most_points:
        step *= 1.05
    i, j, k = (int(n) for n in np.ceil(size / step) + 5.0)
    return Grid(np.asarray(low - 2.0 * step), step, (i, j, k))


def inside(places: Points, triangles: Triangles, grid: Grid) -> NDArray[np.bool_]:
    """Which points of the grid lie inside a closed surface."""
    stencil = vtkPolyDataToImageStencil()
    stencil.SetInputData(_poly_data(places, triangles))
    stencil.SetOutputOrigin(*grid.low)
    stencil.SetOutputSpacing(*[grid.step_mm] * 3)
    i, j, k = grid.shape
    stencil.SetOutputWholeExtent(0, i - 1, 0, j - 1, 0, k - 1)
    drawn = vtkImageStencilToImage()
    drawn.SetInputConnection(stencil.GetOutputPort())
    drawn.SetInsideValue(1.0)
    drawn.SetOutsideValue(0.0)
    drawn.SetOutputScalarTypeToUnsignedChar()
    drawn.Update()
    values = vtk_to_numpy(drawn.GetOutput().GetPointData().GetScalars())
    return np.asarray(values.reshape(grid.shape, order="F"), np.bool_)


def depth(places: Points, triangles: Triangles, grid: Grid) -> Field:
    """How deep each point of the grid lies inside a closed surface in mm; negative outside."""
    within = inside(places, triangles, grid)
    away = _distance(*spread(places, triangles, grid.step_mm / 2.0)[:2], grid)
    return np.where(within, away, -away)


def distance_to(points: Points, grid: Grid) -> Field:
    """The distance of each point of the grid to the nearest of some places, which lie inside the grid."""
    return _distance(points, np.zeros_like(points), grid)


def surface_at(field: Field, level: float, grid: Grid) -> tuple[Points, Triangles]:
    """The closed surface around where `field` is above `level`, triangles outward; the grid's border counts as below.

    Empty arrays where nothing is above.
    """
    # A value that equals the level would put several corners on one grid point.
    nudge = np.float32(1e-3 * grid.step_mm)
    above = field - np.float32(level)
    near = np.abs(above) < nudge
    above[near] = np.where(above[near] >= 0.0, nudge, -nudge)
    padded = np.full([n + 2 for n in field.shape], -grid.step_mm, np.float32, order="F")
    padded[1:-1, 1:-1, 1:-1] = above
    surface = _contour(padded)
    if not surface.GetNumberOfPoints():
        return np.zeros((0, 3)), np.zeros((0, 3), np.int32)
    places = np.asarray(vtk_to_numpy(surface.GetPoints().GetData()), np.float64) - 1.0
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    return grid.low + places * grid.step_mm, triangles


def spread(places: Points, triangles: Triangles, step_mm: float) -> tuple[Points, Points, NDArray[np.intp]]:
    """Points on the surface about `step_mm` apart, the normals there times the area they stand for, their triangles."""
    corners = places[triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2.0
    longest = np.sqrt(((corners - np.roll(corners, 1, axis=1)) ** 2).sum(axis=2).max(axis=1))
    parts = np.clip(np.ceil(longest / step_mm), 1, None).astype(np.intp)
    points, normals, owners = [], [], []
    for count in np.unique(parts):
        chosen = np.flatnonzero(parts == count)
        weights = _middles(int(count))
        points.append(np.einsum("wc,tcx->twx", weights, corners[chosen]).reshape(-1, 3))
        normals.append(np.repeat(across[chosen] / len(weights), len(weights), axis=0))
        owners.append(np.repeat(chosen, len(weights)))
    return np.concatenate(points), np.concatenate(normals), np.concatenate(owners)


def _middles(count: int) -> Points:
    """Barycentric middles of the `count` x `count` small triangles of a triangle."""
    upright = [(i, j) for i in range(count) for j in range(count - i)]
    turned = [(i, j) for i in range(count - 1) for j in range(count - 1 - i)]
    first = np.array([(i + 1 / 3, j + 1 / 3) for i, j in upright] + [(i + 2 / 3, j + 2 / 3) for i, j in turned]) / count
    return np.column_stack([first, 1.0 - first.sum(axis=1)])


def _distance(points: Points, normals: Points, grid: Grid) -> Field:
    centres, directions, taken = _patches(points, normals, grid)
    nearest = np.asarray(ndimage.distance_transform_edt(~taken, return_distances=False, return_indices=True))
    numbers = np.zeros(grid.shape, np.int32)
    numbers[taken] = np.arange(len(centres), dtype=np.int32)
    out = np.empty(grid.shape, np.float32)
    for i in range(grid.shape[0]):
        out[i] = _to_patches(i, numbers[tuple(nearest[:, i])], centres, directions, grid)
    return out


def _to_patches(i: int, numbers: NDArray[np.int32], centres: Field, directions: Field, grid: Grid) -> Field:
    """Distances of the grid's layer `i` to the planes of these patches."""
    j, k = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in grid.shape[1:]), indexing="ij")
    layer = np.stack([np.full_like(j, i), j, k], axis=-1) * np.float32(grid.step_mm)
    apart = layer - centres[numbers]
    straight = np.abs(np.einsum("jkx,jkx->jk", apart, directions[numbers]))
    sideways = np.sqrt(np.maximum(np.einsum("jkx,jkx->jk", apart, apart) - straight**2, 0.0))
    flat = np.where(directions[numbers].any(axis=-1), np.float32(_FLAT_STEPS * grid.step_mm), np.float32(0.0))
    return np.asarray(np.hypot(straight, np.maximum(sideways - flat, 0.0)), np.float32)


def _patches(points: Points, normals: Points, grid: Grid) -> tuple[Field, Field, NDArray[np.bool_]]:
    """Per cell that holds points their middle from the grid's lowest point and unit normal, in the order of cells."""
    cells = np.ravel_multi_index(tuple(grid.cells(points).T), grid.shape)
    used, numbers = np.unique(cells, return_inverse=True)
    counts = np.bincount(numbers)
    centres = [np.bincount(numbers, points[:, n] - grid.low[n]) / counts for n in range(3)]
    sums = np.stack([np.bincount(numbers, normals[:, n]) for n in range(3)], axis=1)
    directions = sums / np.maximum(np.linalg.norm(sums, axis=1), 1e-12)[:, None]
    taken = np.zeros(grid.shape, np.bool_)
    taken.ravel()[used] = True
    return np.stack(centres, axis=1).astype(np.float32), directions.astype(np.float32), taken


def _contour(padded: Field) -> Any:
    image = vtkImageData()
    image.SetDimensions(*padded.shape)
    image.GetPointData().SetScalars(numpy_to_vtk(padded.ravel(order="F")))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.0)
    contour.ComputeNormalsOff()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    return contour.GetOutput()


def _poly_data(places: Points, triangles: Triangles) -> vtkPolyData:
    points = vtkPoints()
    points.SetDataTypeToDouble()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(places), deep=True))
    cells = vtkCellArray()
    starts = np.arange(0, triangles.size + 1, 3, dtype=np.int64)
    cells.SetData(
        numpy_to_vtkIdTypeArray(starts, deep=True),
        numpy_to_vtkIdTypeArray(triangles.ravel().astype(np.int64), deep=True),
    )
    out = vtkPolyData()
    out.SetPoints(points)
    out.SetPolys(cells)
    return out
