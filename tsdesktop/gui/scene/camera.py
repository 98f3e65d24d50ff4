"""Where the viewer of the 3D view stands: a value in RAS+ mm, and the moves that make another one. numpy only."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

VIEW_ANGLE_DEGREES = 24.0
_TANGENT = math.tan(math.radians(VIEW_ANGLE_DEGREES / 2))
_SMALLEST_MM, _LARGEST_MM = 2.0, 20_000.0
_DEGREES_PER_PIXEL = 0.4
_MARGIN = 1.06
_BEYOND = 0.05
# From where one looks: the direction to the viewer and what is up on the screen.
_STANDARD = {
    "A": ((0, 1, 0), (0, 0, 1)),
    "P": ((0, -1, 0), (0, 0, 1)),
    "L": ((-1, 0, 0), (0, 0, 1)),
    "R": ((1, 0, 0), (0, 0, 1)),
    "S": ((0, 0, 1), (0, 1, 0)),
    "I": ((0, 0, -1), (0, 1, 0)),
}


@dataclass(frozen=True, eq=False)
class Camera:
    """Looks at `focus_ras`; the rows of `turn` are the screen's right, its up and the way to the viewer, in RAS.

    `height_mm` is how much of the patient the height of the picture holds, at the focus.
    """

    focus_ras: Vector
    turn: NDArray[np.float64]
    height_mm: float

    @property
    def position_ras(self) -> Vector:
        """Where the viewer's eye is, in mm."""
        return np.asarray(self.focus_ras + self.turn[2] * (self.height_mm / 2 / _TANGENT))

    def orbited(self, right_px: float, down_px: float) -> Camera:
        """Turned by a drag: the patient turns about the body's axis and tips towards the viewer, never over the top."""
        about_body = _rotation(np.array([0.0, 0.0, 1.0]), -right_px * _DEGREES_PER_PIXEL)
        turn = self.turn @ about_body.T
        tipped = turn @ _rotation(turn[0], -down_px * _DEGREES_PER_PIXEL).T
        # The up of the screen never points down the body: there the tip ends, looking along the body's axis.
        if tipped[1, 2] < 0.0:
            steep = math.copysign(1.0, tipped[2, 2])
            side = np.array([turn[0, 0], turn[0, 1], 0.0]) / max(float(np.hypot(turn[0, 0], turn[0, 1])), 1e-9)
            back = np.array([0.0, 0.0, steep])
            tipped = np.stack([side, np.cross(back, side), back])
        return replace(self, turn=_orthonormal(tipped))

    def panned(self, right_px: float, down_px: float, picture_height_px: float) -> Camera:
        """Moved so that what lies at the focus follows the drag."""
        mm = self.height_mm / max(picture_height_px, 1.0)
        return replace(self, focus_ras=self.focus_ras - self.turn[0] * right_px * mm + self.turn[1] * down_px * mm)

    def zoomed(self, factor: float) -> Camera:
        """Nearer by `factor` (below 1: farther)."""
        return replace(self, height_mm=float(np.clip(self.height_mm / factor, _SMALLEST_MM, _LARGEST_MM)))

    def looking_from(self, letter: str) -> Camera:
        """The standard view from A, P, L, R, S or I; from the front the patient's right is on the left."""
        back, up = (np.array(each, float) for each in _STANDARD[letter])
        return replace(self, turn=np.stack([np.cross(up, back), up, back]))

    def fitted(self, bounds_mm: NDArray[np.float64], width: float, height: float, foot: float = 0.0) -> Camera:
        """The same direction, with a box (2, 3) in RAS mm filling a picture of this size above its `foot` (pixels)."""
        room = max(height - foot, height / 2, 1.0)
        middle = bounds_mm.mean(axis=0)
        corners = np.array(np.meshgrid(*bounds_mm.T, indexing="ij")).reshape(3, -1).T - middle
        right, up, near = np.abs(corners @ self.turn.T).max(axis=0)
        # What stands nearer than the focus looks larger.
        least = 2 * max(float(up), float(right) / max(width / room, 0.1)) + 2 * float(near) * _TANGENT
        mm = float(np.clip(least * _MARGIN, _SMALLEST_MM, _LARGEST_MM)) / room
        focus = middle - self.turn[1] * ((height - room) / 2 * mm)
        return replace(self, focus_ras=focus, height_mm=mm * max(height, 1.0))

    def ray(self, x: float, y: float, width: float, height: float) -> tuple[Vector, Vector]:
        """The eye's place and the unit direction through a point of a picture (pixels from its top left), in RAS."""
        across, upward = (x - width / 2) / (height / 2), (height / 2 - y) / (height / 2)
        direction = _TANGENT * (across * self.turn[0] + upward * self.turn[1]) - self.turn[2]
        return self.position_ras, direction / np.linalg.norm(direction)

    def rays(self, width: int, height: int) -> NDArray[np.float64]:
        """The directions through the middle of every pixel (height, width, 3), 1 long towards the focus."""
        across = (np.arange(width) + 0.5 - width / 2) / (height / 2) * _TANGENT
        upward = (height / 2 - np.arange(height) - 0.5) / (height / 2) * _TANGENT
        return np.asarray(across[:, None] * self.turn[0] + upward[:, None, None] * self.turn[1] - self.turn[2])

    def on_screen(self, places_ras: NDArray[np.floating], width: float, height: float) -> NDArray[np.float64]:
        """Pixels (n, 3) of places (n, 3) in RAS mm: from the left, from the top, and nearness in the focus' pixels."""
        seen = (np.asarray(places_ras, np.float64) - self.focus_ras) @ self.turn.T
        distance = self.height_mm / 2 / _TANGENT
        scale = height / self.height_mm
        larger = distance / np.maximum(distance - seen[:, 2], 1e-3)
        x = width / 2 + seen[:, 0] * scale * larger
        y = height / 2 - seen[:, 1] * scale * larger
        return np.stack([x, y, seen[:, 2] * scale], axis=1)


FRONT = Camera(np.zeros(3), np.eye(3), 500.0).looking_from("A")


def outgrows(bounds_mm: NDArray[np.float64], before_mm: NDArray[np.float64]) -> bool:
    """Whether a box (2, 3) in mm clearly reaches beyond another one."""
    beyond = max(float((before_mm[0] - bounds_mm[0]).max()), float((bounds_mm[1] - before_mm[1]).max()))
    return beyond > _BEYOND * float((before_mm[1] - before_mm[0]).max())


def _rotation(axis: Vector, degrees: float) -> NDArray[np.float64]:
    """The matrix that turns column vectors about a unit axis (Rodrigues)."""
    angle = math.radians(degrees)
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross)


def _orthonormal(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows again at right angles, so that rounding does not add up over many moves."""
    back = turn[2] / np.linalg.norm(turn[2])
    right = np.cross(turn[1], back)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(back, right), back])
