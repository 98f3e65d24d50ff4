"""Steps on solids that take them apart and put them together: union, largest piece, small pieces, cavities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tsdesktop.core.notes import note
from tsdesktop.core.printing import FillHoles, KeepLargest, Merge, RemoveIslands
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.solids.manifolds import filled, from_manifold, origin_of, pieces_of, to_manifold, united
from tsdesktop.surfaces.solids.steps import Parts, StepContext

if TYPE_CHECKING:
    from manifold3d import Manifold


def merge(parts: Parts, step: Merge, context: StepContext) -> Parts:
    """All parts as one solid: their boolean union. Its colour is that of the largest part."""
    return (union_of(parts, merged_structure(parts, step.name), context),)


def union_of(parts: Sequence[SurfaceMesh], structure: StructureClass, context: StepContext) -> SurfaceMesh:
    """The boolean union of parts as one part of that structure. Raises ExportError, Cancelled."""
    origin = origin_of(parts)
    solids = []
    for n, part in enumerate(parts):
        context.at(part.structure.title, 0.5 * n / len(parts))
        solids.append(to_manifold(part, origin))
    context.at(structure.title, 0.5)
    return from_manifold(united(solids), structure, origin)


def merged_structure(parts: Sequence[SurfaceMesh], name: str) -> StructureClass:
    """What a part made of several is called; it has the colour of the largest."""
    largest = max(parts, key=lambda part: part.volume_ml).structure
    return StructureClass(1, name, largest.rgb, system=largest.system)


def keep_largest(parts: Parts, step: KeepLargest, context: StepContext) -> Parts:
    """Of every part the piece with the largest volume, with its cavities."""
    return each_solid(parts, step.kind, context, lambda solid: pieces_of(solid)[0])


def remove_islands(parts: Parts, step: RemoveIslands, context: StepContext) -> Parts:
    """The parts without pieces below the step's volume."""

    def large(solid: Manifold) -> Manifold | None:
        pieces = pieces_of(solid)
        kept = [each for each in pieces if each.volume() >= step.smallest_mm3]
        return solid if len(kept) == len(pieces) else united(kept) if kept else None

    return each_solid(parts, step.kind, context, large)


def fill_holes(parts: Parts, step: FillHoles, context: StepContext) -> Parts:
    """The parts without closed cavities."""
    return each_solid(parts, step.kind, context, filled)


def each_solid(parts: Parts, kind: str, context: StepContext, change: Callable[[Manifold], Manifold | None]) -> Parts:
    """Every part with its solid changed; one of which nothing is left is left out, with a note."""
    out = []
    for n, part in enumerate(parts):
        context.at(part.structure.title, n / len(parts))
        origin = origin_of([part])
        solid = to_manifold(part, origin)
        changed = change(solid)
        if changed is solid:
            out.append(part)
        elif changed is None or changed.is_empty():
            context.note(note("note.solid_vanished", name=part.structure.title, step=kind))
        else:
            out.append(from_manifold(changed, part.structure, origin))
    return tuple(out)
