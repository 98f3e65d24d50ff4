"""Solids from surfaces and back, unions, pieces and cavities, thickening: against formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from manifold3d import Manifold

from tests.surfaces.solids.bodies import Told, ball, box, mesh_of, pieces
from tsdesktop.core.errors import Cancelled, ExportError
from tsdesktop.core.printing import FillHoles, KeepLargest, Merge, RemoveIslands, Thicken
from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.self_intersections import self_intersections
from tsdesktop.surfaces.solids import union
from tsdesktop.surfaces.solids.manifolds import from_manifold, origin_of, pieces_of, to_manifold, without_crossings
from tsdesktop.surfaces.solids.thicken import thicken

FAR = np.array([120.0, -80.0, -1503.0])
LIVER = structure_class(1, "liver")


def mm3(mesh: SurfaceMesh) -> float:
    return mesh.volume_ml * 1000.0


def far(solid: Manifold, name: str = "liver") -> SurfaceMesh:
    return from_manifold(solid, structure_class(1, name), FAR)


def is_fit(mesh: SurfaceMesh) -> bool:
    """As a step makes it the surface is sound; as the studio hands it out it does not run through itself either."""
    return check_mesh(mesh).is_sound and self_intersections(without_crossings(mesh)).count == 0


def test_a_surface_far_from_the_origin_becomes_a_solid_and_back_without_loss() -> None:
    mesh = far(ball(20.0))
    again = from_manifold(to_manifold(mesh, FAR), LIVER, FAR)
    assert mm3(again) == pytest.approx(ball(20.0).volume(), rel=1e-5)
    assert again.bounds_mm == pytest.approx(mesh.bounds_mm, abs=1e-3)
    assert is_fit(again)


def test_an_open_surface_is_refused_by_name() -> None:
    mesh = mesh_of(box((2, 2, 2)))
    with pytest.raises(ExportError, match="liver is not closed"):
        to_manifold(SurfaceMesh(mesh.vertices_ras, mesh.triangles[1:], LIVER))
    with pytest.raises(ExportError):
        to_manifold(SurfaceMesh(mesh.vertices_ras, mesh.triangles[:, ::-1], LIVER))


@pytest.mark.parametrize("shift", [(1.0, 1.0, 0.0), (1.0, 1.0, 1.0)], ids=["edge", "corner"])
def test_blocks_that_touch_in_an_edge_or_corner_share_no_vertex(shift: tuple[float, float, float]) -> None:
    mesh = far(Manifold.cube((1, 1, 1)) + Manifold.cube((1, 1, 1)).translate(shift))
    assert is_fit(mesh)
    assert mm3(mesh) == pytest.approx(2.0, rel=0.01)


def test_two_overlapping_balls_have_the_volume_of_their_union() -> None:
    radius, apart = 20.0, 25.0
    # Two balls less the lens in which they overlap.
    lens = np.pi * (4 * radius + apart) * (2 * radius - apart) ** 2 / 12.0
    truth = 2 * 4 / 3 * np.pi * radius**3 - lens
    smaller = far(ball(10.0), "heart")
    parts = (far(ball(radius + 0.01)), far(ball(radius, (apart, 0, 0)), "spleen"), smaller)
    (made,) = union.merge(parts, Merge("both"), Told().context)
    assert mm3(made) == pytest.approx(truth, rel=0.002)
    assert (made.name, made.structure.rgb) == ("both", parts[0].structure.rgb)
    assert pieces(made) == 1 and is_fit(made)


def test_cavities_belong_to_the_piece_around_them() -> None:
    nested = (ball(20) - ball(15)) + (ball(10) - ball(5)) + ball(8, (60, 0, 0))
    found = pieces_of(nested)
    volumes = [ball(20).volume() - ball(15).volume(), ball(10).volume() - ball(5).volume(), ball(8).volume()]
    assert sorted(each.volume() for each in found) == pytest.approx(sorted(volumes), rel=1e-6)


def test_the_largest_piece_keeps_its_cavity_and_islands_go_by_volume() -> None:
    part = far((ball(10) - ball(5)) + ball(6, (40, 0, 0)) + ball(2, (60, 0, 0)))
    context = Told().context
    (largest,) = union.keep_largest((part,), KeepLargest(), context)
    assert mm3(largest) == pytest.approx(ball(10).volume() - ball(5).volume(), rel=1e-4)
    (large,) = union.remove_islands((part,), RemoveIslands(100.0), context)
    assert mm3(large) == pytest.approx(mm3(part) - ball(2).volume(), rel=1e-4)
    (same,) = union.remove_islands((part,), RemoveIslands(10.0), context)
    assert same is part
    (whole,) = union.fill_holes((largest,), FillHoles(), context)
    assert mm3(whole) == pytest.approx(ball(10).volume(), rel=1e-4)


def test_a_part_of_islands_only_is_left_out_with_a_note() -> None:
    told = Told()
    kept = union.remove_islands((far(ball(2)), far(ball(9), "spleen")), RemoveIslands(100.0), told.context)
    assert [part.name for part in kept] == ["spleen"]
    assert told.ids == ["note.solid_vanished"]


def slab_on_a_block(thickness: float) -> Manifold:
    return (box((30, 30, 20)) + box((40, 30, thickness), (30, 0, 0))).rotate((20, 30, 40))


def test_a_thin_plate_becomes_as_thick_as_wanted_and_the_block_beside_it_stays() -> None:
    told = Told()
    (made,) = thicken((far(slab_on_a_block(0.8)),), Thicken(2.0), told.context)
    assert is_fit(made) and pieces(made) == 1
    upright = to_manifold(made, FAR).rotate((0, 0, -40)).rotate((0, -30, 0)).rotate((-20, 0, 0))
    for x, y in [(18, 0), (20, -10), (32, 5), (44, 10), (49, 0)]:
        hits = [hit.position[2] for hit in upright.ray_cast((x, y, -40), (x, y, 40))]
        assert len(hits) == 2
        assert hits[1] - hits[0] == pytest.approx(2.0, abs=0.12)
        assert sum(hits) / 2 == pytest.approx(0.0, abs=0.06)
    # Nothing grows where it is thick: no edge and no corner of the block.
    outside = upright - box((30.002, 30.002, 20.002)) - box((60, 60, 2.3), (30, 0, 0))
    assert outside.volume() < 0.05


@pytest.mark.parametrize("body", ["ball", "cube", "slab"])
def test_what_is_thick_enough_is_not_touched(body: str) -> None:
    part = far({"ball": ball(5), "cube": box((10, 10, 10)), "slab": slab_on_a_block(2.1)}[body])
    (made,) = thicken((part,), Thicken(2.0), Told().context)
    assert made is part


def test_a_thin_thread_becomes_a_rod_of_the_wanted_diameter() -> None:
    (made,) = thicken((far(Manifold.cylinder(20, 0.3, circular_segments=24)),), Thicken(2.0), Told().context)
    middle = to_manifold(made, FAR) ^ box((10, 10, 10), (0, 0, 10))
    assert middle.volume() == pytest.approx(np.pi * 10.0, rel=0.05)


def test_work_that_is_not_wanted_any_more_stops() -> None:
    told = Told(wanted=False)
    with pytest.raises(Cancelled):
        union.merge((far(ball(5)), far(ball(6))), Merge(), told.context)
    with pytest.raises(Cancelled):
        thicken((far(ball(5)),), Thicken(2.0), told.context)


def test_the_origin_is_in_the_middle_of_all_parts() -> None:
    parts = [far(ball(5)), replace(far(ball(5, (30, 0, 0))), structure=LIVER)]
    assert origin_of(parts) == pytest.approx(FAR + np.array([15.0, 0.0, 0.0]))
