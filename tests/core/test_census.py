"""One pass over a label map counts what a look at every mask would count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core import census as module
from tsdesktop.core.census import census


def scattered(shape: tuple[int, int, int], dtype: type[Any], labels: list[int]) -> NDArray[Any]:
    rng = np.random.default_rng(len(labels))
    array = np.zeros(shape, dtype)
    for label in labels:
        start = rng.integers(0, np.maximum(1, np.array(shape) - 1))
        stop = start + 1 + rng.integers(0, np.array(shape) - start)
        part = array[tuple(map(slice, start, stop))]
        part[rng.random(part.shape) < 0.7] = label
    return array


@pytest.mark.parametrize(
    "array",
    [
        scattered((30, 20, 25), np.uint8, [1, 2, 9, 117, 255]),
        np.asfortranarray(scattered((30, 20, 25), np.uint8, [1, 2, 9])),
        scattered((30, 20, 25), np.uint8, [3, 4])[::-1, :, ::-1],
        scattered((30, 20, 25), np.uint8, [3, 4]).transpose(1, 2, 0)[::2, ::3],
        scattered((7, 9, 11), np.uint16, [1, 300, 65535]),
        np.full((4, 5, 6), 7, np.uint8),
        scattered((1, 1, 9), np.uint8, [2]),
    ],
    ids=["c order", "fortran order", "flipped", "strided", "wide labels", "one label fills all", "a line"],
)
@pytest.mark.parametrize("at_once", [1, 1 << 21])
def test_every_label_is_counted(array: NDArray[Any], at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_VOXELS_AT_ONCE", at_once)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    found = census(array)
    assert list(found) == [label for label in np.unique(array).tolist() if label]
    for label, each in found.items():
        voxels = np.argwhere(array == label)
        assert each.voxels == len(voxels)
        assert each.box.start == tuple(voxels.min(axis=0))
        assert each.box.stop == tuple(voxels.max(axis=0) + 1)
        assert each.index_sums == tuple(voxels.sum(axis=0))


def test_nothing_labelled_is_nothing_found() -> None:
    assert census(np.zeros((4, 5, 6), np.uint8)) == {}
