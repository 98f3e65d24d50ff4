"""What will be run: the task and everything chosen for it. The panels of the left side share this one model."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from weakref import ref

from PySide6.QtCore import QObject, Signal

from tsdesktop.core.assets import assets_folder
from tsdesktop.core.options import Options, Quality
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import Catalogue, Task
from tsdesktop.core.volume import Modality
from tsdesktop.gui.panels.costs import Cost, Prices
from tsdesktop.gui.panels.finder import fits
from tsdesktop.gui.panels.needs import Shelf, State
from tsdesktop.gui.session import Session
from tsdesktop.jobs.messages import Devices
from tsdesktop.pipeline import Segmentation
from tsdesktop.weights.catalogue import full_catalogue

How = tuple[tuple[str, Any], ...]
# Instant tasks are about Hounsfield units.
_USUAL: dict[Modality, tuple[str, ...]] = {
    "CT": ("total", "bone", "lung_vessels", "skin"),
    "MR": ("total_mr", "vertebrae_mr", "body_mr"),
    "unknown": ("total", "total_mr", "body", "body_mr"),
}
QUALITIES: tuple[Quality, ...] = ("fastest", "fast", "full")


class RunChoices(QObject):
    """The choices of the next run. `changed` after every change, `task_changed` before it when it was the task.

    Without a catalogue (`known`) it is the one with the person's own networks, read again by `look_again`.
    `device_changed(name)` when a person chose another device, for whoever remembers it.
    """

    changed = Signal()
    task_changed = Signal()
    device_changed = Signal(str)

    def __init__(
        self, session: Session, known: Catalogue | None = None, device: str = "auto", parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.session = session
        self._known = known
        self.catalogue = known or full_catalogue()
        self.shelf = Shelf()
        self.prices = Prices(self.catalogue, self.shelf)
        self.device = device
        self.devices: Devices | None = None
        self.task = self.catalogue.task("total")
        self._picked = self._quality_picked = False
        self.quality: Quality = self.best_quality(self.task)
        self.roi: tuple[str, ...] = ()
        self.how: dict[str, Any] = {}
        self._learned_from: ref[Segmentation] | None = None
        session.volume_changed.connect(self._on_volume_changed)
        session.labels_changed.connect(self._on_labels_changed)

    @property
    def modality(self) -> Modality:
        """The scan's modality; unknown without a scan."""
        return self.session.volume.modality if self.session.volume else "unknown"

    @property
    def is_open_question(self) -> bool:
        """Whether nobody knows what to run: the scan may be CT or MR, and no task was chosen for it."""
        return self.session.volume is not None and self.modality == "unknown" and not self._picked

    @property
    def used_device(self) -> str:
        """The device the next run will use, as far as is known: auto becomes the best one found, cpu stands in."""
        wanted = {"gpu": "gpu:0"}.get(self.device, self.device)
        if self.devices is None:
            return "cpu" if wanted == "auto" else wanted
        usable = [each.name for each in self.devices.devices if not each.refused] or ["cpu"]
        if wanted == "auto":
            return usable[0]
        return wanted if wanted in usable else "cpu"

    @property
    def chosen_structures(self) -> tuple[StructureClass, ...]:
        """The structures the run will give."""
        return tuple(each for each in self.task.classes if not self.roi or each.name in self.roi)

    def options(self) -> Options:
        """The choices as one value. Raises OptionsError where they do not go together."""
        return self.options_for(self.task, self.quality, self.roi)

    def options_for(self, task: Task, quality: Quality, roi: tuple[str, ...] = (), device: str = "") -> Options:
        """The choices with another task, quality, structures or device."""
        own = tuple(sorted(self.how.items())) if task is self.task else ()
        if quality == "fastest":
            # The 6 mm network comes in one size.
            own = tuple(pair for pair in own if pair[0] != "model_size")
        return _options(task.name, quality, roi, device or self.device, own)

    def choose_task(self, task: Task) -> None:
        """A person wants this task. It starts in the quality that suits this computer, with all structures."""
        settled, self._picked = self.is_open_question, True
        if task is not self.task:
            self._take(task)
        elif settled:
            self.changed.emit()

    def _take(self, task: Task) -> None:
        if task is self.task:
            return
        self.task = task
        self.quality, self._quality_picked = self.best_quality(task), False
        self.roi, self.how = (), {}
        self.task_changed.emit()
        self.changed.emit()

    def choose_quality(self, quality: Quality) -> None:
        """Another quality of the task."""
        self.quality, self._quality_picked = quality, True
        self.changed.emit()

    def choose_structures(self, names: tuple[str, ...]) -> None:
        """Only these structures; all of them is the same as no choice."""
        self.roi = () if len(names) == len(self.task.classes) else names
        self.changed.emit()

    def choose_device(self, name: str) -> None:
        """Where to run: auto, cpu, gpu:N or mps."""
        if name == self.device:
            return
        self.device = name
        self.device_changed.emit(name)
        self.changed.emit()

    def choose_how(self, name: str, value: Any, default: Any) -> None:
        """One of the options of core.options; its default is forgotten."""
        self.how = {key: kept for key, kept in self.how.items() if key != name}
        if value != default:
            self.how[name] = value
        self.changed.emit()

    def show_devices(self, devices: Devices) -> None:
        """The devices that were found on this computer; they may make another quality the best one."""
        self.devices = devices
        self._settle_quality()
        self.changed.emit()

    def look_again(self) -> None:
        """Networks may have come or gone, the person's own ones with their tasks."""
        self.shelf.refresh()
        self._read_catalogue()
        self.changed.emit()

    def _read_catalogue(self) -> None:
        latest = self._known or full_catalogue()
        if latest is self.catalogue:
            return
        self.catalogue = self.prices.catalogue = latest
        task = latest.tasks.get(self.task.name)
        if task is None:
            self._picked = False
            task = self._best_task()
        self._take(task)

    def state(self, task: Task, quality: Quality | None = None) -> State:
        """Whether a task can run now, in the given quality or the one it would be run in."""
        mine = task is self.task
        chosen = quality or (self.quality if mine else self.best_quality(task))
        options = self.options_for(task, chosen, self.roi if mine else (), self.used_device)
        return self.shelf.state(task, options, self.catalogue)

    def cost(self, task: Task, quality: Quality, roi: tuple[str, ...] = ()) -> Cost | None:
        """What a run on the open scan costs; None without a scan."""
        if self.session.volume is None:
            return None
        options = self.options_for(task, quality, roi, self.used_device)
        return self.prices.of(task, options, self.session.volume.geometry)

    def best_quality(self, task: Task) -> Quality:
        """Full where a graphics card is, else fast; another one where only that is on this computer."""
        offered = qualities(task)
        if len(offered) < 2:
            return "full"
        wanted: Quality = "full" if self.used_device != "cpu" or "fast" not in offered else "fast"
        order = [wanted, *(each for each in offered if each != wanted)]
        here = [each for each in order if self._is_here(task, each)]
        return (here or order)[0]

    def suggested(self) -> list[Task]:
        """The first few tasks to show, the chosen one always among them."""
        found = self._usual()
        return found if self.task in found else [self.task, *found][:4]

    @property
    def is_sample(self) -> bool:
        """Whether the bundled sample scan is open."""
        path = self.session.volume.source.path if self.session.volume else None
        return path is not None and str(assets_folder() / "sample") in path

    def _usual(self) -> list[Task]:
        """The demonstration on the bundled sample, whole body, and for a CT what needs no network."""
        tasks = self.catalogue.tasks
        demo = [each for each in tasks.values() if each.group == "demo"] if self.is_sample else []
        names = _USUAL[self.modality]
        return [*demo, *(tasks[name] for name in names if name in tasks)][:4]

    def _is_here(self, task: Task, quality: Quality) -> bool:
        options = _options(task.name, quality, (), "auto", ())
        return self.shelf.state(task, options, self.catalogue).kind in ("ready", "instant")

    def _best_task(self) -> Task:
        """Whole body; where its networks are not here, what finds something in a CT without them."""
        usual = [each for each in self._usual() if fits(each, self.modality)]
        can_run = [each for each in usual if any(self._is_here(each, one) for one in qualities(each) or ("full",))]
        return next(iter(can_run if self.modality == "CT" else ()), usual[0])

    def _on_volume_changed(self) -> None:
        """A person's own choice stays where it is known to fit the scan. Networks may have come since the last one."""
        self.shelf.refresh()
        self._read_catalogue()
        fitting = self.modality != "unknown" and fits(self.task, self.modality) and self.task.group != "demo"
        kept = self._picked and fitting
        if self.session.volume is not None and not kept:
            self._picked = False
            self._take(self._best_task())
            self._settle_quality()
        self.changed.emit()

    def _settle_quality(self) -> None:
        """The best quality as things are now, unless somebody chose one."""
        if not self._quality_picked and not self.how:
            self.quality = self.best_quality(self.task)

    def _on_labels_changed(self) -> None:
        result = self.session.result
        # A result may be shown again, as after a run that was cancelled.
        is_known = self._learned_from is not None and self._learned_from() is result
        if result is not None and not is_known:
            self._learned_from = ref(result)
            self.prices.learn_from(result)
            self.changed.emit()


@lru_cache(1000)
def _options(task: str, quality: Quality, roi: tuple[str, ...], device: str, how: How) -> Options:
    """One value for the same choices: dozens of cards ask for theirs at every change."""
    fast, fastest = quality == "fast", quality == "fastest"
    return Options(task=task, fast=fast, fastest=fastest, roi=roi, device=device, **dict(how))


def qualities(task: Task) -> tuple[Quality, ...]:
    """The qualities a task has, quickest first; none for instant tasks."""
    return tuple(each for each in QUALITIES if each in task.variants)
