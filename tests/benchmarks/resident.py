"""One program kept in memory, run again and again: a line "go" in, a line of JSON with the cost of that run out.

    python resident.py ours|peer SCAN OUT OPTIONS    OPTIONS: JSON, as `tsdesktop.Options` or `totalsegmentator()` take

Run by `tests.benchmarks.speed` in the environment of the one or the other, and so on the standard library alone.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Runner = Callable[[], object]


def ours(scan: str, out: str, options: dict[str, Any]) -> Runner:
    """A run with one engine for all; nothing of an earlier result is reused."""
    tsdesktop = importlib.import_module("tsdesktop")
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    engine = tsdesktop.Engine()

    def once() -> object:
        result = tsdesktop.segment(scan, engine=engine, cache=False, device="cpu", overwrite=True, **options)
        return tsdesktop.export(result, out)

    return once


def peer(scan: str, out: str, options: dict[str, Any]) -> Runner:
    """A call of the peer's Python function."""
    call = importlib.import_module("totalsegmentator.python_api").totalsegmentator
    return lambda: call(scan, out, device="cpu", **options)


def cpu_s() -> float:
    """Of this process and all below it, ended ones included."""
    ticks = 0
    for pid in (os.getpid(), *_below(os.getpid())):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _below(pid: int) -> Iterator[int]:
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:
            continue
        for child in map(int, children):
            yield child
            yield from _below(child)


def main() -> None:
    """Runs whenever it is told to. What the programs print goes to the error stream, answers to the output."""
    which, scan, out, options = sys.argv[1:5]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    once = {"ours": ours, "peer": peer}[which](scan, out, json.loads(options))
    for _ in sys.stdin:
        began, used = time.perf_counter(), cpu_s()
        once()
        cost = {"wall_s": time.perf_counter() - began, "cpu_s": cpu_s() - used}
        answers.write(json.dumps(cost) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
