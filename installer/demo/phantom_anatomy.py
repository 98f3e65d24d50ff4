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
        self.right_dome_mm, self.left_dome_mm = self.near(270, 6), self.near(258, 6)
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
    right, left = nature.right_dome_mm, nature.left_dome_mm

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
    heart = ellipsoid(nature.place(-20, 14, 305, 4), nature.size(67, 51, 56), (12, 28, -25))
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


def _airways(nature: Nature) -> tuple[Solid, Solid]:
    """Trachea and main bronchi: with and without their wall."""
    x, y, z = nature.place(0, -26, 380, 3)
    radius = nature.between(7.8, 9.4)
    trunk = [(x / 2, -16, 560), (x, -17, 470), (x, y, z)]
    right = [(x, y, z), (x + 16, y - 3, z - 15), (x + 36, y - 5, z - 31)]
    left = [(x, y, z), (x - 20, y - 4, z - 17), (x - 44, y - 8, z - 36)]

    def pipes(wall_mm: float) -> Solid:
        return union([
            tube(trunk, [radius + wall_mm] * 3), tube(right, [r + wall_mm for r in (radius, 7.2, 5.8)]),
            tube(left, [r + wall_mm for r in (radius, 6.6, 5.2)]),
        ])  # fmt: skip

    return pipes(2.2), pipes(0)


def _lungs(nature: Nature, diaphragm: Field, middle: Shape) -> Iterator[Part]:
    limits = (_above(diaphragm, 4), outside(middle), outside(_spine_column(), 2))
    for side, name in SIDES:
        low, high = sorted((0.0, side * 140))
        room = Solid(_cavity(2), ((low, -100, 150), (high, 100, 470)))
        lung = inside(room, *limits, lambda grid, side=side: 4 - side * grid.x, smooth_mm=6)
        yield from _lobes(nature, lung, name)
        yield from _lung_vessels(nature, lung, side)


def _lobes(nature: Nature, lung: Shape, name: str) -> Iterator[Part]:
    """The lobes of one lung and the fissures that show between them."""
    tissue, fissure = nature.tissues["lung"], Tissue(nature.tissues["lung"].hu + 330)
    height, tilt, middle_mm = nature.near(396, 5), nature.near(1.15, 0.06), nature.near(328, 5)

    def oblique(grid: Grid) -> Array:
        return np.asarray((grid.z - height + tilt * (grid.y + 80)) / (1 + tilt**2) ** 0.5, np.float32)

    def horizontal(grid: Grid) -> Array:
        return grid.z - np.float32(middle_mm)

    yield Part(lung, tissue, f"lung_upper_lobe_{name}")
    if name == "right":
        yield Part(inside(lung, horizontal), tissue, "lung_middle_lobe_right")
        yield Part(inside(lung, _sheet(horizontal, 0.8)), fissure, keeps=True)
    yield Part(inside(lung, oblique), tissue, f"lung_lower_lobe_{name}")
    yield Part(inside(lung, _sheet(oblique, 0.8)), fissure, keeps=True)


def _lung_vessels(nature: Nature, lung: Shape, side: float) -> Iterator[Part]:
    hilum = np.array([side * 36, -14, 338])
    for _ in range(24):
        tip = hilum + (side * nature.between(15, 80), nature.between(-65, 70), nature.between(-130, 95))
        bend = hilum + 0.5 * (tip - hilum) + [nature.near(0, 8) for _ in range(3)]
        branch = tube([hilum, bend, tip], [5.5, 3.2, 1.4], 20)
        yield Part(inside(branch, lung.distance), nature.tissues["veins"], keeps=True)


def _above(field: Field, gap_mm: float) -> Field:
    return lambda grid: np.asarray(gap_mm - field(grid), np.float32)


def _below(field: Field, gap_mm: float) -> Field:
    return lambda grid: np.asarray(gap_mm + field(grid), np.float32)


