"""Draws the 3D view with numpy alone, where there is no OpenGL: slower, without slices, but the same colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsdesktop.gui.scene.content import Body, Clip, Floats, Order
from tsdesktop.gui.scene.probe import Graphics
from tsdesktop.surfaces.rasterize import Scene, draw

_GHOST_OPACITY = 0.16


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
        return (picture * 255.0 + 0.5).astype(np.uint8)

    def close(self) -> None:
        """Nothing to give back."""


def _opacity(body: Body) -> float:
    return body.opacity * _GHOST_OPACITY if body.ghost else body.opacity


def _drawn(bodies: list[Body], order: Order) -> Floats:
    width, height = order.pixels
    background = np.asarray(order.content.background, np.float32) / 255.0
    if not bodies:
        return np.broadcast_to(background, (height, width, 3)).copy()
    return draw(_scene(bodies, order), width, height, background)


def _scene(bodies: list[Body], order: Order) -> Scene:
    width, height = order.pixels
    meshes = [each.surface.coarse if order.detail.coarse else each.surface.fine for each in bodies]
    starts = np.cumsum([0] + [len(mesh.vertices_ras) for mesh in meshes])
    parts = [mesh.triangles.astype(np.int64) + start for mesh, start in zip(meshes, starts, strict=False)]
    places = np.concatenate([mesh.vertices_ras for mesh in meshes])
    normals = np.concatenate([mesh.normals for mesh in meshes]) @ order.camera.turn.T.astype(np.float32)
    normals[:, 1] *= -1.0
    colours = np.repeat(np.array([each.rgb for each in bodies], np.float32) / 255.0, [len(p) for p in parts], axis=0)
    on_screen = order.camera.on_screen(places, width, height).astype(np.float32)
    scene = Scene(on_screen, normals, np.concatenate(parts), colours)
    return scene if order.content.clip is None else _clipped(scene, places, order.content.clip)


def _clipped(scene: Scene, places: Floats, clip: Clip) -> Scene:
    """The triangles that a clip plane leaves whole, their inside flat, so that what is cut looks filled."""
    inside = (places - clip.point_ras) @ clip.normal <= 0.0
    kept = inside[scene.triangles].all(axis=1)
    triangles, colours = scene.triangles[kept], scene.colours[kept]
    towards = np.broadcast_to(np.array([0.0, 0.0, 1.0], np.float32), scene.normals.shape)
    return Scene(
        np.concatenate([scene.vertices, scene.vertices]),
        np.concatenate([scene.normals, towards]),
        np.concatenate([triangles, triangles[:, ::-1] + len(scene.vertices)]),
        np.concatenate([colours, colours]),
    )
