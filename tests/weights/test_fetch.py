"""The real download code against a real server with faults on command: what heals, what is said, what is kept."""

from __future__ import annotations

import logging
import random
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.weights.fetching import DATA, NUMBER, QUICK, fetched, ranges, source_at, told_by
from tests.weights.server import Fault, ReleaseServer
from tsdesktop.core.errors import LicenceError, WeightsError
from tsdesktop.weights.fetch import Source, fetch
from tsdesktop.weights.progress import Meter, Progress
from tsdesktop.weights.stopping import Stop


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as started:
        started.add_file("x.zip", DATA)
        yield started


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "own" / ".downloads" / "x.part"


# each heals by itself; how often the store is asked
HEALING = {
    "nothing wrong": ((), 1),
    "cut before the answer": ((Fault("cut", at=-1),), 2),
    "cut before the first byte": ((Fault("cut", at=0),), 2),
    "cut after the first byte": ((Fault("cut", at=1),), 2),
    "cut at the last byte": ((Fault("cut", at=len(DATA) - 1),), 2),
    "cut many times": (tuple(Fault("cut", at=50_000) for _ in range(9)), 10),
    "stalls before the answer": ((Fault("stall", at=-1),), 2),
    "stalls in the middle": ((Fault("stall", at=90_000),), 2),
    "drips": ((Fault("drip", at=90_000, seconds=0.02),), 2),
    "busy": ((Fault("status", code=429, retry_after="0"),), 2),
    "busy until a date long past": ((Fault("status", code=503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),), 2),
    "fault of the server": ((Fault("status", code=500), Fault("status", code=503), Fault("status", code=504)), 4),
    "wrong bytes": ((Fault("wrong_bytes", at=1_000),), 2),
    "wrong bytes in the rest": ((Fault("cut", at=9_000), Fault("wrong_bytes", at=1_000)), 3),
    "not even a zip": ((Fault("wrong_bytes", at=0),), 2),
    "too short": ((Fault("short", at=1),), 2),
    "too long": ((Fault("long", at=1),), 2),
    "more than it says": ((Fault("too_much"),), 1),
    "goes in circles": ((Fault("loop"),), 1),
    "no ranges": ((Fault("cut", at=9_000), Fault("no_range")), 2),
    "a range from elsewhere": ((Fault("cut", at=9_000), Fault("wrong_range")), 3),
    "no length": ((Fault("chunked"),), 1),
    "no length and cut": ((Fault("chunked", at=9_000),), 2),
    "another version meanwhile": ((Fault("cut", at=9_000), Fault("changed")), 2),
    "no version told": ((Fault("cut", at=9_000), Fault("untold")), 2),
}


@pytest.mark.parametrize("name", HEALING)
def test_heals(name: str, server: ReleaseServer, part: Path) -> None:
    faults, times = HEALING[name]
    server.fail(*faults)
    heard = fetched(source_at(server), part)
    assert part.read_bytes() == DATA
    assert len(ranges(server)) == times
    assert heard[0].stage == "connecting"
    assert {each.name for each in part.parent.iterdir()} == {"x.part", "x.json"}


@pytest.mark.parametrize("validators", ["strong", "weak", "date", "none"])
def test_goes_on_where_it_stopped(validators: str, server: ReleaseServer, part: Path) -> None:
    server.validators = validators  # type: ignore[assignment]
    server.fail(Fault("cut", at=300_000))
    fetched(source_at(server), part)
    assert ranges(server) == ["", "bytes=300000-"]
    # Every try begins at the release page: the address it leads on to is good for one request.
    assert server.paths.count("/download/v2.0.0-weights/x.zip") == 2


@pytest.mark.parametrize("validators", ["strong", "weak", "date"])
def test_another_version_is_never_mixed_with_the_first(validators: str, server: ReleaseServer, part: Path) -> None:
    server.validators = validators  # type: ignore[assignment]
    other = b"PK\3\4" + bytes(len(DATA) - 4)
    server.fail(Fault("cut", at=300_000), Fault("status", code=404))
    told_by(source_at(server), part)
    server.add_file("x.zip", other)
    fetched(source_at(server, sha256=""), part)
    assert part.read_bytes() == other


