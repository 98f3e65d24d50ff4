"""What the phantom's organs and bones share: how people differ, and the outlines of the body they lie in.

Body frame in mm: x to the patient's right, y to the front, z to the head; z = 0 is the upper end plate of the sacrum.
The adult it starts from is about 1.75 m tall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from phantom_shapes import (
    Array,
    Field,
    Floats,
    Grid,
    Point,
    Points,
    Shape,
    Solid,
)

RIGHT, LEFT = 1.0, -1.0
SIDES = ((RIGHT, "right"), (LEFT, "left"))
EVERYWHERE: tuple[Point, Point] = ((-400.0, -400.0, -600.0), (400.0, 400.0, 900.0))
BOTTOM_MM, TOP_MM = -172.0, 470.0

# z, half width, half depth, y of the centre: the trunk below 14 mm of fat, and the room inside its wall.
TRUNK = np.array([
    (-190, 160, 84, -5), (-100, 163, 93, -6), (-40, 156, 96, -2), (30, 139, 94, 4), (100, 133, 91, 5),
    (180, 140, 94, 3), (260, 148, 98, 0), (340, 156, 98, -2), (400, 174, 92, -8), (440, 182, 80, -14),
    (470, 166, 66, -20), (490, 108, 56, -20), (515, 54, 50, -14), (700, 50, 48, -10),
], float)  # fmt: skip
CAVITY = np.array([
    (-138, 20, 20, -4), (-110, 46, 45, -4), (-60, 60, 56, -2), (0, 100, 62, 14), (40, 121, 68, 16), (100, 122, 72, 13),
    (180, 128, 80, 5), (260, 133, 84, 2), (340, 124, 80, -2), (400, 103, 68, -10), (430, 79, 52, -21),
    (450, 52, 36, -30), (462, 26, 18, -34), (469, 4, 4, -35),
], float)  # fmt: skip
SPINE_Z = np.array([-60, -10, 54, 90, 162, 250, 330, 400, 440, 480, 560], float)
SPINE_Y = np.array([-66, -40, -25, -25, -32, -45, -50, -46, -40, -34, -28], float)


@dataclass(frozen=True)
class Tissue:
    """How a part attenuates: mean HU, the HU of its texture, a denser or fainter shell, and fat between its fibres."""

    hu: float
    texture_hu: float = 5.0
    shell_hu: float | None = None
    shell_mm: float = 2.5
    marbled: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """One painted shape. structure None means background; keeps leaves the labels below it as they are."""

    shape: Shape
    tissue: Tissue
    structure: str | None = None
    keeps: bool = False
    gas: Field | None = None


class Nature:
    """Draws what differs between people; the one source of chance for shapes and tissues."""

    def __init__(self, seed: Sequence[int]) -> None:
        self._random = np.random.default_rng(seed)
        self.fat_mm = self.between(8, 26)
        self.right_dome_mm, self.left_dome_mm = self.near(270, 6), self.near(258, 6)
        self.tissues = self._tissues()

    def between(self, low: float, high: float) -> float:
        """An even draw."""
        return float(self._random.uniform(low, high))

    def near(self, mean: float, spread: float) -> float:
        """A normal draw, cut at two spreads."""
        return mean + spread * float(np.clip(self._random.standard_normal(), -2, 2))

    def place(self, x: float, y: float, z: float, spread_mm: float = 3.0) -> Point:
        """A place, off by this spread along each axis."""
        return self.near(x, spread_mm), self.near(y, spread_mm), self.near(z, spread_mm)

    def size(self, *radii_mm: float, spread: float = 0.06) -> tuple[float, ...]:
        """Radii, all larger or smaller together and each a little on its own."""
        together = self.near(1.0, spread)
        return tuple(radius * together * self.near(1.0, spread / 2) for radius in radii_mm)

    def path(self, points: Points, spread_mm: float = 2.5) -> Floats:
        """A path moved as a whole and bent a little."""
        whole = [self.near(0, spread_mm) for _ in range(3)]
        return np.array([[self.near(c, spread_mm / 2) + w for c, w in zip(p, whole, strict=True)] for p in points])

    def _tissues(self) -> dict[str, Tissue]:
        contrast = self.between(0, 130) if self.between(0, 1) < 0.75 else 0.0
        marrow, cortex = self.between(110, 230), self.between(330, 620)
        veins = contrast * self.between(0.3, 1.0)
        return {
            "skin": Tissue(self.near(20, 12)),
            "fat": Tissue(self.near(-103, 6), 4),
            "inner_fat": Tissue(self.near(-96, 7), 6),
            "muscle": Tissue(self.near(52, 6) + 0.07 * contrast, 6, marbled=True),
            "back_muscle": Tissue(self.near(50, 7) + 0.07 * contrast, 6, marbled=True),
            "lung": Tissue(self.near(-850, 25), 22),
            "airway": Tissue(-985, 3),
            "airway_wall": Tissue(self.near(-60, 60)),
            "blood": Tissue(self.near(43, 5) + contrast, 3),
            "veins": Tissue(self.near(43, 5) + veins, 4),
            "heart": Tissue(self.near(44, 5) + 0.45 * contrast, 6),
            "liver": Tissue(self.near(56, 10) + 0.35 * veins, 5),
            "spleen": Tissue(self.near(49, 6) + 0.45 * veins, 5),
            "kidney": Tissue(self.near(36, 6) + self.between(0.4, 0.9) * contrast, 6),
            "renal_pelvis": Tissue(self.near(-30, 30)),
            "pancreas": Tissue(self.near(40, 7) + 0.35 * contrast, 9),
            "stomach": Tissue(self.between(8, 60), 9, self.near(48, 8)),
            "small_bowel": Tissue(self.between(12, 55), 9, self.near(50, 8) + 0.2 * contrast),
            "colon": Tissue(self.between(5, 65), 24, self.near(48, 8)),
            "gallbladder": Tissue(self.between(3, 24), 3, self.near(38, 6), 1.5),
            "urinary_bladder": Tissue(self.between(0, 26), 3, self.near(42, 6)),
            "soft": Tissue(self.near(44, 6)),
            "cartilage": Tissue(self.near(110, 20), 8),
            "disc": Tissue(self.near(82, 10), 6),
            "bone": Tissue(marrow, 28, cortex, 2.4),
            "fluid": Tissue(self.near(14, 5), 3),
            "cord": Tissue(self.near(38, 5), 3),
        }


def outline(depth_mm: float = 0.0) -> Floats:
    """Corners of the trunk this far outside its muscles, rows of x, y, z: what a field of view has to hold."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    inner = [(BOTTOM_MM, *profile(TRUNK, BOTTOM_MM)), *TRUNK[(TRUNK[:, 0] > BOTTOM_MM) & (TRUNK[:, 0] < TOP_MM)]]
    rings = [
        np.column_stack([(a + depth_mm) * np.cos(turn), y + (b + depth_mm) * np.sin(turn), np.full(16, z)])
        for z, a, b, y in inner
    ]
    return np.vstack(rings)


