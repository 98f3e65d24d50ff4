"""A closed surface of one structure as a value: triangles in RAS+ millimetres."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import read_only
from tsdesktop.core.structures import StructureClass


@dataclass(frozen=True, eq=False)
class SurfaceMesh:
    """Vertices (n, 3) float32 in RAS+ mm and triangles (m, 3) int32, corners counter-clockwise seen from outside.

    Raises ValueError for other shapes or for a triangle that names a vertex that is not there.
    """

    vertices_ras: NDArray[np.float32]
    triangles: NDArray[np.int32]
    structure: StructureClass

    def __post_init__(self) -> None:
        vertices = np.ascontiguousarray(self.vertices_ras, np.float32)
        triangles = np.ascontiguousarray(self.triangles, np.int32)
        if vertices.ndim != 2 or vertices.shape[1] != 3:
            raise ValueError(f"vertices must be (n, 3), got {vertices.shape}")
        if triangles.ndim != 2 or triangles.shape[1] != 3:
            raise ValueError(f"triangles must be (m, 3), got {triangles.shape}")
        if triangles.size and not 0 <= int(triangles.min()) <= int(triangles.max()) < len(vertices):
            raise ValueError("a triangle names a vertex that is not there")
        object.__setattr__(self, "vertices_ras", read_only(vertices))
        object.__setattr__(self, "triangles", read_only(triangles))

    @property
    def name(self) -> str:
        """The structure's name."""
        return self.structure.name

    @property
    def volume_ml(self) -> float:
        """Enclosed volume in ml by the divergence theorem; positive when the triangles face outward."""
        corners = self.vertices_ras[self.triangles].astype(np.float64)
        corners -= corners.mean(axis=(0, 1)) if len(corners) else 0.0
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0 / 1000.0)

    @property
    def bounds_mm(self) -> NDArray[np.float64]:
        """Lowest and highest corner, (2, 3) in RAS+ mm."""
        return np.array([self.vertices_ras.min(axis=0), self.vertices_ras.max(axis=0)], np.float64)

    def with_vertices(self, vertices_ras: NDArray[np.float32]) -> SurfaceMesh:
        """The same triangles with moved vertices."""
        return replace(self, vertices_ras=vertices_ras)
