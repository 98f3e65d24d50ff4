"""A base plate under a model: everything that stands on it becomes one solid with it.

Pieces that reach the plate sink a little into it. Pieces that hang above it, or touch it in little more than a point,
get columns. Found again in any solid by its shape, so that a label can be put on it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tsdesktop.core.notes import note
from tsdesktop.core.printing import Plate
from tsdesktop.surfaces.solids.columns import Column, columns_under
from tsdesktop.surfaces.solids.manifolds import from_manifold, origin_of, pieces_of, to_manifold
from tsdesktop.surfaces.solids.placing import name_of_all
from tsdesktop.surfaces.solids.steps import Parts, StepContext

if TYPE_CHECKING:
    from manifold3d import CrossSection, Manifold

_SUNK_MM = 0.4
_ROUNDEST_CORNER_MM = 5.0
_COLUMN_SHARE_OF_HEIGHT = 0.035
_COLUMN_MM = (3.0, 8.0)
_SIDES = 128
# What counts as a plate: its lower and upper outline agree, and so much of its upper side is free.
_SAME_AREA = 0.01
_FREE_SHARE = 0.02
_MOST_LEVELS = 12


@dataclass(frozen=True, eq=False)
class Plated:
    """A model with its plate as one solid, bottom at z = 0, and what holds the pieces that do not touch the plate."""

    solid: Manifold
    columns: tuple[Column, ...]
    held_pieces: int


@dataclass(frozen=True, eq=False)
class FoundPlate:
    """A plate at the bottom of a solid: its outline and its lower and upper height in mm."""

    outline: CrossSection
    bottom_mm: float
    top_mm: float


def add_plate(parts: Parts, step: Plate, context: StepContext) -> Parts:
    """The parts and a plate under them as one solid on the bed. Raises ExportError and Cancelled."""
    context.at("base plate", 0.0)
    origin = origin_of(parts)
    made = plated([to_manifold(each, origin) for each in parts], step)
    context.at("base plate", 0.9)
    if made.columns:
        widest = 2.0 * max(each.radius_mm for each in made.columns)
        counts = {"pieces": made.held_pieces, "count": len(made.columns), "diameter_mm": round(widest, 1)}
        context.note(note("note.plate_columns", **counts))
    return (from_manifold(made.solid, name_of_all(parts)),)


def plated(solids: Sequence[Manifold], step: Plate) -> Plated:
    """The solids, as they are turned, on a plate under their lowest point."""
    from manifold3d import Manifold, OpType

    low, high = _bounds(solids)
    sunk = min(_SUNK_MM, step.thickness_mm / 2.0)
    shift = (-(low[0] + high[0]) / 2.0, -(low[1] + high[1]) / 2.0, step.thickness_mm - sunk - low[2])
    placed = [each.translate(shift) for each in solids]
    plate = Manifold.extrude(plate_outline(placed, step), step.thickness_mm)
    width = float(np.clip(_COLUMN_SHARE_OF_HEIGHT * (high[2] - low[2]), *_COLUMN_MM))
    columns: list[Column] = []
    held = 0
    for piece in (piece for each in placed for piece in pieces_of(each)):
        more = [] if _stands(piece, step.thickness_mm, width) else columns_under(piece, width)
        held += bool(more)
        columns += more
    bars = [each.solid(step.thickness_mm - sunk) for each in columns]
    whole = Manifold.batch_boolean([*placed, plate, *bars], OpType.Add)
    # As one original, seams between what was united are removed with the other needless corners.
    return Plated(whole.as_original(), tuple(columns), held)


def plate_outline(solids: Sequence[Manifold], step: Plate) -> CrossSection:
    """The outline of the plate: a rectangle with round corners, or an ellipse of the same proportions as the model."""
    from manifold3d import CrossSection

    low, high = _bounds(solids)
    middle, half = (low + high)[:2] / 2.0, (high - low)[:2] / 2.0
    if step.shape == "ellipse":
        spots = np.concatenate([each.to_mesh().vert_properties[:, :2] for each in solids])
        reach = float(np.sqrt((((spots - middle) / np.maximum(half, 1e-6)) ** 2).sum(axis=1).max()))
        axes = half * reach + step.margin_mm
        return CrossSection.circle(1.0, _SIDES).scale(tuple(axes)).translate(tuple(middle))
    return rounded_rectangle(tuple(middle), tuple(2.0 * (half + step.margin_mm)), step.margin_mm)


def rounded_rectangle(middle: tuple[float, float], size: tuple[float, float], radius_mm: float) -> CrossSection:
    """A rectangle whose corners are rounded by at most `radius_mm`, and never more than a quarter of its short side."""
    from manifold3d import CrossSection, JoinType

    radius = min(radius_mm, _ROUNDEST_CORNER_MM, min(size) / 4.0)
    inner = CrossSection.square((size[0] - 2.0 * radius, size[1] - 2.0 * radius), center=True)
    rounded = inner.offset(radius, JoinType.Round, circular_segments=_SIDES) if radius > 0.0 else inner
    return rounded.translate(middle)


def plate_of(solid: Manifold) -> FoundPlate | None:
    """The plate a solid stands on: upright sides, a level top with free room; None when it stands on none.

    Plates and feet are convex, so their outlines are those of their hulls, whatever is engraved in them.
    """
    mesh = solid.to_mesh()
    bottom = float(solid.bounding_box()[2])
    levels = _levels(mesh.vert_properties[:, :3].astype(float), mesh.tri_verts, bottom)
    plates = (_plate_between(solid, bottom, top) for top in levels)
    return next((each for each in plates if each is not None), None)


def _plate_between(solid: Manifold, bottom: float, top: float) -> FoundPlate | None:
    inset = (top - bottom) * 0.05
    lower, upper = (solid.slice(height).hull() for height in (bottom + inset, top - inset))
    model = solid.slice(top + inset).area()
    if model == 0.0 or abs(lower.area() - upper.area()) > _SAME_AREA * lower.area():
        return None
    return FoundPlate(lower, bottom, top) if model < (1.0 - _FREE_SHARE) * lower.area() else None


def _levels(
    vertices: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    triangles: np.ndarray[tuple[int, ...], np.dtype[np.uint32]],
    bottom: float,
) -> list[float]:
    """The heights of the largest level areas that face up, the lowest first."""
    a, b, c = (vertices[triangles[:, n]] for n in range(3))
    across = np.cross(b - a, c - a)
    level = (across[:, 2] > 0.99999 * np.linalg.norm(across, axis=1)) & (a[:, 2] > bottom)
    if not level.any():
        return []
    _, number = np.unique(np.round(a[level, 2], 3), return_inverse=True)
    areas = np.bincount(number, across[level, 2])
    largest = np.argsort(-areas)[:_MOST_LEVELS]
    return sorted(float(a[level, 2][number == n].max()) for n in largest)


def _stands(piece: Manifold, top_mm: float, width_mm: float) -> bool:
    """Whether a piece meets the plate in an area that holds it: at least that of a column."""
    needed = np.pi / 4.0 * width_mm**2
    x0, y0, z0, x1, y1, _ = piece.bounding_box()
    return bool(z0 < top_mm and piece.slice(top_mm).area() >= min(needed, 0.5 * (x1 - x0) * (y1 - y0)))


def _bounds(solids: Sequence[Manifold]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Lowest and highest corner around all solids, (2, 3)."""
    boxes = np.array([each.bounding_box() for each in solids])
    return np.stack([boxes[:, :3].min(axis=0), boxes[:, 3:].max(axis=0)])
