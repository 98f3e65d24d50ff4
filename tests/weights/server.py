"""A release page, a store of files, a release API and a licence server on this computer, with faults on command.

    with ReleaseServer() as server:
        server.add_package(package, content)                  # content: bytes or a Path of its zip; or add_file(...)
        monkeypatch.setenv("TSDESKTOP_DOWNLOAD_MIRROR", server.mirror)
        monkeypatch.setenv("TSDESKTOP_RELEASE_API", server.api)
        monkeypatch.setenv("TSDESKTOP_LICENCE_SERVER", server.url)
        server.fail(Fault("cut", at=1000), Fault("status", code=503))   # one for each answer with a file, in order
        ...
        assert server.paths == [...]                          # what was asked for; server.requests has all of it

As on GitHub an address leads on (302) to a store with a signature in its query, which here is good for one request.
`server.environment` holds the three variables for a process. `server.always` is the fault of every answer once the
queue is empty; `server.bytes_per_s` slows every answer; a "hold" lasts until `server.go_on()`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from tsdesktop.weights.packages import Package

TAG = "v2.0.0-weights"
PAGE = b"<!DOCTYPE html><html><head><title>Guest network</title></head><body>Please log in.</body></html>"
_PIECE = 1 << 16
_AT_A_BYTE = ("cut", "stall", "hold", "drip", "chunked")
Kind = Literal[
    "cut",  # the connection ends after `at` bytes of this answer; at -1: before any answer
    "stall",  # nothing comes after `at` bytes, for `seconds` or until the server is closed; -1: before any answer
    "hold",  # as stall, and goes on when go_on() is called
    "drip",  # after `at` bytes single ones, `seconds` apart
    "wrong_bytes",  # the byte at `at` of this answer is another one
    "short",  # the file ends `at` bytes early, and the length says so
    "long",  # `at` more bytes come than the file has, and the length says so
    "too_much",  # more bytes come than the length says
    "status",  # `code`, with Retry-After when `retry_after` is given
    "page",  # 200 and a page instead of the file, as guest networks do
    "login",  # led on to a login page
    "loop",  # led on to itself again and again
    "no_range",  # the whole file to whoever asks for a range of it
    "wrong_range",  # 206 with bytes from elsewhere, and the answer says so
    "chunked",  # no length; with `at` > 0 the connection ends after so many bytes
    "changed",  # the file is another version from now on (the same bytes, another ETag and date)
    "untold",  # neither ETag nor Last-Modified
    "none",  # as it should be
]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer; with `cut` the connection also ends after so many bytes of it."""

    kind: Kind
    at: int = 0
    seconds: float = 60.0
    code: int = 500
    retry_after: str = ""
    cut: int | None = None


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class _File:
    content: bytes
    version: int = 1
    digest: str = ""
    name: str = field(default_factory=lambda: secrets.token_hex(6))

    @property
    def etag(self) -> str:
        return f'"{self.name}-{self.version}"'

    @property
    def modified(self) -> str:
        return formatdate(1_700_000_000 + self.version, usegmt=True)


