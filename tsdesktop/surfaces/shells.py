"""The pieces of a surface: which are bodies, which are cavities inside them, and which face the wrong way. No VTK."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import read_only
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import merged_vertices, shells_of
from tsdesktop.surfaces.triangle_tree import TriangleTree

# Along no axis and no diagonal, so that it meets no edge of what was drawn on a grid.
_WAY = np.array([0.5376, 0.2113, 0.8163])


@dataclass(frozen=True, eq=False)
class Shells:
    """The connected pieces of a surface.

    `numbers` (m,) says for every triangle which piece it is of; the rest is per piece: the enclosed volume in mm3
    (negative when its triangles face inward), how many other pieces it lies inside of.
    """

    numbers: NDArray[np.int64]
    volumes_mm3: NDArray[np.float64]
    depths: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("numbers", "volumes_mm3", "depths"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def count(self) -> int:
        """The number of pieces."""
        return len(self.volumes_mm3)

    @property
    def are_cavities(self) -> NDArray[np.bool_]:
        """Which pieces bound a cavity inside another."""
        return np.asarray(self.depths % 2 == 1)

    @property
    def are_inside_out(self) -> NDArray[np.bool_]:
        """Which pieces face inward though they are bodies, or outward though they are cavities."""
        return np.asarray(np.where(self.are_cavities, self.volumes_mm3 > 0.0, self.volumes_mm3 < 0.0))


def shells(mesh: SurfaceMesh) -> Shells:
    """The pieces of `mesh` after vertices at equal places were merged; a point holds a piece together."""
    merged = merged_vertices(mesh.vertices_ras)[mesh.triangles]
    if not len(merged):
        return Shells(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
    _, numbers = np.unique(shells_of(merged, int(merged.max()) + 1)[merged[:, 0]], return_inverse=True)
    corners = mesh.vertices_ras[mesh.triangles].astype(np.float64)
    corners -= corners.mean(axis=(0, 1))
    count = int(numbers.max()) + 1
    depths = np.zeros(count, np.int64) if count == 1 else _depths(corners, numbers, count)
    return Shells(numbers, _volumes(corners, numbers, count), depths)


def _volumes(corners: NDArray[np.float64], numbers: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """The volume of each piece by the divergence theorem, from its own middle: open pieces have none to speak of."""
    a, b, c = (corners[:, n] for n in range(3))
    sizes = np.bincount(numbers, minlength=count)
    middles = np.stack([np.bincount(numbers, corners[:, :, n].mean(axis=1), count) / sizes for n in range(3)], axis=1)
    a, b, c = (each - middles[numbers] for each in (a, b, c))
    return np.asarray(np.bincount(numbers, np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0, count))


def _depths(corners: NDArray[np.float64], numbers: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How many other pieces each lies inside of: a ray from one of its corners leaves those an odd number of times.

    A piece that sticks out of another's box is not inside of it, although its corner may be.
    """
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, numbers, corners.min(axis=1))
    np.maximum.at(high, numbers, corners.max(axis=1))
    first = np.unique(numbers, return_index=True)[1]
    starts = corners[first, 0]
    ends = starts + _WAY * 2.0 * float(np.linalg.norm(high.max(axis=0) - low.min(axis=0)))
    leaves: list[NDArray[np.int64]] = []
    for rays, met in TriangleTree(corners.astype(np.float32)).met_by(
        starts.astype(np.float32), ends.astype(np.float32)
    ):
        owner = numbers[met]
        possible = (owner != rays) & np.all((low[owner] <= low[rays]) & (high[owner] >= high[rays]), axis=1)
        rays, met, owner = rays[possible], met[possible], owner[possible]
        crossed = _crossed(starts[rays], corners[met])
        leaves.append(rays[crossed] * count + owner[crossed])
    pairs, times = np.unique(np.concatenate(leaves), return_counts=True)
    return np.bincount(pairs[times % 2 == 1] // count, minlength=count)


def _crossed(starts: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether rays from `starts` along the way cross their triangles, each edge belonging to one of its two sides."""
    a, b, c = (corners[:, n] - starts for n in range(3))
    turns = [np.einsum("ij,ij->i", np.cross(one, other), _WAY[None]) for one, other in ((a, b), (b, c), (c, a))]
    one_way = np.all([turn > 0.0 for turn in turns], axis=0) | np.all([turn <= 0.0 for turn in turns], axis=0)
    normal = np.cross(b - a, c - a)
    ahead = np.einsum("ij,ij->i", normal, a) * (normal @ _WAY) > 0.0
    return np.asarray(one_way & ahead)
