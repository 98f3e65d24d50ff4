"""Make-believe CT scans of the trunk with their true labels, for the sample scan and the demonstration network.

A phantom is analytic: a body of smooth solids (phantom_anatomy) is drawn from a seed, posed in the scanner and sampled
at any spacing, so that the same seed gives the same person at 3 mm and at 1 mm. World coordinates are RAS+ mm, that is
x grows to the patient's right, y to the front and z to the head. Needs numpy and scipy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from phantom_anatomy import body
from phantom_frame import BOTTOM_MM, TOP_MM, Nature, Part, Tissue, outline
from phantom_shapes import Array, Floats, Grid, rotation_xyz
from scipy.ndimage import gaussian_filter, map_coordinates

CLASSES: tuple[str, ...] = (
    "spleen", "kidney_right", "kidney_left", "gallbladder", "liver", "stomach", "pancreas",
    "lung_upper_lobe_left", "lung_lower_lobe_left", "lung_upper_lobe_right", "lung_middle_lobe_right",
    "lung_lower_lobe_right", "trachea", "small_bowel", "colon", "urinary_bladder", "sacrum",
    "vertebrae_L5", "vertebrae_L4", "vertebrae_L3", "vertebrae_L2", "vertebrae_L1",
    "heart", "aorta", "inferior_vena_cava", "femur_left", "femur_right", "hip_left", "hip_right",
    "spinal_cord", "autochthon_left", "autochthon_right", "sternum",
)  # fmt: skip
"""TotalSegmentator names; the label of a class is its position here plus one."""

LABEL = {name: number for number, name in enumerate(CLASSES, 1)}
AIR_HU, GAS_HU = -1000.0, -930.0
MOST_TURN_DEG, MOST_SCALE = 15.0, 0.2
WARP_MM = 4.5
NOISE_HU_AT_3_MM = (10.0, 20.0)
# One seed, one stream for each matter: the person stays the same at another spacing, uncut or without noise.
SHAPE, POSE, TEXTURE, NOISE, CUT = range(5)


@dataclass(frozen=True, eq=False)
class Phantom:
    """A scan with its truth: hu int16 and labels uint8, both [i, j, k]; affine from voxels to RAS+ mm."""

    hu: NDArray[np.int16]
    labels: NDArray[np.uint8]
    affine: Floats


@dataclass(frozen=True, eq=False)
class Pose:
    """From body to world: turn, then scale, then shift."""

    matrix: Floats
    shift_mm: Floats

    def world(self, points: Floats) -> Floats:
        """World mm of body mm, rows of x, y, z."""
        return np.asarray(points @ self.matrix.T + self.shift_mm)


@dataclass(frozen=True, eq=False)
class Field:
    """The scanned box: world mm of the first voxel's centre, spacing in mm and number of voxels."""

    origin_mm: Floats
    spacing_mm: Floats
    shape: tuple[int, int, int]

    @property
    def affine(self) -> Floats:
        """From voxel indices to world mm."""
        affine = np.diag([*self.spacing_mm, 1.0])
        affine[:3, 3] = self.origin_mm
        return affine

    def axes(self) -> list[Floats]:
        """World mm of the voxel centres along each axis."""
        steps = zip(self.origin_mm, self.spacing_mm, self.shape, strict=True)
        return [origin + spacing * np.arange(count) for origin, spacing, count in steps]


def make_phantom(
    seed: int,
    *,
    spacing_mm: tuple[float, float, float] = (3.0, 3.0, 3.0),
    cut: bool = False,
    pose: bool = True,
    noise: bool = True,
) -> Phantom:
    """The scan of the person that belongs to this seed.

    cut: keep only a random part of the field of view, down to about a quarter of the trunk's length.
    pose: turn by up to 15 degrees about a random axis and scale by up to 20 %; otherwise upright and of average size.
    noise: add the scanner's noise, 10 to 20 HU at 3 mm and more in smaller voxels.
    """
    if min(spacing_mm) <= 0:
        raise ValueError(f"spacing must be positive, got {spacing_mm}")
    nature = Nature((seed, SHAPE))
    placed = _pose(np.random.default_rng((seed, POSE)), pose)
    reach = placed.world(outline(nature.fat_mm + 6))
    field = _field(reach, placed, np.asarray(spacing_mm, float))
    if cut:
        field = _cut(field, np.random.default_rng((seed, CUT)))
    sharp, labels = _render(nature, placed, field, float(reach[:, 1].min()), seed)
    hu = _scanned(sharp, field, np.random.default_rng((seed, NOISE)) if noise else None)
    return Phantom(hu, labels, field.affine)


