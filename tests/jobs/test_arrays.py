"""Arrays go into a run's folder and come out of it unchanged, in pieces between which a run can be cancelled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.errors import Cancelled
from tsdesktop.jobs import arrays as arrays_module
from tsdesktop.jobs.arrays import load_array, save_array

ARRAY = np.random.default_rng(1).integers(-1000, 1000, (7, 9, 11)).astype(np.int16)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_module, "_PIECE_BYTES", 400)


@pytest.mark.parametrize(
    "array",
    [
        ARRAY,
        np.asfortranarray(ARRAY),
        ARRAY[::-1, :, ::2],
        ARRAY.transpose(1, 0, 2),
        ARRAY.astype(np.float32),
        ARRAY[:1, :1, :1],
        np.zeros((3, 0, 2), np.uint8),
    ],
    ids=["c", "fortran", "strided", "transposed", "float", "one", "empty"],
)
def test_what_comes_out_is_what_went_in(array: NDArray[Any], tmp_path: Path) -> None:
    save_array(tmp_path / "a.npy", array, lambda: None)
    for out in (np.load(tmp_path / "a.npy"), load_array(tmp_path / "a.npy", lambda: None)):
        np.testing.assert_array_equal(out, array)
        assert out.dtype == array.dtype
        assert out.flags.f_contiguous == np.load(tmp_path / "a.npy").flags.f_contiguous


@pytest.mark.parametrize("array", [np.asfortranarray(ARRAY)[::-1, ::-1], ARRAY[:, ::-1], ARRAY[:, :, ::2]])
def test_what_is_flipped_or_a_part_comes_out_slice_by_slice(array: NDArray[Any], tmp_path: Path) -> None:
    save_array(tmp_path / "a.npy", array)
    assert load_array(tmp_path / "a.npy", lambda: None).flags.f_contiguous


def test_writing_and_reading_can_be_cancelled_in_the_middle(tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    with pytest.raises(Cancelled):
        save_array(file, ARRAY, _AfterTwo())
    assert 0 < file.stat().st_size < ARRAY.nbytes
    save_array(file, ARRAY, lambda: None)
    with pytest.raises(Cancelled):
        load_array(file, _AfterTwo())


class _AfterTwo:
    """Somebody cancels while the third piece is on its way."""

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self) -> None:
        self._calls += 1
        if self._calls > 2:
            raise Cancelled
