"""Where a sliding window stands. The arithmetic is nnU-Net's (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z)."""

from __future__ import annotations

import math
from itertools import product

from tsdesktop.core.geometry import Shape


def tile_starts(size: int, patch: int, step: float) -> list[int]:
    """First voxels of the windows of `patch` voxels along an axis of `size`, evenly spread, at most patch x step apart.

    An axis shorter than the patch is padded to it and has one window.
    """
    last = max(size, patch) - patch
    count = math.ceil(last / (patch * step)) + 1
    return [round(last / (count - 1) * n) for n in range(count)] if count > 1 else [0]


def tiles_along(shape: Shape, patch: Shape, step: float) -> tuple[list[int], list[int], list[int]]:
    """`tile_starts` for the three axes."""
    a, b, c = (tile_starts(size, window, step) for size, window in zip(shape, patch, strict=True))
    return a, b, c


def tile_count(shape: Shape, patch: Shape, step: float) -> int:
    """How many windows cover an image of `shape`."""
    return len(list(product(*tiles_along(shape, patch, step))))
