"""Measurements on slices: distances, angles and the values under circles. They lie in the world, not on a screen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from tsdesktop.core.volume import Volume
from tsdesktop.gui.figures import decimal, intensity_text, unit_of
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.cut import scan_slice
from tsdesktop.gui.slices.plane import Plane, PlaneName

Kind = Literal["distance", "angle", "circle"]
Tool = Literal["", "distance", "angle", "circle"]
POINTS: dict[Kind, int] = {"distance": 2, "angle": 3, "circle": 2}


@dataclass(frozen=True, eq=False)
class Measurement:
    """Points (n, 3) in RAS+ mm on one slice of a plane.

    A distance has two ends; an angle has its corner in the middle; a circle has its middle and a point of its rim.
    Raises ValueError for another number of points.
    """

    kind: Kind
    plane_name: PlaneName
    points_ras: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.points_ras.shape != (POINTS[self.kind], 3):
            raise ValueError(f"{self.kind} needs {POINTS[self.kind]} points, got {self.points_ras.shape}")

    @property
    def length_mm(self) -> float:
        """From the first point to the second: the distance, or the radius of a circle."""
        return float(np.linalg.norm(self.points_ras[1] - self.points_ras[0]))

    @property
    def angle_degrees(self) -> float:
        """Between the arms of an angle, 0 to 180; 0 where an arm has no length."""
        one, other = self.points_ras[0] - self.points_ras[1], self.points_ras[2] - self.points_ras[1]
        across = float(np.linalg.norm(np.cross(one, other)))
        return math.degrees(math.atan2(across, float(one @ other)))

    def moved(self, point: int, world_ras: NDArray[np.float64]) -> Measurement:
        """With one of its points elsewhere; a circle is moved as a whole by its middle."""
        if self.kind == "circle" and point == 0:
            return self.shifted(world_ras - self.points_ras[0])
        points = np.array(self.points_ras)
        points[point] = world_ras
        return replace(self, points_ras=points)

    def shifted(self, way_mm: NDArray[np.float64]) -> Measurement:
        """All of it moved."""
        return replace(self, points_ras=self.points_ras + way_mm)


@dataclass(frozen=True)
class CircleValues:
    """The intensities under a circle, of the voxels whose centres it holds, and its area."""

    area_mm2: float
    mean: float
    sd: float
    lowest: float
    highest: float


def circle_values(circle: Measurement, volume: Volume) -> CircleValues | None:
    """What is under a circle on its slice; None where it holds no voxel of the scan. A small one has the nearest."""
    plane = Plane(volume.geometry, circle.plane_name)
    u, v, number = plane.from_world(circle.points_ras[0])
    across, down, _ = plane.spacing_mm
    columns, rows, slices = plane.size
    if not 0 <= round(number) < slices:
        return None
    radius = circle.length_mm
    left, right = _reach(u, radius / across, columns)
    top, bottom = _reach(v, radius / down, rows)
    field = scan_slice(volume, plane, round(number))[top:bottom, left:right]
    far = ((np.arange(left, right) - u) * across) ** 2 + ((np.arange(top, bottom)[:, None] - v) * down) ** 2
    inside = far <= max(radius**2, far.min(initial=np.inf))
    values = field[inside].astype(np.float64)
    if values.size == 0:
        return None
    area = math.pi * radius**2
    return CircleValues(area, float(values.mean()), float(values.std()), float(values.min()), float(values.max()))


class Measurements(QObject):
    """The measurements on the open scan and the tool in hand, shared by the slice views. Another scan has none."""

    changed = Signal()
    tool_changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._values: WeakKeyDictionary[Measurement, CircleValues | None] = WeakKeyDictionary()
        self.items: tuple[Measurement, ...] = ()
        self.selected: Measurement | None = None
        self.tool: Tool = ""
        session.volume_changed.connect(self._on_volume_changed)

    def set_tool(self, tool: Tool) -> None:
        """What the mouse draws next; "" for nothing. What is half drawn is dropped."""
        self.tool = tool
        self.tool_changed.emit()

    def give_up(self) -> bool:
        """Puts the tool down, else selects no measurement; whether there was either."""
        if self.tool:
            self.set_tool("")
        elif self.selected is not None:
            self.select(None)
        else:
            return False
        return True

    def add(self, measurement: Measurement) -> None:
        """One more, selected."""
        self.items = (*self.items, measurement)
        self.select(measurement)

    def change(self, before: Measurement, after: Measurement) -> None:
        """Another one in the place of one."""
        self.items = tuple(after if each is before else each for each in self.items)
        self.select(after)

    def select(self, measurement: Measurement | None) -> None:
        """The one that Delete removes; None for none."""
        self.selected = measurement
        self.changed.emit()

    def remove_selected(self) -> None:
        """Takes the selected one away."""
        self.items = tuple(each for each in self.items if each is not self.selected)
        self.select(None)

    def clear(self) -> None:
        """Takes all away."""
        self.items = ()
        self.select(None)

    def values(self, circle: Measurement) -> CircleValues | None:
        """`circle_values` on the open scan, looked up once."""
        volume = self._session.volume
        if volume is None:
            return None
        if circle not in self._values:
            self._values[circle] = circle_values(circle, volume)
        return self._values[circle]

    def words(self, measurement: Measurement) -> list[str]:
        """What a measurement says, in lines."""
        if measurement.kind == "distance":
            return [f"{decimal(measurement.length_mm, 1)} mm"]
        if measurement.kind == "angle":
            return [f"{decimal(measurement.angle_degrees, 1)}°"]
        return self._circle_words(measurement)

    def _circle_words(self, circle: Measurement) -> list[str]:
        found, volume = self.values(circle), self._session.volume
        if found is None or volume is None:
            return [self.tr("outside the scan")]
        figures = {
            "mean": intensity_text(found.mean, volume),
            "sd": intensity_text(found.sd, volume),
            "lowest": intensity_text(found.lowest, volume),
            "highest": intensity_text(found.highest, volume),
        }
        return [
            self.tr("mean {mean} ± {sd}").format(**figures) + unit_of(volume),
            self.tr("min {lowest}   max {highest}").format(**figures),
            self.tr("area {area} mm²").format(area=decimal(found.area_mm2, 0 if found.area_mm2 >= 100 else 1)),
        ]

    def _on_volume_changed(self) -> None:
        self._values.clear()
        self.clear()


def _reach(middle: float, radius: float, size: int) -> tuple[int, int]:
    """The whole voxels within a radius, at least the nearest, inside 0 to `size`."""
    first, last = min(math.ceil(middle - radius), round(middle)), max(math.floor(middle + radius), round(middle))
    return max(0, first), max(0, min(size, last + 1))