def _sheet(field: Field, half_mm: float) -> Field:
    return lambda grid: np.asarray(np.abs(field(grid)) - half_mm, np.float32)


# --- abdomen --------------------------------------------------------------------------------------------------------


def _abdomen(nature: Nature) -> Iterator[Part]:
    tissue = nature.tissues
    under = _below(_diaphragm(nature), 4)
    yield Part(_liver(nature, under), tissue["liver"], "liver")
    for start, tip in (((22, -2, 245), (75, -10, 225)), ((22, 0, 245), (48, 40, 225)), ((40, 10, 190), (90, -5, 190)),
                       ((40, 10, 190), (62, 45, 185)), ((18, 0, 245), (-20, 30, 240))):  # fmt: skip
        yield Part(tube(nature.path([start, tip], 4), [4.5, 2.0]), tissue["veins"], keeps=True)
    spleen = ellipsoid(nature.place(-96, -36, 212, 4), nature.size(30, 46, 58, spread=0.09), (-32, 0, 18))
    yield Part(inside(spleen, _cavity(4), under, smooth_mm=6), tissue["spleen"], "spleen")
    yield Part(*_stomach(nature, under))
    for side, name in SIDES:
        yield from _kidney(nature, side, name)
    yield Part(
        ellipsoid(nature.place(50, 50, 150, 4), nature.size(14, 15, 31, spread=0.12), (-28, 12, 0)),
        tissue["gallbladder"],
        "gallbladder",
    )
    pancreas = nature.path([(38, 12, 122), (30, 18, 142), (8, 28, 150), (-22, 20, 163), (-48, 0, 178), (-70, -18, 188)], 3)
    yield Part(tube(pancreas, nature.size(13, 16, 10, 11, 11, 8)), tissue["pancreas"], "pancreas")
    bladder = ellipsoid(nature.place(0, 24, -76, 4), nature.size(39, 32, 31, spread=0.14), (-12, 0, 0))
    yield Part(bladder, tissue["urinary_bladder"], "urinary_bladder")
    yield Part(ellipsoid((0, 12, -122), nature.size(21, 17, 17)), tissue["soft"])


def _liver(nature: Nature, under: Field) -> Solid:
    right = ellipsoid(nature.place(66, -2, 194, 4), nature.size(72, 86, 94), (0, 8, 0))
    left = ellipsoid(nature.place(-2, 38, 226, 4), nature.size(84, 48, 44), (0, 18, 8))
    hollow = ellipsoid((4, -30, 130), (56, 76, 74))
    both = union([right, left], smooth_mm=25)
    return inside(both, _cavity(4), under, outside(hollow), outside(_spine_column(), 6), smooth_mm=10)


def _stomach(nature: Nature, under: Field) -> tuple[Solid, Tissue, str, bool, Field]:
    course = nature.path([(-62, -12, 238), (-70, 2, 212), (-66, 28, 178), (-44, 48, 150), (-8, 52, 140), (24, 40, 146)], 4)
    sac = tube(course, nature.size(32, 37, 32, 26, 20, 12, spread=0.1))
    level = nature.between(20, 75)
    gas: Field = lambda grid: np.float32(level) - grid.y  # noqa: E731
    return inside(sac, _cavity(5), under, smooth_mm=8), nature.tissues["stomach"], "stomach", False, gas


def _kidney(nature: Nature, side: float, name: str) -> Iterator[Part]:
    x, y, z = nature.place(side * 61, -37, 122 if side == RIGHT else 136, 3.5)
    bean = ellipsoid((x, y, z), nature.size(29, 26, 56, spread=0.07), (-8, side * -9, side * 25))
    hilum = ellipsoid((x - side * 30, y + 8, z), (17, 14, 19))
    yield Part(inside(bean, outside(hilum), smooth_mm=10), nature.tissues["kidney"], f"kidney_{name}")
    pelvis = ellipsoid((x - side * 9, y + 2, z), (7, 7, 20))
    yield Part(pelvis, nature.tissues["renal_pelvis"], keeps=True)


