"""The builds of torch for graphics cards that its makers publish, and which of them suit a driver and its cards."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tsdesktop.core.errors import LibraryError
from tsdesktop.runtimes.cards import Capability, Card, Driver


@dataclass(frozen=True)
class Build:
    """A build for one version of CUDA, with the oldest and the newest cards (compute capability) it has code for."""

    cuda: Capability
    oldest: Capability
    newest: Capability = (99, 0)

    @property
    def name(self) -> str:
        """As torch's own index calls it: "cu130"."""
        return f"cu{self.cuda[0]}{self.cuda[1]}"

    def runs_under(self, driver: Driver) -> bool:
        """Whether the driver is new enough: one of the same major version of CUDA runs all of its minor versions."""
        return driver.cuda[0] >= self.cuda[0]

    def knows(self, card: Card) -> bool:
        """Whether it has code for the card."""
        return self.oldest <= card.capability <= self.newest


# From the table of architectures in PyTorch's RELEASE.md, newest first. Those for 12.6 are the last with code for
# cards older than Turing (7.5), and have none for cards newer than Hopper (9.0). What is not published is passed over.
BUILDS = (
    Build((13, 2), (7, 5)),
    Build((13, 0), (7, 5)),
    Build((12, 9), (7, 5)),
    Build((12, 8), (7, 5)),
    Build((12, 6), (5, 0), (9, 0)),
)


def build_for_cuda(cuda: Capability) -> Build:
    """The build for a version of CUDA; one that is not in the list is taken to be like its nearest older one."""
    older = next((each for each in BUILDS if each.cuda <= cuda), BUILDS[-1])
    return Build(cuda, older.oldest, older.newest)


def suits(build: Build, driver: Driver) -> bool:
    """Whether some card of the driver can be used with the build."""
    return build.runs_under(driver) and any(build.knows(each) for each in driver.cards)


def builds_for(driver: Driver) -> tuple[Build, ...]:
    """The builds that suit, best first: those that know the best card, of these the newest."""
    best = driver.best
    fitting = [each for each in BUILDS if suits(each, driver)]
    return tuple(sorted(fitting, key=lambda each: (best is None or not each.knows(best), [-n for n in each.cuda])))


def refusal(driver: Driver | None) -> LibraryError | None:
    """Why no build can be offered on this computer; None where one can."""
    if sys.platform == "darwin":
        return LibraryError("runtime.mac")
    if driver is None:
        return LibraryError("runtime.no_driver")
    best = driver.best
    if best is None:
        return LibraryError("runtime.no_card")
    if builds_for(driver):
        return None
    if not any(each.knows(best) for each in BUILDS):
        capability = ".".join(map(str, best.capability))
        return LibraryError("runtime.old_card", card=best.name, capability=capability)
    return LibraryError("runtime.old_driver", card=best.name, cuda=".".join(map(str, driver.cuda)))
