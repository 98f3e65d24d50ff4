"""Tells how far a run is, and is where a run notices that somebody asked it to stop.

What is left is counted in window voxels of networks, whose speed is learned while they run, and in expected seconds of
everything around them. The share of progress is that of time: elapsed / (elapsed + left), and never falls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.notes import Note
from tsdesktop.jobs.estimate import Work
from tsdesktop.jobs.messages import Draft, Message, Noted, Progress

# Below this share the speed is not known well enough to name a time.
_TELLING_SHARE = 0.03
# A network that has run this long is known better by its own few windows than by the network before.
_SETTLED_S = 2.0
# Large windows leave the processor's caches: eight times the voxels take ten times as long.
_SIZE_MATTERS = 0.1
# Seconds of expected steps that weigh as much as what was seen of this computer.
_USUAL_S = 1.0


class WindowSpeed:
    """Seconds per window voxel, learned from windows; those of the network at work count most."""

    def __init__(self) -> None:
        self._windows: list[tuple[int, float]] = []
        self._before: float | None = None
        self._size = 0

    def next_network(self, voxels: int) -> None:
        """Windows of `voxels` follow; until a few of them are done the speed so far is the best guess."""
        before = self.seconds_per_voxel
        self._before = before * (voxels / self._size) ** _SIZE_MATTERS if before is not None and self._size else before
        self._windows, self._size = [], voxels

    def add(self, voxels: int, seconds: float) -> None:
        """A window of `voxels` took `seconds`."""
        self._windows.append((voxels, seconds))

    @property
    def seconds_per_voxel(self) -> float | None:
        """The speed to expect; None before the first window."""
        if not self._windows:
            return self._before
        # The first window of a network is no measure: memory is fetched and algorithms are chosen in it.
        counted = self._windows[1:] or self._windows
        # A computer that gets hot or busy goes on like that: later windows tell more.
        counted = counted[-max(6, len(counted) // 2) :]
        seen = sum(seconds for _, seconds in counted) / sum(voxels for voxels, _ in counted)
        if self._before is None or len(self._windows) > 2 or sum(each for _, each in self._windows) > _SETTLED_S:
            return seen
        return (seen + self._before) / 2


class Meter:
    """Counts what is done against what was planned and says so. Every call raises Cancelled once asked to stop."""

    def __init__(
        self,
        send: Callable[[Message], None],
        cancelled: Callable[[], bool],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._cancelled = cancelled
        self._now = now
        self._began = now()
        self._left = Work()
        self._speed = WindowSpeed()
        self._window_began = self._began
        self._expected_s, self._seen_s = _USUAL_S, _USUAL_S
        self._share = 0.0
        self._shared_from: float | None = None

    @property
    def left(self) -> Work:
        """What is still planned; below zero where more was done than planned."""
        return self._left

    def plan(self, left: Work) -> None:
        """Corrects what is still to come."""
        self._left = left

    def stage(self, name: str) -> None:
        """A new stage begins, such as "reading" or "resampling"."""
        self._check()
        self._tell(name)

    @contextmanager
    def around(self, name: str, expected_s: float) -> Iterator[None]:
        """A step other than windows, planned with `expected_s` seconds."""
        self.stage(name)
        began = self._now()
        yield
        self._expected_s += expected_s
        self._seen_s += self._now() - began
        self._left += Work(0, -expected_s)
        self._check()

    def begin(self, stage: str, voxels: int, position: tuple[int, int, int]) -> None:
        """The first window, of `voxels`, starts now; `position` is (network, networks, tiles), counted from one."""
        self._check()
        self._speed.next_network(voxels)
        self._window_began = self._now()
        part, parts, tiles = position
        self._tell(stage, (part, parts, 0, tiles))

    def tile(self, stage: str, voxels: int, position: tuple[int, int, int, int]) -> None:
        """One window of `voxels` is done; `position` is (network, networks, tile, tiles), counted from one."""
        now = self._now()
        self._speed.add(voxels, now - self._window_began)
        self._window_began = now
        self._left += Work(-voxels, 0.0)
        self._check()
        self._tell(stage, position)

    def share(self, stage: str, share: float) -> None:
        """A run without windows is this far, 0 to 1."""
        self._check()
        self._shared_from = self._now() if self._shared_from is None else self._shared_from
        self._share = max(self._share, min(1.0, share))
        seconds = self._now() - self._shared_from
        known = self._share >= _TELLING_SHARE
        left = seconds * (1.0 - self._share) / self._share if known else None
        self._send(Progress(stage, self._share, seconds_left=left))

    def done(self, stage: str) -> None:
        """Everything is done."""
        self._share = 1.0
        self._send(Progress(stage, 1.0, seconds_left=0.0))

    def note(self, note: Note) -> None:
        """Something worth telling came up."""
        self._send(Noted(note.id, dict(note.arguments)))

    def show(self, draft: Draft) -> None:
        """Labels to look at are there."""
        self._check()
        self._send(draft)

    def _check(self) -> None:
        if self._cancelled():
            raise Cancelled

    def _tell(self, stage: str, position: tuple[int, int, int, int] = (0, 0, 0, 0)) -> None:
        left = self._seconds_left()
        if left is not None:
            elapsed = self._now() - self._began
            self._share = max(self._share, min(0.999, elapsed / max(elapsed + left, 1e-9)))
        known = left if self._share >= _TELLING_SHARE else None
        part, parts, tile, tiles = position
        self._send(Progress(stage, self._share, part, parts, tile, tiles, known))

    def _seconds_left(self) -> float | None:
        speed = self._speed.seconds_per_voxel
        if speed is None:
            return None
        slowness = self._seen_s / self._expected_s
        return max(0, self._left.windows) * speed + max(0.0, self._left.around_s) * slowness
