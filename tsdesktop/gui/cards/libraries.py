"""The libraries for the graphics card as the window knows them: what is here, what could be fetched, what goes on.

Nobody on the network is asked before `ask` or `fetch` is called, and those only by a click.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal

from tsdesktop.core.errors import Cancelled, TsDesktopError
from tsdesktop.gui.background import run_in_background
from tsdesktop.gui.transfers import Hearers, OneAtATime, Transfer
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

if TYPE_CHECKING:
    from tsdesktop.runtimes.cards import Driver
    from tsdesktop.runtimes.manifest import Installed, Verdict
    from tsdesktop.runtimes.planning import Plan

log = logging.getLogger(__name__)
State = Literal["unknown", "nothing", "offered", "asking", "priced", "fetching", "paused", "trying", "works", "broken"]
_UNDER_WAY = ("asking", "fetching", "trying")


@dataclass(frozen=True)
class Found:
    """What is on this computer: why nothing can be offered, or the card; what is installed, and its last trial."""

    obstacle: TsDesktopError | None
    driver: Driver | None = None
    installed: Installed | None = None
    verdict: Verdict | None = None
    problem: str = ""
    partial_bytes: int = 0


@dataclass(frozen=True)
class Ways:
    """What is called on other threads; tests put others in their place."""

    look: Callable[[], Found]
    plan: Callable[[Driver | None, Stop], Plan]
    fetch: Callable[[Plan, Listen, Stop], Installed]
    try_out: Callable[[Installed, Stop], Verdict]
    forget: Callable[[], object]
    remove: Callable[[Installed], object]


class CardLibraries(QObject):
    """`changed` whenever anything of it has; `settled(works)` after a trial, `removed` after removing."""

    changed = Signal()
    settled = Signal(bool)
    removed = Signal()

    def __init__(self, parent: QObject | None = None, ways: Ways | None = None) -> None:
        super().__init__(parent)
        self._ways = ways or _ways()
        self._threads = OneAtATime(self)
        self._now: Transfer | None = None
        self._closed = False
        self.state: State = "unknown"
        self.found: Found | None = None
        self.plan: Plan | None = None
        self.progress: Progress | None = None
        self.error: Exception | None = None

    @property
    def is_active(self) -> bool:
        """Whether something is under way."""
        return self.state in _UNDER_WAY

    @property
    def card_name(self) -> str:
        """The best card's name; empty without one."""
        best = None if self.found is None or self.found.driver is None else self.found.driver.best
        return "" if best is None else best.name

    def look(self) -> None:
        """Looks at this computer, in the background; nothing while something is under way."""
        if not self.is_active:
            run_in_background(self._ways.look, self._on_looked, self._on_not_looked)

    def ask(self) -> None:
        """Asks the package indexes how much it is."""
        if not self.is_active and self.found is not None:
            driver = self.found.driver
            self._begin("asking", lambda _, stop: self._ways.plan(driver, stop), self._on_planned)

    def fetch(self) -> None:
        """Fetches what `plan` names, or goes on with it."""
        if not self.is_active and self.plan is not None:
            self._begin("fetching", partial(self._ways.fetch, self.plan), self._on_fetched)

    def try_out(self) -> None:
        """Tries what is installed, again."""
        installed = None if self.found is None else self.found.installed
        if not self.is_active and installed is not None:
            self._begin("trying", lambda _, stop: self._ways.try_out(installed, stop), self._on_tried)

    def pause(self) -> None:
        """Stops fetching for now; what has arrived stays."""
        if self.state == "fetching" and self._now is not None:
            self._now.stop.set()

    def cancel(self) -> None:
        """Stops what is under way for good, and what has arrived is removed."""
        if self._now is not None:
            self._now.forget()
            self._now = None
        self.plan, self.error, self.progress = None, None, None
        # The thread gives up its lock first.
        self._begin("asking", lambda *_: self._ways.forget(), lambda _: self._look_again())

    def remove(self) -> None:
        """Removes what is installed."""
        installed = None if self.found is None else self.found.installed
        if not self.is_active and installed is not None:
            self._begin("asking", lambda *_: self._ways.remove(installed), self._on_removed)

    def close(self) -> None:
        """Stops what is under way; what has arrived stays for the next start. Nothing is emitted any more."""
        self._closed = True
        if self._now is not None:
            self._now.forget()
            if not self._threads.wait():
                log.warning("fetching libraries did not stop at once")

    def _begin(self, state: State, call: Callable[[Listen, Stop], Any], done: Callable[[Any], None]) -> None:
        if self._closed:
            return
        self.state, self.error, self.progress = state, None, None
        self._now = Transfer(call, Hearers(self._on_progress, done, self._on_failed), self._threads)
        self.changed.emit()

    def _settle(self, state: State) -> None:
        self._now, self.state = None, state
        self.changed.emit()

    def _state_of(self, found: Found) -> State:
        if found.installed is not None and found.verdict is not None and found.verdict.works and not found.problem:
            return "works"
        if found.installed is not None:
            return "broken"
        if found.obstacle is not None:
            return "nothing"
        return "offered" if self.plan is None else "priced"

    def _look_again(self) -> None:
        self._now, self.state = None, "unknown"
        self.look()

    def _on_looked(self, found: Found) -> None:
        self.found = found
        if not self.is_active and not self._closed:
            self._settle(self._state_of(found))

    def _on_not_looked(self, error: Exception) -> None:
        log.warning("looking for graphics cards failed: %s", type(error).__name__)
        self.error = error
        self._settle("nothing")

    def _on_progress(self, progress: Progress) -> None:
        self.progress = progress
        self.changed.emit()

    def _on_planned(self, plan: Plan) -> None:
        self.plan = plan
        self._settle("priced")

    def _on_fetched(self, installed: Installed) -> None:
        self._begin("trying", lambda _, stop: self._ways.try_out(installed, stop), self._on_tried)

    def _on_tried(self, verdict: Verdict) -> None:
        self.plan = None
        self.settled.emit(verdict.works)
        self._look_again()

    def _on_removed(self, _: object) -> None:
        self.removed.emit()
        self._look_again()

    def _on_failed(self, error: Exception) -> None:
        before = self.state
        if not isinstance(error, Cancelled):
            self.error = error
        if before == "fetching":
            self._settle("paused")
        elif self.found is not None:
            self._settle(self._state_of(self.found))


