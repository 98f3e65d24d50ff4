"""The part of the export dialog that says what is written: labels, surfaces, statistics, a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from tsdesktop.core.settings import Settings
from tsdesktop.exports.meshes.parts import Frame
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.controls import ChoiceBox
from tsdesktop.gui.parts import one_line, row
from tsdesktop.pipeline.chosen_exports import SmoothingName

_CONTEXT = "ExportKinds"
# The kinds are fields of ExportChoice: title and what it explains.
_TITLES: dict[str, tuple[Any, Any]] = {
    "label_map": (
        QT_TRANSLATE_NOOP("ExportKinds", "One NIfTI file"),
        QT_TRANSLATE_NOOP("ExportKinds", "All structures in one file, a number for each, with a table of their names"),
    ),
    "masks": (
        QT_TRANSLATE_NOOP("ExportKinds", "One NIfTI file per structure"),
        QT_TRANSLATE_NOOP("ExportKinds", "A file with 0 and 1 for each structure"),
    ),
    "meshes": (
        QT_TRANSLATE_NOOP("ExportKinds", "One STL file per structure"),
        QT_TRANSLATE_NOOP("ExportKinds", "Closed surfaces in millimetres, to view or print"),
    ),
    "merged_mesh": (
        QT_TRANSLATE_NOOP("ExportKinds", "All in one STL file"),
        QT_TRANSLATE_NOOP("ExportKinds", "All surfaces one after the other; they are not joined to one solid"),
    ),
    "csv": (
        QT_TRANSLATE_NOOP("ExportKinds", "Table (CSV)"),
        QT_TRANSLATE_NOOP("ExportKinds", "Volume, intensities and place of each structure, for a spreadsheet"),
    ),
    "json": (
        QT_TRANSLATE_NOOP("ExportKinds", "JSON"),
        QT_TRANSLATE_NOOP("ExportKinds", "Volume and mean intensity in TotalSegmentator's form"),
    ),
    "preview": (
        QT_TRANSLATE_NOOP("ExportKinds", "Preview (PNG)"),
        QT_TRANSLATE_NOOP("ExportKinds", "All surfaces from the front beside a coronal slice"),
    ),
}
_GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (QT_TRANSLATE_NOOP("ExportKinds", "Label map"), ("label_map", "masks")),
    (QT_TRANSLATE_NOOP("ExportKinds", "Surfaces"), ("meshes", "merged_mesh")),
    (QT_TRANSLATE_NOOP("ExportKinds", "Statistics"), ("csv", "json")),
    (QT_TRANSLATE_NOOP("ExportKinds", "Picture"), ("preview",)),
)
_SMOOTHING_TITLES: dict[SmoothingName, Any] = {
    "faithful": QT_TRANSLATE_NOOP("ExportKinds", "Faithful to the voxels"),
    "smooth": QT_TRANSLATE_NOOP("ExportKinds", "Smooth"),
    "very smooth": QT_TRANSLATE_NOOP("ExportKinds", "Very smooth"),
}
_FRAME_TITLES: dict[Frame, Any] = {
    "LPS": QT_TRANSLATE_NOOP("ExportKinds", "LPS (DICOM, 3D Slicer)"),
    "RAS": QT_TRANSLATE_NOOP("ExportKinds", "RAS (NIfTI)"),
}


@dataclass(frozen=True)
class Kinds:
    """What is ticked (names of ExportChoice's fields), and how surfaces are made."""

    ticked: frozenset[str]
    smoothing: SmoothingName
    frame: Frame


class ExportKinds(QWidget):
    """Boxes to tick, and how smooth surfaces are and in which coordinates. `changed` after every change."""

    changed = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        before = settings.export_kinds.split(",")
        self.boxes = {key: _box(key, key in before) for key in _TITLES}
        smoothings = [(key, _in_words(title)) for key, title in _SMOOTHING_TITLES.items()]
        self.smoothing = ChoiceBox(smoothings, settings.export_smoothing, self.tr("Smoothing of surfaces"))
        self.smoothing.setToolTip(
            self.tr(
                "Smoothing removes the steps of the voxels. Every piece keeps its volume; sharp edges become round."
            )
        )
        frames = [(key, _in_words(title)) for key, title in _FRAME_TITLES.items()]
        self.frame = ChoiceBox(frames, settings.mesh_frame, self.tr("Coordinates of surfaces"))
        self.frame.setToolTip(self.tr("Which way x and y count: LPS to the left and back, RAS to the right and front"))
        self._build()
        for box in self.boxes.values():
            box.toggled.connect(self._on_changed)
        self.smoothing.currentIndexChanged.connect(self._on_changed)
        self.frame.currentIndexChanged.connect(self._on_changed)
        self._on_changed()

    @property
    def kinds(self) -> Kinds:
        """What is chosen."""
        ticked = frozenset(key for key, box in self.boxes.items() if box.isChecked())
        return Kinds(ticked, self.smoothing.currentData(), self.frame.currentData())

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4 * theme.GRID)
        grid.setVerticalSpacing(2 * theme.GRID)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        line = 0
        for title, keys in _GROUPS:
            grid.addWidget(one_line(_in_words(title), "secondary"), line, 0)
            for n, key in enumerate(keys):
                grid.addWidget(self.boxes[key], line, 1 + n, Qt.AlignmentFlag.AlignLeft)
            line += 1
            if "meshes" in keys:
                how = row(self.smoothing, self.frame, None)
                grid.addLayout(how, line, 1, 1, 2)
                line += 1

    def _on_changed(self) -> None:
        has_surfaces = self.boxes["meshes"].isChecked() or self.boxes["merged_mesh"].isChecked()
        self.smoothing.setEnabled(has_surfaces)
        self.frame.setEnabled(has_surfaces)
        self.changed.emit()


def _box(key: str, ticked: bool) -> QCheckBox:
    title, help = _TITLES[key]
    box = QCheckBox(_in_words(title))
    box.setToolTip(_in_words(help))
    box.setChecked(ticked)
    box.setMinimumHeight(24)
    return box


def _in_words(text: str) -> str:
    return QCoreApplication.translate(_CONTEXT, text)