def profile(table: Floats, z: float) -> tuple[float, float, float]:
    """Half width, half depth and y of the centre at one height."""
    a, b, y = (float(np.interp(z, table[:, 0], column)) for column in table.T[1:])
    return a, b, y


def stacked(table: Floats, grow_mm: float = 0.0, power: float = 2.4) -> Field:
    """Field of superellipses stacked along z."""

    def field(grid: Grid) -> Array:
        a, b, y = (np.interp(grid.z, table[:, 0], column).astype(np.float32) for column in table.T[1:])
        a, b = np.maximum(a + grow_mm, 1), np.maximum(b + grow_mm, 1)
        u, v = np.abs(grid.x) / a, np.abs(grid.y - y) / b
        radius = (u**power + v**power) ** (1 / power) + 1e-4
        flatness = np.minimum(a, b) + np.abs(a - b) * (u / radius) ** 2
        return np.asarray((radius - 1) * flatness, np.float32)

    return field


def cavity(gap_mm: float) -> Field:
    """Inside the wall of chest, belly and pelvis, this far from it."""
    stack = stacked(CAVITY, -gap_mm)
    top, bottom = CAVITY[-1, 0], CAVITY[0, 0]
    return lambda grid: np.maximum.reduce([stack(grid), grid.z - top + gap_mm, bottom + gap_mm - grid.z])


def diaphragm(nature: Nature) -> Field:
    """Negative below the two domes."""
    right, left = nature.right_dome_mm, nature.left_dome_mm

    def field(grid: Grid) -> Array:
        back = 0.0095 * np.minimum(grid.y - 10, 0) ** 2 + 0.004 * np.maximum(grid.y - 10, 0) ** 2
        domes = [
            top - 0.0125 * np.maximum(side * grid.x - 66, 0) ** 2 - 0.004 * np.minimum(side * grid.x - 66, 0) ** 2
            for side, top in ((RIGHT, right), (LEFT, left))
        ]
        return np.asarray((grid.z - np.maximum(*domes) + back) * 0.8, np.float32)

    return field


def spine_y(z: float) -> float:
    """y of the vertebral bodies' centres at one height."""
    return float(np.interp(z, SPINE_Z, SPINE_Y))


def front_y(z: float) -> float:
    """y of the front wall's inside at one height."""
    _, half_depth, y = profile(CAVITY, z)
    return half_depth + y


def above(field: Field, gap_mm: float) -> Field:
    """Negative this far on the positive side of a field."""
    return lambda grid: np.asarray(gap_mm - field(grid), np.float32)


def below(field: Field, gap_mm: float) -> Field:
    """Negative this far on the negative side of a field."""
    return lambda grid: np.asarray(gap_mm + field(grid), np.float32)


def beyond(side: float, gap_mm: float) -> Field:
    """Negative on this side, this far from the middle."""
    return lambda grid: np.asarray(gap_mm - side * grid.x, np.float32)


def sheet(field: Field, half_mm: float) -> Field:
    """Negative near the zero of a field, this far to either side."""
    return lambda grid: np.asarray(np.abs(field(grid)) - half_mm, np.float32)


def spine_column(grow_mm: float = 0.0) -> Solid:
    """Bodies and discs of the whole spine as one rod."""

    def field(grid: Grid) -> Array:
        y = np.interp(grid.z, SPINE_Z, SPINE_Y).astype(np.float32)
        a = np.interp(grid.z, (0, 180, 340, 480), (25.5, 21.5, 17.5, 14)).astype(np.float32)
        b = np.interp(grid.z, (0, 180, 340, 480), (17.5, 15.5, 14.5, 10.5)).astype(np.float32)
        u, v = grid.x / a, (grid.y - y) / b
        return np.asarray((np.sqrt(u**2 + v**2) - 1) * b - grow_mm, np.float32)

    return Solid(field, ((-30, -85, -6), (30, 0, 600)))


def vertebral_half_depth(z: float) -> float:
    """Half the depth of the vertebral bodies at one height."""
    return float(np.interp(z, (0, 180, 340, 480), (17.5, 15.5, 14.5, 10.5)))
