"""How a scan lies on a slice view: voxel axes, flips and letters of a plane, and widget pixels to voxels. Never Qt.

Slice coordinates (u, v, n): column to the right, row downwards, number of the slice. They are voxel indices of the scan
that were only swapped and flipped, so whole numbers are voxel centres. An oblique scan is shown along its own axes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsdesktop.core.geometry import Geometry

PlaneName = Literal["axial", "sagittal", "coronal"]
PLANE_NAMES: tuple[PlaneName, ...] = ("axial", "sagittal", "coronal")
# The letters of the world axes R, A, S towards smaller and larger coordinates.
LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))
# World axes (0 R, 1 A, 2 S) to the right, upwards and through the screen.
_WORLD: dict[PlaneName, tuple[int, int, int]] = {"axial": (0, 1, 2), "sagittal": (1, 2, 0), "coronal": (0, 2, 1)}
FIT = 0.94
LARGEST_ZOOM = 64.0
SMALLEST_ZOOM = 0.25


class Edges(NamedTuple):
    """The letters on the four edges of a view."""

    left: str
    right: str
    top: str
    bottom: str


@dataclass(frozen=True, eq=False)
class Plane:
    """One anatomical plane through a scan: superior or anterior up, anterior left in sagittal.

    `radiological`: the patient's right on the left of axial and coronal pictures; else on the right.
    """

    geometry: Geometry
    name: PlaneName
    radiological: bool = True

    @cached_property
    def axes(self) -> tuple[int, int, int]:
        """The voxel axes (0 i, 1 j, 2 k) to the right, downwards and through."""
        by_world = {world: axis for axis, (world, _) in enumerate(self.geometry.ras_axes)}
        across, up, through = _WORLD[self.name]
        return by_world[across], by_world[up], by_world[through]

    @cached_property
    def flipped(self) -> tuple[bool, bool]:
        """Whether columns and rows run against their voxel axes."""
        across, down, _ = self.axes
        runs_right_to_left = self.name == "sagittal" or self.radiological
        positive = self.geometry.ras_axes[across][1] > 0
        return positive == runs_right_to_left, self.geometry.ras_axes[down][1] > 0

    @cached_property
    def size(self) -> tuple[int, int, int]:
        """Columns, rows and slices."""
        across, down, through = self.axes
        shape = self.geometry.shape
        return shape[across], shape[down], shape[through]

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring columns, rows and slices in mm."""
        across, down, through = self.axes
        spacing = self.geometry.spacing_mm
        return spacing[across], spacing[down], spacing[through]

    @cached_property
    def edges(self) -> Edges:
        """The letters of the patient's directions at the edges of the picture."""
        left, right = self._letters(0)
        top, bottom = self._letters(1)
        return Edges(left, right, top, bottom)

    @cached_property
    def ahead(self) -> int:
        """The step of the slice number (+1 or -1) towards superior, anterior or the patient's left."""
        sign = self.geometry.ras_axes[self.axes[2]][1]
        return -sign if self.name == "sagittal" else sign

    def cut(self, array: NDArray[Any], number: int) -> NDArray[Any]:
        """Slice `number` of an array (i, j, k) as a view [row, column]."""
        across, down, through = self.axes
        index: list[Any] = [slice(None)] * 3
        index[through] = number
        found = array[tuple(index)]
        found = found.T if across < down else found
        flip_columns, flip_rows = self.flipped
        turned: NDArray[Any] = found[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
        return turned

    def voxel(self, u: float, v: float, number: float) -> NDArray[np.float64]:
        """Fractional voxel (i, j, k) of slice coordinates."""
        columns, rows, _ = self.size
        flip_columns, flip_rows = self.flipped
        out = np.empty(3)
        out[list(self.axes)] = columns - 1 - u if flip_columns else u, rows - 1 - v if flip_rows else v, number
        return out

    def slice_point(self, voxel: ArrayLike) -> NDArray[np.float64]:
        """Slice coordinates (..., 3) of fractional voxels (..., 3)."""
        out = np.asarray(voxel, np.float64)[..., list(self.axes)]
        for axis, flip in enumerate(self.flipped):
            if flip:
                out[..., axis] = self.size[axis] - 1 - out[..., axis]
        return out

    def world_ras(self, u: float, v: float, number: float) -> NDArray[np.float64]:
        """Place in RAS+ mm of slice coordinates."""
        return self.geometry.world_ras(self.voxel(u, v, number))

    def from_world(self, world_ras: ArrayLike) -> NDArray[np.float64]:
        """Slice coordinates (..., 3) of places (..., 3) in RAS+ mm."""
        offset = np.asarray(world_ras, np.float64) - self.geometry.affine[:3, 3]
        return self.slice_point(offset @ self._to_voxel)

    @cached_property
    def _to_voxel(self) -> NDArray[np.float64]:
        """From mm to voxels, for rows; views ask with every move of the mouse."""
        return np.asarray(np.linalg.inv(self.geometry.affine[:3, :3]).T, np.float64)

    def _letters(self, axis: int) -> tuple[str, str]:
        """The letters where columns (0) or rows (1) begin and end."""
        world, sign = self.geometry.ras_axes[self.axes[axis]]
        low, high = LETTERS[world] if sign > 0 else LETTERS[world][::-1]
        return (high, low) if self.flipped[axis] else (low, high)


@dataclass(frozen=True)
class Viewport:
    """What part of a slice a widget of `width` x `height` logical pixels shows.

    `zoom` 1 fits the slice into the widget; `centre` are the slice coordinates (u, v) in the middle of the widget.
    `columns`, `rows` and `spacing_mm` are the slice's.
    """

    width: float
    height: float
    columns: int
    rows: int
    spacing_mm: tuple[float, float]
    zoom: float = 1.0
    centre: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def fitted(cls, plane: Plane, width: float, height: float) -> Viewport:
        """The whole slice, centred."""
        columns, rows, _ = plane.size
        across, down, _ = plane.spacing_mm
        return cls(width, height, columns, rows, (across, down), 1.0, ((columns - 1) / 2, (rows - 1) / 2))

    @cached_property
    def pixels_per_mm(self) -> float:
        """Logical pixels per mm; the same in both directions."""
        across = self.width / (self.columns * self.spacing_mm[0])
        down = self.height / (self.rows * self.spacing_mm[1])
        return max(1e-6, FIT * min(across, down) * self.zoom)

    @cached_property
    def pixels_per_voxel(self) -> tuple[float, float]:
        """Logical pixels per column and per row."""
        return self.pixels_per_mm * self.spacing_mm[0], self.pixels_per_mm * self.spacing_mm[1]

    @property
    def is_fitted(self) -> bool:
        """Whether the whole slice is shown, centred."""
        return self.zoom == 1.0 and self.centre == ((self.columns - 1) / 2, (self.rows - 1) / 2)

    def to_slice(self, x: float, y: float) -> tuple[float, float]:
        """Slice coordinates (u, v) under a widget position."""
        across, down = self.pixels_per_voxel
        return self.centre[0] + (x - self.width / 2) / across, self.centre[1] + (y - self.height / 2) / down

    def to_widget(self, u: float, v: float) -> tuple[float, float]:
        """Widget position of slice coordinates."""
        across, down = self.pixels_per_voxel
        return self.width / 2 + (u - self.centre[0]) * across, self.height / 2 + (v - self.centre[1]) * down

    def shows(self, u: float, v: float) -> bool:
        """Whether slice coordinates are on the slice (not beside the scan)."""
        return -0.5 <= u < self.columns - 0.5 and -0.5 <= v < self.rows - 0.5

    def zoomed(self, factor: float, x: float, y: float) -> Viewport:
        """Zoomed by `factor`; what is under the widget position stays there."""
        u, v = self.to_slice(x, y)
        zoom = min(max(self.zoom * factor, SMALLEST_ZOOM), LARGEST_ZOOM)
        nearer = replace(self, zoom=zoom)
        beside_u, beside_v = nearer.to_slice(x, y)
        return nearer._centred(self.centre[0] + u - beside_u, self.centre[1] + v - beside_v)

    def panned(self, dx: float, dy: float) -> Viewport:
        """The picture moved by pixels; the middle of the widget stays on the slice."""
        across, down = self.pixels_per_voxel
        return self._centred(self.centre[0] - dx / across, self.centre[1] - dy / down)

    def resized(self, width: float, height: float) -> Viewport:
        """The same part of the slice in a widget of another size."""
        return replace(self, width=width, height=height)

    def visible(self, margin: int) -> tuple[slice, slice]:
        """Rows and columns of the slice that are in the widget, with `margin` voxels more on every side."""
        left, top = self.to_slice(0, 0)
        right, bottom = self.to_slice(self.width, self.height)
        return _range(top, bottom, self.rows, margin), _range(left, right, self.columns, margin)

    def _centred(self, u: float, v: float) -> Viewport:
        return replace(self, centre=(min(max(u, 0.0), self.columns - 1.0), min(max(v, 0.0), self.rows - 1.0)))


def _range(low: float, high: float, size: int, margin: int) -> slice:
    """Whole voxels from `low` to `high`, at least one, inside 0 to `size`."""
    start = int(np.clip(np.floor(low) - margin, 0, size - 1))
    return slice(start, int(np.clip(np.ceil(high) + margin + 1, start + 1, size)))
