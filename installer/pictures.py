"""Pictures of what tasks find, drawn from the program's own phantom: no patient, nobody else's picture.

    .venv/bin/python installer/pictures.py

Tasks for the phantom's structures are pictured by its truth, instant tasks and the demonstration by what the program
itself computes. Tasks of whose structures the phantom has too few get no picture.
"""  # fmt: skip

from __future__ import annotations

import argparse
import struct
import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2, vq

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.structures import Rgb, structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.tasks import Task, catalogue
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.pipeline import Engine, segment_volume
from tsdesktop.surfaces.extract import Smoothing, extract_surfaces
from tsdesktop.surfaces.rasterize import Scene, draw

sys.path.insert(0, str(Path(__file__).resolve().parent / "demo"))
from make_sample import SEED
from phantom import CLASSES, make_phantom

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "pictures"
WIDTH, HEIGHT = 360, 260
SPACING_MM = (2.5, 2.5, 2.5)
# Drawn larger and averaged, for smooth borders; stored denser than shown, for sharp screens.
_FINER, _DENSITY = 2, 1.5
_LEAST_SHARE = 0.2
_SMOOTHING = Smoothing(40, 0.035)
# The skin is nearly flat: the voxels' steps would show on it as rings.
_SKIN_SMOOTHING = Smoothing(120, 0.004)
_GHOST: Rgb = (150, 156, 166)
_SKIN_OPACITY, _REST_OPACITY = 0.16, 0.30
_COLOURS = 96
# From world (R, A, S) to a picture's (right, down, towards the viewer): from the front, and from the patient's left.
_VIEWS = (
    np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]]),
)

Picture = NDArray[np.float32]
Layer = tuple[list[SurfaceMesh], float]


@dataclass(frozen=True, eq=False)
class Person:
    """The phantom: its scan, its true labels and its skin."""

    volume: Volume
    truth: LabelMap
    skin: LabelMap


def person(engine: Engine) -> Person:
    """The person of the bundled sample, without noise."""
    made = make_phantom(SEED, spacing_mm=SPACING_MM, noise=False)
    geometry = Geometry(made.hu.shape, made.affine)
    volume = Volume(made.hu, geometry, "CT", ScanSource("memory", "phantom"))
    classes = tuple(structure_class(number, name) for number, name in enumerate(CLASSES, 1))
    return Person(volume, LabelMap(made.labels, geometry, classes, "total"), computed("skin", volume, engine))


def computed(task: str, volume: Volume, engine: Engine) -> LabelMap:
    """What the program computes."""
    return segment_volume(volume, Options(task=task, device="cpu"), engine=engine).label_map


def is_pictured(task: Task) -> bool:
    """Whether the phantom has enough of a task's structures, or the program computes the task without a download."""
    known = sum(each.name in CLASSES for each in task.classes)
    return task.group == "demo" or task.instant is not None or known >= _LEAST_SHARE * len(task.classes)


def labels_for(task: Task, someone: Person, engine: Engine) -> LabelMap:
    """The labels that picture a task."""
    if task.group == "demo" or task.instant is not None:
        found = computed(task.name, someone.volume, engine)
        return cut_open(found) if task.instant == "fat_soft_bone" else found
    return someone.truth.only([each.name for each in task.classes if each.name in CLASSES])


