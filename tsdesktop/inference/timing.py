"""How long the processor needs for something, told apart from what other programs make it wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

# Times are taken this often, as the first one has other costs, but not again once this many seconds are gone.
_TIMES, _TIMED_S = 4, 2.0
T = TypeVar("T")


def timed(compute: Callable[[], T]) -> tuple[T, float]:
    """What it computes, and the processor's shortest time for it in seconds, all cores together."""
    times: list[float] = []
    while not times or (len(times) < _TIMES and sum(times) < _TIMED_S):
        began = time.process_time()
        result = compute()
        times.append(time.process_time() - began)
    return result, min(times)
