"""Where parts lie on the printer's bed: scale, fit, and the flat side down. z is up, the bed is at z = 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from tsdesktop.core.errors import OptionsError
from tsdesktop.core.notes import note
from tsdesktop.core.printers import bed
from tsdesktop.core.printing import FitToBed, LayFlat, PrintRecipe, Scale
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.solids.manifolds import from_manifold, solid_of
from tsdesktop.surfaces.solids.steps import Parts, StepContext
from tsdesktop.surfaces.solids.union import merged_structure

Vertices = NDArray[np.float64]
# Around everything on the bed, where printers print badly.
BED_MARGIN_MM = 2.0
_GAP_MM = 5.0
# Facets of the hull that lean less than this count as one side; what stands off less touches the bed.
_SAME_SIDE_DEGREES = 2.0
_SAME_SIDE_MM = 0.3
_MOST_SIDES = 60
# A side counts as flat when this share of the hull's surface really touches the bed.
_FLAT_SHARE = 0.01
_LEAST_TIPPING_DEGREES = 5.0


@dataclass(frozen=True, eq=False)
class Side:
    """A side of a part it could lie on: outward normal, area in touch with the bed in mm2, and how it would stand.

    `tipping_degrees` is by how much it can lean before it tips over (negative: it does not stand), `rise_mm` how high
    its centre of mass lies.
    """

    normal: NDArray[np.float64]
    contact_mm2: float
    tipping_degrees: float
    rise_mm: float


def scale(parts: Parts, step: Scale, context: StepContext) -> Parts:
    """The parts at another size, on the bed."""
    context.at("scale", 0.0)
    return scaled(parts, step.percent)


def fit_to_bed(parts: Parts, _step: FitToBed, context: StepContext) -> Parts:
    """The parts shrunk until they fit on the recipe's bed. Raises OptionsError when it names none."""
    context.at("fit to bed", 0.0)
    size_mm = bed_of(context.recipe)
    if size_mm is None:
        raise OptionsError("print.no_bed")
    placed, percent = fitted(parts, size_mm)
    room = " x ".join(f"{side:g}" for side in size_mm)
    if percent < 100.0:
        context.note(note("note.scaled_to_fit", percent=round(percent, 1), bed=room))
    else:
        context.note(note("note.fits_the_bed", bed=room))
    return placed


def lay_flat(parts: Parts, _step: LayFlat, context: StepContext) -> Parts:
    """Every part with its best side down, beside each other on the bed."""
    flat = []
    for n, part in enumerate(parts):
        context.at(f"flat side of {part.structure.title}", n / len(parts))
        flat.append(_flat(part))
    return _beside_each_other(flat, bed_of(context.recipe))


def bed_of(recipe: PrintRecipe) -> tuple[float, float, float] | None:
    """The bed of a recipe: width, depth and height in mm; None when it names none. Raises OptionsError."""
    if recipe.custom_bed_mm is not None:
        return recipe.custom_bed_mm
    return bed(recipe.bed).size_mm if recipe.bed else None


def name_of_all(parts: Parts) -> StructureClass:
    """What several parts are called once they are one: "merged", in the colour of the largest; one keeps its name."""
    return parts[0].structure if len(parts) == 1 else merged_structure(parts, "merged")


def on_bed(parts: Sequence[SurfaceMesh]) -> tuple[SurfaceMesh, ...]:
    """The parts moved together so that their lowest point is at z = 0 and their middle at x = y = 0."""
    return _turned(parts, np.eye(3))


def scaled(parts: Sequence[SurfaceMesh], percent: float) -> tuple[SurfaceMesh, ...]:
    """The parts at `percent` of their size, the same in all directions, on the bed."""
    return _turned(parts, np.eye(3) * (percent / 100.0))


def fitted(parts: Sequence[SurfaceMesh], bed_mm: tuple[float, float, float]) -> tuple[tuple[SurfaceMesh, ...], float]:
    """The parts shrunk together until all of them fit on a bed of that width, depth and height; and the percentage.

    They are turned by a quarter about z where they fit better so. What fits as it is stays as large as it is.
    """
    low, high = _bounds(parts)
    room = np.array(bed_mm) - (2.0 * BED_MARGIN_MM, 2.0 * BED_MARGIN_MM, 0.0)
    along, across = (_factor(room, (high - low)[order]) for order in ([0, 1, 2], [1, 0, 2]))
    turn = np.eye(3) if along >= min(across, 1.0) else np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    factor = min(1.0, max(along, across))
    return _turned(parts, turn * factor), 100.0 * factor


