"""Where slices lie: every voxel shows the field at its place in the world, or one sentence says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    MRImageStorage,
)

from tests.scans.series import (
    AXIAL,
    COLUMNS,
    ROWS,
    TEN,
    assert_shows_field,
    ids,
    write_series,
)
from tsdesktop.core.errors import GeometryError
from tsdesktop.scans.reader import read_scan

COSINE, SINE = float(np.cos(0.3)), float(np.sin(0.3))


OBLIQUE = (COSINE, SINE, 0.0, -SINE * 0.8, COSINE * 0.8, 0.6)


SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, OBLIQUE], ids=["axial", "sagittal", "oblique"])
@pytest.mark.parametrize("direction", [1, -1])
def test_slices_are_sorted_along_their_normal(tmp_path: Path, orientation: Any, direction: int) -> None:
    write_series(tmp_path, [direction * h for h in TEN], orientation=orientation)
    volume = read_scan(tmp_path)
    assert volume.array.shape == (COLUMNS, ROWS, 10)
    assert volume.array.dtype == np.int16
    np.testing.assert_allclose(volume.spacing_mm, (1.0, 1.5, 3.0), atol=1e-5)
    assert_shows_field(volume)
    assert volume.modality == "CT"
    assert ids(volume) == []


def test_gantry_tilt_is_resampled_upright(tmp_path: Path) -> None:
    angle = np.radians(15)
    tilted = (1.0, 0.0, 0.0, 0.0, float(np.cos(angle)), float(-np.sin(angle)))
    write_series(tmp_path, TEN, orientation=tilted, along=(0.0, 0.0, 1.0))
    volume = read_scan(tmp_path)
    assert volume.geometry.is_orthogonal
    assert ids(volume) == ["note.tilt"]
    assert float(volume.notes[0].arguments["degrees"]) == pytest.approx(15, abs=0.1)
    assert volume.spacing_mm[2] == pytest.approx(3 * np.cos(angle), rel=1e-4)
    assert_shows_field(volume, tolerance=1.1, border=1)


def test_a_missing_slice_is_filled_from_its_neighbours(tmp_path: Path) -> None:
    heights = [2.0 * n for n in range(20) if n != 7]
    write_series(tmp_path, heights)
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 20
    assert ids(volume) == ["note.filled_slices"]
    assert volume.notes[0].arguments["missing"] == 1
    assert_shows_field(volume, tolerance=1.01)


@pytest.mark.parametrize("gone", [range(5, 9), [3, 7, 11, 15]], ids=["four in a row", "a fifth"])
def test_too_many_missing_slices_are_refused(tmp_path: Path, gone: Any) -> None:
    write_series(tmp_path, [2.0 * n for n in range(20) if n not in gone])
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.missing_slices"
    assert caught.value.arguments["missing"] == 4


def test_thick_slices_beside_thin_ones_are_uneven_not_missing(tmp_path: Path) -> None:
    heights = [2.5 * n for n in range(12)] + [27.5 + 5.0 * (n + 1) for n in range(5)]
    write_series(tmp_path, heights, each=lambda n: {"SliceThickness": 2.5 if n < 12 else 5.0})
    volume = read_scan(tmp_path)
    assert ids(volume) == ["note.uneven_slices"]
    assert volume.spacing_mm[2] == pytest.approx(2.5)
    assert_shows_field(volume, tolerance=1.01)


def test_uneven_slices_are_resampled_to_the_median(tmp_path: Path) -> None:
    heights = np.cumsum([0, 2.0, 2.0, 2.6, 2.0, 3.0, 2.0, 2.0, 2.0, 1.6])
    write_series(tmp_path, list(heights))
    volume = read_scan(tmp_path)
    assert ids(volume) == ["note.uneven_slices"]
    assert volume.spacing_mm[2] == pytest.approx(2.0, rel=0.1)
    assert_shows_field(volume, tolerance=1.01)


def test_an_absurd_gap_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path, [*TEN, 27 + 47.3])
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slices_do_not_form_volume"


def test_rounded_positions_are_even(tmp_path: Path) -> None:
    write_series(tmp_path, [round(0.7 * n, 1) + 0.03 * (n % 2) for n in range(12)])
    assert ids(read_scan(tmp_path)) == []


def test_slices_shifted_sideways_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"ImagePositionPatient": [-20.0 + 9 * (n == 5), -30.0, 40.0 + 3 * n]})
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slices_do_not_form_volume"


def test_too_few_slices(tmp_path: Path) -> None:
    write_series(tmp_path, TEN[:3])
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.too_few_slices"


def test_a_three_plane_localizer(tmp_path: Path) -> None:
    for n, orientation in enumerate([AXIAL, SAGITTAL, OBLIQUE]):
        write_series(tmp_path / str(n), [0.0, 10.0], orientation=orientation, FrameOfReferenceUID="1.2.3.9")
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slice_orientations"


def test_slices_of_two_sizes(tmp_path: Path) -> None:
    write_series(tmp_path / "a", [0.0, 3.0])
    write_series(tmp_path / "b", [6.0, 9.0], spacing=(0.9, 0.9))
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slice_sizes"


@pytest.mark.parametrize("lost", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_slices_without_a_place(tmp_path: Path, lost: str) -> None:
    write_series(tmp_path, TEN, each=lambda _: {lost: None})
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.no_position"


def test_a_mosaic_is_refused(tmp_path: Path) -> None:
    write_series(
        tmp_path, TEN, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"], Modality="MR", SOPClassUID=MRImageStorage
    )
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.slices_do_not_form_volume"
    assert "mosaic" in caught.value.sentence


def test_thick_slices_are_told(tmp_path: Path) -> None:
    write_series(tmp_path, [5.0 * n for n in range(8)])
    assert ids(read_scan(tmp_path)) == ["note.thick_slices"]
