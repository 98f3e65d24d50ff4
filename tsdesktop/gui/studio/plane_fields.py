"""Where a cut goes: along which slices, and how far up. The plane can also be dragged in the preview."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QSlider, QWidget

from tsdesktop.core.printing import Cut, Point
from tsdesktop.gui.dialogs.controls import Segments
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.parts import GAP, button, one_line, row, stacked
from tsdesktop.gui.studio.shown import Places
from tsdesktop.gui.studio.view import moved_along

_PER_MM = 2
_NORMALS: dict[str, Point] = {"axial": (0.0, 0.0, 1.0), "coronal": (0.0, 1.0, 0.0), "sagittal": (1.0, 0.0, 0.0)}


class PlaneFields(QWidget):
    """The plane of a cut. `changed(cut, value)` with the other cut and which value it is; `view_wanted` asks for the
    plane across the view, `apart_toggled` for halves that are shown away from each other."""

    changed = Signal(object, str)
    apart_toggled = Signal(bool)
    view_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cut = Cut((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
        self._low = 0.0
        titles = {"axial": self.tr("Axial"), "coronal": self.tr("Coronal"), "sagittal": self.tr("Sagittal")}
        self.way = Segments(list(titles.items()), "axial", self.tr("Along which slices"))
        self.way.setToolTip(self.tr("On the bed, axial is level with it"))
        self.across = button(self.tr("Across the view"), self.view_wanted.emit, "link")
        self.across.setToolTip(self.tr("The plane faces you, as the preview is turned now"))
        self.turn = button(self.tr("Turn round"), self._turn_round, "link")
        self.turn.setToolTip(self.tr("The other half gets the pins"))
        self.apart = QCheckBox(self.tr("Show the halves apart"))
        self.apart.setToolTip(self.tr("In the preview only; files hold them in their places"))
        self.apart.toggled.connect(self.apart_toggled)
        self.place = QSlider(Qt.Orientation.Horizontal)
        self.place.setAccessibleName(self.tr("Where the cut lies"))
        self.place.setToolTip(self.tr("The frame of the plane can also be dragged in the preview"))
        self.place.setPageStep(5 * _PER_MM)
        self.value = one_line()
        self.value.setMinimumWidth(56)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        slide = row(self.place, self.value)
        links = row(self.across, self.turn, None)
        for each in (slide, links):
            each.setContentsMargins(0, 0, 0, 0)
        self.setLayout(stacked(self.way, slide, links, self.apart, gap=GAP))
        self.way.chosen.connect(self._on_way_chosen)
        self.place.valueChanged.connect(self._on_moved)

    def show_cut(self, cut: Cut, box_mm: Places | None) -> None:
        """Shows a cut through parts in a box (2, 3) in mm; nobody is told."""
        self._cut = cut
        box = np.array([[-1.0] * 3, [1.0] * 3]) if box_mm is None else box_mm
        normal = np.array(cut.normal_ras, float) / np.linalg.norm(cut.normal_ras)
        middle = float(box.mean(axis=0) @ normal)
        half = float(np.abs(normal) @ (box[1] - box[0])) / 2
        self._low = middle - half
        at = float(np.array(cut.point_ras) @ normal) - self._low
        for each in (self.place, self.way):
            each.blockSignals(True)
        self.place.setRange(0, max(1, round(2 * half * _PER_MM)))
        if not self.place.isSliderDown():
            self.place.setValue(round(at * _PER_MM))
        self._show_way()
        for each in (self.place, self.way):
            each.blockSignals(False)
        self.value.setText(f"{decimal(at, 1)} mm")

    def _show_way(self) -> None:
        key = way_of(self._cut)
        if key:
            self.way.choose(key)
        else:
            self.way.choose_none()

    def _on_way_chosen(self, key: str) -> None:
        if way_of(self._cut) != key:
            self.changed.emit(replace(self._cut, normal_ras=_NORMALS[key]), "")

    def _turn_round(self) -> None:
        x, y, z = (0.0 - each for each in self._cut.normal_ras)
        self.changed.emit(replace(self._cut, normal_ras=(x, y, z)), "")

    def _on_moved(self, value: int) -> None:
        normal = np.array(self._cut.normal_ras, float) / np.linalg.norm(self._cut.normal_ras)
        at = float(np.array(self._cut.point_ras) @ normal) - self._low
        self.changed.emit(moved_along(self._cut, value / _PER_MM - at), "point_ras")


def way_of(cut: Cut) -> str:
    """The slices a cut goes along; empty for an oblique one."""
    normal = np.abs(np.array(cut.normal_ras, float)) / np.linalg.norm(cut.normal_ras)
    return next((key for key, each in _NORMALS.items() if np.allclose(normal, each, atol=1e-6)), "")
