"""Keys and mouse on one page: nothing is cut, in any language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from tsdesktop.gui import translation
from tsdesktop.gui.dialogs.shortcuts import Shortcuts


@pytest.fixture
def german(qapp: QApplication) -> Iterator[None]:
    installed = translation.install(qapp, "de")
    yield
    translation.uninstall(qapp, installed)


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("profile", ["crosshair", "window"])
def test_every_line_has_room_in_german(qtbot: QtBot, window: QWidget, profile: str) -> None:
    keys = [("Die gefundenen Strukturen nach ihrem Namen filtern", "Strg+Umschalt+Rücktaste; Strg+Umschalt+F")]
    dialog = Shortcuts(keys, profile, window)
    dialog.show()
    qtbot.waitExposed(dialog)
    area = dialog.findChild(QScrollArea)
    assert area is not None
    right = area.viewport().mapToGlobal(area.viewport().rect().topRight()).x()
    for label in area.findChildren(QLabel):
        assert label.mapToGlobal(label.rect().topRight()).x() <= right, label.text()
        needed = label.fontMetrics().boundingRect(label.rect(), Qt.TextFlag.TextWordWrap, label.text())
        assert needed.width() <= label.width() and needed.height() <= label.height(), label.text()
