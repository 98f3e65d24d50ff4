"""The one tree of errors. An error is an id with arguments; its English words stand in core/words.py.

* TsDesktopError
  - ReadError            a scan cannot be read
    + GeometryError      its voxels have no trustworthy place in space
  - WeightsError         a network is missing, broken or not to be trusted
  - LibraryError         a library for graphics cards cannot be fetched or used
  - LicenceError         a licence number is missing or refused
  - OptionsError         options that do not fit together, the task or the scan
  - InferenceError       the run itself failed
    + OutOfMemory        the memory of the computer or of the graphics card did not suffice
    + EngineCrashed      the inference process ended without an answer
  - ExportError          a result cannot be written
* Cancelled              somebody asked to stop; not an error

They cross the process boundary as data (`to_data`, `error_from_data`).
"""

from __future__ import annotations

from collections.abc import Mapping

from tsdesktop.core.words import hint_of, sentence_of

Argument = str | int | float


class TsDesktopError(Exception):
    """Something went wrong that a person can be told in one sentence.

    `id` names the sentence in `core.words`; `arguments` fill its gaps. Raises KeyError at once for an id without words.
    """

    def __init__(self, id: str, /, **arguments: Argument) -> None:
        self.id = id
        self.arguments: Mapping[str, Argument] = arguments
        super().__init__(sentence_of(id, arguments))

    @property
    def sentence(self) -> str:
        """What happened, as one plain English sentence."""
        return sentence_of(self.id, self.arguments)

    @property
    def hint(self) -> str:
        """What to do about it; may be empty."""
        return hint_of(self.id, self.arguments)

    def to_data(self) -> dict[str, object]:
        """The error as plain data for the pipe between the halves."""
        return {"kind": type(self).__name__, "id": self.id, "arguments": dict(self.arguments)}


class ReadError(TsDesktopError):
    """A scan cannot be read."""


class GeometryError(ReadError):
    """The voxels of a scan have no trustworthy place in space."""


class WeightsError(TsDesktopError):
    """A network is missing, broken or not to be trusted."""


class LibraryError(TsDesktopError):
    """A library for graphics cards cannot be fetched or used."""


class LicenceError(TsDesktopError):
    """A licence number is missing or refused."""


class OptionsError(TsDesktopError):
    """Options that do not fit together, the task or the scan."""


class InferenceError(TsDesktopError):
    """The run itself failed."""


class OutOfMemory(InferenceError):
    """The memory of the computer or of the graphics card did not suffice."""


class EngineCrashed(InferenceError):
    """The inference process ended without an answer."""


class ExportError(TsDesktopError):
    """A result cannot be written."""


class Cancelled(Exception):
    """Somebody asked to stop."""


_KINDS = {
    kind.__name__: kind
    for kind in (
        ReadError,
        GeometryError,
        WeightsError,
        LibraryError,
        LicenceError,
        OptionsError,
        InferenceError,
        OutOfMemory,
        EngineCrashed,
        ExportError,
    )
}


def error_from_data(data: Mapping[str, object]) -> TsDesktopError:
    """The error that `to_data` described. Raises KeyError for a kind or an id that is not ours."""
    kind, id, arguments = data["kind"], data["id"], data["arguments"]
    if not isinstance(kind, str) or not isinstance(id, str) or not isinstance(arguments, Mapping):
        raise ValueError(f"not an error as data: {data!r}")
    return _KINDS[kind](id, **arguments)
