from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.distances import distances
from tsdesktop.surfaces.extract import PRESETS, extract_surface
from tsdesktop.surfaces.smoothing import smoothing_of
from tsdesktop.surfaces.true_grid import true_grid, true_spacing_mm

COARSE_MM = 3.0
Bools = NDArray[np.bool_]
Rule = Callable[[int, int], NDArray[np.intp]]


def by_centres(coarse: int, fine: int) -> NDArray[np.intp]:
    """Every fine voxel takes the coarse one that its middle lies in."""
    return np.minimum((np.arange(fine) + 0.5) * coarse / fine, coarse - 1e-6).astype(np.intp)


def by_corners(coarse: int, fine: int) -> NDArray[np.intp]:
    """First on first and last on last, as scipy's zoom does: coarse voxels at the ends are cut in half."""
    return np.rint(np.arange(fine) * (coarse - 1) / (fine - 1)).astype(np.intp)


def sphere(radius_mm: float, voxels: int, middle: float, seed: int = 0) -> tuple[Bools, NDArray[np.float64]]:
    centre = middle + np.random.default_rng(seed).uniform(-0.5, 0.5, 3)
    places = np.stack(np.meshgrid(*[np.arange(voxels)] * 3, indexing="ij"), axis=-1)
    return np.linalg.norm((places - centre) * COARSE_MM, axis=-1) <= radius_mm, centre


def repeated(mask: Bools, times: float, rule: Rule = by_centres) -> LabelMap:
    fine = round(len(mask) * times)
    index = rule(len(mask), fine)
    spacing = COARSE_MM * len(mask) / fine
    array = mask[np.ix_(index, index, index)].astype(np.uint8)
    return LabelMap(array, Geometry(array.shape, np.diag([spacing] * 3 + [1.0])), ())


def bend_degrees(mesh: SurfaceMesh, centre: NDArray[np.float64]) -> float:
    """By how much, at the 95th percentile of the area, the surface faces away from where the sphere's would."""
    a, b, c = (mesh.vertices_ras[mesh.triangles[:, n]].astype(np.float64) for n in range(3))
    normals, outward = np.cross(b - a, c - a), (a + b + c) / 3.0 - centre
    areas = np.linalg.norm(normals, axis=1)
    cosines = np.einsum("ij,ij->i", normals, outward) / areas / np.linalg.norm(outward, axis=1)
    angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    order = np.argsort(angles)
    return float(angles[order][np.searchsorted(np.cumsum(areas[order]), 0.95 * areas.sum())])


@pytest.mark.parametrize("times", [4.0, 30 / 7])
@pytest.mark.parametrize("preset", ["faithful", "smooth"])
def test_steps_of_a_coarse_network_do_not_show(times: float, preset: str) -> None:
    mask, centre = sphere(24.0, 28, 13.5)
    label_map = repeated(mask, times)
    mesh = extract_surface(label_map, 1, PRESETS[preset])
    assert mesh is not None
    spacing = label_map.spacing_mm[0]
    middle = (centre + 0.5) * COARSE_MM - 0.5 * spacing
    off = np.abs(np.linalg.norm(mesh.vertices_ras - middle, axis=1) - 24.0)
    assert np.quantile(off, 0.95) <= COARSE_MM / 3.0
    assert bend_degrees(mesh, middle) < 15.0  # 70 when the fine voxels are smoothed alike
    voxels = int(np.count_nonzero(label_map.array))
    assert mesh.volume_ml * 1000.0 == pytest.approx(voxels * spacing**3, rel=0.002)
    assert check_mesh(mesh).is_sound
    # As exact as from the network's own grid.
    from_coarse = extract_surface(repeated(mask, 1.0), 1, PRESETS[preset])
    assert from_coarse is not None
    moved = mesh.vertices_ras.astype(np.float64) - 0.5 * (COARSE_MM - spacing)
    assert distances(moved, from_coarse.vertices_ras.astype(np.float64), from_coarse.triangles).max() < 0.2 * COARSE_MM


