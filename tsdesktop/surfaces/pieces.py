"""Smoothed surfaces at the volume of their voxels, and free of places where they run through themselves. No VTK.

A low-pass filter makes thin things thinner. Every piece of a surface is moved along its normals until it encloses what
its voxels do; a piece that would need a large move (a speck of a few voxels) is taken less smooth instead. Where a
surface then runs through itself, the vertices around are brought back towards the unsmoothed surface step by step: that
one never does, because each of its triangles lies in its own cell of the grid.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Vertices = NDArray[np.float64]
Triangles = NDArray[np.int32]
# The numbers of the triangles that run through others.
Crossings = Callable[[Vertices], NDArray[np.int64]]

# A smoothed piece may need this many voxels of offset to get its volume back; one that needs more is taken half as
# smooth, a quarter as smooth, at last not smoothed.
_LARGEST_OFFSET_VOXELS = 0.2
_SHARES_OF_SMOOTHING = (1.0, 0.5, 0.25)
_OFFSET_STEPS = 6
_LONGEST_STEP_VOXELS = 0.5
_VOLUME_TOLERANCE = 1e-4
# Around crossings the smoothing is halved in two rings of triangles and reduced in two more, one ring wider each time.
_ROUNDS_OF_EASING = 8
_EASED_NEAR, _EASED_AROUND = 0.5, 0.75


class Pieces:
    """The pieces of one surface: how much each should enclose, and what moving its vertices would change.

    `shells` (n) is the piece of each vertex, `targets` the volume of each piece in voxels, negative for a cavity.
    """

    def __init__(self, triangles: Triangles, shells: NDArray[np.int32], targets: Floats) -> None:
        self.shells, self.targets = shells, targets
        self._corners = np.ascontiguousarray(triangles.T)
        ends = np.arange(0, triangles.size + 1, 3)
        shape = (len(shells), len(triangles))
        # Adds up, for every vertex, something known of its triangles.
        self._around = sparse.csc_matrix((np.ones(triangles.size), triangles.ravel(), ends), shape)

    def offsets(self, vertices: Vertices, room: Floats | float = 1.0) -> tuple[Floats, Vertices, Floats]:
        """Per piece the offset along the normals that would give it its target volume (to first order) where a vertex
        goes the share `room` of it, the unit normals of the vertices, and per piece the missing volume.
        """
        a, b, c = (vertices[corners] for corners in self._corners)
        # The area vectors around a vertex are three times the gradient of the volume by its place, and the volume is a
        # third of places times gradients.
        gradients = self._around @ (_cross(b - a, c - a) / 6.0)
        volumes = self._per_piece(np.einsum("ij,ij->i", vertices, gradients) / 3.0)
        lengths = np.sqrt(np.einsum("ij,ij->i", gradients, gradients))
        missing = self.targets - volumes
        offsets = missing / np.maximum(self._per_piece(lengths * room), 1e-9)
        return offsets, gradients / np.maximum(lengths, 1e-12)[:, None], missing

    def at_own_volume(self, vertices: Vertices, room: Floats) -> Vertices:
        """The vertices moved along their normals until each piece encloses its target volume."""
        for _ in range(_OFFSET_STEPS):
            offsets, normals, missing = self.offsets(vertices, room)
            if np.all(np.abs(missing) <= _VOLUME_TOLERANCE * np.abs(self.targets)):
                break
            steps = np.clip(offsets, -_LONGEST_STEP_VOXELS, _LONGEST_STEP_VOXELS)
            vertices = vertices + (steps[self.shells] * room)[:, None] * normals
        return vertices

    def share_of_smoothing(self, contour: Vertices, smoothed: Vertices) -> Floats:
        """Per piece how much of the smoothing it bears without losing more volume than a small offset restores."""
        shares = np.zeros(len(self.targets))
        for share in _SHARES_OF_SMOOTHING:
            offsets, _, _ = self.offsets(smoothed if share == 1.0 else contour + share * (smoothed - contour))
            shares[(shares == 0.0) & (np.abs(offsets) <= _LARGEST_OFFSET_VOXELS)] = share
            if shares.all():
                break
        return shares

    def rings(self, triangles: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
        """The vertices of these triangles and of `count` rings of triangles around them."""
        inside = np.zeros(len(self.shells))
        inside[self._corners[:, triangles]] = 1.0
        for _ in range(count):
            inside = self._around @ ((self._around.T @ inside) > 0.0)
        return np.asarray(inside > 0.0)

    def _per_piece(self, values: Floats) -> Floats:
        return np.asarray(np.bincount(self.shells, values, len(self.targets)), np.float64)


def settled(contour: Vertices, smoothed: Vertices, pieces: Pieces, crossings: Crossings) -> Vertices:
    """The smoothed vertices with each piece at its own volume, less smooth wherever the surface crosses itself.

    All in voxels. Where a surface is as fine as its voxels and nothing else helps, the volume is what gives way.
    """
    smooth = pieces.share_of_smoothing(contour, smoothed)[pieces.shells]
    room = np.ones(len(smooth))
    for turn in range(_ROUNDS_OF_EASING):
        vertices = pieces.at_own_volume(contour + smooth[:, None] * (smoothed - contour), room)
        offending = crossings(vertices)
        if not len(offending):
            return vertices
        for share, rings in ((_EASED_AROUND, turn + 4), (_EASED_NEAR / _EASED_AROUND, turn + 2)):
            near = pieces.rings(offending, rings)
            smooth[near] *= share
            room[near] *= share
    return _unsmoothed_where_needed(contour, vertices, pieces, crossings)


def _unsmoothed_where_needed(contour: Vertices, vertices: Vertices, pieces: Pieces, crossings: Crossings) -> Vertices:
    rings = 1
    while len(offending := crossings(vertices)):
        near = pieces.rings(offending, rings)
        vertices = np.where(near[:, None], contour, vertices)
        rings *= 2
    return vertices


def _cross(a: Vertices, b: Vertices) -> Vertices:
    """The cross products of rows; several times faster than numpy's for long arrays."""
    out = np.empty_like(a)
    for n in range(3):
        p, q = (n + 1) % 3, (n + 2) % 3
        out[:, n] = a[:, p] * b[:, q] - a[:, q] * b[:, p]
    return out
