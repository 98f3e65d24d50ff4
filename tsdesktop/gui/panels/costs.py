"""What a run costs on this computer: time from its window voxels and the speed measured here, and memory.

The speed is learned from every finished run and kept in the data folder. Before the first one a careful guess is used.
How much a crop leaves of a scan is never known before: such runs are guessed, by how far earlier guesses were off.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path

from tsdesktop.core.errors import TsDesktopError
from tsdesktop.core.files import written_whole
from tsdesktop.core.geometry import Geometry, Shape, to_ras_order
from tsdesktop.core.options import Options
from tsdesktop.core.resampling import resampled_shape
from tsdesktop.core.settings import data_folder
from tsdesktop.core.tasks import Catalogue, Spacing, Task
from tsdesktop.gui.panels.needs import Shelf
from tsdesktop.jobs.estimate import Work, network_work, whole_run
from tsdesktop.jobs.needs import Stage, stages
from tsdesktop.jobs.plan import NetworkRun, make_plan
from tsdesktop.jobs.tiles import tile_count
from tsdesktop.pipeline import Segmentation
from tsdesktop.weights.places import folds_of
from tsdesktop.weights.plans import read_plans

log = logging.getLogger(__name__)
FULL_WIDTH = 32
# Window voxels per second of a full-size network, before any was measured; the processor's is per core.
_GUESSED_CPU, _GUESSED_GPU, _GUESSED_MPS = 0.08e6, 8e6, 2e6
# Scan voxels per second of the instant tasks on one processor core.
_INSTANT = 9e6
# Seconds per voxel of a network's grid for everything but its windows.
_AROUND_S = 60e-9
# What a crop leaves of a scan, before it is known; as jobs.estimate guesses.
_CROPPED = 0.4
_PATCH: Shape = (128, 128, 128)
_USUAL_SPACING_MM = (1.5, 1.5, 1.5)
# Memory of the libraries, a network and its activations for one window.
_BASE_GB = 1.8
# No crop is taken to be further off than this: one that finds nothing is done at once, and tells nothing.
_LEAST_OFF, _MOST_OFF = 0.5, 4.0
# Handing the scan over and loading the libraries; a small scan costs little else.
_START_SECONDS = 2.0


@dataclass(frozen=True)
class Cost:
    """Seconds and GB of memory; `measured`: by a speed seen here, on the whole scan."""

    seconds: float
    memory_gb: float
    measured: bool = False


class Speeds:
    """Window voxels per second by device and width of the network, in a small JSON file."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or data_folder() / "speeds.json"
        self._speeds = self._read()

    def of(self, device: str, width: int = FULL_WIDTH) -> tuple[float, bool]:
        """The speed on `device` (auto, cpu, gpu:0 ...), and whether it was measured."""
        known = self._speeds.get(_key(device, width))
        return (known, True) if known else (_guess(device) * (FULL_WIDTH / width) ** 1.5, False)

    def learn(self, device: str, work: int, seconds: float, width: int = FULL_WIDTH) -> None:
        """Remembers a run of `work` window voxels; the latest runs count most."""
        if work <= 0 or seconds <= 0:
            return
        before, measured = self.of(device, width)
        speed = work / seconds
        self._speeds[_key(device, width)] = (before + speed) / 2 if measured else speed
        if not measured:
            # What was said of crops was by the guessed speed.
            self._speeds.pop(_cropped_key(device, width), None)
        self._write()

    def cropped(self, device: str, width: int = FULL_WIDTH) -> float:
        """How many times longer than predicted runs with a crop took here; 1 before there was any."""
        return self._speeds.get(_cropped_key(device, width), 1.0)

    def learn_cropped(self, device: str, predicted_s: float, seconds: float, width: int = FULL_WIDTH) -> None:
        """Remembers how far the prediction of a run with a crop was off; the latest runs count most."""
        if predicted_s <= 0 or seconds <= 0:
            return
        off = min(_MOST_OFF, max(_LEAST_OFF, seconds / predicted_s))
        key = _cropped_key(device, width)
        self._speeds[key] = (self._speeds[key] + off) / 2 if key in self._speeds else off
        self._write()

    def _read(self) -> dict[str, float]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("measured speeds could not be read and are ignored: %s", error)
            return {}
        found = stored.items() if isinstance(stored, dict) else ()
        return {key: float(value) for key, value in found if isinstance(value, int | float) and value > 0}

    def _write(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(self._path) as temporary:
                temporary.write_text(json.dumps(self._speeds, indent=1), encoding="utf-8")
        except OSError as error:
            log.warning("measured speeds could not be kept: %s", error)


class Prices:
    """Asks for the cost of runs on one scan. `catalogue` may be replaced by a later one."""

    def __init__(self, catalogue: Catalogue, shelf: Shelf, speeds: Speeds | None = None) -> None:
        self.catalogue = catalogue
        self._shelf = shelf
        self.speeds = speeds or Speeds()

    def of(self, task: Task, options: Options, geometry: Geometry) -> Cost:
        """The cost of a run. Raises OptionsError for what the task cannot do."""
        if task.instant is not None:
            voxels = prod(geometry.shape)
            return Cost(1.5 + voxels / _INSTANT, 0.2 + voxels * 8e-9)
        needed = stages(task, options, self.catalogue)
        work, width = self._work(task, options, geometry, needed), self._width(needed)
        seconds, memory_gb = self._seconds(work, options.device, width), _memory_gb(needed, geometry)
        if any(stage.looks_first for stage in needed):
            return Cost(seconds * self.speeds.cropped(options.device, width), memory_gb)
        return Cost(seconds, memory_gb, self.speeds.of(options.device, width)[1])

    def learn_from(self, result: Segmentation) -> None:
        """Takes the speed of a finished run, or with a crop how far it was off; chosen threads tell nothing general."""
        if result.task.instant is not None or result.options.threads:
            return
        try:
            plan = make_plan(result.task, result.options, self.catalogue)
        except TsDesktopError:
            return
        width = self._width(stages(result.task, result.options, self.catalogue))
        work = whole_run(plan, result.volume.geometry)
        if plan.crop is not None:
            predicted_s = self._seconds(work, result.device, width)
            self.speeds.learn_cropped(result.device, predicted_s, result.seconds, width)
            return
        # At least a third of the time is taken to be the networks', however the rest was misjudged.
        seconds = max(result.seconds - _START_SECONDS - work.around_s, result.seconds / 3)
        self.speeds.learn(result.device, work.windows, seconds, width)

    def _seconds(self, work: Work, device: str, width: int) -> float:
        return _START_SECONDS + work.around_s + work.windows / self.speeds.of(device, width)[0]

    def _work(self, task: Task, options: Options, geometry: Geometry, needed: tuple[Stage, ...]) -> Work:
        if all(self._shelf.presence(stage.network).state == "here" for stage in needed):
            try:
                return whole_run(make_plan(task, options, self.catalogue), geometry)
            except TsDesktopError as error:
                log.info("the work of %s is guessed: %s", task.name, error.sentence)
        return sum((self._stage_work(stage, geometry).times(_share(stage, needed)) for stage in needed), Work())

    def _stage_work(self, stage: Stage, geometry: Geometry) -> Work:
        around_s = _AROUND_S * prod(_model_grid(geometry, stage.spacing_mm)[0])
        return Work(self._stage_windows(stage, geometry), around_s)

    def _stage_windows(self, stage: Stage, geometry: Geometry) -> int:
        shape, spacing = _model_grid(geometry, stage.spacing_mm)
        found = self._shelf.presence(stage.network)
        if found.folder is not None and found.state == "here":
            folds = folds_of(stage.network, found.folder)
            run = NetworkRun(stage.network.key, str(found.folder), folds, "", ())
            try:
                return network_work(run, shape, spacing, stage.step_size)
            except TsDesktopError as error:
                log.info("the work of network %s is guessed: %s", stage.network.key, error.sentence)
        folds_guessed = len(stage.network.folds) if stage.network.folds is not None else 1
        if stage.spacing_mm is None:
            shape, _ = _model_grid(geometry, _USUAL_SPACING_MM)
        return tile_count(shape, _PATCH, stage.step_size) * prod(_PATCH) * folds_guessed

    def _width(self, needed: tuple[Stage, ...]) -> int:
        """Features of the first layers of the first network that is here: 32 in full-size networks."""
        for stage in needed:
            folder = self._shelf.presence(stage.network).folder
            if folder is not None and not stage.looks_first:
                return _width_of(folder)
        return FULL_WIDTH


@cache
def _width_of(folder: Path) -> int:
    try:
        return int(read_plans(folder).architecture_arguments["features_per_stage"][0])
    except (TsDesktopError, KeyError, TypeError, ValueError, IndexError):
        return FULL_WIDTH


def _model_grid(geometry: Geometry, spacing_mm: Spacing | None) -> tuple[Shape, Spacing]:
    turned = to_ras_order(geometry).apply_geometry(geometry)
    if spacing_mm is None:
        return turned.shape, turned.spacing_mm
    return resampled_shape(turned, spacing_mm), spacing_mm


def _share(stage: Stage, needed: tuple[Stage, ...]) -> float:
    """How much of the scan a network may have to look at: less where another one finds the region first."""
    return _CROPPED if not stage.looks_first and any(each.looks_first for each in needed) else 1.0


def _memory_gb(needed: tuple[Stage, ...], geometry: Geometry) -> float:
    """The libraries, the scan, and the largest slab of sums of one network (float32, one per label)."""
    slabs = [0.0]
    for stage in needed:
        shape = _model_grid(geometry, stage.spacing_mm or _USUAL_SPACING_MM)[0]
        side = _share(stage, needed) ** (1 / 3)
        a, b, c = sorted(round(n * side) for n in shape)
        slabs.append((stage.network.labels + 1) * max(a, 128) * max(b, 128) * min(max(c, 128), 128) * 4e-9)
    return _BASE_GB + max(slabs) + prod(geometry.shape) * 12e-9


def _key(device: str, width: int) -> str:
    kind = device.replace("cuda", "gpu")
    return f"{'gpu:0' if kind == 'gpu' else kind} {width}"


def _cropped_key(device: str, width: int) -> str:
    return f"{_key(device, width)} cropped"


def _guess(device: str) -> float:
    if device.startswith(("gpu", "cuda")):
        return _GUESSED_GPU
    return _GUESSED_MPS if device.startswith("mps") else _GUESSED_CPU * (os.cpu_count() or 1)