# --- bowel ----------------------------------------------------------------------------------------------------------


def _bowel(nature: Nature) -> Iterator[Part]:
    tissue, room = nature.tissues, _cavity(4)
    loops = tube(_loops(nature), [nature.near(12.5, 1.0) for _ in range(57)], 14)
    yield Part(inside(loops, room), tissue["small_bowel"], "small_bowel", gas=_bubbles(nature, 0.96))
    course = nature.path([
        (78, 10, -12), (86, 2, 25), (88, -6, 65), (84, 4, 105), (62, 46, 118), (20, 68, 100), (-25, 68, 104),
        (-66, 40, 142), (-98, 8, 168), (-106, -6, 130), (-104, -10, 75), (-97, -4, 25), (-72, 8, -12), (-38, 20, -28),
        (-8, -8, -34), (6, -36, -52), (0, -42, -85), (0, -40, -122),
    ], 4)  # fmt: skip
    radii = nature.size(26, 25, 25, 24, 22, 21, 21, 20, 20, 18, 17, 17, 17, 16, 16, 18, 21, 13, spread=0.05)
    colon = _haustra(tube(course, radii, 7.0), nature)
    yield Part(inside(colon, room, smooth_mm=4), tissue["colon"], "colon", gas=_bubbles(nature, 0.45))


def _haustra(colon: Shape, nature: Nature) -> Solid:
    """The colon's pouches: its wall moves in and out along the way."""
    phase, wave = nature.between(0, 6), 2 * np.pi / 34

    def field(grid: Grid) -> Array:
        ripple = np.sin(wave * grid.x + phase) + np.sin(wave * grid.z + phase) + np.sin(wave * grid.y - phase)
        return np.asarray(colon.distance(grid) + 1.3 * ripple, np.float32)

    return Solid(field, colon.bounds)


def _loops(nature: Nature) -> Floats:
    """A winding path that fills the lower belly: rows from left to right, three layers from front to back."""
    rows = []
    for level, height in enumerate((92, 64, 36, 8, -16, -40)):
        width = (46, 56, 58, 50, 42, 36)[level]
        for layer in range(3):
            depth = (58, 31, 6)[layer if level % 2 == 0 else 2 - layer]
            tilt = nature.near(0, 7)
            turn = 1 if (3 * level + layer) % 2 == 0 else -1
            rows += [(turn * side * width, depth - 8 * side**2, height + tilt * side) for side in (-1.0, 0.0, 1.0)]
    rows += [(40, 10, -44), (58, 14, -26), (70, 10, -8)]
    return nature.path(np.array(rows) + nature.place(0, 0, 0, 3), 7)


def _bubbles(nature: Nature, dryness: float) -> Field:
    """Negative where gas gathers: in the upper part of some loops."""
    phases = [nature.between(0, 6.3) for _ in range(3)]
    start = nature.between(dryness - 0.35, dryness + 0.25)

    def field(grid: Grid) -> Array:
        wave = np.sin(grid.x / 21 + phases[0]) + np.sin(grid.z / 25 + phases[1]) + np.sin(grid.y / 17 + phases[2])
        return np.asarray(14 * (start - wave / 2), np.float32)

    return field


# --- vessels and muscles --------------------------------------------------------------------------------------------


