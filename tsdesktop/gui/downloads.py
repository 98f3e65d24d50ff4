"""The networks that are being downloaded: a queue, one transfer at a time, shared by all who show it or ask for more.

What was paused or cut off keeps the bytes it has, also when the program ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from tsdesktop.core.errors import Cancelled
from tsdesktop.gui.background import run_in_background
from tsdesktop.gui.transfers import Hearers, OneAtATime, Transfer
from tsdesktop.weights.packages import Package
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

log = logging.getLogger(__name__)
ItemState = Literal["queued", "running", "paused", "failed"]
# Called with the package, who listens, the stop, and `again=True` for one that is here and to be replaced.
Download = Callable[..., Any]
Forget = Callable[[Package], Any]


@dataclass(frozen=True)
class Item:
    """A package in the queue; `progress` is the last that was heard of it, `error` why it failed; `again`: it is here
    already, and is to be replaced."""

    package: Package
    state: ItemState = "queued"
    progress: Progress | None = None
    error: Exception | None = None
    again: bool = False

    @property
    def is_active(self) -> bool:
        """Whether it is under way or will be by itself."""
        return self.state in ("queued", "running")


class Downloads(QObject):
    """The queue. `changed` whenever anything of it has, `finished(package)` once one is installed,
    `failed(package, error)` when one is not; a failed one stays in the queue until it is tried again or cancelled.
    """

    changed = Signal()
    finished = Signal(object)
    failed = Signal(object, Exception)

    def __init__(
        self, parent: QObject | None = None, download: Download | None = None, forget: Forget | None = None
    ) -> None:
        super().__init__(parent)
        self._download = download or _download
        self._forget = forget or _forget
        self._threads = OneAtATime(self)
        self._items: dict[str, Item] = {}
        self._batch: dict[str, Package] = {}
        self._now: Transfer | None = None
        self._package_now: Package | None = None
        # Whether its bytes are to go once it has stopped.
        self._is_unwanted = False
        self._closed = False

    @property
    def items(self) -> tuple[Item, ...]:
        """What is not here yet, in the order it comes."""
        return tuple(self._items.values())

    @property
    def batch(self) -> tuple[Package, ...]:
        """All that was asked for since the queue was last empty, finished ones too."""
        return tuple(self._batch.values())

    @property
    def is_active(self) -> bool:
        """Whether anything is under way or will be by itself."""
        return any(each.is_active for each in self._items.values())

    def item(self, folder: str) -> Item | None:
        """The package with that dataset folder; None where it is not in the queue."""
        return self._items.get(folder)

    def add(self, packages: Iterable[Package], *, again: bool = False) -> None:
        """Asks for packages; those that were paused or failed are tried again, where they are in the queue.

        What is here already is only downloaded `again` when asked for.
        """
        if not self._items:
            self._batch.clear()
        for each in packages:
            item = self._items.get(each.folder)
            if item is None or not item.is_active:
                replacing = again or (item is not None and item.again)
                self._items[each.folder] = Item(each, progress=None if item is None else item.progress, again=replacing)
            self._batch[each.folder] = each
        self._go_on()

    def pause(self, folder: str) -> None:
        """Stops a transfer for now; what is here of it stays."""
        item = self._items.get(folder)
        if item is None or not item.is_active:
            return
        self._items[folder] = replace(item, state="paused")
        if item.state == "running" and self._now is not None:
            self._now.stop.set()
        self._go_on()

    def resume(self, folder: str) -> None:
        """Goes on with a paused one, or tries a failed one again."""
        item = self._items.get(folder)
        if item is not None:
            self.add([item.package])

    def cancel(self, folder: str) -> None:
        """Takes a package out of the queue, and what is here of it away."""
        item = self._items.pop(folder, None)
        if item is None:
            return
        self._batch.pop(folder, None)
        if item.package == self._package_now and self._now is not None:
            self._is_unwanted = True
            self._now.stop.set()
        else:
            self._remove_bytes(item.package, self.changed.emit)
        self._go_on()

    def close(self) -> None:
        """Stops the transfer for good, its bytes stay for the next start. Nothing is emitted any more."""
        self._closed = True
        if self._now is not None:
            self._now.forget()
            if not self._threads.wait():
                log.warning("a download did not stop at once")

    # the transfer under way

    def _go_on(self) -> None:
        """Begins with the next in the queue when nothing is under way."""
        following = next((each for each in self._items.values() if each.state == "queued"), None)
        if self._now is None and following is not None and not self._closed:
            package = following.package
            self._items[package.folder] = replace(following, state="running", error=None)
            self._package_now = package
            hearers = Hearers(self._on_progress, self._on_done, self._on_failed)
            self._now = Transfer(partial(self._transfer, package, following.again), hearers, self._threads)
        self.changed.emit()

    def _transfer(self, package: Package, again: bool, listen: Listen, stop: Stop) -> Package:
        """On the other thread."""
        self._download(package, listen, stop, **({"again": True} if again else {}))
        return package

    @property
    def _item_now(self) -> Item | None:
        return None if self._package_now is None else self._items.get(self._package_now.folder)

    def _on_progress(self, progress: Progress) -> None:
        item = self._item_now
        if item is not None and item.state == "running":
            self._items[item.package.folder] = replace(item, progress=progress)
            self.changed.emit()

    def _on_done(self, package: Package) -> None:
        # It may have ended in the moment in which it was paused or cancelled: it is here all the same.
        self._items.pop(package.folder, None)
        self.finished.emit(package)
        self._end()

    def _on_failed(self, error: Exception) -> None:
        item, package = self._item_now, self._package_now
        if item is not None and item.state == "running" and not isinstance(error, Cancelled):
            self._items[item.package.folder] = replace(item, state="failed", error=error)
            self.failed.emit(item.package, error)
        if self._is_unwanted and package is not None:
            self._remove_bytes(package, self._end)
        else:
            self._end()

    def _remove_bytes(self, package: Package, then: Callable[[], None]) -> None:
        def on_error(error: Exception) -> None:
            log.warning("an interrupted download could not be removed: %s", type(error).__name__)
            then()

        run_in_background(partial(self._forget, package), lambda _: then(), on_error)

    def _end(self) -> None:
        self._now, self._package_now, self._is_unwanted = None, None, False
        self._go_on()


# The transport comes with what takes longer to load than the window may take to open.


def _download(package: Package, listen: Listen, stop: Stop, *, again: bool = False) -> object:
    from tsdesktop.weights.downloads import download

    return download(package, listen, stop, again=again)


def _forget(package: Package) -> None:
    from tsdesktop.weights.downloads import forget_partial

    forget_partial(package)
