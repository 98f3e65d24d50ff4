"""How much faster and leaner than TotalSegmentator: both as whole processes, in turns, on one scan and one set of
networks, on the processor.

    python -m tests.benchmarks.speed --peer ENVIRONMENT [--peer-path FOLDER] --networks HOME --fitted HOME
        --abdomen SCAN --large SCAN [--only NAME ...] [--repeats 3] [--peer-function] [--source CHECKOUT] [--json FILE]

HOME of --networks holds networks of full size (291 to 298), that of --fitted small ones that find the body (297, 298).
first: our first run ever, with an empty data folder (networks are converted and tried). cold: a new process, disk and
converted networks warm, nothing of an earlier result reused. warm: a later run in one process, against the peer's
command, which has no such way of working; --peer-function also measures later calls of its Python function in one
process. Memory: peak of the summed proportional set sizes of all processes of a command.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from tests.benchmarks.compare import compare_label_maps
from tests.benchmarks.memory import MemoryWatch, Usage, below, measured
from tests.benchmarks.peer import Programs, checkout
from tsdesktop.core.options import Options

_RESIDENT = Path(__file__).resolve().parent / "resident.py"
_HEAD = (
    "| case | first s | cold s (CPU) | peer s (CPU) | **cold ratio** (CPU) | warm s (CPU) | **warm ratio** (CPU) |"
    " to the peer's function | MB, cold / warm / peer | **memory** | voxels equal | goals |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|\n"
)


@dataclass(frozen=True)
class Case:
    """One run. `scan` and `networks` name arguments; goals are ratios: cold and warm time, memory."""

    name: str
    options: Options
    scan: str
    networks: str = "networks"
    goals: tuple[float, float, float] = (0.0, 0.0, 0.0)
    peer: dict[str, Any] = field(default_factory=dict)


_FAST = Options(fast=True)
CASES = [
    Case("fastest, large", Options(fastest=True), "large", goals=(8, 10, 0.25), peer={"fastest": True}),
    Case("fast, large", _FAST, "large", goals=(3.5, 4.5, 0.5), peer={"fast": True}),
    Case(
        "fast, large, files + statistics + picture",
        replace(_FAST, format="per-class", statistics=True, preview=True),
        "large",
        goals=(5, 5, 0.5),
        peer={"fast": True, "statistics": True, "preview": True},
    ),
    Case("fast, abdomen", _FAST, "abdomen", goals=(5, 6, 0.5), peer={"fast": True}),
    Case(
        "spleen, abdomen", Options(roi=("spleen",)), "abdomen", "crop_networks", (4, 4, 0.5),
        {"roi_subset": ["spleen"]},
    ),
    Case("total, abdomen", Options(), "abdomen", goals=(2.2, 2.2, 0.4)),
]  # fmt: skip


@dataclass(frozen=True)
class Times:
    """Wall and CPU seconds of one run."""

    wall_s: float
    cpu_s: float


class Resident:
    """A program kept in memory; between runs it waits."""

    def __init__(self, which: str, python: Path, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [str(python), str(_RESIDENT), which, *arguments], env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self._log, text=True, start_new_session=True,
        )  # fmt: skip
        self.pid = self._process.pid
        self._watch = MemoryWatch(lambda: (self.pid, *below(self.pid)))

    def run(self) -> Times:
        """One run more."""
        question, answer = self._pipes()
        question.write("go\n")
        question.flush()
        line = answer.readline()
        if not line:
            raise RuntimeError(f"the resident program ended; see {self._log.name}")
        return Times(**json.loads(line))

    def close(self) -> float | None:
        """Ends it; the peak of its memory in MB."""
        self._pipes()[0].close()
        peak = self._watch.stop()
        self._process.wait()
        self._log.close()
        return peak

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None and self._process.stdout is not None
        return self._process.stdin, self._process.stdout


@dataclass
class Row:
    """What was measured of one case."""

    case: str
    goals: tuple[float, float, float]
    first: Usage
    ours: list[Usage] = field(default_factory=list)
    peers: list[Usage] = field(default_factory=list)
    warm: list[Times] = field(default_factory=list)
    peer_function: list[Times] = field(default_factory=list)
    warm_peak_mb: float | None = None
    share_equal: float | None = None

    def line(self) -> str:
        """A row of the table: medians, and medians of the ratios of each turn."""
        cold, warm = _ratio(self.peers, self.ours), _ratio(self.peers, self.warm)
        ours, peers = _peak(self.ours), _peak(self.peers)
        memory = max(ours, self.warm_peak_mb or 0.0) / peers if peers else 0.0
        equal = "" if self.share_equal is None else f"{self.share_equal:.4%}"
        reached = cold[0] >= self.goals[0], warm[0] >= self.goals[1], 0 < memory <= self.goals[2]
        goals = ", ".join(
            f"{goal:g} {'met' if met else 'missed'}" for goal, met in zip(self.goals, reached, strict=True)
        )
        return (
            f"| {self.case} | {self.first.wall_s:.1f} | {_times(self.ours)} | {_times(self.peers)} |"
            f" **{cold[0]:.1f}** ({cold[1]:.1f}) | {_times(self.warm)} | **{warm[0]:.1f}** ({warm[1]:.1f}) |"
            f" {_against_function(self)} | {ours:.0f} / {self.warm_peak_mb or 0:.0f} / {peers:.0f} |"
            f" **{memory:.2f}** | {equal} | {goals} |\n"
        )


def _ratio(slow: list[Any], fast: list[Any]) -> tuple[float, float]:
    """Wall and CPU: the median over the turns."""
    pairs = list(zip(slow, fast, strict=False))
    if not pairs:
        return 0.0, 0.0
    return (
        statistics.median(a.wall_s / b.wall_s for a, b in pairs),
        statistics.median(a.cpu_s / max(b.cpu_s, 0.01) for a, b in pairs),
    )


def _times(runs: list[Any]) -> str:
    if not runs:
        return ""
    wall, cpu = (statistics.median(getattr(run, name) for run in runs) for name in ("wall_s", "cpu_s"))
    return f"{wall:.1f} ({cpu:.1f})"


def _against_function(row: Row) -> str:
    if not row.peer_function:
        return ""
    wall, cpu = _ratio(row.peer_function, row.warm)
    return f"{wall:.1f} ({cpu:.1f})"


def _peak(runs: list[Usage]) -> float:
    return statistics.median(run.peak_mb or 0.0 for run in runs)


@dataclass(frozen=True)
class Bench:
    """The programs and what they are given."""

    programs: Programs
    work: Path
    inputs: dict[str, Path]
    repeats: int
    measures_function: bool
    measures_warm: bool = True

    def measure(self, case: Case) -> Row:
        """First run, then turns of cold, the peer, warm."""
        folder = self.work / "".join(c if c.isalnum() else "_" for c in case.name)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.programs.data, ignore_errors=True)
        for who in ("ours", "peer", "warm", "function"):
            (folder / who).mkdir(parents=True)
        self._touch(case, folder)
        row = Row(case.name, case.goals, self._ours(case, folder))
        resident = self._resident("ours", case, folder / "warm") if self.measures_warm else None
        function = self._resident("peer", case, folder / "function") if self.measures_function else None
        waiting = [each.pid for each in (resident, function) if each is not None]
        # The first run in a process is not warm yet.
        for each in (resident, function):
            if each is not None:
                each.run()
        for _ in range(self.repeats):
            row.ours.append(self._ours(case, folder, waiting))
            row.peers.append(self._peers(case, folder, waiting))
            if resident is not None:
                row.warm.append(resident.run())
            if function is not None:
                row.peer_function.append(function.run())
        if resident is not None:
            row.warm_peak_mb = resident.close()
        if function is not None:
            function.close()
        if case.options.format == "multilabel":
            row.share_equal = compare_label_maps(
                _output(case, folder / "ours"), _output(case, folder / "peer"), {}
            ).share_equal
        return row

    def _ours(self, case: Case, folder: Path, beside: Sequence[int] = ()) -> Usage:
        command = self.programs.ours(self.inputs[case.scan], _output(case, folder / "ours"), case.options)
        environment = self.programs.our_environment(self.inputs[case.networks])
        return _whole(measured(command, environment, folder / "ours.log", beside=beside), folder / "ours.log")

    def _peers(self, case: Case, folder: Path, beside: Sequence[int]) -> Usage:
        command = self.programs.peers(self.inputs[case.scan], _output(case, folder / "peer"), case.options)
        environment = self.programs.peer_environment(self.inputs[case.networks])
        return _whole(measured(command, environment, folder / "peer.log", beside=beside), folder / "peer.log")

    def _resident(self, which: str, case: Case, folder: Path) -> Resident:
        scan, out, home = str(self.inputs[case.scan]), str(_output(case, folder)), self.inputs[case.networks]
        log = folder.parent / f"{folder.name}.log"
        if which == "peer":
            options = case.peer | {"task": case.options.task, "ml": case.options.format == "multilabel"}
            environment = self.programs.peer_environment(home)
            python = self.programs.peer / "bin" / "python"
        else:
            chosen = asdict(case.options)
            options = {name: chosen[name] for name in chosen if chosen[name] != getattr(Options(), name)}
            environment, python = self.programs.our_environment(home), Path(sys.executable)
        return Resident(which, python, [scan, out, json.dumps(options)], environment, log)

    def _touch(self, case: Case, folder: Path) -> None:
        """Brings what is read into memory: the scan, the networks, and the peer's libraries by asking its version."""
        for path in (self.inputs[case.scan], *self.inputs[case.networks].rglob("*.pth")):
            if path.is_file():
                path.read_bytes()
        command = [str(self.programs.peer / "bin" / "python"), "-c", "import totalsegmentator.python_api"]
        measured(command, self.programs.peer_environment(self.inputs[case.networks]), folder / "touch.log")


