from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces import extract
from tsdesktop.surfaces.crossings import crossing_triangles
from tsdesktop.surfaces.extract import extract_surface
from tsdesktop.surfaces.self_intersections import self_intersections

Labelled = Callable[[NDArray[np.bool_]], LabelMap]


def in_mm(vertices: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vertices * 0.7 + 100.0).astype(np.float32)


def slab_in_voxels(labelled: Labelled) -> SurfaceMesh:
    mask = np.zeros((44, 44, 12), bool)
    mask[2:42, 2:42, 3:9] = True
    label_map = labelled(mask)
    mesh = extract_surface(label_map, 1)
    assert mesh is not None
    voxels = label_map.geometry.voxel(mesh.vertices_ras)
    return SurfaceMesh(voxels.astype(np.float32), mesh.triangles[:, ::-1], mesh.structure)


def same_as_all_pairs(vertices: NDArray[np.float64], mesh: SurfaceMesh) -> NDArray[np.int64]:
    found = crossing_triangles(vertices, mesh.triangles, in_mm)
    everything = self_intersections(SurfaceMesh(in_mm(vertices), mesh.triangles, mesh.structure)).triangles
    np.testing.assert_array_equal(np.sort(found), everything)
    return found


def test_sound_surface_has_none(labelled: Labelled) -> None:
    mesh = slab_in_voxels(labelled)
    assert len(same_as_all_pairs(mesh.vertices_ras.astype(np.float64), mesh)) == 0


def test_dent_that_comes_out_on_the_other_side_is_found(labelled: Labelled) -> None:
    mesh = slab_in_voxels(labelled)
    vertices = mesh.vertices_ras.astype(np.float64)
    dent = np.exp(-((vertices[:, 0] - 22) ** 2 + (vertices[:, 1] - 20) ** 2) / 12.0)
    upper = vertices[:, 2] > 6.0
    vertices[upper, 2] -= 9.0 * dent[upper]
    assert len(same_as_all_pairs(vertices, mesh)) > 20


def test_few_crumpled_triangles_are_found(labelled: Labelled) -> None:
    mesh = slab_in_voxels(labelled)
    vertices = mesh.vertices_ras.astype(np.float64)
    near = np.linalg.norm(vertices - (22.0, 22.0, 8.5), axis=1) < 2.2
    vertices[near] += np.random.default_rng(1).normal(0.0, 0.8, (int(near.sum()), 3))
    assert len(same_as_all_pairs(vertices, mesh)) >= 2


def test_noise_would_run_through_itself_if_nobody_looked(labelled: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    label_map = labelled(np.random.default_rng(5).random((18, 18, 18)) < 0.62)
    looked = extract_surface(label_map, 1)
    monkeypatch.setattr(extract, "crossing_triangles", _none)
    not_looked = extract_surface(label_map, 1)
    assert looked is not None
    assert not_looked is not None
    assert self_intersections(not_looked).count > 0
    assert self_intersections(looked).count == 0
    assert looked.volume_ml == pytest.approx(not_looked.volume_ml, rel=0.001)


def _none(vertices: NDArray[np.float64], **_: object) -> NDArray[np.int64]:
    return np.zeros(0, np.int64)