def test_without_any_version_another_length_means_another_file(server: ReleaseServer, part: Path) -> None:
    server.validators = "none"
    server.fail(Fault("cut", at=300_000), Fault("status", code=404))
    told_by(source_at(server), part)
    other = b"PK\3\4" + bytes(len(DATA))
    server.add_file("x.zip", other)
    fetched(source_at(server, sha256="", expected_bytes=None), part)
    assert part.read_bytes() == other


def test_a_part_of_another_address_is_not_gone_on_with(server: ReleaseServer, part: Path) -> None:
    server.fail(Fault("cut", at=300_000), Fault("status", code=404))
    told_by(source_at(server), part)
    server.add_file("y.zip", DATA)
    fetched(source_at(server, "y.zip"), part)
    assert ranges(server)[-1] == ""


@pytest.mark.parametrize("note", ["", "{", "[]", '{"address": 1}'])
def test_a_part_without_its_note_is_begun_again(note: str, server: ReleaseServer, part: Path) -> None:
    part.parent.mkdir(parents=True)
    part.write_bytes(b"from somewhere")
    part.with_suffix(".json").write_text(note)
    fetched(source_at(server), part)
    assert ranges(server) == [""]
    assert part.read_bytes() == DATA


def test_a_whole_part_is_not_asked_for_again(server: ReleaseServer, part: Path) -> None:
    fetched(source_at(server), part)
    fetched(source_at(server), part)
    assert len(ranges(server)) == 1


# what is said, and whether what had arrived before is kept
SAID = {
    "not there": (Fault("status", code=404), "weights.not_there", 1),
    "gone": (Fault("status", code=410), "weights.not_there", 1),
    "forbidden": (Fault("status", code=403), "weights.refused", 1),
    "login needed": (Fault("status", code=401), "weights.refused", 1),
    "busy": (Fault("status", code=429), "weights.busy", 4),
    "broken": (Fault("status", code=500), "weights.server_failed", 4),
    "page": (Fault("page"), "weights.login_page", 1),
    "led to a login": (Fault("login"), "weights.login_page", 0),
    "network asks for a login": (Fault("status", code=511), "weights.login_page", 1),
    "circles": (Fault("loop"), "weights.wrong_answer", 0),
    "always cut": (Fault("cut", at=0), "weights.interrupted", 4),
    "never answers": (Fault("stall", at=-1), "weights.no_answer", 4),
    "only drips": (Fault("drip", at=0, seconds=0.02), "weights.too_slow", 4),
}


@pytest.mark.parametrize("name", SAID)
def test_is_said_in_plain_words_and_keeps_what_has_arrived(name: str, server: ReleaseServer, part: Path) -> None:
    fault, id, times = SAID[name]
    server.fail(Fault("cut", at=200_000))
    server.always = fault
    error = told_by(source_at(server), part)
    assert error.id == id
    assert len(ranges(server)) == 1 + times
    assert 200_000 <= part.stat().st_size < 201_000
    assert "sig=" not in f"{error.sentence}{error.hint}"
    server.always = Fault("none")
    fetched(source_at(server), part)
    assert part.read_bytes() == DATA


def test_bytes_that_are_always_wrong_are_said_and_thrown_away(server: ReleaseServer, part: Path) -> None:
    server.always = Fault("wrong_bytes", at=5_000)
    error = told_by(source_at(server), part)
    assert error.id == "weights.wrong_bytes"
    assert error.arguments["count"] == 3 == len(ranges(server))
    assert not list(part.parent.iterdir())


def test_a_length_the_catalogue_does_not_know_is_believed_in_the_end(server: ReleaseServer, part: Path) -> None:
    server.add_file("x.zip", DATA[:-7])
    fetched(source_at(server, sha256=""), part)
    assert part.read_bytes() == DATA[:-7]
    assert len(ranges(server)) == 3


