"""The queue of downloads: one at a time, paused, resumed, cancelled, failed, closed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from tests.gui.release import Release
from tsdesktop.core.errors import Cancelled, WeightsError
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.downloads import Downloads
from tsdesktop.weights.packages import Package, package_named, packages
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

A, B, C = packages(catalogue())[:3]


@pytest.fixture
def release() -> Release:
    return Release()


@pytest.fixture
def queue(qtbot: QtBot, release: Release) -> Iterator[Downloads]:
    made = Downloads(None, release.download, release.forget)
    yield made
    made.close()


def states(queue: Downloads) -> dict[str, str]:
    return {each.package.folder: each.state for each in queue.items}


def soon(qtbot: QtBot, holds: Callable[[], bool]) -> None:
    qtbot.waitUntil(holds, timeout=5_000)


def test_one_at_a_time_in_order(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    queue.add([A, B])
    queue.add([C, A])
    assert states(queue) == {A.folder: "running", B.folder: "queued", C.folder: "queued"}
    for package in (A, B, C):
        soon(qtbot, lambda package=package: release.began[-1:] == [package.folder])  # type: ignore[misc]
        with qtbot.waitSignal(queue.finished, timeout=5_000) as caught:
            release.ends(package)
        assert caught.args == [package]
    assert release.began == [A.folder, B.folder, C.folder]
    assert queue.items == () and not queue.is_active
    assert queue.batch == (A, B, C), "how many there were is told until more is asked for"
    queue.add([B])
    assert queue.batch[0] == B and len(queue.batch) == 1


def test_progress_is_told_no_more_often_than_can_be_followed(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    heard: list[int] = []

    def hear() -> None:
        item = queue.item(A.folder)
        if item is not None and item.progress is not None and item.progress.done_bytes not in heard:
            heard.append(item.progress.done_bytes)

    queue.changed.connect(hear)
    queue.add([A])
    soon(qtbot, lambda: len(heard) >= 4)
    # A step of the download takes 5 ms or more, the queue tells every 100 ms.
    assert heard == sorted(heard) and len(heard) < max(heard) / 3


def test_paused_gives_way_to_the_next_and_goes_on_later(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    queue.add([A, B])
    soon(qtbot, lambda: release.began == [A.folder])
    queue.pause(A.folder)
    soon(qtbot, lambda: release.began == [A.folder, B.folder])
    assert states(queue) == {A.folder: "paused", B.folder: "running"}
    assert release.forgotten == []
    release.ends(B)
    soon(qtbot, lambda: states(queue) == {A.folder: "paused"})
    queue.resume(A.folder)
    soon(qtbot, lambda: release.began == [A.folder, B.folder, A.folder])


def test_paused_and_resumed_at_once(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    queue.add([A])
    soon(qtbot, lambda: release.began == [A.folder])
    queue.pause(A.folder)
    queue.resume(A.folder)
    assert states(queue) == {A.folder: "queued"}
    soon(qtbot, lambda: release.began == [A.folder, A.folder])
    assert states(queue) == {A.folder: "running"} and release.at_once == 1


def test_cancelled_while_under_way_forgets_the_bytes_once_it_has_stopped(
    qtbot: QtBot, queue: Downloads, release: Release
) -> None:
    queue.add([A, B])
    soon(qtbot, lambda: release.began == [A.folder])
    queue.cancel(A.folder)
    assert states(queue) == {B.folder: "queued"}
    soon(qtbot, lambda: release.began == [A.folder, B.folder])
    assert release.forgotten == [A.folder]
    assert queue.batch == (B,)


def test_cancelled_and_wanted_again_begins_anew(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    queue.add([A])
    soon(qtbot, lambda: release.began == [A.folder])
    queue.cancel(A.folder)
    queue.add([A])
    soon(qtbot, lambda: release.began == [A.folder, A.folder])
    assert release.forgotten == [A.folder]


def test_cancelled_while_it_waits(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    queue.add([A, B])
    queue.cancel(B.folder)
    queue.cancel("Dataset000_nothing")
    soon(qtbot, lambda: release.forgotten == [B.folder])
    assert states(queue) == {A.folder: "running"}


def test_a_failure_is_kept_with_its_item_and_the_next_begins(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    error = WeightsError("weights.broken", folder=A.folder, reason="x")
    queue.add([A, B])
    with qtbot.waitSignal(queue.failed, timeout=5_000) as caught:
        release.ends(A, error)
    assert caught.args == [A, error]
    item = queue.item(A.folder)
    assert item is not None and item.state == "failed" and item.error is error
    soon(qtbot, lambda: release.began == [A.folder, B.folder])
    queue.resume(A.folder)
    assert states(queue)[A.folder] == "queued"
    release.ends(B)
    soon(qtbot, lambda: release.began[2:] == [A.folder])
    again = queue.item(A.folder)
    assert again is not None and again.error is None


def test_an_error_of_what_was_paused_is_no_failure(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    queue.add([A])
    soon(qtbot, lambda: release.began == [A.folder])
    with qtbot.assertNotEmitted(queue.failed, wait=200):
        release.ends(A, OSError("the socket was shut down"))
        queue.pause(A.folder)
    assert states(queue) == {A.folder: "paused"}


def test_what_ends_in_the_moment_it_is_paused_is_here(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    queue.add([A])
    soon(qtbot, lambda: release.began == [A.folder])
    release.ends(A)
    # Without the event loop, so that the queue has not heard of it yet.
    while release.at_once:
        time.sleep(0.001)
    queue.pause(A.folder)
    with qtbot.waitSignal(queue.finished, timeout=5_000):
        pass
    assert queue.items == ()


def test_closing_stops_at_once_and_keeps_the_bytes(qtbot: QtBot, queue: Downloads, release: Release) -> None:
    queue.add([A, B])
    soon(qtbot, lambda: release.began == [A.folder])
    with qtbot.assertNotEmitted(queue.failed), qtbot.assertNotEmitted(queue.finished):
        queue.close()
    assert release.at_once == 0
    qtbot.wait(50)
    assert release.began == [A.folder] and release.forgotten == []


def test_a_download_that_hears_of_the_stop_only_from_its_listener(qtbot: QtBot) -> None:
    ended = threading.Event()

    def deaf(_package: Package, listen: Listen, _stop: Stop) -> None:
        try:
            while True:
                listen(Progress("unpacking"))
        except Cancelled:
            ended.set()
            raise

    queue = Downloads(None, deaf, lambda _: None)
    queue.add([A])
    soon(qtbot, lambda: (item := queue.item(A.folder)) is not None and item.progress is not None)
    queue.close()
    assert ended.is_set()


def test_a_package_is_named_as_its_folder() -> None:
    assert package_named(A.folder, catalogue()) == A
