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
_ONE_WALL = 0.9
_EXACT_STEPS = 1.8
# The surface is sampled at least this densely, in steps of the grid.
_SAMPLE_STEPS = 0.8


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


@dataclass(frozen=True, eq=False)
class _Patches:
    """The surface in every cell that holds some of it, in the order of cells: `taken` are the cells.

    `centres` (n, 3) are mm from the grid's lowest point; `directions` are unit normals, zero where the surface in the
    cell is not flat.
    """

    centres: Field
    directions: Field
    is_flat: NDArray[np.bool_]
    taken: NDArray[np.bool_]


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


def depth(places: Points, triangles: Triangles, grid: Grid, level_mm: float = 0.0) -> Field:
    """How deep each point of the grid lies inside a closed surface in mm; negative outside.

    It is most exact about `level_mm` deep.
    """
    within = inside(places, triangles, grid)
    patches = _patches(*spread(places, triangles, _SAMPLE_STEPS * grid.step_mm)[:2], grid)
    away = _distance(patches, within, level_mm, grid)
    return np.where(within, away, -away)


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
    """Points on the surface about `step_mm` apart, the normals there times the area they stand for, their triangles.

    Triangles are halved at their longest edge until none is longer; the points are the middles.
    """
    corners, owners = places[triangles], np.arange(len(triangles), dtype=np.intp)
    done: list[tuple[Points, NDArray[np.intp]]] = []
    while len(corners):
        edges = corners[:, [1, 2, 0]] - corners
        lengths = np.einsum("tex,tex->te", edges, edges)
        long = lengths.max(axis=1) > step_mm**2
        done.append((corners[~long], owners[~long]))
        corners, owners = _halved(corners[long], lengths[long].argmax(axis=1)), np.repeat(owners[long], 2)
    small = np.concatenate([each for each, _ in done])
    across = np.cross(small[:, 1] - small[:, 0], small[:, 2] - small[:, 0]) / 2.0
    return small.mean(axis=1), across, np.concatenate([each for _, each in done])


def _halved(corners: Points, edges: NDArray[np.intp]) -> Points:
    """Both halves of each triangle, cut from the middle of its edge number `edges` to the corner across."""
    row = np.arange(len(corners))
    start, end = edges, (edges + 1) % 3
    halves = np.repeat(corners, 2, axis=0)
    middle = (corners[row, start] + corners[row, end]) / 2.0
    halves[2 * row, end] = middle
    halves[2 * row + 1, start] = middle
    return halves


def _distance(patches: _Patches, within: NDArray[np.bool_], level_mm: float, grid: Grid) -> Field:
    nearest = np.asarray(ndimage.distance_transform_edt(~patches.taken, return_distances=False, return_indices=True))
    numbers = np.zeros(grid.shape, np.int32)
    numbers[patches.taken] = np.arange(len(patches.centres), dtype=np.int32)
    out = np.empty(grid.shape, np.float32)
    for i in range(grid.shape[0]):
        # In place, layer by layer: from here on the number of the nearest patch stands at every point.
        layer = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape[1:]), indexing="ij"), axis=-1).reshape(-1, 2)
        nearest[0, i] = numbers[tuple(nearest[:, i])]
        indices = np.column_stack([np.full(len(layer), i), layer])
        out[i] = _to_patches(indices, nearest[0, i].ravel(), patches, grid).reshape(grid.shape[1:])
    _made_exact(out, nearest[0], patches, within & (np.abs(out - level_mm) < _EXACT_STEPS * grid.step_mm), grid)
    return out


def _made_exact(
    away: Field, numbers: NDArray[np.int32], patches: _Patches, chosen: NDArray[np.bool_], grid: Grid
) -> None:
    """Takes into account, where `chosen`, the patches that are nearest to the six neighbours too."""
    indices = np.argwhere(chosen)
    best = away[chosen]
    for axis in range(3):
        for step in (-1, 1):
            beside = indices.copy()
            beside[:, axis] = np.clip(beside[:, axis] + step, 0, grid.shape[axis] - 1)
            best = np.minimum(best, _to_patches(indices, numbers[tuple(beside.T)], patches, grid))
    away[chosen] = best


def _to_patches(indices: NDArray[np.intp], numbers: NDArray[np.int32], patches: _Patches, grid: Grid) -> Field:
    """Distances of points of the grid to these patches, in mm."""
    apart = indices.astype(np.float32) * np.float32(grid.step_mm) - patches.centres[numbers]
    directions = patches.directions[numbers]
    straight = np.abs(np.einsum("nx,nx->n", apart, directions))
    sideways = np.sqrt(np.maximum(np.einsum("nx,nx->n", apart, apart) - straight**2, 0.0))
    flat = np.float32(_FLAT_STEPS * grid.step_mm) * patches.is_flat[numbers]
    return np.asarray(np.hypot(straight, np.maximum(sideways - flat, 0.0)), np.float32)


def _patches(points: Points, normals: Points, grid: Grid) -> _Patches:
    cells = np.ravel_multi_index(tuple(grid.cells(points).T), grid.shape)
    used, numbers = np.unique(cells, return_inverse=True)
    counts = np.bincount(numbers)
    centres = [np.bincount(numbers, points[:, n] - grid.low[n]) / counts for n in range(3)]
    sums = np.stack([np.bincount(numbers, normals[:, n]) for n in range(3)], axis=1)
    lengths = np.linalg.norm(sums, axis=1)
    # At an edge the mean of two walls' normals is that of neither.
    is_flat = lengths > _ONE_WALL * np.bincount(numbers, np.linalg.norm(normals, axis=1))
    directions = np.where(is_flat[:, None], sums / np.maximum(lengths, 1e-12)[:, None], 0.0)
    taken = np.zeros(grid.shape, np.bool_)
    taken.ravel()[used] = True
    middles = np.stack(centres, axis=1).astype(np.float32)
    return _Patches(middles, directions.astype(np.float32), is_flat, taken)


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
