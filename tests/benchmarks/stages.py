"""Ways to do one thing, each in a process of its own and in turns: wall and CPU seconds, growth of memory, ratios.

A way is a piece of Python for one interpreter, so that the peer's own functions run in the peer's environment. What
stands under `with measured():` counts; importing and preparing do not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Only the standard library: the peer's environment has no more in common with ours. Memory is read from Linux.
_MEASURED = """
import json, os, sys, threading, time
def _resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
class measured:
    def __enter__(self):
        self.base = self.most = _resident()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        self.wall, self.cpu = time.perf_counter(), self.seconds()
    def seconds(self):
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system
    def watch(self):
        while not self.stop.wait(0.005):
            self.most = max(self.most, _resident())
    def __exit__(self, *_):
        wall, cpu = time.perf_counter() - self.wall, self.seconds() - self.cpu
        self.stop.set(); self.thread.join()
        print("MEASURED " + json.dumps({"wall_s": wall, "cpu_s": cpu, "growth_mb": (self.most - self.base) / 1e6}))
"""
_FIGURES = ("wall_s", "cpu_s", "growth_mb")


@dataclass(frozen=True)
class Way:
    """A piece of Python (it finds `arguments` in sys.argv) and the interpreter that runs it."""

    name: str
    python: Path
    code: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    def run(self) -> dict[str, float]:
        """One measurement. Raises RuntimeError with what the process said when it fails."""
        command = [str(self.python), "-c", _MEASURED + self.code, *self.arguments]
        done = subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if line.startswith("MEASURED ")]
        if done.returncode or not lines:
            raise RuntimeError(f"{self.name} failed:\n{done.stderr[-2000:]}")
        found: dict[str, float] = json.loads(lines[-1].removeprefix("MEASURED "))
        return found


def parser(description: str | None) -> argparse.ArgumentParser:
    """Arguments that every comparison has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--peer", type=Path, help="virtual environment of TotalSegmentator; without it ours alone")
    made.add_argument("--times", type=int, default=3, help="measurements of each way, in turns (3)")
    made.add_argument("--json", type=Path, help="file to write all measurements to")
    return made


def compare(title: str, ways: Sequence[Way], times: int, json_file: Path | None = None) -> None:
    """Measures the ways in turns and prints medians, and how many times the first way's each other one took."""
    runs: dict[str, list[dict[str, float]]] = {each.name: [] for each in ways}
    for _ in range(times):
        for each in ways:
            runs[each.name].append(each.run())
    medians = {name: {key: statistics.median(run[key] for run in found) for key in _FIGURES}
               for name, found in runs.items()}  # fmt: skip
    first = medians[ways[0].name]
    say(f"\n{title} ({times} times in turns, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)\n")
    say("| way | wall s | CPU s | growth MB | wall ratio | CPU ratio |\n|---|---|---|---|---|---|")
    for name, found in medians.items():
        ratios = [found[key] / max(first[key], 1e-9) for key in ("wall_s", "cpu_s")]
        figures = f"{found['wall_s']:.2f} | {found['cpu_s']:.2f} | {found['growth_mb']:.0f}"
        say(f"| {name} | {figures} | {ratios[0]:.1f} | {ratios[1]:.1f} |")
    if json_file is not None:
        before = json.loads(json_file.read_text()) if json_file.exists() else {}
        json_file.write_text(json.dumps(before | {title: runs}, indent=1))


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


OURS = Path(sys.executable)
_TOP = str(Path(__file__).resolve().parents[2])


def ours(code: str, *arguments: str) -> Way:
    """Our way, in the environment that runs the benchmark."""
    return Way("tsdesktop", OURS, code, arguments, {"PYTHONPATH": _TOP})


def peers(peer: Path, code: str, *arguments: str, name: str = "peer", path: Path | None = None) -> Way:
    """The peer's way, in its own environment, with `path` on its PYTHONPATH."""
    return Way(name, peer / "bin" / "python", code, arguments, {"PYTHONPATH": str(path)} if path else {})
