"""When what happens in a run on the command line, in ms from the start of the process; cold, and asked again.

    python -m tests.benchmarks.cold_start SCAN [--networks FOLDER] [more flags of `tsdesktop segment`]

A run is cold: a new process, nothing kept of earlier results, files in the page cache. The second run of a pair may use
what the first has kept.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.stages import say

_TIMED = """
import sys, time
begun = float(sys.argv.pop(1))
def reached(what):
    sys.stderr.write(f"REACHED {(time.time() - begun) * 1e3:.0f} {what}\\n")
reached("Python runs")
from tsdesktop.core.lean_imports import import_only_what_is_used
import_only_what_is_used()
from tsdesktop.cli import command, segment
from tsdesktop.runs.engine import Engine
reached("command line loaded")
def after(place, name, what):
    inner = getattr(place, name)
    def told(*arguments, **named):
        out = inner(*arguments, **named)
        reached(what)
        return out
    setattr(place, name, told)
after(Engine, "warm", "inference process started")
after(segment, "read", "scan read")
after(segment, "segment_volume", "labels there")
after(segment, "write_results", "files written")
run = Engine.run
def listening(self, job, listen):
    reached("job handed over")
    seen = set()
    def heard(told):
        stage = getattr(told, "stage", "")
        if stage and stage not in seen:
            seen.add(stage)
            reached("stage " + stage)
        listen(told)
    return run(self, job, heard)
Engine.run = listening
sys.exit(command.run(sys.argv[1:]))
"""


def one_run(scan: Path, out: Path, flags: list[str], environment: dict[str, str]) -> dict[str, float]:
    """What was reached after how many ms, in order; the end of the process, and CPU seconds of all processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.time()
    command = [sys.executable, "-c", _TIMED, repr(begun), "segment", str(scan), "-o", str(out), "--overwrite", *flags]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    ended = (time.time() - begun) * 1e3
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    reached: dict[str, float] = {}
    for line in done.stderr.splitlines():
        if line.startswith("REACHED "):
            _, ms, what = line.split(" ", 2)
            reached.setdefault(what, float(ms))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return reached | {"process ended": ended, "CPU seconds": cpu}


def main() -> None:
    """Prints the medians of several cold runs, and of as many that ask again."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("scan", type=Path)
    ask.add_argument("--networks", type=Path, help="TotalSegmentator's folder of networks")
    ask.add_argument("--times", type=int, default=3)
    given, flags = ask.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"TSDESKTOP_DATA_DIR": folder}
        if given.networks is not None:
            environment["TOTALSEG_HOME_DIR"] = str(given.networks)
        out = Path(folder) / "out" / "labels.nii.gz"
        # The very first run may convert and check networks; it is not among those counted.
        one_run(given.scan, out, flags, environment)
        for title, more in (("cold", ["--no-cache"]), ("asked again", [])):
            runs = [one_run(given.scan, out, [*flags, *more], environment) for _ in range(given.times)]
            say(f"\n{title} ({given.times} runs, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)\n")
            for what in runs[0]:
                middle = statistics.median(each.get(what, 0.0) for each in runs)
                say(f"{middle:8.2f}     {what}" if what == "CPU seconds" else f"{middle:8.0f} ms  {what}")


if __name__ == "__main__":
    main()
