"""The left panel, shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from tests.gui.panels.bench import LeftBench, scan
from tsdesktop.gui import theme


@pytest.fixture
def left(qtbot: QtBot, qapp: QApplication) -> Iterator[LeftBench]:
    """Before a scan is opened."""
    theme.wear(qapp, theme.DARK)
    bench = LeftBench()
    bench.panel.resize(320, 800)
    bench.panel.show()
    qtbot.waitExposed(bench.panel)
    bench.panel.activateWindow()
    qtbot.waitUntil(bench.panel.isActiveWindow)
    yield bench
    while (popup := qapp.activePopupWidget()) is not None:
        popup.close()
    bench.downloads.close()
    bench.panel.close()
    bench.panel.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert not isValid(bench.panel)


@pytest.fixture
def with_ct(left: LeftBench) -> LeftBench:
    """With a CT open, whole body chosen."""
    left.open(scan("CT"))
    left.choose("total")
    return left
