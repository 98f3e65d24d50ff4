"""The phantom's body: which organ lies where, how large it is and how it attenuates, drawn anew for every seed.

Body frame in mm: x to the patient's right, y to the front, z to the head; z = 0 is the upper end plate of the sacrum.
The adult it starts from is about 1.75 m tall. Parts are listed in the order of painting: later ones cover earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from phantom_shapes import (
    Array,
    Field,
    Floats,
    Grid,
    Point,
    Shape,
    Solid,
    ellipsoid,
    inside,
    outside,
    smooth_min,
    tube,
    union,
)

RIGHT, LEFT = 1.0, -1.0
SIDES = ((RIGHT, "right"), (LEFT, "left"))
EVERYWHERE: tuple[Point, Point] = ((-400.0, -400.0, -600.0), (400.0, 400.0, 900.0))
BOTTOM_MM, TOP_MM = -172.0, 470.0

# z, half width, half depth, y of the centre: the trunk below 14 mm of fat, and the room inside its wall.
TRUNK = np.array([
    (-190, 160, 84, -5), (-100, 163, 93, -6), (-40, 156, 96, -2), (30, 139, 94, 4), (100, 133, 91, 5), (180, 140, 94, 3),
    (260, 148, 98, 0), (340, 156, 98, -2), (400, 174, 92, -8), (440, 182, 80, -14), (470, 166, 66, -20),
    (490, 108, 56, -20), (515, 54, 50, -14), (700, 50, 48, -10),
], float)  # fmt: skip
CAVITY = np.array([
    (-138, 20, 20, -4), (-110, 46, 45, -4), (-60, 60, 56, -2), (0, 100, 62, 14), (40, 121, 68, 16), (100, 122, 72, 13),
    (180, 128, 80, 5), (260, 133, 84, 2), (340, 124, 80, -2), (400, 103, 68, -10), (430, 79, 52, -21), (450, 52, 36, -30),
    (462, 26, 18, -34), (469, 4, 4, -35),
], float)  # fmt: skip
SPINE_Z = np.array([-60, -10, 54, 90, 162, 250, 330, 400, 440, 480, 560], float)
SPINE_Y = np.array([-66, -40, -25, -25, -32, -45, -50, -46, -40, -34, -28], float)
LUMBAR = ("vertebrae_L5", "vertebrae_L4", "vertebrae_L3", "vertebrae_L2", "vertebrae_L1")
LUMBAR_PITCH_MM = 36.0
THORACIC_PITCH_MM = (28, 28, 27, 26, 25, 24, 23, 22, 21, 21, 20, 20)
RIB_END_DEG = (62, 62, 63, 64, 64, 64, 62, 52, 42, 28, -8, -34)
RIB_DROP_MM = (34, 52, 70, 82, 92, 100, 106, 108, 102, 92, 62, 40)


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
        self.shift_mm = self.near(0.0, 4.0)
        self.tissues = self._tissues()

    def between(self, low: float, high: float) -> float:
        return float(self._random.uniform(low, high))

    def near(self, mean: float, spread: float) -> float:
        """A normal draw, cut at two spreads."""
        return mean + spread * float(np.clip(self._random.standard_normal(), -2, 2))

    def place(self, x: float, y: float, z: float, spread_mm: float = 3.0) -> Point:
        return self.near(x, spread_mm), self.near(y, spread_mm), self.near(z, spread_mm)

    def size(self, *radii_mm: float, spread: float = 0.06) -> tuple[float, ...]:
        """Radii, all larger or smaller together and each a little on its own."""
        together = self.near(1.0, spread)
        return tuple(radius * together * self.near(1.0, spread / 2) for radius in radii_mm)

    def path(self, points: Sequence[Sequence[float]], spread_mm: float = 2.5) -> Floats:
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


def body(nature: Nature) -> Iterator[Part]:
    """All parts of one body, from the skin inwards."""
    yield from _trunk(nature)
    yield from _chest(nature)
    yield from _abdomen(nature)
    yield from _bowel(nature)
    yield from _vessels(nature)
    yield from _muscles(nature)
    yield from _spine(nature)
    yield from _rib_cage(nature)
    for side, name in SIDES:
        yield from _hip(nature, side, name)


def outline(depth_mm: float = 0.0) -> Floats:
    """Corners of the trunk this far outside its muscles, rows of x, y, z: what a field of view has to hold."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    inner = [(BOTTOM_MM, *_profile(TRUNK, BOTTOM_MM)), *TRUNK[(TRUNK[:, 0] > BOTTOM_MM) & (TRUNK[:, 0] < TOP_MM)]]
    rings = [
        np.column_stack([(a + depth_mm) * np.cos(turn), y + (b + depth_mm) * np.sin(turn), np.full(16, z)])
        for z, a, b, y in inner
    ]
    return np.vstack(rings)