def _vessels(nature: Nature) -> Iterator[Part]:
    tissue = nature.tissues
    shift = nature.place(0, 0, 0, 2)
    cava = [(19, _spine_y(20) + 27, 22), (20, -2, 60), (21, 0, 120), (24, -3, 180), (21, 2, 230), (16, 4, 272), (14, 6, 290)]
    yield Part(tube(np.add(cava, shift), nature.size(9, 9.5, 10, 10.5, 11, 11, 11)), tissue["veins"], "inferior_vena_cava")
    yield Part(tube([(22, 4, 330), (26, 0, 370), (24, 2, 410), (-8, 14, 424)], [10, 9, 8, 7]), tissue["veins"])
    yield Part(tube([(-16, 34, 340), (-12, 14, 362), (-4, -4, 362), (-34, -14, 352)], [14, 13, 12, 9]), tissue["blood"])
    yield Part(tube([(-4, -4, 362), (34, -10, 346)], [11, 8]), tissue["blood"])
    yield Part(tube([(-40, -4, 176), (4, 16, 160), (18, 16, 172), (40, 14, 192)], [4.5, 6, 6.5, 5]), tissue["veins"], keeps=True)
    for side in (RIGHT, LEFT):
        yield Part(tube([(side * 6, 8, 52), (side * 34, -6, 2), (side * 62, 30, -60), (side * 84, 42, -130), (side * 86, 36, -260)],
                        [7, 6.5, 6, 5.5, 5]), tissue["blood"])  # fmt: skip
        yield Part(tube([(18, -2, 30), (side * 40, -16, -8), (side * 60, 22, -66), (side * 74, 38, -130), (side * 76, 30, -260)],
                        [8, 7, 7, 6, 5]), tissue["veins"])  # fmt: skip
        yield Part(tube([(side * 14, 2, 398), (side * 22, -2, 470), (side * 26, -6, 560)], [5, 4, 4]), tissue["blood"])
    aorta = [(6, 14, 318), (16, 24, 345), (18, 16, 376), (4, -4, 398), (-14, -24, 396), (-24, -34, 370), (-22, -36, 320),
             (-16, -32, 260), (-10, -20, 205), (-7, -9, 150), (-6, -1, 100), (-4, 4, 50)]  # fmt: skip
    radii = nature.size(16, 16, 15.5, 14.5, 13.5, 13, 12.5, 12, 11, 10, 9.5, 9)
    yield Part(tube(np.add(aorta, shift), radii), tissue["blood"], "aorta")


def _muscles(nature: Nature) -> Iterator[Part]:
    muscle = nature.tissues["muscle"]
    for side, name in SIDES:
        psoas = [(side * 25, -40, 172), (side * 31, -36, 125), (side * 41, -29, 70), (side * 52, -18, 20), (side * 66, 8, -40),
                 (side * 82, 32, -90), (side * 100, 4, -140)]  # fmt: skip
        yield Part(tube(nature.path(psoas, 2), [6, 10, 16, 20, 18, 15, 9]), muscle)
        yield Part(ellipsoid((side * 76, -6, 4), (26, 46, 38), (0, side * 20, side * 28)), muscle)
        height = [(-60, 15, 8), (0, 26, 15), (60, 27, 17), (130, 26, 17), (200, 24, 15), (280, 21, 12), (380, 18, 11), (490, 16, 10)]
        column = [(side * (a + 5), _spine_y(z) - (41 if z < 230 else 36), z) for z, a, _ in height]
        yield Part(_strip(np.array(column), np.array(height, float)), nature.tissues["back_muscle"], f"autochthon_{name}")


def _strip(centres: Floats, widths: Floats) -> Solid:
    """An upright muscle of elliptical cross-section; rows of centres, and of z, half width and half depth."""

    def field(grid: Grid) -> Array:
        z = grid.z
        x, y = (np.interp(z, centres[:, 2], centres[:, axis]).astype(np.float32) for axis in (0, 1))
        a, b = (np.interp(z, widths[:, 0], widths[:, axis]).astype(np.float32) for axis in (1, 2))
        u, v = (grid.x - x) / a, (grid.y - y) / b
        across = (np.sqrt(u**2 + v**2) - 1) * np.minimum(a, b)
        return np.asarray(np.maximum.reduce([across, centres[0, 2] - z, z - centres[-1, 2]]), np.float32)

    reach = widths[:, 1:].max(0)
    low, high = centres.min(0), centres.max(0)
    return Solid(field, ((low[0] - reach[0], low[1] - reach[1], low[2]), (high[0] + reach[0], high[1] + reach[1], high[2])))


# --- bones ----------------------------------------------------------------------------------------------------------


