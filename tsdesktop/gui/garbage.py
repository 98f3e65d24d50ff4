"""Frees what Python's collector finds on the main thread only.

The collector runs in whichever thread allocates next, and widgets or painters that it frees there bring Qt down. So it
is switched off, and its work is done here, between events.
"""

from __future__ import annotations

import gc
import logging

from PySide6.QtCore import QObject, QTimer

log = logging.getLogger(__name__)
_EVERY_MS = 1000


class MainThreadCollector(QObject):
    """Switches the collector off while it lives, and collects by the usual thresholds on the thread it lives in."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
        gc.disable()
        # What has been loaded so far stays for good: a whole collection does not need to look at it.
        gc.collect()
        gc.freeze()
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.collect_if_due)
        self._timer.start()

    def collect_if_due(self) -> None:
        """Collects the oldest generation that is due; nothing where none is."""
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > self._thresholds[generation]:
                found = gc.collect(generation)
                log.debug("collected %s objects of generation %s", found, generation)
                return

    def stop(self) -> None:
        """The collector works as usual again."""
        self._timer.stop()
        gc.enable()
