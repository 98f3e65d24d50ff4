"""Whether tasks can run now: what is on this computer, what is missing, how large it is to download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Catalogue, Network, Task
from tsdesktop.jobs.needs import networks_of_run
from tsdesktop.weights.places import Presence, presence

Kind = Literal["ready", "download", "licence", "instant"]


@dataclass(frozen=True)
class State:
    """Whether a task can run now: what is missing, and how many bytes that is (None where nobody says)."""

    kind: Kind
    missing: tuple[Presence, ...] = ()
    missing_bytes: int | None = 0


class Shelf:
    """What is on this computer, asked once per network until `refresh`."""

    def __init__(self) -> None:
        self._known: dict[str, Presence] = {}

    def refresh(self) -> None:
        """Looks again at the next question."""
        self._known.clear()

    def presence(self, network: Network) -> Presence:
        """Whether `network` is here."""
        if network.key not in self._known:
            self._known[network.key] = presence(network)
        return self._known[network.key]

    def state(self, task: Task, options: Options, catalogue: Catalogue) -> State:
        """Whether a run can start now. Raises OptionsError for a variant the task does not have."""
        if task.instant is not None:
            return State("instant")
        networks = networks_of_run(task, options, catalogue)
        missing = tuple(each for each in map(self.presence, networks) if each.state != "here")
        if not missing:
            return State("ready")
        sizes = [each.network.zip_bytes for each in missing]
        total = sum(size for size in sizes if size is not None) if None not in sizes else None
        licensed = any(each.network.source == "licence_server" for each in missing)
        return State("licence" if licensed else "download", missing, total)
