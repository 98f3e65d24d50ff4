from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.check import check_mesh, shells_of
from tsdesktop.surfaces.extract import (
    DEFAULT_SMOOTHING,
    NO_SMOOTHING,
    PRESETS,
    Smoothing,
    extract_surface,
    extract_surfaces,
)
from tsdesktop.surfaces.self_intersections import self_intersections

Labelled = Callable[[NDArray[np.bool_]], LabelMap]
SPACINGS = [(0.7, 0.7, 0.7), (1.5, 1.5, 1.5), (3.0, 3.0, 3.0), (0.8, 0.8, 2.5)]
# Kind and sizes in units of the longest voxel edge; every one is at least two voxels thick.
BODIES = [
    ("sphere", (1.5,)),
    ("sphere", (3.0,)),
    ("sphere", (8.0,)),
    ("ellipsoid", (2.0, 3.0, 5.0)),
    ("ellipsoid", (4.0, 6.0, 8.0)),
    ("cylinder", (1.0, 10.0)),
    ("cylinder", (3.0, 9.0)),
    ("plate", (18.0, 14.0, 2.0)),
    ("plate", (20.0, 18.0, 5.0)),
    ("rib", (9.0, 2.0, 6.0)),
    ("rib", (9.0, 3.0, 6.0)),
    ("tube", (7.0, 1.0)),
    ("tube", (8.0, 2.0)),
]
# So few voxels do not say better where the body ends: their own steps are up to 0.45 off there.
LARGER_ERRORS = {("cylinder", (1.0, 10.0)): 0.38, ("rib", (9.0, 2.0, 6.0)): 0.36, ("tube", (7.0, 1.0)): 0.35}


def surface_of(label_map: LabelMap, smoothing: Smoothing = DEFAULT_SMOOTHING) -> SurfaceMesh:
    mesh = extract_surface(label_map, 1, smoothing)
    assert mesh is not None
    return mesh


def is_without_defects(mesh: SurfaceMesh) -> bool:
    return check_mesh(mesh).is_sound and self_intersections(mesh).count == 0


def voxel_volume_error(mesh: SurfaceMesh, label_map: LabelMap) -> float:
    voxels = int(np.count_nonzero(label_map.array))
    volume = voxels * abs(np.linalg.det(label_map.affine[:3, :3])) / 1000.0
    return abs(mesh.volume_ml / float(volume) - 1.0)


@pytest.mark.parametrize("spacing_mm", SPACINGS, ids=str)
@pytest.mark.parametrize(("kind", "sizes"), BODIES, ids=str)
def test_surface_keeps_the_volume_and_lies_within_a_third_of_a_voxel(
    draw: Any, kind: str, sizes: tuple[float, ...], spacing_mm: tuple[float, float, float]
) -> None:
    seed = SPACINGS.index(spacing_mm)
    phantom = draw(kind, tuple(size * max(spacing_mm) for size in sizes), spacing_mm, seed)
    mesh = surface_of(phantom.label_map)
    few = np.count_nonzero(phantom.label_map.array) < 500
    assert voxel_volume_error(mesh, phantom.label_map) < (0.03 if few else 0.01)
    largest = LARGER_ERRORS.get((kind, sizes), 1 / 3)
    assert np.quantile(phantom.errors_in_voxels(mesh), 0.95) <= largest
    back = phantom.errors_back_in_voxels(mesh)
    assert np.quantile(back, 0.95) <= largest
    assert back.max() < 1.0  # nothing is missing
    assert is_without_defects(mesh)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("kind", "sizes"), [("sphere", (1.5,)), ("cylinder", (1.0, 14.0)), ("plate", (24.0, 20.0, 2.0))], ids=str
)
def test_two_voxels_of_thickness_keep_shape_and_volume(
    draw: Any, kind: str, sizes: tuple[float, ...], seed: int
) -> None:
    phantom = draw(kind, sizes, (1.0, 1.0, 1.0), seed)
    mesh, steps = surface_of(phantom.label_map), surface_of(phantom.label_map, NO_SMOOTHING)
    smooth_error, step_error = (np.quantile(phantom.errors_in_voxels(each), 0.95) for each in (mesh, steps))
    assert smooth_error < min(0.38, step_error + 0.02)
    assert voxel_volume_error(mesh, phantom.label_map) < 0.01


