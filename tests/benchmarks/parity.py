"""Whether results are TotalSegmentator's: every case through both programs as whole commands, on one scan and one set
of networks, on the processor.

    python -m tests.benchmarks.parity --peer ENVIRONMENT [--peer-path FOLDER] [--work FOLDER]
        [--fitted HOME --data SCANS] [--only NAME ...] [--why] [--source CHECKOUT] [--json FILE]

ENVIRONMENT is a virtual environment with TotalSegmentator; FOLDER of --peer-path goes on its PYTHONPATH. Hand-set
networks of the whole catalogue are written (`tests.benchmarks.tents`); with --fitted and --data, networks of 3 and 6 mm
are run on real scans as well. --why runs the peer a second time where labels differ, with its sums in single precision.
Tasks that need a licence and `teeth` are not run by the peer on a processor without one: `tests/inference` checks them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.compare import (
    Agreement,
    compare_arrays,
    compare_class_files,
    compare_label_maps,
    compare_statistics,
)
from tests.benchmarks.memory import Usage, measured
from tests.benchmarks.parity_cases import Array, Case, band_cases, fitted_cases, write_scan
from tests.benchmarks.peer import Programs, checkout
from tests.benchmarks.tents import write_home
from tsdesktop.core.tasks import catalogue

_HEAD = (
    "| case | voxels that differ | of | lowest Dice | in | grid | off arithmetic: ours, peer |"
    " peer in single precision | time ratio | memory ratio | why |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
)


@dataclass(frozen=True)
class Bench:
    """The programs, and where things lie."""

    programs: Programs
    work: Path
    data: Path | None
    fitted: Path | None
    asks_why: bool


@dataclass(frozen=True)
class Row:
    """What came of one case. Without `agreement` one of the programs failed: `failure` says which."""

    case: str
    ours: Usage
    peers: Usage
    agreement: Agreement | None = None
    off_arithmetic: tuple[int, int] | None = None
    single_precision: int | None = None
    statistics: dict[str, Any] | None = None
    failure: str = ""
    why: str = ""

    def line(self) -> str:
        """A row of the table."""
        time, memory = _ratio(self.peers.wall_s, self.ours.wall_s), _ratio(self.ours.peak_mb, self.peers.peak_mb)
        found = self.agreement
        if found is None:
            return f"| {self.case} | {self.failure} | | | | | | | {time} | {memory} | {self.why} |\n"
        name, dice = found.worst
        half = "half-precision sums of the peer" if self.single_precision == 0 else ""
        why = "; ".join(part for part in (self.why, half, _told(self.statistics)) if part)
        arithmetic = "" if self.off_arithmetic is None else "{}, {}".format(*self.off_arithmetic)
        single = "" if self.single_precision is None else str(self.single_precision)
        lacking = f" ({len(found.lacking)} files of one only)" if found.lacking else ""
        return (
            f"| {self.case} | {found.differing}{lacking} | {found.total} | {dice:.4f} | {name} | {found.grid} |"
            f" {arithmetic} | {single} | {time} | {memory} | {why} |\n"
        )


def run_case(case: Case, bench: Bench) -> Row:
    """Runs both programs on one case and compares what they wrote."""
    folder = bench.work / "".join(c if c.isalnum() else "_" for c in case.name)
    shutil.rmtree(folder, ignore_errors=True)
    home = bench.fitted if case.file and bench.fitted else _home(case, bench)
    scan, expected = write_scan(case, folder, bench.data or Path())
    out = {who: _output(case, folder / who) for who in ("ours", "peer", "single")}
    programs = bench.programs
    ours = measured(programs.ours(scan, out["ours"], case.options), programs.our_environment(home), folder / "ours.log")
    command = programs.peers(scan, out["peer"], case.options, case.peer)
    peers = measured(command, programs.peer_environment(home), folder / "peer.log")
    if ours.returncode or peers.returncode:
        failure = f"ended with {ours.returncode} (ours), {peers.returncode} (peer)"
        return Row(case.name, ours, peers, failure=failure, why=case.why)
    agreement = _compared(case, out["ours"], out["peer"])
    single = None
    if bench.asks_why and agreement.differing:
        command = programs.peers(scan, out["single"], case.options, case.peer)
        if measured(command, programs.peer_environment(home, True), folder / "single.log").returncode == 0:
            single = _compared(case, out["ours"], out["single"]).differing
    return Row(
        case.name, ours, peers, agreement, _off(expected, case, out), single, _statistics(case, folder), why=case.why
    )


def _home(case: Case, bench: Bench) -> Path:
    return write_home(bench.work / ("tents" if case.tents else "linear"), case.tents)


def _output(case: Case, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "labels.nii.gz" if case.options.format == "multilabel" else folder


def _compared(case: Case, ours: Path, peers: Path) -> Agreement:
    if case.options.format == "per-class":
        return compare_class_files(ours, peers)
    names = {each.label: each.name for each in catalogue().task(case.options.task).classes}
    return compare_label_maps(ours, peers, names)


def _off(expected: Array | None, case: Case, out: dict[str, Path]) -> tuple[int, int] | None:
    if expected is None or case.options.format == "per-class":
        return None
    return compare_arrays(out["ours"], expected), compare_arrays(out["peer"], expected)


def _statistics(case: Case, folder: Path) -> dict[str, Any] | None:
    if not case.options.statistics:
        return None
    files = {who: next((folder / who).glob("*statistics.json"), None) for who in ("ours", "peer", "single")}
    ours, peers, single = files["ours"], files["peer"], files["single"]
    if ours is None or peers is None:
        return None
    found = compare_statistics(ours, peers)
    if single is not None:
        found["same_in_single_precision"] = json.loads(ours.read_text()) == json.loads(single.read_text())
    return found


def _told(statistics: dict[str, Any] | None) -> str:
    if statistics is None:
        return ""
    values = ", ".join(
        f"{value} off in {found['differing']} (at most {found['largest']:.2%}, {found['in']})"
        for value, found in ((name, statistics[name]) for name in ("volume", "intensity"))
    )
    same = ", the same in single precision" if statistics.get("same_in_single_precision") else ""
    return f"statistics of {statistics['structures']}: {values}{same}"


def _ratio(over: float | None, under: float | None) -> str:
    return f"{over / under:.2f}" if over and under else ""


def main() -> None:
    """Runs the cases, prints the table as it grows, and writes JSON."""
    given = _arguments()
    programs = Programs(given.peer, given.peer_path, given.source.resolve(), given.work / "program_data")
    bench = Bench(programs, given.work, given.data, given.fitted, given.why)
    cases = band_cases() + (fitted_cases() if given.fitted and given.data else [])
    rows = []
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n\n" + _HEAD)
    for case in cases:
        if given.only and case.name not in given.only:
            continue
        rows.append(run_case(case, bench))
        sys.stdout.write(rows[-1].line())
        sys.stdout.flush()
        if given.json:
            given.json.write_text(json.dumps([asdict(each) for each in rows], indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True, help="TotalSegmentator's virtual environment")
    parser.add_argument("--peer-path", type=Path, help="a folder for its PYTHONPATH")
    parser.add_argument("--work", type=Path, default=Path("parity"), help="networks, scans, results and logs")
    parser.add_argument("--fitted", type=Path, help="home folder with networks 297 and 298 for real scans")
    parser.add_argument("--data", type=Path, help="folder of real scans")
    parser.add_argument("--only", nargs="*", default=[], help="names of cases")
    parser.add_argument("--why", action="store_true", help="run the peer again where labels differ")
    parser.add_argument("--source", type=Path, default=checkout(), help="the checkout of ours to measure")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    given.work = given.work.resolve()
    return given


if __name__ == "__main__":
    main()
