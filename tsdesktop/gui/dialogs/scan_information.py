"""What the open file is: grid, place, intensities, what was noticed. Nothing of the patient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from tsdesktop.core.notes import Note
from tsdesktop.core.volume import Volume
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.figures import decimal, unit_of, window_text
from tsdesktop.gui.parts import button, hairline, heading, one_line, paragraph, row, scrolled
from tsdesktop.gui.translation import translated, translated_hint
from tsdesktop.gui.windowing import Window

Lines = list[tuple[str, str]]
_FORMATS: dict[str, Any] = {
    "nifti": "NIfTI",
    "dicom": "DICOM",
    "itk": "NRRD / MetaImage / GIPL",
    "mgh": "FreeSurfer MGH",
    "memory": QT_TRANSLATE_NOOP("ScanInformation", "array in memory"),
}
_TIMES = " \u00d7 "


@dataclass(frozen=True)
class Spread:
    """Lowest, highest and mean intensity."""

    lowest: float
    highest: float
    mean: float


def spread_of(volume: Volume) -> Spread:
    """The intensities of a scan. Slow: it looks at every voxel."""
    array = volume.array
    return Spread(float(array.min()), float(array.max()), float(array.mean(dtype=np.float64)))


class ScanInformation(Dialog):
    """Shows what is known of a scan, and lets it be copied without the names of files."""

    def __init__(self, volume: Volume, notes: Iterable[Note] = (), parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("ScanInformation", "What's this file?"), parent, (560, 640))
        self._volume, self._notes = volume, tuple(notes)
        self._spread: Spread | None = None
        self._intensities = _value(self.tr("counting…"))
        inner = QWidget()
        lines = QVBoxLayout(inner)
        lines.setContentsMargins(0, 0, 3 * theme.GRID, 0)
        lines.setSpacing(2 * theme.GRID)
        for title, rows in self._groups():
            grid = _grid(rows)
            lines.addWidget(heading(title))
            lines.addLayout(grid)
            lines.addSpacing(2 * theme.GRID)
        # The last group is that of the values.
        _add_row(grid, self.tr("Intensities"), self._intensities)
        self._add_notes(lines)
        lines.addStretch(1)
        layout = column(self)
        layout.addWidget(scrolled(inner), 1)
        layout.addWidget(hairline())
        private = self.tr("The patient's name and id, and all dates, are not shown and not kept.")
        layout.addWidget(paragraph(private, "secondary"))
        self.copy_button = button(self.tr("Copy"), self.copy)
        self.copy_button.setToolTip(self.tr("Copies all of this but the file's name"))
        close = button(self.tr("Close"), self.close)
        close.setDefault(True)
        layout.addLayout(row(self.copy_button, None, close))
        self.in_background(partial(spread_of, volume), self._on_counted, lambda _: self._intensities.setText("-"))

    @property
    def text(self) -> str:
        """All that is shown, without the names of files."""
        out: list[str] = []
        for title, rows in self._groups(with_name=False):
            out += [title, *(f"  {name}: {value}" for name, value in rows), ""]
        if self._spread is not None:
            out += [f"{self.tr('Intensities')}: {self._spread_text(self._spread)}", ""]
        out += [translated(each.id, each.arguments) for each in self._notes]
        return "\n".join(out).rstrip() + "\n"

    def copy(self) -> None:
        """Puts the text on the clipboard."""
        QGuiApplication.clipboard().setText(self.text)
        self.copy_button.setText(self.tr("Copied"))

    def _groups(self, *, with_name: bool = True) -> list[tuple[str, Lines]]:
        return [
            (self.tr("File"), self._file_lines(with_name=with_name)),
            (self.tr("Grid"), self._grid_lines()),
            (self.tr("Values"), self._value_lines()),
        ]

    def _file_lines(self, *, with_name: bool) -> Lines:
        source = self._volume.source
        format = QCoreApplication.translate("ScanInformation", _FORMATS[source.format])
        lines = [(self.tr("Name"), source.name)] if with_name else []
        lines.append((self.tr("Format"), format))
        if source.description:
            lines.append((self.tr("Series"), source.description))
        if source.dicom_files:
            lines.append((self.tr("Files"), decimal(len(source.dicom_files), 0)))
        return lines

    def _grid_lines(self) -> Lines:
        geometry = self._volume.geometry
        size = _TIMES.join(str(n) for n in geometry.shape)
        spacing = _TIMES.join(decimal(each, 3) for each in geometry.spacing_mm)
        extent = [n * each for n, each in zip(geometry.shape, geometry.spacing_mm, strict=True)]
        affine = "\n".join("  ".join(f"{value:10.4f}" for value in line) for line in geometry.affine)
        return [
            (self.tr("Voxels"), size),
            (self.tr("Spacing"), f"{spacing} mm"),
            (self.tr("Extent"), _TIMES.join(decimal(each, 0) for each in extent) + " mm"),
            (self.tr("Orientation"), geometry.axis_codes),
            (self.tr("Voxel to RAS (mm)"), affine),
        ]

    def _value_lines(self) -> Lines:
        volume, window = self._volume, self._volume.source.window
        modality = self.tr("unknown") if volume.modality == "unknown" else volume.modality
        lines = [(self.tr("Modality"), modality), (self.tr("Kept as"), str(volume.array.dtype))]
        if window is not None:
            lines.append((self.tr("Window"), window_text(Window(*window))))
        return lines

    def _add_notes(self, lines: QVBoxLayout) -> None:
        lines.addWidget(heading(self.tr("Noticed")))
        if not self._notes:
            lines.addWidget(one_line(self.tr("Nothing unusual.")))
        for each in self._notes:
            lines.addWidget(paragraph(translated(each.id, each.arguments)))
            hint = translated_hint(each.id, each.arguments)
            if hint:
                lines.addWidget(paragraph(hint, "secondary"))

    def _on_counted(self, spread: Spread) -> None:
        self._spread = spread
        self._intensities.setText(self._spread_text(spread))

    def _spread_text(self, spread: Spread) -> str:
        digits = 0 if self._volume.array.dtype.kind == "i" else 2
        told = self.tr("{lowest} to {highest}{unit}, mean {mean}{unit}")
        return told.format(
            lowest=decimal(spread.lowest, digits),
            highest=decimal(spread.highest, digits),
            mean=decimal(spread.mean, 1),
            unit=unit_of(self._volume),
        )


def _grid(rows: Lines) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(4 * theme.GRID)
    grid.setVerticalSpacing(theme.GRID)
    grid.setColumnMinimumWidth(0, 140)
    grid.setColumnStretch(1, 1)
    for name, value in rows:
        _add_row(grid, name, _value(value))
    return grid


def _add_row(grid: QGridLayout, name: str, value: QLabel) -> None:
    line = grid.rowCount()
    grid.addWidget(one_line(name, "secondary"), line, 0, Qt.AlignmentFlag.AlignTop)
    grid.addWidget(value, line, 1)


def _value(text: str) -> QLabel:
    """Text that can be marked and copied."""
    label = one_line(text) if "\n" in text else paragraph(text)
    marked = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    label.setTextInteractionFlags(marked)
    if "\n" in text:
        label.setFont(theme.base_font(theme.BASE_PX - 1))
        label.setStyleSheet('font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 12px;')
    return label
