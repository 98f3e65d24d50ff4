"""Where a smoothed surface may run through itself, and whether it does. Looks closely at few of the triangles. No VTK.

A smoothed surface has triangles of about one voxel, and smoothing moves nothing far. So where all triangles within a
few voxels face roughly one way, the surface there is one sheet without folds and cannot meet itself: two sheets that
face the same way have a third one between them that faces the other. Only the rest, thin or strongly bent parts, is
tested triangle against triangle, at the places in mm that will be written.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.self_intersections import self_intersections

Vertices = NDArray[np.float64]
Triangles = NDArray[np.int32]
Place = Callable[[Vertices], NDArray[np.float32]]

_CELL_VOXELS = 2.0
_ROUGHLY_ONE_WAY = 0.3  # cosine of the angle to the mean of 3 x 3 x 3 cells
_NAMELESS = StructureClass(1, "surface", (200, 200, 200))


def crossing_triangles(vertices: Vertices, triangles: Triangles, place: Place) -> NDArray[np.int64]:
    """The numbers of the triangles that run through or touch others, neighbours excepted.

    `vertices` (n, 3) are in voxels; `place` brings them to the mm, rounded as they will be written.
    """
    suspects = np.flatnonzero(_where_bent(vertices, triangles))
    if not len(suspects):
        return suspects
    used, corners = np.unique(triangles[suspects], return_inverse=True)
    mesh = SurfaceMesh(place(vertices[used]), corners.reshape(-1, 3).astype(np.int32), _NAMELESS)
    return np.asarray(suspects[self_intersections(mesh).triangles], np.int64)


def _where_bent(vertices: Vertices, triangles: Triangles) -> NDArray[np.bool_]:
    """Which triangles are near one that does not face roughly the way of its surroundings."""
    a, b, c = (vertices[triangles[:, n]].astype(np.float32) for n in range(3))
    cells = (a / _CELL_VOXELS).astype(np.intp)
    cells -= cells.min(axis=0) - 1
    shape = tuple(int(n) for n in cells.max(axis=0) + 2)
    number = np.ravel_multi_index(tuple(cells.T), shape)
    normals = np.cross(b - a, c - a)
    lengths = np.sqrt(np.einsum("ij,ij->i", normals, normals))
    normals /= np.maximum(lengths, np.float32(1e-12))[:, None]
    size = int(np.prod(shape))
    along, squares = np.zeros(len(number), np.float32), np.zeros(size, np.float32)
    for n in range(3):
        sums = np.bincount(number, normals[:, n], size).astype(np.float32).reshape(shape)
        around = ndimage.uniform_filter(sums, 3, mode="constant").ravel()
        along += normals[:, n] * around[number]
        squares += around * around
    bent = np.zeros(size, np.bool_)
    bent[number[along < _ROUGHLY_ONE_WAY * np.sqrt(squares[number])]] = True
    return np.asarray(ndimage.binary_dilation(bent.reshape(shape), np.ones((3, 3, 3))).ravel()[number])
