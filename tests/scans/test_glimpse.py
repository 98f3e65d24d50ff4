"""A glimpse of a series shows its middle slice, and of DICOM nothing else is read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.scans.files import SHAPE, oriented, world_image, written
from tests.scans.series import COLUMNS, ROWS, TEN, write_series
from tsdesktop.core.geometry import Geometry
from tsdesktop.scans.glimpse import glimpse
from tsdesktop.scans.reader import list_series, read_scan


def test_the_middle_slice_of_a_dicom_series(tmp_path: Path) -> None:
    write_series(tmp_path, TEN)
    seen = glimpse(list_series(tmp_path)[0])
    assert seen is not None
    plane, tall = seen
    assert plane.shape == (ROWS, COLUMNS) and tall == 1.5
    assert np.array_equal(plane, read_scan(tmp_path).array[:, :, 5].T)


def test_the_rest_may_be_damaged(tmp_path: Path) -> None:
    paths = write_series(tmp_path, TEN)
    summary = list_series(tmp_path)[0]
    for each in paths:
        if str(each) != summary.files[5]:
            each.write_bytes(b"")
    assert glimpse(summary) is not None


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SAL"])
def test_other_formats_show_their_axial_slice_right_side_left(tmp_path: Path, codes: str) -> None:
    affine = oriented(codes)
    array = np.zeros(SHAPE, np.int16)
    world = Geometry(SHAPE, affine).world_ras(np.moveaxis(np.indices(SHAPE), 0, -1)) - [10.0, -15.0, 20.0]
    array[world[..., 0] > 2], array[world[..., 1] > 2] = 100, 200
    written(tmp_path / "a.nii.gz", array, affine)
    seen = glimpse(list_series(tmp_path)[0])
    assert seen is not None
    plane, tall = seen
    assert (plane[0, :] == 200).all() and plane[-1, 0] == 100 and plane[-1, -1] == 0
    across, along = (next(n for n, code in enumerate(codes) if code in pair) for pair in ("LR", "PA"))
    assert tall == pytest.approx((2.0, 3.0, 4.0)[along] / (2.0, 3.0, 4.0)[across])


def test_in_an_archive_there_is_none(tmp_path: Path) -> None:
    affine = oriented("RAS")
    written(tmp_path / "a.nii.gz", world_image(affine, SHAPE), affine)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.nii.gz", "a.nii.gz")
    assert glimpse(list_series(tmp_path / "a.zip")[0]) is None
