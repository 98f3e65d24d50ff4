"""Downloads and other long work on networks on the command line: their progress in one line, their end by Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from tsdesktop.cli.printing import Line, size_text, time_left
from tsdesktop.core.errors import Cancelled
from tsdesktop.weights.progress import Progress
from tsdesktop.weights.stopping import Stop

T = TypeVar("T")
_LOOKS_UP_S = 0.1
_BEFORE_BYTES = ("waiting", "connecting")
_STAGES = {
    "waiting": "another program is at it, waiting",
    "connecting": "connecting",
    "downloading": "downloading",
    "retrying": "the connection was lost",
    "unpacking": "unpacking",
    "checking": "checking",
}


class TransferLine(Line):
    """The line of a download, an import or a verification; `begin` names what is worked on."""

    _title = ""

    def begin(self, name: str, number: int = 1, of: int = 1) -> None:
        """From now on `show` tells of `name`, the `number`th `of` several."""
        self.end()
        self._title = f"{name} ({number} of {of})" if of > 1 else name

    def show(self, told: Progress) -> None:
        """Shows how far it is."""
        self.say(transfer_text(told, self._title))


def transfer_text(told: Progress, title: str) -> str:
    """One line: percentage, size, speed and time left while downloading, else what is done; then what it is about."""
    parts = [] if told.share is None or told.stage in _BEFORE_BYTES else [f"{told.share:4.0%}"]
    if told.stage == "downloading":
        parts.append(_amount(told))
        if told.bytes_per_s:
            parts.append(f"{size_text(told.bytes_per_s)}/s")
        if told.seconds_left is not None:
            parts.append(time_left(told.seconds_left))
    else:
        parts.append(_STAGES[told.stage])
    if told.stage == "retrying":
        parts.append(f"next try in {max(0, round(told.retry_in_s))} s")
    return " · ".join([*parts, title])


def until_interrupted(work: Callable[[Stop], T]) -> T:
    """What `work` returns, or raises. Ctrl-C stops it in good order and raises Cancelled when it has ended.

    `work` runs on a thread of its own: a signal reaches the main thread only, also while the other waits for a server.
    """
    stop = Stop()
    done: Future[T] = Future()
    thread = threading.Thread(target=_work_on, args=(work, stop, done), daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            # Not for ever: on Windows Ctrl-C does not end a wait without a limit.
            thread.join(_LOOKS_UP_S)
    except KeyboardInterrupt:
        stop.set()
        thread.join()
        raise Cancelled from None
    return done.result()


def _work_on(work: Callable[[Stop], T], stop: Stop, done: Future[T]) -> None:
    try:
        done.set_result(work(stop))
    except BaseException as error:
        # Raised on the main thread, whatever it is.
        done.set_exception(error)


def _amount(told: Progress) -> str:
    done = size_text(told.done_bytes)
    return done if told.total_bytes is None else f"{done} of {size_text(told.total_bytes)}"
