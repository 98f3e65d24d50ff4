"""Where voxels lie: a grid with its affine in RAS+ millimetres, and moves between grids that only turn axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Affine = NDArray[np.float64]
Shape = tuple[int, int, int]
_AXES = (("L", "R"), ("P", "A"), ("I", "S"))
LPS_FROM_RAS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])
# Column angles may differ from 90 degrees by this much before a grid counts as sheared: a rounding of direction cosines
# to six digits stays far below, the smallest real gantry tilt (half a degree) far above.
SHEAR_TOLERANCE_DEGREES = 0.1


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view of `array` that refuses writing."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Geometry:
    """A grid of `shape` voxels (i, j, k) with the 4x4 `affine` from voxel index to RAS+ millimetres.

    Raises ValueError when the shape is not three positive numbers or the affine is not a finite, invertible 4x4.
    """

    shape: Shape
    affine: Affine

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        shape = tuple(int(n) for n in self.shape)
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(f"shape must be three positive numbers, got {self.shape}")
        if affine.shape != (4, 4):
            raise ValueError(f"affine must be 4x4, got {affine.shape}")
        if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise ValueError(f"affine must be finite and invertible, got {affine.tolist()}")
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "affine", read_only(affine))

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxel centres along i, j, k in mm."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(lengths[0]), float(lengths[1]), float(lengths[2])

    @cached_property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in mm3."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @cached_property
    def shear_degrees(self) -> float:
        """Largest departure of the angles between the voxel axes from 90 degrees."""
        unit = self.affine[:3, :3] / self.spacing_mm
        cosines = np.abs(unit.T @ unit)[np.triu_indices(3, 1)]
        return float(np.degrees(np.arcsin(np.clip(cosines.max(), 0.0, 1.0))))

    @property
    def is_orthogonal(self) -> bool:
        """Whether the voxel axes are at right angles (within SHEAR_TOLERANCE_DEGREES)."""
        return self.shear_degrees <= SHEAR_TOLERANCE_DEGREES

    @cached_property
    def ras_axes(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """For i, j, k: the world axis it runs along most (0 R, 1 A, 2 S) and its sign.

        The assignment is the one of nibabel's `io_orientation`: the nearest rotation (polar decomposition), then the
        largest cosine first, every world axis taken once.
        """
        unit = self.affine[:3, :3] / self.spacing_mm
        left, _, right = np.linalg.svd(unit)
        cosines = left @ right
        axes: list[tuple[int, int]] = [(0, 1)] * 3
        free = np.abs(cosines)
        for _ in range(3):
            world, voxel = np.unravel_index(int(np.argmax(free)), (3, 3))
            axes[int(voxel)] = (int(world), 1 if cosines[world, voxel] >= 0 else -1)
            free[world, :] = -1.0
            free[:, voxel] = -1.0
        return axes[0], axes[1], axes[2]

    @property
    def axis_codes(self) -> str:
        """The directions in which i, j, k increase, for example "RAS" or "LPS"."""
        return "".join(_AXES[world][sign > 0] for world, sign in self.ras_axes)

    def world_ras(self, index: ArrayLike) -> NDArray[np.float64]:
        """World positions (..., 3) in RAS+ mm of voxel indices (..., 3)."""
        return np.asarray(index, np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def voxel(self, world_ras: ArrayLike) -> NDArray[np.float64]:
        """Fractional voxel indices (..., 3) of world positions (..., 3) in RAS+ mm."""
        return (np.asarray(world_ras, np.float64) - self.affine[:3, 3]) @ self._index_from_mm

    @cached_property
    def _index_from_mm(self) -> NDArray[np.float64]:
        return np.asarray(np.linalg.inv(self.affine[:3, :3]).T)

    def cropped(self, box: Box) -> Geometry:
        """The grid of the voxels inside `box`."""
        affine = np.array(self.affine)
        affine[:3, 3] = self.world_ras(box.start)
        return Geometry(box.shape, affine)

    def matches(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids have the same voxels: equal shape, every corner at the same place within the tolerance."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, -1).T
        return bool(np.abs(self.world_ras(corners) - other.world_ras(corners)).max() <= tolerance_mm)


@dataclass(frozen=True)
class Box:
    """A half-open range of voxels: start <= index < stop on each axis. Refuses empty boxes with ValueError."""

    start: Shape
    stop: Shape

    def __post_init__(self) -> None:
        if any(stop <= start for start, stop in zip(self.start, self.stop, strict=True)):
            raise ValueError(f"box is empty: {self.start} to {self.stop}")

    @property
    def shape(self) -> Shape:
        """Size along i, j, k."""
        return (self.stop[0] - self.start[0], self.stop[1] - self.start[1], self.stop[2] - self.start[2])

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as an index of an array."""
        return (
            slice(self.start[0], self.stop[0]),
            slice(self.start[1], self.stop[1]),
            slice(self.start[2], self.stop[2]),
        )

    def grown(self, margin: tuple[int, int, int], shape: Shape) -> Box:
        """The box with `margin` voxels more on both sides, cut to an array of `shape`."""
        start = [max(0, a - m) for a, m in zip(self.start, margin, strict=True)]
        stop = [min(n, b + m) for b, m, n in zip(self.stop, margin, shape, strict=True)]
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    def touches_border(self, shape: Shape, layers: int = 1) -> bool:
        """Whether the box reaches into the outermost `layers` voxel layers of an array of `shape`."""
        return any(a < layers or b > n - layers for a, b, n in zip(self.start, self.stop, shape, strict=True))


