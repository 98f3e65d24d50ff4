"""All structures of a label map as smooth surfaces to look at: fast, without stair steps, never for measuring.

Every structure is averaged onto a grid that is coarse enough for its size, blurred a little, and contoured at the level
that encloses as many voxels as the structure has: so thin vessels and specks of one voxel keep their volume and stay on
the screen. Normals are the blurred field's own gradient. Structures are independent of each other and run in threads
(numpy, scipy and VTK let go of Python's lock); a single pass of surface nets over the whole map takes about as long,
but leaves the steps of the voxels and three times the triangles.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

from tsdesktop.core.geometry import Affine, Geometry, read_only
from tsdesktop.core.volume import LabelMap

Floats = NDArray[np.float32]

# A structure's grid step in mm is the edge of a cube of its volume divided by this, within the two bounds.
_STEPS_ALONG = 26.0
_FINEST_MM, _COARSEST_MM = 1.2, 3.0
_BLUR_STEPS, _BLUR_REACH = 1.0, 2.5  # the reach is in standard deviations
# A cell of a structure that the blur takes below this (in a straight border none is) belongs to a plate or a thread of
# one cell. It is given up to this much more weight and blurred again, so that thin bone gets no holes.
_THIN_BELOW, _MOST_WEIGHT = 0.44, 1.8
_FEW_CELLS = 60_000
_COARSE_TRIANGLES = 900  # the coarse twin of a surface comes down to about this many ...
_LARGEST_CELL_STEPS = 3.2  # ... but its vertices are not drawn together over more than this many steps
_MOST_THREADS = 8
# Surroundings: grid step, and the reaches in mm at which hollows are looked for, with how dark each makes.
_SURROUNDINGS_MM = 4.0
_REACHES = ((4.0, 0.50), (11.0, 0.62))
_DARKEST = 0.22


@dataclass(frozen=True, eq=False)
class DisplayMesh:
    """Vertices (n, 3) in RAS+ mm, unit normals (n, 3) pointing outward, outward triangles (m, 3).

    Raises ValueError for other shapes.
    """

    vertices_ras: Floats
    normals: Floats
    triangles: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.vertices_ras.ndim != 2 or self.vertices_ras.shape[1] != 3:
            raise ValueError(f"vertices must be (n, 3), got {self.vertices_ras.shape}")
        if self.normals.shape != self.vertices_ras.shape:
            raise ValueError(f"normals must be {self.vertices_ras.shape}, got {self.normals.shape}")
        if self.triangles.ndim != 2 or self.triangles.shape[1] != 3:
            raise ValueError(f"triangles must be (m, 3), got {self.triangles.shape}")
        for name in ("vertices_ras", "normals", "triangles"):
            object.__setattr__(self, name, read_only(getattr(self, name)))


@dataclass(frozen=True, eq=False)
class DisplaySurface:
    """One structure twice: fine for a still picture, coarse for while it moves (the same mesh where it is small)."""

    label: int
    fine: DisplayMesh
    coarse: DisplayMesh

    @property
    def bounds_mm(self) -> NDArray[np.float64]:
        """Lowest and highest corner, (2, 3) in RAS+ mm."""
        return np.array([self.fine.vertices_ras.min(axis=0), self.fine.vertices_ras.max(axis=0)], np.float64)


def display_surfaces(
    label_map: LabelMap, labels: Iterable[int] | None = None, wanted: Callable[[], bool] = lambda: True
) -> Iterator[DisplaySurface]:
    """The surfaces of these labels (None: all that occur), those in the largest boxes first, as soon as they are made.

    `wanted` is asked between structures; once it says no, the rest is left out.
    """
    boxes = label_map.boxes
    chosen = [label for label in (boxes if labels is None else labels) if label in boxes]
    chosen.sort(key=lambda label: -int(np.prod(boxes[label].shape)))
    # Filters on pieces this small lose more by splitting them than they win: the threads share out structures instead.
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, thread_name_prefix="surfaces") as pool:
        try:
            for surface in pool.map(partial(_wanted_surface, label_map, wanted), chosen):
                if surface is not None:
                    yield surface
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _wanted_surface(label_map: LabelMap, wanted: Callable[[], bool], label: int) -> DisplaySurface | None:
    return display_surface(label_map, label) if wanted() else None


def fine_meshes(
    label_map: LabelMap, blur_steps: float = _BLUR_STEPS, check: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, DisplayMesh]]:
    """Label and surface of every structure that occurs, without the coarse twins: for pictures that stand still.

    `blur_steps` is the standard deviation of the blur in steps of the structure's grid. `check` is called before each
    structure, in the threads that work; what it raises ends the work.
    """
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, thread_name_prefix="surfaces") as pool:
        yield from zip(
            label_map.boxes, pool.map(partial(_fine_mesh, label_map, blur_steps, check), label_map.boxes), strict=True
        )


def _fine_mesh(label_map: LabelMap, blur_steps: float, check: Callable[[], None], label: int) -> DisplayMesh:
    check()
    box = label_map.boxes[label]
    shares, affine = _shares(label_map.array[box.slices] == label, label_map.geometry.cropped(box).affine)
    return _contoured(shares, affine, blur_steps)


def display_surface(label_map: LabelMap, label: int) -> DisplaySurface | None:
    """The surface of one label; None when it has no voxel."""
    found = label_map.cropped_mask(label)
    if found is None:
        return None
    mask, box = found
    affine = label_map.geometry.cropped(box).affine
    return surface_of_mask(mask, affine, label)


def surface_of_mask(mask: NDArray[np.bool_], affine: Affine, label: int) -> DisplaySurface | None:
    """The surface of the true voxels of a mask with its affine to RAS+ mm; None when there are none."""
    if not mask.any():
        return None
    return surface_of_shares(*_shares(mask, affine), label)


def _shares(mask: NDArray[np.bool_], affine: Affine) -> tuple[Floats, Affine]:
    """How much of each cell of a grid that suits the mask's size it fills, and the grid's affine."""
    factors = _factors(int(np.count_nonzero(mask)), affine)
    return _pooled(mask.view(np.uint8), affine, factors)


def surface_of_shares(share: Floats, affine: Affine, label: int) -> DisplaySurface:
    """The surface around a field that says how much of each cell (0 to 1) belongs to a structure."""
    fine = _contoured(share, affine)
    step_mm = float(np.prod(np.linalg.norm(affine[:3, :3], axis=0)) ** (1 / 3))
    return DisplaySurface(label, fine, coarse_twin(fine, step_mm))


def _factors(voxels: int, affine: Affine) -> tuple[int, int, int]:
    """How many voxels along i, j, k become one step of the grid for a structure of this many voxels."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    edge_mm = (voxels * float(np.prod(spacing))) ** (1 / 3)
    step_mm = float(np.clip(edge_mm / _STEPS_ALONG, _FINEST_MM, _COARSEST_MM))
    # A voxel slightly under half the step still counts as half: 1.5 mm becomes 3 mm, not 1.5.
    i, j, k = (max(1, int(step_mm / width + 0.3)) for width in spacing)
    return i, j, k


