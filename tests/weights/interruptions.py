"""The long run: many interruptions in a row, and programs killed at random moments, against the real server.

    python -m tests.weights.interruptions --cuts 200 --kills 20 --megabytes 60 --seed 1

Each must end with a file (a network) that is the same as its source, byte for byte, with nothing left over; and at no
moment in between may a network look installed that is not whole. Prints what was tried and what came of it.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.weights.server import Fault, Kind, ReleaseServer
from tsdesktop.core.errors import Cancelled, WeightsError
from tsdesktop.core.settings import DATA_FOLDER_VARIABLE
from tsdesktop.core.tasks import catalogue
from tsdesktop.weights.downloads import download
from tsdesktop.weights.fetch import Patience, Source, fetch
from tsdesktop.weights.install import remove
from tsdesktop.weights.packages import package_named
from tsdesktop.weights.parts import Part, forget, length_of
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import Progress
from tsdesktop.weights.stopping import Stop

_FOLDER = "Dataset150_icb_v0"
_PATIENCE = Patience(tries=3, first_wait_s=0, most_wait_s=0, connect_s=2, read_s=0.2, slow_after_s=0.1)
_CHILD = "--child"
_TOP = Path(__file__).resolve().parents[2]
_COMMAND = [sys.executable, "-m", "tests.weights.interruptions", _CHILD]
# How often each is drawn; the person who stops is one of them.
_KINDS: dict[Kind | str, int] = {
    "cut": 30,
    "stall": 6,
    "drip": 4,
    "wrong_bytes": 4,
    "short": 2,
    "long": 2,
    "too_much": 2,
    "status 403": 3,
    "status 404": 3,
    "status 429": 4,
    "status 500": 4,
    "status 503": 4,
    "page": 4,
    "login": 3,
    "loop": 2,
    "no_range": 4,
    "wrong_range": 4,
    "chunked": 4,
    "changed": 3,
    "untold": 2,
    "stopped by the person": 6,
}


@dataclass
class Table:
    """What was tried and what came of it: (fault, outcome) -> how often; `whole`: how often the file came whole."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    whole: int = 0
    seconds: float = 0.0

    @property
    def tried(self) -> int:
        """How many interruptions there were."""
        return self.outcomes.total()

    def text(self) -> str:
        """For people."""
        kinds = sorted({kind for kind, _ in self.outcomes})
        lines = [f"{'interruption':24} {'tried':>5}  what came of it"]
        for kind in kinds:
            told = {outcome: count for (each, outcome), count in self.outcomes.items() if each == kind}
            came = ", ".join(f"{outcome} {count}" for outcome, count in sorted(told.items()))
            lines.append(f"{kind:24} {sum(told.values()):5}  {came}")
        lines.append(f"{'all':24} {self.tried:5}  whole and the same as the source: {self.whole}; {self.seconds:.0f} s")
        return "\n".join(lines)


# ------------------------------------------------------------------ interruptions of the connection


def cut_often(folder: Path, *, cuts: int, megabytes: int, seed: int) -> Table:
    """One file, `cuts` interruptions in a row, then a try that is left alone."""
    draw = random.Random(seed)
    data = b"PK\3\4" + draw.randbytes(megabytes * 1_000_000)
    table, began = Table(), time.monotonic()
    with ReleaseServer() as server:
        address = server.add_file("network.zip", data)
        source = Source(address, "network.zip", len(data), hashlib.sha256(data).hexdigest())
        part = folder / ".downloads" / "network.part"
        run = _Cuts(source, part, server, table, draw, cuts)
        while not run.finish() or run.left:
            if run.left and Part(part, address).is_whole:
                assert part.read_bytes() == data, "not the same file"
                table.whole += 1
                forget(part)
    assert part.read_bytes() == data, "not the same file"
    assert {each.name for each in part.parent.iterdir()} == {"network.part", "network.json"}, "something is left over"
    table.whole += 1
    table.seconds = time.monotonic() - began
    return table