# What talks to indexes and drivers comes with what takes longer to load than the window may take to open.


def _ways() -> Ways:
    return Ways(_look, _plan, _fetch, _try_out, _forget, _remove)


def _look() -> Found:
    from tsdesktop.core.torch_build import torch_build
    from tsdesktop.runtimes.active import find_active, fitting_set
    from tsdesktop.runtimes.cards import find_driver
    from tsdesktop.runtimes.install import partial_bytes
    from tsdesktop.runtimes.manifest import installed_sets, read_verdict
    from tsdesktop.runtimes.planning import obstacle

    driver = find_driver()
    # One for another version of the program is replaced by fetching.
    installed = fitting_set(installed_sets(), torch_build())
    verdict = None if installed is None else read_verdict(installed.folder)
    return Found(obstacle(driver), driver, installed, verdict, find_active().problem, partial_bytes())


def _plan(driver: Driver | None, stop: Stop) -> Plan:
    from tsdesktop.runtimes.planning import make_plan

    return make_plan(driver, stop)


def _fetch(plan: Plan, listen: Listen, stop: Stop) -> Installed:
    from tsdesktop.runtimes.install import install

    return install(plan, listen, stop)


def _try_out(installed: Installed, stop: Stop) -> Verdict:
    from tsdesktop.runs.engine import inference_command
    from tsdesktop.runtimes.trial import try_out

    return try_out(installed.folder, inference_command(), stop)


def _forget() -> None:
    from tsdesktop.runtimes.install import forget_partial

    forget_partial()


def _remove(installed: Installed) -> int:
    from tsdesktop.runtimes.install import remove

    return remove(installed)
