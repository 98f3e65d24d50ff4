"""What the licence server says, and all that only looks like an answer: a real server on loopback, real TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from tests.weights.licence_stand_in import REJECTED, VALID, LicenceServer, address_of, running
from tsdesktop.core.errors import LicenceError
from tsdesktop.core.settings import Settings, save_settings
from tsdesktop.weights.licence import enter_licence, store_licence, stored_licence
from tsdesktop.weights.licence_server import LICENCE_SERVER, SERVER_VARIABLE, ask_server, server_address

NUMBER = "aca_" + "A1b2C3d4E5f6G7"
PORTAL = b"<html><title>Welcome to Hotel Seeblick</title>valid_license</html>"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LicenceServer]:
    with running() as made:
        monkeypatch.setenv(SERVER_VARIABLE, address_of(made))
        yield made


def test_the_number_is_asked_about_as_upstream_does(server: LicenceServer) -> None:
    assert ask_server(NUMBER) == "valid"
    assert server.asked == [("POST", "/is_valid_license_number", {"license_number": NUMBER})]


def test_only_the_servers_own_no_rejects(server: LicenceServer) -> None:
    server.body = REJECTED
    assert ask_server(NUMBER) == "rejected"
    server.code = 403
    assert ask_server(NUMBER) == "rejected"


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (200, PORTAL),
        (200, b""),
        (200, b'{"status": "valid'),
        (200, b'["valid_license"]'),
        (200, b'{"status": true}'),
        (200, b'{"status": "busy"}'),
        (200, b'{"error": "invalid_license"}'),
        (200, b"[" * 60_000),
        (200, b" " * 70_000 + VALID),
        (200, b"\xff\xfe\x00"),
        (403, b"<html>blocked by the proxy</html>"),
        (407, b'{"error": "proxy authentication required"}'),
        (404, b'{"detail": "Not Found"}'),
        (429, b'{"detail": "slow down"}'),
        (500, b"Internal Server Error"),
        (500, REJECTED),
        (500, VALID),
        (502, b""),
        (503, PORTAL),
    ],
)
def test_anything_else_says_nothing_of_the_licence(server: LicenceServer, code: int, body: bytes) -> None:
    server.code, server.body = code, body
    assert enter_licence(NUMBER) == "unreachable"
    assert stored_licence() == NUMBER


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_the_number_is_not_taken_elsewhere(server: LicenceServer, code: int) -> None:
    with running() as portal:
        server.code, server.headers = code, {"Location": f"{address_of(portal)}/login"}
        assert ask_server(NUMBER) == "unreachable"
        assert portal.asked == []


def test_a_server_that_does_not_answer_in_time(server: LicenceServer) -> None:
    server.hold = threading.Event()
    assert ask_server(NUMBER, patience_s=0.2) == "unreachable"
    assert len(server.asked) == 1


def test_an_answer_that_comes_drop_by_drop_is_given_up(server: LicenceServer) -> None:
    server.drips = len(VALID)
    assert ask_server(NUMBER, patience_s=0.3) == "unreachable"


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv(SERVER_VARIABLE, f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert ask_server(NUMBER) == "unreachable"


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, "https://licence.invalid")
    assert ask_server(NUMBER) == "unreachable"


def test_a_name_that_is_looked_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        end.wait(30)
        raise OSError("no answer")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setenv(SERVER_VARIABLE, "https://licence.example")
    assert ask_server(NUMBER, patience_s=0.3) == "unreachable"
    end.set()


def test_a_proxy_in_the_settings_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, "https://licence.invalid")
    save_settings(replace(Settings(), proxy="http://127.0.0.1:1"))
    assert ask_server(NUMBER) == "unreachable"


def test_a_certificate_counts_once_it_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running(context) as server:
        monkeypatch.setenv(SERVER_VARIABLE, address_of(server, tls=True))
        assert enter_licence(NUMBER) == "unreachable"
        assert (server.asked, stored_licence()) == ([], NUMBER)
        authority.cert_pem.write_to_path(tmp_path / "hospital.pem")
        save_settings(replace(Settings(), certificates=str(tmp_path / "hospital.pem")))
        assert ask_server(NUMBER) == "valid"
        server.body = REJECTED
        assert ask_server(NUMBER) == "rejected"


def test_a_certificate_for_another_name_is_not_this_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "hospital.pem")
    save_settings(replace(Settings(), certificates=str(tmp_path / "hospital.pem")))
    with running(context) as server:
        monkeypatch.setenv(SERVER_VARIABLE, address_of(server, tls=True))
        assert (ask_server(NUMBER), server.asked) == ("unreachable", [])


def test_a_file_of_certificates_that_is_gone_says_nothing_of_the_licence(server: LicenceServer) -> None:
    save_settings(replace(Settings(), certificates="/nowhere/hospital.pem"))
    assert (ask_server(NUMBER), server.asked) == ("unreachable", [])


def test_a_rejected_number_leaves_the_earlier_one(server: LicenceServer) -> None:
    earlier = NUMBER[:-1] + "8"
    store_licence(earlier)
    server.body = REJECTED
    assert (enter_licence(NUMBER), stored_licence()) == ("rejected", earlier)


@pytest.mark.parametrize("address", ["http://licence.example", "ftp://127.0.0.1", "licence.example", "https://"])
def test_the_number_is_never_sent_unencrypted(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, address)
    with pytest.raises(LicenceError) as caught:
        ask_server(NUMBER)
    assert caught.value.id == "licence.address"


def test_the_makers_server_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SERVER_VARIABLE)
    assert server_address("download_weights") == f"{LICENCE_SERVER}/download_weights"
    monkeypatch.setenv(SERVER_VARIABLE, "https://licence.example/base/")
    assert server_address("/download_weights") == "https://licence.example/base/download_weights"