def _spine_column(grow_mm: float = 0.0) -> Solid:
    """Bodies and discs of the whole spine as one rod."""

    def field(grid: Grid) -> Array:
        y = np.interp(grid.z, SPINE_Z, SPINE_Y).astype(np.float32)
        a = np.interp(grid.z, (0, 180, 340, 480), (25.5, 21.5, 17.5, 14)).astype(np.float32)
        b = np.interp(grid.z, (0, 180, 340, 480), (17.5, 15.5, 14.5, 10.5)).astype(np.float32)
        u, v = grid.x / a, (grid.y - y) / b
        return np.asarray((np.sqrt(u**2 + v**2) - 1) * b - grow_mm, np.float32)

    return Solid(field, ((-30, -85, -6), (30, 0, 600)))


def _spine(nature: Nature) -> Iterator[Part]:
    tissue = nature.tissues
    yield Part(_spine_column(), tissue["disc"])
    yield from _sacrum(nature)
    low = 0.0
    for name in LUMBAR:
        yield from _vertebra(nature, low, LUMBAR_PITCH_MM, name)
        low += LUMBAR_PITCH_MM
    for pitch in (*THORACIC_PITCH_MM, 18, 17, 17, 17):
        yield from _vertebra(nature, low, pitch, None)
        low += pitch
    canal = [(0, _spine_y(z) - _half_depth(z) - 9, z) for z in (-50, 0, 60, 120, 180, 260, 340, 420, 480, 560)]
    yield Part(tube(canal, [6, 7.5, 8.5, 8.5, 8.5, 8, 8, 8, 8, 8], 20), tissue["fluid"])
    cord = [point for point in canal if point[2] >= 180]
    tip = (0.0, _spine_y(140) - _half_depth(140) - 9, nature.near(142, 4))
    yield Part(tube([tip, *cord], [5.0, *[6.2] * len(cord)], 20), tissue["cord"], "spinal_cord")


def _half_depth(z: float) -> float:
    return float(np.interp(z, (0, 180, 340, 480), (17.5, 15.5, 14.5, 10.5)))


def _vertebra(nature: Nature, low_mm: float, pitch_mm: float, name: str | None) -> Iterator[Part]:
    """One vertebra: its body and arch, spinous and transverse processes."""
    lumbar = name is not None
    disc = 0.26 * pitch_mm if lumbar else 0.2 * pitch_mm
    low, high = low_mm + disc / 2, low_mm + pitch_mm - disc / 2
    centre = (low + high) / 2
    y, depth = _spine_y(centre), _half_depth(centre)
    lean = (_spine_y(high + 6) - _spine_y(low - 6)) / (high - low + 12)

    def block(grid: Grid) -> Array:
        slant = grid.z - centre + lean * (grid.y - y)
        waist = np.float32(1.6) - np.float32(6.4) * (slant / (high - low)) ** 2
        across = column.distance(grid) + np.maximum(waist, 0)
        return np.asarray(-smooth_min(-across, (high - low) / 2 - np.abs(slant), 4), np.float32)

    column = _spine_column(1.0)
    corpus = Solid(block, ((-32, y - 30, low - 6), (32, y + 30, high + 6)))
    back, size = y - depth, 1.0 if lumbar else 0.8
    drop = 6 if lumbar else 20
    arch = [tube([(s * 13 * size, back + 3, centre + 4), (s * 14 * size, back - 10, centre + 1), (0, back - 20, centre - 4)],
                 [5.5 * size, 5.5 * size, 4.5 * size]) for s in (RIGHT, LEFT)]  # fmt: skip
    wings = [tube([(s * 14 * size, back - 9, centre + 1), (s * (42 if lumbar else 32), back - (10 if lumbar else 18), centre + 4)],
                  [5.0, 3.6]) for s in (RIGHT, LEFT)]  # fmt: skip
    spine = tube([(0, back - 19, centre - 3), (0, back - (42 if lumbar else 34), centre - drop)], [4.5, 4.5])
    yield Part(union([corpus, *arch, *wings, spine], 3), nature.tissues["bone"], name)


