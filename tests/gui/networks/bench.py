"""The window of networks on a folder of networks of its own, with a transport that does what a test says."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from tests.gui.release import Release
from tests.weights.zips import members_of, package, write_zip
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.networks.rows import Action, Row, size_words, state_word
from tsdesktop.gui.networks.window import Networks
from tsdesktop.weights.install import import_networks
from tsdesktop.weights.packages import Package
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import Listen, nobody
from tsdesktop.weights.stopping import Stop

ORGANS = "Dataset291_TotalSegmentator_part1_organs_1559subj"
ROUGH = "Dataset298_TotalSegmentator_total_6mm_1559subj"
BRAIN = "Dataset150_icb_v0"
ANEURYSM = "Dataset615_MAXIMUS"
HEART = "Dataset301_heart_highres_1559subj"


class Bench:
    """The window, what it told, and shortcuts to drive it."""

    def __init__(self, qtbot: QtBot, folder: Path, parent: QWidget | None = None) -> None:
        self._qtbot = qtbot
        self._folder = folder
        self.release = Release()
        self.again: list[str] = []
        self.downloads = Downloads(None, self._download, self.release.forget)
        self.changes = 0
        self._parent = parent

    @cached_property
    def window(self) -> Networks:
        """Made when a test first asks for it: it looks at the folders at once."""
        made = Networks(self.downloads, self._parent)
        made.networks_changed.connect(self._count)
        return made

    @property
    def possible(self) -> tuple[Action, ...]:
        """The actions whose buttons are shown."""
        return self.window.details.possible

    def said(self) -> tuple[str, str]:
        """What the line at the foot shows, and its words."""
        return self.window.line.showing, self.window.line.text.accessibleName()

    def queued(self) -> list[str]:
        """The folders in the queue."""
        return [each.package.folder for each in self.downloads.items]

    def show(self) -> None:
        """On screen, with all rows."""
        self.window.show()
        self.settle()

    def settle(self) -> None:
        """Until the folders have been read and no work is under way."""
        self._qtbot.waitUntil(lambda: not self.window.is_reading and not self.window.line.is_busy)

    def row(self, key: str) -> Row:
        """One network as it is now."""
        return next(each for each in self.window.rows if each.key == key)

    def words(self, key: str) -> tuple[str, str]:
        """What the row of a network says: its state and its size."""
        row = self.row(key)
        return state_word(row)[0], size_words(row)

    def select(self, *keys: str) -> None:
        """As a person does."""
        self.window.list.select(keys)

    def press(self, action: Action) -> None:
        """Clicks a button of the details."""
        button = self.window.details.buttons[action]
        assert button.isVisibleTo(self.window) and button.isEnabled()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def zip_of(self, folder: str) -> Path:
        """A whole zip of a package, small."""
        return write_zip(self._folder / f"{folder}.zip", members_of(package(folder)))

    def install(self, *folders: str) -> None:
        """Has these in place, before the window is shown or between two looks of it."""
        for each in folders:
            import_networks(self.zip_of(each), nobody, Stop())

    def drop(self, path: Path) -> None:
        """Drops a file or folder on the window."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        nothing = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        self.window.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, *nothing))

    def close(self) -> None:
        """Ends everything."""
        self.downloads.close()
        if isValid(self.window):
            self.window.close()

    def _count(self) -> None:
        self.changes += 1

    def _download(self, wanted: Package, listen: Listen, stop: Stop, *, again: bool = False) -> None:
        """Waits for the test, then installs as the real one does."""
        if again:
            self.again.append(wanted.folder)
        self.release.download(wanted, listen, stop, again=again)
        import_networks(self.zip_of(wanted.folder), nobody, stop)


def half_downloaded(folder: str, size: int) -> None:
    """Leaves what an interrupted download leaves."""
    place = own_weights_folder() / ".downloads"
    place.mkdir(parents=True, exist_ok=True)
    with (place / f"{folder}.part").open("wb") as file:
        file.truncate(size)


def damage(folder: str) -> None:
    """Turns some bytes in the middle of the checkpoint of an installed package; its length stays."""
    path = next((own_weights_folder() / folder).rglob("checkpoint_final.pth"))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(255 - each for each in content[middle : middle + 8])
    path.write_bytes(content)


def titles(rows: Iterable[Row]) -> list[str]:
    return [each.title for each in rows]
