"""Stands in for the transport of networks: every download waits for what a test says comes of it."""

from __future__ import annotations

import threading

from tsdesktop.weights.packages import Package
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

_STEP_S = 0.005


class Release:
    """`began` and `forgotten` name dataset folders, in order; `at_once` is how many downloads are under way."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.forgotten: list[str] = []
        self.at_once = 0
        # Told again and again until something else is to be told.
        self.progress: Progress | None = None
        self._ends: dict[str, Exception | None] = {}
        self._lock = threading.Lock()

    def download(self, package: Package, listen: Listen, stop: Stop, *, again: bool = False) -> None:
        """What the queue calls on its thread."""
        self.began.append(package.folder)
        self.at_once += 1
        try:
            self._wait(package, listen, stop)
        finally:
            self.at_once -= 1

    def ends(self, package: Package, error: Exception | None = None) -> None:
        """The package has been downloaded, or cannot be."""
        with self._lock:
            self._ends[package.folder] = error

    def forget(self, package: Package) -> None:
        """What the queue calls for bytes that nobody wants."""
        self.forgotten.append(package.folder)

    def _wait(self, package: Package, listen: Listen, stop: Stop) -> None:
        for n in range(20_000):
            listen(self.progress or Progress("downloading", n, 20_000, 100.0, 5.0))
            stop.wait(_STEP_S)
            with self._lock:
                if package.folder in self._ends:
                    error = self._ends.pop(package.folder)
                    if error is not None:
                        raise error
                    return
        raise AssertionError("nobody ended the download")
