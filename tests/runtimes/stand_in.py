"""Two package indexes on this computer: Python's, as JSON, and torch's, as links; with faults on command.

    with Indexes() as indexes:
        indexes.set_environment(monkeypatch)
        indexes.publish(wheel("torch", "9.1", ...))             # in Python's index
        indexes.publish(wheel(...), build="cu126")              # in torch's
        indexes.cut_after = 1000                                # every answer with a wheel ends after so many bytes

Wheels are tiny and real: with METADATA and RECORD.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote

import pytest
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name

HERE = str(next(iter(sys_tags())))


@dataclass(frozen=True)
class Made:
    """A wheel that was made: its file name and bytes."""

    file_name: str
    content: bytes
    metadata: bytes

    @property
    def name(self) -> str:
        return canonicalize_name(self.file_name.split("-")[0])

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def wheel(
    name: str,
    version: str,
    files: Mapping[str, str | bytes] | None = None,
    needs: Sequence[str] = (),
    tag: str = HERE,
    record: Mapping[str, str] | None = None,
) -> Made:
    """A wheel with `files` that asks for `needs`; `record` replaces what RECORD says of some of them."""
    top = f"{name.replace('-', '_')}-{version}"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {n}" for n in needs)]
    metadata = "\n".join(lines).encode() + b"\n"
    inside = {path: text.encode() if isinstance(text, str) else text for path, text in (files or {}).items()}
    inside[f"{top}.dist-info/METADATA"] = metadata
    told = {path: _digest(data) for path, data in inside.items()} | dict(record or {})
    rows = [f"{path},{digest},{len(inside.get(path, b''))}" for path, digest in told.items()]
    inside[f"{top}.dist-info/RECORD"] = "\n".join([*rows, f"{top}.dist-info/RECORD,,"]).encode() + b"\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, data in inside.items():
            archive.writestr(path, data)
    return Made(f"{top}-{tag}.whl", packed.getvalue(), metadata)


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@dataclass
class _State:
    listed: dict[tuple[str, str], list[Made]] = field(default_factory=dict)  # (build, package): wheels
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


class Indexes:
    """Starts with the block and ends with it."""

    def __init__(self) -> None:
        self.state = _State()
        self.cut_after = 0
        self.with_metadata = True
        self.with_hashes = True
        self.with_ranges = True
        self.pages = False  # a page for people instead of every list
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Indexes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        return {"TSDESKTOP_PACKAGE_INDEX": f"{self.url}/simple", "TSDESKTOP_TORCH_INDEX": f"{self.url}/whl/"}

    def set_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def publish(self, *wheels: Made, build: str = "") -> None:
        """Adds wheels to Python's index, or with `build` to torch's."""
        for each in wheels:
            self.state.listed.setdefault((build, each.name), []).append(each)
            self.state.files[each.file_name] = each.content
            self.state.files[f"{each.file_name}.metadata"] = each.metadata

    def damage(self, made: Made) -> None:
        """Hands out other bytes than were published."""
        self.state.files[made.file_name] = made.content[:-1] + bytes([made.content[-1] ^ 1])

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return list(self.state.asked)

    def asked_files(self) -> list[str]:
        """The wheels that were asked for, whole or in part."""
        return [each.removeprefix("/files/") for each in self.asked if each.endswith(".whl")]


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: Indexes

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_GET(self) -> None:
        path, owner = unquote(self.path), self.server.owner
        owner.state.asked.append(path)
        top, _, rest = path.strip("/").partition("/")
        if top == "files":
            self._hand_out(rest)
        elif owner.pages:
            self._tell(b"<html><body>Please log in.</body></html>", "text/html")
        elif top == "simple":
            self._list_as_json(rest)
        elif top == "whl":
            build, _, name = rest.partition("/")
            self._list_as_links(build, name)
        else:
            self._tell(b"", "text/plain", 404)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def _list_as_json(self, name: str) -> None:
        owner = self.server.owner
        wheels = owner.state.listed.get(("", name))
        if wheels is None:
            self._tell(b"{}", "application/json", 404)
            return
        files = [
            {
                "filename": each.file_name,
                "url": f"../../files/{each.file_name}",
                "size": len(each.content),
                "hashes": {"sha256": each.sha256} if owner.with_hashes else {},
                "core-metadata": owner.with_metadata and {"sha256": hashlib.sha256(each.metadata).hexdigest()},
                "yanked": False,
            }
            for each in wheels
        ]
        self._tell(json.dumps({"files": files}).encode(), "application/vnd.pypi.simple.v1+json")

    def _list_as_links(self, build: str, name: str) -> None:
        owner = self.server.owner
        wheels = owner.state.listed.get((build, name))
        if wheels is None:
            # As a store of files does that keeps to itself what it has.
            self._tell(b"", "application/xml", 403)
            return
        mark = ' data-dist-info-metadata="true"' if owner.with_metadata else ""
        links = (
            f'<a href="/files/{quote(each.file_name)}{f"#sha256={each.sha256}" if owner.with_hashes else ""}"{mark}>'
            f"{each.file_name}</a><br>"
            for each in wheels
        )
        self._tell(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode(), "text/html; charset=utf-8")

    def _hand_out(self, name: str) -> None:
        owner = self.server.owner
        data = owner.state.files.get(name)
        if data is None:
            self._tell(b"", "text/plain", 404)
            return
        wanted, code, total = self.headers.get("Range", ""), 200, len(data)
        self_etag = f'"{hashlib.sha256(data).hexdigest()[:12]}"'
        headers = {"ETag": self_etag}
        if wanted and owner.with_ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else max(0, total - int(last))
            end = min(total - 1, int(last)) if first and last else total - 1
            data, code = data[start : end + 1], 206
            headers["Content-Range"] = f"bytes {start}-{end}/{total}"
        self._tell(data, "application/octet-stream", code, headers, owner.cut_after if name.endswith(".whl") else 0)

    def _tell(
        self, body: bytes, kind: str, code: int = 200, headers: Mapping[str, str] | None = None, cut_after: int = 0
    ) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if cut_after and len(body) > cut_after:
            self.wfile.write(body[:cut_after])
            self.close_connection = True
            self.connection.close()
        else:
            self.wfile.write(body)
