"""A picture of a result: all surfaces from the front, and a coronal slice with its labels beside them, at one scale.

The patient's right is on the left of the picture, as radiologists look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkIOImage import vtkPNGWriter
from vtkmodules.vtkRenderingCore import vtkTextProperty
from vtkmodules.vtkRenderingFreeType import vtkFreeTypeTools

from tsdesktop.core.errors import ExportError
from tsdesktop.core.files import written_whole
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.surfaces.display import fine_meshes
from tsdesktop.surfaces.rasterize import Floats, Scene, draw

BACKGROUND = (0x14, 0x17, 0x1C)
_LETTER = (0xC9, 0xD1, 0xDC)
_SIZE = (1400, 900)
_SMALLEST_SIDE = 64
_MARGIN_MM = 20.0
_VOXEL_PIXELS = 5.0  # of a finer label map only every second voxel is drawn, or every third ...
_FINER = 2  # drawn this many times larger and averaged, for smooth borders
_BLUR_STEPS = 1.3  # a picture may be smoother than a mesh to turn
_STRAIGHT = 0.9998  # cosine of one degree
# What lies farther behind the foremost label of a column and those beside it is hidden, however surfaces are smoothed.
_BESIDE, _BEHIND_MM = 5, 20.0
_LABEL_OPACITY, _OUTLINE_OPACITY = 0.42, 0.95


@dataclass(frozen=True)
class Frame:
    """What of the patient a panel shows: the world position of its top left corner and pixels per mm."""

    right_mm: float
    superior_mm: float
    scale: float
    width: int
    height: int

    def x(self, r_mm: NDArray[np.floating]) -> Floats:
        """Pixels from the panel's left side; the patient's right is left."""
        return np.asarray((self.right_mm - r_mm) * self.scale, np.float32)

    def y(self, s_mm: NDArray[np.floating]) -> Floats:
        """Pixels from the panel's top."""
        return np.asarray((self.superior_mm - s_mm) * self.scale, np.float32)

    def finer(self, times: int) -> Frame:
        """The same view with more pixels."""
        return Frame(self.right_mm, self.superior_mm, self.scale * times, self.width * times, self.height * times)


