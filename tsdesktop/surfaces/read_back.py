"""Is what was read back from a mesh file what was to be written? numpy only, no VTK."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import merged_vertices

PLACE_MM = 1e-3
VOLUME_SHARE = 1e-5


class RawMesh(Protocol):
    """A mesh of a file: vertices (n, 3) float64 in mm, in the frame of the meshes that were written, and triangles."""

    @property
    def vertices(self) -> NDArray[np.float64]:
        """Places (n, 3) in mm."""

    @property
    def triangles(self) -> NDArray[Any]:
        """Triangles (m, 3)."""


def compare(written: Sequence[RawMesh], meshes: Sequence[SurfaceMesh]) -> str:
    """Why what was read back is not `meshes`, in words that fill "... is not what was to be written: {}"; "" if it is.

    One object may hold all meshes, one after the other: it is compared mesh by mesh, because surfaces of neighbours run
    along each other so closely that rounding alone puts some of their corners at equal places. Compared are the number
    of triangles, the corners along each axis in order (within 0.001 mm), the volume (within a hundred-thousandth and
    what single precision allows), and, after vertices at equal places were merged, the open edges and those of more
    than two triangles.
    """
    theirs, ours = list(_read(written)), list(_made(meshes))
    if len(theirs) == 1 < len(ours):
        sizes = [len(triangles) for _, triangles in ours]
        if len(theirs[0][1]) != sum(sizes):
            return _other_size(len(theirs[0][1]), sum(sizes))
        theirs = list(_taken_apart(*theirs[0], sizes))
    if len(theirs) != len(ours):
        return f"it holds {len(theirs)} objects instead of {len(ours)}"
    reasons = (_difference(their, our) for their, our in zip(theirs, ours, strict=True))
    return next((each for each in reasons if each), "")


Raw = tuple[NDArray[np.float64], NDArray[np.int64]]


def _read(written: Sequence[RawMesh]) -> Iterator[Raw]:
    for each in written:
        yield np.asarray(each.vertices, np.float64), np.asarray(each.triangles, np.int64)


def _made(meshes: Sequence[SurfaceMesh]) -> Iterator[Raw]:
    for each in meshes:
        yield each.vertices_ras.astype(np.float64), each.triangles.astype(np.int64)


def _taken_apart(vertices: NDArray[np.float64], triangles: NDArray[np.int64], sizes: Sequence[int]) -> Iterator[Raw]:
    """The meshes of so many triangles that one object holds, each with the vertices from its first to its last."""
    for part in np.split(triangles, np.cumsum(sizes)[:-1]):
        first = int(part.min(initial=len(vertices)))
        yield vertices[first : int(part.max(initial=-1)) + 1], part - first


def _other_size(theirs: int, ours: int) -> str:
    return f"it holds {theirs} triangles instead of {ours}"


def _difference(theirs: Raw, ours: Raw) -> str:
    if len(theirs[1]) != len(ours[1]):
        return _other_size(len(theirs[1]), len(ours[1]))
    if not len(ours[1]):
        return ""
    corners = [vertices[triangles] for vertices, triangles in (theirs, ours)]
    if not np.isfinite(corners[0]).all():
        return "it holds places that are no numbers"
    off_mm = max(_off(corners, axis) for axis in range(3))
    if off_mm > PLACE_MM:
        return f"it lies {off_mm:.3g} mm elsewhere"
    middle = corners[1].mean(axis=(0, 1))
    volumes = [_volume_mm3(each - middle) for each in corners]
    if abs(volumes[0] - volumes[1]) > VOLUME_SHARE * abs(volumes[1]) + _rounding_mm3(corners[1]):
        return f"it encloses {volumes[0] / 1000.0:.6g} ml instead of {volumes[1] / 1000.0:.6g} ml"
    (open_now, many_now), (open_then, many_then) = _bad_edges(*theirs), _bad_edges(*ours)
    if open_now != open_then:
        return f"it has {open_now} open edges instead of {open_then}"
    if many_now != many_then:
        return f"it has {many_now} edges of more than two triangles instead of {many_then}"
    return ""


def _off(corners: Sequence[NDArray[np.float64]], axis: int) -> float:
    """How far the corners lie elsewhere along an axis, whatever their order."""
    theirs, ours = (np.sort(each[:, :, axis].ravel()) for each in corners)
    return float(np.abs(theirs - ours).max())


def _volume_mm3(corners: NDArray[np.float64]) -> float:
    a, b, c = (corners[:, n] for n in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def _rounding_mm3(corners: NDArray[np.float64]) -> float:
    """What moving the whole surface by one step of single precision would change."""
    a, b, c = (corners[:, n] for n in range(3))
    area_mm2 = float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2.0
    return area_mm2 * float(np.spacing(np.float32(np.abs(corners).max())))


def _bad_edges(vertices: NDArray[np.float64], triangles: NDArray[np.int64]) -> tuple[int, int]:
    """How many edges have one triangle, and how many more than two; triangles without three corners left out."""
    merged = merged_vertices(vertices)[triangles]
    a, b, c = merged.T
    merged = merged[(a != b) & (b != c) & (c != a)]
    starts, ends = merged.ravel(), merged[:, [1, 2, 0]].ravel()
    keys = np.sort(np.minimum(starts, ends) * (int(merged.max(initial=0)) + 1) + np.maximum(starts, ends))
    sizes = np.diff(np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]])))
    return int(np.count_nonzero(sizes == 1)), int(np.count_nonzero(sizes > 2))
