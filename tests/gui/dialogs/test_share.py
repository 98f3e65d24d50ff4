"""The dialog that shares a scan: what goes is seen before it is written, and what was done is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.heads import Phantom, grid, head_phantom, write_mr_series
from tsdesktop.core.volume import Volume
from tsdesktop.gui.dialogs.share_dialog import ShareDialog
from tsdesktop.gui.dialogs.share_pictures import share_slices
from tsdesktop.gui.windowing import first_window
from tsdesktop.pipeline import read
from tsdesktop.pipeline.sharing import ShareOptions, prepare_share, with_other_face

RED_OVER_GREEN = 20


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return head_phantom(grid((3.0, 3.0, 5.0)))


@pytest.fixture(scope="module")
def series(phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Volume:
    folder = tmp_path_factory.mktemp("Musterfrau")
    write_mr_series(phantom, folder)
    return read(folder)


def opened(volume: Volume, where: Path, window: QWidget, qtbot: QtBot) -> ShareDialog:
    dialog = ShareDialog(volume, None, first_window(volume), str(where / "last"), window)
    dialog.show()
    qtbot.waitUntil(lambda: not dialog.is_busy, timeout=20_000)
    return dialog


def test_what_goes_is_shown_before_it_is_written(series: Volume, window: QWidget, tmp_path: Path, qtbot: QtBot) -> None:
    dialog = opened(series, tmp_path, window, qtbot)
    assert not dialog.pictures.is_empty
    assert dialog.found_line.text().startswith("The face was found from the skin of the head")
    assert dialog.folder.path == str(tmp_path / "shared_scan")
    assert not (tmp_path / "shared_scan").exists()
    dialog.close()


def test_a_dicom_scan_is_shared_and_the_files_are_told(
    series: Volume, window: QWidget, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = opened(series, tmp_path, window, qtbot)
    dialog.face.choose("remove")
    qtbot.waitUntil(lambda: not dialog.is_busy)
    dialog.patient.setText("study7-003")
    with qtbot.waitSignal(dialog.shared, timeout=20_000) as shared:
        dialog.write()
    assert shared.args is not None
    assert (tmp_path / "shared_scan" / "share_report.txt") in shared.args[0]
    assert b"study7-003" in (tmp_path / "shared_scan" / "dicom" / "000001.dcm").read_bytes()
    assert dialog.said == "The scan and its report were written."
    assert dialog.open_button.isVisible()
    dialog.folder.line.setText(str(tmp_path / "shared_scan") + " ")
    dialog.write()
    qtbot.waitUntil(lambda: not dialog.is_busy)
    assert "exists already" in dialog.said
    dialog.overwrite.setChecked(True)
    with qtbot.waitSignal(dialog.shared, timeout=20_000):
        dialog.write()
    dialog.close()


def test_a_name_that_cannot_stand_for_a_patient_is_told(
    series: Volume, window: QWidget, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = opened(series, tmp_path, window, qtbot)
    dialog.patient.setText("Erika Musterfrau")
    dialog.write()
    assert "cannot stand for a patient" in dialog.said
    assert not dialog.is_busy
    dialog.close()


def test_a_scan_from_nifti_has_no_dicom_rows(phantom: Phantom, window: QWidget, tmp_path: Path, qtbot: QtBot) -> None:
    dialog = opened(phantom.volume, tmp_path, window, qtbot)
    assert not dialog.dates.isVisible()
    assert not dialog.patient.isVisible()
    assert not dialog.format.segment("dicom").isEnabled()
    dialog.face.choose("keep")
    qtbot.waitUntil(lambda: not dialog.is_busy)
    assert dialog.found_line.text() == "The face was kept, as you chose."
    dialog.close()


def test_closing_ends_the_search(phantom: Phantom, window: QWidget, tmp_path: Path, qtbot: QtBot) -> None:
    dialog = ShareDialog(phantom.volume, None, first_window(phantom.volume), str(tmp_path / "last"), window)
    dialog.show()
    gone: list[bool] = []
    dialog.destroyed.connect(lambda: gone.append(True))
    dialog.close()
    qtbot.waitUntil(lambda: gone == [True])
    assert not list(tmp_path.iterdir())


def test_slices_tint_what_goes_and_show_it_gone(phantom: Phantom) -> None:
    volume = phantom.volume
    prepared = prepare_share(volume, ShareOptions(face="remove"))
    sagittal, sagittal_after, axial, axial_after = share_slices(prepared, first_window(volume))
    for before, after in ((sagittal, sagittal_after), (axial, axial_after)):
        tinted = before.rgb[..., 0].astype(int) - before.rgb[..., 1] > RED_OVER_GREEN
        assert 0.05 < tinted.mean() < 0.6
        assert (after.rgb[..., 0] == after.rgb[..., 1]).all()
        # What goes lies on the right of a sagittal slice, where the face is, and in the upper half of an axial one.
        rows, columns = tinted.nonzero()
        assert columns.mean() > 0.6 * tinted.shape[1] if before is sagittal else rows.mean() < 0.4 * tinted.shape[0]
    kept = share_slices(with_other_face(prepared, ShareOptions(face="keep")), first_window(volume))
    assert (kept[0].rgb[..., 0] == kept[0].rgb[..., 1]).all()
