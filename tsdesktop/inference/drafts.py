"""Labels to look at while a run goes on: coarse ones first, then with every network that is finished finer ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.files import written_whole
from tsdesktop.core.geometry import Geometry
from tsdesktop.jobs.arrays import save_array
from tsdesktop.jobs.messages import Draft

Labels = NDArray[Any]


class Drafts:
    """Writes drafts into the run's folder, each under a new name, and says where they are."""

    def __init__(self, folder: Path, say: Callable[[Draft], None]) -> None:
        self._folder = folder
        self._say = say
        self._count = 0
        self._coarse: tuple[Labels, Geometry] | None = None

    def show_coarse(self, labels: Labels, geometry: Geometry) -> None:
        """Hands out coarse labels of all structures; later drafts keep them where nothing finer is known yet."""
        self._coarse = (labels, geometry)
        self._hand_out(labels, geometry, (0, 0))

    def show_parts(self, labels: Labels, geometry: Geometry, computed: Iterable[int], parts: tuple[int, int]) -> None:
        """Hands out labels of the networks finished so far; `computed` lists all labels they know.

        Structures of other networks are shown as the coarse labels have them. `parts` is (finished, of how many).
        """
        if self._coarse is not None:
            coarse = on_grid(*self._coarse, geometry)
            table = np.arange(256, dtype=np.uint8)
            table[list(computed)] = 0
            labels = np.where(labels > 0, labels, table[coarse])
        self._hand_out(labels, geometry, parts)

    def _hand_out(self, labels: Labels, geometry: Geometry, parts: tuple[int, int]) -> None:
        self._count += 1
        name = f"draft_{self._count}.npy"
        with written_whole(self._folder / name) as temporary:
            save_array(temporary, labels.astype(np.uint8, copy=False))
        i, j, k = labels.shape
        self._say(Draft(name, (i, j, k), tuple(float(value) for value in geometry.affine.ravel()), *parts))


def on_grid(labels: Labels, source: Geometry, target: Geometry) -> Labels:
    """Labels of the grid `source` on the grid `target`, whose axes are the same: nearest neighbour, background beyond.

    Axis by axis: the place along one does not depend on the others.
    """
    out = labels
    for axis in range(3):
        places = np.zeros((target.shape[axis], 3))
        places[:, axis] = np.arange(target.shape[axis])
        nearest = np.rint(source.voxel(target.world_ras(places))[:, axis]).astype(np.int64)
        inside = (nearest >= 0) & (nearest < source.shape[axis])
        out = out.take(np.clip(nearest, 0, source.shape[axis] - 1), axis=axis)
        if not inside.all():
            out[tuple(~inside if n == axis else slice(None) for n in range(3))] = 0
    return out
