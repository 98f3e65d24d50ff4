"""How somebody stops a download: one object both sides hold. It wakes a thread that waits for the network."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tsdesktop.core.errors import Cancelled

log = logging.getLogger(__name__)


class Stop:
    """Asked by whoever works, set by whoever has changed their mind, from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    @property
    def is_set(self) -> bool:
        """Whether the work is no longer wanted."""
        return self._event.is_set()

    def set(self) -> None:
        """The work is no longer wanted; a read that waits for the network ends at once."""
        self._event.set()
        with self._lock:
            for each in self._sockets:
                _shut(each)

    def check(self) -> None:
        """Raises Cancelled when the work is no longer wanted."""
        if self.is_set:
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Waits, and raises Cancelled as soon as the work is no longer wanted."""
        if self._event.wait(seconds):
            raise Cancelled

    @contextmanager
    def watching(self, connection: socket.socket | None) -> Iterator[None]:
        """While the block runs, `set` ends what waits for this connection. Raises Cancelled when it is set already."""
        with self._lock:
            self.check()
            if connection is not None:
                self._sockets.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.discard(connection)


def _shut(connection: socket.socket) -> None:
    try:
        # Closing alone does not wake a thread that waits for data. The plain method also for an encrypted connection,
        # whose own one goes on unencrypted: the reader would be handed scrambled bytes as if they were the file.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError as error:
        log.debug("a connection had ended by itself: %s", error)
