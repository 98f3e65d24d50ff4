"""The one object that runs segmentations for the window, in a QThread of its own that owns the inference process.

Exactly one of `finished`, `failed`, `cancelled` is emitted per run.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from tsdesktop.core.errors import Cancelled, TsDesktopError
from tsdesktop.core.options import Options
from tsdesktop.core.volume import Volume
from tsdesktop.jobs.messages import Devices, Progress
from tsdesktop.pipeline import Engine, Segmentation, segment_volume

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Order:
    """A run to make: the scan and the choices."""

    volume: Volume
    options: Options


class _Runner(QObject):
    """The half that lives in the thread."""

    progressed = Signal(Progress)
    finished = Signal(Segmentation)
    failed = Signal(Exception)
    cancelled = Signal()
    devices_found = Signal(Devices)

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    @Slot(object)
    def run(self, order: Order) -> None:
        """Makes one run; blocks this thread, not the window."""
        try:
            result = segment_volume(order.volume, order.options, engine=self._engine, listen=self.progressed.emit)
        except Cancelled:
            self.cancelled.emit()
            self._warm()
        except Exception as error:
            if not isinstance(error, TsDesktopError):
                log.exception("a run failed")
            self.failed.emit(error)
        else:
            self.finished.emit(result)

    @Slot()
    def find_devices(self) -> None:
        """Looks for devices, which also warms the process."""
        try:
            self.devices_found.emit(self._engine.find_devices())
        except TsDesktopError as error:
            log.warning("devices could not be found: %s", error.sentence)

    def _warm(self) -> None:
        try:
            self._engine.start()
        except TsDesktopError as error:
            log.warning("the inference process could not be started again: %s", error.sentence)


class Supervisor(QObject):
    """The half the window talks to, on the main thread. One run at a time."""

    progressed = Signal(Progress)
    finished = Signal(Segmentation)
    failed = Signal(Exception)
    cancelled = Signal()
    devices_found = Signal(Devices)
    _ordered = Signal(object)
    _devices_wanted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.running: Order | None = None
        self._engine = Engine()
        self._runner = _Runner(self._engine)
        self._thread = QThread(self)
        self._runner.moveToThread(self._thread)
        self._ordered.connect(self._runner.run, Qt.ConnectionType.QueuedConnection)
        self._devices_wanted.connect(self._runner.find_devices, Qt.ConnectionType.QueuedConnection)
        self._runner.progressed.connect(self.progressed)
        self._runner.devices_found.connect(self.devices_found)
        self._runner.finished.connect(self._on_finished)
        self._runner.failed.connect(self._on_failed)
        self._runner.cancelled.connect(self._on_cancelled)
        self._thread.start()

    def run(self, order: Order) -> None:
        """Starts a run. Raises RuntimeError while another one is under way."""
        if self.running is not None:
            raise RuntimeError("a run is under way")
        self.running = order
        self._ordered.emit(order)

    def find_devices(self) -> None:
        """Asks for the devices; `devices_found` follows."""
        self._devices_wanted.emit()

    def cancel(self) -> None:
        """Asks the run to stop; `cancelled` follows within a second, when the process is gone."""
        if self.running is not None:
            self._engine.cancel()

    def close(self) -> None:
        """Ends the run, the process and the thread. Call once, when the window closes."""
        self._engine.cancel()
        self._thread.quit()
        self._thread.wait()
        self._engine.close()

    @Slot(Segmentation)
    def _on_finished(self, result: Segmentation) -> None:
        self.running = None
        self.finished.emit(result)

    @Slot(Exception)
    def _on_failed(self, error: Exception) -> None:
        self.running = None
        self.failed.emit(error)

    @Slot()
    def _on_cancelled(self) -> None:
        self.running = None
        self.cancelled.emit()
