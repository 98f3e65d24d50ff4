"""How true the time left is that a run tells, and whether its share of progress runs evenly.

    python tests/benchmarks/time_left.py SCAN [--task total] [--quality full|fast|fastest] [--roi NAME ...] [--drafts]

Every message is compared with what really followed: error of the predicted whole (elapsed + left), and of the time left
itself where two seconds or more were left. Rows are the first message at or after each tenth of the run's time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap
from tsdesktop.jobs.job import Choices
from tsdesktop.jobs.messages import Draft, Message, Progress
from tsdesktop.jobs.plan import make_plan
from tsdesktop.pipeline import read, segment_volume

_LEAST_LEFT_S = 2.0


@dataclass(frozen=True)
class Told:
    """One message and when it came, in seconds since the run began."""

    at_s: float
    progress: Progress


def measure(scan: str, options: Options, drafts: bool) -> tuple[list[Told], list[float], float]:
    """All messages of one run, when drafts came, and how long the run took in seconds."""
    volume = read(scan)
    told: list[Told] = []
    shown: list[float] = []
    started = time.monotonic()

    def hear(progress: Progress) -> None:
        told.append(Told(time.monotonic() - started, progress))

    def see(_: LabelMap) -> None:
        shown.append(time.monotonic() - started)

    segment_volume(volume, options, listen=hear, drafts=see if drafts else None)
    return told, shown, time.monotonic() - started


def measure_by_cpu_time(scan: str, options: Options, drafts: bool) -> tuple[list[Told], list[float], float]:
    """As `measure`, in this process with one thread, by a clock that stands still while other programs run."""
    import torch

    from tsdesktop.inference.drafts import Drafts
    from tsdesktop.inference.networks import TorchNetworks
    from tsdesktop.inference.progress import Meter
    from tsdesktop.inference.segment import Engine, Scan, segment

    volume = read(scan)
    plan = make_plan(catalogue().task(options.task), options, catalogue(), drafts=drafts)
    torch.set_num_threads(1)
    told: list[Told] = []
    shown: list[float] = []
    started = time.process_time()

    def hear(message: Message) -> None:
        at_s = time.process_time() - started
        if isinstance(message, Progress):
            told.append(Told(at_s, message))
        elif isinstance(message, Draft):
            shown.append(at_s)

    meter = Meter(hear, lambda: False, time.process_time)
    with tempfile.TemporaryDirectory() as name:
        show = Drafts(Path(name), meter.show) if drafts else None
        engine = Engine(Choices(), TorchNetworks(torch.device("cpu")), meter, Path(name), show)
        segment(Scan(volume.array, volume.geometry), plan, engine)
    meter.done("writing")
    return told, shown, time.process_time() - started


def table(told: list[Told], whole_s: float) -> list[str]:
    """One row per tenth of the run."""
    rows = ["   time    share   told left   really left   error of whole"]
    for tenth in range(1, 10):
        row = next((each for each in told if each.at_s >= whole_s * tenth / 10), None)
        if row is None or row.progress.seconds_left is None:
            rows.append(f"{tenth * 10:5d} %   nothing told")
            continue
        left, really = row.progress.seconds_left, whole_s - row.at_s
        error = (row.at_s + left - whole_s) / whole_s
        share = row.progress.share
        rows.append(f"{row.at_s / whole_s:7.1%} {share:7.1%} {left:9.1f} s {really:11.1f} s {error:14.1%}")
    return rows


def summary(told: list[Told], whole_s: float) -> list[str]:
    """Errors over the run's time from one tenth on, each message weighted by how long it stood."""
    spans, of_whole, of_left = [], [], []
    for each, following in zip(told, [*told[1:], Told(whole_s, told[-1].progress)], strict=True):
        if each.at_s < whole_s / 10 or each.progress.seconds_left is None:
            continue
        really = whole_s - each.at_s
        spans.append(following.at_s - each.at_s)
        of_whole.append(abs(each.progress.seconds_left - really) / whole_s)
        of_left.append(abs(each.progress.seconds_left - really) / max(really, _LEAST_LEFT_S))
    weights = np.array(spans) / max(sum(spans), 1e-9)
    whole, left = np.array(of_whole), np.array(of_left)
    shares = [each.progress.share for each in told]
    first = next((each.at_s for each in told if each.progress.seconds_left is not None), whole_s)
    return [
        f"run {whole_s:.1f} s, first time told after {first:.1f} s, {len(told)} messages",
        f"whole within 20 %: {weights[whole <= 0.2].sum():.0%} of the time (worst {whole.max(initial=0.0):.0%})",
        f"left within 20 % (or 0.4 s): {weights[left <= 0.2].sum():.0%} of the time",
        f"share never falls: {shares == sorted(shares)}, last {shares[-1]:.2f}",
    ]


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan")
    parser.add_argument("--task", default="total")
    parser.add_argument("--quality", choices=["full", "fast", "fastest"], default="full")
    parser.add_argument("--roi", nargs="*", default=[])
    parser.add_argument("--drafts", action="store_true", help="with the coarse results a window asks for")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--cpu-time", action="store_true", help="on a busy computer: one thread, processor time")
    parser.add_argument("--all", action="store_true", help="print every message")
    given = parser.parse_args()
    options = Options(
        task=given.task,
        fast=given.quality == "fast",
        fastest=given.quality == "fastest",
        roi=tuple(given.roi),
        threads=given.threads,
    )
    how = measure_by_cpu_time if given.cpu_time else measure
    told, shown, whole_s = how(given.scan, options, given.drafts)
    if given.all:
        for each in told:
            sys.stdout.write(f"{each.at_s:7.2f} s {each.progress}\n")
    sys.stdout.write("\n".join([*table(told, whole_s), *summary(told, whole_s)]) + "\n")
    if given.drafts:
        sys.stdout.write("coarse results after " + ", ".join(f"{at:.1f} s" for at in shown) + "\n")


if __name__ == "__main__":
    main()
