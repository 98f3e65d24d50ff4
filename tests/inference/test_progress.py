"""The time left is true while speeds differ and change, and the share of progress never falls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.geometry import Geometry
from tsdesktop.inference.progress import Meter
from tsdesktop.jobs.estimate import Work
from tsdesktop.jobs.messages import Message, Progress


class Clock:
    """A clock that only moves when it is told to, and a meter that goes by it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[tuple[float, Progress]] = []
        self.meter = Meter(self._hear, lambda: False, lambda: self.now)

    def _hear(self, message: Message) -> None:
        assert isinstance(message, Progress)
        self.told.append((self.now, message))

    def windows(self, count: int, seconds: float, voxels: int = 1000, *, first: float | None = None) -> None:
        """A network of so many windows, of which the first takes longer."""
        self.meter.begin("total", voxels, (1, 1, count))
        for number in range(1, count + 1):
            self.now += first if first is not None and number == 1 else seconds
            self.meter.tile("total", voxels, (1, 1, number, count))

    @contextmanager
    def around(self, expected_s: float, really_s: float) -> Iterator[None]:
        with self.meter.around("resampling", expected_s):
            self.now += really_s
            yield

    def errors(self, since: float = 0.1) -> list[float]:
        """Of the predicted whole, for every message from this share of the time on."""
        whole = self.now - 100.0
        return [
            abs(at - 100.0 + told.seconds_left - whole) / whole
            for at, told in self.told
            if told.seconds_left is not None and at - 100.0 >= since * whole
        ]

    def shares(self) -> list[float]:
        return [told.share for _, told in self.told]


def test_time_left_is_right_when_the_first_window_and_the_steps_around_are_slow() -> None:
    clock = Clock()
    clock.meter.plan(Work(40_000, 4.0))
    with clock.around(2.0, 5.0):
        pass
    clock.windows(40, 1.0, first=4.0)
    with clock.around(2.0, 5.0):
        pass
    assert max(clock.errors()[1:]) < 0.2, "one window alone tells nothing of the others"
    assert clock.shares() == sorted(clock.shares())


def test_a_network_with_another_speed_is_learned_from_its_first_windows() -> None:
    clock = Clock()
    clock.meter.plan(Work(4_000 + 60_000, 0.0))
    clock.windows(4, 0.2)
    clock.windows(60, 1.0)
    assert max(clock.errors()) < 0.2


def test_a_computer_that_becomes_slower_is_noticed() -> None:
    clock = Clock()
    clock.meter.plan(Work(60_000, 0.0))
    clock.meter.begin("total", 1000, (1, 1, 60))
    for number in range(1, 61):
        clock.now += 1.0 if number <= 20 else 1.5
        clock.meter.tile("total", 1000, (1, 1, number, 60))
    assert max(clock.errors(since=0.5)) < 0.2
    assert clock.shares() == sorted(clock.shares())


def test_the_share_is_one_of_time_and_not_of_windows() -> None:
    clock = Clock()
    clock.meter.plan(Work(20_000, 20.0))
    clock.windows(20, 1.0)
    assert clock.shares()[-1] == pytest.approx(0.5, abs=0.02)


def test_nothing_is_told_before_anything_is_known() -> None:
    clock = Clock()
    clock.meter.plan(Work(1000_000, 1.0))
    with clock.around(1.0, 1.0):
        pass
    clock.meter.begin("total", 1000, (1, 1, 1000))
    assert [told.seconds_left for _, told in clock.told] == [None, None]
    assert (clock.told[-1][1].tile, clock.told[-1][1].tiles) == (0, 1000)


def test_work_that_was_not_planned_never_makes_time_negative() -> None:
    clock = Clock()
    clock.meter.plan(Work(1000, 0.0))
    clock.windows(5, 1.0)
    assert all(told.seconds_left is None or told.seconds_left >= 0.0 for _, told in clock.told)
    assert max(clock.shares()) < 1.0
    clock.meter.done("writing")
    assert clock.shares()[-1] == 1.0


def test_every_call_notices_the_wish_to_stop() -> None:
    meter = Meter(lambda _: None, lambda: True)
    with pytest.raises(Cancelled):
        meter.stage("resampling")
    with pytest.raises(Cancelled):
        meter.begin("total", 10, (1, 1, 3))
    with pytest.raises(Cancelled):
        meter.tile("total", 10, (1, 1, 1, 3))
    with pytest.raises(Cancelled):
        meter.share("air", 0.5)


def test_a_bigger_scan_is_more_work_around_the_networks_too() -> None:
    from tsdesktop.jobs.estimate import whole_run
    from tsdesktop.jobs.plan import CropPlan, Plan

    small, large = (Geometry((n, n, n), np.diag([1.0, 1.0, 1.0, 1.0])) for n in (100, 200))
    plan = Plan("total", (3.0, 3.0, 3.0), 0.8, ())
    cropped = Plan("total", (3.0, 3.0, 3.0), 0.8, (), crop=CropPlan(plan, (), 3.0, "the body"))
    assert whole_run(plan, large).around_s == pytest.approx(8 * whole_run(plan, small).around_s, rel=0.05)
    assert whole_run(plan, large).around_s < whole_run(cropped, large).around_s < 2 * whole_run(plan, large).around_s