# --- outlines -------------------------------------------------------------------------------------------------------


def _profile(table: Floats, z: float) -> tuple[float, float, float]:
    """Half width, half depth and y of the centre at one height."""
    a, b, y = (float(np.interp(z, table[:, 0], column)) for column in table.T[1:])
    return a, b, y


def _stack(table: Floats, grow_mm: float = 0.0, power: float = 2.4) -> Field:
    """Field of superellipses stacked along z."""

    def field(grid: Grid) -> Array:
        a, b, y = (np.interp(grid.z, table[:, 0], column).astype(np.float32) for column in table.T[1:])
        a, b = np.maximum(a + grow_mm, 1), np.maximum(b + grow_mm, 1)
        u, v = np.abs(grid.x) / a, np.abs(grid.y - y) / b
        radius = (u**power + v**power) ** (1 / power) + 1e-4
        flatness = np.minimum(a, b) + np.abs(a - b) * (u / radius) ** 2
        return np.asarray((radius - 1) * flatness, np.float32)

    return field


def _cavity(gap_mm: float) -> Field:
    """Inside the wall of chest, belly and pelvis, this far from it."""
    stack = _stack(CAVITY, -gap_mm)
    top, bottom = CAVITY[-1, 0], CAVITY[0, 0]
    return lambda grid: np.maximum.reduce([stack(grid), grid.z - top + gap_mm, bottom + gap_mm - grid.z])


def _diaphragm(nature: Nature) -> Field:
    """Negative below the two domes."""
    right, left = nature.near(270, 6), nature.near(258, 6)

    def field(grid: Grid) -> Array:
        back = 0.0095 * np.minimum(grid.y - 10, 0) ** 2 + 0.004 * np.maximum(grid.y - 10, 0) ** 2
        domes = [
            top - 0.0125 * np.maximum(side * grid.x - 66, 0) ** 2 - 0.004 * np.minimum(side * grid.x - 66, 0) ** 2
            for side, top in ((RIGHT, right), (LEFT, left))
        ]
        return np.asarray((grid.z - np.maximum(*domes) + back) * 0.8, np.float32)

    return field


def _spine_y(z: float) -> float:
    return float(np.interp(z, SPINE_Z, SPINE_Y))


def _front_y(z: float) -> float:
    _, half_depth, y = _profile(CAVITY, z)
    return half_depth + y


# --- skin, fat, muscle ----------------------------------------------------------------------------------------------


def _trunk(nature: Nature) -> Iterator[Part]:
    tissue, fat_mm = nature.tissues, nature.fat_mm
    for grow_mm, name in ((fat_mm + 2.5, "skin"), (fat_mm, "fat"), (0.0, "muscle")):
        yield Part(_legs_and_trunk(grow_mm), tissue[name])
    yield Part(Solid(_cavity(0), ((-140, -100, -140), (140, 100, 250))), tissue["inner_fat"])


