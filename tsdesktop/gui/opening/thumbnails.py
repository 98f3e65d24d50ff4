"""Small pictures to recognise scans by. All but `paint_thumbnail` may run away from the main thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath

from tsdesktop.core.files import written_whole
from tsdesktop.core.geometry import to_ras_order
from tsdesktop.core.volume import Volume
from tsdesktop.gui import theme
from tsdesktop.gui.opening.recent import RecentScan, recent_of, remember
from tsdesktop.gui.windowing import Window, auto_window, first_window

SIDE_PX = 96
# Made twice as large, so that it is sharp on dense screens.
_DENSITY = 2
_SIGN_PX = 28
# A coronal picture longer than this for its width, or of so few rows or columns, tells nothing.
_LONGEST_FOR_WIDE, _FEW_SLICES = 3.0, 24


def picture_of_scan(volume: Volume, side_px: int = SIDE_PX * _DENSITY) -> QImage:
    """The middle slice on black, coronal, or across the thinnest side of a scan where that would be a streak or a blur.

    The patient's right is on the left (from the side: the front), the head up (from below: the front).
    """
    order = to_ras_order(volume.geometry)
    spacing = order.apply_geometry(volume.geometry).spacing_mm
    turned = order.apply(volume.array)
    across = _axis_across(turned.shape, spacing)
    right, up = (axis for axis in range(3) if axis != across)
    # All axes run against the picture: right, front and head come first in it.
    plane = np.take(turned, turned.shape[across] // 2, axis=across)[::-1, ::-1].T
    return picture_of(plane, spacing[up] / spacing[right], first_window(volume), side_px)


def _axis_across(shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> int:
    """Which axis of a scan in RAS order one looks along."""
    if min(shape[0], shape[2]) < _FEW_SLICES:
        return int(np.argmin(shape))
    sides_mm = [count * step for count, step in zip(shape, spacing_mm, strict=True)]
    is_streak = not 1 / _LONGEST_FOR_WIDE < sides_mm[2] / sides_mm[0] < _LONGEST_FOR_WIDE
    return int(np.argmin(sides_mm)) if is_streak else 1


def picture_of(
    plane: NDArray[Any], tall: float = 1.0, window: Window | None = None, side_px: int = SIDE_PX * _DENSITY
) -> QImage:
    """A slice [row, column] as a square picture; `tall`: the height of a pixel for its width."""
    grey = _grey(plane, window or auto_window(plane))
    rows, columns = grey.shape
    image = QImage(grey.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    height, width = rows * tall, float(columns)
    scale = side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    smooth = Qt.TransformationMode.SmoothTransformation
    fitted = image.scaled(*size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    out = QImage(side_px, side_px, QImage.Format.Format_RGB32)
    out.fill(QColor("black"))
    with QPainter(out) as painter:
        painter.drawImage((side_px - fitted.width()) // 2, (side_px - fitted.height()) // 2, fitted)
    return out


def paint_thumbnail(painter: QPainter, place: QRect, picture: QImage | None) -> None:
    """Paints a picture with round corners on black; a sign for one where there is none."""
    path = QPainterPath()
    path.addRoundedRect(place.toRectF(), 4, 4)
    painter.save()
    painter.setClipPath(path)
    painter.fillRect(place, QColor("black"))
    if picture is not None:
        painter.drawImage(place, picture)
    else:
        sign = QRect(0, 0, _SIGN_PX, _SIGN_PX)
        sign.moveCenter(place.center())
        theme.icon("mdi6.image-outline").paint(painter, sign)
    painter.restore()


def remember_with_picture(volume: Volume, path: Path, series: str = "") -> RecentScan:
    """Puts a scan that was opened on the list of recent ones, with its picture. Slow. Raises OSError."""
    scan = recent_of(volume, path, series)
    scan.thumbnail.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(scan.thumbnail) as temporary:
        picture_of_scan(volume).save(str(temporary), "PNG")  # type: ignore[call-overload]
    remember(scan)
    return scan


def _grey(plane: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    values = (plane.astype(np.float32) - window.low) * (255.0 / window.width)
    return np.ascontiguousarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))
