"""Preferences follow from the declarations and are applied at once."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
import trustme
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tsdesktop.core.settings import Settings
from tsdesktop.gui.dialogs.controls import ChoiceBox, FileField, FolderField, Segments, TextField
from tsdesktop.gui.dialogs.preferences import Preferences
from tsdesktop.jobs.messages import Device, Devices

DEVICES = Devices(
    (
        Device("gpu:0", "A card", 24.0),
        Device("gpu:1", "A broken card", 24.0, "a test network gave wrong results"),
        Device("cpu", "The processor", 16.0),
        Device("mps", "Another", 16.0),
    ),
    "torch",
)


@pytest.fixture
def told() -> list[Settings]:
    return []


@pytest.fixture
def dialog(qtbot: QtBot, window: QWidget, told: list[Settings]) -> Preferences:
    made = Preferences(Settings(window_state="kept", extra={"new": 1}), window)
    made.changed.connect(told.append)
    made.show()
    return made


def test_every_setting_with_a_title_is_there_with_its_help(dialog: Preferences) -> None:
    shown = [each for each in fields(Settings) if each.metadata.get("title")]
    assert list(dialog.controls) == [each.name for each in shown]
    texts = {each.text() for each in dialog.findChildren(QLabel)}
    assert {each.metadata[key] for each in shown for key in ("title", "help")} <= texts


def test_a_click_applies_at_once(dialog: Preferences, told: list[Settings]) -> None:
    theme = dialog.controls["theme"]
    assert isinstance(theme, Segments)
    QTest.mouseClick(theme.segment("light"), Qt.MouseButton.LeftButton)
    draft = dialog.controls["draft_first"]
    assert isinstance(draft, QCheckBox)
    QTest.mouseClick(draft, Qt.MouseButton.LeftButton)
    expected = Settings(theme="light", window_state="kept", extra={"new": 1})
    assert told == [expected, replace(expected, draft_first=False)]


def test_keys_change_a_choice(dialog: Preferences, told: list[Settings]) -> None:
    convention = dialog.controls["convention"]
    assert isinstance(convention, Segments)
    convention.focus()
    QTest.keyClick(convention.segment("radiological"), Qt.Key.Key_Right)
    assert [each.convention for each in told] == ["neurological"]


def test_a_folder_counts_when_it_is_typed_to_the_end(dialog: Preferences, told: list[Settings]) -> None:
    folder = dialog.controls["weights_folder"]
    assert isinstance(folder, FolderField)
    QTest.keyClicks(folder.line, "/networks")
    assert told == []
    QTest.keyClick(folder.line, Qt.Key.Key_Return)
    assert [each.weights_folder for each in told] == ["/networks"]


def test_defaults_come_back_and_the_window_keeps_its_place(dialog: Preferences, told: list[Settings]) -> None:
    theme = dialog.controls["theme"]
    assert isinstance(theme, Segments)
    theme.choose("dark")
    dialog.restore_defaults()
    assert told[-1] == Settings(window_state="kept", extra={"new": 1})
    again = dialog.controls["theme"]
    assert isinstance(again, Segments) and again.current == "auto"


def test_devices_that_were_found_are_offered(window: QWidget) -> None:
    dialog = Preferences(Settings(device="gpu:7"), window, DEVICES)
    device = dialog.controls["device"]
    assert isinstance(device, ChoiceBox)
    assert [device.itemData(n) for n in range(device.count())] == ["auto", "gpu:0", "cpu", "mps", "gpu:7"]
    told: list[Settings] = []
    dialog.changed.connect(told.append)
    device.setFocus()
    device.setCurrentIndex(1)
    assert [each.device for each in told] == ["gpu:0"]


def test_the_processor_is_called_as_beside_the_run_button(window: QWidget) -> None:
    found = Devices((Device("gpu:0", "A card", 24.0), Device("cpu", "processor, 2 threads of 2 cores", 16.0)), "torch")
    device = Preferences(Settings(), window, found).controls["device"]
    assert isinstance(device, Segments)
    assert device.segment("gpu:0").text() == "A card, 24 GB"
    assert device.segment("cpu").text().startswith("CPU, ")


def typed(dialog: Preferences, name: str, text: str) -> None:
    control = dialog.controls[name]
    line = control.line if isinstance(control, FileField) else control
    assert isinstance(line, TextField)
    line.clear()
    QTest.keyClicks(line, text)
    QTest.keyClick(line, Qt.Key.Key_Return)


def help_of(name: str) -> str:
    return next(str(each.metadata["help"]) for each in fields(Settings) if each.name == name)


@pytest.mark.parametrize("name", ["download_mirror", "proxy"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("files.example.org/weights", "The address has to begin with http:// or https://"),
        ("ftp://files.example.org", "This is not an address; it looks like https://server:port"),
        ("http://", "This is not an address; it looks like https://server:port"),
        ("http://proxy:port", "This is not an address; it looks like https://server:port"),
        ("https://one two", "This is not an address; it looks like https://server:port"),
    ],
)
def test_a_wrong_address_is_said_in_place_of_the_help_and_changes_nothing(
    dialog: Preferences, told: list[Settings], name: str, text: str, said: str
) -> None:
    typed(dialog, name, text)
    line = dialog.lines[name]
    assert told == [] and line.text() == said and line.property("role") == "error"
    typed(dialog, name, "http://127.0.0.1:8080")
    assert [getattr(each, name) for each in told] == ["http://127.0.0.1:8080"]
    assert line.text() == help_of(name) and line.property("role") == "secondary"
    typed(dialog, name, " ")
    assert getattr(told[-1], name) == "" and line.property("role") == "secondary"


def test_certificates_count_when_the_file_holds_some(
    qtbot: QtBot, dialog: Preferences, told: list[Settings], tmp_path: Path
) -> None:
    line = dialog.lines["certificates"]
    typed(dialog, "certificates", str(tmp_path / "none.pem"))
    qtbot.waitUntil(lambda: line.text() == "There is no such file.")
    other = tmp_path / "other.pem"
    other.write_text("no certificate")
    typed(dialog, "certificates", str(other))
    qtbot.waitUntil(lambda: line.text() == "There are no certificates in PEM form in this file.")
    assert told == [] and line.property("role") == "error"
    good = tmp_path / "good.pem"
    trustme.CA().cert_pem.write_to_path(str(good))
    typed(dialog, "certificates", str(good))
    qtbot.waitUntil(lambda: [each.certificates for each in told] == [str(good)])
    assert line.text() == help_of("certificates") and line.property("role") == "secondary"


def test_what_was_wrong_is_forgotten_with_the_defaults(dialog: Preferences) -> None:
    typed(dialog, "proxy", "nowhere")
    dialog.restore_defaults()
    proxy = dialog.controls["proxy"]
    assert isinstance(proxy, TextField) and proxy.text() == ""
    assert dialog.lines["proxy"].text() == help_of("proxy")
