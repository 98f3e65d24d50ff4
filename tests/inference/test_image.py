"""A CT is normalised where it is read, to the same bits as all of it at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.inference.bands import band_networks
from tests.networks import write_band_network
from tsdesktop.inference.image import CtImage
from tsdesktop.inference.preprocess import network_input
from tsdesktop.inference.tiling import busiest_tile, make_tiling
from tsdesktop.weights.plans import Intensity, NetworkPlans, read_plans

STATISTICS = Intensity(-1004.0, 1588.0, 99.5, 392.25)


@pytest.fixture
def plans(tmp_path: Path) -> NetworkPlans:
    """For CT, and the 1.5 mm grid of the scans below."""
    read = read_plans(write_band_network(tmp_path, band_networks()["297"]))
    return replace(read, spacing_mm=(1.5, 1.5, 1.5), normalization="CTNormalization", intensity=STATISTICS)


def scan(kind: Any) -> NDArray[Any]:
    """Intensities [i, j, k], some beyond the percentiles."""
    return np.asfortranarray(np.random.default_rng(8).integers(-2000, 3000, (21, 30, 26)).astype(kind))


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float32])
def test_parts_are_normalised_as_the_whole(plans: NetworkPlans, kind: Any) -> None:
    array = scan(kind)
    image = network_input(array, (1.5, 1.5, 1.5), plans).image
    assert isinstance(image, CtImage) and image.shape == (26, 30, 21)
    expected = np.clip(array.T.astype(np.float64), -1004.0, 1588.0)
    expected = (expected - 99.5) / 392.25
    np.testing.assert_allclose(np.asarray(image), expected, rtol=0, atol=1e-6)
    part = (slice(3, 19), slice(0, 16), slice(5, 21))
    np.testing.assert_array_equal(image[part], np.asarray(image)[part])
    assert image[part].flags.c_contiguous and image[part].dtype == np.float32
    np.testing.assert_array_equal(array, scan(kind))


def test_what_a_window_is_filled_up_with_is_not_normalised(plans: NetworkPlans) -> None:
    image = network_input(scan(np.int16), (1.5, 1.5, 1.5), plans).image
    tiling = make_tiling(image, (32, 32, 32), 0.5)
    assert tiling.count == 1
    tile = tiling.tile((0, 0, 0))
    np.testing.assert_array_equal(tile[tiling.unpadded], np.asarray(image))
    assert tile.sum() == pytest.approx(float(np.asarray(image).sum()), rel=1e-5)


def test_statistics_are_needed(plans: NetworkPlans) -> None:
    with pytest.raises(ValueError, match="have intensity statistics"):
        network_input(scan(np.int16), (1.5, 1.5, 1.5), replace(plans, intensity=None))


def test_the_busiest_window_is_found_without_all_windows_at_once(
    plans: NetworkPlans, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = np.zeros((64, 64, 64), np.int16)
    array[40:60, 8:20, 33:61] = np.random.default_rng(2).integers(-900, 1500, (20, 12, 28))
    image = network_input(array + np.int16(40), (1.5, 1.5, 1.5), plans).image
    tiling = make_tiling(image, (16, 16, 16), 0.5)
    whole = make_tiling(np.asarray(image), (16, 16, 16), 0.5)
    read: list[int] = []
    part = CtImage.__getitem__

    def told(given: CtImage, where: tuple[slice, slice, slice]) -> NDArray[np.float32]:
        out = part(given, where)
        read.append(out.size)
        return out

    monkeypatch.setattr(CtImage, "__getitem__", told)
    np.testing.assert_array_equal(busiest_tile(tiling), busiest_tile(whole))
    # Only every fourth voxel along each axis is compared, and one window is read.
    assert tiling.count == 343 and sum(read) == 343 * 4**3 + 16**3
