"""How far a download, an import or a verification is."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["waiting", "connecting", "downloading", "retrying", "unpacking", "checking"]
_APART_S = 0.1
_WINDOW_S = 6.0
_LEAST_S = 0.5


@dataclass(frozen=True)
class Progress:
    """What is being done and how far it is.

    `waiting`: another program is at the same file. `total_bytes` None where the server does not say, `seconds_left`
    None while nobody can tell; `retry_in_s` counts down to the next try after the connection was lost.
    """

    stage: Stage
    done_bytes: int = 0
    total_bytes: int | None = None
    bytes_per_s: float = 0.0
    seconds_left: float | None = None
    retry_in_s: float = 0.0

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where the total is not known."""
        return None if not self.total_bytes else min(1.0, self.done_bytes / self.total_bytes)


Listen = Callable[[Progress], None]


def nobody(_: Progress) -> None:
    """Hears progress and does nothing."""


class Meter:
    """Turns counts of bytes into what `listen` hears: smoothed speed and time left, some ten times a second at most."""

    def __init__(
        self, listen: Listen, stage: Stage, total: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._listen = listen
        self._stage = stage
        self._total = total
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque()
        self._told_s = -math.inf

    def moved(self, done: int, *, always: bool = False) -> None:
        """`done` bytes of all are done now; told when the last word is some time ago, at the end, or `always`."""
        now = self._clock()
        if now - self._told_s < _APART_S and not always and done != self._total:
            return
        self._told_s = now
        if self._marks and done < self._marks[-1][1]:
            self._marks.clear()
        self._marks.append((now, done))
        while now - self._marks[0][0] > _WINDOW_S and len(self._marks) > 2:
            self._marks.popleft()
        speed = self._bytes_per_s()
        rest = None if self._total is None or not speed else max(0, self._total - done) / speed
        self._listen(Progress(self._stage, done, self._total, speed, rest))

    def _bytes_per_s(self) -> float:
        (then, before), (now, done) = self._marks[0], self._marks[-1]
        # A speed over less than this jumps about.
        return (done - before) / (now - then) if now - then >= _LEAST_S else 0.0
