"""About, the licences of others, and what a scan is; nothing of the patient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

import tsdesktop
from tsdesktop.core.notes import note
from tsdesktop.core.volume import ScanSource, Volume
from tsdesktop.gui.dialogs.about import About
from tsdesktop.gui.dialogs.scan_information import ScanInformation, spread_of
from tsdesktop.gui.dialogs.third_party import third_party_works
from tsdesktop.pipeline import read


def texts_of(widget: QWidget) -> str:
    return "\n".join(each.text() for each in widget.findChildren(QLabel))


def test_about_says_what_it_is_and_is_not(qtbot: QtBot, window: QWidget, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    dialog = About(window)
    dialog.show()
    said = texts_of(dialog)
    assert tsdesktop.__version__ in said and "Not a medical device" in said and "Wasserthal" in said
    cited = next(each for each in dialog.findChildren(QPushButton) if each.text() == "nnU-Net")
    QTest.mouseClick(cited, Qt.MouseButton.LeftButton)
    assert opened == [QUrl("https://doi.org/10.1038/s41592-020-01008-z")]


def test_licences_are_listed_with_their_text(qtbot: QtBot, window: QWidget) -> None:
    dialog = About(window)
    dialog.pages.setCurrentIndex(1)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.works.count() > 5)
    names = [dialog.works.item(n).text().split(" ")[0].lower() for n in range(dialog.works.count())]
    assert names[0] == "tsdesktop" and {"numpy", "nibabel", "inter"} <= set(names)
    dialog.works.setCurrentRow(names.index("numpy"))
    assert "Redistribution" in dialog.text.toPlainText()


def test_what_only_tests_need_is_not_listed() -> None:
    names = {each.name.lower() for each in third_party_works()}
    assert "numpy" in names and not {"pytest", "mypy", "ruff", "tsdesktop"} & names


@pytest.fixture
def named(volume: Volume) -> Volume:
    source = ScanSource("nifti", "Meier_Anna.nii.gz", "/scans/Meier_Anna.nii.gz", description="Thorax 3.0")
    return replace(volume, source=source)


def test_information_of_a_scan(qtbot: QtBot, window: QWidget, named: Volume) -> None:
    dialog = ScanInformation(named, [note("note.thick_slices", spacing_mm=5)], window)
    dialog.show()
    qtbot.waitUntil(lambda: "mean" in dialog.text)
    said = texts_of(dialog)
    for part in (
        "30 \u00d7 28 \u00d7 26", "1.500 \u00d7 1.500 \u00d7 2.000 mm", "45 \u00d7 42 \u00d7 52 mm",
        "LAS", "-1.5000", "CT", "int16", "Thorax 3.0",
        "Slices are 5 mm thick", "\u2212100 to 199 HU", "patient's name and id", "Meier_Anna.nii.gz",
    ):  # fmt: skip
        assert part in said, part


def test_the_copied_text_names_no_file(qtbot: QtBot, window: QWidget, named: Volume) -> None:
    dialog = ScanInformation(named, [note("note.thick_slices", spacing_mm=5)], window)
    dialog.show()
    qtbot.waitUntil(lambda: "mean" in dialog.text)
    QTest.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert "Meier" not in copied
    assert "LAS" in copied and "HU" in copied and "5 mm thick" in copied


def test_the_mean_of_many_voxels_is_exact(volume: Volume) -> None:
    array = np.full((200, 200, 100), 30_001, np.int16)
    many = Volume(array, type(volume.geometry)(array.shape, volume.affine))
    assert spread_of(many).mean == 30_001


def test_a_real_series_tells_nothing_of_its_patient(qtbot: QtBot, window: QWidget, data: Path) -> None:
    dialog = ScanInformation(read(data / "dicom_ct" / "series"), (), window)
    dialog.show()
    said = texts_of(dialog)
    assert "DICOM" in said and "512 \u00d7 512 \u00d7 20" in said
    assert str(data) not in said + dialog.text
