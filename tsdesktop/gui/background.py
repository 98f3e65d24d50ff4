"""Slow work away from the main thread: a plain function runs in a pool, its answer comes back on the main thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal, SignalInstance, Slot

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class _Answers(QObject):
    """Lives on the main thread; its signals are emitted by workers and queued to it."""

    done = Signal(object)
    failed = Signal(object)


class Work(QRunnable):
    """One piece of slow work. `forget` keeps its answer from being heard, for work that nobody waits for any more."""

    def __init__(
        self, call: Callable[[], Any], on_done: Callable[[Any], None], on_error: Callable[[Exception], None]
    ) -> None:
        super().__init__()
        self.setAutoDelete(False)
        self._call = call
        self._on_done = on_done
        self._on_error = on_error
        self._wanted = True
        self._answers = _Answers()
        self._answers.done.connect(self._hear, Qt.ConnectionType.QueuedConnection)
        self._answers.failed.connect(self._hear_error, Qt.ConnectionType.QueuedConnection)

    def forget(self) -> None:
        """The answer is no longer wanted."""
        self._wanted = False

    def run(self) -> None:
        """Runs in a worker thread."""
        if not self._wanted:
            _running.discard(self)
            return
        try:
            answer = self._call()
        except Exception as error:
            log.debug("slow work failed", exc_info=True)
            _emit(self._answers.failed, error)
        else:
            _emit(self._answers.done, answer)

    @Slot(object)
    def _hear(self, answer: object) -> None:
        _running.discard(self)
        if self._wanted:
            self._on_done(answer)

    @Slot(object)
    def _hear_error(self, error: Exception) -> None:
        _running.discard(self)
        if self._wanted:
            self._on_error(error)


def _emit(signal: SignalInstance, value: object) -> None:
    try:
        signal.emit(value)
    except RuntimeError:
        # The application has ended in the meantime, and its objects with it.
        log.debug("nobody hears the answer of slow work any more")


# Qt does not keep Python's half of a runnable alive.
_running: set[Work] = set()


def run_in_background(
    call: Callable[[], Answer], on_done: Callable[[Answer], None], on_error: Callable[[Exception], None]
) -> Work:
    """Calls `call` on a worker thread; `on_done(answer)` or `on_error(exception)` follows on the main thread, once."""
    work = Work(call, on_done, on_error)
    _running.add(work)
    QThreadPool.globalInstance().start(work)
    return work
