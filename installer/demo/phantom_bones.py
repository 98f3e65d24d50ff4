"""The phantom's bones: spine, ribs, shoulders and hips, with the cord in its canal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from phantom_frame import (
    CAVITY,
    LEFT,
    RIGHT,
    TRUNK,
    Nature,
    Part,
    front_y,
    profile,
    spine_column,
    spine_y,
    stacked,
    vertebral_half_depth,
)
from phantom_shapes import (
    Array,
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

LUMBAR = ("vertebrae_L5", "vertebrae_L4", "vertebrae_L3", "vertebrae_L2", "vertebrae_L1")
LUMBAR_PITCH_MM = 36.0
THORACIC_PITCH_MM = (28, 28, 27, 26, 25, 24, 23, 22, 21, 21, 20, 20)
RIB_END_DEG = (62, 62, 63, 64, 64, 64, 62, 52, 42, 28, -8, -34)
RIB_DROP_MM = (34, 52, 70, 82, 92, 100, 106, 108, 102, 92, 62, 40)


def spine(nature: Nature) -> Iterator[Part]:
    """Sacrum, vertebrae, discs, and the canal with its cord."""
    tissue = nature.tissues
    yield Part(spine_column(), tissue["disc"])
    yield from _sacrum(nature)
    low = 0.0
    for name in LUMBAR:
        yield from _vertebra(nature, low, LUMBAR_PITCH_MM, name)
        low += LUMBAR_PITCH_MM
    for pitch in (*THORACIC_PITCH_MM, 18, 17, 17, 17):
        yield from _vertebra(nature, low, pitch, None)
        low += pitch
    canal = [(0, spine_y(z) - vertebral_half_depth(z) - 9, z) for z in (-50, 0, 60, 120, 180, 260, 340, 420, 480, 560)]
    yield Part(tube(canal, [6, 7.5, 8.5, 8.5, 8.5, 8, 8, 8, 8, 8], 20), tissue["fluid"])
    cord = [point for point in canal if point[2] >= 180]
    tip = (0.0, spine_y(140) - vertebral_half_depth(140) - 9, nature.near(142, 4))
    yield Part(tube([tip, *cord], [5.0, *[6.2] * len(cord)], 20), tissue["cord"], "spinal_cord")


def _vertebra(nature: Nature, low_mm: float, pitch_mm: float, name: str | None) -> Iterator[Part]:
    """One vertebra: its body and arch, spinous and transverse processes."""
    lumbar = name is not None
    disc = 0.26 * pitch_mm if lumbar else 0.2 * pitch_mm
    low, high = low_mm + disc / 2, low_mm + pitch_mm - disc / 2
    centre = (low + high) / 2
    y, depth = spine_y(centre), vertebral_half_depth(centre)
    lean = (spine_y(high + 6) - spine_y(low - 6)) / (high - low + 12)

    def block(grid: Grid) -> Array:
        slant = grid.z - centre + lean * (grid.y - y)
        waist = np.float32(1.6) - np.float32(6.4) * (slant / (high - low)) ** 2
        across = column.distance(grid) + np.maximum(waist, 0)
        return -smooth_min(-across, np.asarray((high - low) / 2 - np.abs(slant), np.float32), 4)

    column = spine_column(1.0)
    corpus = Solid(block, ((-32, y - 30, low - 6), (32, y + 30, high + 6)))
    processes = _processes(y - depth, centre, lumbar)
    yield Part(union([corpus, *processes], 3), nature.tissues["bone"], name)


def _processes(back: float, z: float, lumbar: bool) -> list[Shape]:
    """Arch, transverse and spinous processes of a vertebra whose body ends at y = back."""
    size, wing = (1.0, (42, 10)) if lumbar else (0.8, (32, 18))
    spine_end = (0, back - 42, z - 6) if lumbar else (0, back - 34, z - 20)
    found: list[Shape] = [tube([(0, back - 19, z - 3), spine_end], [4.5, 4.5])]
    for s in (RIGHT, LEFT):
        arch = [(s * 13 * size, back + 3, z + 4), (s * 14 * size, back - 10, z + 1), (0, back - 20, z - 4)]
        found.append(tube(arch, [5.5 * size, 5.5 * size, 4.5 * size]))
        found.append(tube([(s * 14 * size, back - 9, z + 1), (s * wing[0], back - wing[1], z + 4)], [5.0, 3.6]))
    return found


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
        ends = np.minimum(-tilt, grid.z + 112) * np.float32(0.88)
        return -smooth_min(-across.astype(np.float32), ends.astype(np.float32), 5)

    yield Part(Solid(field, ((-56, -100, -114), (56, 0, 30))), nature.tissues["bone"], "sacrum")


def rib_cage(nature: Nature) -> Iterator[Part]:
    """Ribs, their cartilage, sternum and shoulders."""
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
        clavicle = [(side * 20, front_y(428) + 10, 428), (side * 70, 28, 442), (side * 140, -8, 456)]
        yield Part(tube(clavicle, [6.5, 5.5, 6]), bone)
        yield from _shoulder(nature, side)


def _rib(number: int, height_mm: float, side: float) -> list[Point]:
    """Course of one rib (0 is the first) from its vertebra around the chest to the front."""
    end, drop = RIB_END_DEG[number], RIB_DROP_MM[number]
    path = [(side * 20, spine_y(height_mm) - 14, height_mm)]
    for angle in np.linspace(-72, end, 11):
        share = (angle + 80) / (end + 80)
        z = height_mm + 3 - drop * share**1.25
        a, b, y = profile(CAVITY, min(z, 440))
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        u, v = (np.sign(c) * np.abs(c) ** (2 / 2.4) for c in (cosine, sine))
        path.append((float(side * (a + 5) * u), float(y + (b + 5) * v), float(z)))
    return path


def _costal_cartilage(number: int, start: Point, side: float) -> Shape:
    z = 412 - 21 * number if number < 7 else 272
    inner = (side * 18.0, front_y(z) + 8, z)
    share = np.array([0.55, 0.6, 0.38])
    between = (1 - share) * start + share * inner + (0, 4, 0)
    return tube(np.array([start, between, inner]), [5.0, 5.0, 4.5])


def _sternum(nature: Nature) -> Solid:
    wide = nature.near(1.0, 0.06)
    spots = np.arange(240.0, 460.0, 10.0)
    front = np.array([front_y(z) + 9 for z in spots])

    def field(grid: Grid) -> Array:
        y = np.interp(grid.z, spots, front).astype(np.float32)
        half = np.interp(grid.z, (255, 285, 330, 372, 385, 425), (6, 17, 18, 15, 24, 30)).astype(np.float32) * wide
        inward = np.maximum.reduce([np.abs(grid.x) - half, np.abs(grid.y - y) - 6, np.abs(grid.z - 342) - 84])
        return np.asarray(inward, np.float32)

    return Solid(field, ((-36, 0, 255), (36, 120, 428)))


def _shoulder(nature: Nature, side: float) -> Iterator[Part]:
    bone = nature.tissues["bone"]

    def blade(grid: Grid) -> Array:
        outward = side * grid.x
        return np.asarray(np.abs(grid.y + 112 - 0.42 * outward - 0.0016 * (outward - 90) ** 2) * 0.9 - 3.2, np.float32)

    edge = ellipsoid((side * 98, -74, 382), (44, 60, 66), (0, side * -16, 0))
    yield Part(inside(edge, blade, stacked(TRUNK, -4)), bone)
    yield Part(tube([(side * 76, -84, 420), (side * 120, -62, 442), (side * 146, -26, 456)], [4, 6, 7]), bone)
    yield Part(ellipsoid((side * 158, -16, 432), (22, 22, 23)), bone)


def hip(nature: Nature, side: float, name: str) -> Iterator[Part]:
    """Hip bone and femur of one side."""
    bone, socket = nature.tissues["bone"], np.array(nature.place(side * 90, 2, -96, 2))
    head = ellipsoid(socket, (24, 24, 24))
    yield Part(_hip_bone(socket, side), bone, f"hip_{name}")
    yield Part(ellipsoid(socket, (26.5, 26.5, 26.5)), nature.tissues["cartilage"])
    neck = tube(socket + np.array([(0, 0, 0), (side * 24, -8, -10), (side * 42, -16, -18)]), [15, 13.5, 16])
    course = np.array([(side * 46, -18, -8), (side * 44, -16, -34), (side * 38, -10, -80), (side * 26, -4, -320)])
    shaft = tube(socket + course, [12, 18, 15.5, 14])
    yield Part(union([head, neck, shaft], 6), bone, f"femur_{name}")


def _hip_bone(socket: Floats, side: float) -> Solid:
    x, y, z = (float(value) for value in socket)

    def ball(radius_mm: float) -> Shape:
        return ellipsoid((x, y, z), (radius_mm, radius_mm, radius_mm))

    def wing_field(grid: Grid) -> Array:
        along, up = grid.y - y, grid.z - z - 78
        middle = side * (x * side - 6) + side * (0.46 * along + 0.27 * up - 0.0022 * along**2 + 0.0012 * up**2)
        thick = 4.5 + 3.5 * np.clip(1 - np.abs(up - 48) / 30, 0, 1) + 5 * np.clip(-(up + 18) / 40, 0, 1)
        plate = np.abs(grid.x - middle) / np.float32(1.13) - thick
        rim = (np.sqrt((along / 68) ** 2 + ((up + 4) / 56) ** 2) - 1) * 50
        return np.asarray(-smooth_min(-plate, -rim, 5), np.float32)

    wing = Solid(wing_field, ((x - 70, y - 75, z), (x + 70, y + 75, z + 140)))
    cup = inside(ball(34), lambda grid: (side * (grid.x - x) * 0.8 - (grid.z - z) * 0.6) - 8)
    whole = union([wing, cup, *_rami(socket, side)], 8)
    return inside(whole, outside(ball(26.5)), lambda grid: np.asarray(3 - side * grid.x, np.float32))


def _rami(socket: Floats, side: float) -> list[Shape]:
    """Ischium, and the upper and lower branch of the pubic bone, from places beside the socket."""
    courses = (
        ([(-8, -26, -2), (-18, -38, -28), (-26, -34, -48)], [15, 14, 15]),
        ([(-16, 18, 4), (-50, 42, -12), (-80, 46, -18)], [12, 8.5, 10]),
        ([(-80, 44, -24), (-60, 12, -48), (-30, -28, -54)], [9, 7, 9]),
    )
    return [tube(socket + np.array(course) * (side, 1, 1), radii) for course, radii in courses]