@pytest.mark.parametrize("name", ["smooth", "very smooth"])
@pytest.mark.parametrize("spacing_mm", [(1.5, 1.5, 1.5), (0.8, 0.8, 2.5)], ids=str)
@pytest.mark.parametrize(("kind", "sizes"), BODIES[3::3], ids=str)
def test_smoother_presets_round_off_but_lose_nothing(
    draw: Any, kind: str, sizes: tuple[float, ...], spacing_mm: tuple[float, float, float], name: str
) -> None:
    phantom = draw(kind, tuple(size * max(spacing_mm) for size in sizes), spacing_mm, 2)
    mesh = surface_of(phantom.label_map, PRESETS[name])
    assert voxel_volume_error(mesh, phantom.label_map) < 0.01
    assert np.quantile(phantom.errors_in_voxels(mesh), 0.95) <= (0.55 if name == "smooth" else 0.8)
    assert is_without_defects(mesh)


@pytest.mark.parametrize("spacing_mm", SPACINGS, ids=str)
def test_sphere_has_the_volume_of_the_sphere(draw: Any, spacing_mm: tuple[float, float, float]) -> None:
    radius = 7.5 * max(spacing_mm)
    mesh = surface_of(draw("sphere", (radius,), spacing_mm, 5).label_map)
    assert mesh.volume_ml == pytest.approx(4 / 3 * np.pi * radius**3 / 1000.0, rel=0.01)


def test_surface_stands_where_the_structure_is_in_the_world(draw: Any) -> None:
    mesh = surface_of(draw("sphere", (12.0,), (0.8, 0.8, 2.5), 3, (-120.0, 33.0, 501.0)).label_map)
    np.testing.assert_allclose(mesh.bounds_mm.mean(axis=0), (-120.0, 33.0, 501.0), atol=0.4)
    np.testing.assert_allclose(np.ptp(mesh.bounds_mm, axis=0), 24.0, atol=1.2)


def test_smoothing_takes_the_steps_away(draw: Any) -> None:
    phantom = draw("sphere", (30.0,), (3.0, 3.0, 3.0), 4)
    steps = np.quantile(phantom.errors_in_voxels(surface_of(phantom.label_map, NO_SMOOTHING)), 0.95)
    smooth = np.quantile(phantom.errors_in_voxels(surface_of(phantom.label_map)), 0.95)
    assert steps > 0.3
    assert smooth < 0.2


def test_shape_of_voxels_does_not_distort(draw: Any) -> None:
    phantom = draw("sphere", (20.0,), (1.0, 1.0, 4.0), 2)
    axes = phantom.label_map.affine[:3, :3] / phantom.label_map.spacing_mm
    extents = (phantom.points_on(surface_of(phantom.label_map)) @ axes).std(axis=0)
    np.testing.assert_allclose(extents, 20.0 / np.sqrt(3.0), rtol=0.03)


@pytest.mark.parametrize("turned", [(1, 1, 1), (-1, 1, 1), (-1, -1, -1)], ids=str)
def test_triangles_face_outward_for_every_handedness(turned: tuple[int, int, int]) -> None:
    mask = np.zeros((9, 8, 7), np.uint8)
    mask[2:7, 2:6, 2:5] = 1
    geometry = Geometry(mask.shape, np.diag([*np.multiply(turned, (1.0, 2.0, 3.0)), 1.0]))
    mesh = surface_of(LabelMap(mask, geometry, ()))
    centre = mesh.vertices_ras.mean(axis=0)
    a, b, c = (mesh.vertices_ras[mesh.triangles[:, n]] for n in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3.0 - centre)
    assert (outward > 0).all()
    assert mesh.name == "label_1"


@pytest.mark.parametrize("smoothing", [NO_SMOOTHING, Smoothing(), Smoothing(100, 0.005)], ids=str)
def test_single_voxel_does_not_vanish(labelled: Labelled, smoothing: Smoothing) -> None:
    mask = np.zeros((3, 4, 5), bool)
    mask[1, 2, 3] = True
    label_map = labelled(mask)
    mesh = surface_of(label_map, smoothing)
    assert check_mesh(mesh).is_sound
    assert voxel_volume_error(mesh, label_map) < 0.03
    np.testing.assert_allclose(mesh.bounds_mm.mean(axis=0), label_map.geometry.world_ras((1, 2, 3)), atol=0.05)


@pytest.mark.parametrize("smoothing", [Smoothing(), Smoothing(100, 0.005)], ids=str)
def test_every_piece_and_cavity_keeps_its_own_volume(labelled: Labelled, smoothing: Smoothing) -> None:
    mask = np.zeros((30, 20, 20), bool)
    mask[1:19, 1:19, 1:19] = True
    mask[7:12, 7:12, 7:12] = False  # a cavity of 125 voxels
    mask[24, 5, 5] = True
    mask[23:26, 12:14, 12:14] = True
    label_map = labelled(mask)
    mesh = surface_of(label_map, smoothing)
    shells = shells_of(mesh.triangles, len(mesh.vertices_ras))
    pieces = [
        SurfaceMesh(mesh.vertices_ras, mesh.triangles[shells[mesh.triangles[:, 0]] == n], mesh.structure)
        for n in range(shells.max() + 1)
    ]
    voxels = sorted(piece.volume_ml * 1000.0 / label_map.geometry.voxel_volume_mm3 for piece in pieces)
    np.testing.assert_allclose(voxels, [-125, 1, 12, 18**3], rtol=0.005)
    assert check_mesh(mesh).shells == 4


