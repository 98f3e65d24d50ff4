"""The real window, driven as a person would: drops, clicks, keys; and its ends tidied away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QThreadPool, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.slow_network import write_slow_network
from tsdesktop.core.settings import Settings
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.report import RecentLines
from tsdesktop.gui.window import MainWindow, wear_chosen


class Open(Protocol):
    """Opens a window, with the usual settings or others."""

    def __call__(self, settings: Settings = ...) -> MainWindow: ...


@pytest.fixture
def open_window(qtbot: QtBot) -> Iterator[Open]:
    """Opens windows; each is closed at the end, whatever it is doing."""
    opened: list[MainWindow] = []
    usual = Settings(theme="dark", language="en")
    wear_chosen(usual)

    def make(settings: Settings = usual) -> MainWindow:
        window = MainWindow(settings, RecentLines())
        window.resize(1280, 800)
        opened.append(window)
        window.show()
        qtbot.waitExposed(window)
        # Without a window manager nobody else gives it the keyboard.
        window.activateWindow()
        window.raise_()
        qtbot.waitUntil(window.isActiveWindow, timeout=5_000)
        return window

    yield make
    for window in opened:
        window.runs.give_up()
        window.close_at_once()
    QThreadPool.globalInstance().waitForDone(20_000)
    QApplication.processEvents()
    for window in opened:
        window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def window(open_window: Open) -> MainWindow:
    return open_window()


def drop(target: QWidget, *paths: Path) -> None:
    """Drags files over a widget and lets them go, with the events that the desktop sends."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    middle = target.rect().center()
    enter = QDragEnterEvent(QPoint(middle), copy, mime, left, none)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPointF(middle), copy, mime, left, none))


def wait_for_scan(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.session.volume is not None and not window.opening.is_busy, timeout=30_000)


def wait_for_labels(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: bool(window.session.statistics) and not window.runs.is_running, timeout=90_000)


def wait_for_tile(qtbot: QtBot, window: MainWindow, heard: list[str]) -> None:
    """Until the network has begun and had a moment to be in the middle of a tile."""
    qtbot.waitUntil(lambda: "resampling" in heard or any("tile" in each for each in heard), timeout=60_000)
    until = time.monotonic() + 2.0
    qtbot.waitUntil(lambda: time.monotonic() > until, timeout=5_000)


@pytest.fixture(scope="session")
def slow_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose one tile takes many seconds, in the place of the 3 mm network of total."""
    folder = tmp_path_factory.mktemp("weights")
    network = catalogue().networks["297"]
    write_slow_network(folder / network.folder, labels=network.labels)
    return folder


@pytest.fixture
def slow(slow_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(slow_weights))


@pytest.fixture
def write_small_scan() -> Callable[[Path], Path]:
    """Writes a little CT into a folder: a ball of 100 HU in air."""

    def write(folder: Path) -> Path:
        import nibabel as nib
        import numpy as np

        i, j, k = np.ogrid[:40, :40, :30]
        inside = (i - 20) ** 2 + (j - 20) ** 2 + (k - 15) ** 2 < 100
        array = np.where(inside, 100, -1000).astype(np.int16)
        path = folder / "small.nii.gz"
        nib.save(nib.Nifti1Image(array, np.diag([2.0, 2.0, 2.0, 1.0])), path)
        return path

    return write
