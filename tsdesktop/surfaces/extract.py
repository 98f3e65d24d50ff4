"""Labels to closed surfaces: flying edges on a padded box, windowed sinc smoothing, every piece at its own volume.

Why flying edges: in a yes/no mask each of its vertices lies in the middle of one face between an inner and an outer
voxel, so vertices are never shared by two sheets and the surface stays closed and manifold where structures meet at an
edge or a corner. Surface nets puts vertices on voxel corners, where such sheets touch (non-manifold edges). Neither
closes what touches the array's border: hence the padding.

All work up to the last step is done in voxel units. Smoothing is linear in the coordinates, so it commutes with the
affine: voxels of any shape give the same surface as smoothing in mm.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkWindowedSincPolyDataFilter

from tsdesktop.core.geometry import Affine
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.check import shells_of

Vertices = NDArray[np.float64]
Triangles = NDArray[np.int32]

# A smoothed piece may need this many voxels of offset to get its volume back; one that needs more was smoothed away
# (a speck of a few voxels) and is taken half as smooth, a quarter as smooth, at last not smoothed.
_LARGEST_OFFSET_VOXELS = 0.2
_SHARES_OF_SMOOTHING = (1.0, 0.5, 0.25)
_OFFSET_STEPS = 6
_VOLUME_TOLERANCE = 1e-4
_MOST_THREADS = 4


@dataclass(frozen=True)
class Smoothing:
    """Windowed sinc smoothing: how many iterations (0: none) and the pass band (0 to 2, lower is smoother).

    The default removes the voxels' steps and keeps what is wider than about two voxels. Raises ValueError.
    """

    iterations: int = 30
    pass_band: float = 0.05

    def __post_init__(self) -> None:
        if self.iterations < 0 or not 0.0 < self.pass_band <= 2.0:
            raise ValueError(f"smoothing needs iterations >= 0 and a pass band from 0 to 2, got {self}")


DEFAULT_SMOOTHING = Smoothing()
NO_SMOOTHING = Smoothing(iterations=0)


def extract_surface(label_map: LabelMap, label: int, smoothing: Smoothing = DEFAULT_SMOOTHING) -> SurfaceMesh | None:
    """The closed surface of one label, triangles outward, in RAS mm; None when the label has no voxel.

    Every separate piece and every cavity encloses the volume of its voxels.
    """
    found = label_map.cropped_mask(label)
    if found is None:
        return None
    mask, box = found
    padded = np.zeros([n + 2 for n in mask.shape], np.uint8, order="F")
    padded[1:-1, 1:-1, 1:-1] = mask
    surface = _contour(padded)
    contour = _vertices(surface)
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    smoothed = _vertices(_smoothed(surface, smoothing)) if smoothing.iterations else contour
    shells = shells_of(triangles, len(contour))
    pieces = _Pieces(triangles, shells, _voxels_enclosed(contour, shells, padded))
    vertices = _at_own_volume(contour, smoothed, pieces)
    return _in_the_world(vertices - 1.0 + box.start, triangles, label_map.affine, _structure(label_map, label))


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


class _Pieces:
    """The pieces of one surface: how much each should enclose, and what moving its vertices would change."""

    def __init__(self, triangles: Triangles, shells: NDArray[np.int32], targets: NDArray[np.float64]) -> None:
        self.shells, self.targets = shells, targets
        self._corners = np.ascontiguousarray(triangles.T)
        ends = np.arange(0, triangles.size + 1, 3)
        shape = (len(shells), len(triangles))
        # Adds up, for every vertex, something known of its triangles.
        self._around = sparse.csc_matrix((np.ones(triangles.size), triangles.ravel(), ends), shape)

    def offsets(self, vertices: Vertices) -> tuple[NDArray[np.float64], Vertices, NDArray[np.float64]]:
        """Per piece the offset along the normals that would give it its target volume (to first order), the unit
        normals of the vertices, and per piece the missing volume.
        """
        a, b, c = (vertices[corners] for corners in self._corners)
        # The area vectors around a vertex are three times the gradient of the volume by its place, and the volume is a
        # third of places times gradients.
        gradients = self._around @ (_cross(b - a, c - a) / 6.0)
        volumes = self._per_piece(np.einsum("ij,ij->i", vertices, gradients) / 3.0)
        lengths = np.sqrt(np.einsum("ij,ij->i", gradients, gradients))
        missing = self.targets - volumes
        offsets = missing / np.maximum(self._per_piece(lengths), 1e-9)
        return offsets, gradients / np.maximum(lengths, 1e-12)[:, None], missing

    def _per_piece(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(self.shells, values, len(self.targets)), np.float64)


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


def _at_own_volume(contour: Vertices, smoothed: Vertices, pieces: _Pieces) -> Vertices:
    """The smoothed vertices, each piece moved along its normals until it encloses as much as its voxels."""
    shares = _share_of_smoothing(contour, smoothed, pieces)
    vertices = smoothed if np.all(shares == 1.0) else contour + shares[pieces.shells, None] * (smoothed - contour)
    for _ in range(_OFFSET_STEPS):
        offsets, normals, missing = pieces.offsets(vertices)
        if np.all(np.abs(missing) <= _VOLUME_TOLERANCE * np.abs(pieces.targets)):
            break
        vertices = vertices + offsets[pieces.shells, None] * normals
    return vertices


def _share_of_smoothing(contour: Vertices, smoothed: Vertices, pieces: _Pieces) -> NDArray[np.float64]:
    """Per piece how much of the smoothing it bears without losing more volume than a small offset restores."""
    shares = np.zeros(len(pieces.targets))
    for share in _SHARES_OF_SMOOTHING:
        offsets, _, _ = pieces.offsets(smoothed if share == 1.0 else contour + share * (smoothed - contour))
        shares[(shares == 0.0) & (np.abs(offsets) <= _LARGEST_OFFSET_VOXELS)] = share
        if shares.all():
            break
    return shares


def _voxels_enclosed(contour: Vertices, shells: NDArray[np.int32], padded: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Voxels inside each piece of the unsmoothed contour; negative for a cavity.

    Each vertex stands for one voxel face; by the divergence theorem the volume inside is the sum over the faces across
    the first axis of their position times their direction, +1 where the voxel before the face is inside, else -1.
    """
    across = np.flatnonzero(contour[:, 0] % 1.0 == 0.5)
    i, j, k = contour[across].astype(np.intp).T
    directions = padded[i, j, k] * 2.0 - 1.0
    return np.asarray(np.bincount(shells[across], contour[across, 0] * directions, int(shells.max()) + 1), np.float64)


def _cross(a: Vertices, b: Vertices) -> Vertices:
    """The cross products of rows; several times faster than numpy's for long arrays."""
    out = np.empty_like(a)
    for n in range(3):
        p, q = (n + 1) % 3, (n + 2) % 3
        out[:, n] = a[:, p] * b[:, q] - a[:, q] * b[:, p]
    return out


def _in_the_world(voxels: Vertices, triangles: Triangles, affine: Affine, structure: StructureClass) -> SurfaceMesh:
    world = voxels @ affine[:3, :3].T + affine[:3, 3]
    # A mirroring affine turns every triangle inside out.
    outward = triangles[:, ::-1] if np.linalg.det(affine[:3, :3]) < 0 else triangles
    mesh = SurfaceMesh(world.astype(np.float32), outward, structure)
    if mesh.volume_ml <= 0.0:
        raise AssertionError(f"the surface of {structure.name} is inside out")
    return mesh


def _structure(label_map: LabelMap, label: int) -> StructureClass:
    known = (each for each in label_map.classes if each.label == label)
    return next(known, None) or structure_class(label, f"label_{label}")