@pytest.mark.parametrize("rule", [by_centres, by_corners])
@pytest.mark.parametrize("times", [2.0, 2.14, 3.0, 30 / 7, 8.6])
def test_coarser_grid_is_found_and_holds_every_voxel(times: float, rule: Rule) -> None:
    for seed, middle in enumerate((11.0, 9.0, 4.0)):  # the last one ends at the scan's border
        mask, _ = sphere(21.0, 22, middle, seed)
        label_map = repeated(mask, times, rule)
        found = label_map.cropped_mask(1)
        assert found is not None
        grid = true_grid(label_map, *found)
        np.testing.assert_allclose(grid.steps, times, rtol=0.06)
        taken = grid.taken(found[0])
        for axis in range(3):
            taken = np.repeat(taken, np.diff(grid.axes[axis].borders), axis=axis)
        np.testing.assert_array_equal(taken, found[0])
        np.testing.assert_allclose(true_spacing_mm(label_map), COARSE_MM, rtol=0.06)


def test_voxels_of_their_own_stay_as_they_are() -> None:
    for seed, radius_mm in enumerate((4.0, 9.0, 20.0, 33.0)):
        label_map = repeated(sphere(radius_mm, 28, 13.5, seed)[0], 1.0)
        found = label_map.cropped_mask(1)
        assert found is not None
        assert np.all(true_grid(label_map, *found).steps == 1.0)
        assert true_spacing_mm(label_map) == label_map.spacing_mm


def test_small_structure_is_seen_on_the_grid_of_the_others() -> None:
    mask, _ = sphere(21.0, 22, 11.0)
    mask[2, 2, 2] = False
    labels = repeated(mask, 4.0).array.copy()
    labels[8:12, 8:12, 8:12] = 2  # one voxel of the network
    label_map = LabelMap(labels, Geometry(labels.shape, np.eye(4)), ())
    found = label_map.cropped_mask(2)
    assert found is not None
    assert true_grid(label_map, *found).taken(found[0]).shape == (1, 1, 1)
    mesh = extract_surface(label_map, 2)
    assert mesh is not None
    assert mesh.volume_ml * 1000.0 == pytest.approx(64.0, rel=0.01)
    np.testing.assert_allclose(mesh.bounds_mm.mean(axis=0), 9.5, atol=0.01)


def test_fine_structure_beside_coarse_ones_keeps_its_voxels() -> None:
    coarse = repeated(sphere(21.0, 22, 11.0)[0], 4.0).array.copy()
    places = np.stack(np.meshgrid(*[np.arange(30)] * 3, indexing="ij"), axis=-1)
    coarse[:30, :30, :30][np.linalg.norm(places - 8.2, axis=-1) < 6.3] = 2
    label_map = LabelMap(coarse, Geometry(coarse.shape, np.eye(4)), ())
    for label, step in ((1, 4.0), (2, 1.0)):
        found = label_map.cropped_mask(label)
        assert found is not None
        np.testing.assert_allclose(true_grid(label_map, *found).steps, step)


def test_structure_cut_by_the_border_of_the_scan_keeps_its_volume() -> None:
    mask, _ = sphere(21.0, 22, 2.0)
    label_map = repeated(mask, 4.0, by_corners)
    mesh = extract_surface(label_map, 1)
    assert mesh is not None
    voxels = int(np.count_nonzero(label_map.array))
    assert mesh.volume_ml * 1000.0 == pytest.approx(voxels * label_map.geometry.voxel_volume_mm3, rel=0.002)
    assert check_mesh(mesh).is_sound


def test_effect_in_mm_means_the_same_on_the_finer_grid() -> None:
    mask, _ = sphere(21.0, 22, 11.0)
    mask[11:13, 11:13, :] = True  # a thread, which such smoothing thins
    meshes = []
    for times in (1.0, 4.0):
        label_map = repeated(mask, times)
        mesh = extract_surface(label_map, 1, smoothing_of("faithful", 9.0, label_map.spacing_mm))
        assert mesh is not None
        meshes.append(mesh)
    moved = meshes[1].vertices_ras - 0.5 * (COARSE_MM - COARSE_MM / 4.0)
    np.testing.assert_allclose(moved, meshes[0].vertices_ras, atol=0.01)
