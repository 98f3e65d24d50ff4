"""The face of an artificial head: found, changed, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.heads import NOSE_TIP, Phantom, grid, head_phantom
from tsdesktop.core.errors import Cancelled
from tsdesktop.core.geometry import Box, Geometry, to_ras_order
from tsdesktop.core.volume import Modality, Volume
from tsdesktop.measures.defacing import CELL_MM, Treatment, defaced
from tsdesktop.measures.face import Face, face_from_label, face_from_skin


@pytest.fixture(scope="module", params=["MR", "CT"])
def phantom(request: pytest.FixtureRequest) -> Phantom:
    return head_phantom(grid((2.5, 2.5, 4.0)), request.param)


@pytest.fixture(scope="module")
def face(phantom: Phantom) -> Face:
    return found(phantom.volume)


def found(volume: Volume) -> Face:
    face = face_from_skin(volume)
    assert face is not None
    return face


def voxel(volume: Volume, place_ras: tuple[float, float, float]) -> tuple[int, ...]:
    return tuple(int(n) for n in np.rint(volume.geometry.voxel(place_ras)))


def test_the_skin_of_the_face_goes_and_no_voxel_of_the_brain(phantom: Phantom, face: Face) -> None:
    assert phantom.face_skin[face.mask].sum() > 0.99 * phantom.face_skin.sum()
    assert not (face.mask & phantom.brain).any()
    assert face.mask[voxel(phantom.volume, NOSE_TIP)]


def test_the_air_before_the_face_goes_up_to_the_border(phantom: Phantom, face: Face) -> None:
    mask = to_ras_order(phantom.volume.geometry).apply(face.mask)
    columns = mask.any(axis=1)
    assert mask[:, -1][columns].all()
    # Along each column the mask begins once and ends at the border: no outline of the nose in front of it.
    assert (np.count_nonzero(np.diff(mask.astype(np.int8), axis=1), axis=1)[columns] <= 2).mean() > 0.98


def test_at_least_10_mm_of_the_face_go(phantom: Phantom, face: Face) -> None:
    mask = face.mask
    for x in (-30.0, 0.0, 30.0):
        for z in (-60.0, -20.0, -5.0):
            skin = 95 * np.sqrt(1 - (x / 75) ** 2 - (z / 115) ** 2)
            depth = np.arange(1.0, 9.0)
            assert all(mask[voxel(phantom.volume, (x, skin - d * 0.9, z))] for d in depth)


@pytest.mark.parametrize("treatment", ["blur", "remove"])
def test_outside_the_mask_nothing_changes(phantom: Phantom, face: Face, treatment: Treatment) -> None:
    volume = phantom.volume
    after = defaced(volume, face, treatment)
    assert after.array.dtype == volume.array.dtype
    assert np.array_equal(after.array[~face.mask], volume.array[~face.mask])
    assert (after.array[face.mask] != volume.array[face.mask]).mean() > 0.5


def test_removed_is_air(phantom: Phantom, face: Face) -> None:
    volume = phantom.volume
    air = defaced(volume, face, "remove").array[face.mask]
    assert np.unique(air).size == 1
    assert air[0] == (-1000 if volume.modality == "CT" else pytest.approx(3, abs=4))


def test_of_what_is_finer_than_a_cell_only_the_mean_is_left() -> None:
    shape = (24, 24, 24)
    geometry = Geometry(shape, np.diag([4.0, 4.0, 4.0, 1.0]))
    random = np.random.default_rng(5)
    array = random.integers(0, 2000, shape).astype(np.int16)
    n = round(CELL_MM / 4)
    cells = array.reshape(4, n, 4, n, 4, n).transpose(0, 2, 4, 1, 3, 5).reshape(64, -1)
    shuffled = random.permuted(cells, axis=1).reshape(4, 4, 4, n, n, n).transpose(0, 3, 1, 4, 2, 5).reshape(shape)
    face = Face(np.ones(shape, np.bool_), Box((0, 0, 0), shape), 0.0)
    a, b = (defaced(Volume(each, geometry, "MR"), face, "blur").array for each in (array, shuffled))
    assert not np.array_equal(array, shuffled)
    assert np.abs(a.astype(int) - b).max() <= 1
    assert array.std() > 20 * a.std()


def test_it_does_not_depend_on_how_the_scan_is_stored(phantom: Phantom, face: Face) -> None:
    volume = phantom.volume
    order = to_ras_order(volume.geometry)
    turned = replace(volume, array=order.apply(volume.array), geometry=order.apply_geometry(volume.geometry))
    assert np.mean(order.apply(face.mask) != found(turned).mask) < 0.001


def test_a_head_without_vertex_and_chin_has_a_face_too(phantom: Phantom) -> None:
    volume = phantom.volume
    box = Box((0, 0, 22), (volume.geometry.shape[0], volume.geometry.shape[1], 57))
    part = replace(volume, array=volume.array[box.slices], geometry=volume.geometry.cropped(box))
    face = found(part)
    skin, brain = phantom.face_skin[box.slices], phantom.brain[box.slices]
    assert skin[face.mask].sum() > 0.95 * skin.sum()
    assert not (face.mask & brain).any()


def trunk(modality: Modality, radii: tuple[float, float]) -> Volume:
    """An elliptic cylinder that is cut at both ends: a trunk, a thigh."""
    i, j, _ = np.indices((110, 90, 40))
    inside = ((i - 55) * 4 / radii[0]) ** 2 + ((j - 45) * 4 / radii[1]) ** 2 <= 1
    values = np.where(inside, 40, -1000) if modality == "CT" else np.where(inside, 150, 2)
    return Volume(values.astype(np.int16), Geometry((110, 90, 40), np.diag([4.0, 4.0, 4.0, 1.0])), modality)


@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("radii", [(190.0, 130.0), (75.0, 72.0)])
def test_a_trunk_and_a_thigh_have_no_face(modality: Modality, radii: tuple[float, float]) -> None:
    assert face_from_skin(trunk(modality, radii)) is None


def test_nothing_but_air_has_no_face() -> None:
    geometry = Geometry((20, 20, 20), np.diag([4.0, 4.0, 4.0, 1.0]))
    assert face_from_skin(Volume(np.full((20, 20, 20), -1000, np.int16), geometry, "CT")) is None
    assert face_from_skin(Volume(np.zeros((20, 20, 20), np.int16), geometry, "MR")) is None


def test_a_label_of_the_face_goes_with_what_lies_before_it_but_not_the_brain(phantom: Phantom) -> None:
    brain = phantom.brain | (phantom.face_skin & (np.indices(phantom.face_skin.shape)[0] % 7 == 0))
    face = face_from_label(phantom.volume, phantom.face_skin, phantom.brain)
    assert face is not None
    assert face.mask[phantom.face_skin & ~phantom.brain].all()
    assert not face.mask[phantom.brain].any()
    spared = face_from_label(phantom.volume, phantom.face_skin, brain)
    assert spared is not None
    assert not spared.mask[brain].any()
    mask = to_ras_order(phantom.volume.geometry).apply(face.mask)
    assert mask[:, -1][mask.any(axis=1)].all()


def test_the_work_can_be_stopped(phantom: Phantom) -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        face_from_skin(phantom.volume, check=stop)
