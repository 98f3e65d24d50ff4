"""The inference half: reads commands from its standard input, runs jobs, says how it goes on its standard output.

It ends when its input closes, so it never outlives the half that started it. What libraries print goes to standard
error; standard output carries messages only.
"""

from __future__ import annotations

import errno
import importlib
import logging
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import Cancelled, InferenceError, OutOfMemory, TsDesktopError
from tsdesktop.core.files import written_whole
from tsdesktop.core.geometry import Geometry, to_ras_order
from tsdesktop.core.volume import Intensities
from tsdesktop.inference.priority import step_back
from tsdesktop.inference.progress import Meter
from tsdesktop.jobs.arrays import save_array
from tsdesktop.jobs.job import LABELS_FILE, LOW_PRIORITY, PRIORITY_VARIABLE, ROUGH_FILE, SCAN_FILE, Job, read_job
from tsdesktop.jobs.messages import (
    Cancel,
    Command,
    Failed,
    FindDevices,
    Finished,
    Message,
    Ready,
    Run,
    Stopped,
    Warm,
    decode_command,
    encode,
)

if TYPE_CHECKING:
    import torch

    from tsdesktop.inference.predictor import Networks

log = logging.getLogger(__name__)


def serve() -> int:
    """Runs commands until standard input closes. Returns the exit code."""
    if os.environ.get(PRIORITY_VARIABLE) == LOW_PRIORITY:
        step_back()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    return Worker(sys.stdin, _claim_output()).serve()


class Worker:
    """Takes commands from one stream and sends messages to another."""

    def __init__(self, commands: IO[str], messages: IO[str]) -> None:
        self._commands = commands
        self._messages = messages
        self._queue: queue.Queue[Command] = queue.Queue()
        self._cancelled = threading.Event()
        self._sending = threading.Lock()

    def serve(self) -> int:
        """Runs commands one after the other."""
        threading.Thread(target=self._listen, daemon=True).start()
        self.send(Ready(os.getpid()))
        while True:
            match self._queue.get():
                case Run(job_file):
                    self._run(Path(job_file))
                case FindDevices():
                    self._find_devices()
                case Warm() as wanted:
                    self._warm(wanted)
                case Cancel():
                    continue

    def send(self, message: Message) -> None:
        """One line to the other half; ends the process when nobody reads any more."""
        try:
            with self._sending:
                self._messages.write(encode(message) + "\n")
                self._messages.flush()
        except OSError:
            os._exit(0)

    def _listen(self) -> None:
        for line in self._commands:
            command = decode_command(line)
            if isinstance(command, Cancel):
                self._cancelled.set()
            self._queue.put(command)
        # The other half is gone. A computation may be deep inside a library; there is nothing to save.
        os._exit(0)

    def _run(self, job_file: Path) -> None:
        self._cancelled.clear()
        meter = Meter(self.send, self._cancelled.is_set)
        try:
            self.send(run_job(read_job(job_file), meter))
        except Cancelled:
            self.send(Stopped())
        except TsDesktopError as error:
            self.send(_failed(error))
        except Exception as error:
            # The only place where an unknown failure becomes a message.
            log.exception("a run failed")
            self.send(_failed(_known(error)))

    def _find_devices(self) -> None:
        try:
            from tsdesktop.inference.devices import find_devices

            self.send(find_devices())
        except Exception as error:
            log.exception("devices could not be found")
            self.send(_failed(_known(error)))

    def _warm(self, wanted: Warm) -> None:
        try:
            _load_libraries()
            self._load_ahead(wanted)
        except Exception:
            # The run that needs the libraries fails the same way, and tells.
            log.info("the libraries could not be loaded ahead", exc_info=True)

    def _load_ahead(self, wanted: Warm) -> None:
        from tsdesktop.inference.backends import ProcessorNetworks

        if wanted.network is not None and _on_processor(wanted.device):
            meter = Meter(self.send, self._cancelled.is_set)
            ProcessorNetworks(meter, wanted.threads, half=wanted.precision == "half").expect(wanted.network)


def _load_libraries() -> None:
    """Loads what the next run will most likely need."""
    from tsdesktop.inference import backends, cards_here, openvino_network

    importlib.import_module("tsdesktop.inference.segment")
    if cards_here.may_have_card():
        importlib.import_module("tsdesktop.inference.devices").find_devices()
        importlib.import_module("tsdesktop.inference.networks")
    elif os.environ.get(backends.BACKEND_VARIABLE) != "torch":
        openvino_network.library()


