from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest import approx
from scipy import ndimage

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.tasks import Instant, catalogue
from tsdesktop.inference.instant import segment_instantly

METHODS: tuple[Instant, ...] = ("bone", "skin", "lungs", "fat_soft_bone")
SPACING = (1.3, 1.3, 2.4)
SHAPE = (290, 240, 72)
VOXEL_ML = math.prod(SPACING) / 1000
LENGTH_MM = SHAPE[2] * SPACING[2]
BODY_MM, LUNG_MM, TRACHEA_MM, SPINE_MM, SHAFT_MM, MARROW_MM, ARM_MM = (130, 100), (45, 58, 60), 9, 15, 14, 8, 25
LEFT, RIGHT, AIRWAYS = 1, 2, 3

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


def place(shape: tuple[int, int, int] = SHAPE) -> tuple[Array, Array, Array]:
    """Millimetres from the middle of the grid, along i to the right, j to the front, k to the head."""
    axes = [(np.arange(n, dtype=np.float32) - (n - 1) / 2) * step for n, step in zip(shape, SPACING, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    return x, y, z


def scanned(hu: Array, noise_hu: float = 12.0) -> NDArray[np.int16]:
    """The blur and noise of a scanner."""
    seen = ndimage.gaussian_filter(hu, [0.7 / step for step in SPACING])
    seen += np.random.default_rng(5).normal(0.0, noise_hu, hu.shape)
    return np.asarray(np.clip(np.round(seen), -1024, 3071), np.int16)


def disc(x: Array, y: Array, centre: tuple[float, float], radius: float) -> Mask:
    return np.asarray((x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2)


def lung(centre_x: float) -> Mask:
    x, y, z = place()
    a, b, c = LUNG_MM
    return np.asarray(((x - centre_x) / a) ** 2 + ((y - 10) / b) ** 2 + ((z + 15) / c) ** 2 < 1)


def torso(lung_x: float = 62.0, lungs: bool = True, table: bool = True) -> Array:
    """A body with an arm, spine, a hollow bone, trachea and lungs on a table that touches its back; clean HU."""
    x, y, z = place()
    hu = np.full(SHAPE, -1000, np.float32)
    if table:
        plate = (np.abs(y + BODY_MM[1] + 7) < 7) & (np.abs(x) < 175)
        hu[np.broadcast_to(plate, SHAPE)] = -900
        hu[np.broadcast_to(plate & (np.abs(y + BODY_MM[1] + 7) > 5), SHAPE)] = 300
    for thick_mm, value in ((0, 20), (2, -100), (16, 45)):
        a, b = BODY_MM[0] - thick_mm, BODY_MM[1] - thick_mm
        hu[np.broadcast_to((x / a) ** 2 + (y / b) ** 2 < 1, SHAPE)] = value
    hu[np.broadcast_to(disc(x, y, (-158, -20), ARM_MM), SHAPE)] = 45
    if lungs:
        for side in (lung(lung_x), lung(-lung_x)):
            hu[side] = -850
        hu[np.broadcast_to(disc(x, y, (0, -15), TRACHEA_MM) & (z > -20), SHAPE)] = -1000
    for centre, radius, value in (((0, -65), SPINE_MM, 700), ((70, -72), SHAFT_MM, 900), ((70, -72), MARROW_MM, -60)):
        hu[np.broadcast_to(disc(x, y, centre, radius), SHAPE)] = value
    hu[disc(x, y, (-40, 75), 4) & (np.abs(z) < 4)] = 900
    return hu


@pytest.fixture(scope="module")
def scan() -> NDArray[np.int16]:
    return scanned(torso())


@pytest.fixture(scope="module")
def skin(scan: NDArray[np.int16]) -> NDArray[np.uint8]:
    return segment_instantly("skin", scan, SPACING)


@pytest.fixture(scope="module")
def lung_labels(scan: NDArray[np.int16]) -> NDArray[np.uint8]:
    return segment_instantly("lungs", scan, SPACING)


def ml(labels: NDArray[np.uint8], label: int) -> float:
    return float(np.count_nonzero(labels == label)) * VOXEL_ML


def dice(found: Mask, true: Mask) -> float:
    return 2 * np.count_nonzero(found & true) / (np.count_nonzero(found) + np.count_nonzero(true))


def test_skin_has_the_volume_of_body_and_arm_without_the_table(skin: NDArray[np.uint8]) -> None:
    true = (math.pi * math.prod(BODY_MM) + math.pi * ARM_MM**2) * LENGTH_MM / 1000
    assert set(np.unique(skin)) == {0, 1}
    assert ml(skin, 1) == approx(true, rel=0.02)
    x, y, _ = place()
    table = np.broadcast_to((np.abs(y + BODY_MM[1] + 7) < 7) & (np.abs(x) > 30) & (np.abs(x) < 175), SHAPE)
    assert np.count_nonzero(skin[table]) < 0.01 * np.count_nonzero(table)


def test_skin_is_filled_although_lungs_are_cut_below_and_trachea_above(scan: NDArray[np.int16]) -> None:
    slab = scan[:, :, 20:45]
    skin = segment_instantly("skin", slab, SPACING)
    inside = segment_instantly("lungs", slab, SPACING) > 0
    assert np.count_nonzero(inside) * VOXEL_ML > 500
    assert skin[inside].all()


def test_skin_is_filled_although_lungs_are_cut_by_the_side_of_the_picture(scan: NDArray[np.int16]) -> None:
    narrow = scan[60:230]
    assert segment_instantly("skin", narrow, SPACING)[lung(62.0)[60:230]].mean() > 0.99


def test_bone_has_its_volume_at_the_threshold_half_way(scan: NDArray[np.int16]) -> None:
    bone = segment_instantly("bone", scan, SPACING, bone_threshold_hu=370)
    spine = math.pi * SPINE_MM**2 * LENGTH_MM / 1000
    assert ml(bone[100:180], 1) == approx(spine, rel=0.02)


def test_the_marrow_of_a_hollow_bone_is_filled_but_not_the_trachea(scan: NDArray[np.int16]) -> None:
    bone = segment_instantly("bone", scan, SPACING, bone_threshold_hu=420)
    assert ml(bone[175:], 1) == approx(math.pi * SHAFT_MM**2 * LENGTH_MM / 1000, rel=0.02)
    x, y, _ = place()
    assert not bone[np.broadcast_to(disc(x, y, (0, -15), 20), SHAPE)].any()


def test_bone_leaves_out_specks_and_the_table(scan: NDArray[np.int16]) -> None:
    bone = segment_instantly("bone", scan, SPACING, bone_threshold_hu=90)
    x, y, _ = place()
    speck = np.broadcast_to(disc(x, y, (-40, 75), 8), SHAPE)
    assert (scan[speck] > 500).any()
    assert not bone[speck].any()
    below = np.broadcast_to(y < -BODY_MM[1] - 8, SHAPE)
    assert (scan[below] > 90).any()
    assert not bone[below].any()


def test_a_higher_threshold_finds_less_bone(scan: NDArray[np.int16]) -> None:
    spine = scan[110:180, 20:110]
    volumes = [ml(segment_instantly("bone", spine, SPACING, bone_threshold_hu=hu), 1) for hu in (200, 350, 640)]
    assert volumes[0] > volumes[1] > volumes[2] > 0


def test_each_lung_has_its_volume_and_its_side(lung_labels: NDArray[np.uint8]) -> None:
    check_sides(lung_labels, 62.0)


def test_lungs_that_touch_are_told_apart() -> None:
    check_sides(segment_instantly("lungs", scanned(torso(44.5)), SPACING), 44.5)


def check_sides(labels: NDArray[np.uint8], lung_x: float) -> None:
    right, left = lung(lung_x), lung(-lung_x)
    overlap, channel = right & left, labels == AIRWAYS
    for label, own in ((RIGHT, right), (LEFT, left)):
        true = np.count_nonzero(own & ~channel) - np.count_nonzero(overlap & ~channel) / 2
        assert ml(labels, label) == approx(true * VOXEL_ML, rel=0.02)
        assert dice(labels == label, own) > 0.97
    assert (labels[right & ~overlap] == LEFT).mean() < 0.005
    assert (labels[left & ~overlap] == RIGHT).mean() < 0.005


def test_the_airways_are_the_trachea(lung_labels: NDArray[np.uint8]) -> None:
    x, y, z = place()
    trachea = disc(x, y, (0, -15), TRACHEA_MM) & (z > -20)
    assert dice(lung_labels == AIRWAYS, trachea) > 0.93
    assert ml(lung_labels, AIRWAYS) == approx(math.pi * TRACHEA_MM**2 * (LENGTH_MM / 2 + 20) / 1000, rel=0.1)


@pytest.mark.parametrize("gas_hu", [-1000, -930])
def test_bowel_gas_is_no_lung(gas_hu: int) -> None:
    hu = torso(lungs=False)
    hu[lung(62.0)] = gas_hu
    x, y, z = place()
    stool = (((x + 50) / 35) ** 2 + ((y - 20) / 40) ** 2 + (z / 40) ** 2 < 1) & (hu < 100)
    grains = np.random.default_rng(3).choice([-1000, -700, -500, -100], (42, 35, 18))
    hu[stool] = np.kron(grains, np.ones((7, 7, 4)))[: SHAPE[0], : SHAPE[1], : SHAPE[2]][stool]
    assert not segment_instantly("lungs", scanned(hu), SPACING).any()


def test_a_scan_without_lungs_has_none() -> None:
    assert not segment_instantly("lungs", scanned(torso(lungs=False)), SPACING).any()


def test_tissue_classes_are_right_in_the_depth_of_each_tissue(scan: NDArray[np.int16], skin: NDArray[np.uint8]) -> None:
    labels = segment_instantly("fat_soft_bone", scan, SPACING)
    clean = torso(table=False)
    for label, value in ((1, -850), (2, -100), (3, 45), (4, 700)):
        deep = ndimage.binary_erosion(clean == value, iterations=3)
        assert np.count_nonzero(deep) > 1000
        assert (labels[deep] == label).mean() > 0.995
    assert ((labels > 0) == (skin > 0)).all()


@pytest.mark.parametrize("method", METHODS)
def test_air_alone_is_nothing(method: Instant) -> None:
    noise = np.random.default_rng(1).normal(-1000, 15, (60, 50, 40)).astype(np.int16)
    assert not segment_instantly(method, noise, (1.0, 1.0, 1.0)).any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 2), (40, 2, 1), (1, 30, 30)])
