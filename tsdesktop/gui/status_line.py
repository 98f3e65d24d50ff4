"""The line below everything: where the pointer is, what lies there, and what this program is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.figures import decimal, intensity_text, unit_of
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.plane import LETTERS
from tsdesktop.gui.words import structure_title

HEIGHT = 26
_SAID_MS = 6000


class StatusLine(QWidget):
    """Position in mm with its letters, voxel, value and structure; of the crosshair while the mouse is elsewhere."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName("status")
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self.place, self.voxel, self.value, self.structure = (QLabel() for _ in range(4))
        self._said = QLabel()
        self._said.setProperty("role", "good")
        self._quiet = QTimer(self, singleShot=True, interval=_SAID_MS)
        self._quiet.timeout.connect(self._said.clear)
        self.convention = QLabel()
        self.disclaimer = QLabel(self.tr("not a medical device"))
        self._lay_out()
        session.pointer_changed.connect(self._show_place)
        session.cursor_changed.connect(self._show_place)
        session.labels_changed.connect(self._show_place)
        session.volume_changed.connect(self._show_place)
        session.display_changed.connect(self._show_convention)
        self._show_place()
        self._show_convention()

    def say(self, text: str) -> None:
        """A word about what was done; it goes by itself."""
        self._said.setText(text)
        self._quiet.start()

    @property
    def said(self) -> str:
        """What is said now."""
        return self._said.text()

    def _lay_out(self) -> None:
        line = QHBoxLayout(self)
        line.setContentsMargins(3 * theme.GRID, 0, 3 * theme.GRID, 0)
        line.setSpacing(4 * theme.GRID)
        for each, width in ((self.place, 190), (self.voxel, 130), (self.value, 80)):
            each.setMinimumWidth(width)
            line.addWidget(each)
        line.addWidget(self.structure)
        line.addStretch(1)
        line.addWidget(self._said)
        for each in (self.convention, self.disclaimer):
            line.addWidget(each)
        for each in (self.voxel, self.convention, self.disclaimer):
            each.setProperty("role", "secondary")

    def _show_place(self) -> None:
        session = self._session
        labels = (self.place, self.voxel, self.value, self.structure)
        if session.volume is None:
            for each in labels:
                each.clear()
            return
        world = session.cursor_ras if session.pointer_ras is None else session.pointer_ras
        voxel = session.voxel_at(world)
        self.place.setText(place_text(world))
        self.voxel.setText(self.tr("voxel {i}, {j}, {k}").format(i=voxel[0], j=voxel[1], k=voxel[2]))
        value = float(session.volume.array[voxel])
        self.value.setText(intensity_text(value, session.volume) + unit_of(session.volume))
        label = session.label_at(voxel)
        found = session.structure_of(label) if label else None
        self.structure.setText(structure_title(found) if found else "")

    def _show_convention(self) -> None:
        if self._session.display.radiological:
            self.convention.setText(self.tr("Radiological: patient's right on the left"))
        else:
            self.convention.setText(self.tr("Neurological: patient's right on the right"))


def place_text(world_ras: NDArray[np.float64]) -> str:
    """A place as radiologists write it: "R 12.4  P 31.0  S 292.3 mm", letters instead of signs."""
    pairs = zip((float(value) for value in world_ras), LETTERS, strict=True)
    parts = [f"{letters[1 if value >= 0 else 0]} {decimal(abs(value), 1)}" for value, letters in pairs]
    return "  ".join(parts) + " mm"
