"""Draws triangles into a picture with numpy alone: no window, no graphics driver, the same bytes on every computer.

VTK's own off-screen rendering ends the process with a segmentation fault where neither a display, EGL nor OSMesa is
there, and nothing can ask for them safely beforehand; a picture is not worth the user's run.

Coordinates here: x to the right, y down, both in pixels; depth towards the viewer, in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Corners = NDArray[np.float64]

_TRIANGLES_AT_ONCE = 50_000
# Depths are told apart down to this part of a pixel; hidden triangles are found in tiles of so many pixels.
_DEPTHS = 256.0
_TILE = 8
# Directions towards the lights (x right, y down, depth towards the viewer) and their strengths.
_LIGHTS = (((-0.45, -0.60, 0.66), 0.62), ((0.80, -0.10, 0.59), 0.22), ((0.0, 0.95, 0.30), 0.10))
_AMBIENT = 0.22
_BLUR_PIXELS = 4.0  # the standard deviation that a blur keeps when pixels are joined
_GLOSS, _GLOSS_SHARPNESS = 0.12, 24


@dataclass(frozen=True, eq=False)
class Scene:
    """Vertices (n, 3) as (x, y, depth), their unit normals in the same axes, triangles (m, 3), colours (m, 3) 0 to 1.

    Triangles are counter-clockwise seen from outside.
    """

    vertices: Floats
    normals: Floats
    triangles: Integers
    colours: Floats


def draw(scene: Scene, width: int, height: int, background: Floats) -> Floats:
    """The scene as (height, width, 3), 0 to 1, with soft light and darker hollows."""
    return draw_with_depth(scene, width, height, background)[0]


def draw_with_depth(scene: Scene, width: int, height: int, background: Floats) -> tuple[Floats, Floats]:
    """As `draw`, and the depth (height, width) of what each pixel shows; -inf where it is background."""
    nearest, depth = _visible(scene, width, height)
    picture = np.empty((height * width, 3), np.float32)
    picture[:] = background
    hit = np.flatnonzero(nearest >= 0)
    if hit.size:
        picture[hit] = _shade(scene, nearest[hit], hit % width, hit // width)
        picture[hit] *= _openness(depth.reshape(height, width)).ravel()[hit, None]
    return np.clip(picture, 0.0, 1.0).reshape(height, width, 3), depth.reshape(height, width)


def _visible(scene: Scene, width: int, height: int) -> tuple[Integers, Floats]:
    """Per pixel the nearest triangle (-1 for none) and its depth (-inf for none)."""
    # One number orders by depth first: depth in 1/256 pixel above the triangle's number.
    best = np.full((height, width), -1, np.int64)
    lowest = float(scene.vertices[:, 2].min(initial=0.0))
    for numbers in _nearest_first(scene):
        corners = scene.vertices[scene.triangles[numbers]].astype(np.float64)
        shown = _may_be_seen(corners, best, lowest)
        numbers, corners = numbers[shown], corners[shown]
        which, x, y = _pixels_inside(corners, width, height)
        depth, across, down = _planes(corners)
        depth = depth[which] + across[which] * (x + 0.5) + down[which] * (y + 0.5) - lowest
        keys = (np.maximum(depth * _DEPTHS, 0.0).astype(np.int64) << 32) | numbers[which]
        np.maximum.at(best.reshape(-1), y * width + x, keys)
    found = best.reshape(-1)
    hit = found >= 0
    depth_of = np.where(hit, (found >> 32).astype(np.float32) / _DEPTHS + lowest, -np.inf).astype(np.float32)
    return np.where(hit, found & 0xFFFFFFFF, -1), depth_of


def _nearest_first(scene: Scene) -> Iterator[Integers]:
    """The triangles that face the viewer, some at a time, the nearest first: they hide most of the others."""
    facing = _facing(scene)
    order = np.argsort(-scene.vertices[scene.triangles[facing], 2].max(axis=1))
    for start in range(0, len(facing), _TRIANGLES_AT_ONCE):
        yield facing[order[start : start + _TRIANGLES_AT_ONCE]]


def _may_be_seen(corners: Corners, best: Integers, lowest: float) -> NDArray[np.bool_]:
    """Which triangles are not behind everything that was drawn in the tiles of the picture around them."""
    height, width = best.shape
    padded = np.full((height + -height % _TILE, width + -width % _TILE), np.iinfo(np.int64).max)
    padded[:height, :width] = best
    tiles = padded.reshape(len(padded) // _TILE, _TILE, -1, _TILE).min(axis=(1, 3)) >> 32
    low = np.floor(corners[:, :, :2].min(axis=1)).astype(np.int64) // _TILE
    high = np.floor(corners[:, :, :2].max(axis=1)).astype(np.int64) // _TILE
    rows, columns = ([np.clip(end[:, n], 0, tiles.shape[1 - n] - 1) for end in (low, high)] for n in (1, 0))
    farthest = np.minimum.reduce([tiles[row, column] for row in rows for column in columns])
    nearest = (corners[:, :, 2].max(axis=1) - lowest) * _DEPTHS
    return np.asarray((nearest + 1.0 >= farthest) | ((high - low) > 1).any(axis=1))


def _planes(corners: Corners) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Per triangle the depth at the picture's corner, and how much it grows by a pixel to the right and down."""
    p, q, r = (corners[:, n] for n in range(3))
    (qx, qy, qd), (rx, ry, rd) = (q - p).T, (r - p).T
    area = qx * ry - qy * rx
    across, down = (qd * ry - rd * qy) / area, (rd * qx - qd * rx) / area
    return p[:, 2] - across * p[:, 0] - down * p[:, 1], across, down


