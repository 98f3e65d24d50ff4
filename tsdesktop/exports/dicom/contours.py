"""Closed contours of a mask on one slice, in pixels; the place of the pixels' centres is theirs to be turned into mm.

A contour runs along the borders between pixels inside and outside, from the middle of one to the middle of the next, as
marching squares do at one half. A pixel's centre is inside the contour exactly where the pixel is in the mask. Pixels
that only meet at a corner are apart. Holes are joined to the contour around them by a channel of no width (keyhole), as
PS3.3 C.8.8.6.3 describes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
# For each cell of four pixels (bit 1 upper left, 2 upper right, 4 lower right, 8 lower left) the steps from border to
# border with the inside on the right hand as seen in an image (y down): 0 top, 1 right, 2 bottom, 3 left of the cell.
_STEPS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((0, 3),), 2: ((1, 0),), 3: ((1, 3),), 4: ((2, 1),), 5: ((0, 3), (2, 1)), 6: ((2, 0),), 7: ((2, 3),),
    8: ((3, 2),), 9: ((0, 2),), 10: ((1, 0), (3, 2)), 11: ((1, 2),), 12: ((3, 1),), 13: ((0, 1),), 14: ((3, 0),),
}  # fmt: skip


def contours(mask: NDArray[np.bool_]) -> list[Points]:
    """The contours of a mask [row, column]: arrays (points, 2) of column and row, holes joined in, corners only."""
    padded = np.pad(mask, 1)
    width = 2 * padded.shape[1]
    rings = _rings(_following(padded, width))
    return [_corners(_xy(ring, width)) / 2.0 - 1.0 for ring in _joined(rings, padded, width)]


def _following(padded: NDArray[np.bool_], width: int) -> dict[int, int]:
    """For every border point the next one. Points are numbered row by row on a grid of half pixels."""
    values = padded.astype(np.uint8)
    cells = values[:-1, :-1] | values[:-1, 1:] << 1 | values[1:, 1:] << 2 | values[1:, :-1] << 3
    rows, columns = np.nonzero((cells > 0) & (cells < 15))
    kinds, corners = cells[rows, columns], 2 * rows * width + 2 * columns
    # From a cell's corner (the middle of its upper left pixel) to its four borders.
    borders = (1, width + 2, 2 * width + 1, width)
    following: dict[int, int] = {}
    for kind, steps in _STEPS.items():
        found = corners[kinds == kind]
        for start, end in steps:
            following.update(zip((found + borders[start]).tolist(), (found + borders[end]).tolist(), strict=True))
    return following


def _rings(following: dict[int, int]) -> list[list[int]]:
    rings = []
    while following:
        start, point = following.popitem()
        ring = [start]
        while point != start:
            ring.append(point)
            point = following.pop(point)
        rings.append(ring)
    return rings


def _joined(rings: list[list[int]], padded: NDArray[np.bool_], width: int) -> list[list[int]]:
    """Joins every hole to what lies to the left of its leftmost point: a contour, or a hole that is joined itself."""
    around, keyholes = [], {}
    for ring in rings:
        x, y = _xy(ring, width).T
        if np.dot(x, np.roll(y, -1)) > np.dot(y, np.roll(x, -1)):
            around.append(ring)
            continue
        first = int(np.argmin(x))
        keyholes[_left_of(ring[first], padded, width)] = [*ring[first:], *ring[: first + 1]]
    return [_with_holes(ring, keyholes) for ring in around] if keyholes else around


def _left_of(point: int, padded: NDArray[np.bool_], width: int) -> int:
    """The border point where the row to the left of a hole's leftmost point leaves the mask."""
    row, column = point // width // 2, point % width // 2
    outside = int(np.flatnonzero(~padded[row, : column + 1])[-1])
    return 2 * row * width + 2 * outside + 1


def _with_holes(ring: list[int], keyholes: dict[int, list[int]]) -> list[int]:
    """The ring with a walk around each hole at the point where it is joined, and within the hole likewise."""
    out: list[int] = []
    walks = [iter(ring)]
    entrances: list[int] = []
    while walks:
        point = next(walks[-1], None)
        if point is None:
            walks.pop()
            out += [entrances.pop()] if entrances else []
            continue
        out.append(point)
        if point in keyholes:
            walks.append(iter(keyholes.pop(point)))
            entrances.append(point)
    return out


def _xy(ring: list[int], width: int) -> NDArray[np.int64]:
    points = np.array(ring)
    return np.stack([points % width, points // width], axis=1)


def _corners(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """The points at which a closed ring turns."""
    coming, going = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turn = coming[:, 0] * going[:, 1] - coming[:, 1] * going[:, 0]
    return np.asarray(points[(turn != 0) | ((coming * going).sum(axis=1) < 0)])