class _Cuts:
    """Prepares an interruption whenever the program is about to connect, and notes what came of the one before."""

    def __init__(
        self, source: Source, part: Path, server: ReleaseServer, table: Table, draw: random.Random, cuts: int
    ) -> None:
        self._source, self._part, self._server = source, part, server
        self._table, self._draw, self.left = table, draw, cuts
        self._kind = ""
        self._here = 0
        self._stop = Stop()

    def finish(self) -> bool:
        """One call of the program, as when a person presses the button; whether that brought the file."""
        self._stop = Stop()
        try:
            fetch(self._source, self._part, self._listen, self._stop, _PATIENCE)
        except WeightsError as error:
            self._note(f"said ({error.id.partition('.')[2]}), {self._kept()}")
        except Cancelled:
            self._note(f"stopped, {self._kept()}")
        else:
            self._note("went on by itself")
            return True
        return False

    def _listen(self, progress: Progress) -> None:
        if progress.stage == "connecting":
            self._note("went on by itself")
            self._prepare(progress.done_bytes)

    def _prepare(self, here: int) -> None:
        self._server._state.faults.clear()
        self._here = here
        if not self.left:
            return
        # So that all of them come before the file is whole: some of the rest each, and twice that at most.
        rest = len(self._server._state.files["v2.0.0-weights/network.zip"].content) - here
        at = self._draw.randrange(1, max(2, 2 * rest // (self.left + 1)))
        self._kind = self._draw.choices(list(_KINDS), list(_KINDS.values()))[0]
        self.left -= 1
        name, _, code = self._kind.partition(" ")
        if name == "stopped":
            threading.Timer(self._draw.uniform(0, 0.15), self._stop.set).start()
            self._server.fail(Fault("stall", at=at, seconds=5))
        elif name in ("no_range", "changed", "untold", "too_much", "wrong_range"):
            # Alone these would let the file come whole.
            self._server.fail(Fault(name, cut=at))  # type: ignore[arg-type]
        elif code:
            self._server.fail(Fault("status", code=int(code)))
        else:
            at = self._draw.choice([-1, 0, at]) if name in ("cut", "stall") and at % 5 == 0 else at
            self._server.fail(Fault(name, at=at, seconds=0.03 if name == "drip" else 5))  # type: ignore[arg-type]

    def _kept(self) -> str:
        if not self._here:
            return "nothing had come before"
        return "kept what had come" if length_of(self._part) >= self._here else "begins again"

    def _note(self, outcome: str) -> None:
        if self._kind:
            self._table.outcomes[self._kind, outcome] += 1
        self._kind = ""


# ------------------------------------------------------------------ programs that are killed


def kill_often(folder: Path, *, kills: int, megabytes: int, seed: int) -> Table:
    """One network, `kills` programs killed with SIGKILL while they bring and install it, then one that is let be."""
    from tests.weights import zips

    draw = random.Random(seed)
    package, table, began = zips.package(_FOLDER), Table(), time.monotonic()
    members = {**zips.members_of(package)}
    name = next(each for each in members if each.endswith("plans.json")).replace("plans.json", "extra.bin")
    members[name] = draw.randbytes(megabytes * 1_000_000)
    zip_path = zips.write_zip(folder / package.zip_name, members, zipfile.ZIP_STORED)
    with ReleaseServer() as server, _data_folder(folder / "data"):
        server.add_package(package, zip_path)
        environment = {**os.environ, **server.environment}
        done = 0
        while done < kills:
            moment = _moment(draw)
            server.bytes_per_s = megabytes * 1_000_000 if moment[0] == "downloading" else 0
            stage = _killed(environment, *moment)
            _check_whole_or_absent(package.place, members)
            if stage == "finished":
                table.whole += 1
                remove(package)
                continue
            table.outcomes[f"killed while {stage}", "what is there is whole or hidden"] += 1
            done += 1
            if package.is_here:
                remove(package)
        server.bytes_per_s = 0
        subprocess.run(_COMMAND, env=environment, check=True, cwd=_TOP, stdout=subprocess.DEVNULL)
        _check_whole_or_absent(package.place, members)
        assert package.is_here, "it is not here in the end"
        own = own_weights_folder()
        left = [each.relative_to(own).as_posix() for each in own.rglob("*") if each.is_file()]
        left = [each for each in left if not each.startswith((_FOLDER, ".records/"))]
        assert not left, f"left over: {left}"
    table.whole += 1
    table.seconds = time.monotonic() - began
    return table


def _moment(draw: random.Random) -> tuple[str, float]:
    """A stage, and how far into it: seconds."""
    seconds = {"start": 0.5, "connecting": 0.05, "downloading": 0.7, "checking": 0.15, "unpacking": 0.15}
    stage = draw.choice([*seconds, "downloading", "downloading", "unpacking"])
    return stage, draw.uniform(0, seconds[stage])


def _killed(environment: dict[str, str], stage: str, seconds: float) -> str:
    """Starts a program that downloads, kills it so long into a stage, and says what it was at."""
    child = subprocess.Popen(_COMMAND, env=environment, stdout=subprocess.PIPE, text=True, cwd=_TOP)
    assert child.stdout is not None
    last = "start"
    while last != stage:
        told = child.stdout.readline().strip()
        if not told:
            break
        last = told
    time.sleep(seconds)
    child.kill()
    rest, _ = child.communicate()
    last = (rest.split() or [last])[-1]
    return "finished" if child.returncode == 0 else {"start": "starting"}.get(last, last)


def _child() -> None:
    package, stage = package_named(_FOLDER, catalogue()), ""
    assert package is not None

    def listen(progress: Progress) -> None:
        nonlocal stage
        if progress.stage != stage:
            stage = progress.stage
            sys.stdout.write(stage + "\n")
            sys.stdout.flush()

    download(package, listen, Stop(), _PATIENCE)


def _check_whole_or_absent(place: Path, members: dict[str, bytes]) -> None:
    if not place.exists():
        return
    found = {
        f"{place.name}/{each.relative_to(place).as_posix()}": each.read_bytes()
        for each in place.rglob("*")
        if each.is_file()
    }
    assert found == members, "it looks installed and is not whole"


@contextmanager
def _data_folder(folder: Path) -> Iterator[None]:
    before = os.environ.get(DATA_FOLDER_VARIABLE)
    os.environ[DATA_FOLDER_VARIABLE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[DATA_FOLDER_VARIABLE]
        else:
            os.environ[DATA_FOLDER_VARIABLE] = before


def main(arguments: list[str]) -> None:
    """The long run, or the program that it kills."""
    if arguments == [_CHILD]:
        _child()
        return
    logging.getLogger("tsdesktop").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in (("cuts", 200), ("kills", 20), ("megabytes", 60), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        for run, count in ((cut_often, {"cuts": given.cuts}), (kill_often, {"kills": given.kills})):
            place = Path(folder) / run.__name__
            place.mkdir()
            table = run(place, megabytes=given.megabytes, seed=given.seed, **count)
            sys.stdout.write(table.text() + "\n\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