def best_side(part: SurfaceMesh) -> Side:
    """The side to lie on: of the flat ones it stands on, the one with most contact; else the most stable of all.

    The hull's facet with the lowest centre of mass always stands, whatever the shape.
    """
    vertices = _places(part)
    hull = ConvexHull(vertices)
    sides = _sides(part, hull, vertices)
    flat = [each for each in sides if each.tipping_degrees >= _LEAST_TIPPING_DEGREES]
    flat = [each for each in flat if each.contact_mm2 >= _FLAT_SHARE * hull.area]
    if flat:
        return max(flat, key=lambda side: (side.contact_mm2, side.tipping_degrees))
    return min(sides, key=lambda side: side.rise_mm)


def _sides(part: SurfaceMesh, hull: ConvexHull, vertices: Vertices) -> list[Side]:
    centre = _centre_of_mass(part)
    normals, offsets, areas = _facets(hull)
    a, b, c = (vertices[part.triangles[:, n]] for n in range(3))
    across = np.cross(b - a, c - a) / 2.0
    lowest = int(np.argmin(normals @ centre * -1.0 - offsets))
    out = []
    for n in [lowest, *_distinct(normals, areas)]:
        depths = vertices @ normals[n] + offsets[n]
        touching = (depths > -_SAME_SIDE_MM)[part.triangles].all(axis=1)
        facing = across[touching] @ normals[n]
        contact = float(facing[facing > 0.95 * np.linalg.norm(across[touching], axis=1)].sum())
        rise = float(-(centre @ normals[n] + offsets[n]))
        ground = vertices[hull.vertices][depths[hull.vertices] > -_SAME_SIDE_MM]
        out.append(Side(normals[n], contact, _tipping(ground, centre, normals[n], rise), rise))
    return out


def _facets(hull: ConvexHull) -> tuple[Vertices, NDArray[np.float64], NDArray[np.float64]]:
    """Unit normals, offsets (normal . x + offset = 0 on the facet) and areas of the hull's triangles."""
    a, b, c = (hull.points[hull.simplices[:, n]] for n in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2.0
    return hull.equations[:, :3], hull.equations[:, 3], areas


def _distinct(normals: Vertices, areas: NDArray[np.float64]) -> list[int]:
    """One facet for each side of the hull, the largest sides first: facets that hardly lean count as one side."""
    same = np.cos(np.radians(_SAME_SIDE_DEGREES))
    left = np.ones(len(areas), bool)
    sides: list[tuple[float, int]] = []
    for n in np.argsort(-areas):
        if not left[n]:
            continue
        group = left & (normals @ normals[n] >= same)
        left &= ~group
        sides.append((float(areas[group].sum()), int(n)))
    return [n for _, n in sorted(sides, reverse=True)[:_MOST_SIDES]]


def _tipping(ground: Vertices, centre: NDArray[np.float64], normal: NDArray[np.float64], rise: float) -> float:
    """By how many degrees something standing on these points can lean; negative when it does not stand."""
    flat = ground @ _plane_axes(normal).T
    middle = _plane_axes(normal) @ centre
    try:
        edges = ConvexHull(flat).equations
    except (QhullError, ValueError):
        return -90.0
    nearest = float(-(edges[:, :2] @ middle + edges[:, 2]).max())
    return float(np.degrees(np.arctan2(nearest, max(rise, 1e-6))))


def _plane_axes(normal: NDArray[np.float64]) -> Vertices:
    """Two unit vectors at right angles to `normal` and to each other, as rows."""
    first = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first)])


def _centre_of_mass(part: SurfaceMesh) -> NDArray[np.float64]:
    vertices = _places(part)
    a, b, c = (vertices[part.triangles[:, n]] for n in range(3))
    weights = np.einsum("ij,ij->i", a, np.cross(b, c))
    return np.asarray(((a + b + c) * weights[:, None]).sum(axis=0) / (4.0 * weights.sum()))


def _flat(part: SurfaceMesh) -> SurfaceMesh:
    """The part on its best side, its long side along x, at z = 0 and in the middle."""
    down = _turn_between(best_side(part).normal, np.array([0.0, 0.0, -1.0]))
    turn = _aligned(_places(part) @ down.T) @ down
    return _turned([part], turn)[0]


def _turn_between(start: NDArray[np.float64], end: NDArray[np.float64]) -> Vertices:
    """The smallest rotation that takes one unit vector to the other (Rodrigues' formula)."""
    cosine = float(start @ end)
    if cosine < -1.0 + 1e-9:
        return np.diag([1.0, -1.0, -1.0]) if abs(start[0]) < 0.5 else np.diag([-1.0, 1.0, -1.0])
    x, y, z = np.cross(start, end)
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + skew + skew @ skew / (1.0 + cosine))


