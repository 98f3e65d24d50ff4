"""A run as the window sees it: ordered on the left, watched, its drafts and its result shown in place.

Wires the left panel, the supervisor and the session together; none of these knows the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal
from shiboken6 import isValid

from tsdesktop.core.errors import TsDesktopError
from tsdesktop.core.options import Options
from tsdesktop.core.statistics import StructureStatistics
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui.background import Work, run_in_background
from tsdesktop.gui.figures import countdown_text
from tsdesktop.gui.panels.left import LeftPanel
from tsdesktop.gui.remembering import Memory
from tsdesktop.gui.session import Session
from tsdesktop.gui.supervisor import Order, Supervisor
from tsdesktop.gui.words import structures_text
from tsdesktop.jobs.messages import Progress
from tsdesktop.measures.statistics import structure_statistics
from tsdesktop.pipeline import Segmentation

log = logging.getLogger(__name__)
# What is computed again within this time needs no question when it would be lost.
_WORTH_ASKING_S = 20.0


class RunFlow(QObject):
    """Starts runs and shows what comes of them. `running_changed(bool)`; `stopped` after a run was cancelled."""

    running_changed = Signal(bool)
    stopped = Signal()
    bug_found = Signal(Exception)

    def __init__(self, session: Session, left: LeftPanel, supervisor: Supervisor, memory: Memory) -> None:
        super().__init__(memory)
        self._session = session
        self._memory = memory
        self._left = left
        self._supervisor = supervisor
        self._counting: Work | None = None
        # Whether the result on screen may be lost without a question.
        self._is_saved = True
        # What was on screen before the run: it comes back where the run does not end well.
        self._before: tuple[LabelMap | None, Segmentation | None, bool] = (None, None, True)
        left.cancel_wanted.connect(supervisor.cancel)
        supervisor.progressed.connect(self._on_progressed)
        supervisor.draft_ready.connect(self._on_draft_ready)
        supervisor.finished.connect(self._on_finished)
        supervisor.failed.connect(self._on_failed)
        supervisor.cancelled.connect(self._on_cancelled)
        session.labels_changed.connect(self._count)

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._supervisor.running is not None

    @property
    def has_unsaved_result(self) -> bool:
        """Whether a result that took long to compute is shown and has not been exported."""
        result = self._session.result
        return result is not None and not self._is_saved and result.seconds >= _WORTH_ASKING_S

    def mark_saved(self) -> None:
        """The result on screen has been exported."""
        self._is_saved = True

    def give_up(self) -> None:
        """Stops the run and lets go of its result."""
        self._is_saved = True
        self._supervisor.cancel()

    def when_ended(self, asker: QObject, call: Callable[[], None]) -> None:
        """Calls once the run under way has ended and its labels are shown, unless `asker` is gone by then."""

        def ended() -> None:
            self.running_changed.disconnect(ended)
            # It is said before the labels are shown.
            if isValid(asker):
                QTimer.singleShot(0, asker, call)

        self.running_changed.connect(ended)

    @property
    def _is_of_open_scan(self) -> bool:
        order = self._supervisor.running
        return order is not None and order.volume is self._session.volume

    def start(self, options: Options) -> None:
        """Starts a run on the open scan; nothing while another one is under way."""
        if self._session.volume is None or self.is_running:
            return
        self._before = self._session.label_map, self._session.result, self._is_saved
        self._left.run.show_started(options)
        self._supervisor.run(Order(self._session.volume, options, drafts=self._memory.settings.draft_first))
        self.running_changed.emit(True)

    def _on_progressed(self, progress: Progress) -> None:
        if self.is_running:
            self._left.run.show_progress(progress)

    def _on_draft_ready(self, label_map: LabelMap) -> None:
        if self._is_of_open_scan:
            self._session.show_labels(label_map, is_draft=True)
            self._left.run.show_note(self.tr("A draft is shown; it is refined in place."))

    def _on_finished(self, result: Segmentation) -> None:
        self.running_changed.emit(False)
        if self._session.volume is not result.volume:
            self._left.run.show_idle()
            return
        self._session.show_labels(result.label_map, result)
        self._is_saved, self._before = False, (None, None, True)
        found = len(result.label_map.present)
        if found:
            text = self.tr("Found {structures} in {time}")
            words = {"structures": structures_text(found), "time": countdown_text(result.seconds)}
            self._left.run.show_done(text.format(**words))
        else:
            self._left.run.show_done(self.tr("Nothing was found: this scan may not show what the task looks for."))
        new_notes = [each for each in result.notes if each not in result.volume.notes]
        self._session.add_notes(new_notes)

    def _on_failed(self, error: Exception) -> None:
        self.running_changed.emit(False)
        self._take_drafts_back()
        self._left.run.show_error(error)
        if not isinstance(error, TsDesktopError):
            self.bug_found.emit(error)

    def _on_cancelled(self) -> None:
        self.running_changed.emit(False)
        self._take_drafts_back()
        self._left.run.show_idle()
        self.stopped.emit()

    def _take_drafts_back(self) -> None:
        """Drafts of a run that did not end well give way to what was there before."""
        label_map, result, is_saved = self._before
        self._before = (None, None, True)
        if not self._session.is_draft:
            return
        if label_map is None:
            self._session.close_labels()
        else:
            self._session.show_labels(label_map, result)
            self._is_saved = is_saved

    def _count(self) -> None:
        """Counts the labels that are shown, away from the main thread."""
        if self._counting is not None:
            self._counting.forget()
            self._counting = None
        session = self._session
        if session.label_map is None or session.volume is None:
            return
        count = partial(_counted, session.volume, session.label_map)
        self._counting = run_in_background(count, partial(self._on_counted, session.label_map), self._on_not_counted)

    def _on_counted(self, label_map: LabelMap, statistics: list[StructureStatistics]) -> None:
        if self._session.label_map is label_map:
            self._session.set_statistics(statistics)

    def _on_not_counted(self, error: Exception) -> None:
        log.error("the structures could not be measured", exc_info=error)


def _counted(volume: Volume, label_map: LabelMap) -> list[StructureStatistics]:
    # VTK comes with it, which takes longer to load than the window may take to open.
    from tsdesktop.pipeline import on_label_grid

    return list(structure_statistics(on_label_grid(volume, label_map), label_map))
