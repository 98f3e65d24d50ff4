"""What a command costs: wall and CPU seconds of all its processes, and the peak of the memory they hold together.

Memory is the proportional set size (PSS: pages shared by several processes are counted once), summed over every process
below this one, sampled from /proc every 50 ms, or more seldom where that would take more than a twelfth of a core; None
where the system has no /proc.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_S = 0.05
# Of one core, at most, for looking: adding up the pages of gigabytes takes a while.
_SHARE = 0.08
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Usage:
    """The cost of one command; `returncode` as the shell tells it."""

    wall_s: float
    cpu_s: float
    peak_mb: float | None
    returncode: int


def measured(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    *,
    limit_s: float = 7200.0,
    beside: Sequence[int] = (),
) -> Usage:
    """Runs `command` to its end, its output in `log`. Processes it leaves behind are waited for, and count.

    `beside` are processes that go on meanwhile and are none of the command's.
    """
    _adopt_orphans()
    log.parent.mkdir(parents=True, exist_ok=True)
    before, began = _children_cpu_s(), time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        watch = MemoryWatch(lambda: below(os.getpid(), beside))
        try:
            returncode = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            returncode = process.wait()
    wall_s, peak_mb = time.perf_counter() - began, watch.stop()
    _reap(beside)
    return Usage(wall_s, _children_cpu_s() - before, peak_mb, returncode)


class MemoryWatch:
    """Samples the memory of some processes until it is stopped."""

    def __init__(self, processes: Callable[[], Iterable[int]]) -> None:
        self._processes = processes
        self._most_kb = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float | None:
        """Ends, and gives the peak in MB."""
        self._stop.set()
        self._thread.join()
        return self._most_kb * 1024 / 1e6 if self._most_kb else None

    def _watch(self) -> None:
        pause_s = _EVERY_S
        while not self._stop.wait(pause_s):
            began, processes = time.perf_counter(), list(self._processes())
            # Shared pages counted several times give an upper bound, and cost next to nothing.
            if sum(_rss_kb(pid) for pid in processes) > self._most_kb:
                self._most_kb = max(self._most_kb, sum(_pss_kb(pid) for pid in processes))
            pause_s = max(_EVERY_S, (time.perf_counter() - began) / _SHARE)


def below(pid: int, but: Sequence[int] = ()) -> Iterator[int]:
    """Every process below `pid`, without `but` and what is below that."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:
            continue
        for child in map(int, children):
            if child not in but:
                yield child
                yield from below(child, but)


def _rss_kb(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _pss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _adopt_orphans() -> None:
    """Processes whose parent has ended become this process's own: their time counts, too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap(beside: Sequence[int], limit_s: float = 20.0) -> None:
    until = time.monotonic() + limit_s
    while time.monotonic() < until and any(below(os.getpid(), beside)):
        for pid in list(below(os.getpid(), beside)):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)
