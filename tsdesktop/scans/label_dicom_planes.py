"""Labels that lie on parallel planes at any distances (DICOM segmentations, contours), brought onto a scan's grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.resampling import nearest_on_plane
from tsdesktop.core.volume import Labels

# Planes this close together along their normal are one.
SAME_PLACE_MM = 0.02
# A gap wider than so many times the usual one is empty in the middle: frames without content are left out of files.
_WIDE_GAP = 1.5
# How far, as a share of a plane's reach, rounding may put a slice beyond it.
_SLACK = 0.02
# Axes that leave the planes by less than this share of the distance between them run along them.
_ALONG = 0.05


@dataclass(frozen=True, eq=False)
class Planes:
    """Label pictures [plane, row, column], all with the same directions, in RAS+ mm.

    `corners_ras` (planes, 3): centre of the first pixel; `column_step`, `row_step`: from one column or row to the next;
    `thickness_mm`: how far planes reach where there are no neighbours, 0 where the file does not say.
    """

    labels: Labels
    corners_ras: NDArray[np.float64]
    column_step: NDArray[np.float64]
    row_step: NDArray[np.float64]
    thickness_mm: float = 0.0

    @property
    def normal(self) -> NDArray[np.float64]:
        """The unit normal."""
        normal = np.cross(self.column_step, self.row_step)
        return np.asarray(normal / np.linalg.norm(normal))

    def on_grid(self, geometry: Geometry) -> Labels:
        """The labels on a grid [i, j, k] by nearest neighbour, 0 where no plane reaches."""
        order = np.argsort(self.corners_ras @ self.normal, kind="stable")
        planes = Planes(self.labels[order], self.corners_ras[order], self.column_step, self.row_step, self.thickness_mm)
        out: Labels = np.zeros(geometry.shape[::-1], self.labels.dtype).transpose()
        axis = _axis_across(geometry, planes)
        if axis is None:
            planes._fill_across(out, geometry)
        else:
            planes._fill_along(out, geometry, axis)
        return out

    def _reach(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where along the normal each plane begins and ends to be the nearest."""
        heights = self.corners_ras @ self.normal
        gaps = np.diff(heights)
        usual = float(np.median(gaps)) if gaps.size else self.thickness_mm or 1.0
        if gaps.size and self.thickness_mm and usual > _WIDE_GAP * self.thickness_mm:
            # A few slices far apart: thickness says more than their distance.
            usual = self.thickness_mm
        halves = np.where(gaps <= _WIDE_GAP * usual, gaps, usual) / 2
        half = usual / 2
        return heights - np.append(half, halves), heights + np.append(halves, half)

    def _fill_along(self, out: Labels, geometry: Geometry, axis: int) -> None:
        """Slices of the grid that are parallel to the planes: each is filled from the one that reaches it."""
        p, q = (n for n in range(3) if n != axis)
        columns, rows = geometry.affine[:3, p], geometry.affine[:3, q]
        starts = geometry.world_ras(np.eye(3)[axis] * np.arange(geometry.shape[axis])[:, None])
        # The middle of each slice: axes that are parallel but for rounding still drift across a wide grid.
        middle = (columns * (geometry.shape[p] - 1) + rows * (geometry.shape[q] - 1)) / 2
        nearest = self._nearest((starts + middle) @ self.normal)
        slices = out.transpose(axis, q, p)
        for k in np.flatnonzero(nearest >= 0):
            n = nearest[k]
            matrix = self._in_plane(np.stack([columns, rows, np.zeros(3), starts[k] - self.corners_ras[n]], axis=1))
            nearest_on_plane(slices[k], self.labels[n].T[:, :, None], matrix)

    def _in_plane(self, world: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows (column, row, 0) of vectors (3, n) in mm."""
        steps = np.stack([self.column_step, self.row_step])
        steps = steps / (steps**2).sum(axis=1, keepdims=True)
        return np.concatenate([steps @ world, np.zeros((1, world.shape[1]))])

    def _nearest(self, heights: NDArray[np.float64]) -> NDArray[np.int64]:
        """For each height the plane that reaches it, -1 for none."""
        low, high = self._reach()
        slack = _SLACK * (high - low)
        middles = (high[:-1] + low[1:]) / 2
        nearest = np.searchsorted(middles, heights, side="left")
        inside = (heights >= (low - slack)[nearest]) & (heights <= (high + slack)[nearest])
        return np.where(inside, nearest, -1)

    def _fill_across(self, out: Labels, geometry: Geometry) -> None:
        """A grid that lies across the planes: voxel by voxel."""
        i, j = np.meshgrid(np.arange(geometry.shape[0]), np.arange(geometry.shape[1]), indexing="ij")
        for k in range(geometry.shape[2]):
            world = geometry.world_ras(np.stack([i, j, np.full_like(i, k)], axis=-1))
            nearest = self._nearest(world @ self.normal)
            apart = world - self.corners_ras[nearest]
            column = np.floor(apart @ self.column_step / (self.column_step @ self.column_step) + 0.5).astype(np.intp)
            row = np.floor(apart @ self.row_step / (self.row_step @ self.row_step) + 0.5).astype(np.intp)
            _, rows, columns = self.labels.shape
            inside = (nearest >= 0) & (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
            out[:, :, k][inside] = self.labels[nearest[inside], row[inside], column[inside]]


def _axis_across(geometry: Geometry, planes: Planes) -> int | None:
    """The axis of a grid along which its slices lie parallel to the planes; None where no axis is like that."""
    low, high = planes._reach()
    allowed = _ALONG * float(np.median(high - low))
    for axis in (2, 1, 0):
        others = [n for n in range(3) if n != axis]
        drift = sum(abs(float(geometry.affine[:3, n] @ planes.normal)) * (geometry.shape[n] - 1) for n in others)
        if drift <= allowed:
            return axis
    return None
