"""The left panel with a scan or without, networks that are here or not, and hands for both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.gui.release import Release
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.tasks import Network, Task, catalogue
from tsdesktop.core.volume import Modality, ScanSource, Volume
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.panels.left import LeftPanel
from tsdesktop.gui.panels.task_card import TaskCard
from tsdesktop.gui.session import Session
from tsdesktop.weights.packages import Package
from tsdesktop.weights.places import own_weights_folder

SHAPE = (60, 50, 70)


def scan(modality: Modality = "CT", path: str | None = None) -> Volume:
    """A scan of 3 mm voxels."""
    array = np.full(SHAPE, -1000, np.int16)
    array[10:50, 10:40] = 40
    return Volume(array, Geometry(SHAPE, np.diag([3.0, 3.0, 3.0, 1.0])), modality, ScanSource("nifti", "scan", path))


def put_here(task: str, variant: str = "full", *, lacking: str = "") -> None:
    """Puts files for the networks of a task where the program looks for them."""
    for name, each in catalogue().task(task).variants.items():
        if name == variant:
            for part in each.parts:
                _put(part.network, lacking)


def put_package(package: Package) -> None:
    """Puts files for a package where the program looks for them."""
    for each in package.networks:
        _put(each, "")


def _put(network: Network, lacking: str) -> None:
    folder: Path = own_weights_folder() / network.folder
    checkpoints = [f"fold_{fold}/checkpoint_final.pth" for fold in network.folds or (0,)]
    for name in ("plans.json", "dataset.json", *checkpoints):
        if name != lacking:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("{}", encoding="utf-8")


class LeftBench:
    """The panel and its session."""

    def __init__(self) -> None:
        self.session = Session()
        self.release = Release()
        self.downloads = Downloads(None, self.release.download, self.release.forget)
        self.panel = LeftPanel(self.session, downloads=self.downloads)
        self.choices = self.panel.choices

    def open(self, volume: Volume) -> None:
        """Opens a scan."""
        self.session.open_volume(volume)

    def task(self, name: str) -> Task:
        """A task of the catalogue."""
        return self.choices.catalogue.task(name)

    def choose(self, name: str) -> None:
        """Chooses a task, as its card would."""
        self.choices.choose_task(self.task(name))

    def search(self, text: str) -> list[str]:
        """Types into the search box; gives the names of the tasks whose cards are shown."""
        self.panel.focus_search()
        QTest.keyClicks(self.panel.tasks.search, text)
        return self.names

    @property
    def names(self) -> list[str]:
        """The tasks whose cards are shown, from the top."""
        return [each.task.name for each in self.panel.tasks.cards]

    def card(self, name: str) -> TaskCard:
        """The card of a task."""
        return next(each for each in self.panel.tasks.cards if each.task.name == name)

    def open_all(self) -> Sequence[str]:
        """Clicks on the link that shows every task."""
        click(self.panel.tasks.more)
        return self.names


def click(widget: object) -> None:
    """A click with the left button in the middle of a widget."""
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)  # type: ignore[call-overload]
