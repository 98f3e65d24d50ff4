"""The mouse draws, grips and moves the measurements of a slice view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF
from PySide6.QtGui import QPainter

from tsdesktop.gui.slices.measure import POINTS, Kind, Measurement, Measurements
from tsdesktop.gui.slices.measure_painting import paint_measurement, words_box
from tsdesktop.gui.slices.pane import Pane, World

# As near as this, in pixels, the mouse takes hold of a point or a line.
_POINT_PX = 8.0
_LINE_PX = 5.0
# Words beside the pointer would cover those of a measurement as near as this.
_WORDS_PX = 16.0
_HALF_A_SLICE = 0.5 + 1e-6


@dataclass(frozen=True, eq=False)
class Grip:
    """What the mouse took hold of: a point of a measurement, or all of it (None) at a place."""

    measurement: Measurement
    point: int | None
    place_ras: World

    def moved(self, world_ras: World) -> Measurement:
        """The measurement as it is when the mouse has come to a place."""
        if self.point is None:
            return self.measurement.shifted(world_ras - self.place_ras)
        return self.measurement.moved(self.point, world_ras)


@dataclass(eq=False)
class Draft:
    """A measurement that is being drawn: the points that stand, and the one that follows the mouse."""

    kind: Kind
    fixed: list[World]
    loose: World
    number: int

    @property
    def points(self) -> list[World]:
        """All points."""
        return [*self.fixed, self.loose]


class Measuring:
    """Draws with the tool in hand: click by click, or by dragging from the first point to the second."""

    def __init__(self, measurements: Measurements) -> None:
        self._model = measurements
        self.draft: Draft | None = None

    @property
    def tool_in_hand(self) -> bool:
        """Whether the mouse draws."""
        return self._model.tool != ""

    def press(self, pane: Pane, x: float, y: float) -> None:
        """The button goes down: the first point, or the next one is being placed."""
        tool, place = self._model.tool, pane.world_ras(x, y)
        if tool == "":
            return
        if self.draft is None or self.draft.number != pane.number:
            self.draft = Draft(tool, [place], place, pane.number)
        else:
            self.draft.loose = place

    def move(self, pane: Pane, x: float, y: float) -> None:
        """The last point follows the mouse."""
        if self.draft is not None:
            self.draft.loose = pane.world_ras(x, y)

    def release(self, pane: Pane, x: float, y: float) -> bool:
        """The button comes up: the point stands, unless it is the click that set the one before.

        Whether the measurement is complete, and added.
        """
        draft = self.draft
        if draft is None:
            return False
        draft.loose = pane.world_ras(x, y)
        if _apart(pane, draft.fixed[-1], x, y) <= _LINE_PX:
            return False
        if len(draft.points) < POINTS[draft.kind]:
            draft.fixed = draft.points
            return False
        self.draft = None
        self._model.add(Measurement(draft.kind, pane.plane.name, np.array(draft.points)))
        return True

    def cancel(self) -> None:
        """Drops what is half drawn."""
        self.draft = None

    def shown(self, pane: Pane) -> list[Measurement]:
        """The measurements that lie on the slice."""
        return [each for each in self._model.items if _lies_on(each, pane)]

    def grip(self, pane: Pane, x: float, y: float) -> Grip | None:
        """What of the measurements on the slice is under a widget position; the selected one first."""
        place = pane.world_ras(x, y)
        near = sorted(self.shown(pane), key=lambda each: each is not self._model.selected)
        for each in near:
            for point, world in enumerate(each.points_ras):
                if _apart(pane, world, x, y) <= _POINT_PX:
                    return Grip(each, point, place)
        found = next((each for each in near if _is_on(pane, each, x, y)), None)
        return None if found is None else Grip(found, None, place)

    def is_under(self, pane: Pane, x: float, y: float) -> bool:
        """Whether a measurement or its words are at a widget position, or something is being drawn."""
        if self.tool_in_hand or self.grip(pane, x, y) is not None:
            return True
        return any(self._words_box(pane, each).contains(x, y) for each in self.shown(pane))

    def _words_box(self, pane: Pane, one: Measurement) -> QRectF:
        places = [_place(pane, world) for world in one.points_ras]
        box = words_box(_size(pane), one.kind, places, self._model.words(one))
        return box.adjusted(-_WORDS_PX, -_WORDS_PX, _WORDS_PX, _WORDS_PX)

    def paint(self, painter: QPainter, pane: Pane) -> None:
        """Paints the measurements on the slice and what is half drawn."""
        for each in self.shown(pane):
            self._paint_one(painter, pane, each, each is self._model.selected)
        draft = self.draft
        if draft is None or draft.number != pane.number:
            return
        if len(draft.points) == POINTS[draft.kind]:
            self._paint_one(painter, pane, Measurement(draft.kind, pane.plane.name, np.array(draft.points)), True)
        else:
            places = [_place(pane, world) for world in draft.points]
            paint_measurement(painter, _size(pane), draft.kind, places, [], True)

    def _paint_one(self, painter: QPainter, pane: Pane, one: Measurement, is_selected: bool) -> None:
        places = [_place(pane, world) for world in one.points_ras]
        paint_measurement(painter, _size(pane), one.kind, places, self._model.words(one), is_selected)


def _size(pane: Pane) -> QSizeF:
    return QSizeF(pane.viewport.width, pane.viewport.height)


def _lies_on(measurement: Measurement, pane: Pane) -> bool:
    if measurement.plane_name != pane.plane.name:
        return False
    return pane.distance(measurement.points_ras[0]) <= _HALF_A_SLICE


def _is_on(pane: Pane, measurement: Measurement, x: float, y: float) -> bool:
    """Whether a widget position is on a line of a measurement."""
    places = [_place(pane, world) for world in measurement.points_ras]
    if measurement.kind == "circle":
        radius = QLineF(places[0], places[1]).length()
        return abs(math.hypot(x - places[0].x(), y - places[0].y()) - radius) <= _LINE_PX
    return any(_from_line(QLineF(one, other), x, y) <= _LINE_PX for one, other in pairwise(places))


def _from_line(line: QLineF, x: float, y: float) -> float:
    """The distance of a position from a line between two points."""
    way_x, way_y = x - line.x1(), y - line.y1()
    length = max(1e-9, line.dx() ** 2 + line.dy() ** 2)
    along = min(max((way_x * line.dx() + way_y * line.dy()) / length, 0.0), 1.0)
    return math.hypot(way_x - along * line.dx(), way_y - along * line.dy())


def _place(pane: Pane, world_ras: World) -> QPointF:
    return QPointF(*pane.to_widget(world_ras))


def _apart(pane: Pane, world_ras: World, x: float, y: float) -> float:
    at_x, at_y = pane.to_widget(world_ras)
    return math.hypot(at_x - x, at_y - y)
