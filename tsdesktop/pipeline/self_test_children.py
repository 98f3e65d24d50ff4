"""Tries a part of the program in a process of its own and hears what it finds, also when it crashes or hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tsdesktop.core.notes import Note, note
from tsdesktop.core.redaction import redacted
from tsdesktop.core.self_test import Ear, State, Step, StepName, step_from_data
from tsdesktop.runs.executable import own_command

HALF_VARIABLE = "TSDESKTOP_HALF"
_RUNTIMES_VARIABLE = "TSDESKTOP_RUNTIMES_DIR"
_POLL_S = 0.05
_LONGEST_REASON = 160
# Python and Windows give crashes numbers above those that programs end with.
_HIGHEST_CODE = 255
Hear = Callable[[str | Step], None]


@dataclass(frozen=True)
class Part:
    """A part to try: the half of the program that does it, what it is told, which steps it makes."""

    half: str
    arguments: tuple[str, ...]
    steps: tuple[StepName, ...]
    patience_s: float = 300.0


@dataclass(frozen=True, eq=False)
class Outcome:
    """The steps of a part in order, and what was tried last when its process ended before its end, else ""."""

    steps: tuple[Step, ...]
    broke_at: str = ""


@dataclass(frozen=True)
class _End:
    """How a process ended: its code, whether it was ended for being silent, the last line of its errors."""

    code: int
    silent: bool
    last_line: str


def own_folders(folder: Path) -> dict[str, str]:
    """Variables that keep a process to `folder`: what it stores, and what libraries would leave in the home folder.

    Libraries that were fetched for a graphics card belong to the installation: they are looked for where they are.
    """
    return {
        **_place_of_runtimes(),
        "TSDESKTOP_DATA_DIR": str(folder / "data"),
        "MPLCONFIGDIR": str(folder / "data"),
        "MESA_SHADER_CACHE_DIR": str(folder / "data"),
        # Nobody is asked to unlock a store of passwords for a check.
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


def _place_of_runtimes() -> dict[str, str]:
    if os.environ.get(_RUNTIMES_VARIABLE):
        return {}
    try:
        from tsdesktop.core.settings import data_folder
    except ImportError:
        # It needs a library, whose lack is told with the libraries.
        return {}
    return {_RUNTIMES_VARIABLE: str(data_folder() / "runtimes")}


# With these a check would look at other networks than those that come with the program.
NOT_HANDED_ON = ("TSDESKTOP_WEIGHTS_DIR", "TOTALSEG_WEIGHTS_PATH", "TOTALSEG_HOME_DIR")


def try_part(part: Part, folder: Path, hear: Hear, check: Callable[[], None] = lambda: None) -> Outcome:
    """Runs a part, whose files lie in `folder`; returns its steps, of which those that were not reached are skipped.

    `hear` is told what is tried and steps that come as a whole; `check` may raise to end the process.
    """
    handle, name = tempfile.mkstemp(dir=folder, suffix=".jsonl")
    os.close(handle)
    heard = _Heard(part, hear)
    ear = Ear(Path(name))
    errors = Path(name).with_suffix(".txt")
    with errors.open("wb") as stream:
        process = _started(part, Path(name), folder, stream)
        silent = _followed(process, part, lambda: heard.take(ear.news()), check)
    return heard.outcome(_End(process.returncode, silent, _last_line(errors)))


def _started(part: Part, answers: Path, folder: Path, errors: Any) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
    return subprocess.Popen(
        [*own_command(), str(answers), *part.arguments],
        env={**kept, **own_folders(folder), HALF_VARIABLE: part.half, "PYTHONUTF8": "1"},
        # The process ends by itself when this pipe closes: it never outlives the one that asks.
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _followed(
    process: subprocess.Popen[bytes], part: Part, listen: Callable[[], None], check: Callable[[], None]
) -> bool:
    """Listens until the process has ended; returns whether it had to be ended because it took too long."""
    until = time.monotonic() + part.patience_s
    silent = False
    try:
        while process.poll() is None and not silent:
            listen()
            check()
            time.sleep(_POLL_S)
            silent = time.monotonic() > until
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
    listen()
    return silent


class _Heard:
    """Puts together what a process says."""

    def __init__(self, part: Part, hear: Hear) -> None:
        self._part, self._hear = part, hear
        self._steps: dict[StepName, Step] = {}
        self._now: StepName | None = None
        self._since = time.monotonic()
        self._trying = ""
        self._ended = False

    def take(self, news: Sequence[Mapping[str, Any]]) -> None:
        """Takes what has come."""
        for each in news:
            if "begin" in each:
                self._begin(each["begin"])
            elif "trying" in each:
                self._trying = each["trying"]
                self._hear(self._trying)
            elif "fact" in each:
                self._add(facts={each["fact"]: each["value"]})
            elif "problem" in each:
                self._add(problem=Note(each["problem"]["id"], each["problem"]["arguments"]))
            elif "step" in each:
                self._take_whole(step_from_data(each["step"]))
            elif "end" in each:
                self._close()
                self._ended = True

    def outcome(self, end: _End) -> Outcome:
        """What became of the part."""
        if self._ended and not end.silent and end.code == 0:
            return Outcome(self._all())
        tried = self._trying
        if self._now is None:
            self._begin(self._last_begun())
        at = tried or str(self._now)
        self._add(problem=_why_ended(at, end, self._part))
        self._close()
        return Outcome(self._all(), at)

    def _take_whole(self, step: Step) -> None:
        self._close()
        self._steps[step.name] = step
        self._hear(step)

    def _last_begun(self) -> StepName:
        return next(reversed(self._steps), self._part.steps[0])

    def _all(self) -> tuple[Step, ...]:
        return tuple(self._steps.get(name, Step(name, "skipped")) for name in self._part.steps)

    def _begin(self, name: StepName) -> None:
        if self._steps:
            self._close()
            # Until its first step a process starts and loads what that step needs.
            self._since = time.monotonic()
        self._now, self._trying = name, ""
        self._steps.setdefault(name, Step(name, "ok"))

    def _close(self) -> None:
        if self._now is not None:
            step = self._steps[self._now]
            self._steps[self._now] = replace(step, seconds=step.seconds + time.monotonic() - self._since)
            self._now = None

    def _add(self, *, facts: Mapping[str, Any] | None = None, problem: Note | None = None) -> None:
        if self._now is None:
            return
        step = self._steps[self._now]
        problems = step.problems if problem is None else (*step.problems, problem)
        state: State = "failed" if problems else "ok"
        self._steps[self._now] = replace(step, state=state, problems=problems, facts=joined(step.facts, facts or {}))


def joined(facts: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both; values that are mappings in both are joined."""
    out = dict(facts)
    for name, value in more.items():
        before = out.get(name)
        out[name] = {**before, **value} if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return out


def _why_ended(what: str, end: _End, part: Part) -> Note:
    if end.silent:
        return note("check.silent", what=what, seconds=round(part.patience_s))
    if end.code < 0 or end.code > _HIGHEST_CODE:
        return note("check.crashed", what=what, how=_crash_name(end.code))
    return note("check.broke_off", what=what, reason=end.last_line or f"exit code {end.code}")


def _crash_name(code: int) -> str:
    """SIGSEGV and the like; on Windows the number that is looked up, as 0xC0000005."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"0x{code & 0xFFFFFFFF:08X}"


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return redacted(lines[-1]).strip()[:_LONGEST_REASON].rstrip(".") if lines else ""
