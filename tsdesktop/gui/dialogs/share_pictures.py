"""What goes away when a scan is shared: a sagittal and an axial slice, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from tsdesktop.core.geometry import to_ras_order
from tsdesktop.core.volume import Volume
from tsdesktop.gui import theme
from tsdesktop.gui.parts import one_line
from tsdesktop.gui.windowing import Window

if TYPE_CHECKING:
    from tsdesktop.pipeline.sharing import PreparedShare

_SIZE = QSize(250, 210)
_TINT, _TINTED = np.array([235.0, 80.0, 60.0]), 0.38


@dataclass(frozen=True, eq=False)
class Slice:
    """A picture [row, column, rgb] of bytes, and the height of its pixels over their width."""

    rgb: NDArray[np.uint8]
    aspect: float


def share_slices(prepared: PreparedShare, window: Window) -> tuple[Slice, Slice, Slice, Slice]:
    """Sagittal before and after, axial before and after; what goes is tinted in those before."""
    order = to_ras_order(prepared.before.geometry)
    right_mm, front_mm, up_mm = order.apply_geometry(prepared.before.geometry).spacing_mm
    before, after = (order.apply(each.array) for each in (prepared.before, prepared.after))
    mask = None if prepared.face is None or prepared.after is prepared.before else order.apply(prepared.face.mask)
    across, level = _middle(prepared.before, mask)
    out = []
    for array, tint in ((before, mask), (after, None)):
        # Seen from the patient's right: the face looks to the right.
        out.append(Slice(_rgb(array[across], None if tint is None else tint[across], window), up_mm / front_mm))
    for array, tint in ((before, mask), (after, None)):
        # As radiologists look: the patient's right is on the left, the face above.
        turned, tinted = array[::-1, :, level], None if tint is None else tint[::-1, :, level]
        out.append(Slice(_rgb(turned, tinted, window), front_mm / right_mm))
    return out[0], out[1], out[2], out[3]


def _middle(volume: Volume, mask: NDArray[np.bool_] | None) -> tuple[int, int]:
    """The slices that show most of the face: through its middle, and where it is largest."""
    shape = to_ras_order(volume.geometry).apply(volume.array).shape
    if mask is None:
        return shape[0] // 2, shape[2] // 2
    columns, levels = mask.any(axis=(1, 2)), mask.any(axis=(0, 1))
    of_columns, of_levels = np.flatnonzero(columns), np.flatnonzero(levels)
    return int(of_columns[of_columns.size // 2]), int(of_levels[of_levels.size * 6 // 10])


def _rgb(plane: NDArray[Any], tint: NDArray[np.bool_] | None, window: Window) -> NDArray[np.uint8]:
    """A slice [across, up] as a picture [row, column, rgb], its second axis upwards."""
    grey = np.clip((plane.T[::-1].astype(np.float32) - window.low) / window.width, 0.0, 1.0) * 255.0
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    if tint is not None:
        tinted = tint.T[::-1]
        rgb[tinted] = rgb[tinted] * (1 - _TINTED) + _TINT * _TINTED
    return np.ascontiguousarray(rgb, np.uint8)


class _Picture(QWidget):
    """One slice, as large as fits."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMinimumSize(_SIZE)
        self._image = QImage()
        self._aspect = 1.0

    def show_slice(self, shown: Slice | None) -> None:
        """Another slice; None for an empty frame."""
        if shown is None:
            self._image = QImage()
        else:
            height, width, _ = shown.rgb.shape
            # Copied, so that it does not depend on the array.
            self._image = QImage(shown.rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
            self._aspect = shown.aspect
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802
        """The slice in the middle of black."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor("black"))
            if self._image.isNull():
                return
            size = QSize(self._image.width(), max(1, round(self._image.height() * self._aspect)))
            size = size.scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = self.rect()
            place.setSize(size)
            place.moveCenter(self.rect().center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._image)


class SharePictures(QWidget):
    """The four slices with what they are above them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.GRID)
        before, after = self.tr("Now; what goes is red"), self.tr("As it will be shared")
        self._pictures = [_Picture(each) for each in (before, after, before, after)]
        for column, title in enumerate((before, after)):
            grid.addWidget(one_line(title, "secondary"), 0, column)
            grid.setColumnStretch(column, 1)
        for n, picture in enumerate(self._pictures):
            grid.addWidget(picture, 1 + n // 2, n % 2)
            grid.setRowStretch(1 + n // 2, 1)

    @property
    def is_empty(self) -> bool:
        """Whether no slice is shown."""
        return all(each._image.isNull() for each in self._pictures)

    def show_slices(self, slices: tuple[Slice, ...]) -> None:
        """Shows four slices, or with () none."""
        for n, picture in enumerate(self._pictures):
            picture.show_slice(slices[n] if slices else None)
