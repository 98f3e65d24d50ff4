"""Something worth telling about a scan or a run that is not an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tsdesktop.core.words import hint_of, sentence_of

Argument = str | int | float


@dataclass(frozen=True, eq=False)
class Note:
    """An id of `core.words` with the arguments that fill its gaps. Refuses ids without words with KeyError."""

    id: str
    arguments: Mapping[str, Argument]

    def __post_init__(self) -> None:
        sentence_of(self.id, self.arguments)

    @property
    def sentence(self) -> str:
        """What was noticed, as one plain English sentence."""
        return sentence_of(self.id, self.arguments)

    @property
    def hint(self) -> str:
        """What to do about it; may be empty."""
        return hint_of(self.id, self.arguments)

    def to_data(self) -> dict[str, object]:
        """The note as plain data."""
        return {"id": self.id, "arguments": dict(self.arguments)}


def note(id: str, /, **arguments: Argument) -> Note:
    """Shorthand for `Note(id, arguments)`."""
    return Note(id, arguments)
