"""The export dialog, driven as a person would; what it wrote is read again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, Qt, QThreadPool, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.dialogs.conftest import SHAPE
from tsdesktop.core.assets import asset
from tsdesktop.core.errors import ExportError
from tsdesktop.core.settings import Settings
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.gui.dialogs import export_dialog
from tsdesktop.gui.dialogs.export_dialog import ExportDialog
from tsdesktop.gui.dialogs.export_place import documents_folder, is_inside_program, proposed_folder
from tsdesktop.gui.dialogs.mesh_findings import MeshFindings
from tsdesktop.gui.session import Session
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline import Exported
from tsdesktop.surfaces.smoothing import PRESETS, effect_mm

Show = Callable[..., ExportDialog]


@pytest.fixture
def show(qtbot: QtBot, session: Session, window: QWidget, tmp_path: Path) -> Show:
    def shown(labels: tuple[int, ...] = (), settings: Settings | None = None) -> ExportDialog:
        dialog = ExportDialog(session, settings or Settings(export_kinds=""), labels, window)
        dialog.show()
        dialog.folder.line.clear()
        QTest.keyClicks(dialog.folder.line, str(tmp_path / "out"))
        return dialog

    return shown


def click(button: QAbstractButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=button.rect().center())


def tick(dialog: ExportDialog, *kinds: str) -> None:
    for kind in kinds:
        click(dialog.kinds.boxes[kind])


def choose(box: QComboBox, key: str) -> None:
    box.setCurrentIndex(box.findData(key))


def files_of(dialog: ExportDialog) -> list[str]:
    return [dialog.files.item(n).text() for n in range(dialog.files.count())]


def export(qtbot: QtBot, dialog: ExportDialog) -> list[Path]:
    qtbot.waitUntil(dialog.export_button.isEnabled)
    with qtbot.waitSignal(dialog.exported, timeout=30_000) as caught:
        click(dialog.export_button)
    assert caught.args is not None
    written: list[Path] = caught.args[0]
    return written


def corners_of(path: Path) -> np.ndarray:
    facets = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    return np.frombuffer(path.read_bytes()[84:], facets)["corners"].reshape(-1, 3)


def test_what_is_listed_is_written_and_the_labels_are_the_same(
    qtbot: QtBot, show: Show, label_map: LabelMap, tmp_path: Path
) -> None:
    dialog = show()
    tick(dialog, "nifti", "nrrd", "masks", "csv", "xlsx", "json", "preview")
    listed = files_of(dialog)
    written = export(qtbot, dialog)
    out = tmp_path / "out"
    assert sorted(each.relative_to(out).as_posix() for each in written) == sorted(listed)
    assert {each for each in out.rglob("*") if each.is_file()} == set(written)
    assert np.array_equal(np.asarray(nib.load(out / "labels.nii.gz").dataobj), label_map.array)
    assert set(json.loads((out / "statistics.json").read_text())) >= {"liver", "spleen", "kidney_right"}
    assert dialog.said == f"{len(written)} files written" and dialog.open_button.isVisible()


def test_only_visible_structures(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    dialog = show()
    assert [dialog.scope.segment(key).text() for key in ("all", "visible", "selected")] == [
        "All (3)", "Visible (2)", "Selected (0)",
    ]  # fmt: skip
    assert not dialog.scope.segment("selected").isEnabled()
    click(dialog.scope.segment("visible"))
    tick(dialog, "masks", "stl")
    assert files_of(dialog) == [
        "structures/liver.nii.gz", "structures/kidney_right.nii.gz", "meshes/liver.stl", "meshes/kidney_right.stl",
        "manifest.json",
    ]  # fmt: skip
    export(qtbot, dialog)
    assert sorted(each.name for each in (tmp_path / "out" / "meshes").iterdir()) == ["kidney_right.stl", "liver.stl"]


@pytest.mark.parametrize("frame", ["LPS", "RAS"])
def test_marked_structures_as_one_surface_in_the_chosen_frame(
    qtbot: QtBot, show: Show, label_map: LabelMap, tmp_path: Path, frame: str
) -> None:
    dialog = show((2, 4))
    assert dialog.scope.current == "selected"
    tick(dialog, "stl")
    choose(dialog.kinds.layouts, "merged")
    choose(dialog.kinds.frame, frame)
    export(qtbot, dialog)
    voxels = np.argwhere(np.isin(label_map.array, (2, 4)))
    middle = (voxels.min(axis=0) + voxels.max(axis=0)) / 2
    turn = np.array([-1, -1, 1] if frame == "LPS" else [1, 1, 1])
    found = corners_of(tmp_path / "out" / "all_structures.stl")
    centre = (found.min(axis=0) + found.max(axis=0)) / 2
    assert np.linalg.norm(centre - label_map.geometry.world_ras(middle) * turn) < 1.0


def test_smoothing_and_frame_matter_only_for_surfaces(show: Show) -> None:
    dialog = show()
    assert not dialog.kinds.smoothing.isEnabled()
    tick(dialog, "stl")
    assert dialog.kinds.smoothing.isEnabled() and dialog.kinds.frame.isEnabled()


def test_formats_that_cannot_keep_parts_are_not_offered_for_parts(qtbot: QtBot, show: Show) -> None:
    dialog = show()
    tick(dialog, "stl", "3mf")
    choose(dialog.kinds.layouts, "parts")
    assert files_of(dialog) == ["all_parts.3mf", "manifest.json"]
    assert not dialog.kinds.boxes["stl"].isEnabled() and "apart" in dialog.kinds.boxes["stl"].toolTip()
    choose(dialog.kinds.layouts, "merged")
    assert files_of(dialog) == ["all_structures.stl", "all_structures.3mf", "manifest.json"]


def test_both_forms_of_stl_have_one_name_so_one_is_written(qtbot: QtBot, show: Show) -> None:
    dialog = show()
    tick(dialog, "stl", "stl-ascii")
    assert dialog.kinds.kinds.meshes == ("stl-ascii",)


def test_dicom_is_offered_for_a_scan_from_dicom_only(show: Show, session: Session, volume: Volume) -> None:
    box = show().kinds.boxes["dicom-seg"]
    assert not box.isEnabled() and "DICOM" in box.toolTip()
    session.volume = replace(volume, source=ScanSource("dicom", "Series 1", dicom_files=("a.dcm",)))
    assert show().kinds.boxes["dicom-seg"].isEnabled()


def test_what_is_not_good_about_surfaces_is_told_with_details(
    qtbot: QtBot, session: Session, volume: Volume, show: Show
) -> None:
    array = np.zeros(volume.geometry.shape, np.uint8)
    array[4:14, 5:20, 6:20], array[18:26, 8:16, 8:18], array[1:3, 1:3, 1:3] = 1, 2, 2
    session.show_labels(LabelMap(array, volume.geometry, (structure_class(1, "liver"), structure_class(2, "spleen"))))
    dialog = show()
    tick(dialog, "stl")
    export(qtbot, dialog)
    assert dialog.surfaces_line.text().startswith("Surfaces: ") and "with a warning" in dialog.surfaces_line.text()
    click(dialog.findings_button)
    (shown,) = dialog.findChildren(MeshFindings)
    told = [each.text() for each in shown.findChildren(QLabel)]
    assert "spleen" in told and any("2 pieces" in each for each in told)
    tick(dialog, "csv")
    assert not dialog.surfaces_line.isVisible() and not dialog.findings_button.isVisible()


def test_surfaces_are_checked_without_writing_anything(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    dialog = show()
    assert not dialog.check_button.isVisible()
    tick(dialog, "3mf")
    click(dialog.check_button)
    qtbot.waitUntil(dialog.surfaces_line.isVisible, timeout=30_000)
    assert dialog.surfaces_line.text().startswith("Surfaces: ") and not (tmp_path / "out").exists()
    qtbot.waitUntil(dialog.export_button.isEnabled)
    assert dialog.kinds.isEnabled() and dialog.check_button.isVisible()


def test_smoothing_tells_its_effect_on_the_grid_that_labels_were_made_on(
    qtbot: QtBot, show: Show, session: Session, volume: Volume
) -> None:
    rough = np.random.default_rng(4).integers(0, 2, (10, 10, 9)).astype(np.uint8)
    fine = np.kron(rough, np.ones((3, 3, 3), np.uint8))[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    session.show_labels(LabelMap(fine, volume.geometry, (structure_class(1, "liver"),)))
    dialog = show()
    faithful = f"Faithful ({effect_mm(PRESETS['faithful'], (4.5, 4.5, 6.0)):.1f} mm)"
    qtbot.waitUntil(lambda: dialog.kinds.smoothing.itemText(0) == faithful)


def test_nothing_chosen_cannot_be_exported(qtbot: QtBot, show: Show) -> None:
    dialog = show()
    qtbot.waitUntil(lambda: not dialog.is_looking)
    assert files_of(dialog) == [] and not dialog.export_button.isEnabled()


def test_files_in_the_way_are_overwritten_only_after_asking(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "statistics.csv").write_text("mine")
    dialog = show()
    tick(dialog, "csv", "json")
    qtbot.waitUntil(dialog.overwrite.isVisible)
    assert dialog.conflict_line.text() == "1 of them exists already." and not dialog.export_button.isEnabled()
    click(dialog.overwrite)
    export(qtbot, dialog)
    assert (tmp_path / "out" / "statistics.csv").read_text() != "mine"


def test_the_manifest_of_another_export_stays(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    dialog = show()
    tick(dialog, "csv")
    export(qtbot, dialog)
    tick(dialog, "csv", "xlsx")
    written = export(qtbot, dialog)
    assert [each.name for each in written] == ["statistics.xlsx", "manifest_2.json"]


def test_another_choice_asks_anew(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("statistics.csv", "statistics.json"):
        (tmp_path / "out" / name).write_text("mine")
    dialog = show()
    tick(dialog, "csv")
    qtbot.waitUntil(dialog.overwrite.isVisible)
    click(dialog.overwrite)
    tick(dialog, "json")
    qtbot.waitUntil(dialog.overwrite.isVisible)
    assert not dialog.overwrite.isChecked() and dialog.conflict_line.text() == "All of them exist already."


def test_a_file_that_came_meanwhile_is_not_overwritten(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    dialog = show()
    tick(dialog, "csv")
    qtbot.waitUntil(dialog.export_button.isEnabled)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "statistics.csv").write_text("mine")
    click(dialog.export_button)
    qtbot.waitUntil(lambda: "exists already" in dialog.said)
    assert (tmp_path / "out" / "statistics.csv").read_text() == "mine"


def test_what_cannot_be_written_is_one_sentence(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    dialog = show()
    tick(dialog, "csv")
    qtbot.waitUntil(dialog.export_button.isEnabled)
    click(dialog.export_button)
    qtbot.waitUntil(lambda: "out could not be written" in dialog.said)
    assert dialog.message_line.property("role") == "error" and not dialog.report_button.isVisible()
    qtbot.waitUntil(dialog.export_button.isEnabled)


class Writer:
    """Stands for the writing: begins, tells how far it is, and waits to be let on."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.begun, self.go_on, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.failure = failure
        self.stage = "writing statistics"

    def __call__(
        self, choice: Any, volume: Any, label_map: Any, listen: Callable[[Progress], None], result: Any
    ) -> Exported:
        try:
            listen(Progress("surface of kidney right", 0.25))
            self.begun.set()
            self.go_on.wait(30)
            if self.failure is not None:
                raise self.failure
            listen(Progress(self.stage, 0.75))
            return Exported((choice.folder / "statistics.csv",))
        finally:
            self.ended.set()