def _aligned(vertices: Vertices) -> Vertices:
    """The turn about z after which the smallest rectangle around the parts lies along x and y, longer along x.

    One side of that rectangle lies along an edge of the convex hull (Freeman and Shapira 1975).
    """
    flat = vertices[:, :2]
    outline = flat[ConvexHull(flat).vertices]
    edges = np.roll(outline, -1, axis=0) - outline
    angles = np.unique(np.round(np.arctan2(edges[:, 1], edges[:, 0]) % (np.pi / 2.0), 6))
    turns = np.stack([_about_z(-angle)[:2, :2] for angle in (0.0, *angles)])
    sizes = np.ptp(outline @ turns.transpose(0, 2, 1), axis=1)
    # As it lies wins unless another turn is better by more than rounding.
    areas = np.prod(sizes, axis=1)
    best = int(np.argmin(np.where(np.arange(len(areas)) == 0, areas * 0.999, areas)))
    quarter = 0.0 if sizes[best, 0] >= sizes[best, 1] else np.pi / 2.0
    return _about_z(quarter - (0.0, *angles)[best])


def _about_z(angle: float) -> Vertices:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _beside_each_other(
    parts: Sequence[SurfaceMesh], bed_mm: tuple[float, float, float] | None
) -> tuple[SurfaceMesh, ...]:
    """Parts that lie in the middle, set out in rows of about the bed's width, deep parts first."""
    if len(parts) < 2:
        return tuple(parts)
    sizes = [np.ptp(part.bounds_mm, axis=0)[:2] + _GAP_MM for part in parts]
    width = bed_mm[0] - 2.0 * BED_MARGIN_MM if bed_mm else 1.2 * float(np.sqrt(sum(w * d for w, d in sizes)))
    shifts: dict[int, NDArray[np.float64]] = {}
    x = y = row = 0.0
    for n in sorted(range(len(parts)), key=lambda n: -sizes[n][1]):
        if x > 0.0 and x + sizes[n][0] - _GAP_MM > width:
            x, y, row = 0.0, y + row, 0.0
        shifts[n] = np.array([x + sizes[n][0] / 2.0, y + sizes[n][1] / 2.0, 0.0])
        x, row = x + float(sizes[n][0]), max(row, float(sizes[n][1]))
    low = np.min([shifts[n] + part.bounds_mm[0] for n, part in enumerate(parts)], axis=0)
    high = np.max([shifts[n] + part.bounds_mm[1] for n, part in enumerate(parts)], axis=0)
    middle = np.array([(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0, 0.0])
    return tuple(_rounded(part, _places(part) + shifts[n] - middle) for n, part in enumerate(parts))


def _bounds(parts: Sequence[SurfaceMesh]) -> Vertices:
    bounds = np.array([part.bounds_mm for part in parts])
    return np.stack([bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)])


def _factor(room: NDArray[np.float64], size: NDArray[np.float64]) -> float:
    return float((room / np.maximum(size, 1e-9)).min())


def _turned(parts: Sequence[SurfaceMesh], matrix: Vertices) -> tuple[SurfaceMesh, ...]:
    """The parts turned and scaled together by a 3x3 matrix and put on the bed; rounded to float32 once."""
    middle = _bounds(parts).mean(axis=0)
    places = [(_places(part) - middle) @ matrix.T for part in parts]
    low = np.min([each.min(axis=0) for each in places], axis=0)
    high = np.max([each.max(axis=0) for each in places], axis=0)
    shift = np.array([-(low[0] + high[0]) / 2.0, -(low[1] + high[1]) / 2.0, -low[2]])
    return tuple(_rounded(part, each + shift) for part, each in zip(parts, places, strict=True))


def _rounded(part: SurfaceMesh, places: Vertices) -> SurfaceMesh:
    """The part at these places. Where rounding to float32 brings corners together, needless ones are removed first."""
    moved = part.with_vertices(places.astype(np.float32))
    if _places_count(moved) == _places_count(part):
        return moved
    return from_manifold(solid_of(places, part.triangles, part.structure.title), part.structure)


def _places_count(part: SurfaceMesh) -> int:
    rows = np.ascontiguousarray(part.vertices_ras + np.float32(0.0)).view(np.dtype((np.void, 12)))
    return len(np.unique(rows[:, 0]))


def _places(part: SurfaceMesh) -> Vertices:
    return part.vertices_ras.astype(np.float64)