@dataclass
class _State:
    files: dict[str, _File] = field(default_factory=dict)
    licensed: dict[str, _File] = field(default_factory=dict)
    faults: deque[Fault] = field(default_factory=deque)
    signatures: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class ReleaseServer:
    """Starts with the block and ends with it; over TLS with `tls`, a server's context."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._state = _State()
        self._closing = threading.Event()
        self._going_on = threading.Event()
        self._tls = tls
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        if tls is not None:
            # The handshake belongs to the thread of the connection, or one that does not come holds up all others.
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.always = Fault("none")
        self.bytes_per_s = 0
        self.validators: Literal["strong", "weak", "date", "none"] = "strong"
        self.licences: dict[str, str] = {}  # number -> the status that is told; others: invalid_license
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> ReleaseServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._going_on.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The server's own address, which is that of the licence server too."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def mirror(self) -> str:
        """For TSDESKTOP_DOWNLOAD_MIRROR."""
        return f"{self.url}/download"

    @property
    def api(self) -> str:
        """For TSDESKTOP_RELEASE_API."""
        return f"{self.url}/releases/tags"

    @property
    def environment(self) -> dict[str, str]:
        """What makes the program come here for everything."""
        return {
            "TSDESKTOP_DOWNLOAD_MIRROR": self.mirror,
            "TSDESKTOP_RELEASE_API": self.api,
            "TSDESKTOP_LICENCE_SERVER": self.url,
        }

    @property
    def requests(self) -> list[Request]:
        """All that was asked, in order."""
        return list(self._state.requests)

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, without queries."""
        return [urlsplit(each.path).path for each in self._state.requests]

    def add_file(self, name: str, content: bytes | Path, *, tag: str = TAG, digest: str | None = None) -> str:
        """Adds or replaces a file of a release and returns its address. `digest` "" is not told by the API."""
        data = content.read_bytes() if isinstance(content, Path) else content
        told = hashlib.sha256(data).hexdigest() if digest is None else digest
        before = self._state.files.get(f"{tag}/{name}")
        self._state.files[f"{tag}/{name}"] = _File(data, 1 if before is None else before.version + 1, told)
        return f"{self.mirror}/{tag}/{name}"

    def add_package(self, package: Package, content: bytes | Path, *, digest: str | None = None) -> None:
        """Adds the zip of a package where the program looks for it: a release, or the licence server."""
        if package.source == "licence_server":
            self.add_licensed(package.networks[0].licence_server_task or "", content)
        else:
            tag = urlsplit(package.url or "").path.split("/")[-2]
            self.add_file(package.zip_name, content, tag=tag, digest=digest)

    def add_licensed(self, task: str, content: bytes | Path) -> None:
        """Adds what the licence server hands out for a task; see `licences`."""
        self._state.licensed[task] = _File(content.read_bytes() if isinstance(content, Path) else content)

    def fail(self, *faults: Fault) -> None:
        """The next answers go wrong so, one after the other."""
        self._state.faults.extend(faults)

    def go_on(self) -> None:
        """Ends every "hold", also those to come."""
        self._going_on.set()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: ReleaseServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away: that is what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_GET(self) -> None:
        self._note(b"")
        path, state = urlsplit(self.path), self._owner._state
        if path.path.startswith("/download/"):
            self._lead_on(path.path.removeprefix("/download/"))
        elif path.path.startswith("/store/"):
            signature = parse_qs(path.query).get("sig", [""])[0]
            with state.lock:
                good = signature in state.signatures
                state.signatures.discard(signature)
            if good:
                self._answer(state.files[path.path.removeprefix("/store/")], self._next_fault())
            else:
                self._tell(403, b"signature expired", "application/xml")
        elif path.path.startswith("/releases/tags/"):
            self._tell_release(path.path.removeprefix("/releases/tags/"))
        elif path.path == "/loop":
            self._redirect("/loop")
        elif path.path == "/login":
            self._tell(200, PAGE, "text/html; charset=utf-8")
        else:
            self._tell(404, b"Not Found", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._note(body)
        asked = json.loads(body)
        status = self._owner.licences.get(asked.get("license_number", ""), "invalid_license")
        fault = self._next_fault()
        if fault.kind == "login":
            self._redirect("/login", 307)
            return
        if self._ends_early(fault):
            return
        if self.path == "/is_valid_license_number" or status != "valid_license":
            self._tell(200, json.dumps({"status": status}).encode(), "application/json")
        elif self.path == "/download_weights" and asked.get("task") in self._owner._state.licensed:
            self._answer(self._owner._state.licensed[asked["task"]], fault)
        else:
            self._tell(404, b"Not Found", "text/plain")

    def do_CONNECT(self) -> None:
        """As a proxy that wants a name and password."""
        self._note(b"")
        self._tell(407, b"who are you", "text/plain")

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    @property
    def _owner(self) -> ReleaseServer:
        return self.server.owner

    def _note(self, body: bytes) -> None:
        self._owner._state.requests.append(Request(self.command, self.path, dict(self.headers), body))

    def _next_fault(self) -> Fault:
        state = self._owner._state
        with state.lock:
            return state.faults.popleft() if state.faults else self._owner.always

    def _lead_on(self, name: str) -> None:
        state = self._owner._state
        if name not in state.files:
            self._tell(404, b"Not Found", "text/plain")
            return
        with state.lock:
            first = state.faults[0] if state.faults else self._owner.always
        if first.kind == "login":
            self._next_fault()
            self._redirect("/login")
        elif first.kind == "loop":
            self._next_fault()
            self._redirect("/loop")
        else:
            signature = secrets.token_hex(8)
            state.signatures.add(signature)
            self._redirect(f"/store/{name}?sig={signature}")

    def _redirect(self, where: str, code: int = 302) -> None:
        self.send_response(code)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _tell(self, code: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _tell_release(self, tag: str) -> None:
        fault = (
            self._next_fault() if self._owner._state.faults and self._owner._state.faults[0].kind == "status" else None
        )
        if fault is not None:
            self._tell(fault.code, b"{}", "application/json")
            return
        assets = [
            {"name": name.removeprefix(f"{tag}/"), "size": len(each.content), "digest": f"sha256:{each.digest}"}
            for name, each in self._owner._state.files.items()
            if name.startswith(f"{tag}/") and each.digest
        ]
        self._tell(200, json.dumps({"tag_name": tag, "assets": assets}).encode(), "application/json")

    def _ends_early(self, fault: Fault) -> bool:
        """Answers that hold no file at all."""
        if fault.kind == "status":
            extra = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            self._tell(fault.code, b"not now", "text/plain", **extra)
        elif fault.kind == "page":
            self._tell(200, PAGE, "text/html; charset=utf-8")
        elif fault.kind in ("cut", "stall", "hold") and fault.at < 0:
            if fault.kind != "cut":
                self._wait(fault)
            if fault.kind == "hold":
                return False
            self._cut()
        else:
            return False
        return True

    def _answer(self, file: _File, fault: Fault) -> None:
        if self._ends_early(fault):
            return
        if fault.kind == "changed":
            file.version += 1
        content = _changed(file.content, fault)
        start = self._start(file, fault, len(content))
        body = bytearray(content[start:])
        if fault.kind == "wrong_bytes" and body:
            body[min(fault.at, len(body) - 1)] ^= 0xFF
        self._send_head(file, fault, start, len(content))
        length = len(body)
        if fault.kind == "too_much":
            body += b"more" * 100
        self._send_body(bytes(body), fault, length)

    def _start(self, file: _File, fault: Fault, total: int) -> int:
        wanted = self.headers.get("Range", "")
        if not wanted or fault.kind in ("no_range", "chunked"):
            return 0
        known = self.headers.get("If-Range", "")
        if known and known not in self._validators(file, fault).values():
            return 0
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        # Asked for more than there is: the caller gets the whole of it, as some servers do.
        return start if start < total else 0

    def _validators(self, file: _File, fault: Fault) -> dict[str, str]:
        if fault.kind == "untold":
            return {}
        return {
            "strong": {"ETag": file.etag, "Last-Modified": file.modified},
            "weak": {"ETag": f"W/{file.etag}", "Last-Modified": file.modified},
            "date": {"Last-Modified": file.modified},
            "none": {},
        }[self._owner.validators]

    def _send_head(self, file: _File, fault: Fault, start: int, total: int) -> None:
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "application/octet-stream")
        for name, value in self._validators(file, fault).items():
            self.send_header(name, value)
        if start:
            told = start + 7 if fault.kind == "wrong_range" else start
            self.send_header("Content-Range", f"bytes {told}-{total - 1}/{total}")
        if fault.kind == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(total - start))
        self.end_headers()

    def _send_body(self, body: bytes, fault: Fault, length: int) -> None:
        at = min(fault.at if fault.cut is None else fault.cut, len(body))
        if fault.kind not in _AT_A_BYTE and fault.cut is None:
            at = 0
        self._send(body[:at], fault)
        if fault.kind == "cut" or fault.cut is not None or (fault.kind == "chunked" and 0 < at < len(body)):
            self._cut()
            return
        if fault.kind in ("stall", "hold"):
            self._wait(fault)
        if fault.kind == "stall":
            self._cut()
            return
        if fault.kind == "drip":
            for place in range(at, len(body)):
                self._send(body[place : place + 1], fault)
                self._owner._closing.wait(fault.seconds)
            return
        self._send(body[at:], fault)
        if fault.kind == "chunked":
            self.wfile.write(b"0\r\n\r\n")
        if len(body) > length:
            self._cut()

    def _send(self, data: bytes, fault: Fault) -> None:
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if fault.kind == "chunked" else piece)
            if self._owner.bytes_per_s:
                self._owner._closing.wait(len(piece) / self._owner.bytes_per_s)
            if self._owner._closing.is_set():
                raise ConnectionAbortedError("the server is being closed")

    def _wait(self, fault: Fault) -> None:
        (self._owner._going_on if fault.kind == "hold" else self._owner._closing).wait(fault.seconds)

    def _cut(self) -> None:
        self.close_connection = True


def _changed(content: bytes, fault: Fault) -> bytes:
    if fault.kind == "short":
        return content[: max(4, len(content) - fault.at)]
    return content + b"\0" * fault.at if fault.kind == "long" else content