def run_job(job: Job, meter: Meter) -> Finished:
    """Computes a job's labels into its folder. Raises Cancelled and errors of ours."""
    started = time.monotonic()
    folder = Path(job.folder)
    array = np.load(folder / SCAN_FILE, mmap_mode="r")
    labels, geometry, device = _instant(job, array, meter) if job.plan is None else _networks(job, array, meter)
    meter.stage("writing")
    with written_whole(folder / LABELS_FILE) as temporary:
        save_array(temporary, labels)
    meter.done("writing")
    i, j, k = labels.shape
    affine = tuple(float(value) for value in geometry.affine.ravel())
    probabilities = tuple(sorted(path.name for path in folder.glob("probabilities_*.npz")))
    seconds = time.monotonic() - started
    return Finished((i, j, k), affine, device, seconds, probabilities, _torch_version() if job.plan else "")


def _torch_version() -> str:
    from tsdesktop.core.torch_build import torch_build

    build = torch_build()
    return build.version if build else ""


def _networks(job: Job, array: Intensities, meter: Meter) -> tuple[NDArray[Any], Geometry, str]:
    if job.plan is None:
        raise ValueError("a job of networks has a plan")
    # Imported here: the instant tasks need none of it, and torch takes seconds.
    meter.stage("loading")
    from tsdesktop.inference.drafts import Drafts
    from tsdesktop.inference.segment import Engine, Scan, segment

    networks, device = _networks_on(job, meter)
    drafts = Drafts(Path(job.folder), meter.show) if job.drafts else None
    folder = Path(job.folder)
    engine = Engine(job.choices, networks, meter, folder, drafts, folder / ROUGH_FILE, job.keep_rough)
    try:
        result = segment(Scan(array, job.geometry), job.plan, engine)
    except (MemoryError, RuntimeError) as error:
        if _is_out_of_memory(error):
            raise OutOfMemory("run.out_of_memory", device=_title(device)) from error
        raise
    return result.labels, result.geometry, device


def _networks_on(job: Job, meter: Meter) -> tuple[Networks, str]:
    """Where the job's networks run, and that device's name. Raises OptionsError for an unknown one."""
    from tsdesktop.inference.backends import ProcessorNetworks

    processor = ProcessorNetworks(meter, job.threads, half=job.precision == "half")
    if not _on_processor(job.device):
        from tsdesktop.inference.devices import choose_device

        chosen, notes = choose_device(job.device)
        for each in notes:
            meter.note(each)
        if chosen.type != "cpu":
            return _on_card(job, meter, chosen, processor), str(chosen)
    return processor, "cpu"


def _on_processor(device: str) -> bool:
    """Whether networks run on the processor, where that is known without looking for graphics cards."""
    from tsdesktop.inference.cards_here import may_have_card

    return device == "cpu" or (device == "auto" and not may_have_card())


def _on_card(job: Job, meter: Meter, device: torch.device, instead: Networks) -> Networks:
    import torch

    from tsdesktop.inference.networks import TorchNetworks
    from tsdesktop.inference.verify import Verifier

    torch.set_num_threads(job.threads or os.cpu_count() or 1)
    return TorchNetworks(device, Verifier(meter), instead)


def _instant(job: Job, array: Intensities, meter: Meter) -> tuple[NDArray[Any], Geometry, str]:
    if job.instant is None:
        raise ValueError("a job without a plan has an instant method")
    from tsdesktop.inference.instant import segment_instantly

    geometry = job.geometry
    order = to_ras_order(geometry)
    labels = segment_instantly(
        job.instant,
        order.apply(array),
        order.apply_geometry(geometry).spacing_mm,
        bone_threshold_hu=job.choices.bone_threshold_hu,
        say=lambda share: meter.share(job.task, share),
    )
    return order.undo(labels), geometry, "cpu"


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether memory did not suffice; torch and OpenVINO say so on the processor only in words."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
        or "not enough memory" in str(error)
        or "out of memory" in str(error)
        or "bad_alloc" in str(error)
        or "bad allocation" in str(error)
    )


def _title(device: str) -> str:
    return "the computer" if device == "cpu" else f"the graphics card ({device})"


def _known(error: Exception) -> TsDesktopError:
    if _is_out_of_memory(error):
        return OutOfMemory("run.out_of_memory", device=_title("cpu"))
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return InferenceError("run.disk_full")
    return InferenceError("run.failed", reason=f"{type(error).__name__}: {str(error)[:300]}")


def _failed(error: TsDesktopError) -> Failed:
    return Failed(type(error).__name__, error.id, dict(error.arguments))


def _claim_output() -> IO[str]:
    """A stream on the real standard output; from here on everything printed goes to standard error."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own