def begun(
    qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch, failure: Exception | None = None
) -> tuple[ExportDialog, Writer]:
    writer = Writer(failure)
    monkeypatch.setattr(export_dialog, "write_chosen", writer)
    dialog = show()
    tick(dialog, "csv")
    qtbot.waitUntil(dialog.export_button.isEnabled)
    click(dialog.export_button)
    qtbot.waitUntil(writer.begun.is_set)
    return dialog, writer


def test_progress_and_cancel(qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, writer = begun(qtbot, show, monkeypatch)
    qtbot.waitUntil(lambda: dialog.stage_line.text() == "Surface of kidney right")
    assert dialog.bar.value() == 250 and not dialog.kinds.isEnabled()
    click(dialog.cancel_button)
    writer.go_on.set()
    qtbot.waitUntil(lambda: dialog.said.startswith("Stopped"))
    assert dialog.isVisible() and dialog.kinds.isEnabled() and dialog.export_button.isVisible()


def test_cancelling_after_the_last_file_says_that_all_is_written(
    qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog, writer = begun(qtbot, show, monkeypatch)
    writer.stage = "done"
    click(dialog.cancel_button)
    writer.go_on.set()
    qtbot.waitUntil(lambda: dialog.said == "1 file written")
    assert dialog.message_line.property("role") == "good" and dialog.open_button.isVisible()
    assert dialog.conflict_line.isHidden()


def test_the_table_of_the_labels_says_what_it_is(show: Show) -> None:
    dialog = show()
    for box in dialog.kinds.boxes.values():
        box.setChecked(False)
    tick(dialog, "nifti", "json")
    rows = [dialog.files.item(n) for n in range(dialog.files.count())]
    told = {each.text(): each.toolTip() for each in rows}
    assert [name for name, help in told.items() if "number" in help] == ["labels.json"]


def test_escape_stops_first_and_closes_then(qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, writer = begun(qtbot, show, monkeypatch)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible() and dialog.stage_line.text() == "Stopping…"
    writer.go_on.set()
    qtbot.waitUntil(lambda: not dialog.is_writing)
    gone: list[bool] = []
    dialog.destroyed.connect(lambda: gone.append(True))
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: bool(gone))


def test_nothing_goes_on_behind_a_closed_dialog(qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, writer = begun(qtbot, show, monkeypatch)
    gone: list[bool] = []
    told: list[object] = []
    dialog.destroyed.connect(lambda: gone.append(True))
    dialog.exported.connect(told.append)
    dialog.close()
    qtbot.waitUntil(lambda: bool(gone))
    writer.go_on.set()
    assert QThreadPool.globalInstance().waitForDone(10_000)
    QCoreApplication.processEvents()
    assert writer.ended.is_set() and not told


@pytest.mark.parametrize("failure", [ExportError("export.nothing", reason="x"), KeyError("a bug")])
def test_a_bug_offers_a_report(qtbot: QtBot, show: Show, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    dialog, writer = begun(qtbot, show, monkeypatch, failure)
    writer.go_on.set()
    qtbot.waitUntil(lambda: not dialog.is_writing)
    assert dialog.report_button.isVisible() is isinstance(failure, KeyError)
    assert "KeyError" not in dialog.said


def test_choices_are_remembered(qtbot: QtBot, show: Show, tmp_path: Path) -> None:
    dialog = show()
    tick(dialog, "3mf", "csv")
    choose(dialog.kinds.smoothing, "smooth")
    choose(dialog.kinds.layouts, "parts")
    told: list[dict[str, Any]] = []
    dialog.settings_changed.connect(told.append)
    export(qtbot, dialog)
    assert told == [
        {
            "export_folder": str(tmp_path / "out"),
            "export_kinds": "3mf,csv",
            "export_layout": "parts",
            "export_smoothing": "smooth",
            "mesh_frame": "LPS",
            "export_dicom_seg": "binary",
        }
    ]
    again = show(settings=replace(Settings(), **told[0]))
    assert again.kinds.kinds.ticked == {"csv", "3mf"} and again.kinds.kinds.smoothing == "smooth"
    assert again.kinds.kinds.layouts == ("parts",)


def test_a_folder_that_cannot_be_looked_into_is_told_when_it_is_written(qtbot: QtBot, show: Show) -> None:
    dialog = show()
    tick(dialog, "csv")
    dialog.folder.line.setText("/" + 300 * "x")
    qtbot.waitUntil(dialog.export_button.isEnabled)
    assert not dialog.report_button.isVisible()
    click(dialog.export_button)
    qtbot.waitUntil(lambda: dialog.said != "")
    assert "too long" in dialog.said
    assert not dialog.report_button.isVisible()


def test_open_folder(qtbot: QtBot, show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    dialog = show()
    tick(dialog, "csv")
    export(qtbot, dialog)
    click(dialog.open_button)
    assert opened == [QUrl.fromLocalFile(str(tmp_path / "out"))]


def test_everything_is_reached_with_the_keyboard(qtbot: QtBot, show: Show) -> None:
    dialog = show((2, 4))
    tick(dialog, "stl")
    qtbot.waitUntil(dialog.export_button.isEnabled)
    dialog.activateWindow()
    dialog.kinds.boxes["nifti"].setFocus()
    reached = set()
    for _ in range(40):
        QTest.keyClick(dialog, Qt.Key.Key_Tab)
        reached.add(dialog.focusWidget())
    wanted = {
        *(each for each in dialog.kinds.boxes.values() if each.isEnabled()),
        dialog.folder.line,
        dialog.folder.browse,
        dialog.files,
    }
    wanted |= {dialog.kinds.smoothing, dialog.kinds.frame, dialog.kinds.layouts}
    assert wanted | {dialog.close_button, dialog.export_button} <= reached
    dialog.scope.focus()
    QTest.keyClick(dialog.scope.segment("selected"), Qt.Key.Key_Left)
    assert dialog.scope.current == "visible"


def from_path(volume: Volume, path: Path) -> Volume:
    return replace(volume, source=ScanSource("nifti", path.name, str(path)))


def test_a_folder_beside_the_scan_is_proposed(volume: Volume, tmp_path: Path) -> None:
    scan = from_path(volume, tmp_path / "ct.nii.gz")
    assert proposed_folder(scan, "") == tmp_path / "ct_segmentation"
    assert proposed_folder(scan, str(tmp_path / "mine")) == tmp_path / "mine"
    assert proposed_folder(scan, str(tmp_path / "other_segmentation")) == tmp_path / "ct_segmentation"


def test_nothing_is_proposed_inside_the_program(volume: Volume) -> None:
    sample = from_path(volume, asset("sample/ct.nii.gz"))
    assert proposed_folder(sample, "") == documents_folder() / "ct_segmentation"
    assert not is_inside_program(proposed_folder(volume, str(asset("sample"))))
