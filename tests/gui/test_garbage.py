"""Python's collector and Qt: cycles are freed on the main thread, whichever thread allocates."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest
from pytestqt.qtbot import QtBot

from tsdesktop.gui.garbage import MainThreadCollector


class _Cycle:
    freed_in: ClassVar[list[str]] = []

    def __init__(self) -> None:
        self.own = self

    def __del__(self) -> None:
        self.freed_in.append(threading.current_thread().name)


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[MainThreadCollector]:
    was_on = gc.isenabled()
    made = MainThreadCollector()
    yield made
    made.stop()
    if not was_on:
        gc.disable()


def allocate_much() -> None:
    for _ in range(5):
        [[] for _ in range(20_000)]


def test_cycles_are_freed_on_the_main_thread_only(collector: MainThreadCollector) -> None:
    _Cycle.freed_in.clear()
    _Cycle()
    other = threading.Thread(target=allocate_much)
    other.start()
    other.join()
    assert _Cycle.freed_in == []
    kept = [[] for _ in range(5_000)]  # type: ignore[var-annotated]
    collector.collect_if_due()
    assert len(kept) == 5_000
    assert _Cycle.freed_in == [threading.main_thread().name]


def test_afterwards_the_collector_works_as_usual(qtbot: QtBot) -> None:
    was_on = gc.isenabled()
    MainThreadCollector().stop()
    assert gc.isenabled()
    if not was_on:
        gc.disable()
