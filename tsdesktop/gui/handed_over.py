"""Files that the desktop hands to the running program: macOS tells of a double click with an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QFileOpenEvent


class HandedOver(QObject):
    """Watches an application for files it is asked to open; those that come together are opened together."""

    def __init__(self, application: QObject, open_paths: Callable[[Sequence[Path]], None]) -> None:
        super().__init__(application)
        self._open_paths = open_paths
        self._waiting: list[Path] = []
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's own name
        """Takes the events that name a file; leaves the others."""
        if not isinstance(event, QFileOpenEvent) or not event.file():
            return super().eventFilter(watched, event)
        if not self._waiting:
            QTimer.singleShot(0, self, self._open_waiting)
        self._waiting.append(Path(event.file()))
        return True

    def _open_waiting(self) -> None:
        paths, self._waiting = self._waiting, []
        self._open_paths(paths)