@dataclass(frozen=True)
class AxisOrder:
    """A turn of an array by axis swaps and flips: output axis n is input axis `axes[n]`, reversed where `flipped[n]`.

    Made by `to_ras_order`; `apply` and `undo` return views, never copies.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """The (i, j, k) array in the new order."""
        turned = array.transpose(self.axes)
        return turned[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]

    def undo(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array back in its old order."""
        flipped = array[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]
        return flipped.transpose(tuple(int(n) for n in np.argsort(self.axes)))

    def apply_geometry(self, geometry: Geometry) -> Geometry:
        """The grid in the new order; every voxel keeps its place in the world."""
        turn = np.zeros((4, 4))
        turn[3, 3] = 1.0
        for new, (old, flip) in enumerate(zip(self.axes, self.flipped, strict=True)):
            turn[old, new] = -1.0 if flip else 1.0
            turn[old, 3] = geometry.shape[old] - 1 if flip else 0.0
        shape = [geometry.shape[old] for old in self.axes]
        return Geometry((shape[0], shape[1], shape[2]), geometry.affine @ turn)

    def undo_geometry(self, geometry: Geometry) -> Geometry:
        """The grid back in its old order; every voxel keeps its place in the world."""
        back = [int(n) for n in np.argsort(self.axes)]
        return AxisOrder(
            (back[0], back[1], back[2]),
            (self.flipped[back[0]], self.flipped[back[1]], self.flipped[back[2]]),
        ).apply_geometry(geometry)


def to_ras_order(geometry: Geometry) -> AxisOrder:
    """The axis swaps and flips that bring a grid closest to RAS+ (oblique grids stay oblique)."""
    order: list[tuple[int, bool]] = [(0, False)] * 3
    for voxel, (world, sign) in enumerate(geometry.ras_axes):
        order[world] = (voxel, sign < 0)
    (a, fa), (b, fb), (c, fc) = order
    return AxisOrder((a, b, c), (fa, fb, fc))


def nearest_orthogonal(affine: Affine) -> Affine:
    """The nearest rotation with the affine's own spacings and origin (polar decomposition, Higham 1986)."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / spacing)
    out = np.array(affine, dtype=np.float64)
    out[:3, :3] = (left @ right) * spacing
    return out


def bounding_box(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box around the true voxels of a (i, j, k) mask; None when there are none."""
    ranges = []
    for axis in range(3):
        present = np.flatnonzero(mask.any(axis=tuple(n for n in range(3) if n != axis)))
        if present.size == 0:
            return None
        ranges.append((int(present[0]), int(present[-1]) + 1))
    (a, b), (c, d), (e, f) = ranges
    return Box((a, c, e), (b, d, f))


def margin_voxels(margin_mm: float, spacing_mm: tuple[float, float, float]) -> tuple[int, int, int]:
    """A margin in whole voxels per axis, truncated as upstream does."""
    i, j, k = (math.trunc(margin_mm / step) for step in spacing_mm)
    return i, j, k
