"""The arithmetic of pictures: finer grids, outlines, windows."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from scipy import ndimage

from tests.gui.slices.phantoms import SHAPE, oblique, ramp, straight, two_boxes
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.gui.slices import cut, enlarge, layers, outline
from tsdesktop.gui.slices.plane import PLANE_NAMES, Plane
from tsdesktop.gui.windowing import CT_PRESETS, Window, auto_window, dragged, first_window, narrowest_window, preset


@pytest.mark.parametrize(("rows", "columns"), list(product((1, 2, 3, 4), repeat=2)))
def test_a_finer_slice_goes_through_straight_lines(rows: int, columns: int) -> None:
    v, u = np.mgrid[:70, :45].astype(np.float32)
    finer = enlarge.enlarged(2 * u - 3 * v, rows, columns)
    assert finer.shape == (70 * rows, 45 * columns)
    fine_v = (np.arange(70 * rows) + 0.5) / rows - 0.5
    fine_u = (np.arange(45 * columns) + 0.5) / columns - 0.5
    expected = 2 * fine_u - 3 * fine_v[:, None]
    inside = slice(2 * rows, -2 * rows), slice(2 * columns, -2 * columns)
    assert finer[inside] == pytest.approx(expected[inside], abs=1e-3)


def test_a_finer_slice_does_not_depend_on_where_the_blocks_end() -> None:
    values = np.random.default_rng(1).normal(size=(100, 60)).astype(np.float32)
    whole = enlarge.enlarged(values, 3, 2)
    part = enlarge.enlarged(values[7:91, 5:50], 3, 2)
    assert part[9:-9, 6:-6] == pytest.approx(whole[30:-36, 16:-26], abs=1e-5)


@pytest.mark.parametrize("smooth", [True, False])
def test_outlines_hold_the_area_of_their_labels(smooth: bool) -> None:
    random = np.random.default_rng(3)
    labels = (ndimage.gaussian_filter(random.normal(size=(90, 110)), 6) > 0.01).astype(np.uint8)
    labels[20:50, 30:70] *= 2
    curves = outline.outlines(labels, exact=not smooth, smooth=smooth)
    for label, each in curves.items():
        area = sum(0.5 * np.sum(c[:, 0] * np.roll(c[:, 1], -1) - np.roll(c[:, 0], -1) * c[:, 1]) for c in each)
        assert abs(area) == pytest.approx(np.count_nonzero(labels == label), rel=0.06 if smooth else 1e-9)


def test_paths_are_the_curves_where_they_belong() -> None:
    labels = np.zeros((12, 12), np.uint8)
    labels[2:5, 3:8], labels[7:9, 1:3], labels[10, 10] = 1, 1, 2
    made = layers.paths(outline.outlines(labels, exact=True), (100.0, 50.0))
    assert made[1].boundingRect().getRect() == (100.5, 51.5, 7.0, 7.0)
    assert made[2].boundingRect().getRect() == (109.5, 59.5, 1.0, 1.0)
    assert layers.paths({}) == {}


@pytest.mark.parametrize("grid", [straight("LPS"), oblique()], ids=["stored otherwise", "oblique"])
def test_presence_names_the_slices_of_a_structure(grid: Geometry) -> None:
    found = cut.presence(two_boxes(grid), 2, grid)
    assert [np.flatnonzero(each)[[0, -1]].tolist() for each in found] == [[25, 34], [20, 39], [10, 24]]
    assert not any(each.any() for each in cut.presence(two_boxes(grid), 9, grid))


def test_the_labels_of_a_slice_are_those_of_the_scan() -> None:
    label_map, volume = two_boxes(oblique()), ramp(oblique())
    for plane_name in PLANE_NAMES:
        plane = Plane(volume.geometry, plane_name)
        labels = cut.label_slice(label_map, plane, 15)
        voxel = plane.voxel(12, 9, 15).astype(int)
        assert labels[9, 12] == label_map.array[tuple(voxel)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("degrees", [0.0, 9.0])
def test_labels_of_another_grid_are_the_nearest_ones(order: tuple[int, ...], degrees: float) -> None:
    shape, turn = (30, 20, 25), np.radians(degrees)
    affine = np.eye(4)
    affine[:3, :3] = np.diag([1, -1, -1])[:, list(order)] * (3.1, 2.3, 4.7)
    affine[:2, :3] = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ affine[:2, :3]
    affine[:3, 3] = straight().world_ras((20, 25, 15)) - affine[:3, :3] @ (np.array(shape) / 2) + (0.3, 0.7, 0.2)
    own = Geometry(shape, affine)
    label_map = LabelMap(np.random.default_rng(0).integers(0, 9, shape).astype(np.uint8), own, ())
    for name in PLANE_NAMES:
        plane = Plane(straight(), name)
        columns, rows, _ = plane.size
        labels = cut.label_slice(label_map, plane, 13)
        assert labels.shape == (rows, columns)
        for v, u in product(range(0, rows, 3), range(0, columns, 4)):
            index = np.rint(own.voxel(plane.world_ras(u, v, 13))).astype(int)
            inside = np.all((index >= 0) & (index < shape))
            assert labels[v, u] == (label_map.array[tuple(index)] if inside else 0)


def test_presets_are_for_ct() -> None:
    volume = ramp(straight())
    assert preset(volume, 1) == CT_PRESETS[0][1] == Window(40, 400)
    assert preset(volume, len(CT_PRESETS) + 1) is None
    assert preset(ramp(straight(), np.float32, "MR"), 1) is None


def test_the_first_window_is_the_files_else_the_fitting_one() -> None:
    array = ramp(straight()).array
    stated = Volume(array, straight(), "CT", ScanSource("dicom", "a", window=(60.0, 360.0)))
    assert first_window(stated) == Window(60, 360)
    assert first_window(ramp(straight())) == Window(40, 400)
    low, high = np.percentile(array, [0.1, 99.9])
    assert first_window(ramp(straight(), np.int16, "MR")).width == pytest.approx(high - low, rel=0.02)


def test_values_of_fractions_keep_a_narrow_window() -> None:
    array = np.linspace(0, 0.003, int(np.prod(SHAPE)), dtype=np.float32).reshape(SHAPE)
    volume = Volume(array, straight(), "MR")
    window = first_window(volume)
    assert window.width == pytest.approx(0.003, rel=0.02)
    narrow = dragged(window, -1e6, 0, 1.0, narrowest_window(volume))
    assert 0 < narrow.width < 1e-4
    assert dragged(Window(0, 10), -1e6, 0, 1.0).width == 1


def test_a_constant_image_has_a_window() -> None:
    assert auto_window(np.full((5, 5, 5), 7, np.int16)) == Window(7, 1)
    assert auto_window(np.full((5, 5, 5), 0.5, np.float32)) == Window(0.5, 1)
