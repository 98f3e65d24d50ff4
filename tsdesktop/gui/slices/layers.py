"""Paints a slice - scan, fills, outlines - into an image of the widget's size, and remembers what can be used again.

At about one pixel to the voxel the fills are mixed into the picture by a table. When zoomed in, the scan is made finer
and the fills follow the smoothed outlines instead of the voxels' blocks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QByteArray, QDataStream, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QTransform

from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui.session import Display
from tsdesktop.gui.slices import compose, cut, enlarge, outline
from tsdesktop.gui.slices.compose import Paint
from tsdesktop.gui.slices.plane import Plane, Viewport
from tsdesktop.gui.windowing import Window

# From this magnification on fills follow the outlines; from the second one outlines are rounded once more.
_CURVES_FROM = 1.5
_ROUNDED_FROM = 5.0
# Below this, linear interpolation would skip voxels.
_SHRINK_BELOW = 0.6
_MARGIN = 3
# Outlines are made for whole tiles of so many voxels.
_TILE = 32
# Widths of the window that intensities may lie outside of it.
_BEYOND = 0.1
_ELEMENT = np.dtype([("kind", ">i4"), ("x", ">f8"), ("y", ">f8")])


@dataclass(frozen=True, eq=False)
class Scene:
    """What a slice view shows, apart from zoom and size."""

    volume: Volume
    label_map: LabelMap | None
    plane: Plane
    number: int
    window: Window
    painted: dict[int, Paint]
    display: Display


class Layers:
    """The painter of one view."""

    def __init__(self) -> None:
        self._scan: tuple[tuple[Any, ...], NDArray[Any]] | None = None
        self._labels: tuple[tuple[Any, ...], NDArray[Any]] | None = None
        self._paths: tuple[NDArray[Any], tuple[int, ...], dict[int, QPainterPath]] | None = None
        self._table: tuple[tuple[Any, ...], compose.Picture] | None = None
        self._grey: compose.Grey | None = None
        self._picture: compose.Picture | None = None
        self._image: QImage | None = None

    def paint(self, scene: Scene, viewport: Viewport, ratio: float) -> QImage:
        """The picture of the scene for a screen with `ratio` device pixels to the logical one."""
        image = self._blank(viewport, ratio)
        across, down = (each * ratio for each in viewport.pixels_per_voxel)
        by_curves = scene.display.smooth and max(across, down) >= _CURVES_FROM
        with QPainter(image) as painter:
            painter.setTransform(_transform(viewport, ratio))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scene.display.smooth)
            labels = self.labels(scene)
            if by_curves:
                self._draw_finer(painter, scene, viewport, ratio)
            else:
                self._draw_mixed(painter, scene, labels)
            if labels is not None and scene.painted:
                _draw_labels(painter, self._curves(scene, labels, viewport, max(across, down)), scene, by_curves, ratio)
        image.setDevicePixelRatio(ratio)
        return image

    def scan(self, scene: Scene) -> NDArray[Any]:
        """Intensities of the slice."""
        key = (scene.volume, scene.plane, scene.number)
        if self._scan is None or self._scan[0] != key:
            self._scan = key, cut.scan_slice(*key)
        return self._scan[1]

    def labels(self, scene: Scene) -> NDArray[Any] | None:
        """Labels of the slice."""
        if scene.label_map is None:
            self._labels = None
            return None
        key = (scene.label_map, scene.plane, scene.number)
        if self._labels is None or self._labels[0] != key:
            self._labels = key, cut.label_slice(*key)
        return self._labels[1]

    def _blank(self, viewport: Viewport, ratio: float) -> QImage:
        size = max(1, round(viewport.width * ratio)), max(1, round(viewport.height * ratio))
        if self._image is None or (self._image.width(), self._image.height()) != size:
            self._image = QImage(*size, QImage.Format.Format_RGB32)
        self._image.setDevicePixelRatio(1.0)
        self._image.fill(0xFF000000)
        return self._image

    def _draw_mixed(self, painter: QPainter, scene: Scene, labels: NDArray[Any] | None) -> None:
        """The whole slice, one pixel to the voxel, drawn at the size it is shown."""
        self._grey = compose.grey(self.scan(scene), scene.window, self._grey)
        filled = labels is not None and any(each.fill > 0 for each in scene.painted.values())
        table = self._colours(scene, labels) if filled and labels is not None else None
        self._picture = compose.colours(self._grey, labels if filled else None, table, self._picture)
        _draw(painter, self._picture, QRectF(-0.5, -0.5, self._picture.shape[1], self._picture.shape[0]))

    def _draw_finer(self, painter: QPainter, scene: Scene, viewport: Viewport, ratio: float) -> None:
        """The visible part of the scan on a finer grid."""
        rows, columns = viewport.visible(_MARGIN)
        across, down = (enlarge.factor(each * ratio) for each in viewport.pixels_per_voxel)
        # Intensities far outside the window would turn soft edges into steps: bone and air beside soft tissue.
        margin = scene.window.width * _BEYOND
        low, high = scene.window.low - margin, scene.window.low + scene.window.width + margin
        inside = np.clip(self.scan(scene)[rows, columns], low, high)
        finer = enlarge.enlarged(inside, down, across)
        picture = compose.colours(compose.grey(finer, scene.window))
        field = QRectF(columns.start - 0.5, rows.start - 0.5, columns.stop - columns.start, rows.stop - rows.start)
        _draw(painter, picture, field)

    def _colours(self, scene: Scene, labels: NDArray[Any]) -> compose.Picture:
        rows = compose.table_rows(labels, max(scene.painted))
        key = (scene.painted, rows)
        if self._table is None or self._table[0] != key:
            self._table = key, compose.colour_table(scene.painted, rows)
        return self._table[1]

    def _curves(self, scene: Scene, labels: NDArray[Any], viewport: Viewport, scale: float) -> dict[int, QPainterPath]:
        """Outlines of what is seen as paths, made once per slice and way."""
        smooth = scene.display.smooth
        finest = smooth and scale >= _ROUNDED_FROM
        way = (smooth, smooth and scale >= _CURVES_FROM, finest)
        rows, columns = _wide(viewport, labels.shape)
        key = (*way, rows.start, rows.stop, columns.start, columns.stop)
        if self._paths is None or self._paths[0] is not labels or self._paths[1] != key:
            curves = outline.outlines(labels[rows, columns], exact=not smooth, smooth=way[1])
            self._paths = labels, key, paths(curves, (columns.start, rows.start), finest)
        return self._paths[2]


def paths(
    curves: outline.Curves, shift: tuple[float, float] = (0.0, 0.0), rounded: bool = False
) -> dict[int, QPainterPath]:
    """Closed curves, moved by `shift`, as one path per label.

    Qt's stream format is read in one go; point by point takes 50 times as long.
    """
    single = [curve for each in curves.values() for curve in (map(outline.rounded, each) if rounded else each)]
    if not single:
        return {}
    lengths = np.array([len(each) + 1 for each in single])
    points = np.concatenate([part for each in single for part in (each, each[:1])])
    elements = np.ones(len(points), _ELEMENT)
    elements["x"], elements["y"] = points[:, 0] + shift[0], points[:, 1] + shift[1]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    elements["kind"][starts[:-1]] = 0
    ends = starts[np.cumsum([len(each) for each in curves.values()])].tolist()
    return {label: _read_path(elements[start:end]) for label, start, end in zip(curves, [0, *ends], ends, strict=False)}


def _read_path(elements: NDArray[Any]) -> QPainterPath:
    out = QPainterPath()
    packed = struct.pack(">i", len(elements)) + elements.tobytes() + bytes(8)
    stream = QDataStream(QByteArray(packed))
    stream >> out
    return out


def _wide(viewport: Viewport, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns that are seen and some around them, so that a small move of the picture asks for the same."""
    around = tuple(
        slice(
            max(0, (each.start - _TILE // 4) // _TILE * _TILE), min(size, -(-(each.stop + _TILE // 4) // _TILE) * _TILE)
        )
        for each, size in zip(viewport.visible(_MARGIN), shape, strict=True)
    )
    return around[0], around[1]


def _draw(painter: QPainter, picture: compose.Picture, field: QRectF) -> None:
    """A picture over a field in slice coordinates."""
    rows, columns = picture.shape
    image = QImage(picture.data, columns, rows, columns * 4, QImage.Format.Format_RGB32)
    scale = painter.transform().m11() * field.width() / columns, painter.transform().m22() * field.height() / rows
    smooth = painter.testRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    if smooth and min(scale) < _SHRINK_BELOW:
        image = _shrunk(image, scale)
    painter.drawImage(field, image, QRectF(0, 0, image.width(), image.height()))


def _shrunk(image: QImage, scale: tuple[float, float]) -> QImage:
    return image.scaled(
        max(1, round(image.width() * min(1.0, scale[0]))),
        max(1, round(image.height() * min(1.0, scale[1]))),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


def _transform(viewport: Viewport, ratio: float) -> QTransform:
    """From slice coordinates to device pixels."""
    across, down = (each * ratio for each in viewport.pixels_per_voxel)
    left, top = (each * ratio for each in viewport.to_widget(0, 0))
    return QTransform(across, 0, 0, down, left, top)


def _draw_labels(painter: QPainter, paths: dict[int, QPainterPath], scene: Scene, filled: bool, ratio: float) -> None:
    """Fills where the picture has none yet, and outlines; the selected structure's last and stronger."""
    shown = [(label, scene.painted[label]) for label in paths if label in scene.painted]
    shown.sort(key=lambda each: each[1].selected)
    if filled:
        for label, paint in shown:
            if paint.fill > 0:
                painter.fillPath(paths[label], _colour(paint, paint.fill))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, scene.display.smooth)
    one_stands_out = any(each.selected for each in scene.painted.values())
    width = max(1, round(ratio))
    as_it_was = painter.transform()
    for right, down in _offsets(width):
        painter.setTransform(as_it_was * QTransform.fromTranslate(right, down))
        for label, paint in shown:
            if not paint.selected:
                painter.setPen(_pen(paint, 0.75 if one_stands_out else 1.0, 1.0))
                painter.drawPath(paths[label])
    painter.setTransform(as_it_was)
    for label, paint in shown:
        if paint.selected:
            painter.setPen(_pen(paint, 1.0, 2.0 * width))
            painter.drawPath(paths[label])


def _offsets(width: int) -> list[tuple[float, float]]:
    """Where to draw a line of one pixel to make a wider one: Qt takes twenty times as long for a line of two."""
    if width == 1:
        return [(0.0, 0.0)]
    reach = (width - 1) / 2
    return [(reach, 0.0), (-reach, 0.0), (0.0, reach), (0.0, -reach)]


def _pen(paint: Paint, opacity: float, width: float) -> QPen:
    """A pen whose width is in device pixels."""
    pen = QPen(_colour(paint, opacity), width)
    pen.setCosmetic(True)
    return pen


def _colour(paint: Paint, opacity: float) -> QColor:
    colour = QColor(*paint.rgb)
    colour.setAlphaF(opacity)
    return colour
