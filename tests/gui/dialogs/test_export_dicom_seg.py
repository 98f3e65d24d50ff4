"""The form of a DICOM segmentation in the export dialog: seen where one is written, written as chosen, remembered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.gui.dialogs.test_export import choose, click, export, tick
from tests.pipeline.test_export_plan import STORED, stored_as
from tests.scans.series import TEN, write_series
from tsdesktop.core.options import DicomSegForm
from tsdesktop.core.settings import Settings
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui.dialogs.export_dialog import ExportDialog
from tsdesktop.gui.session import Session
from tsdesktop.scans.labels import read_label_map
from tsdesktop.scans.reader import read_scan


@pytest.fixture
def scan(tmp_path: Path) -> Volume:
    write_series(tmp_path / "in", TEN)
    return read_scan(tmp_path / "in")


@pytest.fixture
def labels(scan: Volume) -> LabelMap:
    """Labels that do not follow on one another, as those of some structures of a task do not."""
    array = np.zeros(scan.geometry.shape, np.uint8)
    array[4:12, 5:18, 2:8], array[15:22, 8:16, 3:7], array[24:28, 2:6, 1:4] = 5, 1, 52
    return LabelMap(array, scan.geometry, catalogue().task("total").classes, "total")


def shown(scan: Volume, labels: LabelMap, window: QWidget, folder: Path, settings: Settings) -> ExportDialog:
    session = Session()
    session.open_volume(scan)
    session.show_labels(labels)
    dialog = ExportDialog(session, settings, (), window)
    dialog.show()
    dialog.folder.line.setText(str(folder))
    return dialog


@pytest.mark.parametrize("form", get_args(DicomSegForm))
def test_each_form_is_written_as_chosen_and_holds_the_same_labels(
    qtbot: QtBot, window: QWidget, scan: Volume, labels: LabelMap, tmp_path: Path, form: DicomSegForm
) -> None:
    other: DicomSegForm = "labelmap" if form == "deflated" else "deflated"
    settings = Settings(export_kinds="", export_dicom_seg=other)
    dialog = shown(scan, labels, window, tmp_path / "out", settings)
    tick(dialog, "dicom-seg")
    choose(dialog.kinds.dicom_seg, form)
    told: list[dict[str, Any]] = []
    dialog.settings_changed.connect(told.append)
    path, manifest = export(qtbot, dialog)
    assert np.array_equal(read_label_map(path, scan).array, labels.array)
    assert stored_as(path) == STORED[form]
    assert json.loads(manifest.read_text(encoding="utf-8"))["export"]["dicom_seg_form"] == form
    assert told[0]["export_dicom_seg"] == form
    again = shown(scan, labels, window, tmp_path / "again", replace(settings, **told[0]))
    assert again.kinds.kinds.dicom_seg_form == form and again.kinds.dicom_seg.isVisible()


def test_most_programs_read_what_nobody_chose(window: QWidget, scan: Volume, labels: LabelMap, tmp_path: Path) -> None:
    dialog = shown(scan, labels, window, tmp_path, Settings())
    assert dialog.choice.dicom_seg_form == "binary"
    assert "most" in dialog.kinds.dicom_seg.currentText()


def test_the_form_is_asked_for_only_where_a_segmentation_is_written(
    qtbot: QtBot, window: QWidget, scan: Volume, labels: LabelMap, tmp_path: Path
) -> None:
    dialog = shown(scan, labels, window, tmp_path, Settings(export_kinds="nifti"))
    form, label = dialog.kinds.dicom_seg, dialog.kinds.dicom_seg_label
    assert not form.isVisible() and not label.isVisible()
    tick(dialog, "dicom-seg")
    assert form.isVisible() and label.isVisible() and form.width() >= form.sizeHint().width()
    dialog.kinds.boxes["rtstruct"].setFocus()
    QTest.keyClick(dialog, Qt.Key.Key_Tab)
    assert dialog.focusWidget() is form
    click(dialog.kinds.boxes["dicom-seg"])
    assert not form.isVisible() and not label.isVisible()


def test_a_scan_that_is_no_dicom_keeps_the_form_for_the_next_one(
    qtbot: QtBot, window: QWidget, session: Session, tmp_path: Path
) -> None:
    settings = Settings(export_kinds="csv,dicom-seg", export_dicom_seg="labelmap")
    dialog = ExportDialog(session, settings, (), window)
    dialog.show()
    assert not dialog.kinds.dicom_seg.isVisible()
    dialog.folder.line.setText(str(tmp_path / "out"))
    told: list[dict[str, Any]] = []
    dialog.settings_changed.connect(told.append)
    export(qtbot, dialog)
    assert told[0]["export_dicom_seg"] == "labelmap"
