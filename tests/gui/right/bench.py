"""A scan of boxes with known values, its labels, and hands for the right panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from tsdesktop.core.geometry import Box, Geometry
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui.panels.right import RightPanel
from tsdesktop.gui.session import Session
from tsdesktop.measures.statistics import structure_statistics

SHAPE = (60, 40, 50)
# 2 x 2.5 x 4 mm, first axis towards the patient's left: 0.02 ml a voxel.
AFFINE = np.array([[-2.0, 0, 0, 60], [0, 2.5, 0, -40], [0, 0, 4.0, 10], [0, 0, 0, 1]])
BOXES: dict[str, Box] = {
    "liver": Box((5, 5, 5), (25, 25, 25)),
    "spleen": Box((40, 5, 30), (50, 15, 40)),
    "stomach": Box((30, 10, 45), (40, 20, 50)),
    "kidney_left": Box((45, 25, 10), (55, 34, 20)),
    "kidney_right": Box((5, 26, 30), (14, 35, 40)),
    "aorta": Box((28, 30, 0), (32, 34, 40)),
    "vertebrae_L1": Box((28, 35, 40), (33, 39, 45)),
    "vertebrae_L2": Box((28, 35, 30), (33, 39, 36)),
    "urinary_bladder": Box((26, 8, 2), (34, 16, 8)),
    "hip_left": Box((42, 10, 1), (50, 20, 6)),
}
ABSENT = ("gallbladder", "pancreas")
NUMBERS = {name: n for n, name in enumerate((*BOXES, *ABSENT), 1)}


def classes() -> tuple[StructureClass, ...]:
    return tuple(structure_class(label, name) for name, label in NUMBERS.items())


def labels_of(boxes: dict[str, Box], known: tuple[StructureClass, ...]) -> LabelMap:
    array = np.zeros(SHAPE, np.uint8)
    for each in known:
        if each.name in boxes:
            array[boxes[each.name].slices] = each.label
    return LabelMap(array, Geometry(SHAPE, AFFINE), known, "phantom")


def scan() -> Volume:
    noise = np.random.default_rng(3).normal(40, 20, SHAPE)
    return Volume(noise.round().astype(np.int16), Geometry(SHAPE, AFFINE), "CT")


def whole_body() -> LabelMap:
    """All 117 structures of the whole body task, each a small cube."""
    known = catalogue().task("total").classes
    cells = [(i, j, k) for k in range(4, 46, 4) for i in range(4, 56, 4) for j in range(4, 36, 4)]
    boxes = {
        each.name: Box((i, j, k), (i + 1 + n % 3, j + 2, k + 2))
        for n, (each, (i, j, k)) in enumerate(zip(known, cells, strict=False))
    }
    return labels_of(boxes, known)


@dataclass
class Bench:
    """The panel and hands for it."""

    session: Session
    panel: RightPanel
    volume: Volume

    def show(self, label_map: LabelMap, *, numbers: bool = True) -> None:
        self.session.show_labels(label_map)
        if numbers:
            self.measure()

    def measure(self) -> None:
        assert self.session.label_map is not None
        self.session.set_statistics(structure_statistics(self.volume, self.session.label_map))

    def label(self, name: str) -> int:
        assert self.session.label_map is not None
        return self.session.label_map.structure(name).label

    def visible(self) -> set[str]:
        assert self.session.label_map is not None
        return {each.name for each in self.session.label_map.present if self.session.looks[each.label].visible}

    def rows(self) -> list[str]:
        return [each.name for each in self.panel.list.rows.shown]

    def click(
        self,
        name: str,
        part: str = "text",
        keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
    ) -> None:
        """Clicks a part of the row of a structure or a body system."""
        rows, view = self.panel.list.rows, self.panel.list
        index = rows.index_of(name)
        if not index.isValid():
            index = next(i for n in range(rows.rowCount()) if rows.system(i := rows.index(n, 0)) == name)
        view.scrollTo(index)
        QTest.mouseClick(view.viewport(), button, keys, getattr(view.places(index), part).center())

    def press(self, key: Qt.Key, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.panel.list, key, keys)

    def is_seen(self, name: str) -> bool:
        view = self.panel.list
        area = view.visualRect(view.rows.index_of(name))
        # Qt leaves a row one pixel short when it scrolls just as far as needed.
        return not area.isEmpty() and view.viewport().rect().contains(area.adjusted(0, 1, 0, -1))

    def move(self, place: QPoint) -> None:
        QTest.mouseMove(self.panel.list.viewport(), place)
