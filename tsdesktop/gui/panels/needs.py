"""Whether tasks can run now: what is on this computer, what is missing, how large it is to download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Catalogue, Network, Task
from tsdesktop.jobs.needs import networks_of_run
from tsdesktop.weights.packages import Package, packages_of
from tsdesktop.weights.parts import length_of
from tsdesktop.weights.places import Presence, presence

Kind = Literal["ready", "download", "licence", "instant", "unusable"]


@dataclass(frozen=True)
class State:
    """Whether a task can run now: what is missing and in which packages it comes.

    `missing_bytes` is the size of their zips (None where nobody says), `partial_bytes` what an interrupted download
    has left here of them. A network of one's own comes in none. `needed` are the dataset folders of all that runs, here
    or not. "unusable": it cannot be run by this program at all.
    """

    kind: Kind
    missing: tuple[Presence, ...] = ()
    missing_bytes: int | None = 0
    packages: tuple[Package, ...] = ()
    partial_bytes: int = 0
    needed: tuple[str, ...] = ()


class Shelf:
    """What is on this computer, asked once per network until `refresh`."""

    def __init__(self) -> None:
        self._known: dict[str, Presence] = {}
        self._partial: dict[str, int] = {}

    def refresh(self) -> None:
        """Looks again at the next question."""
        self._known.clear()
        self._partial.clear()

    def presence(self, network: Network) -> Presence:
        """Whether `network` is here."""
        if network.key not in self._known:
            self._known[network.key] = presence(network)
        return self._known[network.key]

    def state(self, task: Task, options: Options, catalogue: Catalogue) -> State:
        """Whether a run can start now. Raises OptionsError for a variant the task does not have."""
        if task.instant is not None:
            return State("instant")
        if task.problem:
            return State("unusable")
        networks = networks_of_run(task, options, catalogue)
        missing = tuple(each for each in map(self.presence, networks) if each.state != "here")
        if not missing:
            return State("ready")
        # Two networks may come in one zip.
        packages = packages_of((each.network for each in missing), catalogue)
        sizes = [each.zip_bytes for each in packages]
        total = sum(size for size in sizes if size is not None) if None not in sizes else None
        licensed = any(each.source == "licence_server" for each in packages)
        partial = sum(self._partial_bytes(each) for each in packages)
        needed = tuple(dict.fromkeys(each.dataset_folder for each in networks))
        return State("licence" if licensed else "download", missing, total, packages, partial, needed)

    def _partial_bytes(self, package: Package) -> int:
        if package.folder not in self._partial:
            self._partial[package.folder] = length_of(package.part)
        return self._partial[package.folder]
