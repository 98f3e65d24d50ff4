"""Steps on voxels, counted voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.printing import FillHoles, KeepLargest, Merge, RemoveIslands
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.extract import extract_surface
from tsdesktop.surfaces.solids.voxels import (
    VoxelPart,
    fill_holes,
    keep_largest,
    merge,
    remove_islands,
    touching,
    voxel_part,
)

SPACING = np.array([0.8, 0.9, 2.0])
VOXEL_MM3 = float(SPACING.prod())
NAMES = ("liver", "spleen", "heart")


def label_map(array: NDArray[np.int_]) -> LabelMap:
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = (-100.0, 50.0, -1500.0)
    classes = tuple(structure_class(n, name) for n, name in enumerate(NAMES, 1))
    return LabelMap(array.astype(np.uint8), Geometry(array.shape, affine), classes)


def parts_of(array: NDArray[np.int_]) -> tuple[VoxelPart, ...]:
    labels = label_map(array)
    return tuple(voxel_part(labels, each) for each in labels.present)


def whole(part: VoxelPart | None, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The part's voxels in an array of the scan."""
    assert part is not None
    out = np.zeros(shape, np.bool_)
    out[part.box.slices] = part.mask
    return out


@pytest.fixture
def islands() -> NDArray[np.int_]:
    array = np.zeros((20, 16, 12), int)
    array[2:8, 2:8, 2:8] = 1  # 216 voxels
    array[12:15, 2:5, 2:5] = 1  # 27 voxels
    array[18, 14, 10] = 1  # one, and one more that meets it at an edge only
    array[19, 15, 10] = 1
    return array


def test_the_largest_piece_stays_and_its_box_fits_it(islands: NDArray[np.int_]) -> None:
    (kept,) = keep_largest(parts_of(islands), KeepLargest())
    assert kept is not None
    assert kept.box.shape == (6, 6, 6) and kept.mask.all()
    assert whole(kept, islands.shape)[2:8, 2:8, 2:8].all()


@pytest.mark.parametrize(("voxels", "left"), [(1, 245), (2, 243), (27, 243), (28, 216), (216, 216)])
def test_islands_go_by_their_exact_volume(islands: NDArray[np.int_], voxels: int, left: int) -> None:
    (kept,) = remove_islands(parts_of(islands), RemoveIslands(voxels * VOXEL_MM3))
    assert kept is not None and np.count_nonzero(kept.mask) == left


def test_a_part_that_is_islands_only_is_gone(islands: NDArray[np.int_]) -> None:
    assert remove_islands(parts_of(islands), RemoveIslands(217 * VOXEL_MM3)) == (None,)


def test_a_cavity_and_a_pinhole_are_filled_and_a_canal_stays() -> None:
    array = np.zeros((12, 12, 12), int)
    array[1:11, 1:11, 1:11] = 1
    solid = array > 0
    array[3:5, 3:5, 3:5] = 0  # a cavity
    array[8, 8, :] = 0  # a tunnel one voxel wide
    expected = solid.copy()
    array[5:7, 8:10, :] = 0  # a canal
    expected[5:7, 8:10, :] = False
    (filled,) = fill_holes(parts_of(array), FillHoles())
    assert np.array_equal(whole(filled, array.shape), expected)


def test_a_cavity_open_by_an_edge_only_is_closed() -> None:
    array = np.zeros((7, 7, 5), int)
    array[1:6, 1:6, 1:4] = 1
    array[1, 1, 2] = 0  # outside, at the corner
    array[2, 2, 2] = 0  # meets it at an edge: no voxel face leads there
    (filled,) = fill_holes(parts_of(array), FillHoles())
    assert whole(filled, array.shape)[2, 2, 2] and not whole(filled, array.shape)[1, 1, 2]


def test_what_does_not_change_is_the_same_part() -> None:
    array = np.zeros((8, 8, 8), int)
    array[2:6, 2:6, 2:6] = 1
    parts = parts_of(array)
    for step in (keep_largest(parts, KeepLargest()), fill_holes(parts, FillHoles())):
        assert step[0] is parts[0]


def test_merged_structures_that_share_faces_are_one_shell_without_a_gap() -> None:
    array = np.zeros((30, 16, 12), int)
    array[2:10, 2:14, 2:10], array[10:20, 3:12, 2:10], array[20:28, 2:14, 3:10] = 1, 2, 3
    (merged,) = merge(parts_of(array), Merge("trunk"))
    assert merged is not None and merged.structure.name == "trunk"
    assert np.array_equal(whole(merged, array.shape), array > 0)
    mesh = extract_surface(*merged.labelled())
    assert mesh is not None
    check = check_mesh(mesh)
    assert check.shells == 1 and check.is_sound
    assert check.signed_volume_mm3 == pytest.approx(np.count_nonzero(array) * VOXEL_MM3, rel=0.01)


def test_parts_are_grouped_by_touching_faces_also_through_others() -> None:
    array = np.zeros((24, 8, 8), int)
    array[1:5, 1:7, 1:7], array[5:9, 1:7, 1:7] = 1, 3
    array[12:16, 1:7, 1:7] = 3
    array[20:23, 1:7, 1:7] = 2
    assert [[part.structure.name for part in group] for group in touching(parts_of(array))] == [
        ["liver", "heart"],
        ["spleen"],
    ]
    array[16, 3, 3] = array[17:20, 3, 3] = 2
    assert len(touching(parts_of(array))) == 1
    only_an_edge = np.zeros((6, 6, 4), int)
    only_an_edge[1:3, 1:3, 1:3], only_an_edge[3:5, 3:5, 1:3] = 1, 2
    assert len(touching(parts_of(only_an_edge))) == 2


def test_a_changed_part_lies_where_it_was() -> None:
    array = np.zeros((20, 16, 12), int)
    array[4:12, 5:13, 0:8], array[18, 1, 10] = 1, 1
    (after,) = keep_largest(parts_of(array), KeepLargest())
    assert after is not None
    mesh = extract_surface(*after.labelled())
    assert mesh is not None
    grid = label_map(array).geometry
    truth = grid.world_ras([[3.5, 4.5, -0.5], [11.5, 12.5, 7.5]])
    assert mesh.bounds_mm == pytest.approx(truth, abs=0.4 * SPACING.max())
