from __future__ import annotations

import numpy as np
import pytest

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.extract import extract_surface
from tsdesktop.surfaces.smoothing import (
    DEFAULT_SMOOTHING,
    NO_SMOOTHING,
    PRESET_TITLES,
    PRESETS,
    Smoothing,
    effect_mm,
    smoothing_of,
)


def height_left(width_mm: float, smoothing: Smoothing, spacing_mm: float) -> float:
    """The share of their height that ridges of this width keep; they run askew over a tilted block."""
    length = 2.0 * width_mm / spacing_mm
    n = int(np.clip(3.0 * length, 40, 90))
    i, j, k = np.meshgrid(np.arange(n), np.arange(n), np.arange(24), indexing="ij")
    across, turned = (np.cos(0.7), np.sin(0.7)), 2.0 * np.pi / length
    waves = np.sin(turned * (i * across[0] + j * across[1]) + 1.0)
    mask = k <= 12.0 + 0.05 * (i - n / 2) - 0.03 * (j - n / 2) + min(1.5, length / 5.0) * waves
    label_map = LabelMap(mask.astype(np.uint8), Geometry(mask.shape, np.diag([spacing_mm] * 3 + [1.0])), ())
    heights = []
    for each in (NO_SMOOTHING, smoothing):
        mesh = extract_surface(label_map, 1, each)
        assert mesh is not None
        places = mesh.vertices_ras.astype(np.float64) / spacing_mm
        inner = (places[:, 2] > 4) & np.all((places[:, :2] > 7) & (places[:, :2] < n - 8), axis=1)
        x, y, z = places[inner].T
        phase = turned * (x * across[0] + y * across[1])
        parts = np.stack([np.sin(phase), np.cos(phase), np.ones(len(x)), x, y], axis=1)
        heights.append(float(np.hypot(*np.linalg.lstsq(parts, z, rcond=None)[0][:2])))
    return heights[1] / heights[0]


@pytest.mark.parametrize(("effect", "spacing_mm"), [(4.2, 1.4), (3.5, 0.7), (15.0, 3.0)])
def test_effect_in_mm_is_the_width_of_what_stays(effect: float, spacing_mm: float) -> None:
    smoothing = smoothing_of("faithful", effect, (spacing_mm,) * 3)
    assert height_left(0.5 * effect, smoothing, spacing_mm) < 0.1
    assert 0.5 < height_left(effect, smoothing, spacing_mm) < 0.9
    assert height_left(2.0 * effect, smoothing, spacing_mm) > 0.9


def test_presets_are_ordered_and_the_faithful_one_is_the_default() -> None:
    widths = [effect_mm(PRESETS[name], (1.0, 1.0, 1.0)) for name in ("faithful", "smooth", "very smooth")]
    assert widths == sorted(widths)
    assert 1.0 < widths[0] <= 2.0
    assert PRESETS["faithful"] == DEFAULT_SMOOTHING == Smoothing()
    assert list(PRESET_TITLES) == list(PRESETS)


def test_effect_of_a_preset_grows_with_the_voxels() -> None:
    assert effect_mm(PRESETS["smooth"], (3.0, 3.0, 3.0)) == pytest.approx(9.0, rel=0.01)
    assert effect_mm(PRESETS["smooth"], (0.7, 0.7, 2.5)) == pytest.approx(7.5, rel=0.01)
    assert effect_mm(NO_SMOOTHING, (3.0, 3.0, 3.0)) == 0.0


@pytest.mark.parametrize("spacing_mm", [(0.7, 0.7, 0.7), (3.0, 3.0, 3.0), (0.8, 0.8, 2.5)], ids=str)
def test_effect_that_is_asked_for_is_told(spacing_mm: tuple[float, float, float]) -> None:
    smoothing = smoothing_of("smooth", 4.0, spacing_mm)
    assert effect_mm(smoothing, spacing_mm) == 4.0
    # Labels that turn out to be made of larger voxels are smoothed by as many mm, not by as many voxels.
    larger = tuple(2.0 * mm for mm in spacing_mm)
    assert smoothing.at(larger).pass_band == pytest.approx(4.0 * smoothing.at(spacing_mm).pass_band)


def test_long_voxels_are_smoothed_farther() -> None:
    cubic, long = DEFAULT_SMOOTHING.at((1.0, 1.0, 1.0)), DEFAULT_SMOOTHING.at((1.0, 1.0, 8.0))
    assert (cubic.iterations, cubic.pass_band) == (DEFAULT_SMOOTHING.iterations, DEFAULT_SMOOTHING.pass_band)
    assert long.pass_band == pytest.approx(cubic.pass_band / 4.0**1.6)
    assert long.iterations == round(4.0**0.8 * cubic.iterations)


def test_nothing_is_smoothed_at_0_mm() -> None:
    assert smoothing_of("smooth", 0.0, (1.0, 1.0, 1.0)) == NO_SMOOTHING == NO_SMOOTHING.at((1.0, 2.0, 3.0))


@pytest.mark.parametrize("effect", [-1.0, float("nan"), float("inf")])
def test_impossible_effects_are_refused(effect: float) -> None:
    with pytest.raises(ValueError, match="effect"):
        smoothing_of("smooth", effect, (1.0, 1.0, 1.0))
    with pytest.raises(KeyError):
        smoothing_of("silky", None, (1.0, 1.0, 1.0))


@pytest.mark.parametrize("values", [(-1, 0.1), (10, 0.0), (10, 2.5)])
def test_impossible_smoothing_is_refused(values: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="smoothing needs"):
        Smoothing(*values)
    with pytest.raises(ValueError, match="width"):
        Smoothing(10, 0.1, 0.0)
