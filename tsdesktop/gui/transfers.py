"""Long work that can be stopped and tells how far it is, such as a download: one at a time, on a thread of its kind.

It does not take a place in the pool in which slices and surfaces are made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, QTimer

from tsdesktop.gui.background import Work
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

Transferring = Callable[[Listen, Stop], Any]
# Often enough to look even, seldom enough to cost nothing.
_TOLD_EVERY_MS = 100
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
        self._heard = self._told = Progress("connecting")
        self._looking = QTimer(interval=_TOLD_EVERY_MS)
        self._looking.timeout.connect(self._look)
        self._looking.start()
        self._work = Work(lambda: call(self._listen, self.stop), self._on_done, self._on_failed)
        threads.start(self._work)

    def forget(self) -> None:
        """It is to stop, and nobody hears of it any more."""
        self._looking.stop()
        self.stop.set()
        self._work.forget()

    def _listen(self, progress: Progress) -> None:
        """On the other thread: keeps what was heard last, for the main thread to look at."""
        self.stop.check()
        self._heard = progress

    def _look(self) -> None:
        if self._heard is not self._told:
            self._told = self._heard
            self._hearers.progress(self._told)

    def _on_done(self, answer: object) -> None:
        self._looking.stop()
        self._hearers.done(answer)

    def _on_failed(self, error: Exception) -> None:
        self._looking.stop()
        self._look()
        self._hearers.failed(error)
