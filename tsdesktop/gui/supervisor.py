"""The one object that runs segmentations for the window, in a QThread of its own that owns the inference process.

Exactly one of `finished`, `failed`, `cancelled` is emitted per run.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QThread, Signal, SignalInstance, Slot

from tsdesktop.core.errors import Cancelled, OutOfMemory, TsDesktopError
from tsdesktop.core.options import Options
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.jobs.messages import Device, Devices, Progress
from tsdesktop.pipeline import Engine, Segmentation, earlier_results, segment_volume
from tsdesktop.runs.folder import remove_abandoned, runs_folder

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Order:
    """A run to make: the scan and the choices. `drafts`: coarse labels are wanted while it goes on."""

    volume: Volume
    options: Options
    drafts: bool = True


class _Runner(QObject):
    """The half that lives in the thread."""

    progressed = Signal(Progress)
    draft_ready = Signal(LabelMap)
    finished = Signal(Segmentation)
    failed = Signal(Exception)
    cancelled = Signal()
    devices_found = Signal(Devices)

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.closing = False
        self._engine = engine

    @Slot(object)
    def run(self, order: Order) -> None:
        """Makes one run; blocks this thread, not the window. Somebody has told the engine to expect it."""
        try:
            result = segment_volume(
                order.volume,
                order.options,
                engine=self._engine,
                listen=self.progressed.emit,
                drafts=self._show_draft if order.drafts else None,
                earlier=earlier_results(),
            )
            # Whoever asks which structures there are finds it known, and does not search the whole array on the main
            # thread.
            _ = result.label_map.boxes
        except Cancelled:
            self._end_with(self.cancelled)
        except Exception as error:
            if not isinstance(error, TsDesktopError):
                log.exception("a run failed")
            if isinstance(error, OutOfMemory):
                # What the process still holds would be missing to the next run.
                self._engine.stop()
            self._end_with(self.failed, error)
        else:
            self._engine.no_longer_expect()
            self.finished.emit(result)

    def _show_draft(self, draft: LabelMap) -> None:
        _ = draft.boxes
        self.draft_ready.emit(draft)

    @Slot()
    def find_devices(self) -> None:
        """Looks for devices, which also warms the process; removes what runs have left whose program was killed."""
        remove_abandoned(runs_folder())
        try:
            self.devices_found.emit(self._engine.find_devices())
        except Cancelled:
            log.debug("the search for devices was stopped")
            self._warm()
        except TsDesktopError as error:
            log.warning("devices could not be found: %s", error.sentence)
            self.devices_found.emit(_only_the_processor(error))
            self._warm()

    @Slot()
    def find_devices_anew(self) -> None:
        """As `find_devices`, in a new process, which finds libraries that have come or gone."""
        self._engine.stop()
        self.find_devices()

    def _end_with(self, signal: SignalInstance, *arguments: object) -> None:
        """Says how the run ended and gets the process ready for the next one."""
        self._engine.no_longer_expect()
        signal.emit(*arguments)
        self._warm()

    def _warm(self) -> None:
        if self.closing:
            return
        try:
            self._engine.warm()
        except TsDesktopError as error:
            log.warning("the inference process could not be started again: %s", error.sentence)


class Supervisor(QObject):
    """The half the window talks to, on the main thread. One run at a time, at low priority.

    `progressed(Progress)` and `draft_ready(LabelMap)` come while a run goes on; the drafts lie on grids of their own.
    """

    progressed = Signal(Progress)
    draft_ready = Signal(LabelMap)
    finished = Signal(Segmentation)
    failed = Signal(Exception)
    cancelled = Signal()
    devices_found = Signal(Devices)
    _ordered = Signal(object)
    _devices_wanted = Signal()
    _devices_wanted_anew = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.running: Order | None = None
        self._cancelling = False
        self._engine = Engine(low_priority=True)
        self._runner = _Runner(self._engine)
        self._thread = QThread(self)
        self._runner.moveToThread(self._thread)
        self._ordered.connect(self._runner.run, Qt.ConnectionType.QueuedConnection)
        self._devices_wanted.connect(self._runner.find_devices, Qt.ConnectionType.QueuedConnection)
        self._devices_wanted_anew.connect(self._runner.find_devices_anew, Qt.ConnectionType.QueuedConnection)
        self._runner.progressed.connect(self._on_progressed)
        self._runner.draft_ready.connect(self._on_draft_ready)
        self._runner.devices_found.connect(self.devices_found)
        self._runner.finished.connect(self._on_finished)
        self._runner.failed.connect(self._on_failed)
        self._runner.cancelled.connect(self._on_cancelled)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The id of the inference process while it lives."""
        return self._engine.pid

    @property
    def last_lines(self) -> str:
        """What the inference process printed last, for a report."""
        return self._engine.last_lines

    def run(self, order: Order) -> None:
        """Starts a run. Raises RuntimeError while another one is under way."""
        if self.running is not None:
            raise RuntimeError("a run is under way")
        self.running = order
        self._cancelling = False
        # From here on a wish to cancel is kept, also before the thread has begun.
        self._engine.expect()
        self._ordered.emit(order)

    def find_devices(self) -> None:
        """Asks for the devices; `devices_found` follows. A run ordered meanwhile begins afterwards."""
        self._devices_wanted.emit()

    def find_devices_anew(self) -> None:
        """As `find_devices`, in a new process; a run that is under way ends first."""
        self._devices_wanted_anew.emit()

    def cancel(self) -> None:
        """Asks the run to stop; `cancelled` follows within a second. A run that has just ended stays as it is."""
        if self.running is not None:
            self._cancelling = True
            self._engine.cancel()

    def close(self) -> None:
        """Ends the run, the process and the thread. Call once, when the window closes. Nothing is emitted any more."""
        self._runner.closing = True
        self.running = None
        self._engine.cancel()
        self._thread.quit()
        self._thread.wait()
        self._engine.close()

    @Slot(Progress)
    def _on_progressed(self, progress: Progress) -> None:
        if self.running is not None and not self._cancelling:
            self.progressed.emit(progress)

    @Slot(LabelMap)
    def _on_draft_ready(self, draft: LabelMap) -> None:
        if self.running is not None and not self._cancelling:
            self.draft_ready.emit(draft)

    @Slot(Segmentation)
    def _on_finished(self, result: Segmentation) -> None:
        if self._end():
            self.finished.emit(result)

    @Slot(Exception)
    def _on_failed(self, error: Exception) -> None:
        if self._end():
            self.failed.emit(error)

    @Slot()
    def _on_cancelled(self) -> None:
        if self._end():
            self.cancelled.emit()

    def _end(self) -> bool:
        """Whether a run was under way that somebody still waits for."""
        waiting, self.running = self.running is not None, None
        return waiting


def _only_the_processor(error: TsDesktopError) -> Devices:
    """What can be said when the search itself has failed."""
    reason = f"the search for graphics cards failed ({error.sentence.rstrip('.')})"
    return Devices((Device("cpu", "processor", 0.0), Device("gpu:0", "graphics card", 0.0, reason)), "")
