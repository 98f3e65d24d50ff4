"""Two surfaces that are no mirror image of themselves, on an oblique grid far from the origin."""

from __future__ import annotations

import pytest

from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.extract import extract_surfaces


@pytest.fixture
def meshes(label_map: LabelMap) -> list[SurfaceMesh]:
    """Liver and spleen of the phantom."""
    found = list(extract_surfaces(label_map))
    assert [mesh.name for mesh in found] == ["liver", "spleen"]
    assert all(mesh.volume_ml > 0 for mesh in found)
    return found