@pytest.mark.parametrize("value", [-1000, -850, 40, 3000])
def test_tiny_volumes_give_labels_of_the_task(method: Instant, shape: tuple[int, int, int], value: int) -> None:
    labels = segment_instantly(method, np.full(shape, value, np.int16), (0.7, 0.7, 5.0))
    assert labels.shape == shape
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {0} | {each.label for each in catalogue().task(method).classes}
    assert labels.all() == (method in ("skin", "fat_soft_bone") and value > 0) or method == "bone"


@pytest.mark.parametrize("method", METHODS)
def test_number_type_and_memory_order_do_not_matter(method: Instant, scan: NDArray[np.int16]) -> None:
    slab = np.asfortranarray(scan[::2, ::2, 10:40])
    spacing = (2 * SPACING[0], 2 * SPACING[1], SPACING[2])
    expected = segment_instantly(method, slab, spacing)
    assert expected.any()
    given: Callable[..., NDArray[np.float32]] = np.ascontiguousarray
    assert (segment_instantly(method, given(slab, np.float32), spacing) == expected).all()


def test_progress_grows_to_one_and_may_end_the_work(scan: NDArray[np.int16]) -> None:
    shares: list[float] = []
    segment_instantly("skin", scan, SPACING, say=shares.append)
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert len(shares) > 5

    def stop(share: float) -> None:
        if share > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        segment_instantly("skin", scan, SPACING, say=stop)


