"""How thickening looks for what is thin."""

from __future__ import annotations

import sys

import numpy as np

from tsdesktop.surfaces.solids.thicken import _in_lists


def test_rays_become_lists_some_at_a_time() -> None:
    """All at once they would be millions of objects, made and looked through while every other thread waits."""
    starts, ends = np.arange(60_000.0).reshape(-1, 3), -np.arange(60_000.0).reshape(-1, 3)
    before = sys.getallocatedblocks()
    rays = _in_lists(starts, ends)
    assert next(rays) == ([0.0, 1.0, 2.0], [0.0, -1.0, -2.0])
    assert sys.getallocatedblocks() - before < 60_000
    rest = list(rays)
    assert len(rest) == 19_999
    assert np.array_equal([start for start, _ in rest], starts[1:])
    assert np.array_equal([end for _, end in rest], ends[1:])
