"""Brings tilted, sheared and uneven slices onto an upright, even grid: slice by slice, with linear interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Affine

# Slices closer than this share of the spacing to their place on the new grid are copied, not interpolated.
_AT_ITS_PLACE = 0.02
# A turn or a scaling within the plane that moves no voxel by more than this share of itself is none.
_STRAIGHT = 0.02


def upright_affine(affine: Affine) -> tuple[Affine, int]:
    """The orthogonal grid that keeps the planes of the slices, its origin unchanged, and the slice axis.

    The slice axis is the one whose two others are closest to a right angle. Within the plane the first axis keeps its
    direction; the slice axis becomes the plane's normal, so that no interpolation across slices is needed: the tilt of
    a gantry is undone by shifting each slice within its plane.
    """
    columns = affine[:3, :3]
    spacing = np.linalg.norm(columns, axis=0)
    unit = columns / spacing
    slanted = [abs(float(unit[:, (s + 1) % 3] @ unit[:, (s + 2) % 3])) for s in range(3)]
    # Ties within rounding go to the widest spacing, then to the last axis, where slices usually lie.
    s = max(range(3), key=lambda axis: (-round(slanted[axis], 4), round(float(spacing[axis]), 3), axis))
    p, q = (axis for axis in range(3) if axis != s)
    first = unit[:, p]
    second = columns[:, q] - (columns[:, q] @ first) * first
    normal = np.cross(first, second / np.linalg.norm(second))
    out = np.array(affine, dtype=np.float64)
    out[:3, q] = second
    out[:3, s] = normal * (columns[:, s] @ normal)
    return out, s


def upright(array: NDArray[Any], affine: Affine) -> tuple[NDArray[Any], Affine]:
    """The volume [i, j, k] of a sheared grid on the upright one, and its affine; anatomy keeps its place in the world.

    The field of view grows so that nothing is cut; what was never scanned gets the least intensity of the volume.
    """
    grid, s = upright_affine(affine)
    p, q = (axis for axis in range(3) if axis != s)
    to_grid = np.linalg.inv(grid) @ affine
    corners = np.array(np.meshgrid(*[(0.0, n - 1.0) for n in array.shape], indexing="ij")).reshape(3, -1)
    reach = (to_grid[:3, :3] @ corners + to_grid[:3, 3:])[[p, q]]
    low = np.floor(reach.min(axis=1) + 1e-3)
    size = np.ceil(reach.max(axis=1) - 1e-3) - low + 1
    grid[:3, 3] += grid[:3, [p, q]] @ low
    from_grid = np.linalg.inv(affine) @ grid
    # Planes as [q, p]: the memory order in which the readers make volumes.
    matrix = from_grid[np.ix_([q, p], [q, p])]
    planes = array.transpose(s, q, p)
    out = np.empty((len(planes), int(size[1]), int(size[0])), array.dtype)
    fill = array.min()
    for k, plane in enumerate(planes):
        offset = from_grid[[q, p], s] * k + from_grid[[q, p], 3]
        _resample_plane(plane, matrix, offset, fill, out[k])
    return out.transpose(np.argsort((s, q, p))), grid


def _resample_plane(
    plane: NDArray[Any], matrix: NDArray[np.float64], offset: NDArray[np.float64], fill: Any, out: NDArray[Any]
) -> None:
    """Fills `out` with the values of `plane` at matrix @ index + offset, interpolated; `fill` beyond its border."""
    if np.abs(matrix - np.eye(2)).max() < _STRAIGHT / max(out.shape):
        _shift_plane(plane, offset, fill, out)
    else:
        from scipy import ndimage  # only here: few scans are turned within their planes, and it is slow to load

        ndimage.affine_transform(plane, matrix, offset, order=1, cval=fill, prefilter=False, output=out)


def _shift_plane(plane: NDArray[Any], offset: NDArray[np.float64], fill: Any, out: NDArray[Any]) -> None:
    """As `_resample_plane` for a mere shift, many times faster."""
    whole = np.floor(offset).astype(int)
    share = (offset - whole).astype(np.float32)
    # The part of the plane that `out` sees, with one row and one column more for interpolation.
    window = np.full((out.shape[0] + 1, out.shape[1] + 1), fill, np.float32)
    low = np.maximum(whole, 0)
    high = np.minimum(whole + window.shape, plane.shape)
    if (high > low).all():
        (y0, x0), (y1, x1) = low - whole, high - whole
        window[y0:y1, x0:x1] = plane[low[0] : high[0], low[1] : high[1]]
    rows = window[:-1] + share[0] * (window[1:] - window[:-1])
    mixed = rows[:, :-1] + share[1] * (rows[:, 1:] - rows[:, :-1])
    out[...] = np.rint(mixed) if out.dtype.kind == "i" else mixed


def along_slices(array: NDArray[Any], places: NDArray[np.float64]) -> NDArray[Any]:
    """New slices [i, j, n] at the fractional slice indices `places`, interpolated linearly between neighbours."""
    slices = array.transpose(2, 1, 0)
    out = np.empty((len(places), *slices.shape[1:]), array.dtype)
    for n, place in enumerate(places):
        below = min(int(np.floor(place)), len(slices) - 1)
        share = place - below
        above = min(below + 1, len(slices) - 1)
        if share <= _AT_ITS_PLACE or below == above:
            out[n] = slices[below]
        elif share >= 1 - _AT_ITS_PLACE:
            out[n] = slices[above]
        else:
            mixed = slices[below] * np.float32(1 - share) + slices[above] * np.float32(share)
            out[n] = np.rint(mixed) if array.dtype.kind == "i" else mixed
    return out.transpose(2, 1, 0)