# --- pose and field of view -----------------------------------------------------------------------------------------


def _pose(random: np.random.Generator, free: bool) -> Pose:
    if not free:
        return Pose(np.eye(3), np.zeros(3))
    axis = random.standard_normal(3)
    turn = axis / np.linalg.norm(axis) * random.uniform(-MOST_TURN_DEG, MOST_TURN_DEG)
    scale = random.uniform(1 - MOST_SCALE, 1 + MOST_SCALE) * random.uniform(0.97, 1.03, 3)
    return Pose(rotation_xyz(turn) * scale, random.uniform(-25, 25, 3))


def _field(reach: Floats, pose: Pose, spacing_mm: Floats) -> Field:
    """A box around the trunk with the table below it, from the thighs to just above the lungs."""
    low, high = reach.min(0) - np.array([15, 48, 0]), reach.max(0) + np.array([15, 15, 0])
    low[2], high[2] = (pose.world(np.array([[0.0, 0.0, z]]))[0, 2] for z in (BOTTOM_MM, TOP_MM))
    shape = np.maximum(np.floor((high - low) / spacing_mm).astype(int) + 1, 1)
    return Field(low, spacing_mm, (int(shape[0]), int(shape[1]), int(shape[2])))


def _cut(field: Field, random: np.random.Generator) -> Field:
    size = np.array(field.shape)
    share = np.array([random.uniform(0.6, 1.0), random.uniform(0.7, 1.0), random.uniform(0.25, 0.8)])
    share[:2] = np.where(random.uniform(size=2) < 0.6, 1.0, share[:2])
    kept = np.maximum(np.round(size * share).astype(int), np.minimum(size, 8))
    start = np.floor(random.uniform(size=3) * (size - kept + 1)).astype(int)
    origin = field.origin_mm + start * field.spacing_mm
    return Field(origin, field.spacing_mm, (int(kept[0]), int(kept[1]), int(kept[2])))


# --- rendering ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Canvas:
    """What is painted on: the grid in body mm, HU, labels, and two textures of unit spread."""

    grid: Grid
    hu: Array
    labels: NDArray[np.uint8]
    fine: Array
    coarse: Array
    blur_mm: float


def _render(nature: Nature, pose: Pose, field: Field, back_mm: float, seed: int) -> tuple[Array, NDArray[np.uint8]]:
    random = np.random.default_rng((seed, TEXTURE))
    hu = np.full(field.shape, AIR_HU, np.float32)
    _paint_table(hu, field, back_mm)
    canvas = Canvas(
        grid=_body_grid(pose, field, random),
        hu=hu,
        labels=np.zeros(field.shape, np.uint8),
        fine=_texture(field, 9.0, random),
        coarse=_texture(field, 34.0, random),
        blur_mm=float(np.prod(field.spacing_mm) ** (1 / 3)) + 0.6,
    )
    for part in body(nature):
        _paint(canvas, part)
    return canvas.hu, canvas.labels


def _paint(canvas: Canvas, part: Part) -> None:
    """Cover what lies inside the part; voxels on its surface get their share of it."""
    box = canvas.grid.box(*part.shape.bounds)
    if canvas.hu[box].size == 0:
        return
    grid = canvas.grid.part(box)
    distance = part.shape.distance(grid)
    touched = distance < canvas.blur_mm / 2
    depth = distance[touched]
    value = _attenuation(part.tissue, depth, canvas.fine[box][touched], canvas.coarse[box][touched])
    if part.gas is not None:
        gas = np.clip(0.5 - np.maximum(part.gas(grid)[touched], depth + 3) / canvas.blur_mm, 0, 1)
        value = value + gas * (GAS_HU - value)
    share = np.clip(0.5 - depth / canvas.blur_mm, 0, 1)
    canvas.hu[box][touched] += share * (value - canvas.hu[box][touched])
    if not part.keeps:
        canvas.labels[box][distance < 0] = LABEL[part.structure] if part.structure else 0


