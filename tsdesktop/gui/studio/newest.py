"""Slow work of which only the newest counts: one call at a time; what is newer stops what is under way, then follows.

Work on the same thing must not run twice at once, as it shares what was made before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from tsdesktop.gui.background import Work, run_in_background

Wanted = Callable[[], bool]
Call = Callable[[Wanted], Any]


@dataclass(frozen=True)
class _Job:
    call: Call
    on_done: Callable[[Any], None]
    on_error: Callable[[Exception], None]
    stop: threading.Event


class Newest(QObject):
    """Calls run in the background; only the newest is answered. `busy_changed` when work begins and when none is left.

    A call gets a function that tells whether its answer is still wanted.
    """

    busy_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: _Job | None = None
        self._waiting: _Job | None = None
        self._work: Work | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way."""
        return self._running is not None

    def start(self, call: Call, on_done: Callable[[Any], None], on_error: Callable[[Exception], None]) -> None:
        """Calls `call(wanted)` as soon as what is under way has stopped; `on_done` or `on_error` follows, or neither
        where something newer was asked for."""
        job = _Job(call, on_done, on_error, threading.Event())
        if self._running is not None:
            self._running.stop.set()
            self._waiting = job
        else:
            self._begin(job)
            self.busy_changed.emit()

    def stop(self) -> None:
        """Stops what is under way; nobody hears of it."""
        self._waiting = None
        if self._running is not None:
            self._running.stop.set()

    def close(self) -> None:
        """Stops for good."""
        self.stop()
        if self._work is not None:
            self._work.forget()

    def _begin(self, job: _Job) -> None:
        self._running = job
        ended = partial(self._on_ended, job)
        self._work = run_in_background(
            partial(job.call, lambda: not job.stop.is_set()), partial(ended, job.on_done), partial(ended, job.on_error)
        )

    def _on_ended(self, job: _Job, then: Callable[[Any], None], answer: Any) -> None:
        self._running = self._work = None
        following, self._waiting = self._waiting, None
        if following is not None:
            self._begin(following)
            return
        if not job.stop.is_set():
            then(answer)
        if self._running is None:
            self.busy_changed.emit()
