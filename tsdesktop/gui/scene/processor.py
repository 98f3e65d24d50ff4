"""Draws the 3D view with numpy alone, where there is no OpenGL: slower, but the same colours in the same places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsdesktop.gui.scene.camera import Camera
from tsdesktop.gui.scene.content import Body, Clip, Floats, Order, Picture
from tsdesktop.gui.scene.cut import cut_face
from tsdesktop.gui.scene.probe import Graphics
from tsdesktop.gui.scene.through import covered_bodies, show_through
from tsdesktop.surfaces.rasterize import Scene, draw_with_depth

_GHOST_OPACITY = 0.16
_ON_PLANE_MM = 0.05
_CHOSEN_LIGHTER = 0.3


class ProcessorPainter:
    """Draws orders with the software rasterizer; translucent bodies as one veil over the firm ones."""

    def __init__(self, graphics: Graphics) -> None:
        self.graphics = graphics

    def draw(self, order: Order) -> NDArray[np.uint8]:
        """The picture as (height, width, 3) at the order's `pixels`, first row on top."""
        firm = [each for each in order.content.bodies if _opacity(each) >= 1.0]
        faint = [each for each in order.content.bodies if 0.0 < _opacity(each) < 1.0]
        picture = _drawn(firm, order)
        if faint:
            veil = float(np.mean([_opacity(each) for each in faint]))
            picture += veil * (_drawn(firm + faint, order) - picture)
        covered = covered_bodies(order.content)
        if not covered:
            return _as_bytes(picture)
        alone, _ = _bodies_drawn(list(covered), order)
        content = order.content
        return show_through(_as_bytes(picture), _as_bytes(alone), content.background, order.detail.scale)

    def close(self) -> None:
        """Nothing to give back."""


def _opacity(body: Body) -> float:
    return body.opacity * _GHOST_OPACITY if body.ghost else body.opacity


def _as_bytes(picture: Floats) -> NDArray[np.uint8]:
    return (picture * 255.0 + 0.5).astype(np.uint8)


def _bodies_drawn(bodies: list[Body], order: Order) -> tuple[Floats, Floats]:
    """The picture (height, width, 3), 0 to 1, and how near what stands in it is."""
    width, height = order.pixels
    background = np.asarray(order.content.background, np.float32) / 255.0
    if bodies:
        return draw_with_depth(_scene(bodies, order), width, height, background)
    picture = np.broadcast_to(background, (height, width, 3)).copy()
    return picture, np.full((height, width), -np.inf, np.float32)


def _drawn(bodies: list[Body], order: Order) -> Floats:
    picture, depth = _bodies_drawn(bodies, order)
    for flat in _flat_pictures(bodies, order):
        paint_flat(flat, order.camera, picture, depth)
    return picture


def _flat_pictures(bodies: list[Body], order: Order) -> list[Picture]:
    """The slices, less what a clip plane takes of them, and the face of the cut."""
    content = order.content
    slices = list(content.slices.pictures()) if content.slices else []
    if content.clip is None:
        return slices
    face = cut_face(bodies, content.clip, coarse=order.detail.coarse)
    return [_less(each, content.clip) for each in slices] + ([] if face is None else [face])


def _less(picture: Picture, clip: Clip) -> Picture:
    """A picture without the pixels that lie before a clip plane."""
    rows, columns = picture.rgba.shape[:2]
    heights = (picture.corners_ras - clip.point_ras) @ clip.normal
    down = (np.arange(rows) + 0.5)[:, None] / rows * (heights[3] - heights[0])
    along = (np.arange(columns) + 0.5) / columns * (heights[1] - heights[0])
    rgba = picture.rgba.copy()
    rgba[heights[0] + down + along > _ON_PLANE_MM, 3] = 0
    return Picture(rgba, picture.corners_ras)


def _scene(bodies: list[Body], order: Order) -> Scene:
    width, height = order.pixels
    meshes = [each.surface.coarse if order.detail.coarse else each.surface.fine for each in bodies]
    starts = np.cumsum([0] + [len(mesh.vertices_ras) for mesh in meshes])
    parts = [mesh.triangles.astype(np.int64) + start for mesh, start in zip(meshes, starts, strict=False)]
    places = np.concatenate([mesh.vertices_ras for mesh in meshes])
    normals = np.concatenate([mesh.normals for mesh in meshes]) @ order.camera.turn.T.astype(np.float32)
    normals[:, 1] *= -1.0
    colours = np.repeat(np.array([_colour(each) for each in bodies]), [len(p) for p in parts], axis=0)
    triangles = np.concatenate(parts)
    if order.content.clip is not None:
        places, kept = _clipped(places, triangles, order.content.clip)
        triangles, colours = triangles[kept], colours[kept]
    on_screen = order.camera.on_screen(places, width, height).astype(np.float32)
    return Scene(on_screen, normals, triangles, colours)


def _colour(body: Body) -> Floats:
    """Red, green, blue from 0 to 1; the chosen body is lighter."""
    rgb = np.asarray(body.rgb, np.float32) / np.float32(255.0)
    return np.asarray(rgb + (1.0 - rgb) * _CHOSEN_LIGHTER if body.chosen else rgb, np.float32)


def _clipped(places: Floats, triangles: NDArray[np.int64], clip: Clip) -> tuple[Floats, NDArray[np.bool_]]:
    """Vertices with those that are cut away laid onto the plane, and the triangles of which something stays."""
    above = (places - clip.point_ras) @ clip.normal
    kept = np.asarray((above <= 0.0)[triangles].any(axis=1))
    return (places - np.maximum(above, 0.0)[:, None] * clip.normal).astype(np.float32), kept


def paint_flat(flat: Picture, camera: Camera, picture: Floats, depth: Floats) -> None:
    """Paints a flat picture into (height, width, 3), 0 to 1, where it is nearer than what `depth` says stands there."""
    height, width = depth.shape
    corner, across, down = flat.corners_ras[0], *(flat.corners_ras[n] - flat.corners_ras[0] for n in (1, 3))
    normal = np.cross(across, down)
    eye, along = camera.position_ras, camera.rays(width, height)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = ((corner - eye) @ normal) / (along @ normal)
    place = eye - corner + distance[:, :, None] * along
    rows, columns = flat.rgba.shape[:2]
    column, row = place @ (across / (across @ across)) * columns, place @ (down / (down @ down)) * rows
    nearness = ((place + (corner - camera.focus_ras)) @ camera.turn[2]) * (height / camera.height_mm)
    seen = (distance > 0.0) & (column >= 0) & (column < columns) & (row >= 0) & (row < rows) & (nearness > depth)
    y, x = np.nonzero(seen)
    colour = flat.rgba[row[y, x].astype(np.intp), column[y, x].astype(np.intp)]
    opaque = colour[:, 3] > 0
    y, x = y[opaque], x[opaque]
    picture[y, x] = colour[opaque, :3] / np.float32(255.0)
    depth[y, x] = nearness[y, x]
