"""What a slice view shows at a moment: a slice of a plane and the part of it that is in the widget. Never Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tsdesktop.gui.slices.plane import Plane, Viewport

World = NDArray[np.float64]
# The part of the widget beside each edge where a crosshair that came from outside is not left standing.
_INSET = 0.15


@dataclass(frozen=True, eq=False)
class Pane:
    """Slice `number` of `plane`, seen through `viewport`."""

    plane: Plane
    number: int
    viewport: Viewport

    @classmethod
    def fitted(cls, plane: Plane, cursor_ras: World, width: float, height: float) -> Pane:
        """The slice through the cursor, whole."""
        return cls(plane, 0, Viewport.fitted(plane, width, height)).at(cursor_ras)

    def world_ras(self, x: float, y: float) -> World:
        """The place in RAS+ mm under a widget position."""
        return self.plane.world_ras(*self.viewport.to_slice(x, y), self.number)

    def to_widget(self, world_ras: World) -> tuple[float, float]:
        """The widget position of a place, straight through the slices."""
        u, v, _ = self.plane.from_world(world_ras)
        return self.viewport.to_widget(float(u), float(v))

    def shows(self, x: float, y: float) -> bool:
        """Whether the scan, not the black beside it, is under a widget position."""
        return self.viewport.shows(*self.viewport.to_slice(x, y))

    def voxel(self, x: float, y: float) -> tuple[int, int, int]:
        """The voxel (i, j, k) of the scan under a widget position; the nearest one beside the scan."""
        nearest = np.rint(self.plane.voxel(*self.viewport.to_slice(x, y), self.number)).astype(int)
        i, j, k = np.clip(nearest, 0, np.array(self.plane.geometry.shape) - 1)
        return int(i), int(j), int(k)

    def distance(self, world_ras: World) -> float:
        """How many slices a place lies from this one."""
        return abs(float(self.plane.from_world(world_ras)[2]) - self.number)

    def at(self, world_ras: World) -> Pane:
        """The slice through a place."""
        return self.on(round(float(self.plane.from_world(world_ras)[2])))

    def on(self, number: int) -> Pane:
        """Another slice, inside the stack."""
        return replace(self, number=min(max(number, 0), self.plane.size[2] - 1))

    def seen_through(self, viewport: Viewport) -> Pane:
        """Another part of the slice."""
        return replace(self, viewport=viewport)

    def moved_by(self, steps: int, cursor_ras: World) -> World:
        """The cursor `steps` slices further towards superior, anterior or the patient's left."""
        u, v, _ = self.plane.from_world(cursor_ras)
        return self.plane.world_ras(float(u), float(v), self.on(self.number + steps * self.plane.ahead).number)

    def turned(self, plane: Plane) -> Pane:
        """The same part of the same slice in a plane of the same scan that is mirrored."""
        centre = plane.from_world(self.plane.world_ras(*self.viewport.centre, self.number))
        return Pane(plane, self.number, replace(self.viewport, centre=(float(centre[0]), float(centre[1]))))

    def bringing_into_view(self, world_ras: World) -> Pane:
        """Moved no more than is needed for a place that is outside the widget."""
        x, y = self.to_widget(world_ras)
        dx, dy = _way_in(x, self.viewport.width), _way_in(y, self.viewport.height)
        return self if dx == dy == 0 else self.seen_through(self.viewport.panned(dx, dy))


def _way_in(place: float, length: float) -> float:
    """How far to move a place that is outside 0 to `length`, to bring it inside."""
    if 0 <= place <= length:
        return 0.0
    return _INSET * length - place if place < 0 else (1 - _INSET) * length - place