def coarse_twin(fine: DisplayMesh, step_mm: float) -> DisplayMesh:
    """The same surface with vertices drawn together that are close and face alike.

    Two sides of a thin plate face differently, so that it gets coarse, not torn.
    """
    steps = min(_LARGEST_CELL_STEPS, (len(fine.triangles) / _COARSE_TRIANGLES) ** 0.5)
    if steps < 1.5:
        return fine
    places = fine.vertices_ras - fine.vertices_ras.min(axis=0)
    cells = (places / np.float32(steps * step_mm)).astype(np.int64)
    i, j, k = cells.T
    _, height, depth = cells.max(axis=0) + 1
    facing = (fine.normals > 0.0) @ np.array([1, 2, 4])
    _, group = np.unique(((i * height + j) * depth + k) * 8 + facing, return_inverse=True)
    count = np.bincount(group)[:, None]
    normals = _sums(group, fine.normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-6))
    corners = group[fine.triangles].astype(np.int32)
    a, b, c = corners.T
    kept = corners[(a != b) & (b != c) & (c != a)]
    if not len(kept):
        return fine
    return DisplayMesh((_sums(group, fine.vertices_ras) / count).astype(np.float32), normals, kept)


def _sums(group: NDArray[np.intp], rows: Floats) -> Floats:
    return np.stack([np.bincount(group, rows[:, n]) for n in range(3)], axis=1).astype(np.float32)


