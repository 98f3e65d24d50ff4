"""A glimpse of a series shows its middle slice, and nothing else is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.scans.files import SHAPE, oriented, world_image, written
from tests.scans.series import COLUMNS, ROWS, TEN, write_series
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


def test_other_formats_have_none(tmp_path: Path) -> None:
    affine = oriented("RAS")
    written(tmp_path / "a.nii.gz", world_image(affine, SHAPE), affine)
    assert glimpse(list_series(tmp_path)[0]) is None