def _sacrum(nature: Nature) -> Iterator[Part]:
    spots = np.array([(-112, -62), (-90, -74), (-62, -72), (-35, -60), (-14, -44), (4, -36)], float)
    wide = nature.near(1.0, 0.04)

    def field(grid: Grid) -> Array:
        y = np.interp(grid.z, spots[:, 0], spots[:, 1]).astype(np.float32)
        a = np.interp(grid.z, (-112, -85, -60, -25, 0), (7, 15, 33, 50, 50)).astype(np.float32) * wide
        b = np.interp(grid.z, (-112, -85, -40, 0), (5, 8, 16, 19)).astype(np.float32)
        u, v = np.abs(grid.x) / a, np.abs(grid.y - y - 0.004 * (grid.x**2)) / b
        across = ((u**2.5 + v**2.5) ** 0.4 - 1) * b
        tilt = grid.z - 0.5 * (grid.y + 38) - 0.12 * np.abs(grid.x)
        return np.asarray(-smooth_min(-across, np.minimum(-tilt, grid.z + 112) * 0.88, 5), np.float32)

    yield Part(Solid(field, ((-56, -100, -114), (56, 0, 30))), nature.tissues["bone"], "sacrum")


def _rib_cage(nature: Nature) -> Iterator[Part]:
    bone = nature.tissues["bone"]
    top = 180.0
    heights = []
    for pitch in THORACIC_PITCH_MM:
        heights.append(top + pitch - 4)
        top += pitch
    for number, height in enumerate(reversed(heights)):
        for side in (RIGHT, LEFT):
            rib = _rib(number, height, side)
            radius = 4.6 if number else 5.2
            yield Part(tube(rib, [radius] * len(rib), 14), bone)
            if number < 10:
                yield Part(_costal_cartilage(number, rib[-1], side), nature.tissues["cartilage"])
    yield Part(_sternum(nature), bone, "sternum")
    for side in (RIGHT, LEFT):
        yield Part(tube([(side * 20, _front_y(428) + 10, 428), (side * 70, 28, 442), (side * 140, -8, 456)], [6.5, 5.5, 6]), bone)
        yield from _shoulder(nature, side)


def _rib(number: int, height_mm: float, side: float) -> list[Point]:
    """Course of one rib (0 is the first) from its vertebra around the chest to the front."""
    end, drop = RIB_END_DEG[number], RIB_DROP_MM[number]
    path = [(side * 20, _spine_y(height_mm) - 14, height_mm)]
    for angle in np.linspace(-72, end, 11):
        share = (angle + 80) / (end + 80)
        z = height_mm + 3 - drop * share**1.25
        a, b, y = _profile(CAVITY, min(z, 440))
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        u, v = (np.sign(c) * np.abs(c) ** (2 / 2.4) for c in (cosine, sine))
        path.append((float(side * (a + 5) * u), float(y + (b + 5) * v), float(z)))
    return path


def _costal_cartilage(number: int, start: Point, side: float) -> Shape:
    z = 412 - 21 * number if number < 7 else 272
    inner = (side * 18.0, _front_y(z) + 8, z)
    between = (0.45 * start[0] + 0.55 * inner[0], 0.4 * start[1] + 0.6 * inner[1] + 4, 0.62 * start[2] + 0.38 * inner[2])
    return tube([start, between, inner], [5.0, 5.0, 4.5])


def _sternum(nature: Nature) -> Solid:
    wide = nature.near(1.0, 0.06)
    spots = np.arange(240.0, 460.0, 10.0)
    front = np.array([_front_y(z) + 9 for z in spots])

    def field(grid: Grid) -> Array:
        y = np.interp(grid.z, spots, front).astype(np.float32)
        half = np.interp(grid.z, (255, 285, 330, 372, 385, 425), (6, 17, 18, 15, 24, 30)).astype(np.float32) * wide
        inward = np.maximum.reduce([np.abs(grid.x) - half, np.abs(grid.y - y) - 6, np.abs(grid.z - 342) - 84])
        return np.asarray(inward, np.float32)

    return Solid(field, ((-36, 0, 255), (36, 120, 428)))


