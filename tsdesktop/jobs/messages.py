"""What the two halves say to each other: one JSON line per message on a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from cattrs.errors import BaseValidationError
from cattrs.preconf.json import JsonConverter
from cattrs.strategies import configure_tagged_union

from tsdesktop.core.geometry import Shape
from tsdesktop.core.options import Precision
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.jobs.wire import converter


@dataclass(frozen=True)
class Run:
    """To the inference half: run the job in this file."""

    job_file: str


@dataclass(frozen=True)
class Cancel:
    """To the inference half: stop the run at the next chance."""


@dataclass(frozen=True)
class FindDevices:
    """To the inference half: look for graphics cards and check them."""


@dataclass(frozen=True)
class Warm:
    """To the inference half: load the libraries now, so that the next run finds them loaded.

    And the first network of that run, where it will run on the processor; the rest as in `Job`.
    """

    network: NetworkRun | None = None
    device: str = "auto"
    threads: int = 0
    precision: Precision = "single"


Command = Run | Cancel | FindDevices | Warm


@dataclass(frozen=True)
class Ready:
    """The inference half has started and waits for commands."""

    pid: int


@dataclass(frozen=True)
class Progress:
    """How far a run is: `share` 0 to 1, tile `tile` of `tiles` of network `part` of `parts`, seconds left if known."""

    stage: str
    share: float
    part: int = 0
    parts: int = 0
    tile: int = 0
    tiles: int = 0
    seconds_left: float | None = None


@dataclass(frozen=True)
class Noted:
    """A note about the run, as data of `core.notes`."""

    id: str
    arguments: dict[str, str | int | float]


@dataclass(frozen=True)
class Draft:
    """Labels that are good enough to look at while the run goes on, in a file of the run's folder.

    They lie on a grid of `shape` and `affine` (row by row, RAS+ mm). `part` of `parts` networks are finished in them;
    what the others find is still coarse or missing. They are never part of the result.
    """

    labels_file: str
    shape: Shape
    affine: tuple[float, ...]
    part: int = 0
    parts: int = 0


@dataclass(frozen=True)
class Finished:
    """The labels are in the run's folder, on a grid of `shape` and `affine` (row by row, RAS+ mm).

    `torch` is the version that the inference half had: it may be another than the program's own. "" where none ran.
    """

    shape: Shape
    affine: tuple[float, ...]
    device: str
    seconds: float
    probabilities: tuple[str, ...] = ()
    torch: str = ""


@dataclass(frozen=True)
class Failed:
    """The run ended with an error of ours, as data of `core.errors`."""

    kind: str
    id: str
    arguments: dict[str, str | int | float]


@dataclass(frozen=True)
class Stopped:
    """The run was cancelled."""


@dataclass(frozen=True)
class Device:
    """One device networks could run on; `refused` says why it is not used, empty when it may be."""

    name: str
    title: str
    memory_gb: float
    refused: str = ""


@dataclass(frozen=True)
class Devices:
    """All devices found, best first, and the library's own description of itself."""

    devices: tuple[Device, ...]
    library: str


Message = Ready | Progress | Noted | Draft | Finished | Failed | Stopped | Devices


def encode(message: Command | Message) -> str:
    """The message as one line of JSON, without its line end."""
    union = Command if isinstance(message, Command) else Message
    return _converter().dumps(message, unstructure_as=union)


def decode_command(line: str) -> Command:
    """The command of a line. Raises ValueError for anything else."""
    command: Command = _decode(line, Command)
    return command


def decode_message(line: str) -> Message:
    """The message of a line. Raises ValueError for anything else."""
    message: Message = _decode(line, Message)
    return message


def _decode(line: str, union: Any) -> Any:
    try:
        return _converter().loads(line, union)
    except (KeyError, TypeError, BaseValidationError) as error:
        raise ValueError(f"not a message: {line[:200]}") from error


@cache
def _converter() -> JsonConverter:
    made = converter().copy()
    for union in (Command, Message):
        configure_tagged_union(union, made, tag_name="message")
    return made
