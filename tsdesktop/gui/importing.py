"""Networks from zips and folders, dropped or chosen: installed in the background, one after another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from tsdesktop.core.errors import Cancelled
from tsdesktop.gui.transfers import Hearers, OneAtATime, Transfer
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

if TYPE_CHECKING:
    from tsdesktop.weights.install import Installed

log = logging.getLogger(__name__)
Install = Callable[[Path, Listen, Stop], "tuple[Installed, ...]"]


class Imports(QObject):
    """What is being installed: `path` and how far it is, None while nothing is.

    `changed` whenever that has; `done(tuple[Installed, ...])` or `failed(error)` for each path unless it was cancelled.
    """

    changed = Signal()
    done = Signal(object)
    failed = Signal(Exception)

    def __init__(self, parent: QObject | None = None, install: Install | None = None) -> None:
        super().__init__(parent)
        self._install = install or _install
        self._threads = OneAtATime(self)
        self._waiting: list[Path] = []
        self._now: Transfer | None = None
        self.path: Path | None = None
        self.progress: Progress | None = None

    def add(self, paths: Iterable[Path]) -> None:
        """Installs the networks of these, too."""
        self._waiting += paths
        self._go_on()

    def cancel(self) -> None:
        """Stops; nothing of what is under way or waits is installed."""
        self._waiting.clear()
        if self._now is not None:
            self._now.stop.set()

    def close(self) -> None:
        """Stops for good. Nothing is emitted any more."""
        self._waiting.clear()
        if self._now is not None:
            self._now.forget()
            if not self._threads.wait():
                log.warning("an import did not stop at once")

    def _go_on(self) -> None:
        if self._now is None and self._waiting:
            self.path, self.progress = self._waiting.pop(0), None
            hearers = Hearers(self._on_progress, self._on_done, self._on_failed)
            self._now = Transfer(partial(self._install, self.path), hearers, self._threads)
        self.changed.emit()

    def _on_progress(self, progress: Progress) -> None:
        self.progress = progress
        self.changed.emit()

    def _on_done(self, installed: Sequence[Installed]) -> None:
        self._end()
        self.done.emit(tuple(installed))

    def _on_failed(self, error: Exception) -> None:
        self._end()
        if not isinstance(error, Cancelled):
            self.failed.emit(error)

    def _end(self) -> None:
        self._now, self.path, self.progress = None, None, None
        self._go_on()


def _install(path: Path, listen: Listen, stop: Stop) -> tuple[Installed, ...]:
    from tsdesktop.weights.install import import_networks

    return import_networks(path, listen, stop)
