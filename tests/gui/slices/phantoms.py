"""Scans whose every voxel is known, shown in views of a known size, and mice and wheels for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.volume import LabelMap, Modality, Volume
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.measure import Measurements
from tsdesktop.gui.slices.plane import PlaneName
from tsdesktop.gui.slices.view import SliceView

SHAPE = (40, 50, 30)
AORTA, BONE = StructureClass(1, "aorta", (220, 30, 20)), StructureClass(2, "hip_left", (240, 230, 200))
NO_BUTTON, LEFT = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
RIGHT, MIDDLE = Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
PLAIN, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def straight(codes: str = "RAS", spacing: tuple[float, float, float] = (1.0, 1.0, 2.0)) -> Geometry:
    """A grid along the patient's axes, stored in this direction."""
    signs = [1.0 if code in "RAS" else -1.0 for code in codes]
    affine = np.diag([*np.multiply(signs, spacing), 1.0])
    affine[:3, 3] = 5.0, -12.0, 33.0
    return Geometry(SHAPE, affine)


def oblique(spacing: tuple[float, float, float] = (0.8, 1.5, 4.0)) -> Geometry:
    """A grid with unequal spacings, turned by 17 degrees about two axes."""
    c, s = np.cos(np.radians(17)), np.sin(np.radians(17))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = -20.0, 14.0, 100.0
    return Geometry(SHAPE, affine)


def ramp(geometry: Geometry, dtype: Any = np.int16, modality: Modality = "CT") -> Volume:
    """No two neighbours are equal: 1 along i, 10 along j, 7 along k."""
    i, j, k = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return Volume((i + 10 * j + 7 * k - 300).astype(dtype), geometry, modality)


def two_boxes(geometry: Geometry) -> LabelMap:
    """An aorta and a bone, both boxes."""
    array: NDArray[np.uint8] = np.zeros(SHAPE, np.uint8)
    array[10:20, 10:30, 5:12] = 1
    array[25:35, 20:40, 10:25] = 2
    return LabelMap(array, geometry, (AORTA, BONE))


@dataclass
class Shown:
    """A slice view on the screen, and what stands behind it."""

    session: Session
    measurements: Measurements
    view: SliceView

    def place_of(self, voxel: tuple[float, float, float]) -> QPointF:
        """The middle of a voxel of the shown slice in the view."""
        volume, pane = self.session.volume, self.view.pane
        assert volume is not None and pane is not None
        return QPointF(*pane.to_widget(volume.geometry.world_ras(voxel)))

    def open(self, volume: Volume, label_map: LabelMap | None = None) -> None:
        self.session.open_volume(volume)
        if label_map is not None:
            self.session.show_labels(label_map)


def shown(qtbot: QtBot, name: PlaneName = "axial", size: tuple[int, int] = (420, 400)) -> Shown:
    session = Session()
    measurements = Measurements(session)
    view = SliceView(session, name, measurements)
    qtbot.addWidget(view)
    view.resize(*size)
    view.show()
    qtbot.waitExposed(view)
    return Shown(session, measurements, view)


def wheel(view: QWidget, delta: int, place: QPointF | None = None, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
    at = place or QPointF(view.rect().center())
    glob = QPointF(view.mapToGlobal(at))
    phase = Qt.ScrollPhase.NoScrollPhase
    QApplication.sendEvent(view, QWheelEvent(at, glob, QPoint(), QPoint(0, delta), NO_BUTTON, modifiers, phase, False))


def mouse(
    view: QWidget, kind: QEvent.Type, place: QPointF, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier = PLAIN
) -> None:
    down = NO_BUTTON if kind == QEvent.Type.MouseButtonRelease else button
    changed = NO_BUTTON if kind == QEvent.Type.MouseMove else button
    QApplication.sendEvent(view, QMouseEvent(kind, place, QPointF(view.mapToGlobal(place)), changed, down, modifiers))


def click(view: QWidget, place: QPointF, button: Qt.MouseButton = LEFT, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
    mouse(view, QEvent.Type.MouseButtonPress, place, button, modifiers)
    mouse(view, QEvent.Type.MouseButtonRelease, place, button, modifiers)


def double_click(view: QWidget, place: QPointF, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
    click(view, place, LEFT, modifiers)
    mouse(view, QEvent.Type.MouseButtonDblClick, place, LEFT, modifiers)
    mouse(view, QEvent.Type.MouseButtonRelease, place, LEFT, modifiers)


def drag(
    view: QWidget,
    start: QPointF,
    end: QPointF,
    button: Qt.MouseButton = LEFT,
    modifiers: Qt.KeyboardModifier = PLAIN,
) -> None:
    mouse(view, QEvent.Type.MouseButtonPress, start, button, modifiers)
    for part in (0.25, 0.5, 0.75, 1.0):
        mouse(view, QEvent.Type.MouseMove, start + (end - start) * part, button, modifiers)
    mouse(view, QEvent.Type.MouseButtonRelease, end, button, modifiers)


def move(view: QWidget, place: QPointF, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
    mouse(view, QEvent.Type.MouseMove, place, NO_BUTTON, modifiers)
