"""Tries a set in a process of its own: whether its torch starts, finds the card, and computes what the processor does.

Whatever a broken library or driver does ends that process, not this one.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.torch_build import CARD_PROBLEM_VARIABLE, TRIAL_FOLDER_VARIABLE
from tsdesktop.runtimes.cards import driver_version
from tsdesktop.runtimes.manifest import Verdict, now, write_verdict
from tsdesktop.weights.stopping import Stop

log = logging.getLogger(__name__)
HALF_VARIABLE, TRIAL = "TSDESKTOP_HALF", "try-libraries"
# A card that sleeps and a disk that is slow take their time over four gigabytes.
_LONGEST_S = 300.0
_LOOK_S = 0.1
_MOST_REASON = 160
TryOut = Callable[[Path], Verdict]


def try_out(folder: Path, command: Sequence[str], stop: Stop | None = None) -> Verdict:
    """What a trial of the set in `folder` shows, remembered there. `command` starts this program. Raises Cancelled."""
    told = _outcome(folder, command, stop or Stop())
    verdict = Verdict(told.works, told.reason, driver_text(), told.card, now())
    write_verdict(folder, verdict)
    if not verdict.works:
        log.warning("the libraries for the graphics card do not work: %s", verdict.reason)
    return verdict


def driver_text() -> str:
    """The driver's CUDA as it is remembered: "13.0"; "" without a driver."""
    version = driver_version()
    return "" if version is None else f"{version[0]}.{version[1]}"


def _outcome(folder: Path, command: Sequence[str], stop: Stop) -> Verdict:
    environment = {**os.environ, HALF_VARIABLE: TRIAL, TRIAL_FOLDER_VARIABLE: str(folder), "PYTHONUTF8": "1"}
    environment.pop(CARD_PROBLEM_VARIABLE, None)
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        return Verdict(False, f"the trial could not be started ({error.strerror or error})")
    out, problems, ended = _ended(process, stop)
    return _told(out) or Verdict(False, _why(problems, process.returncode) if ended else "it did not answer in time")


def _ended(process: subprocess.Popen[str], stop: Stop) -> tuple[str, str, bool]:
    """What it wrote to both streams, and whether it ended by itself. Raises Cancelled when stopped."""
    until = time.monotonic() + _LONGEST_S
    while True:
        try:
            return *process.communicate(timeout=_LOOK_S), True
        except subprocess.TimeoutExpired:
            if stop.is_set or time.monotonic() > until:
                process.kill()
                said = process.communicate()
                if stop.is_set:
                    raise Cancelled from None
                return *said, False


def _told(out: str) -> Verdict | None:
    for line in reversed(out.splitlines()):
        try:
            data = json.loads(line)
            return Verdict(data["works"] is True, str(data["reason"])[:_MOST_REASON], card=str(data["card"]))
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _why(problems: str, code: int) -> str:
    """The last line of what it wrote, which names what is missing; else how it ended."""
    lines = [each.strip() for each in problems.splitlines() if each.strip()]
    return lines[-1][:_MOST_REASON] if lines else f"it ended with code {code}"
