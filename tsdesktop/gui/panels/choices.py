"""What will be run: the task and everything chosen for it. The panels of the left side share this one model."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from tsdesktop.core.assets import assets_folder
from tsdesktop.core.options import Options, Quality
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import Catalogue, Task, catalogue
from tsdesktop.core.volume import Modality
from tsdesktop.gui.panels.costs import Cost, Prices
from tsdesktop.gui.panels.finder import fits
from tsdesktop.gui.panels.needs import Shelf, State
from tsdesktop.gui.session import Session
from tsdesktop.jobs.messages import Devices

QUALITIES: tuple[Quality, ...] = ("fastest", "fast", "full")


class RunChoices(QObject):
    """The choices of the next run. `changed` after every change, `task_changed` before it when it was the task."""

    changed = Signal()
    task_changed = Signal()
    devices_changed = Signal()

    def __init__(self, session: Session, known: Catalogue | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.catalogue = known or catalogue()
        self.shelf = Shelf()
        self.prices = Prices(self.catalogue, self.shelf)
        self.device = "auto"
        self.devices: Devices | None = None
        self.task = self.catalogue.task("total")
        self.quality: Quality = self.best_quality(self.task)
        self.roi: tuple[str, ...] = ()
        self.how: dict[str, Any] = {}
        self._learned: object = None
        session.volume_changed.connect(self._on_volume_changed)
        session.labels_changed.connect(self._on_labels_changed)

    @property
    def modality(self) -> Modality:
        """The scan's modality; unknown without a scan."""
        return self.session.volume.modality if self.session.volume else "unknown"

    @property
    def used_device(self) -> str:
        """The device the next run will use, as far as is known: auto becomes the best one found."""
        usable = [each.name for each in self.devices.devices if not each.refused] if self.devices else []
        if self.device == "auto":
            return usable[0] if usable else "cpu"
        return {"gpu": "gpu:0"}.get(self.device, self.device)

    @property
    def chosen_structures(self) -> tuple[StructureClass, ...]:
        """The structures the run will give."""
        return tuple(each for each in self.task.classes if not self.roi or each.name in self.roi)

    def options(self) -> Options:
        """The choices as one value. Raises OptionsError where they do not go together."""
        return self.options_for(self.task, self.quality, self.roi)

    def options_for(self, task: Task, quality: Quality, roi: tuple[str, ...] = ()) -> Options:
        """The choices with another task, quality or structures."""
        own = self.how if task is self.task else {}
        fast, fastest = quality == "fast", quality == "fastest"
        return Options(task=task.name, fast=fast, fastest=fastest, roi=roi, device=self.device, **own)

    def choose_task(self, task: Task) -> None:
        """Another task, in the quality that suits this computer; structures and options start anew."""
        if task is self.task:
            return
        self.task = task
        self.quality = self.best_quality(task)
        self.roi, self.how = (), {}
        self.task_changed.emit()
        self.changed.emit()

    def choose_quality(self, quality: Quality) -> None:
        """Another quality of the task."""
        self.quality = quality
        if quality == "fastest":
            # The 6 mm network comes in one size.
            self.how = {key: value for key, value in self.how.items() if key != "model_size"}
        self.changed.emit()

    def choose_structures(self, names: tuple[str, ...]) -> None:
        """Only these structures; all of them is the same as no choice."""
        self.roi = () if len(names) == len(self.task.classes) else names
        self.changed.emit()

    def choose_device(self, name: str) -> None:
        """Where to run: auto, cpu, gpu:N or mps."""
        self.device = name
        self.changed.emit()

    def choose_how(self, name: str, value: Any, default: Any) -> None:
        """One of the options of core.options; its default is forgotten."""
        self.how = {key: kept for key, kept in self.how.items() if key != name}
        if value != default:
            self.how[name] = value
        self.changed.emit()

    def show_devices(self, devices: Devices) -> None:
        """The devices that were found on this computer."""
        self.devices = devices
        self.devices_changed.emit()
        self.changed.emit()

    def look_again(self) -> None:
        """Networks may have come or gone."""
        self.shelf.refresh()
        self.changed.emit()

    def state(self, task: Task, quality: Quality | None = None) -> State:
        """Whether a task can run now, in the given quality or the one it would be run in."""
        mine = task is self.task
        chosen = quality or (self.quality if mine else self.best_quality(task))
        return self.shelf.state(task, self.options_for(task, chosen, self.roi if mine else ()), self.catalogue)

    def cost(self, task: Task, quality: Quality, roi: tuple[str, ...] = ()) -> Cost | None:
        """What a run on the open scan costs; None without a scan."""
        if self.session.volume is None:
            return None
        options = self.options_for(task, quality, roi)
        on_device = Options(**{**vars(options), "device": self.used_device})
        return self.prices.of(task, on_device, self.session.volume.geometry)

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
        """The demonstration on the bundled sample, whole body, and what needs no network."""
        tasks = self.catalogue.tasks
        demo = [each for each in tasks.values() if each.group == "demo"] if self.is_sample else []
        mr = self.modality == "MR"
        names = ["total_mr", "vertebrae_mr", "body_mr"] if mr else ["total", "bone", "lung_vessels", "skin"]
        return [*demo, *(tasks[name] for name in names if name in tasks)][:4]

    def _is_here(self, task: Task, quality: Quality) -> bool:
        options = Options(task=task.name, fast=quality == "fast", fastest=quality == "fastest")
        return self.shelf.state(task, options, self.catalogue).kind in ("ready", "instant")

    def _on_volume_changed(self) -> None:
        usual = [each for each in self._usual() if fits(each, self.modality)]
        unsuited = not fits(self.task, self.modality) or self.task.group == "demo" or self.is_sample
        if usual and unsuited:
            self.choose_task(usual[0])
        self.changed.emit()

    def _on_labels_changed(self) -> None:
        result = self.session.result
        if result is not None and result is not self._learned:
            self._learned = result
            self.prices.learn_from(result)
            self.changed.emit()


def qualities(task: Task) -> tuple[Quality, ...]:
    """The qualities a task has, quickest first; none for instant tasks."""
    return tuple(each for each in QUALITIES if each in task.variants)
