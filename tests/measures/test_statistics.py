from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import nibabel
import numpy as np
import pytest
from nibabel.affines import from_matvec
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tsdesktop.core.geometry import Box, Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.measures import statistics
from tsdesktop.measures.statistics import in_upstream_schema, structure_statistics, upstream_statistics

OBLIQUE_MIRRORED = from_matvec(
    Rotation.from_euler("xyz", [15, -20, 30], degrees=True).as_matrix() @ np.diag([-0.7, 0.9, 2.5]),
    [10.0, -20.0, 300.0],
)
CLASSES = tuple(
    structure_class(label, name) for label, name in ((1, "liver"), (2, "spleen"), (7, "aorta"), (8, "colon"))
)


def phantom(array: NDArray[Any], affine: NDArray[np.float64] = OBLIQUE_MIRRORED) -> tuple[Volume, LabelMap]:
    """Labels 1, 2, 7 scattered over parts of the grid; 8 occurs nowhere."""
    rng = np.random.default_rng(3)
    labels = np.zeros(array.shape, np.uint8)
    labels[4:12, 5:11, 4:10] = rng.choice([0, 1, 2], (8, 6, 6))
    labels[10:19, 4:6, 6] = 7
    geometry = Geometry(array.shape, affine)
    return Volume(array, geometry, "CT"), LabelMap(labels, geometry, CLASSES)


def values(dtype: type[np.generic], low: float, high: float) -> NDArray[Any]:
    rng = np.random.default_rng(5)
    return np.asarray(rng.uniform(low, high, (21, 16, 14)), dtype)


@pytest.mark.parametrize(
    "array",
    [
        values(np.int16, -1024, 3071),
        values(np.int16, -32768, 32767),
        values(np.int32, -2_000_000, 2_000_000),
        values(np.int32, 40_000, 70_000),
        values(np.float32, -0.5, 1.5),
        np.asfortranarray(values(np.int16, -100, 100)),
    ],
    ids=["ct", "whole int16", "wide int32", "beyond int16", "float", "other memory order"],
)
def test_statistics_equal_those_of_each_mask(array: NDArray[Any]) -> None:
    volume, label_map = phantom(array)
    for each in structure_statistics(volume, label_map)[:3]:
        mask = label_map.array == each.structure.label
        inside = array[mask].astype(np.float64)
        assert each.intensity is not None
        assert each.voxels == mask.sum()
        assert each.volume_ml == pytest.approx(mask.sum() * 0.7 * 0.9 * 2.5 / 1000.0, rel=1e-12)
        assert each.intensity.mean == pytest.approx(inside.mean(), rel=1e-9, abs=1e-9)
        assert each.intensity.sd == pytest.approx(inside.std(), rel=1e-9)
        assert each.intensity.median == np.median(inside)
        assert (each.intensity.minimum, each.intensity.maximum) == (inside.min(), inside.max())


def test_place_of_a_structure_in_the_world_and_in_the_grid() -> None:
    volume, label_map = phantom(values(np.int16, 0, 9))
    aorta = structure_statistics(volume, label_map)[2]
    assert aorta.box == Box((10, 4, 6), (19, 6, 7))
    centre = OBLIQUE_MIRRORED @ np.array([14.0, 4.5, 6.0, 1.0])
    np.testing.assert_allclose(np.array(aorta.centroid_ras_mm), centre[:3], atol=1e-9)


def test_a_place_inside_a_ring_is_on_the_ring_and_that_of_a_ball_its_centroid() -> None:
    i, j, k = np.ogrid[:60, :60, :9]
    distance = np.sqrt((i - 30.0) ** 2 + (j - 30.0) ** 2) + 0 * k
    labels = np.zeros((60, 60, 9), np.uint8)
    labels[(distance > 20) & (distance < 24)] = 8
    labels[distance < 6] = 1
    geometry = Geometry(labels.shape, OBLIQUE_MIRRORED)
    label_map = LabelMap(labels, geometry, CLASSES)
    volume = Volume(np.zeros(labels.shape, np.int16), geometry, "CT")
    found = {each.structure.name: each for each in structure_statistics(volume, label_map)}
    ball, ring = found["liver"], found["colon"]
    assert ball.inside_ras_mm == ball.centroid_ras_mm
    assert ring.inside_ras_mm is not None and ring.centroid_ras_mm is not None
    voxel = np.rint(geometry.voxel(ring.inside_ras_mm)).astype(int)
    assert labels[tuple(voxel)] == 8
    places = geometry.world_ras(np.argwhere(labels == 8))
    nearest = np.linalg.norm(places - ring.centroid_ras_mm, axis=1).min()
    assert np.linalg.norm(np.array(ring.inside_ras_mm) - ring.centroid_ras_mm) == pytest.approx(nearest)


def test_far_from_every_voxel_the_place_inside_is_still_on_the_structure() -> None:
    labels = np.zeros((150, 140, 130), np.uint8)
    labels[:3, :4, :5] = labels[-3:, -4:, -5:] = 7
    geometry = Geometry(labels.shape, OBLIQUE_MIRRORED)
    label_map = LabelMap(labels, geometry, CLASSES)
    aorta = structure_statistics(Volume(np.zeros(labels.shape, np.int16), geometry, "CT"), label_map)[2]
    assert aorta.inside_ras_mm is not None
    assert labels[tuple(np.rint(geometry.voxel(aorta.inside_ras_mm)).astype(int))] == 7