def test_thin_things_survive_strong_smoothing(labelled: Labelled) -> None:
    mask = np.zeros((24, 24, 24), bool)
    mask[4, 4:20, 4:20] = True  # a plate of one voxel
    mask[12, 12, 3:21] = True  # a thread of one voxel
    diagonal = np.arange(8)
    mask[15 + diagonal, diagonal, diagonal] = True  # voxels that meet at corners only
    label_map = labelled(mask)
    mesh = surface_of(label_map, Smoothing(100, 0.005))
    assert check_mesh(mesh).is_sound
    assert voxel_volume_error(mesh, label_map) < 0.01
    voxels = label_map.geometry.voxel(mesh.vertices_ras)
    for place in [(4, 12, 12), (12, 12, 12), (15, 0, 0), (20, 5, 5)]:
        assert np.abs(voxels - place).max(axis=1).min() < 1.0


def test_structure_at_the_border_of_the_scan_is_closed(labelled: Labelled) -> None:
    mask = np.zeros((12, 12, 12), bool)
    mask[:5, :, 3:] = True
    for filled in (mask, np.ones((6, 5, 4), bool)):
        mesh = surface_of(labelled(filled))
        assert check_mesh(mesh).is_sound
        assert voxel_volume_error(mesh, labelled(filled)) < 0.01


def test_touching_at_edges_and_corners_stays_manifold(labelled: Labelled) -> None:
    mask = np.zeros((10, 10, 10), bool)
    mask[2:4, 2:4, 2:4] = mask[4:6, 4:6, 2:4] = mask[6:8, 6:8, 4:6] = True
    assert is_without_defects(surface_of(labelled(mask)))


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("filled", [0.35, 0.6])
def test_noise_does_not_run_through_itself_and_keeps_its_volume(labelled: Labelled, filled: float, name: str) -> None:
    label_map = labelled(np.random.default_rng(7).random((16, 16, 16)) < filled)
    mesh = surface_of(label_map, PRESETS[name])
    assert is_without_defects(mesh)
    assert voxel_volume_error(mesh, label_map) < 0.01


def test_sheets_that_smoothing_would_push_through_each_other_stay_apart(labelled: Labelled) -> None:
    mask = np.ones((24, 24, 12), bool)
    mask[2:22, 2:22, 2:10] = False
    mask[2:22, 2:22, 5:7] = np.random.default_rng(3).random((20, 20, 2)) < 0.7
    label_map = labelled(mask)
    mesh = surface_of(label_map, Smoothing(80, 0.005))
    assert is_without_defects(mesh)
    assert voxel_volume_error(mesh, label_map) < 0.01


def test_neighbours_do_not_leak_into_each_other() -> None:
    array = np.zeros((20, 10, 10), np.uint16)
    array[2:10, 2:8, 2:8], array[10:18, 2:8, 2:8] = 3, 300
    classes = catalogue().task("total").classes
    meshes = list(extract_surfaces(LabelMap(array, Geometry(array.shape, np.eye(4)), classes)))
    assert [(mesh.structure.label, mesh.name) for mesh in meshes] == [(3, "kidney_left"), (300, "label_300")]
    assert meshes[0].bounds_mm[1, 0] == pytest.approx(9.5, abs=0.4)
    assert meshes[1].bounds_mm[0, 0] == pytest.approx(9.5, abs=0.4)


def test_only_the_labels_asked_for_that_occur(labelled: Labelled) -> None:
    label_map = labelled(np.ones((3, 3, 3), bool))
    assert extract_surface(label_map, 2) is None
    assert [mesh.name for mesh in extract_surfaces(label_map, [2, 1, 9])] == ["spleen"]


def test_all_structures_of_a_real_result_are_sound(data: Path) -> None:
    image = nibabel.load(data / "ct_abdomen" / "total_fast.nii.gz")
    array = np.asarray(image.dataobj)
    label_map = LabelMap(array, Geometry(array.shape, image.affine), catalogue().task("total").classes, "total")
    meshes = list(extract_surfaces(label_map))
    assert len(meshes) == 61
    assert [mesh.name for mesh in meshes if not is_without_defects(mesh)] == []
    for mesh in meshes:
        voxels = np.count_nonzero(array == mesh.structure.label)
        assert mesh.volume_ml == pytest.approx(voxels * 27.0 / 1000.0, rel=0.01 if voxels >= 500 else 0.03), mesh.name
