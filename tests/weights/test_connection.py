"""Downloads that are stopped, certificates and proxies, and disks that cannot take the file."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
import trustme

from tests.weights.fetching import DATA, QUICK, fetched, ranges, source_at, told_by
from tests.weights.server import Fault, ReleaseServer
from tsdesktop.core.errors import Cancelled
from tsdesktop.core.settings import Settings, save_settings
from tsdesktop.weights.fetch import Patience, Source, fetch
from tsdesktop.weights.parts import Part, length_of
from tsdesktop.weights.progress import Progress
from tsdesktop.weights.stopping import Stop


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as started:
        started.add_file("x.zip", DATA)
        yield started


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "own" / ".downloads" / "x.part"


# ------------------------------------------------------------------ stopping


@pytest.mark.parametrize("at", [-1, 0, 100_000])
def test_a_read_that_waits_ends_when_stopped(at: int, server: ReleaseServer, part: Path) -> None:
    server.fail(Fault("stall", at=at))
    stop = Stop()
    took = _stopped_when(lambda: length_of(part) >= at if at > 0 else ranges(server), stop)
    with pytest.raises(Cancelled):
        fetch(source_at(server), part, lambda _: None, stop, replace(QUICK, read_s=30))
    assert took() < 0.5
    assert length_of(part) == max(0, at)


def test_connecting_ends_when_stopped(part: Path) -> None:
    """The queue of a socket that never accepts is full, so the next connection waits."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        others = [socket.socket() for _ in range(4)]
        for each in others:
            each.setblocking(False)
            each.connect_ex(silent.getsockname())
        stop, heard = Stop(), list[Progress]()
        took = _stopped_when(lambda: heard, stop)
        with pytest.raises(Cancelled):
            source = Source(f"http://127.0.0.1:{silent.getsockname()[1]}/x.zip", "x.zip")
            fetch(source, part, heard.append, stop, replace(QUICK, connect_s=2))
        assert took() < 0.5
        for each in others:
            each.close()


def test_a_pause_between_tries_ends_when_stopped(server: ReleaseServer, part: Path) -> None:
    server.always = Fault("status", code=503, retry_after="3600")
    stop, heard = Stop(), list[Progress]()

    def listen(progress: Progress) -> None:
        heard.append(progress)
        if progress.stage == "retrying":
            stop.set()

    with pytest.raises(Cancelled):
        fetch(source_at(server), part, listen, stop, Patience())
    # What a server asks for is heeded, within limits.
    assert 100 < heard[-1].retry_in_s <= 120


def test_nothing_is_asked_when_stopped_before(server: ReleaseServer, part: Path) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(Cancelled):
        fetch(source_at(server), part, lambda _: None, stop)
    assert not server.requests


def _stopped_when(ready: Callable[[], object], stop: Stop) -> Callable[[], float]:
    """Sets `stop` once it is `ready`, from another thread; the answer tells how long ago that was."""
    when: list[float] = []

    def work() -> None:
        end = time.monotonic() + 5
        while not ready() and time.monotonic() < end:
            time.sleep(0.01)
        when.append(time.monotonic())
        stop.set()

    thread = threading.Thread(target=work)
    thread.start()

    def took() -> float:
        now = time.monotonic()
        thread.join()
        return now - when[0]

    return took


