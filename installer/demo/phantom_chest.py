"""The phantom's soft parts: skin, fat and muscle, chest, abdomen and pelvis, drawn anew for every seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from phantom_frame import (
    EVERYWHERE,
    LEFT,
    RIGHT,
    SIDES,
    TRUNK,
    Nature,
    Part,
    Tissue,
    above,
    beyond,
    cavity,
    diaphragm,
    sheet,
    spine_column,
    spine_y,
    stacked,
)
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
    point,
    smooth_min,
    tube,
    union,
)


def trunk(nature: Nature) -> Iterator[Part]:
    """Skin, fat, the muscular wall, and the fat that lines the belly."""
    tissue, fat_mm = nature.tissues, nature.fat_mm
    for grow_mm, name in ((fat_mm + 2.5, "skin"), (fat_mm, "fat"), (0.0, "muscle")):
        yield Part(_legs_and_trunk(grow_mm), tissue[name])
    yield Part(Solid(cavity(0), ((-140, -100, -140), (140, 100, 250))), tissue["inner_fat"])


def _legs_and_trunk(grow_mm: float) -> Solid:
    trunk = Solid(stacked(TRUNK, grow_mm), EVERYWHERE)
    above = inside(trunk, lambda grid: -130 - grow_mm - grid.z, smooth_mm=20)
    legs = [tube([(s * 84, -2, -110), (s * 88, 0, -420)], [78 + grow_mm, 70 + grow_mm], 400) for s in (RIGHT, LEFT)]
    both = union(legs)
    return Solid(lambda grid: smooth_min(above.distance(grid), both.distance(grid), 12), EVERYWHERE)


def chest(nature: Nature) -> Iterator[Part]:
    """Lungs, the space between them, heart, gullet and airways."""
    tissue, dome = nature.tissues, diaphragm(nature)
    heart = ellipsoid(nature.place(-20, 14, 305, 4), nature.size(67, 51, 56), (12, 28, -25))
    middle = union([
        ellipsoid((-2, -25, 385), (26, 44, 110)), ellipsoid((-3, 10, 330), (22, 75, 70)),
        Solid(lambda grid: heart.distance(grid) - 3, heart.bounds),
    ], smooth_mm=18)  # fmt: skip
    yield from _lungs(nature, dome, middle)
    yield Part(inside(middle, cavity(1), lambda grid: -dome(grid), smooth_mm=4), tissue["inner_fat"])
    yield Part(inside(heart, lambda grid: 3 - dome(grid), smooth_mm=8), tissue["heart"], "heart")
    yield from _chambers(heart.centre, tissue)
    oesophagus = nature.path([(-4, -30, 480), (-3, -36, 380), (-10, -24, 270), (-30, -2, 235)])
    yield Part(tube(oesophagus, [8, 8, 8, 8]), tissue["soft"])
    wall, air = _airways(nature)
    yield Part(wall, tissue["airway_wall"])
    yield Part(air, tissue["airway"], "trachea")


def _chambers(centre: Point, tissue: dict[str, Tissue]) -> Iterator[Part]:
    x, y, z = centre
    chambers = (
        ((-20, -4, -8), (25, 17, 17), (12, 28, -25)), ((8, 18, -10), (26, 13, 20), (0, 20, -20)),
        ((22, -6, 14), (16, 20, 24), (0, 0, 0)), ((-6, -22, 14), (24, 13, 18), (0, 0, 0)),
    )  # fmt: skip
    for offset, radii, turn in chambers:
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


def _lungs(nature: Nature, dome: Field, middle: Shape) -> Iterator[Part]:
    limits = (above(dome, 4), outside(middle), outside(spine_column(), 2))
    for side, name in SIDES:
        low, high = sorted((0.0, side * 140))
        room = Solid(cavity(2), ((low, -100, 150), (high, 100, 470)))
        lung = inside(room, *limits, beyond(side, 4), smooth_mm=6)
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
        yield Part(inside(lung, sheet(horizontal, 0.8)), fissure, keeps=True)
    yield Part(inside(lung, oblique), tissue, f"lung_lower_lobe_{name}")
    yield Part(inside(lung, sheet(oblique, 0.8)), fissure, keeps=True)


def _lung_vessels(nature: Nature, lung: Shape, side: float) -> Iterator[Part]:
    hilum = np.array([side * 36.0, -14.0, 338.0])
    for _ in range(24):
        tip = hilum + np.array([side * nature.between(15, 80), nature.between(-65, 70), nature.between(-130, 95)])
        bend = hilum + 0.5 * (tip - hilum) + np.array([nature.near(0, 8) for _ in range(3)])
        branch = tube(np.array([hilum, bend, tip]), [5.5, 3.2, 1.4], 20)
        yield Part(inside(branch, lung.distance), nature.tissues["veins"], keeps=True)


def vessels(nature: Nature) -> Iterator[Part]:
    """Great vessels, after the organs that they run through."""
    tissue = nature.tissues
    shift = nature.place(0, 0, 0, 2)
    cava = [
        (19, spine_y(20) + 27, 22), (20, -2, 60), (21, 0, 120), (24, -3, 180), (21, 2, 230),
        (16, 4, 272), (14, 6, 290),
    ]  # fmt: skip
    wide = nature.size(9, 9.5, 10, 10.5, 11, 11, 11)
    yield Part(tube(np.add(cava, shift), wide), tissue["veins"], "inferior_vena_cava")
    yield from _other_vessels(tissue)
    aorta = [
        (6, 14, 318), (16, 24, 345), (18, 16, 376), (4, -4, 398), (-14, -24, 396), (-24, -34, 370), (-22, -36, 320),
        (-16, -32, 260), (-10, -20, 205), (-7, -9, 150), (-6, -1, 100), (-4, 4, 50),
    ]  # fmt: skip
    wide = nature.size(16, 16, 15.5, 14.5, 13.5, 13, 12.5, 12, 11, 10, 9.5, 9)
    yield Part(tube(np.add(aorta, shift), wide), tissue["blood"], "aorta")


def _other_vessels(tissue: dict[str, Tissue]) -> Iterator[Part]:
    """Vessels that show but have no label of their own."""
    yield Part(tube([(22, 4, 330), (26, 0, 370), (24, 2, 410), (-8, 14, 424)], [10, 9, 8, 7]), tissue["veins"])
    yield Part(tube([(-16, 34, 340), (-12, 14, 362), (-4, -4, 362), (-34, -14, 352)], [14, 13, 12, 9]), tissue["blood"])
    yield Part(tube([(-4, -4, 362), (34, -10, 346)], [11, 8]), tissue["blood"])
    portal = [(-40, -4, 176), (4, 16, 160), (18, 16, 172), (40, 14, 192)]
    yield Part(tube(portal, [4.5, 6, 6.5, 5]), tissue["veins"], keeps=True)
    for s in (RIGHT, LEFT):
        artery = [(s * 6, 8, 52), (s * 34, -6, 2), (s * 62, 30, -60), (s * 84, 42, -130), (s * 86, 36, -260)]
        yield Part(tube(artery, [7, 6.5, 6, 5.5, 5]), tissue["blood"])
        vein = [(18, -2, 30), (s * 40, -16, -8), (s * 60, 22, -66), (s * 74, 38, -130), (s * 76, 30, -260)]
        yield Part(tube(vein, [8, 7, 7, 6, 5]), tissue["veins"])
        neck = [(s * 14, 2, 398), (s * 22, -2, 470), (s * 26, -6, 560)]
        yield Part(tube(neck, [5, 4, 4]), tissue["blood"])


def muscles(nature: Nature) -> Iterator[Part]:
    """Psoas, iliacus and the muscles along the spine."""
    muscle = nature.tissues["muscle"]
    heights = np.array([
        (-60, 15, 8), (0, 26, 15), (60, 27, 17), (130, 26, 17), (200, 24, 15), (280, 21, 12),
        (380, 18, 11), (490, 16, 10),
    ], float)  # fmt: skip
    for s, name in SIDES:
        psoas = [
            (s * 25, -40, 172), (s * 31, -36, 125), (s * 41, -29, 70), (s * 52, -18, 20), (s * 66, 8, -40),
            (s * 82, 32, -90), (s * 100, 4, -140),
        ]  # fmt: skip
        yield Part(tube(nature.path(psoas, 2), [6, 10, 16, 20, 18, 15, 9]), muscle)
        yield Part(ellipsoid((s * 76, -6, 4), (26, 46, 38), (0, s * 20, s * 28)), muscle)
        column = np.array([(s * (a + 5), spine_y(z) - (41 if z < 230 else 36), z) for z, a, _ in heights])
        yield Part(_strip(column, heights), nature.tissues["back_muscle"], f"autochthon_{name}")


def _strip(centres: Floats, widths: Floats) -> Solid:
    """An upright muscle of elliptical cross-section; rows of centres, and of z, half width and half depth."""

    def field(grid: Grid) -> Array:
        z = grid.z
        x, y = (np.interp(z, centres[:, 2], centres[:, axis]).astype(np.float32) for axis in (0, 1))
        a, b = (np.interp(z, widths[:, 0], widths[:, axis]).astype(np.float32) for axis in (1, 2))
        u, v = (grid.x - x) / a, (grid.y - y) / b
        across = (np.sqrt(u**2 + v**2) - 1) * np.minimum(a, b)
        return np.asarray(np.maximum.reduce([across, centres[0, 2] - z, z - centres[-1, 2]]), np.float32)

    reach = np.array([*widths[:, 1:].max(0), 0.0])
    return Solid(field, (point(centres.min(0) - reach), point(centres.max(0) + reach)))
