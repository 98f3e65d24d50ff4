"""Outlines of the labels on a slice, as closed curves through slice coordinates; all labels in one pass. Never Qt.

The border between two voxels of different labels is one directed edge with its label on the right. The curve through
the middles of a label's edges is the 0.5 contour of its mask under linear interpolation. Smoothing (Taubin 1995) takes
the steps of the grid out of it without shrinking it; on both sides of a shared border it is the same curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
Curves = dict[int, list[Curve]]
_Index = NDArray[np.intp]
# Directions of an edge: 0 right, 1 down, 2 left, 3 up; the label is on the right of the direction, rows run downwards.
_STEP_U = np.array([1, 0, -1, 0])
_STEP_V = np.array([0, 1, 0, -1])
_STEP = np.stack([_STEP_U, _STEP_V], 1)
_TAUBIN = (0.5, -0.53)
_ROUNDS = 4


@dataclass(frozen=True, eq=False)
class _Edges:
    """Directed edges of a padded slice: flat corner where each starts, direction, label, and the edge that follows."""

    corner: _Index
    direction: _Index
    owner: NDArray[Any]
    after: _Index


def outlines(labels: NDArray[Any], *, exact: bool = False, smooth: bool = False) -> Curves:
    """Label -> closed curves (n, 2) in slice coordinates (u, v) around its voxels, holes included.

    `exact` follows the borders of the voxels; else the curve is the 0.5 contour, `smooth` with the steps taken out.
    """
    padded = np.pad(labels, 1)
    edges = _edges(padded)
    if len(edges.corner) == 0:
        return {}
    v, u = np.divmod(edges.corner, padded.shape[1])
    # Corner c of the padded slice lies at c - 1.5 in slice coordinates.
    points = np.stack([u, v], 1) - 1.5
    if not exact:
        points += _STEP[edges.direction] / 2
    order, starts = _walk(edges.after.tolist())
    points, owner, last = points[order], edges.owner[order[starts]], [*starts[1:], len(order)]
    if smooth and not exact:
        return _by_label(_smoothed(points, edges.after, order), owner, starts, last)
    kept = np.flatnonzero(_turning(edges, order, exact))
    return _by_label(points[kept], owner, np.searchsorted(kept, starts), np.searchsorted(kept, last))


def rounded(curve: Curve) -> Curve:
    """A closed curve with its corners cut once (Chaikin), for large magnifications."""
    behind = np.roll(curve, -1, 0)
    return np.stack([0.75 * curve + 0.25 * behind, 0.25 * curve + 0.75 * behind], 1).reshape(-1, 2)


def _edges(padded: NDArray[Any]) -> _Edges:
    """All edges between different labels, background without edges of its own."""
    width = padded.shape[1]
    flat = padded.reshape(-1)
    # The corner of a pixel's number is its upper left one.
    below = np.flatnonzero(flat[:-width] != flat[width:]) + width
    beside = np.flatnonzero(flat[:-1] != flat[1:]) + 1
    corners, directions, owners = [], [], []
    for pixels, behind, heading, shift in (
        (below, 0, 0, 0),
        (below, width, 2, 1),
        (beside, 1, 1, 0),
        (beside, 0, 3, width),
    ):
        owner = flat[pixels - behind]
        labelled = owner > 0
        corners.append(pixels[labelled] + shift)
        directions.append(np.full(len(corners[-1]), heading, np.intp))
        owners.append(owner[labelled])
    corner, direction = np.concatenate(corners), np.concatenate(directions)
    owner = np.concatenate(owners)
    return _Edges(corner, direction, owner, _followers(flat, width, corner, direction, owner))


def _followers(flat: NDArray[Any], width: int, corner: _Index, direction: _Index, owner: NDArray[Any]) -> _Index:
    """For every edge the edge that goes on from its end; voxels that only touch at a corner stay apart."""
    step = np.array([1, width, -1, -width])
    # The pixels ahead on both sides of an edge, seen from the corner where it ends.
    right, left = np.array([0, -1, -width - 1, -width]), np.array([-width, 0, -1, -width - 1])
    end = corner + step[direction]
    ahead_right = flat[end + right[direction]] == owner
    ahead_left = flat[end + left[direction]] == owner
    turn = np.where(~ahead_right, 1, np.where(ahead_left, 3, 0))
    # Only entries that are written are read.
    number = np.empty((len(flat) + width + 1) * 4, np.int32)
    number[corner * 4 + direction] = np.arange(len(corner), dtype=np.int32)
    after: _Index = number[end * 4 + (direction + turn) % 4].astype(np.intp)
    return after


def _turning(edges: _Edges, order: _Index, exact: bool) -> NDArray[np.bool_]:
    """Which points, in walking order, straight runs need: their ends."""
    before = _inverse(edges.after)
    direction = edges.direction
    turning = direction != direction[before]
    if not exact:
        turning |= direction != direction[edges.after]
    return np.asarray(turning[order])


def _smoothed(points: Curve, after: _Index, order: _Index) -> Curve:
    """Taubin's smoothing of all curves at once; points in walking order."""
    place = _inverse(order)
    ahead = place[after[order]]
    behind = _inverse(ahead)
    for _ in range(_ROUNDS):
        for weight in _TAUBIN:
            points = (1 - weight) * points + (weight / 2) * (points.take(behind, 0) + points.take(ahead, 0))
    return points


def _inverse(permutation: _Index) -> _Index:
    out = np.empty_like(permutation)
    out[permutation] = np.arange(len(permutation))
    return out


def _by_label(points: Curve, owner: NDArray[Any], starts: Any, last: Any) -> Curves:
    """The curves, cut from the points in walking order."""
    curves: Curves = {}
    for label, first, end in zip(owner.tolist(), starts, last, strict=True):
        curves.setdefault(label, []).append(points[first:end])
    return curves


def _walk(after: list[int]) -> tuple[_Index, list[int]]:
    """The edges in the order of their curves, and where each curve starts. A plain loop: 60 ns an edge."""
    waiting = [True] * len(after)
    order: list[int] = []
    starts: list[int] = []
    for first in range(len(after)):
        if waiting[first]:
            starts.append(len(order))
            here = first
            while waiting[here]:
                waiting[here] = False
                order.append(here)
                here = after[here]
    return np.array(order, np.intp), starts
