from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.surfaces.conftest import Phantom
from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces import decimate
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.decimate import decimated
from tsdesktop.surfaces.distances import distances
from tsdesktop.surfaces.extract import extract_surface
from tsdesktop.surfaces.self_intersections import self_intersections

Labelled = Callable[[NDArray[np.bool_]], LabelMap]


def surface_of(label_map: LabelMap) -> SurfaceMesh:
    mesh = extract_surface(label_map, 1)
    assert mesh is not None
    return mesh


def largest_distance(one: SurfaceMesh, other: SurfaceMesh) -> float:
    """Between points spread over the first and the second, and the other way round."""
    found = 0.0
    for source, target in ((one, other), (other, one)):
        points = Phantom.points_on(None, source, 4000)  # type: ignore[arg-type]
        away = distances(points, target.vertices_ras.astype(np.float64), target.triangles)
        found = max(found, float(away.max()))
    return found


@pytest.mark.parametrize("cap_mm", [0.15, 0.5])
@pytest.mark.parametrize(
    ("kind", "sizes"),
    [("sphere", (18.0,)), ("ellipsoid", (6.0, 9.0, 14.0)), ("tube", (16.0, 4.0)), ("rib", (16.0, 3.5, 9.0))],
    ids=str,
)
def test_error_stays_below_the_cap_and_the_surface_closed(
    draw: Any, kind: str, sizes: tuple[float, ...], cap_mm: float
) -> None:
    mesh = surface_of(draw(kind, sizes, (1.5, 1.5, 1.5), 1).label_map)
    fewer = decimated(mesh, cap_mm)
    assert len(fewer.triangles) < (0.95 if cap_mm < 0.2 else 0.45) * len(mesh.triangles)
    assert largest_distance(mesh, fewer) <= cap_mm
    assert fewer.volume_ml == pytest.approx(mesh.volume_ml, rel=0.005)
    check = check_mesh(fewer)
    assert check.is_sound
    assert check.shells == check_mesh(mesh).shells
    assert self_intersections(fewer).count == 0
    assert fewer.structure == mesh.structure


def test_flat_sides_need_few_triangles(labelled: Labelled) -> None:
    mesh = surface_of(labelled(np.ones((30, 24, 16), bool)))
    fewer = decimated(mesh, 0.2)
    assert len(fewer.triangles) < 0.2 * len(mesh.triangles)
    assert largest_distance(mesh, fewer) <= 0.2


def test_cavities_and_separate_pieces_stay(labelled: Labelled) -> None:
    mask = np.zeros((32, 20, 20), bool)
    mask[1:19, 1:19, 1:19] = True
    mask[6:13, 6:13, 6:13] = False
    mask[23:30, 5:12, 5:12] = True
    mesh = surface_of(labelled(mask))
    fewer = decimated(mesh, 0.4)
    assert len(fewer.triangles) < 0.6 * len(mesh.triangles)
    assert check_mesh(fewer).shells == 3
    assert largest_distance(mesh, fewer) <= 0.4


def test_same_mesh_every_time(draw: Any) -> None:
    mesh = surface_of(draw("ellipsoid", (6.0, 9.0, 14.0), (1.5, 1.5, 1.5), 3).label_map)
    one, other = decimated(mesh, 0.3), decimated(mesh, 0.3)
    np.testing.assert_array_equal(one.vertices_ras, other.vertices_ras)
    np.testing.assert_array_equal(one.triangles, other.triangles)


def test_far_from_the_origin_nothing_is_lost(draw: Any) -> None:
    phantom = draw("sphere", (12.0,), (1.5, 1.5, 1.5), 0, (310.0, -420.0, -1500.0))
    mesh = surface_of(phantom.label_map)
    fewer = decimated(mesh, 0.3)
    assert len(fewer.triangles) < 0.7 * len(mesh.triangles)
    assert largest_distance(mesh, fewer) <= 0.3


def test_surface_that_comes_open_is_reduced_the_other_way(draw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = surface_of(draw("sphere", (18.0,), (1.5, 1.5, 1.5), 1).label_map)
    whole = decimate._collapsed

    def opened(mesh: SurfaceMesh, share: float, volume_ml: float) -> SurfaceMesh:
        reduced = whole(mesh, share, volume_ml)
        return SurfaceMesh(reduced.vertices_ras, reduced.triangles[1:], reduced.structure)

    monkeypatch.setattr(decimate, "_collapsed", opened)
    fewer = decimated(mesh, 0.5)
    assert len(fewer.triangles) < 0.8 * len(mesh.triangles)
    assert check_mesh(fewer).is_sound
    assert largest_distance(mesh, fewer) <= 0.5


def test_nothing_to_do_and_nothing_possible(draw: Any) -> None:
    mesh = surface_of(draw("sphere", (9.0,), (1.5, 1.5, 1.5), 0).label_map)
    assert decimated(mesh, 0.0) is mesh
    assert decimated(mesh, 1e-6) is mesh
    open_mesh = SurfaceMesh(mesh.vertices_ras, mesh.triangles[3:], structure_class(1, "liver"))
    assert decimated(open_mesh, 1.0) is open_mesh
    for wrong in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="largest error"):
            decimated(mesh, wrong)
