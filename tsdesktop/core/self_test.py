"""A self-test as values: its steps, and how a process that tries something tells another one what it found.

The process that tries may crash, so what it tells is written to a file line by line: what is tried, what was found.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tsdesktop.core.errors import TsDesktopError
from tsdesktop.core.notes import Note
from tsdesktop.core.redaction import redacted

StepName = Literal["files", "libraries", "network libraries", "devices", "segmentation", "export", "window"]
STEPS: tuple[StepName, ...] = (
    "files", "libraries", "network libraries", "devices", "segmentation", "export", "window",
)  # fmt: skip
State = Literal["ok", "failed", "skipped"]
# The scan that comes with the program, among its files; the labels found in it, in the folder of the self-test.
SAMPLE = "sample/ct.nii.gz"
LABELS_FILE = "labels.nii.gz"


@dataclass(frozen=True, eq=False)
class Step:
    """One step and how it went. `facts` are what was seen, in plain data; `problems` say what is wrong.

    A step is skipped when what it needs has failed before.
    """

    name: StepName
    state: State
    seconds: float = 0.0
    problems: tuple[Note, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_data(self) -> dict[str, Any]:
        """The step as plain data, with the English words of its problems."""
        problems = [{**each.to_data(), "sentence": each.sentence, "hint": each.hint} for each in self.problems]
        told = {"name": self.name, "state": self.state, "seconds": round(self.seconds, 2)}
        return {**told, "problems": problems, "facts": dict(self.facts)}


def step_from_data(data: Mapping[str, Any]) -> Step:
    """The step that `to_data` described. Raises KeyError for what is none."""
    problems = tuple(Note(each["id"], each["arguments"]) for each in data["problems"])
    return Step(data["name"], data["state"], data["seconds"], problems, data["facts"])


class Voice:
    """What a process that tries something says of it, line by line, to a file that another process reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, step: StepName) -> None:
        """From here on this step is tried."""
        self._say(begin=step)

    def trying(self, what: str) -> None:
        """What is tried now: should the process crash, it was this."""
        self._say(trying=what)

    def fact(self, name: str, value: Any) -> None:
        """Something seen; values that are mappings are joined."""
        self._say(fact=name, value=value)

    def problem(self, problem: Note) -> None:
        """Something that is wrong."""
        self._say(problem=problem.to_data())

    def step(self, step: Step) -> None:
        """A whole step."""
        self._say(step=step.to_data())

    def end(self) -> None:
        """Everything has been tried."""
        self._say(end=True)

    def _say(self, **words: Any) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(words) + "\n")


class Ear:
    """Reads what a `Voice` says, while it goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def news(self) -> list[dict[str, Any]]:
        """What was said since the last call; a line that is being written is left for the next."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        return [json.loads(line) for line in whole.splitlines()]


def note_of(error: TsDesktopError) -> Note:
    """What an error says, without names and places."""
    arguments = {key: redacted(each) if isinstance(each, str) else each for key, each in error.arguments.items()}
    return Note(error.id, arguments)


def end_with_parent() -> None:
    """Ends this process as soon as its standard input closes: when the process that started it has ended."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    try:
        # Not sys.stdin: a thread that waits inside of it disturbs the end of the program.
        while os.read(0, 1):
            pass
    except OSError:
        return
    os._exit(1)
