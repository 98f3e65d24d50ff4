"""Where windows lie on an image, how much each of their voxels counts, and which of them has most to see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Shape
from tsdesktop.inference.image import Image
from tsdesktop.jobs.tiles import tiles_along

Tiles = tuple[list[int], list[int], list[int]]
_FIRST_AXIS = 1.15  # how much more a slab may take to roll along the first axis
# nnU-Net's: sigma an eighth of the window, cut off at four sigma as scipy's filter does, highest value 10.
_SIGMA_SHARE, _CUT_OFF, _HIGHEST = 1.0 / 8.0, 4.0, 10.0


@dataclass(frozen=True, eq=False)
class Tiling:
    """How an image is covered: padded image (z, y, x), tile starts per axis, and the axis the window rolls along."""

    image: Image
    starts: Tiles
    patch: Shape
    roll: int
    unpadded: tuple[slice, slice, slice]

    @property
    def count(self) -> int:
        """How many tiles there are."""
        a, b, c = self.starts
        return len(a) * len(b) * len(c)

    @property
    def slab_shape(self) -> Shape:
        """The image's shape with the rows of one window along the rolling axis."""
        a, b, c = (self.patch[n] if n == self.roll else size for n, size in enumerate(self.image.shape))
        return a, b, c

    def tile(self, corner: Shape) -> NDArray[np.float32]:
        """The window of the image that begins at `corner`."""
        return self.image[self.window(corner)]

    def window(self, corner: Shape) -> tuple[slice, slice, slice]:
        """The voxels of the window that begins at `corner`."""
        a, b, c = (slice(at, at + size) for at, size in zip(corner, self.patch, strict=True))
        return a, b, c

    def in_slab(self, corner: Shape) -> tuple[slice, slice, slice]:
        """The voxels of a slab that the window fills which begins at `corner` of the image."""
        a, b, c = (0 if n == self.roll else at for n, at in enumerate(corner))
        return self.window((a, b, c))

    @property
    def across(self) -> int:
        """The first of the other axes: of windows at one start along the rolling axis, those farther on come later."""
        return 1 if self.roll == 0 else 0

    def finished_rows(self, start: int) -> int:
        """How many rows along the rolling axis no later window touches, once all that begin at `start` are added."""
        later = [each for each in self.starts[self.roll] if each > start]
        return later[0] - start if later else self.patch[self.roll]

    def rows(self, start: int, stop: int) -> tuple[slice, slice, slice]:
        """The voxels of these rows along the rolling axis."""
        a, b, c = (slice(start, stop) if n == self.roll else slice(None) for n in range(3))
        return a, b, c


def make_tiling(image: Image, patch: Shape, step: float) -> Tiling:
    """Pads `image` (z, y, x) with zeros to at least the patch, evenly on both sides, and lays the tiles."""
    missing = [max(0, window - size) for size, window in zip(image.shape, patch, strict=True)]
    before = [n // 2 for n in missing]
    if any(missing):
        image = np.pad(np.asarray(image), [(low, n - low) for low, n in zip(before, missing, strict=True)])
    a, b, c = (slice(low, low + size - n) for low, size, n in zip(before, image.shape, missing, strict=True))
    z, y, x = image.shape
    # The slab holds patch rows along one axis and everything along the others: smallest for the axis with most patches.
    along = [size / window for size, window in zip(image.shape, patch, strict=True)]
    # Adding to it is quickest along the first axis, for which a little more memory may be taken.
    along[0] *= _FIRST_AXIS
    roll = int(np.argmax(along))
    return Tiling(image, tiles_along((z, y, x), patch, step), patch, roll, (a, b, c))


@lru_cache(maxsize=4)
def tile_weight(patch: Shape) -> NDArray[np.float32]:
    """nnU-Net's weight of every voxel of a window (z, y, x): its `compute_gaussian`, from three curves."""
    a, b, c = (_curve(size) for size in patch)
    weight = a[:, None, None] * b[None, :, None] * c[None, None, :]
    weight *= _HIGHEST / weight.max()
    out: NDArray[np.float32] = weight.astype(np.float32)
    # Beyond the cut-off there would be nothing to divide by.
    out[out == 0] = out[out > 0].min()
    out.setflags(write=False)
    return out


def _curve(size: int) -> NDArray[np.float64]:
    """One axis of the weight: a Gaussian around the middle voxel, zero beyond its cut-off."""
    sigma = size * _SIGMA_SHARE
    away = np.arange(size) - size // 2
    curve: NDArray[np.float64] = np.exp(-0.5 * (away / sigma) ** 2)
    curve[np.abs(away) > int(_CUT_OFF * sigma + 0.5)] = 0.0
    return curve


def busiest_tile(tiling: Tiling) -> NDArray[np.float32]:
    """The window with most contrast: air alone would show nothing."""

    def contrast(corner: Shape) -> float:
        # Not of the whole tile: a CT is normalised where it is read.
        a, b, c = (slice(each.start, each.stop, 4) for each in tiling.window(corner))
        return float(tiling.image[a, b, c].std())

    return tiling.tile(max(product(*tiling.starts), key=contrast))