def test_nobody_there(part: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/x.zip"
    assert told_by(Source(address, "x.zip"), part).id == "weights.unreachable"


@pytest.mark.parametrize(
    "address", ["ftp://127.0.0.1/x.zip", "nowhere", "http://127.0.0.1:port/x.zip", "file:///etc/passwd"]
)
def test_no_address(address: str, part: Path) -> None:
    assert told_by(Source(address, "x.zip"), part).id == "weights.bad_address"


# ------------------------------------------------------------------ what is told


def test_speed_and_time_left_are_smooth_and_not_told_too_often() -> None:
    now, heard = 0.0, list[Progress]()
    meter = Meter(heard.append, "downloading", 1_024_000, lambda: now)
    for step in range(1025):
        now = step / 128
        meter.moved(step * 1_000)
    # Told at most every tenth of a second, here every 13 steps, and at the end.
    assert len(heard) == 1 + 1024 // 13 + 1
    assert heard[-1].share == 1
    for each in heard[8:]:
        assert each.bytes_per_s == pytest.approx(128_000)
        assert each.seconds_left == pytest.approx((1_024_000 - each.done_bytes) / 128_000)


def test_the_last_seconds_decide_the_speed() -> None:
    now, heard = 0.0, list[Progress]()
    meter = Meter(heard.append, "downloading", None, lambda: now)
    for step in range(300):
        now = step / 8
        meter.moved(min(step, 200) * 1_000)
    assert [each.done_bytes for each in heard[:3]] == [0, 1_000, 2_000]
    assert heard[150].bytes_per_s == pytest.approx(8_000)
    assert heard[-1].bytes_per_s == 0
    assert heard[-1].seconds_left is None


def test_pauses_grow_and_are_told(server: ReleaseServer, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.always = Fault("status", code=500)
    waited: list[float] = []
    monkeypatch.setattr(Stop, "wait", lambda _, seconds: waited.append(seconds))
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    monkeypatch.setattr(time, "monotonic", lambda: 1_000.0 + sum(waited))
    heard = list[Progress]()
    with pytest.raises(WeightsError):
        fetch(source_at(server), part, heard.append, Stop(), replace(QUICK, tries=5, first_wait_s=1, most_wait_s=5))
    told = [each.retry_in_s for each in heard if each.stage == "retrying"]
    assert told == [1, 2, 1, 4, 3, 2, 1, 5, 4, 3, 2, 1]


def test_neither_log_nor_note_holds_signatures_names_or_the_licence_number(
    server: ReleaseServer, part: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fail(Fault("cut", at=9_000), Fault("status", code=500))
    address = source_at(server).address.replace("http://", "http://user:secret@") + "?token=secret"
    fetched(source_at(server, address=address), part)
    server.licences[NUMBER] = "valid_license"
    server.add_licensed("heart", DATA)
    server.fail(Fault("cut", at=9_000))
    body = {"license_number": NUMBER, "task": "heart", "version": "2.18.0"}
    other = part.with_name("y.part")
    fetched(Source(f"{server.url}/download_weights", "y.zip", len(DATA), body=body), other)
    kept = caplog.text + "".join(each.read_text() for each in part.parent.glob("*.json*"))
    for each in ("sig=", "secret", NUMBER):
        assert each not in kept
    assert other.read_bytes() == DATA


# ------------------------------------------------------------------ licence server


def test_a_rejected_number_is_said_and_a_failing_server_is_not_a_rejection(server: ReleaseServer, part: Path) -> None:
    server.add_licensed("heart", DATA)
    body = {"license_number": NUMBER, "task": "heart", "version": "2.18.0"}
    source = Source(f"{server.url}/download_weights", "y.zip", None, body=body)
    with pytest.raises(LicenceError) as caught:
        fetched(source, part)
    assert caught.value.id == "licence.rejected"
    assert NUMBER not in caught.value.sentence
    server.licences[NUMBER] = "valid_license"
    for fault, id in ((Fault("status", code=500), "weights.server_failed"), (Fault("page"), "weights.login_page")):
        server.always = fault
        assert told_by(source, part).id == id
    server.always = Fault("none")
    fetched(source, part)
    assert part.read_bytes() == DATA


def test_the_number_is_not_taken_elsewhere(server: ReleaseServer, part: Path) -> None:
    """A server that leads a question with the number in it on to another address, in the way that repeats it there."""
    server.fail(Fault("login"))
    source = Source(f"{server.url}/download_weights", "y.zip", None, body={"license_number": NUMBER})
    assert told_by(source, part).id == "weights.wrong_answer"
    assert server.paths == ["/download_weights"]
