"""From what was dropped or chosen to a scan on screen: sorts it out, asks which series, reads, all in the background.

One opening at a time: a newer one replaces an older one, whose answers are not heard any more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui.background import Work, run_in_background
from tsdesktop.gui.opening.thumbnails import remember_with_picture
from tsdesktop.gui.session import Session

if TYPE_CHECKING:
    from tsdesktop.gui.opening.drop import Dropped
    from tsdesktop.pipeline import SeriesSummary

log = logging.getLogger(__name__)
Say = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Wanted:
    """A scan to open: where, which series of it ("" for the one that is best), which of several volumes."""

    path: Path
    series: str = ""
    volume_index: int | None = None
    labels: tuple[Path, ...] = ()


class OpeningFlow(QObject):
    """Opens scans and label maps into a session.

    `started(name)` and `progressed(0 to 1)` tell how it goes; then `scan_opened`, `series_offered` or
    `failed` may follow; labels are shown in the session. `left_over` names what was dropped besides and not opened.
    """

    started = Signal(str)
    progressed = Signal(float)
    ended = Signal()
    scan_opened = Signal(Wanted)
    series_offered = Signal(Wanted, list)
    failed = Signal(Exception)
    left_over = Signal(list)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        # What the open scan was opened from.
        self.opened: Wanted | None = None
        self._work: Work | None = None
        self._stop = threading.Event()

    @property
    def is_busy(self) -> bool:
        """Whether something is being opened."""
        return self._work is not None

    def open(self, paths: Sequence[Path]) -> None:
        """Opens what was dropped together: a scan, labels, or both."""
        sort = partial(_sorted_out, tuple(paths), self._session.volume is not None)
        self._begin(paths[0].name, sort, self._on_sorted_out)

    def open_series(self, wanted: Wanted) -> None:
        """Opens a scan whose series was chosen."""
        self._forget()
        self._begin(wanted.path.name, partial(_read_scan, wanted, self._progress()), partial(self._on_read, wanted))

    def list_series(self, wanted: Wanted) -> None:
        """Offers all series of a path, whether or not one of them is open."""
        self._begin(wanted.path.name, partial(_list_series, wanted.path), partial(self._on_read, wanted))

    def open_labels(self, paths: Sequence[Path]) -> None:
        """Opens a label map, or a mask for each structure, on the scan that is open."""
        volume = self._session.volume
        if volume is None or not paths:
            # The scan may have been closed since they were chosen.
            self._end()
            return
        self._begin(paths[0].name, partial(_read_labels, tuple(paths), volume), partial(self._on_labels, volume))

    def cancel(self) -> None:
        """Stops what is being opened; the scan that was open stays."""
        self._forget()
        self.ended.emit()

    def _begin(self, name: str, call: Callable[[], object], on_done: Callable[..., None]) -> None:
        if self._work is not None:
            self._forget()
        self.started.emit(name)
        self._work = run_in_background(call, on_done, self._on_failed)

    def _forget(self) -> None:
        self._stop.set()
        self._stop = threading.Event()
        if self._work is not None:
            self._work.forget()
            self._work = None

    def _progress(self) -> Say:
        """What a reader tells how far it is; it ends the reading once nobody waits for it any more."""
        stop = self._stop

        def say(fraction: float) -> None:
            if stop.is_set():
                raise Cancelled
            self.progressed.emit(fraction)

        return say

    def _on_sorted_out(self, dropped: Dropped) -> None:
        if dropped.left_over:
            self.left_over.emit(list(dropped.left_over))
        if dropped.scan is not None:
            wanted = Wanted(dropped.scan, labels=dropped.labels)
            read = partial(_read_scan_or_list_series, dropped.scan, self._progress())
            self._work = run_in_background(read, partial(self._on_read, wanted), self._on_failed)
        elif dropped.labels:
            self.open_labels(dropped.labels)
        else:
            self._end()

    def _on_read(self, wanted: Wanted, found: Volume | list[SeriesSummary]) -> None:
        self._end()
        if isinstance(found, list):
            self.series_offered.emit(wanted, found)
            return
        self.opened = wanted
        self._session.open_volume(found)
        self.scan_opened.emit(wanted)
        run_in_background(
            partial(remember_with_picture, found, wanted.path, wanted.series), lambda _: None, self._on_not_remembered
        )
        if wanted.labels:
            self.open_labels(wanted.labels)

    def _on_labels(self, volume: Volume, label_map: LabelMap) -> None:
        self._end()
        if self._session.volume is volume:
            self._session.show_labels(label_map)

    def _on_failed(self, error: Exception) -> None:
        self._end()
        if not isinstance(error, Cancelled):
            self.failed.emit(error)

    def _on_not_remembered(self, error: Exception) -> None:
        log.warning("a scan was not put on the list of recent ones: %s", type(error).__name__)

    def _end(self) -> None:
        self._work = None
        self.ended.emit()


# The readers take SimpleITK and pydicom, which take longer to load than the window may take to open.


def _sorted_out(paths: Sequence[Path], scan_is_open: bool) -> Dropped:
    from tsdesktop.gui.opening.drop import sorted_out

    return sorted_out(paths, scan_is_open=scan_is_open)


def _read_scan(wanted: Wanted, progress: Say) -> Volume:
    from tsdesktop.scans.reader import read_scan

    return read_scan(wanted.path, series=wanted.series, volume_index=wanted.volume_index, progress=progress)


def _read_scan_or_list_series(path: Path, progress: Say) -> Volume | list[SeriesSummary]:
    from tsdesktop.scans.reader import read_scan_or_series

    return read_scan_or_series(path, progress=progress)


def _list_series(path: Path) -> list[SeriesSummary]:
    from tsdesktop.scans.reader import list_series

    return list_series(path)


def _read_labels(paths: Sequence[Path], volume: Volume) -> LabelMap:
    from tsdesktop.gui.opening.drop import read_labels

    return read_labels(paths, volume)
