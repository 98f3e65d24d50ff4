"""Parts, bed and planes as the preview shows them."""

from __future__ import annotations

import numpy as np
import pytest
from pytest import approx

from tsdesktop.core.printing import Cut
from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.gui.studio import shown
from tsdesktop.gui.studio.shown import apart, bed_body, plane_bodies, plane_corners, shown_part

# A cube of 10 mm as slicers get it: corners shared by three sides.
CORNERS = np.array([(x, y, z) for x in (0, 10) for y in (0, 10) for z in (0, 10)], np.float32)
SIDES = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1), (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4),
        (1, 5, 7), (1, 7, 3),
    ],
    np.int32,
)  # fmt: skip


def cube(shift: float = 0.0) -> SurfaceMesh:
    return SurfaceMesh(CORNERS + np.float32(shift), SIDES, structure_class(1, "liver"))


def test_sides_of_a_cube_stay_flat_and_its_edges_sharp() -> None:
    fine = shown_part(cube(), 7).fine
    assert len(fine.vertices_ras) == 24
    assert np.sort(np.abs(fine.normals), axis=1) == approx(np.tile([0.0, 0.0, 1.0], (24, 1)), abs=1e-6)
    outward = fine.vertices_ras - np.float32(5.0)
    assert np.all(np.einsum("ij,ij->i", outward, fine.normals) > 0)


def test_huge_part_is_shown_with_fewer_triangles_in_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    t, p = np.meshgrid(np.linspace(0, np.pi, 200), np.linspace(0, 2 * np.pi, 400, endpoint=False), indexing="ij")
    places = 30 * np.stack([np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)], axis=-1).reshape(-1, 3)
    i, j = (each.ravel() for each in np.meshgrid(np.arange(199), np.arange(400), indexing="ij"))
    a, b, c, d = (row * 400 + column % 400 for row, column in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)))
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    ball = SurfaceMesh(places.astype(np.float32), triangles, structure_class(1, "liver"))
    monkeypatch.setattr(shown, "_MOST_SHOWN", 5_000)
    surface = shown_part(ball, 1)
    assert 1_000 < len(surface.fine.triangles) < 15_000
    assert surface.bounds_mm == approx(ball.bounds_mm, abs=1.0)


def test_bed_is_as_large_as_it_is_and_lies_below_the_parts() -> None:
    bounds = bed_body((250.0, 210.0, 220.0), (-125.0, -105.0), (90, 90, 90)).surface.bounds_mm
    assert bounds[:, :2] == approx(np.array([[-125, -105], [125, 105]]), abs=1.0)
    assert -1.0 < bounds[0, 2] < bounds[1, 2] < 40.0


@pytest.mark.parametrize("normal", [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.3, -0.5, 0.8)])
def test_plane_lies_where_the_cut_is_and_reaches_around_the_parts(normal: tuple[float, float, float]) -> None:
    cut = Cut((2.0, 3.0, 4.0), normal)
    box = np.array([[-50.0, -40.0, -30.0], [50.0, 40.0, 30.0]])
    corners = plane_corners(cut, box)
    unit = np.array(normal) / np.linalg.norm(normal)
    assert (corners - np.array(cut.point_ras)) @ unit == approx(np.zeros(4), abs=1e-9)
    sides = np.linalg.norm(np.diff(corners[[0, 1, 2]], axis=0), axis=1)
    assert min(sides) > 60.0
    sheet, frame = plane_bodies(cut, box, (0, 100, 200))
    assert sheet.opacity < 0.5 < frame.opacity


def test_halves_are_shown_apart_each_to_its_own_side() -> None:
    low, high = shown_part(cube(-10.0), 1), shown_part(cube(), 2)
    moved = apart([low, high], Cut((0.0, 0.0, 0.0), (0.0, 0.0, 2.0)), 8.0)
    assert moved[0].bounds_mm - low.bounds_mm == approx(np.tile([0.0, 0.0, -4.0], (2, 1)))
    assert moved[1].bounds_mm - high.bounds_mm == approx(np.tile([0.0, 0.0, 4.0], (2, 1)))