def render_preview(
    volume: Volume,
    label_map: LabelMap,
    path: Path,
    size: tuple[int, int] = _SIZE,
    *,
    overwrite: bool = False,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Writes the picture as PNG, `size` (width, height) in pixels. Needs no display and no graphics driver.

    `check` is called now and then, also in other threads; what it raises ends the work, and nothing is written.
    Raises ValueError for a size below 128 x 64 pixels, ExportError when the file exists or cannot be written.
    """
    if path.exists() and not overwrite:
        raise ExportError("export.exists", name=path.name)
    width, height = size
    if min(width // 2, height) < _SMALLEST_SIDE:
        raise ValueError(f"a preview needs at least {2 * _SMALLEST_SIDE} x {_SMALLEST_SIDE} pixels, got {size}")
    left = width // 2
    frame = _frame(label_map, left, height)
    coarse = without_hidden(_coarse(label_map, frame))
    picture = np.concatenate(
        [
            _surfaces_panel(coarse, frame, check),
            _slice_panel(volume, label_map, _frame(label_map, width - left, height)),
        ],
        axis=1,
    )
    data = _png(np.round(picture * 255.0).astype(np.uint8))
    check()
    try:
        with written_whole(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise ExportError("export.not_written", name=path.name, reason=error.strerror or str(error)) from error


def _frame(label_map: LabelMap, width: int, height: int) -> Frame:
    """The view that shows all labels with a margin; all of the grid when there are none."""
    corners = [np.zeros(3), np.array(label_map.geometry.shape) - 1.0]
    margin = 0.0
    if label_map.boxes:
        boxes = label_map.boxes.values()
        corners = [np.min([b.start for b in boxes], axis=0), np.max([b.stop for b in boxes], axis=0) - 1.0]
        margin = _MARGIN_MM
    every = np.array(np.meshgrid(*np.array(corners).T, indexing="ij")).reshape(3, -1).T
    world = label_map.geometry.world_ras(every)
    low, high = world.min(axis=0) - margin, world.max(axis=0) + margin
    extent = np.maximum(high - low, 1.0)
    scale = min(width / extent[0], height / extent[2])
    middle = (low + high) / 2.0
    return Frame(
        float(middle[0] + width / scale / 2.0), float(middle[2] + height / scale / 2.0), float(scale), width, height
    )


def _coarse(label_map: LabelMap, frame: Frame) -> LabelMap:
    """The label map without the voxels that the picture does not need."""
    i, j, k = (max(1, round(_VOXEL_PIXELS / (step * frame.scale))) for step in label_map.spacing_mm)
    if i == j == k == 1:
        return label_map
    array = label_map.array[::i, ::j, ::k]
    geometry = Geometry(array.shape, label_map.affine @ np.diag([i, j, k, 1.0]))
    return replace(label_map, array=array, geometry=geometry)


def without_hidden(label_map: LabelMap) -> LabelMap:
    """The label map without voxels that lie well behind others, seen from the front: their surfaces need not be made.

    The grid's own columns are looked along. They have to run from front to back; of other grids nothing is left out.
    """
    geometry = label_map.geometry
    along = [world for world, _ in geometry.ras_axes].index(1)
    front_to_back = geometry.affine[:3, along] / geometry.spacing_mm[along]
    if abs(front_to_back[1]) < _STRAIGHT:
        return label_map
    # The first voxel of a column is the most anterior one.
    turned = np.moveaxis(label_map.array, along, 0)[:: -1 if front_to_back[1] > 0 else 1]
    labelled = turned != 0
    first = np.where(labelled.any(axis=0), labelled.argmax(axis=0), -1)
    last_kept = ndimage.maximum_filter(first, _BESIDE) + max(1, round(_BEHIND_MM / geometry.spacing_mm[along]))
    kept = label_map.array.copy()
    np.moveaxis(kept, along, 0)[:: -1 if front_to_back[1] > 0 else 1][
        np.arange(len(turned))[:, None, None] > last_kept
    ] = 0
    return replace(label_map, array=kept)


def _surfaces_panel(label_map: LabelMap, frame: Frame, check: Callable[[], None]) -> Floats:
    fine = frame.finer(_FINER)
    panel = _flat(fine.width, fine.height)
    if label_map.boxes:
        scene = _scene(label_map, fine, check)
        check()
        panel = draw(scene, fine.width, fine.height, _unit(BACKGROUND))
    return _lettered(panel.reshape(frame.height, _FINER, frame.width, _FINER, 3).mean(axis=(1, 3)))


def _scene(label_map: LabelMap, frame: Frame, check: Callable[[], None]) -> Scene:
    """The structures as seen from the front: depth is how far anterior they are."""
    labels, meshes = zip(*fine_meshes(label_map, _BLUR_STEPS, check), strict=True)
    world = np.concatenate([mesh.vertices_ras for mesh in meshes])
    counts = np.cumsum([0] + [len(mesh.vertices_ras) for mesh in meshes])
    triangles = np.concatenate([mesh.triangles.astype(np.int64) + n for mesh, n in zip(meshes, counts, strict=False)])
    colours = _colours(label_map, labels)
    depth = (world[:, 1] - world[:, 1].min()) * np.float32(frame.scale)
    vertices = np.stack([frame.x(world[:, 0]), frame.y(world[:, 2]), depth], axis=1).astype(np.float32)
    # From the world to the screen: right becomes left, up becomes up, and the front comes towards the viewer.
    normals = np.concatenate([mesh.normals for mesh in meshes])[:, [0, 2, 1]] * np.array([-1.0, -1.0, 1.0], np.float32)
    return Scene(vertices, normals, triangles, np.repeat(colours, [len(mesh.triangles) for mesh in meshes], axis=0))


def _slice_panel(volume: Volume, label_map: LabelMap, frame: Frame) -> Floats:
    s_mm = frame.superior_mm - (np.arange(frame.height) + 0.5) / frame.scale
    r_mm = frame.right_mm - (np.arange(frame.width) + 0.5) / frame.scale
    world = np.empty((frame.height, frame.width, 3))
    world[..., 0], world[..., 1], world[..., 2] = r_mm[None, :], _slice_position(label_map), s_mm[:, None]
    low, high = _window(volume)
    voxels = np.moveaxis(volume.geometry.voxel(world), -1, 0)
    outside = np.float32(np.nan)
    values = ndimage.map_coordinates(volume.array, voxels, np.float32, order=1, cval=outside)
    grey = np.clip((values - low) / max(high - low, 1e-6), 0.0, 1.0)
    panel = np.where(np.isnan(values)[..., None], _unit(BACKGROUND), np.repeat(grey[..., None], 3, axis=2))
    labels = ndimage.map_coordinates(label_map.array, np.moveaxis(label_map.geometry.voxel(world), -1, 0), order=0)
    return _lettered(_coloured(panel.astype(np.float32), labels, label_map))


def _coloured(panel: Floats, labels: NDArray[np.integer], label_map: LabelMap) -> Floats:
    table = np.zeros((int(labels.max()) + 1, 3), np.float32)
    seen = np.unique(labels[labels > 0]).tolist()
    table[seen] = _colours(label_map, seen)
    same = ndimage.minimum_filter(labels, 3) == ndimage.maximum_filter(labels, 3)
    opacity = np.where(same, _LABEL_OPACITY, _OUTLINE_OPACITY) * (labels > 0)
    return np.asarray(panel + opacity[..., None] * (table[labels] - panel), np.float32)


def _colours(label_map: LabelMap, labels: Sequence[int]) -> Floats:
    """The colours (n, 3) of labels, 0 to 1; one without a class gets a colour of its own."""
    known = {each.label: each for each in label_map.classes}
    structures = [known.get(label) or structure_class(label, f"label_{label}") for label in labels]
    return np.array([_unit(each.rgb) for each in structures], np.float32).reshape(-1, 3)


def _slice_position(label_map: LabelMap) -> float:
    """How far anterior the coronal slice with the most labelled voxels lies, in mm; the middle when there are none."""
    across = [world for world, _ in label_map.geometry.ras_axes].index(1)
    labelled = np.count_nonzero(label_map.array, axis=tuple(n for n in range(3) if n != across))
    index = (np.array(label_map.geometry.shape) - 1.0) / 2.0
    if labelled.any():
        index[across] = float(np.argmax(labelled))
    return float(label_map.geometry.world_ras(index)[1])


def _window(volume: Volume) -> tuple[float, float]:
    """The intensities shown as black and white."""
    if volume.source.window is not None and volume.source.window[1] > 0:
        centre, width = volume.source.window
        return centre - width / 2.0, centre + width / 2.0
    if volume.modality == "CT":
        return -160.0, 240.0
    low, high = np.percentile(volume.array[::4, ::4, ::4], (1.0, 99.5))
    return float(low), float(high)


def _lettered(panel: Floats) -> Floats:
    """The panel with R on its left and L on its right, half way up."""
    height, width = panel.shape[:2]
    out = np.array(panel)
    points = max(10, min(width, height) // 28)
    gap = points // 2
    for letter, from_left in (("R", True), ("L", False)):
        opacity = _letter(letter, points)
        rows, columns = opacity.shape
        top, start = (height - rows) // 2, gap if from_left else width - gap - columns
        part = out[top : top + rows, start : start + columns]
        part += opacity[..., None] * (_unit(_LETTER) - part)
    return out


def _letter(letter: str, points: int) -> Floats:
    """The opacity of a letter, cropped to its ink."""
    style = vtkTextProperty()
    style.SetFontFamilyToArial()
    style.SetFontSize(points)
    style.SetColor(1.0, 1.0, 1.0)
    image = vtkImageData()
    vtkFreeTypeTools.GetInstance().RenderString(style, letter, 72, image)
    columns, rows, _ = image.GetDimensions()
    rgba = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, 4)
    opacity = rgba[::-1, :, 3].astype(np.float32) / 255.0
    ink = np.argwhere(opacity > 0)
    (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0) + 1
    return np.asarray(opacity[top:bottom, left:right], np.float32)


def _png(picture: NDArray[np.uint8]) -> bytes:
    height, width = picture.shape[:2]
    image = vtkImageData()
    image.SetDimensions(width, height, 1)
    # VTK's first row is the lowest.
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(picture[::-1]).reshape(-1, 3), deep=True))
    writer = vtkPNGWriter()
    writer.SetInputData(image)
    writer.WriteToMemoryOn()
    writer.Write()
    return bytes(vtk_to_numpy(writer.GetResult()))


def _flat(width: int, height: int) -> Floats:
    return np.broadcast_to(_unit(BACKGROUND), (height, width, 3)).copy()


def _unit(rgb: tuple[int, int, int]) -> Floats:
    return np.asarray(rgb, np.float32) / np.float32(255.0)
