"""The window of networks, on a folder of its own; made when a test asks for it, and gone with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.gui.networks.bench import Bench


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    parent = QWidget()
    qtbot.addWidget(parent)
    made = Bench(qtbot, tmp_path, parent)
    yield made
    made.close()
