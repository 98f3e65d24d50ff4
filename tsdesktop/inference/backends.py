"""What computes a network on the processor: OpenVINO where it gives torch's labels and is quicker, else torch.

Which of both is found out when a network first runs on this computer: both compute the window of the scan with most to
see, their labels are compared and their time is taken. The answer holds for one state of the network's files, one
processor, and one version of each library. Once it is known, torch is not even loaded.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.notes import note
from tsdesktop.core.settings import data_folder
from tsdesktop.inference import converted, openvino_network
from tsdesktop.inference.converted import Converted
from tsdesktop.inference.half_precision import HalfPrecision
from tsdesktop.inference.image import Image
from tsdesktop.inference.openvino_network import OpenVinoNetwork
from tsdesktop.inference.predictor import Network, Opened
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.remembered import Remembered
from tsdesktop.inference.tiling import busiest_tile, make_tiling, tile_weight
from tsdesktop.inference.timing import timed
from tsdesktop.jobs.plan import NetworkRun

if TYPE_CHECKING:
    import torch

    from tsdesktop.inference.networks import LoadedNetwork

log = logging.getLogger(__name__)
# Names what computes, for measurements: "torch" or "openvino".
BACKEND_VARIABLE = "TSDESKTOP_BACKEND"
_FILE = "processor_backends.json"
# Share of voxels of a window whose labels must be torch's own.
_EQUAL_LABELS = 0.999
# So many planes of a window are compared, evenly spread.
_PLANES = 24
# torch is taken where it needs less than this share of OpenVINO's time: loading it takes seconds and much memory.
_CLEARLY_QUICKER = 0.7


@dataclass(frozen=True)
class Choice:
    """What computes a network here; `wrong` says how OpenVINO's labels differed where it may not be used for that.

    The seconds are the processor's, all cores together, for one window.
    """

    backend: str
    wrong: str = ""
    openvino_s: float = 0.0
    torch_s: float = 0.0


class ProcessorNetworks:
    """See `predictor.Networks`. `threads` 0 takes all cores; with `half` they compute with bfloat16 where they can."""

    def __init__(self, meter: Meter, threads: int = 0, memory: Path | None = None, *, half: bool = False) -> None:
        self._meter = meter
        self._threads = threads
        self._memory = Remembered(memory or data_folder() / _FILE)
        self._halves = HalfPrecision(self._memory, threads) if half else None
        self._forced = os.environ.get(BACKEND_VARIABLE, "")

    def expect(self, run: NetworkRun) -> None:
        """Loads the network in a thread, if it is known what computes it, while the scan is prepared for it."""
        threading.Thread(target=self._load_ahead, args=(run,), daemon=True).start()

    def open(self, run: NetworkRun) -> Opened:
        """The network of `run`, by what is known to compute it best."""
        name = self._name(run)
        choice = self._choice(name)
        if not name or (choice is not None and choice.backend == "torch"):
            self._tell(run, choice)
            return self._by_torch(run)
        found = converted.find(run, name) if choice is not None else None
        if found is not None:
            return Opened(
                found.plans, lambda image, step: self._at_precision(run, self._loaded(run, found), image, step)
            )
        network = self._fresh(run)
        return Opened(
            network.plans,
            lambda image, step: self._at_precision(run, self._first(run, network, image, step), image, step),
        )

    def _load_ahead(self, run: NetworkRun) -> None:
        try:
            name = self._name(run)
            choice = self._choice(name)
            if choice is not None and choice.backend == "openvino" and (found := converted.find(run, name)) is not None:
                self._openvino(run, found)
        except Exception:
            # The run itself fails the same way, and tells.
            log.info("a network could not be loaded ahead", exc_info=True)

    def _name(self, run: NetworkRun) -> str:
        """The name of the network's conversion; empty where OpenVINO is not to be used.

        So it is where a file is missing, too: torch's way tells which.
        """
        if self._forced == "torch" or not _has_openvino():
            return ""
        try:
            return converted.identity(run, openvino_network.version())
        except OSError:
            return ""

    def _choice(self, name: str) -> Choice | None:
        """What is known to compute a conversion of this name best."""
        if not name:
            return None
        if self._forced == "openvino":
            return Choice("openvino")
        facts = self._memory.get(_key(name))
        try:
            return Choice(str(facts["backend"]), str(facts["wrong"]))
        except KeyError:
            return None

    def _first(self, run: NetworkRun, network: LoadedNetwork, image: Image, step: float) -> Network:
        """Converts a network; on its first use here, compares it with torch and remembers which is better."""
        self._meter.stage("checking")
        name = self._name(run)
        try:
            ready = self._converted(run, network)
        except OSError as error:
            log.warning("%s could not be kept for OpenVINO, so torch computes it: %s", run.key, error)
            return network
        choice = self._choice(name)
        if choice is None:
            tile = busiest_tile(make_tiling(image, network.plans.patch_shape, step))
            choice = _compared(ready, network, np.ascontiguousarray(tile)) if ready is not None else Choice("torch")
            self._memory.keep(_key(name), asdict(choice))
        self._tell(run, choice)
        if ready is not None and choice.backend == "openvino":
            return ready
        converted.remove(name)
        return network

    def _at_precision(self, run: NetworkRun, network: Network, image: Image, step: float) -> Network:
        """The network in the precision that was asked for; why it is not half is told."""
        if self._halves is None:
            return network
        chosen, reason = network, "OpenVINO does not compute it"
        if isinstance(network, OpenVinoNetwork):
            chosen, reason = self._halves.of(network, _key(self._name(run)), image, step)
        if reason:
            self._meter.note(note("note.no_half_precision", network=run.part or run.key, reason=reason))
        return chosen

    def _openvino(self, run: NetworkRun, found: Converted) -> OpenVinoNetwork:
        half = self._halves is not None and self._halves.is_known_good(_key(self._name(run)))
        return OpenVinoNetwork(found, self._threads, half=half)

    def _loaded(self, run: NetworkRun, found: Converted) -> Network:
        try:
            return self._openvino(run, found)
        except RuntimeError as error:
            log.warning("a converted network could not be loaded and is made again: %s", error)
        converted.remove(found.folder.name)
        network = self._fresh(run)
        try:
            return self._converted(run, network) or network
        except OSError:
            return network

    def _converted(self, run: NetworkRun, network: LoadedNetwork) -> OpenVinoNetwork | None:
        """The network by OpenVINO; None where that does not work. Raises OSError where it cannot be kept."""
        from tsdesktop.inference.conversion import convert

        name = self._name(run)
        try:
            convert(network, name)
            found = converted.find(run, name)
            return OpenVinoNetwork(found, self._threads) if found is not None else None
        except (MemoryError, OSError):
            raise
        except Exception as error:
            # Whatever the other library says: torch can do without it.
            log.warning("%s is not converted for OpenVINO: %s", run.key, str(error)[:500])
            return None

    def _tell(self, run: NetworkRun, choice: Choice | None) -> None:
        if choice is not None and choice.wrong:
            self._meter.note(note("note.network_by_torch", network=run.part or run.key, reason=choice.wrong))

    def _by_torch(self, run: NetworkRun) -> Opened:
        from tsdesktop.inference.networks import TorchNetworks

        return TorchNetworks(self._torch_device()).open(run)

    def _fresh(self, run: NetworkRun) -> LoadedNetwork:
        from tsdesktop.inference.networks import fresh_network

        return fresh_network(run, self._torch_device())

    def _torch_device(self) -> torch.device:
        import torch

        torch.set_num_threads(self._threads or os.cpu_count() or 1)
        return torch.device("cpu")


def _compared(ready: OpenVinoNetwork, network: LoadedNetwork, tile: NDArray[np.float32]) -> Choice:
    """Both compute a window, one after the other."""
    import torch

    from tsdesktop.inference.torch_windows import Outputs, run_on, winners
    from tsdesktop.inference.verify import compared

    regions, outputs = bool(network.plans.regions), Outputs(network.folds)
    request = ready.request()
    with torch.inference_mode():
        by_torch, torch_s = timed(lambda: run_on(network, outputs, torch.from_numpy(tile)).numpy())
    by_openvino, openvino_s = timed(lambda: openvino_network.run_window(request, tile))
    finisher = ready.finisher()
    weight = tile_weight(network.plans.patch_shape)
    # Some planes tell as much as all, and all labels of all voxels are more than many a computer can hold.
    planes = slice(None, None, max(1, len(tile) // _PLANES))
    sums = np.moveaxis(by_torch, 0, -1)[planes]
    expected = torch.from_numpy(finisher.logits(sums, np.ones_like(weight[planes])))
    got = torch.from_numpy(finisher.logits(by_openvino[planes], weight[planes]))
    ready.release()
    difference = compared(got, expected, regions=regions)
    equal = float((winners(got, regions=regions) == winners(expected, regions=regions)).float().mean())
    log.info("OpenVINO %.2f s, torch %.2f s, %.3f%% equal labels", openvino_s, torch_s, 100 * equal)
    if not difference.is_small or equal < _EQUAL_LABELS:
        return Choice("torch", f"{1 - equal:.1%} other labels", openvino_s, torch_s)
    return Choice("torch" if torch_s < _CLEARLY_QUICKER * openvino_s else "openvino", "", openvino_s, torch_s)


@cache
def _has_openvino() -> bool:
    try:
        openvino_network.library()
    except (ImportError, OSError) as error:
        log.warning("OpenVINO cannot be used, networks take longer: %s", error)
        return False
    return True


def _key(name: str) -> str:
    return " | ".join([name, _processor(), f"torch {_torch_version()}"])


@cache
def _processor() -> str:
    """The processor's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.partition(":")[::2] for line in lines[:40])
    told = {key.strip(): value.strip() for key, value in facts.items()}
    features = [each for each in told.get("flags", "").split() if each.startswith(("avx", "amx"))]
    return " ".join([told.get("model name", platform.machine()), *features])


@cache
def _torch_version() -> str:
    """torch's version, without loading it."""
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "unknown"
