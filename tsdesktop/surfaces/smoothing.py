"""How smooth a surface is made: three named presets, and a width in mm. Values and arithmetic only, no VTK.

The filter is a windowed sinc (Taubin, Zhang and Golub 1996): it takes waves off a surface that are shorter than a
certain length and leaves the longer ones. What it does is told as a width: a ridge or groove of that width keeps half
to nine tenths of its height, one half as wide a tenth at most, one twice as wide nine tenths at least (below a width of
three voxels the filter is less sharp: 0.6 of what is half as wide stays). A surface's mesh has about one vertex per
voxel, so the pass band that belongs to a width depends on the width in voxels:

    pass band = (0.58 / width in voxels)^2,    iterations = 13 * width in voxels

The two numbers were fitted to waves cut into a block of voxels, turned and tilted at random (tests/surfaces).

Where voxels are not cubes, steps are as high as the longest edge, but most vertices are as near to each other as the
shorter ones. There a width is counted in the longest spacing, and the filter reaches farther, by (longest spacing /
mean spacing)^0.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_PASS_BAND_AT_ONE_VOXEL = 0.58
_ITERATIONS_PER_VOXEL = 13.0
_MOST_ITERATIONS = 400
# Chosen by the errors of bodies on grids with edges of 1 : 1.4, 1 : 3 and 1 : 7.
_FARTHER = 0.8
# Below this width the voxels' own steps stay, whatever is asked for.
_NARROWEST_VOXELS = 0.5


@dataclass(frozen=True)
class Smoothing:
    """Windowed sinc smoothing: how many iterations (0: none) and the pass band (0 to 2, lower is smoother).

    Both are for cubic voxels. With `width_mm` they follow from that width and the voxels of the labels instead. The
    default removes the voxels' steps and keeps what is wider than about two voxels. Raises ValueError.
    """

    iterations: int = 24
    pass_band: float = 0.1
    width_mm: float | None = None

    def __post_init__(self) -> None:
        if self.iterations < 0 or not 0.0 < self.pass_band <= 2.0:
            raise ValueError(f"smoothing needs iterations >= 0 and a pass band from 0 to 2, got {self}")
        if self.width_mm is not None and not 0.0 < self.width_mm < float("inf"):
            raise ValueError(f"smoothing needs a width above 0 mm, got {self.width_mm}")

    def at(self, spacing_mm: Sequence[float]) -> Smoothing:
        """What the filter is to be told for voxels of this spacing (i, j, k) in mm."""
        if self.iterations == 0:
            return self
        asked = self if self.width_mm is None else _of_width(self.width_mm / max(spacing_mm))
        longer = float(max(spacing_mm) / np.cbrt(np.prod(spacing_mm))) ** _FARTHER
        iterations = min(_MOST_ITERATIONS, round(asked.iterations * longer))
        return Smoothing(iterations, asked.pass_band / longer**2)


def _of_width(voxels: float) -> Smoothing:
    width = max(voxels, _NARROWEST_VOXELS)
    pass_band = min(2.0, (_PASS_BAND_AT_ONE_VOXEL / width) ** 2)
    return Smoothing(min(_MOST_ITERATIONS, max(1, round(_ITERATIONS_PER_VOXEL * width))), pass_band)


# Widths in voxels. Faithful has the smallest error on bodies of two voxels and more (docs/exports.md); of those wider
# than it, Smooth is the last that keeps bodies of two voxels within half a voxel.
PRESETS: dict[str, Smoothing] = {
    "faithful": Smoothing(),
    "smooth": _of_width(3.0),
    "very smooth": _of_width(5.0),
}
PRESET_TITLES = {"faithful": "Faithful", "smooth": "Smooth", "very smooth": "Very smooth"}
DEFAULT_SMOOTHING = PRESETS["faithful"]
NO_SMOOTHING = Smoothing(iterations=0)


def smoothing_of(preset: str, effect_mm: float | None, spacing_mm: Sequence[float]) -> Smoothing:
    """The smoothing of a preset, or the one whose effect is `effect_mm` (0: none) on voxels of `spacing_mm`.

    Raises KeyError for a preset that is not in `PRESETS`, ValueError for an effect that is negative or not finite.
    """
    if effect_mm is None:
        return PRESETS[preset]
    if effect_mm == 0.0:
        return NO_SMOOTHING
    if not 0.0 < effect_mm < float("inf"):
        raise ValueError(f"smoothing needs an effect of 0 mm or more, got {effect_mm}")
    fitting = _of_width(effect_mm / max(spacing_mm))
    return Smoothing(fitting.iterations, fitting.pass_band, effect_mm)


def effect_mm(smoothing: Smoothing, spacing_mm: Sequence[float]) -> float:
    """The width in mm of ridges and grooves that are just kept on voxels of this spacing; 0 where nothing is smoothed.

    Half to nine tenths of their height stay; what is half as wide goes, what is twice as wide stays.

    For labels from a coarser grid `spacing_mm` is that grid's (`true_grid.true_spacing_mm`).
    """
    if smoothing.iterations == 0:
        return 0.0
    if smoothing.width_mm is not None:
        return smoothing.width_mm
    return float(_PASS_BAND_AT_ONE_VOXEL / np.sqrt(smoothing.pass_band) * max(spacing_mm))