# ------------------------------------------------------------------ certificates and proxies


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[ReleaseServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ReleaseServer(context) as started:
        started.add_file("x.zip", DATA)
        yield started


def test_a_certificate_nobody_vouches_for_is_said_at_once(secure: ReleaseServer, part: Path) -> None:
    error = told_by(source_at(secure), part)
    assert error.id == "weights.certificate"
    assert not secure.requests


def test_the_settings_name_more_certificates_to_trust(
    secure: ReleaseServer, part: Path, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "hospital.pem")
    save_settings(Settings(certificates=str(tmp_path / "hospital.pem")))
    secure.fail(Fault("cut", at=300_000))
    fetched(source_at(secure), part)
    assert part.read_bytes() == DATA


def test_the_environment_names_more_certificates_to_trust(
    secure: ReleaseServer, part: Path, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "hospital.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "hospital.pem"))
    fetched(source_at(secure), part)
    assert part.read_bytes() == DATA


def test_an_encrypted_read_that_waits_ends_when_stopped(
    secure: ReleaseServer, part: Path, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "hospital.pem")
    save_settings(Settings(certificates=str(tmp_path / "hospital.pem")))
    secure.fail(Fault("stall", at=100_000))
    stop = Stop()
    took = _stopped_when(lambda: length_of(part) >= 100_000, stop)
    with pytest.raises(Cancelled):
        fetch(source_at(secure), part, lambda _: None, stop, replace(QUICK, read_s=30))
    assert took() < 0.5
    assert part.read_bytes() == DATA[:100_000]


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_of_certificates_that_cannot_be_used_is_said(
    content: bytes | None, server: ReleaseServer, part: Path, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "hospital.pem").write_bytes(content)
    save_settings(Settings(certificates=str(tmp_path / "hospital.pem")))
    assert told_by(source_at(server), part).id == "weights.bad_certificates"
    assert not server.requests


def test_plain_http_where_encryption_is_expected(server: ReleaseServer, part: Path) -> None:
    address = source_at(server).address.replace("http://", "https://")
    assert told_by(Source(address, "x.zip"), part).id == "weights.no_safe_connection"


def test_the_proxy_of_the_settings_is_used_but_not_for_this_computer(server: ReleaseServer, part: Path) -> None:
    """A proxy is asked for whole addresses; this one knows none of them."""
    save_settings(Settings(proxy=server.url.removeprefix("http://")))
    assert told_by(Source("http://example.invalid/x.zip", "x.zip"), part).id == "weights.not_there"
    assert server.requests[-1].path == "http://example.invalid/x.zip"
    fetched(source_at(server), part)
    assert part.read_bytes() == DATA


def test_a_proxy_that_wants_a_name_is_said_at_once(server: ReleaseServer, part: Path) -> None:
    save_settings(Settings(proxy=server.url))
    assert told_by(Source("https://example.invalid/x.zip", "x.zip"), part).id == "weights.proxy_refused"
    assert [each.method for each in server.requests] == ["CONNECT"]


def test_the_proxy_of_the_system_is_used(server: ReleaseServer, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    told_by(Source("http://example.invalid/x.zip", "x.zip"), part)
    assert server.requests[-1].path == "http://example.invalid/x.zip"


@pytest.mark.parametrize("proxy", ["gopher://user:secret@proxy:1", "http://user:secret@proxy:port"])
def test_a_proxy_that_cannot_be_used_is_said_without_its_password(proxy: str, part: Path) -> None:
    save_settings(Settings(proxy=proxy))
    error = told_by(Source("http://example.invalid/x.zip", "x.zip"), part)
    assert error.id == "weights.bad_proxy"
    assert "secret" not in error.sentence


# ------------------------------------------------------------------ the disk


def test_a_folder_that_may_not_be_written_is_said(server: ReleaseServer, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("a file, where a folder should be")
    error = told_by(source_at(server), tmp_path / "own" / ".downloads" / "x.part")
    assert error.id == "weights.not_writable"
    assert not server.requests


def test_a_full_disk_is_said_and_what_has_arrived_is_kept(
    server: ReleaseServer, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    server.fail(Fault("cut", at=300_000))
    real, times = Part.appending, 0

    @contextmanager
    def appending(kept: Part) -> Iterator[BinaryIO]:
        nonlocal times
        times += 1
        if times == 1:
            with real(kept) as file:
                yield file
        else:
            with Path("/dev/full").open("ab", buffering=0) as full:
                yield full

    monkeypatch.setattr(Part, "appending", appending)
    assert told_by(source_at(server), part).id == "weights.disk_full"
    monkeypatch.undo()
    assert part.stat().st_size == 300_000
    fetched(source_at(server), part)
    assert part.read_bytes() == DATA


def test_the_note_says_what_the_part_is_of(server: ReleaseServer, part: Path) -> None:
    server.fail(Fault("cut", at=300_000), Fault("status", code=404))
    told_by(source_at(server), part)
    note = json.loads(part.with_suffix(".json").read_text())
    assert note["total"] == len(DATA)
    assert note["etag"].startswith('"')
    assert note["address"] == source_at(server).address
