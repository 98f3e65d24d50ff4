"""The phantom's belly: liver to bladder, stomach and bowel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from phantom_frame import (
    RIGHT,
    SIDES,
    Nature,
    Part,
    below,
    cavity,
    diaphragm,
    spine_column,
)
from phantom_shapes import (
    Array,
    Field,
    Floats,
    Grid,
    Shape,
    Solid,
    ellipsoid,
    inside,
    outside,
    tube,
    union,
)


def abdomen(nature: Nature) -> Iterator[Part]:
    """Solid organs, stomach, and what lies in the pelvis."""
    tissue = nature.tissues
    under = below(diaphragm(nature), 4)
    yield Part(_liver(nature, under), tissue["liver"], "liver")
    branches = (
        ((22, -2, 245), (75, -10, 225)), ((22, 0, 245), (48, 40, 225)), ((40, 10, 190), (90, -5, 190)),
        ((40, 10, 190), (62, 45, 185)), ((18, 0, 245), (-20, 30, 240)),
    )  # fmt: skip
    for start, tip in branches:
        yield Part(tube(nature.path([start, tip], 4), [4.5, 2.0]), tissue["veins"], keeps=True)
    spleen = ellipsoid(nature.place(-96, -36, 212, 4), nature.size(30, 46, 58, spread=0.09), (-32, 0, 18))
    yield Part(inside(spleen, cavity(4), under, smooth_mm=6), tissue["spleen"], "spleen")
    yield _stomach(nature, under)
    for side, name in SIDES:
        yield from _kidney(nature, side, name)
    yield Part(
        ellipsoid(nature.place(50, 50, 150, 4), nature.size(14, 15, 31, spread=0.12), (-28, 12, 0)),
        tissue["gallbladder"],
        "gallbladder",
    )
    pancreas = nature.path(
        [(38, 12, 122), (30, 18, 142), (8, 28, 150), (-22, 20, 163), (-48, 0, 178), (-70, -18, 188)], 3
    )
    yield Part(tube(pancreas, nature.size(13, 16, 10, 11, 11, 8)), tissue["pancreas"], "pancreas")
    bladder = ellipsoid(nature.place(0, 24, -76, 4), nature.size(39, 32, 31, spread=0.14), (-12, 0, 0))
    yield Part(bladder, tissue["urinary_bladder"], "urinary_bladder")
    yield Part(ellipsoid((0, 12, -122), nature.size(21, 17, 17)), tissue["soft"])


def _liver(nature: Nature, under: Field) -> Solid:
    right = ellipsoid(nature.place(66, -2, 194, 4), nature.size(72, 86, 94), (0, 8, 0))
    left = ellipsoid(nature.place(-2, 38, 226, 4), nature.size(84, 48, 44), (0, 18, 8))
    hollow = ellipsoid((4, -30, 130), (56, 76, 74))
    both = union([right, left], smooth_mm=25)
    return inside(both, cavity(4), under, outside(hollow), outside(spine_column(), 6), smooth_mm=10)


def _stomach(nature: Nature, under: Field) -> Part:
    course = nature.path(
        [(-62, -12, 238), (-70, 2, 212), (-66, 28, 178), (-44, 48, 150), (-8, 52, 140), (24, 40, 146)], 4
    )
    sac = tube(course, nature.size(32, 37, 32, 26, 20, 12, spread=0.1))
    level = np.float32(nature.between(20, 75))
    shape = inside(sac, cavity(5), under, smooth_mm=8)
    return Part(shape, nature.tissues["stomach"], "stomach", gas=lambda grid: level - grid.y)


def _kidney(nature: Nature, side: float, name: str) -> Iterator[Part]:
    x, y, z = nature.place(side * 61, -37, 122 if side == RIGHT else 136, 3.5)
    bean = ellipsoid((x, y, z), nature.size(29, 26, 56, spread=0.07), (-8, side * -9, side * 25))
    hilum = ellipsoid((x - side * 30, y + 8, z), (17, 14, 19))
    yield Part(inside(bean, outside(hilum), smooth_mm=10), nature.tissues["kidney"], f"kidney_{name}")
    pelvis = ellipsoid((x - side * 9, y + 2, z), (7, 7, 20))
    yield Part(pelvis, nature.tissues["renal_pelvis"], keeps=True)


def bowel(nature: Nature) -> Iterator[Part]:
    """Small bowel and colon, with gas in some of their loops."""
    tissue, room = nature.tissues, cavity(4)
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
