"""The part of the export dialog that says what is written: labels, surfaces, statistics, a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from tsdesktop.core.options import DicomSegForm, Frame, LabelFormat, MeshFormatName, MeshLayout
from tsdesktop.core.settings import Settings
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.controls import ChoiceBox
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.parts import one_line, row
from tsdesktop.pipeline.export_plan import DICOM_TITLES, Table
from tsdesktop.surfaces.smoothing import PRESETS, effect_mm

_CONTEXT = "ExportKinds"
_COLUMNS = 4
# Every box: its key (a format or a table), title and what it explains.
_TITLES: dict[str, tuple[Any, Any]] = {
    "nifti": (
        QT_TRANSLATE_NOOP("ExportKinds", "NIfTI"),
        QT_TRANSLATE_NOOP("ExportKinds", "All structures in one file, a number for each, with a table of their names"),
    ),
    "masks": (
        QT_TRANSLATE_NOOP("ExportKinds", "NIfTI, one each"),
        QT_TRANSLATE_NOOP("ExportKinds", "A file with 0 and 1 for each structure"),
    ),
    "nrrd": (
        QT_TRANSLATE_NOOP("ExportKinds", "NRRD (3D Slicer)"),
        QT_TRANSLATE_NOOP("ExportKinds", "A segmentation for 3D Slicer with names, colours and codes"),
    ),
    "dicom-seg": (
        QT_TRANSLATE_NOOP("ExportKinds", "DICOM SEG"),
        QT_TRANSLATE_NOOP("ExportKinds", "A DICOM segmentation that refers to the series it was made from"),
    ),
    "rtstruct": (
        QT_TRANSLATE_NOOP("ExportKinds", "DICOM RTSTRUCT"),
        QT_TRANSLATE_NOOP("ExportKinds", "Contours in every slice, for planning radiotherapy"),
    ),
    "stl": (
        QT_TRANSLATE_NOOP("ExportKinds", "STL"),
        QT_TRANSLATE_NOOP("ExportKinds", "What every program for 3D printing reads; it has neither names nor colours"),
    ),
    "3mf": (
        QT_TRANSLATE_NOOP("ExportKinds", "3MF"),
        QT_TRANSLATE_NOOP("ExportKinds", "For 3D printing, with names, colours, parts and millimetres"),
    ),
    "obj": (
        QT_TRANSLATE_NOOP("ExportKinds", "OBJ"),
        QT_TRANSLATE_NOOP("ExportKinds", "With a file of colours (MTL) beside it, for modelling programs"),
    ),
    "glb": (
        QT_TRANSLATE_NOOP("ExportKinds", "GLB"),
        QT_TRANSLATE_NOOP("ExportKinds", "For browsers, presentations and headsets, with names and colours, in metres"),
    ),
    "ply": (
        QT_TRANSLATE_NOOP("ExportKinds", "PLY"),
        QT_TRANSLATE_NOOP("ExportKinds", "With colours, for programs that work on meshes"),
    ),
    "vtp": (
        QT_TRANSLATE_NOOP("ExportKinds", "VTP"),
        QT_TRANSLATE_NOOP("ExportKinds", "For ParaView and other programs built on VTK"),
    ),
    "stl-ascii": (
        QT_TRANSLATE_NOOP("ExportKinds", "STL as text"),
        QT_TRANSLATE_NOOP("ExportKinds", "Five times as large; only for programs that cannot read the other form"),
    ),
    "xlsx": (
        QT_TRANSLATE_NOOP("ExportKinds", "Excel (XLSX)"),
        QT_TRANSLATE_NOOP("ExportKinds", "Volume, intensities and place of each structure, and how they were made"),
    ),
    "csv": (
        QT_TRANSLATE_NOOP("ExportKinds", "CSV"),
        QT_TRANSLATE_NOOP("ExportKinds", "Volume, intensities and place of each structure, for a spreadsheet"),
    ),
    "json-full": (
        QT_TRANSLATE_NOOP("ExportKinds", "JSON"),
        QT_TRANSLATE_NOOP("ExportKinds", "All that the table has, with units, for programs"),
    ),
    "dicom-sr": (
        QT_TRANSLATE_NOOP("ExportKinds", "DICOM SR"),
        QT_TRANSLATE_NOOP("ExportKinds", "Volumes and intensities as a structured report of the series"),
    ),
    "json": (
        QT_TRANSLATE_NOOP("ExportKinds", "JSON as TotalSegmentator"),
        QT_TRANSLATE_NOOP("ExportKinds", "Volume and mean intensity in TotalSegmentator's form"),
    ),
    "preview": (
        QT_TRANSLATE_NOOP("ExportKinds", "PNG"),
        QT_TRANSLATE_NOOP("ExportKinds", "All surfaces from the front beside a coronal slice"),
    ),
}
_SURFACES = ("stl", "3mf", "obj", "glb", "ply", "vtp", "stl-ascii")
# The boxes of each group, row by row.
_GROUPS: tuple[tuple[Any, tuple[tuple[str, ...], ...]], ...] = (
    (QT_TRANSLATE_NOOP("ExportKinds", "Labels"), (("nifti", "masks", "nrrd"), ("dicom-seg", "rtstruct"))),
    (QT_TRANSLATE_NOOP("ExportKinds", "Surfaces"), (_SURFACES[:4], _SURFACES[4:])),
    (QT_TRANSLATE_NOOP("ExportKinds", "Statistics"), (("xlsx", "csv", "json-full", "dicom-sr"), ("json",))),
    (QT_TRANSLATE_NOOP("ExportKinds", "Picture"), (("preview",),)),
)
_WITHOUT_PARTS = ("stl", "ply")
_LAYOUT_TITLES: dict[str, Any] = {
    "per-structure": QT_TRANSLATE_NOOP("ExportKinds", "One file each"),
    "merged": QT_TRANSLATE_NOOP("ExportKinds", "All in one object"),
    "parts": QT_TRANSLATE_NOOP("ExportKinds", "All in one file, as parts"),
    "per-structure,merged": QT_TRANSLATE_NOOP("ExportKinds", "One file each, and all in one"),
}
_SMOOTHING_TITLES: dict[str, Any] = {
    "faithful": QT_TRANSLATE_NOOP("ExportKinds", "Faithful ({mm} mm)"),
    "smooth": QT_TRANSLATE_NOOP("ExportKinds", "Smooth ({mm} mm)"),
    "very smooth": QT_TRANSLATE_NOOP("ExportKinds", "Very smooth ({mm} mm)"),
}
_FRAME_TITLES: dict[Frame, Any] = {
    "LPS": QT_TRANSLATE_NOOP("ExportKinds", "LPS (DICOM, 3D Slicer)"),
    "RAS": QT_TRANSLATE_NOOP("ExportKinds", "RAS (NIfTI)"),
}
# Each with who reads it; docs/exports.md says more.
_DICOM_SEG_TITLES: dict[DicomSegForm, Any] = {
    "binary": QT_TRANSLATE_NOOP("ExportKinds", "Uncompressed (3D Slicer, OHIF and most others)"),
    "deflated": QT_TRANSLATE_NOOP("ExportKinds", "Compressed (pydicom, highdicom)"),
    "labelmap": QT_TRANSLATE_NOOP("ExportKinds", "Label map, compressed (highdicom from 0.24, OHIF from 3.11)"),
}


@dataclass(frozen=True)
class Kinds:
    """What is ticked (formats and tables), how surfaces are made and divided among files, how DICOM SEG is stored."""

    ticked: frozenset[str]
    layouts: tuple[MeshLayout, ...]
    smoothing: str
    frame: Frame
    dicom_seg_form: DicomSegForm

    @property
    def labels(self) -> tuple[LabelFormat, ...]:
        """The formats of the labels, in one order."""
        return tuple(each for each in get_args(LabelFormat) if each in self.ticked)

    @property
    def meshes(self) -> tuple[MeshFormatName, ...]:
        """The formats of the surfaces, in one order."""
        return tuple(each for each in get_args(MeshFormatName) if each in self.ticked)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables, in one order."""
        return tuple(each for each in get_args(Table) if each in self.ticked)


