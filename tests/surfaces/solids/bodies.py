"""Surfaces of simple bodies whose volumes are known, and what steps need beside parts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from manifold3d import CrossSection, Manifold
from numpy.typing import NDArray

from tsdesktop.core.notes import Note
from tsdesktop.core.printing import PrintRecipe
from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.solids.steps import Frame, StepContext


def mesh_of(solid: Manifold, name: str = "liver") -> SurfaceMesh:
    found = solid.to_mesh()
    return SurfaceMesh(found.vert_properties[:, :3], found.tri_verts.astype(np.int32), structure_class(1, name))


def box(size: tuple[float, float, float], at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Manifold:
    """A box of that size whose middle is `at`."""
    return Manifold.cube(size, center=True).translate(at)


def ball(radius: float, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Manifold:
    return Manifold.sphere(radius, 128).translate(at)


def prism(polygon: list[tuple[float, float]], height: float) -> Manifold:
    return Manifold.extrude(CrossSection([np.array(polygon)]), height)


@dataclass
class Told:
    """A context that keeps what steps tell."""

    recipe: PrintRecipe = field(default_factory=PrintRecipe)
    frame: Frame = "RAS"
    notes: list[Note] = field(default_factory=list)
    wanted: bool = True

    @property
    def context(self) -> StepContext:
        return StepContext(self.recipe, self.frame, self.notes.append, wanted=lambda: self.wanted)

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.notes]


def size_of(mesh: SurfaceMesh) -> NDArray[np.float64]:
    return np.asarray(np.ptp(mesh.bounds_mm, axis=0))


def pieces(mesh: SurfaceMesh) -> int:
    from tsdesktop.surfaces.check import check_mesh

    return check_mesh(mesh).shells
