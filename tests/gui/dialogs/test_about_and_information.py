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
from tsdesktop.gui.dialogs.third_party import own_licence, third_party_works
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


def test_a_package_that_only_names_the_lgpl_gets_its_text() -> None:
    work = next(each for each in third_party_works() if each.name == "PySide6_Essentials")
    assert "LGPL-3.0" in work.licence and work.address == "https://pyside.org"
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in work.text and "GNU GENERAL PUBLIC LICENSE" in work.text


def made(folder: Path, name: str, **fields: str) -> None:
    """A package without code, as far as its metadata go."""
    told = folder / f"{name}-1.0.dist-info"
    told.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    lines += [f"{field.replace('_', '-')}: {value}" for field, value in fields.items()]
    (told / "METADATA").write_text("\n".join(lines) + "\n")
    (told / "licenses").mkdir()
    (told / "licenses" / "LICENSE.txt").write_text(f"Copyright the makers of {name}. " * 20)


def test_a_packaged_program_lists_everything_that_came_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packagers write metadata of their own for the program, which do not tell what it needs."""
    made(tmp_path, "tsdesktop")
    made(tmp_path, "manifold3d", License="UNKNOWN", Classifier="License :: OSI Approved :: Apache Software License")
    made(tmp_path, "lib3mf", Project_URL="Source, https://3mf.io", License_Expression="BSD-2-Clause")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    works = {each.name: each for each in third_party_works()}
    assert set(works) == {"manifold3d", "lib3mf", "Inter (font)", "Python"}
    assert works["manifold3d"].licence == "Apache Software License"
    assert "the makers of manifold3d" in works["manifold3d"].text and "lib3mf" not in works["manifold3d"].text
    assert (works["lib3mf"].licence, works["lib3mf"].address) == ("BSD-2-Clause", "https://3mf.io")


def test_a_packaged_program_that_tells_its_needs_lists_everything_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "tsdesktop", Requires_Dist="numpy")
    made(tmp_path, "pygments")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert "pygments" in {each.name for each in third_party_works()}


def test_what_others_need_in_turn_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "tsdesktop", Requires_Dist="highdicom>=0.24")
    made(tmp_path, "highdicom", Requires_Dist="pydicom (>=3) ; python_version > '3'")
    made(tmp_path, "pydicom", Requires_Dist="pytest ; extra == 'test'")
    made(tmp_path, "pytest")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert [each.name for each in third_party_works()] == ["highdicom", "Inter (font)", "pydicom", "Python"]


def test_the_licence_shown_is_the_one_of_the_repository() -> None:
    assert own_licence() == (Path(__file__).parents[3] / "LICENSE").read_text().strip()


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
