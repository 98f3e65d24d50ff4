"""Looking for a newer version: one question on a click, one sentence for every answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction, QDesktopServices
from pytestqt.qtbot import QtBot

import tsdesktop
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.settings import Settings
from tsdesktop.gui.releases import Release, latest_release, release_address
from tsdesktop.gui.report import RecentLines
from tsdesktop.gui.window import MainWindow

PAGE = "https://github.com/someone/tsdesktop/releases/tag/v7.1.0"


@dataclass
class ReleasePage:
    """What the server answers, and what it was asked."""

    address: str = ""
    code: int = 200
    kind: str = "application/json"
    body: bytes = b""
    asked: list[dict[str, str]] = field(default_factory=list)

    def tells(self, version: str, page: str = PAGE) -> None:
        self.body = json.dumps({"tag_name": version, "html_url": page, "assets": []}).encode()


@pytest.fixture
def page() -> Iterator[ReleasePage]:
    page = ReleasePage()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page.asked.append(dict(self.headers))
            self.send_response(page.code)
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    page.address = f"http://127.0.0.1:{server.server_port}/latest"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield page
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("told", "newer"),
    [("v7.1.0", True), ("0.1.1", True), ("v0.10.0", True), ("v0.1.0", False), ("0.1", False), ("0.0.9", False)],
)
def test_versions_are_compared_as_numbers(page: ReleasePage, told: str, newer: bool) -> None:
    page.tells(told)
    release = latest_release(page.address)
    assert release is not None and release.is_newer is newer, tsdesktop.__version__


def test_only_the_programs_name_and_version_are_sent(page: ReleasePage) -> None:
    page.tells("v7.1.0")
    assert latest_release(page.address) == Release("7.1.0", PAGE)
    (asked,) = page.asked
    assert asked["User-Agent"] == f"tsdesktop/{tsdesktop.__version__}"
    assert not {"Cookie", "Authorization", "Referer"} & set(asked)


def test_no_release_yet_is_no_error(page: ReleasePage) -> None:
    page.code = 404
    assert latest_release(page.address) is None


@pytest.mark.parametrize(
    ("code", "kind", "body", "said"),
    [
        (403, "application/json", b"{}", "weights.busy"),
        (429, "application/json", b"{}", "weights.busy"),
        (500, "text/html", b"<html>", "weights.server_failed"),
        (200, "text/html; charset=utf-8", b"<html>log in</html>", "weights.login_page"),
        (200, "application/json", b"{", "weights.wrong_answer"),
        (200, "application/json", b"[]", "weights.wrong_answer"),
        (200, "application/json", b'{"tag_name": "nightly", "html_url": "https://x.org"}', "weights.wrong_answer"),
        (200, "application/json", b'{"tag_name": "v9", "html_url": "file:///etc/passwd"}', "weights.wrong_answer"),
        (200, "application/json", b" " * 2_000_000, "weights.wrong_answer"),
    ],
)
def test_every_other_answer_has_a_sentence(page: ReleasePage, code: int, kind: str, body: bytes, said: str) -> None:
    page.code, page.kind, page.body = code, kind, body
    with pytest.raises(WeightsError) as caught:
        latest_release(page.address)
    assert caught.value.id == said


@pytest.mark.parametrize(
    ("address", "said"),
    [("http://127.0.0.1:9/latest", "weights.unreachable"), ("gopher://here", "weights.bad_address")],
)
def test_nobody_there(address: str, said: str) -> None:
    with pytest.raises(WeightsError) as caught:
        latest_release(address)
    assert caught.value.id == said


def test_the_address_follows_from_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSDESKTOP_VERSION_API", raising=False)
    assert release_address("") == ""
    expected = "https://api.github.com/repos/someone/tsdesktop/releases/latest"
    assert release_address("https://github.com/someone/tsdesktop") == expected
    assert release_address("https://github.com/someone/tsdesktop.git/") == expected
    monkeypatch.setenv("TSDESKTOP_VERSION_API", "https://mirror.hospital.org/latest")
    assert release_address("") == "https://mirror.hospital.org/latest"


@pytest.fixture
def window(qtbot: QtBot, page: ReleasePage, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setenv("TSDESKTOP_VERSION_API", page.address)
    window = MainWindow(Settings(language="en"), RecentLines())
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


def entry(window: MainWindow) -> QAction:
    return next(each for each in window.findChildren(QAction) if each.text() == "Look for a new version…")


def test_the_window_asks_only_when_it_is_clicked(
    qtbot: QtBot, window: MainWindow, page: ReleasePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    page.tells("v7.1.0")
    qtbot.wait(200)
    assert page.asked == []
    entry(window).trigger()
    entry(window).trigger()
    line = window.centre.notes
    qtbot.waitUntil(lambda: "7.1.0" in line.said)
    assert line.said.startswith("Version 7.1.0 is there; this is 0.1.0.") and len(page.asked) == 1
    page.tells("v0.1.0")
    entry(window).trigger()
    qtbot.waitUntil(lambda: "newest version" in line.said)
    page.code, page.body = 500, b""
    entry(window).trigger()
    qtbot.waitUntil(lambda: "has a fault (answer 500)" in line.said)
    assert "what has arrived" not in line.said and opened == []


def test_a_click_opens_the_page_of_the_release(
    qtbot: QtBot, window: MainWindow, page: ReleasePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    page.tells("v7.1.0")
    window.releases.look()
    qtbot.waitUntil(lambda: "7.1.0" in window.centre.notes.said)
    qtbot.waitUntil(lambda: any(each.text() == "Open its page" for each in buttons(window)))
    next(each for each in buttons(window) if each.text() == "Open its page").click()
    assert opened == [QUrl(PAGE)]


def buttons(window: MainWindow) -> list[Any]:
    from PySide6.QtWidgets import QAbstractButton

    return window.centre.notes.findChildren(QAbstractButton)


def test_without_an_address_nothing_is_offered(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSDESKTOP_VERSION_API", raising=False)
    if release_address():
        pytest.skip("this program knows where its releases are")
    window = MainWindow(Settings(language="en"), RecentLines())
    qtbot.addWidget(window)
    assert not entry(window).isVisible()
    window.close()