def cut_open(labels: LabelMap) -> LabelMap:
    """Without its front half, where one layer hides the next."""
    array = labels.array.copy()
    array[:, array.shape[1] // 2 :, :] = 0
    return replace(labels, array=array)


def picture(labels: LabelMap, someone: Person) -> NDArray[np.uint8]:
    """The labels in their colours from the front and from the left, the rest of the person as a ghost; RGBA."""
    smoothing = _SKIN_SMOOTHING if labels.task == "skin" else _SMOOTHING
    shown = list(extract_surfaces(labels, smoothing=smoothing))
    names = {mesh.structure.name for mesh in shown}
    rest = someone.truth.only([each.name for each in someone.truth.classes if each.name not in names])
    ghosts = [(list(extract_surfaces(someone.skin, smoothing=_SKIN_SMOOTHING)), _SKIN_OPACITY)]
    # A threshold does not tell structures apart: beside it the rest would look as if it had been found.
    if labels.task not in ("bone", "skin", "fat_soft_bone"):
        ghosts.append((list(extract_surfaces(rest, smoothing=_SMOOTHING)), _REST_OPACITY))
    views = _VIEWS[:1] if labels.task == "fat_soft_bone" else _VIEWS
    width = round(WIDTH * _DENSITY / len(views))
    layers = [*_ghosts(ghosts), (shown, 1.0)]
    parts = [seen(layers, view, someone.volume.geometry, width) for view in views]
    return np.round(np.concatenate(parts, axis=1) * 255).astype(np.uint8)


def seen(layers: list[Layer], view: NDArray[np.float64], geometry: Geometry, width: int) -> Picture:
    """One view, (height, width, 4), 0 to 1: the layers over each other with their opacities."""
    height = round(HEIGHT * _DENSITY)
    over = np.zeros((height, width, 4), np.float32)
    for meshes, opacity in layers:
        if meshes:
            layer = drawn(meshes, view, geometry, (width, height))
            alpha = layer[..., 3:] * opacity
            whole = alpha + over[..., 3:] * (1 - alpha)
            mixed = layer[..., :3] * alpha + over[..., :3] * over[..., 3:] * (1 - alpha)
            over = np.concatenate([mixed / np.maximum(whole, 1e-6), whole], axis=2)
    return over


def drawn(meshes: list[SurfaceMesh], view: NDArray[np.float64], geometry: Geometry, size: tuple[int, int]) -> Picture:
    """Opaque surfaces in a view, (height, width, 4), on nothing."""
    width, height = size[0] * _FINER, size[1] * _FINER
    scene = _scene(meshes, view, geometry, (width, height))
    black, white = (draw(scene, width, height, np.full(3, shade, np.float32)) for shade in (0.0, 1.0))
    alpha = 1 - (white - black).mean(axis=2, keepdims=True)
    rgba = np.concatenate([black, np.clip(alpha, 0, 1)], axis=2)
    small = rgba.reshape(size[1], _FINER, size[0], _FINER, 4).mean(axis=(1, 3))
    small[..., :3] /= np.maximum(small[..., 3:], 1e-6)
    return np.asarray(np.clip(small, 0, 1), np.float32)


def png(rgba: NDArray[np.uint8]) -> bytes:
    """A picture as PNG with a palette of its own: a quarter of the size, and nobody sees it."""
    pixels = rgba.reshape(-1, 4).astype(float)
    # What is transparent has no colour of its own.
    pixels[:, :3] *= pixels[:, 3:] / 255
    palette = np.unique(pixels, axis=0)
    if len(palette) > _COLOURS:
        palette, _ = kmeans2(pixels[::5], _COLOURS, seed=0, minit="++", iter=20)
        palette = palette[np.argsort(palette.sum(axis=1))]
    indices = vq(pixels, palette)[0].astype(np.uint8).reshape(rgba.shape[:2])
    alpha = np.clip(palette[:, 3:], 0, 255)
    colours = np.clip(palette[:, :3] * 255 / np.maximum(alpha, 1), 0, 255)
    height, width = indices.shape
    rows = b"".join(b"\0" + row.tobytes() for row in indices)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", np.round(colours).astype(np.uint8).tobytes()),
            _chunk(b"tRNS", np.round(alpha).astype(np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _ghosts(layers: list[Layer]) -> list[Layer]:
    return [
        ([replace(mesh, structure=replace(mesh.structure, rgb=_GHOST)) for mesh in meshes], opacity)
        for meshes, opacity in layers
    ]


def _scene(meshes: list[SurfaceMesh], view: NDArray[np.float64], geometry: Geometry, size: tuple[int, int]) -> Scene:
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in geometry.shape], indexing="ij")).reshape(3, -1).T
    seen = geometry.world_ras(corners) @ view.T
    low, high = seen.min(axis=0), seen.max(axis=0)
    # One scale for both views: what fits the height.
    scale = size[1] / (high - low)[1]
    shift = (np.array(size) / scale - (high - low)[:2]) / 2
    counts = np.cumsum([0] + [len(mesh.vertices_ras) for mesh in meshes])
    world = np.concatenate([mesh.vertices_ras for mesh in meshes])
    triangles = np.concatenate([mesh.triangles.astype(np.int64) + n for mesh, n in zip(meshes, counts, strict=False)])
    vertices = (world @ view.T - low + np.array([shift[0], shift[1], 0.0])) * scale
    colours = np.repeat(
        np.array([mesh.structure.rgb for mesh in meshes]) / 255, [len(mesh.triangles) for mesh in meshes], axis=0
    )
    return Scene(vertices.astype(np.float32), _normals(vertices, triangles), triangles, colours.astype(np.float32))


def _normals(vertices: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float32]:
    a, b, c = (vertices[triangles[:, n]] for n in range(3))
    # The picture's axes are left-handed, which turns the product round.
    areas = -np.cross(b - a, c - a)
    sums = [np.bincount(triangles.ravel(), np.repeat(areas[:, n], 3), len(vertices)) for n in range(3)]
    normals = np.stack(sums, axis=1)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9), np.float32)


def main() -> None:
    """Draws all pictures, or those of the named tasks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", help="names of tasks; all when none is named")
    named = parser.parse_args().tasks
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Engine() as engine:
        someone = person(engine)
        for task in filter(is_pictured, catalogue().tasks.values()):
            if not named or task.name in named:
                data = png(picture(labels_for(task, someone, engine), someone))
                (FOLDER / f"{task.name}.png").write_bytes(data)
                print(f"{task.name}.png  {len(data) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