class ExportKinds(QWidget):
    """Boxes to tick, how smooth surfaces are, in which coordinates and in how many files, how a DICOM segmentation is
    stored. `changed` after every change.

    `spacing_mm` is that of the labels; `is_dicom` whether results can refer to a DICOM series.
    """

    changed = Signal()

    def __init__(
        self, settings: Settings, spacing_mm: Iterable[float], is_dicom: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._is_dicom = is_dicom
        before = settings.export_kinds.split(",")
        self.boxes = {key: self._box(key, key in before) for key in _TITLES}
        self.layouts = ChoiceBox(
            [(key, _in_words(title)) for key, title in _LAYOUT_TITLES.items()],
            settings.export_layout,
            self.tr("Files of surfaces"),
        )
        self.layouts.setToolTip(
            self.tr("In one object surfaces lie one after the other; they are not joined to one solid.")
        )
        smoothings = [(key, "") for key in PRESETS]
        self.smoothing = ChoiceBox(smoothings, settings.export_smoothing, self.tr("Smoothing of surfaces"))
        self.show_spacing(tuple(spacing_mm))
        self.smoothing.setToolTip(
            self.tr("Of a ridge or groove as wide as this, half the height is left. Every piece keeps its volume.")
        )
        frames = [(key, _in_words(title)) for key, title in _FRAME_TITLES.items()]
        self.frame = ChoiceBox(frames, settings.mesh_frame, self.tr("Coordinates of surfaces"))
        self.frame.setToolTip(self.tr("Which way x and y count: LPS to the left and back, RAS to the right and front"))
        self._make_dicom_seg(settings.export_dicom_seg)
        self._build()
        for key, box in self.boxes.items():
            box.toggled.connect(lambda is_on, key=key: self._on_toggled(key, is_on))
        for each in (self.layouts, self.smoothing, self.frame, self.dicom_seg):
            each.currentIndexChanged.connect(self._on_changed)
        self._on_changed()

    def show_spacing(self, spacing_mm: Sequence[float]) -> None:
        """Tells what each smoothing does, in mm, to labels that were made on a grid of this spacing."""
        for key, preset in PRESETS.items():
            title = _in_words(_SMOOTHING_TITLES[key]).format(mm=decimal(effect_mm(preset, spacing_mm), 1))
            self.smoothing.setItemText(self.smoothing.findData(key), title)

    @property
    def kinds(self) -> Kinds:
        """What is chosen."""
        ticked = frozenset(key for key, box in self.boxes.items() if box.isChecked() and box.isEnabled())
        layouts: Any = tuple(self.layouts.currentData().split(","))
        return Kinds(
            ticked,
            layouts,
            self.smoothing.currentData(),
            self.frame.currentData(),
            self.dicom_seg.currentData(),
        )

    @property
    def has_surfaces(self) -> bool:
        """Whether surfaces are to be written."""
        return bool(self.kinds.meshes)

    def _make_dicom_seg(self, form: DicomSegForm) -> None:
        """How a DICOM segmentation is stored, with a label; both are seen only where one is to be written."""
        forms = [(key, _in_words(title)) for key, title in _DICOM_SEG_TITLES.items()]
        self.dicom_seg = ChoiceBox(forms, form, self.tr("Form of DICOM SEG"))
        self.dicom_seg.setToolTip(
            self.tr("Compressed files are many times smaller. Some archives and viewers do not open them.")
        )
        self.dicom_seg_label = QLabel(self.tr("Form of DICOM SEG"))
        self.dicom_seg_label.setBuddy(self.dicom_seg)

    def _box(self, key: str, ticked: bool) -> QCheckBox:
        title, help = _TITLES[key]
        box = QCheckBox(_in_words(title))
        box.setToolTip(_in_words(help))
        box.setChecked(ticked)
        box.setMinimumHeight(24)
        if key in DICOM_TITLES and not self._is_dicom:
            box.setEnabled(False)
            box.setChecked(False)
            box.setToolTip(self.tr("Only for a scan that was opened from DICOM files"))
        return box

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(3 * theme.GRID)
        grid.setVerticalSpacing(theme.GRID)
        for n in range(1, _COLUMNS + 1):
            grid.setColumnStretch(n, 1)
        line = 0
        for title, rows in _GROUPS:
            grid.addWidget(one_line(_in_words(title), "secondary"), line, 0)
            for keys in rows:
                self._build_row(grid, line, keys)
                line += 1
            if _SURFACES[:4] in rows:
                grid.addLayout(row(self.layouts, self.smoothing, self.frame, None), line, 1, 1, _COLUMNS)
                line += 1
            if any("dicom-seg" in keys for keys in rows):
                grid.addLayout(row(self.dicom_seg_label, self.dicom_seg, None), line, 1, 1, _COLUMNS)
                line += 1
            grid.setRowMinimumHeight(line, 2 * theme.GRID)
            line += 1

    def _build_row(self, grid: QGridLayout, line: int, keys: Sequence[str]) -> None:
        for n, key in enumerate(keys):
            # The last one of a row may be as wide as it likes.
            span = _COLUMNS - n if key == keys[-1] and key != "rtstruct" else 1
            grid.addWidget(self.boxes[key], line, 1 + n, 1, span, Qt.AlignmentFlag.AlignLeft)
        if "rtstruct" in keys and not self._is_dicom:
            grid.addWidget(one_line(self.tr("need a scan from DICOM files"), "secondary"), line, 3, 1, 2)

    def _on_toggled(self, key: str, is_on: bool) -> None:
        other = {"stl": "stl-ascii", "stl-ascii": "stl"}.get(key)
        if is_on and other is not None:
            # Both would have the same names.
            self.boxes[other].setChecked(False)
        self._on_changed()

    def _on_changed(self) -> None:
        as_parts = self.layouts.currentData() == "parts"
        for key in _WITHOUT_PARTS:
            self.boxes[key].setEnabled(not as_parts)
            told = self.tr("This format cannot keep parts apart") if as_parts else _in_words(_TITLES[key][1])
            self.boxes[key].setToolTip(told)
        has_surfaces = any(self.boxes[key].isChecked() for key in _SURFACES)
        for each in (self.layouts, self.smoothing, self.frame):
            each.setEnabled(has_surfaces)
        for part in (self.dicom_seg_label, self.dicom_seg):
            part.setVisible(self.boxes["dicom-seg"].isChecked())
        self.changed.emit()


def _in_words(text: str) -> str:
    return QCoreApplication.translate(_CONTEXT, text)
