"""A licence server on loopback: it says what a test wants, over HTTP or TLS, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VALID = b'{"status": "valid_license"}'
REJECTED = b'{"status": "invalid_license"}'


class LicenceServer(ThreadingHTTPServer):
    """Answers every POST with `code`, `headers` and `body`, after `hold` is set where it is given."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.code = 200
        self.body = VALID
        self.headers: dict[str, str] = {}
        self.hold: threading.Event | None = None
        self.drips = 0
        self.asked: list[tuple[str, str, object]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away, or did not trust us, is what some tests want."""


class _Handler(BaseHTTPRequestHandler):
    server: LicenceServer

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append(("POST", self.path, json.loads(self.rfile.read(length))))
        if self.server.hold is not None:
            self.server.hold.wait(30)
        self.send_response(self.server.code)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        for n in range(self.server.drips):
            self.wfile.write(self.server.body[n : n + 1])
            threading.Event().wait(0.1)
        self.wfile.write(self.server.body[self.server.drips :])

    def do_GET(self) -> None:
        self.server.asked.append(("GET", self.path, None))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(VALID)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[LicenceServer]:
    """A server in a thread; gone at the end, and whoever it holds up with it."""
    with LicenceServer() as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            if server.hold is not None:
                server.hold.set()
            server.shutdown()
            thread.join()


def address_of(server: LicenceServer, *, tls: bool = False) -> str:
    """Its base address."""
    return f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
