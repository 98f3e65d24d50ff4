"""The right panel on a scan of boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from tests.gui.right.bench import BOXES, Bench, classes, labels_of, scan
from tsdesktop.gui import theme
from tsdesktop.gui.panels.right import RightPanel
from tsdesktop.gui.session import Session


@pytest.fixture
def empty_bench(qtbot: QtBot, qapp: QApplication) -> Iterator[Bench]:
    """Before any labels."""
    theme.wear(qapp, theme.DARK)
    session = Session()
    volume = scan()
    session.open_volume(volume)
    panel = RightPanel(session)
    panel.resize(296, 700)
    panel.show()
    qtbot.waitExposed(panel)
    yield Bench(session, panel, volume)
    panel.close()
    panel.deleteLater()
    # Without a loop that runs, Qt keeps what is to be deleted, and every theme dresses it once more.
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert not isValid(panel)


@pytest.fixture
def bench(empty_bench: Bench) -> Bench:
    """Ten structures of six body systems, measured; two that the task knows are absent."""
    empty_bench.show(labels_of(BOXES, classes()))
    return empty_bench


@pytest.fixture
def chosen_action() -> Callable[[str], None]:
    """Chooses an entry of the open menu by a click on it."""

    def choose(start: str) -> None:
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        action = next(each for each in menu.actions() if each.text().startswith(start))
        assert action.isEnabled(), start
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())

    QGuiApplication.clipboard().clear()
    return choose