def _attenuation(tissue: Tissue, depth: Array, fine: Array, coarse: Array) -> Array:
    value = tissue.hu + tissue.texture_hu * fine
    if tissue.shell_hu is not None:
        value += (tissue.shell_hu - value) * np.exp(-((np.minimum(depth, 0) / tissue.shell_mm) ** 2))
    if tissue.marbled:
        value -= 75 * np.exp(-((coarse / 0.09) ** 2)) * np.clip(-depth / 3, 0, 1)
    return value.astype(np.float32)


def _body_grid(pose: Pose, field: Field, random: np.random.Generator) -> Grid:
    """Body mm of every voxel, gently bent so that no two people are straight in the same way."""
    inverse = np.linalg.inv(pose.matrix)
    axes = field.axes()
    x, y, z = (
        sum(
            (inverse[row, axis] * (axes[axis] - pose.shift_mm[axis])).astype(np.float32)[_along(axis)]
            for axis in range(3)
        )
        for row in range(3)
    )
    bent = [axis + _bend((x, y, z), random) for axis in (x, y, z)]
    to_index = np.hstack([pose.matrix, (pose.shift_mm - field.origin_mm)[:, None]]) / field.spacing_mm[:, None]
    return Grid(bent[0], bent[1], bent[2], to_index, margin_mm=WARP_MM + float(field.spacing_mm.max()) + 1)


def _bend(place: tuple[Array, Array, Array], random: np.random.Generator) -> Array:
    total = np.zeros_like(place[0])
    for share in (0.6, 0.4):
        direction = random.standard_normal(3)
        wave = direction / np.linalg.norm(direction) * 2 * np.pi / random.uniform(150, 320)
        phase = sum(np.float32(w) * p for w, p in zip(wave, place, strict=True))
        total += np.float32(share * WARP_MM) * np.sin(phase + np.float32(random.uniform(0, 2 * np.pi)))
    return total


def _along(axis: int) -> tuple[slice | None, ...]:
    return tuple(slice(None) if own == axis else None for own in range(3))


def _texture(field: Field, grain_mm: float, random: np.random.Generator) -> Array:
    """Smooth noise of unit spread whose grain is this many mm at any spacing."""
    lattice = random.standard_normal((64, 64, 96)).astype(np.float32)
    lattice = gaussian_filter(lattice, 0.7, mode="wrap")
    lattice /= lattice.std()
    places = np.meshgrid(*[(axis / grain_mm) for axis in field.axes()], indexing="ij", sparse=True)
    full = np.broadcast_arrays(*places)
    return np.asarray(map_coordinates(lattice, full, order=1, mode="grid-wrap", output=np.float32))


def _paint_table(hu: Array, field: Field, back_mm: float) -> None:
    """The couch: a shallow trough of foam with a denser shell, behind the patient's back."""
    x, y, _ = field.axes()
    middle = (x[0] + x[-1]) / 2
    top = back_mm - 5 + 0.0007 * (x - middle)[:, None] ** 2
    depth = np.maximum(y[None, :] - top, (top - 22) - y[None, :])
    depth = np.maximum(depth, np.abs(x - middle)[:, None] - 215)
    shell = np.clip(1.3 - np.abs(depth + 1.5) / field.spacing_mm[:2].mean(), 0, 1)
    flat = np.where(depth < 0, -880.0, AIR_HU) + 820 * shell
    hu[:] = flat.astype(np.float32)[:, :, None]


def _scanned(hu: Array, field: Field, random: np.random.Generator | None) -> NDArray[np.int16]:
    """Blur of the scanner and, with a random source, its noise."""
    seen: Array = gaussian_filter(hu, 1.0 / field.spacing_mm)
    if random is not None:
        spread = random.uniform(*NOISE_HU_AT_3_MM) * np.clip(27 / np.prod(field.spacing_mm), 0.3, 6) ** 0.5
        seen += np.float32(spread) * random.standard_normal(field.shape, dtype=np.float32)
    return np.asarray(np.clip(np.round(seen), -1024, 3071), np.int16)