@pytest.mark.parametrize("at_once", [100, 1 << 20])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_statistics_do_not_depend_on_memory_order_nor_on_pieces(
    at_once: int, dtype: type[np.generic], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "_VOXELS_AT_ONCE", at_once)
    volume, label_map = phantom(values(dtype, -1024, 3071))
    expected = structure_statistics(volume, label_map)
    orders: tuple[Literal["C", "F"], ...] = ("C", "F")
    for order in orders:
        turned = label_map.with_array(np.asarray(label_map.array, np.uint8, order=order))
        assert structure_statistics(volume, turned) == expected


def test_absent_structure_has_no_values() -> None:
    volume, label_map = phantom(values(np.int16, 0, 9))
    colon = structure_statistics(volume, label_map)[3]
    assert (colon.voxels, colon.volume_ml) == (0, 0.0)
    assert colon.intensity is None
    assert colon.box is None
    assert not colon.touches_border


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(
    ("layer", "touches", "near"), [(0, True, True), (1, False, True), (2, False, True), (3, False, False)]
)
@pytest.mark.parametrize("far", [False, True])
def test_border_layers(axis: int, layer: int, touches: bool, near: bool, far: bool) -> None:
    labels = np.zeros((20, 18, 16), np.uint8)
    place = [9, 9, 9]
    place[axis] = labels.shape[axis] - 1 - layer if far else layer
    labels[tuple(place)] = 1
    geometry = Geometry(labels.shape, np.eye(4))
    found = structure_statistics(
        Volume(np.full(labels.shape, 5, np.int16), geometry), LabelMap(labels, geometry, CLASSES)
    )
    assert (found[0].touches_border, found[0].near_border) == (touches, near)
    upstream = in_upstream_schema(found)["liver"]
    assert upstream == ({"volume": 0.0, "intensity": 0.0} if near else {"volume": 1.0, "intensity": 5.0})
    assert in_upstream_schema(found, include_border=True)["liver"] == {"volume": 1.0, "intensity": 5.0}


def test_upstream_table_rounds_averages_and_does_not_wrap() -> None:
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[4, 4, 3:6] = 2
    array = np.zeros(labels.shape, np.float32)
    array[4, 4, 3:6] = (40_000.0, 40_000.5, 40_003.0)
    geometry = Geometry(labels.shape, np.diag([0.5, 0.5, 2.0, 1.0]))
    scan, label_map = Volume(array, geometry), LabelMap(labels, geometry, CLASSES)
    table = upstream_statistics(scan, label_map)
    assert list(table) == ["liver", "spleen", "aorta", "colon"]
    assert table["spleen"] == {"volume": 1.5, "intensity": 40001.16667}
    assert table["liver"] == {"volume": 0.0, "intensity": 0.0}
    assert upstream_statistics(scan, label_map, "median")["spleen"]["intensity"] == 40_000.5


def test_scan_and_labels_of_different_grids_are_refused() -> None:
    volume, label_map = phantom(values(np.int16, 0, 9))
    moved = LabelMap(label_map.array, Geometry(volume.array.shape, np.eye(4)), CLASSES)
    with pytest.raises(ValueError, match="same grid"):
        structure_statistics(volume, moved)


def slab(data: Path) -> tuple[Volume, LabelMap, dict[str, dict[str, float]]]:
    folder = data / "ct_slab"
    image, labels = nibabel.load(folder / "ct.nii.gz"), nibabel.load(folder / "total_fast.nii.gz")
    geometry = Geometry(labels.shape, labels.affine)
    classes = catalogue().task("total").classes
    reference = json.loads((folder / "total_fast_statistics.json").read_text())
    array = np.asarray(image.dataobj, np.int16)
    return Volume(array, geometry, "CT"), LabelMap(np.asarray(labels.dataobj), geometry, classes), reference


def test_statistics_equal_totalsegmentators_own(data: Path) -> None:
    volume, label_map, reference = slab(data)
    table = upstream_statistics(volume, label_map, include_border=True)
    assert list(table) == list(reference)
    assert sum(values["volume"] > 0 for values in reference.values()) == 40
    for name, expected in reference.items():
        assert table[name]["volume"] == pytest.approx(expected["volume"], abs=0.1)
        assert table[name]["intensity"] == pytest.approx(expected["intensity"], abs=1e-4)


def test_border_rule_leaves_out_what_reaches_the_outer_three_layers(data: Path) -> None:
    volume, label_map, reference = slab(data)
    table = upstream_statistics(volume, label_map)
    kept = {each.name for each in label_map.classes if table[each.name]["volume"] > 0}
    inner = label_map.array[3:-3, 3:-3, 3:-3]
    expected = {
        each.name
        for each in label_map.present
        if np.count_nonzero(inner == each.label) == np.count_nonzero(label_map.array == each.label)
    }
    assert kept == expected
    assert {"adrenal_gland_right", "vertebrae_L1"} <= kept
    assert "liver" not in kept
    assert all(table[name] == reference[name] for name in kept)
