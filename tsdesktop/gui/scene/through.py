"""The chosen structures shown through what covers them in the 3D picture: a veiled view of them inside a light edge.

Two pictures are laid over each other, one of everything and one of the chosen alone. That costs a few milliseconds
whatever draws them; to make all others translucent would cost a processor many times as much. numpy only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.structures import Rgb
from tsdesktop.gui.scene.content import Body, Content

Pixels = NDArray[np.uint8]
_SHARE = 0.6
_LIGHTER = 0.45
# Pixels that are as similar as this in both pictures are not covered.
_SAME = 20


def covered_bodies(content: Content) -> tuple[Body, ...]:
    """The chosen bodies, where there are firm ones that may stand before them."""
    chosen = tuple(each for each in content.bodies if each.chosen)
    firm = any(each.opacity >= 1.0 and not each.ghost and not each.chosen for each in content.bodies)
    return chosen if firm else ()


def show_through(picture: Pixels, alone: Pixels, background: Rgb, scale: float) -> Pixels:
    """`picture` (height, width, 3) of everything with what is covered of `alone`, both drawn at this scale."""
    shape = (alone != np.array(background, np.uint8)).any(axis=2)
    rows, columns = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
    if not rows.size:
        return picture
    field = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    shape, over, under = shape[field], picture[field].astype(np.int16), alone[field].astype(np.int16)
    covered = shape & (np.abs(over - under).max(axis=2) > _SAME)
    edge = covered & ~_shrunk(shape, max(1, round(1.5 * scale)))
    mixed = over + (under - over) * np.float32(_SHARE)
    mixed[edge] = under[edge] + (255 - under[edge]) * np.float32(_LIGHTER)
    out = picture.copy()
    out[field] = np.where(covered[:, :, None], mixed, over).astype(np.uint8)
    return out


def _shrunk(shape: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """A shape less its border of so many pixels."""
    for _ in range(steps):
        padded = np.pad(shape, 1)
        shape = padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return shape
