"""How far a download, an import or a verification is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["waiting", "connecting", "downloading", "retrying", "unpacking", "checking"]


@dataclass(frozen=True)
class Progress:
    """What is being done and how far it is.

    `waiting`: another program is at the same file. `total_bytes` None where the server does not say, `seconds_left`
    None while nobody can tell; `retry_in_s` counts down to the next try after the connection was lost.
    """

    stage: Stage
    done_bytes: int = 0
    total_bytes: int | None = None
    bytes_per_s: float = 0.0
    seconds_left: float | None = None
    retry_in_s: float = 0.0

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where the total is not known."""
        return None if not self.total_bytes else min(1.0, self.done_bytes / self.total_bytes)


Listen = Callable[[Progress], None]


def nobody(_: Progress) -> None:
    """Hears progress and does nothing."""
