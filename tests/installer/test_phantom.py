"""The phantom: the same person at any spacing, with organs on their right sides."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from make_sample import SAMPLE, sample
from numpy.typing import NDArray
from phantom import CLASSES, Phantom, make_phantom

SEED = 31


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(SEED, spacing_mm=(4.0, 4.0, 4.0))


def _mask(phantom: Phantom, name: str) -> NDArray[np.bool_]:
    return np.asarray(phantom.labels == CLASSES.index(name) + 1)


def _centre_mm(phantom: Phantom, name: str) -> NDArray[np.float64]:
    index = np.argwhere(_mask(phantom, name)).mean(0)
    return np.asarray(phantom.affine[:3, :3] @ index + phantom.affine[:3, 3])


def _volumes_ml(phantom: Phantom) -> NDArray[np.float64]:
    counts = np.bincount(phantom.labels.ravel(), minlength=len(CLASSES) + 1)[1:]
    return np.asarray(counts * abs(np.linalg.det(phantom.affine[:3, :3])) / 1000)


def test_a_seed_gives_the_same_phantom_again(phantom: Phantom) -> None:
    again = make_phantom(SEED, spacing_mm=(4.0, 4.0, 4.0))
    assert np.array_equal(again.hu, phantom.hu)
    assert np.array_equal(again.labels, phantom.labels)
    assert np.array_equal(again.affine, phantom.affine)


def test_another_seed_gives_another_phantom(phantom: Phantom) -> None:
    assert make_phantom(SEED + 1, spacing_mm=(4.0, 4.0, 4.0)).hu.shape != phantom.hu.shape


def test_an_uncut_phantom_has_every_class(phantom: Phantom) -> None:
    assert phantom.hu.dtype == np.int16
    assert phantom.labels.dtype == np.uint8
    assert np.array_equal(np.unique(phantom.labels), np.arange(len(CLASSES) + 1))


@pytest.mark.parametrize("organ", ["kidney", "femur", "hip", "lung_upper_lobe", "lung_lower_lobe", "autochthon"])
def test_right_organs_lie_at_greater_x(phantom: Phantom, organ: str) -> None:
    assert _centre_mm(phantom, f"{organ}_right")[0] > _centre_mm(phantom, f"{organ}_left")[0] + 20


def test_the_body_is_the_right_way_round(phantom: Phantom) -> None:
    assert _centre_mm(phantom, "liver")[0] > _centre_mm(phantom, "spleen")[0]
    assert _centre_mm(phantom, "sternum")[1] > _centre_mm(phantom, "spinal_cord")[1]
    heights = [_centre_mm(phantom, name)[2] for name in ("urinary_bladder", "vertebrae_L5", "vertebrae_L1", "heart")]
    assert heights == sorted(heights)


def test_volumes_do_not_depend_on_spacing(phantom: Phantom) -> None:
    coarse, fine = _volumes_ml(phantom), _volumes_ml(make_phantom(SEED, spacing_mm=(3.0, 3.0, 3.0)))
    np.testing.assert_allclose(coarse, fine, rtol=0.05, atol=1.0)


def test_volumes_are_those_of_an_adult() -> None:
    upright = make_phantom(SEED, spacing_mm=(4.0, 4.0, 4.0), pose=False)
    volumes = dict(zip(CLASSES, _volumes_ml(upright), strict=True))
    assert 1000 < volumes["liver"] < 2200
    assert 90 < volumes["kidney_left"] < 250
    assert 80 < volumes["spleen"] < 400
    assert 2500 < sum(volume for name, volume in volumes.items() if name.startswith("lung")) < 6500


def test_slices_may_be_thick(phantom: Phantom) -> None:
    thick = make_phantom(SEED, spacing_mm=(2.0, 4.0, 8.0))
    assert np.array_equal(np.diag(thick.affine), [2.0, 4.0, 8.0, 1.0])
    for name in ("liver", "kidney_left", "vertebrae_L3"):
        np.testing.assert_allclose(_centre_mm(thick, name), _centre_mm(phantom, name), atol=2.5)


def test_a_cut_phantom_is_a_part_of_the_whole(phantom: Phantom) -> None:
    part = make_phantom(SEED, spacing_mm=(4.0, 4.0, 4.0), cut=True)
    first = np.round((part.affine[:3, 3] - phantom.affine[:3, 3]) / 4).astype(int)
    inner = phantom.labels[tuple(slice(a, a + n) for a, n in zip(first, part.labels.shape, strict=True))]
    assert part.labels.size < phantom.labels.size
    assert part.labels.shape == inner.shape
    assert np.mean(part.labels == inner) > 0.999


def test_soft_organs_cannot_be_told_by_their_hu_alone(phantom: Phantom) -> None:
    spreads = {name: np.percentile(phantom.hu[_mask(phantom, name)], (25, 75)) for name in ("pancreas", "stomach")}
    muscle = np.percentile(phantom.hu[_mask(phantom, "autochthon_left")], (2, 98))
    for low, high in spreads.values():
        assert low < muscle[1] and high > muscle[0]


def test_air_around_fat_below_the_skin_and_a_table_behind(phantom: Phantom) -> None:
    quiet = make_phantom(SEED, spacing_mm=(4.0, 4.0, 4.0), noise=False, pose=False)
    assert quiet.hu[:3, -3:].max() < -950
    middle = quiet.hu[quiet.hu.shape[0] // 2, :14, quiet.hu.shape[2] // 2]
    assert middle.max() > -700


def test_a_spacing_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="spacing must be positive"):
        make_phantom(SEED, spacing_mm=(3.0, 0.0, 3.0))


def test_the_bundled_sample_is_what_its_seed_gives() -> None:
    image, made = nib.nifti1.load(SAMPLE), sample()
    stored = np.asarray(image.dataobj)
    assert stored.dtype == np.int16
    assert SAMPLE.stat().st_size < 5_000_000
    np.testing.assert_allclose(image.affine, made.affine, atol=1e-3)
    assert int(image.header["qform_code"]) == int(image.header["sform_code"]) == 1
    # The last bits of sines differ between processors, and may turn a rounding by one HU.
    assert np.mean(np.abs(stored.astype(int) - made.hu) <= 1) > 0.9999