def _output(case: Case, folder: Path) -> Path:
    return folder / "labels.nii.gz" if case.options.format == "multilabel" else folder


def _whole(usage: Usage, log: Path) -> Usage:
    if usage.returncode:
        raise RuntimeError(f"a command ended with {usage.returncode}; see {log}")
    return usage


def crop_home(networks: Path, fitted: Path, home: Path) -> Path:
    """The networks of full size, but the crop's own from `fitted`."""
    results = home / "nnunet" / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    for place in (networks, fitted):
        for folder in (place / "nnunet" / "results").iterdir():
            link = results / folder.name
            link.unlink(missing_ok=True)
            link.symlink_to(folder.resolve())
    shutil.copy(networks / "config.json", home / "config.json")
    return home


def main() -> None:
    """Measures, prints the table as it grows, and writes JSON."""
    given = _arguments()
    inputs = {"large": given.large, "abdomen": given.abdomen, "networks": given.networks}
    inputs["crop_networks"] = crop_home(given.networks, given.fitted, given.work / "crop_home")
    programs = Programs(given.peer, given.peer_path, given.source.resolve(), given.work / "program_data")
    bench = Bench(programs, given.work, inputs, given.repeats, given.peer_function, not given.no_warm)
    rows = []
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {given.repeats} turns\n\n" + _HEAD)
    for case in CASES:
        if not given.only or case.name in given.only:
            rows.append(bench.measure(case))
            sys.stdout.write(rows[-1].line())
            sys.stdout.flush()
            if given.json:
                given.json.write_text(json.dumps([asdict(each) for each in rows], indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True, help="TotalSegmentator's virtual environment")
    parser.add_argument("--peer-path", type=Path, help="a folder for its PYTHONPATH")
    parser.add_argument("--networks", type=Path, required=True, help="home folder with networks of full size")
    parser.add_argument("--fitted", type=Path, required=True, help="home folder with small networks that find the body")
    parser.add_argument("--abdomen", type=Path, required=True, help="a scan those small networks were fitted to")
    parser.add_argument("--large", type=Path, required=True, help="a scan of 512 x 512 x 300 voxels")
    parser.add_argument("--work", type=Path, default=Path("speed"), help="results, logs, our data folder")
    parser.add_argument("--only", nargs="*", default=[], choices=[case.name for case in CASES], metavar="NAME")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-function", action="store_true", help="also the peer's Python function in one process")
    parser.add_argument("--no-warm", action="store_true", help="leave runs in one process out, where one takes minutes")
    parser.add_argument("--source", type=Path, default=checkout(), help="the checkout of ours to measure")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    given.work = given.work.resolve()
    return given


if __name__ == "__main__":
    main()