def _legs_and_trunk(grow_mm: float) -> Solid:
    trunk = Solid(_stack(TRUNK, grow_mm), EVERYWHERE)
    above = inside(trunk, lambda grid: -130 - grow_mm - grid.z, smooth_mm=20)
    legs = [tube([(s * 84, -2, -110), (s * 88, 0, -420)], [78 + grow_mm, 70 + grow_mm], 400) for s in (RIGHT, LEFT)]
    both = union(legs)
    return Solid(lambda grid: smooth_min(above.distance(grid), both.distance(grid), 12), EVERYWHERE)


# --- chest ----------------------------------------------------------------------------------------------------------


def _chest(nature: Nature) -> Iterator[Part]:
    tissue, diaphragm = nature.tissues, _diaphragm(nature)
    heart = ellipsoid(nature.place(-16, 14, 310, 4), nature.size(56, 44, 50), (12, 28, -25))
    middle = union([
        ellipsoid((-2, -25, 385), (26, 44, 110)), ellipsoid((-3, 10, 330), (22, 75, 70)),
        Solid(lambda grid: heart.distance(grid) - 3, heart.bounds),
    ], smooth_mm=18)  # fmt: skip
    yield from _lungs(nature, diaphragm, middle)
    yield Part(inside(middle, _cavity(1), lambda grid: -diaphragm(grid), smooth_mm=4), tissue["inner_fat"])
    yield Part(inside(heart, lambda grid: 3 - diaphragm(grid), smooth_mm=8), tissue["heart"], "heart")
    yield from _chambers(heart.centre, tissue)
    yield Part(tube(nature.path([(-4, -30, 480), (-3, -36, 380), (-10, -24, 270), (-30, -2, 235)]), [8, 8, 8, 8]), tissue["soft"])
    wall, air = _airways(nature)
    yield Part(wall, tissue["airway_wall"])
    yield Part(air, tissue["airway"], "trachea")


def _chambers(centre: Point, tissue: dict[str, Tissue]) -> Iterator[Part]:
    x, y, z = centre
    for offset, radii, turn in (((-20, -4, -8), (25, 17, 17), (12, 28, -25)), ((8, 18, -10), (26, 13, 20), (0, 20, -20)),
                                ((22, -6, 14), (16, 20, 24), (0, 0, 0)), ((-6, -22, 14), (24, 13, 18), (0, 0, 0))):  # fmt: skip
        yield Part(ellipsoid((x + offset[0], y + offset[1], z + offset[2]), radii, turn), tissue["blood"], keeps=True)


def _lungs(nature: Nature, diaphragm: Field, middle: Shape) -> Iterator[Part]:
    tissue = nature.tissues["lung"]
    limits = (lambda grid: 4 - diaphragm(grid), outside(middle), outside(_spine_column(), 2))
    tilt, horizontal = nature.near(1.15, 0.06), nature.near(328, 5)

    def oblique(grid: Grid) -> Array:
        return np.asarray((grid.z - oblique_top + tilt * (grid.y + 80)) / (1 + tilt**2) ** 0.5, np.float32)

    for side, name in SIDES:
        oblique_top = nature.near(396, 5)
        low, high = sorted((0.0, side * 140))
        room = Solid(_cavity(2), ((low, -100, 150), (high, 100, 470)))
        lung = inside(room, *limits, lambda grid, s=side: 4 - s * grid.x, smooth_mm=6)
        yield Part(lung, tissue, f"lung_upper_lobe_{name}")
        if side == RIGHT:
            yield Part(inside(lung, lambda grid: grid.z - horizontal), tissue, "lung_middle_lobe_right")
        yield Part(inside(lung, oblique), tissue, f"lung_lower_lobe_{name}")
        yield from _lung_vessels(nature, lung, side)
        fissures = [(oblique, EVERYWHERE)] + [(lambda grid: grid.z - horizontal, EVERYWHERE)] * (side == RIGHT)
        del fissures


def _lung_vessels(nature: Nature, lung: Shape, side: float) -> Iterator[Part]:
    return iter(())
