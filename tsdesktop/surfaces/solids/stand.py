"""A stand: a foot on the bed and columns that hold a model above it, all one solid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tsdesktop.core.printing import Stand
from tsdesktop.surfaces.solids.columns import EMBEDDED_MM, Column, columns_under
from tsdesktop.surfaces.solids.manifolds import from_manifold, origin_of, pieces_of, to_manifold
from tsdesktop.surfaces.solids.placing import name_of_all
from tsdesktop.surfaces.solids.steps import Parts, StepContext

if TYPE_CHECKING:
    from manifold3d import CrossSection, Manifold

_LEAST_FOOT_MM = 3.0
# The foot reaches this far around the centre of mass, as a share of how high that lies: 11 degrees until it tips over.
_REACH_SHARE = 0.2
_SIDES = 96


def add_stand(parts: Parts, step: Stand, context: StepContext) -> Parts:
    """The parts and a stand that holds them as one solid on the bed. Raises ExportError and Cancelled."""
    context.at("stand", 0.0)
    origin = origin_of(parts)
    solid, _ = standing([to_manifold(each, origin) for each in parts], step)
    context.at("stand", 0.9)
    return (from_manifold(solid, name_of_all(parts)),)


def standing(solids: Sequence[Manifold], step: Stand) -> tuple[Manifold, tuple[Column, ...]]:
    """The solids, as they are turned, held `height_mm` above a foot whose bottom is at z = 0; and their columns.

    Every separate piece gets one to three columns. The foot lies under all of them and under the centre of mass, so
    that the whole stands.
    """
    from manifold3d import Manifold, OpType

    foot_mm = foot_thickness_mm(step)
    boxes = np.array([each.bounding_box() for each in solids])
    low, high = boxes[:, :3].min(axis=0), boxes[:, 3:].max(axis=0)
    shift = (-(low[0] + high[0]) / 2.0, -(low[1] + high[1]) / 2.0, foot_mm + step.height_mm - low[2])
    placed = [each.translate(shift) for each in solids]
    pieces = [piece for each in placed for piece in pieces_of(each)]
    columns = [column for piece in pieces for column in columns_under(piece, step.diameter_mm)]
    foot = Manifold.extrude(_outline(columns, centre_of_mass(placed), step), foot_mm)
    bars = [each.solid(foot_mm - EMBEDDED_MM) for each in columns]
    whole = Manifold.batch_boolean([*placed, foot, *bars], OpType.Add).as_original()
    x0, y0, _, x1, y1, _ = whole.bounding_box()
    x, y = -(x0 + x1) / 2.0, -(y0 + y1) / 2.0
    return whole.translate((x, y, 0.0)), tuple(replace(each, x=each.x + x, y=each.y + y) for each in columns)


def foot_thickness_mm(step: Stand) -> float:
    """How thick the foot is: half a column's diameter, at least 3 mm."""
    return max(_LEAST_FOOT_MM, step.diameter_mm / 2.0)


def _outline(columns: Sequence[Column], centre: tuple[float, float, float], step: Stand) -> CrossSection:
    from manifold3d import CrossSection

    rounds = [(each.x, each.y, each.radius_mm + max(3.0, step.diameter_mm / 2.0)) for each in columns]
    rounds.append((centre[0], centre[1], _REACH_SHARE * centre[2]))
    discs = [CrossSection.circle(radius, _SIDES).translate((x, y)) for x, y, radius in rounds]
    return CrossSection.batch_hull(discs)


def centre_of_mass(solids: Sequence[Manifold]) -> tuple[float, float, float]:
    """The centre of mass of solids of one material."""
    moment, volume = np.zeros(3), 0.0
    for solid in solids:
        mesh = solid.to_mesh()
        a, b, c = (mesh.vert_properties[mesh.tri_verts[:, n], :3].astype(float) for n in range(3))
        parts = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
        moment += ((a + b + c) * parts[:, None]).sum(axis=0) / 4.0
        volume += float(parts.sum())
    x, y, z = moment / volume
    return float(x), float(y), float(z)
