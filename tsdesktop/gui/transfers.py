"""Long work that can be stopped and tells how far it is, such as a download: one at a time, on a thread of its kind.

It does not take a place in the pool in which slices and surfaces are made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal

from tsdesktop.core.errors import Cancelled
from tsdesktop.gui.background import Work
from tsdesktop.weights.progress import Listen, Progress, Stage
from tsdesktop.weights.stopping import Stop

Transferring = Callable[[Listen, Stop], Any]
# Often enough to look even, seldom enough to cost nothing.
_TOLD_EVERY_S = 0.1
_STOPS_WITHIN_MS = 500


class OneAtATime:
    """The threads for transfers: what is begun while another is under way waits for it."""

    def __init__(self, parent: QObject) -> None:
        self._pool = QThreadPool(parent)
        self._pool.setMaxThreadCount(1)

    def start(self, work: Work) -> None:
        """Begins, or waits for its turn."""
        self._pool.start(work)

    def wait(self) -> bool:
        """Waits for what was asked to stop, as long as nobody minds; whether it has."""
        return self._pool.waitForDone(_STOPS_WITHIN_MS)


@dataclass(frozen=True)
class Hearers:
    """Who is told, on the main thread: how far it is, and once how it ended."""

    progress: Callable[[Progress], None]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]


class Transfer:
    """One transfer under way."""

    def __init__(self, call: Transferring, hearers: Hearers, threads: OneAtATime) -> None:
        self.stop = Stop()
        self._hearers = hearers
        self._is_wanted = True
        self._voice = _Voice()
        self._voice.heard.connect(self._hear, Qt.ConnectionType.QueuedConnection)
        tell = _Seldom(self._voice, self.stop)
        self._work = Work(lambda: call(tell, self.stop), hearers.done, hearers.failed)
        threads.start(self._work)

    def forget(self) -> None:
        """It is to stop, and nobody hears of it any more."""
        self._is_wanted = False
        self.stop.set()
        self._work.forget()

    def _hear(self, progress: Progress) -> None:
        if self._is_wanted:
            self._hearers.progress(progress)


class _Voice(QObject):
    """Lives on the main thread; speaks from the other one."""

    heard = Signal(object)


class _Seldom:
    """Passes on what a person can follow: every change of stage, else ten times a second."""

    def __init__(self, voice: _Voice, stop: Stop) -> None:
        self._voice = voice
        self._stop = stop
        self._stage: Stage | None = None
        self._at_s = 0.0

    def __call__(self, progress: Progress) -> None:
        if self._stop.is_set:
            raise Cancelled
        now_s = time.monotonic()
        if progress.stage != self._stage or now_s - self._at_s >= _TOLD_EVERY_S:
            self._stage, self._at_s = progress.stage, now_s
            self._voice.heard.emit(progress)