def _shoulder(nature: Nature, side: float) -> Iterator[Part]:
    bone = nature.tissues["bone"]
    blade = Solid(
        lambda grid: np.asarray(np.abs(grid.y + 112 - 0.42 * side * grid.x - 0.0016 * (side * grid.x - 90) ** 2) * 0.9 - 3.2, np.float32),
        EVERYWHERE,
    )
    edge = ellipsoid((side * 98, -74, 382), (44, 60, 66), (0, side * -16, 0))
    yield Part(inside(edge, blade.distance, _stack(TRUNK, -4)), bone)
    yield Part(tube([(side * 76, -84, 420), (side * 120, -62, 442), (side * 146, -26, 456)], [4, 6, 7]), bone)
    yield Part(ellipsoid((side * 158, -16, 432), (22, 22, 23)), bone)


def _hip(nature: Nature, side: float, name: str) -> Iterator[Part]:
    """Hip bone and femur of one side."""
    bone, socket = nature.tissues["bone"], np.array(nature.place(side * 90, 2, -96, 2))
    head = ellipsoid(socket, (24, 24, 24))
    yield Part(_hip_bone(socket, side), bone, f"hip_{name}")
    yield Part(ellipsoid(socket, (26.5, 26.5, 26.5)), nature.tissues["cartilage"])
    neck = tube(socket + np.array([(0, 0, 0), (side * 24, -8, -10), (side * 42, -16, -18)]), [15, 13.5, 16])
    shaft = tube(socket + np.array([(side * 46, -18, -8), (side * 44, -16, -34), (side * 38, -10, -80), (side * 26, -4, -320)]),
                 [12, 18, 15.5, 14])  # fmt: skip
    yield Part(union([head, neck, shaft], 6), bone, f"femur_{name}")


def _hip_bone(socket: Floats, side: float) -> Solid:
    x, y, z = socket

    def wing_field(grid: Grid) -> Array:
        along, up = grid.y - y, grid.z - z - 78
        middle = side * (x * side - 6) + side * (0.46 * along + 0.27 * up - 0.0022 * along**2 + 0.0012 * up**2)
        thick = 4.5 + 3.5 * np.clip(1 - np.abs(up - 48) / 30, 0, 1) + 5 * np.clip(-(up + 18) / 40, 0, 1)
        plate = np.abs(grid.x - middle) / np.float32(1.13) - thick
        rim = (np.sqrt((along / 68) ** 2 + ((up + 4) / 56) ** 2) - 1) * 50
        return np.asarray(-smooth_min(-plate, -rim, 5), np.float32)

    wing = Solid(wing_field, ((x - 70, y - 75, z), (x + 70, y + 75, z + 140)))
    cup = inside(ellipsoid(socket, (34, 34, 34)), lambda grid: (side * (grid.x - x) * 0.8 - (grid.z - z) * 0.6) - 8)
    ischium = tube([(x - side * 8, y - 26, z - 2), (x - side * 18, y - 38, z - 28), (x - side * 26, y - 34, z - 48)], [15, 14, 15])
    upper = tube([(x - side * 16, y + 18, z + 4), (x - side * 50, y + 42, z - 12), (x - side * 80, y + 46, z - 18)], [12, 8.5, 10])
    lower = tube([(x - side * 80, y + 44, z - 24), (x - side * 60, y + 12, z - 48), (x - side * 30, y - 28, z - 54)], [9, 7, 9])
    whole = union([wing, cup, ischium, upper, lower], 8)
    return inside(whole, outside(ellipsoid(socket, (26.5, 26.5, 26.5))), lambda grid: np.asarray(3 - side * grid.x, np.float32))