def _pooled(values: NDArray[np.uint8], affine: Affine, factors: tuple[int, int, int]) -> tuple[Floats, Affine]:
    """Means over blocks of `factors` voxels, and the affine of the blocks. What the last blocks lack counts as 0."""
    missing = [(0, -n % f) for n, f in zip(values.shape, factors, strict=True)]
    padded = np.pad(values, missing) if any(n for _, n in missing) else values
    total = np.zeros([n // f for n, f in zip(padded.shape, factors, strict=True)], np.float32)
    for i, j, k in product(*map(range, factors)):
        total += padded[i :: factors[0], j :: factors[1], k :: factors[2]]
    blocks = np.array(affine)
    blocks[:3, 3] += affine[:3, :3] @ ((np.array(factors) - 1) / 2)
    blocks[:3, :3] *= factors
    return total / np.float32(np.prod(factors)), blocks


def _contoured(share: Floats, affine: Affine, blur_steps: float = _BLUR_STEPS) -> DisplayMesh:
    """The smooth surface around a field of shares (0 to 1) that encloses their sum."""
    padding = ceil(_BLUR_REACH * blur_steps)
    field = _blurred(np.pad(share, padding), blur_steps)
    level = _level_enclosing(field, float(share.sum()))
    padded = np.array(affine)
    padded[:3, 3] -= affine[:3, :3] @ np.full(3, float(padding))
    return contour_mesh(field, padded, level)


def _blurred(share: Floats, steps: float) -> Floats:
    field: Floats = ndimage.gaussian_filter(share, steps, output=np.float32, truncate=_BLUR_REACH)
    thin = (share >= 0.5) & (field < _THIN_BELOW)
    if thin.any():
        share[thin] *= np.minimum(0.55 / field[thin], np.float32(_MOST_WEIGHT))
        field = ndimage.gaussian_filter(share, steps, output=np.float32, truncate=_BLUR_REACH)
    return field


def _level_enclosing(field: Floats, cells: float) -> float:
    """The level above which as many cells lie; at most one half, the level of a straight border."""
    values, wanted = field.ravel(), max(1, round(cells))
    if field.size < _FEW_CELLS:
        # Many cells of a small structure with flat sides are equal: counted alone, a whole layer of them is in or out.
        values, wanted = np.concatenate([values, _between(field)]), 2 * wanted
    place = values.size - wanted
    upper = np.partition(values, (place - 1, place))
    return float(min(0.5, (upper[place - 1] + upper[place]) / 2))


def _between(field: Floats) -> Floats:
    """The field where eight cells meet."""
    for axis in range(3):
        a = np.moveaxis(field, axis, 0)
        field = np.moveaxis((a[1:] + a[:-1]) * np.float32(0.5), 0, axis)
    return field.ravel()


def contour_mesh(field: Floats, affine: Affine, level: float) -> DisplayMesh:
    """The surface where a field [i, j, k] with this affine to RAS+ mm passes `level`, facing lower values."""
    surface = _flying_edges(field, level)
    vertices = _rows(surface.GetPoints().GetData()) @ affine[:3, :3].T.astype(np.float32)
    vertices += affine[:3, 3].astype(np.float32)
    # A gradient is moved by the inverse transpose; where the affine mirrors, only the order of corners turns round.
    normals = _rows(surface.GetPointData().GetNormals()) @ np.linalg.inv(affine[:3, :3]).astype(np.float32)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-12))
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    if np.linalg.det(affine[:3, :3]) < 0:
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    return DisplayMesh(vertices, normals, triangles)


def _flying_edges(field: Floats, level: float) -> Any:
    image = vtkImageData()
    image.SetDimensions(*field.shape)
    values = np.ascontiguousarray(field.transpose(2, 1, 0)).ravel()
    image.GetPointData().SetScalars(numpy_to_vtk(values))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, level)
    contour.ComputeNormalsOn()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    return contour.GetOutput()


def _rows(array: Any) -> Floats:
    return np.asarray(vtk_to_numpy(array), np.float32).reshape(-1, 3)


class Surroundings:
    """What stands around the shown structures: tells how open to light each vertex lies (ambient occlusion).

    Computed from the labels, not from the picture: it costs nothing per frame and needs no graphics card.
    """

    def __init__(self, label_map: LabelMap, labels: Iterable[int]) -> None:
        factors = [max(1, round(_SURROUNDINGS_MM / step)) for step in label_map.spacing_mm]
        starts = [min(f // 2, n - 1) for f, n in zip(factors, label_map.array.shape, strict=True)]
        sample = label_map.array[tuple(slice(a, None, f) for a, f in zip(starts, factors, strict=True))]
        shown = np.zeros(int(np.iinfo(sample.dtype).max) + 1, np.float32)
        shown[list(labels)] = 1.0
        affine = label_map.affine @ np.diag([*factors, 1.0])
        affine[:3, 3] = label_map.geometry.world_ras(starts)
        self._grid = Geometry(sample.shape, affine)
        occupied = shown[sample]
        self._crowding = [
            ndimage.gaussian_filter(occupied, [reach / step for step in self._grid.spacing_mm], truncate=2.5)
            for reach, _ in _REACHES
        ]

    def openness(self, mesh: DisplayMesh) -> Floats:
        """For every vertex how much light reaches it, from 0.2 (a deep hollow) to 1."""
        light = np.ones(len(mesh.vertices_ras), np.float32)
        for (reach, strength), crowding in zip(_REACHES, self._crowding, strict=True):
            places = self._grid.voxel(mesh.vertices_ras + mesh.normals * np.float32(reach)).T
            around = ndimage.map_coordinates(crowding, places, np.float32, order=1, mode="constant")
            # One deviation away from a flat wall, 16 % of the blur still lie in it.
            light *= 1.0 - np.float32(strength) * np.clip((around - 0.16) / 0.70, 0.0, 1.0)
        return np.maximum(light, np.float32(_DARKEST))