@pytest.mark.parametrize("spacing", [(1.0, 0.0, 1.0), (1.0, 1.0, math.nan)])
def test_a_spacing_that_is_no_length_is_refused(spacing: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="spacing"):
        segment_instantly("skin", np.zeros((4, 4, 4), np.int16), spacing)


def test_what_is_no_volume_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        segment_instantly("skin", np.zeros((4, 4), np.int16), (1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def names() -> dict[int, str]:
    return {each.label: each.name for each in catalogue().task("total").classes}


def abdomen(data: Path) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    scans = [nibabel.as_closest_canonical(nibabel.load(data / "ct_abdomen" / name)) for name in FILES]
    return np.asarray(scans[0].dataobj).astype(np.int16), np.asarray(scans[1].dataobj).astype(np.uint8)


FILES = ("ct.nii.gz", "total_fast.nii.gz")
BONES = ("vertebrae", "sacrum", "hip_", "femur", "rib_")


def union(labels: NDArray[np.uint8], names: dict[int, str], starts: tuple[str, ...], end: str = "") -> Mask:
    return np.isin(labels, [n for n, name in names.items() if name.startswith(starts) and name.endswith(end)])


def test_bone_overlaps_the_reference_bones_of_a_real_scan(data: Path, names: dict[int, str]) -> None:
    hu, reference = abdomen(data)
    bone = segment_instantly("bone", hu, (3.0, 3.0, 3.0)) == 1
    assert dice(bone, union(reference, names, BONES)) > 0.86


def test_lung_bases_of_a_real_scan_are_found_and_its_bowel_gas_is_not(data: Path, names: dict[int, str]) -> None:
    hu, reference = abdomen(data)
    labels = segment_instantly("lungs", hu, (3.0, 3.0, 3.0))
    assert dice(labels == LEFT, union(reference, names, ("lung_",), "left")) > 0.94
    assert dice(labels == RIGHT, union(reference, names, ("lung_",), "right")) > 0.94
    assert not (labels == AIRWAYS).any()


def test_tissue_shares_of_a_real_scan_are_plausible(data: Path, names: dict[int, str]) -> None:
    hu, reference = abdomen(data)
    labels = segment_instantly("fat_soft_bone", hu, (3.0, 3.0, 3.0))
    shares = np.bincount(labels[labels > 0], minlength=5) / np.count_nonzero(labels)
    assert shares[1] == approx(0.027, abs=0.01)
    assert 0.35 < shares[2] < 0.55
    assert 0.40 < shares[3] < 0.60
    assert shares[4] == approx(0.03, abs=0.01)
    assert (labels[union(reference, names, ("liver", "spleen"))] == 3).mean() > 0.95
    assert (segment_instantly("skin", hu, (3.0, 3.0, 3.0))[reference > 0] == 1).mean() > 0.999