def _facing(scene: Scene) -> Integers:
    """The triangles that show the viewer their outside."""
    a, b, c = (scene.vertices[scene.triangles[:, n]] for n in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    # y points down, so counter-clockwise on the screen is a negative area.
    return np.flatnonzero(area < -1e-6)


def _pixels_inside(corners: Corners, width: int, height: int) -> tuple[Integers, Integers, Integers]:
    """Every (triangle, x, y) whose pixel centre lies in the triangle: first its rows, then the span of each row."""
    top = np.clip(np.ceil(corners[:, :, 1].min(axis=1) - 0.5), 0, height).astype(np.int64)
    bottom = np.clip(np.floor(corners[:, :, 1].max(axis=1) - 0.5) + 1, 0, height).astype(np.int64)
    triangle, y = ranges(top, bottom)
    lowest = np.full(len(triangle), 0.0)
    highest = np.full(len(triangle), float(width))
    for n in range(3):
        p, q = corners[triangle, n, :2], corners[triangle, (n + 1) % 3, :2]
        run, rise = q[:, 0] - p[:, 0], q[:, 1] - p[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = p[:, 0] + run / rise * (y + 0.5 - p[:, 1])
        # Going down the screen the inside is on the right of a counter-clockwise edge's x, going up on the left.
        lowest = np.where(rise > 0, np.maximum(lowest, crossing), lowest)
        highest = np.where(rise < 0, np.minimum(highest, crossing), highest)
    first = np.ceil(np.clip(lowest, 0, width) - 0.5).astype(np.int64)
    last = np.ceil(np.clip(highest, 0, width) - 0.5).astype(np.int64)
    row, x = ranges(first, np.maximum(first, last))
    return triangle[row], x, y[row]


def ranges(starts: Integers, stops: Integers) -> tuple[Integers, Integers]:
    """All numbers of the ranges one after the other, with the index of the range each belongs to."""
    lengths = np.maximum(stops - starts, 0)
    index = np.repeat(np.arange(len(starts)), lengths)
    before = np.cumsum(lengths) - lengths
    return index, np.arange(len(index)) - before[index] + starts[index]


def _weights(scene: Scene, triangle: Integers, x: Integers, y: Integers) -> tuple[Floats, Floats, Floats]:
    """The barycentric weights of pixel centres in their triangles."""
    p, q, r = (scene.vertices[scene.triangles[triangle, n]] for n in range(3))
    dx, dy = x + np.float32(0.5) - p[:, 0], y + np.float32(0.5) - p[:, 1]
    area = (q[:, 0] - p[:, 0]) * (r[:, 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[:, 0] - p[:, 0])
    b = (dx * (r[:, 1] - p[:, 1]) - dy * (r[:, 0] - p[:, 0])) / area
    c = (dy * (q[:, 0] - p[:, 0]) - dx * (q[:, 1] - p[:, 1])) / area
    return 1.0 - b - c, b, c


def _shade(scene: Scene, triangle: Integers, x: Integers, y: Integers) -> Floats:
    weights = np.stack(_weights(scene, triangle, x, y), axis=1)
    normals = np.einsum("ni,nij->nj", weights, scene.normals[scene.triangles[triangle]])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    light = np.full(len(triangle), _AMBIENT, np.float32)
    for direction, strength in _LIGHTS:
        light += strength * np.maximum(normals @ np.asarray(direction, np.float32), 0.0)
    halfway = np.asarray(_LIGHTS[0][0], np.float32) + np.array([0.0, 0.0, 1.0], np.float32)
    gloss = np.maximum(normals @ (halfway / np.linalg.norm(halfway)), 0.0) ** _GLOSS_SHARPNESS
    return np.asarray(scene.colours[triangle] * light[:, None] * 1.15 + _GLOSS * gloss[:, None], np.float32)


def _openness(depth: Floats) -> Floats:
    """Below 1 where the surroundings stand nearer to the viewer (hollows, borders), at several widths."""
    inside = np.isfinite(depth)
    filled = np.where(inside, depth, 0.0).astype(np.float32)
    factor = np.ones(depth.shape, np.float32)
    for width in (3.0, 10.0, 30.0):
        around = _blurred(filled, width) / np.maximum(_blurred(inside.astype(np.float32), width), 1e-3)
        hollow = np.clip((around - filled) / (6.0 * width), 0.0, 1.0)
        factor *= 1.0 - 0.55 * hollow
    return factor


def _blurred(picture: Floats, width: float) -> Floats:
    """Blurred by a Gaussian of this standard deviation in pixels; wide ones on fewer pixels, which looks the same."""
    step = max(1, int(width / _BLUR_PIXELS))
    if step == 1:
        return np.asarray(ndimage.gaussian_filter(picture, width, truncate=2.0))
    height, columns = picture.shape
    padded = np.pad(picture, ((0, -height % step), (0, -columns % step)), mode="edge")
    fewer = padded.reshape(padded.shape[0] // step, step, -1, step).mean(axis=(1, 3))
    blurred = ndimage.gaussian_filter(fewer, width / step, truncate=2.0)
    whole = ndimage.zoom(blurred, step, order=1, mode="nearest", grid_mode=True)
    return np.asarray(whole[:height, :columns], np.float32)
