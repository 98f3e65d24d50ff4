"""The flow of somebody who opens the program for the first time, on the bundled phantom and on a real scan."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tests.end2end.window.conftest import drop, wait_for_labels, wait_for_scan
from tsdesktop.core.assets import asset
from tsdesktop.gui.dialogs.export_dialog import ExportDialog
from tsdesktop.gui.opening.recent import recent_scans
from tsdesktop.gui.window import MainWindow


def press(widget: QWidget, text: str) -> None:
    button = next(each for each in widget.findChildren(QPushButton) if each.text() == text and each.isVisible())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_open_the_sample_run_look_and_export(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    assert window.centre.empty.isVisible()
    assert not window.left.isVisible() and not window.right.isVisible()
    press(window.centre.empty, "Open the sample")
    wait_for_scan(qtbot, window)
    assert all(view.isVisible() for view in window.centre.slices.values())
    assert window.left.choices.task.name == "demo"

    press(window.left, "Segment")
    qtbot.waitUntil(lambda: window.left.run.cancel.isVisible(), timeout=5_000)
    wait_for_labels(qtbot, window)
    label_map = window.session.label_map
    assert label_map is not None and len(label_map.present) > 25
    found = {each.structure.name: each for each in window.session.statistics.values()}
    # World coordinates are RAS: the right side of the patient is at larger x.
    right, left = found["kidney_right"].centroid_ras_mm, found["kidney_left"].centroid_ras_mm
    assert right is not None and left is not None and right[0] > left[0]

    liver = label_map.structure("liver").label
    window.session.select(liver, go_there=True)
    assert window.session.label_at(window.session.cursor_voxel) == liver
    assert window.right.selected_labels == (liver,)

    QTest.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    (dialog,) = window.findChildren(ExportDialog)
    dialog.folder.line.setText(str(tmp_path / "out"))
    for key, box in dialog.kinds.boxes.items():
        box.setChecked(key in {"nifti", "stl", "json"})
    # "Selected" would be proposed, since one structure is.
    dialog.scope.choose("all")
    qtbot.waitUntil(dialog.export_button.isEnabled, timeout=10_000)
    with qtbot.waitSignal(dialog.exported, timeout=60_000):
        press(dialog, "Export")
    image = nib.load(tmp_path / "out" / "demo.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj), label_map.array)
    assert json.loads((tmp_path / "out" / "statistics.json").read_text())["liver"]["volume"] > 1e6
    assert (tmp_path / "out" / "meshes" / "liver.stl").stat().st_size > 10_000
    assert not window.runs.has_unsaved_result
    qtbot.waitUntil(lambda: len(recent_scans()) == 1, timeout=10_000)


def test_everything_that_is_shown_has_a_name_for_assistive_tools(qtbot: QtBot, window: MainWindow) -> None:
    window.open_paths([asset("sample/ct.nii.gz")])
    wait_for_scan(qtbot, window)
    nameless = [
        each
        for each in window.findChildren(QWidget)
        if each.isVisible() and each.focusPolicy() & Qt.FocusPolicy.TabFocus and _name(each) == ""
    ]
    assert nameless == []


def _name(widget: QWidget) -> str:
    text = getattr(widget, "text", None)
    return widget.accessibleName() or (str(text()) if callable(text) else "") or widget.toolTip()


def test_a_real_scan_with_its_labels_dropped_together(qtbot: QtBot, window: MainWindow, data: Path) -> None:
    folder = data / "ct_abdomen"
    drop(window, folder / "total_fast.nii.gz", folder / "ct.nii.gz")
    qtbot.waitUntil(lambda: bool(window.session.statistics), timeout=60_000)
    assert window.session.label_map is not None
    assert window.session.volume is not None and window.session.volume.source.name == "ct.nii.gz"
    assert len(window.session.label_map.present) == 61
    assert window.right.isVisible()
    qtbot.waitUntil(lambda: window.scene is not None and window.scene.is_still, timeout=60_000)


def test_an_instant_task_on_a_real_scan(qtbot: QtBot, window: MainWindow, data: Path) -> None:
    drop(window.centre.empty, data / "ct_abdomen" / "ct.nii.gz")
    wait_for_scan(qtbot, window)
    window.left.tasks.search.setText("bone thresh")
    QTest.keyClick(window.left.tasks.search, Qt.Key.Key_Return)
    assert window.left.choices.task.name == "bone"
    QTest.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    wait_for_labels(qtbot, window)
    assert window.session.label_map is not None
    assert 800 < window.session.label_map.volume_ml("bone") < 2500
