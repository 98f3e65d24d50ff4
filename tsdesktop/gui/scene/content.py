"""What the 3D view shows, as values that cross to the drawing thread: bodies, slices, a clip plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import Rgb
from tsdesktop.core.volume import Volume
from tsdesktop.gui.scene.camera import Camera
from tsdesktop.gui.windowing import Window

if TYPE_CHECKING:  # VTK is loaded by the thread that draws, not with the window.
    from tsdesktop.surfaces.display import DisplaySurface

Floats = NDArray[np.float32]
_LONGEST_SLICE = 512
_BLACK = 4


@dataclass(frozen=True, eq=False)
class Openness:
    """How much light reaches the vertices of a surface, 0 to 1: of its fine and of its coarse mesh."""

    fine: Floats
    coarse: Floats


@dataclass(frozen=True)
class Body:
    """One surface as it is shown. `ghost`: only its rim is seen, for the skin; `chosen`: it has a light edge."""

    surface: DisplaySurface
    rgb: Rgb
    opacity: float = 1.0
    openness: Openness | None = None
    chosen: bool = False
    ghost: bool = False


@dataclass(frozen=True, eq=False)
class Picture:
    """A flat picture in its place in the world: colours [row, column, RGBA] and corners (4, 3) in RAS mm.

    The corners are those of [first row, first column], [first, last], [last, last], [last, first]. Alpha is 0 or 255.
    """

    rgba: NDArray[np.uint8]
    corners_ras: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Slices:
    """The three slices of a scan through a voxel, as grey as `window` makes them."""

    volume: Volume
    voxel: tuple[int, int, int]
    window: Window

    @property
    def bounds_mm(self) -> NDArray[np.float64]:
        """Lowest and highest corner of the slices, (2, 3) in RAS mm."""
        corners = np.concatenate([_corners(self.volume.geometry, axis, self.voxel[axis]) for axis in range(3)])
        return np.array([corners.min(axis=0), corners.max(axis=0)])

    def pictures(self) -> tuple[Picture, ...]:
        """The slices, at most 512 pixels long. Takes milliseconds: not for the main thread."""
        return tuple(_slice(self.volume, axis, self.voxel[axis], self.window) for axis in range(3))


@dataclass(frozen=True, eq=False)
class Clip:
    """What lies on the side of `normal` (unit, RAS) of the plane through `point_ras` (mm) is cut away."""

    point_ras: NDArray[np.float64]
    normal: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Content:
    """Everything in the picture but the place of the viewer; colours 0 to 255."""

    bodies: tuple[Body, ...] = ()
    slices: Slices | None = None
    clip: Clip | None = None
    background: Rgb = (27, 31, 38)

    @property
    def bounds_mm(self) -> NDArray[np.float64] | None:
        """Lowest and highest corner of all bodies but ghosts, (2, 3) in RAS mm; else of ghosts, else of the slices."""
        shown = [each for each in self.bodies if not each.ghost] or list(self.bodies)
        if not shown:
            return None if self.slices is None else self.slices.bounds_mm
        bounds = np.array([each.surface.bounds_mm for each in shown])
        return np.array([bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)])


@dataclass(frozen=True)
class Detail:
    """How finely to draw: coarse or fine meshes, pixels drawn per pixel shown."""

    coarse: bool
    scale: float


@dataclass(frozen=True, eq=False)
class Order:
    """One picture to draw: what, from where, how large in pixels of the screen, how finely."""

    content: Content
    camera: Camera
    width: int
    height: int
    detail: Detail

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height to draw at."""
        scale = self.detail.scale
        return max(16, round(self.width * scale)), max(16, round(self.height * scale))


def _slice(volume: Volume, axis: int, index: int, window: Window) -> Picture:
    values = np.take(volume.array, index, axis=axis)
    step = max(1, -(-max(values.shape) // _LONGEST_SLICE))
    grey = np.clip((values[::step, ::step].astype(np.float32) - window.low) * (255.0 / window.width), 0, 255)
    rgba = np.repeat(grey.astype(np.uint8)[:, :, None], 4, axis=2)
    rgba[:, :, 3] = np.where(_around(rgba[:, :, 0] < _BLACK), 0, 255)
    return Picture(rgba, _corners(volume.geometry, axis, index))


def _around(black: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is black and joined to the border of a slice: air around the patient, not the air inside."""
    pieces, _ = ndimage.label(black)
    border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    return np.asarray(np.isin(pieces, border[border > 0]))


def _corners(geometry: Geometry, axis: int, index: int) -> NDArray[np.float64]:
    first, second = (n for n in range(3) if n != axis)
    corners = np.full((4, 3), float(index))
    corners[:, first] = np.array([0, 0, 1, 1]) * geometry.shape[first] - 0.5
    corners[:, second] = np.array([0, 1, 1, 0]) * geometry.shape[second] - 0.5
    return geometry.world_ras(corners)
