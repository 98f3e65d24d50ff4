"""Labels to closed surfaces: flying edges on a padded box, windowed sinc smoothing, every piece at its own volume.

Why flying edges: in a yes/no mask each of its vertices lies in the middle of one face between an inner and an outer
voxel, so vertices are never shared by two sheets and the surface stays closed and manifold where structures meet at an
edge or a corner. Surface nets puts vertices on voxel corners, where such sheets touch (non-manifold edges). Neither
closes what touches the array's border: hence the padding.

Labels that were made on a coarser grid are brought back to it first (true_grid), so that its steps are smoothed away
and not kept as if they were anatomy. All work up to the last step is done in voxels of that grid. Smoothing is linear
in the coordinates, so it commutes with the affine: voxels of any shape give the same surface as smoothing in mm.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkWindowedSincPolyDataFilter

from tsdesktop.core.geometry import Affine, Shape
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.check import shells_of
from tsdesktop.surfaces.crossings import crossing_triangles
from tsdesktop.surfaces.pieces import Pieces, settled
from tsdesktop.surfaces.smoothing import DEFAULT_SMOOTHING, NO_SMOOTHING, PRESETS, Smoothing
from tsdesktop.surfaces.true_grid import TrueGrid, true_grid, voxel_grid

__all__ = ["DEFAULT_SMOOTHING", "NO_SMOOTHING", "PRESETS", "Smoothing", "extract_surface", "extract_surfaces"]

Vertices = NDArray[np.float64]
Triangles = NDArray[np.int32]

_MOST_THREADS = 4


def extract_surface(label_map: LabelMap, label: int, smoothing: Smoothing = DEFAULT_SMOOTHING) -> SurfaceMesh | None:
    """The closed surface of one label, triangles outward, in RAS mm; None when the label has no voxel.

    Every separate piece and every cavity encloses the volume of its voxels, and no triangle runs through another.
    """
    found = label_map.cropped_mask(label)
    if found is None:
        return None
    mask, box = found
    grid = true_grid(label_map, mask, box) if smoothing.iterations else voxel_grid(mask.shape)
    padded = np.pad(grid.taken(mask), 1).astype(np.uint8, order="F")
    surface = _contour(padded)
    contour = _vertices(surface)
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    smoothed = _vertices(_smoothed(surface, smoothing.at(label_map.spacing_mm * grid.steps)))
    shells = shells_of(triangles, len(contour))
    pieces = Pieces(triangles, shells, _voxels_enclosed(contour, shells, padded, grid) / grid.steps.prod())
    place = partial(_in_the_world, grid=grid, start=box.start, affine=label_map.affine)
    vertices = settled(contour, smoothed, pieces, partial(crossing_triangles, triangles=triangles, place=place))
    return _outward(place(vertices), triangles, label_map.affine, _structure(label_map, label))


def extract_surfaces(
    label_map: LabelMap, labels: Iterable[int] | None = None, smoothing: Smoothing = DEFAULT_SMOOTHING
) -> Iterator[SurfaceMesh]:
    """The surfaces of these labels (None: all that occur), one after the other; labels without voxels give none.

    Several are made at a time: numpy, scipy and VTK let go of Python's lock.
    """
    chosen = sorted(label_map.boxes) if labels is None else list(labels)
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, thread_name_prefix="surfaces") as pool:
        waiting: deque[Future[SurfaceMesh | None]] = deque()
        try:
            # Few ahead of the one that is wanted next, so that few are in memory.
            for label in chosen:
                waiting.append(pool.submit(extract_surface, label_map, label, smoothing))
                if len(waiting) > threads:
                    yield from _made(waiting.popleft())
            while waiting:
                yield from _made(waiting.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _made(future: Future[SurfaceMesh | None]) -> Iterator[SurfaceMesh]:
    mesh = future.result()
    if mesh is not None:
        yield mesh


def _contour(padded: NDArray[np.uint8]) -> Any:
    """The surface between ones and zeros of a mask whose outer layer is zero, in its voxels."""
    image = vtkImageData()
    image.SetDimensions(*padded.shape)
    image.GetPointData().SetScalars(numpy_to_vtk(padded.ravel(order="F")))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    return contour.GetOutput()


def _smoothed(surface: Any, smoothing: Smoothing) -> Any:
    if smoothing.iterations == 0:
        return surface
    sinc = vtkWindowedSincPolyDataFilter()
    sinc.SetInputData(surface)
    sinc.SetNumberOfIterations(smoothing.iterations)
    sinc.SetPassBand(smoothing.pass_band)
    sinc.NormalizeCoordinatesOn()
    sinc.BoundarySmoothingOff()
    sinc.FeatureEdgeSmoothingOff()
    sinc.NonManifoldSmoothingOn()
    sinc.Update()
    return sinc.GetOutput()


def _vertices(surface: Any) -> Vertices:
    return np.asarray(vtk_to_numpy(surface.GetPoints().GetData()), np.float64)


def _voxels_enclosed(
    contour: Vertices, shells: NDArray[np.int32], padded: NDArray[np.uint8], grid: TrueGrid
) -> NDArray[np.float64]:
    """Voxels inside each piece of the unsmoothed contour of a mask on the true grid; negative for a cavity.

    Each vertex stands for one face of a true voxel; by the divergence theorem the volume inside is the sum over the
    faces across the first axis of their position times their area times their direction, +1 where the true voxel before
    the face is inside, else -1.
    """
    across = np.flatnonzero(contour[:, 0] % 1.0 == 0.5)
    i, j, k = contour[across].astype(np.intp).T
    first, second, third = grid.axes
    # The mask was padded by one: its voxel 1 is the grid's first.
    sizes = (padded[i, j, k] * 2.0 - 1.0) * second.lengths[j - 1] * third.lengths[k - 1]
    return np.asarray(np.bincount(shells[across], first.borders[i] * sizes, int(shells.max()) + 1), np.float64)


def _in_the_world(vertices: Vertices, grid: TrueGrid, start: Shape, affine: Affine) -> NDArray[np.float32]:
    """Vertices in true voxels of the padded mask to RAS mm."""
    return ((grid.voxels(vertices - 1.0) + start) @ affine[:3, :3].T + affine[:3, 3]).astype(np.float32)


def _outward(
    world: NDArray[np.float32], triangles: Triangles, affine: Affine, structure: StructureClass
) -> SurfaceMesh:
    # A mirroring affine turns every triangle inside out.
    mesh = SurfaceMesh(world, triangles[:, ::-1] if np.linalg.det(affine[:3, :3]) < 0 else triangles, structure)
    if mesh.volume_ml <= 0.0:
        raise AssertionError(f"the surface of {structure.name} is inside out")
    return mesh


def _structure(label_map: LabelMap, label: int) -> StructureClass:
    known = (each for each in label_map.classes if each.label == label)
    return next(known, None) or structure_class(label, f"label_{label}")
