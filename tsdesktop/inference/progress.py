"""Tells how far a run is, and is where a run notices that somebody asked it to stop."""

from __future__ import annotations

import time
from collections.abc import Callable

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.notes import Note
from tsdesktop.jobs.messages import Message, Noted, Progress

# Below this share the speed is not known well enough to name a time.
_TELLING_SHARE = 0.03


class Meter:
    """Counts window voxels done against those planned and says so. Every call raises Cancelled once asked to stop."""

    def __init__(self, send: Callable[[Message], None], cancelled: Callable[[], bool]) -> None:
        self._send = send
        self._cancelled = cancelled
        self._done = 0
        self._total = 1
        self._started: float | None = None
        self._share = 0.0

    def plan(self, remaining: int) -> None:
        """Corrects how many window voxels are still to come."""
        self._total = max(1, self._done + remaining)

    def stage(self, name: str) -> None:
        """A new stage begins, such as "reading" or "resampling"."""
        self._check()
        self._send(Progress(stage=name, share=self._share, seconds_left=self._seconds_left()))

    def tile(self, stage: str, voxels: int, position: tuple[int, int, int, int]) -> None:
        """One window of `voxels` is done; `position` is (network, networks, tile, tiles), counted from one."""
        self._started = self._started if self._started is not None else time.monotonic()
        self._done += voxels
        self._share = max(self._share, min(1.0, self._done / self._total))
        part, parts, tile, tiles = position
        self._check()
        self._send(Progress(stage, self._share, part, parts, tile, tiles, self._seconds_left()))

    def begin(self) -> None:
        """The first window starts now: times are measured from here."""
        self._check()
        self._started = self._started if self._started is not None else time.monotonic()

    def share(self, stage: str, share: float) -> None:
        """A run without windows is this far, 0 to 1."""
        self.begin()
        self._share = max(self._share, min(1.0, share))
        self._send(Progress(stage, self._share, seconds_left=self._seconds_left()))

    def note(self, note: Note) -> None:
        """Something worth telling came up."""
        self._send(Noted(note.id, dict(note.arguments)))

    def _check(self) -> None:
        if self._cancelled():
            raise Cancelled

    def _seconds_left(self) -> float | None:
        if self._started is None or self._share < _TELLING_SHARE:
            return None
        return (time.monotonic() - self._started) * (1.0 - self._share) / self._share
