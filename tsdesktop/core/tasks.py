"""The catalogue of tasks: what can be segmented, with which networks, in which steps. The table is assets/tasks.json.

A task has variants (full, fast, fastest ...). A variant is one network or several, each with the table from the
network's labels to the task's. The loader checks every reference and refuses a table that contradicts itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from tsdesktop.core.assets import load_json
from tsdesktop.core.errors import OptionsError
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.volume import Modality

Spacing = tuple[float, float, float]
Status = Literal["public", "more"]
Licence = Literal["open", "licensed", "non_commercial"]
Group = Literal[
    "whole_body", "head_neck", "chest", "abdomen", "musculoskeletal", "vessels", "mr", "instant", "custom", "demo"
]
Instant = Literal["bone", "skin", "lungs", "fat_soft_bone"]
VariantName = Literal["full", "fast", "fastest", "full_small", "fast_small"]


@dataclass(frozen=True)
class Network:
    """One trained nnU-Net: `key` names it in the catalogue, `folder` is "DatasetNNN_x/trainer__plans__configuration".

    A person's own ones lie in "custom/DatasetNNN_x/...". `folds` None means: every fold that is there. `labels` is its
    number of labels without background. `turned` False: it was trained on scans as their files hold them, not turned to
    RAS order first.
    """

    key: str
    dataset_id: int
    folder: str
    source: Literal["release", "licence_server", "bundled", "own"]
    url: str | None
    zip_bytes: int | None
    licence_server_task: str | None
    folds: tuple[int, ...] | None
    labels: int
    turned: bool = True

    @property
    def dataset_folder(self) -> str:
        """The part of `folder` with the dataset's name: what a weights zip unpacks to."""
        return self.folder.split("/")[-2]


@dataclass(frozen=True)
class Part:
    """A network within a variant. `final_labels[n - 1]` is the task's label for the network's label n; 0 drops it."""

    network: Network
    name: str
    final_labels: tuple[int, ...]


@dataclass(frozen=True)
class Variant:
    """One way to run a task. `spacing_mm` (x, y, z of the RAS image) None: the network's own spacing, by nnU-Net."""

    name: VariantName
    spacing_mm: Spacing | None
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class CropRule:
    """Where to look: another task's variant is run first, and the box of `classes` plus `margin_mm` is kept.

    `margin_mm` is what upstream effectively uses; `configured_margin_mm` is what its table says.
    `whole_task`: run that task completely, with its own crop and post-processing, instead of its network alone.
    """

    task: str
    variant: VariantName
    robust_variant: VariantName | None
    classes: tuple[str, ...]
    margin_mm: float
    configured_margin_mm: float
    robust: bool
    whole_task: bool


@dataclass(frozen=True)
class KeepLargest:
    """Keep only the largest face-connected component of each of these labels."""

    labels: tuple[int, ...]


@dataclass(frozen=True)
class RemoveUpTo:
    """Remove the face-connected components of at most `mm3` of each of these labels."""

    labels: tuple[int, ...]
    mm3: float


@dataclass(frozen=True)
class NumberVertebrae:
    """Number mixed-up vertebrae by their order, then grow every label by `dilate_mm` into the background."""

    component_mm3: float
    dilate_mm: float


@dataclass(frozen=True)
class Refine:
    """Grow labels by `dilate_mm`, then clear what is outside label `label` of another task's variant."""

    task: str
    variant: VariantName
    label: int
    dilate_mm: float


@dataclass(frozen=True)
class RemoveOutside:
    """Clear what is outside these classes of the crop's labels, grown by `dilate_mm`."""

    classes: tuple[str, ...]
    dilate_mm: float


Step = KeepLargest | RemoveUpTo | NumberVertebrae | Refine | RemoveOutside


@dataclass(frozen=True)
class Task:
    """Something that can be segmented. `classes` are all its structures with their labels, in label order.

    `problem` says why it cannot be run here, as "it needs 2 images at once (T1, T2)"; empty when it can.
    """

    name: str
    title: str
    group: Group
    modality: Modality
    description: str
    status: Status
    licence: Licence
    small_dataset: bool
    papers: tuple[str, ...]
    credits: tuple[str, ...]
    classes: tuple[StructureClass, ...]
    step_size: float
    variants: Mapping[VariantName, Variant]
    crop: CropRule | None
    postprocess: tuple[Step, ...]
    roi_subset: bool
    derived: tuple[str, ...]
    instant: Instant | None
    problem: str = ""

    def variant(self, name: VariantName) -> Variant:
        """The variant of that name; "fastest" is "fast" where a task has only that. Raises OptionsError."""
        if name == "fastest" and "fastest" not in self.variants and "fast" in self.variants:
            name = "fast"
        if name not in self.variants:
            raise OptionsError("options.no_variant", task=self.name, variant=name)
        return self.variants[name]

    def structure(self, name: str) -> StructureClass:
        """The structure of that name. Raises OptionsError with the nearest name."""
        for each in self.classes:
            if each.name == name:
                return each
        near = nearest(name, [each.name for each in self.classes])
        raise OptionsError("options.unknown_class", task=self.name, name=name, near=near)


@dataclass(frozen=True)
class Catalogue:
    """All tasks by name, all networks by key, the named groups of structures and upstream's first label order."""

    tasks: Mapping[str, Task]
    networks: Mapping[str, Network]
    groups: Mapping[str, tuple[str, ...]]
    v1_order: Mapping[int, str]
    obsolete_folders: tuple[str, ...]

    def task(self, name: str) -> Task:
        """The task of that name. Raises OptionsError with the nearest name."""
        if name not in self.tasks:
            raise OptionsError("options.unknown_task", name=name, near=nearest(name, list(self.tasks)))
        return self.tasks[name]

    @property
    def roi_tasks(self) -> list[str]:
        """The names of the tasks that can compute chosen structures only."""
        return [each.name for each in self.tasks.values() if each.roi_subset]


def nearest(name: str, names: list[str]) -> str:
    """The most similar of `names`; the first where none is similar."""
    return (difflib.get_close_matches(name, names, 1, 0.3) or names)[0]


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with the program. Raises ValueError when the table contradicts itself."""
    return load_catalogue(load_json("tasks.json"))


def load_catalogue(table: Mapping[str, Any]) -> Catalogue:
    """A catalogue from its table. Raises ValueError when a reference, label or class does not fit."""
    networks = {key: _network(key, entry) for key, entry in table["networks"].items()}
    tasks = {entry["name"]: _task(entry, networks) for entry in table["tasks"]}
    for task in tasks.values():
        _check_references(task, tasks)
    return Catalogue(
        tasks,
        networks,
        {name: tuple(names) for name, names in table["groups"].items()},
        {int(label): name for label, name in table["v1_order"].items()},
        tuple(table["obsolete_folders"]),
    )


def _network(key: str, entry: Mapping[str, Any]) -> Network:
    folds = None if entry["folds"] == "all_available" else tuple(int(fold) for fold in entry["folds"])
    return Network(
        key,
        int(entry["dataset_id"]),
        entry["folder"],
        entry["source"],
        entry["url"],
        entry["zip_bytes"],
        entry["licence_server_task"],
        folds,
        int(entry["labels"]),
    )


def _task(entry: Mapping[str, Any], networks: Mapping[str, Network]) -> Task:
    classes = tuple(structure_class(int(label), name) for label, name in entry["classes"].items())
    labels = {each.name: each.label for each in classes}
    if len(labels) != len(classes):
        raise ValueError(f"task {entry['name']} names a structure twice")
    variants = {name: _variant(name, each, networks, set(labels.values())) for name, each in entry["variants"].items()}
    return Task(
        name=entry["name"],
        title=entry["title"],
        group=entry["group"],
        modality=entry["modality"],
        description=entry["description"],
        status=entry["status"],
        licence=entry["licence"],
        small_dataset=entry["small_dataset"],
        papers=tuple(entry["papers"]),
        credits=tuple(entry["credits"]),
        classes=classes,
        step_size=entry["step_size"] or 0.5,
        variants=cast(Mapping[VariantName, Variant], variants),
        crop=None if entry["crop"] is None else _crop(entry["crop"]),
        postprocess=tuple(_step(each, labels) for each in entry["postprocess"]),
        roi_subset=entry["roi_subset"],
        derived=tuple(entry["derived"]),
        instant=entry.get("instant"),
    )


def _variant(name: str, entry: Mapping[str, Any], networks: Mapping[str, Network], labels: set[int]) -> Variant:
    spacing = entry["spacing_mm"]
    parts = []
    for each in entry["networks"]:
        network = networks[each["network"]]
        final = tuple(each.get("labels", range(1, network.labels + 1)))
        if len(final) != network.labels or not set(final) <= labels | {0}:
            raise ValueError(f"labels of network {network.key} do not fit the task")
        parts.append(Part(network, each.get("part", ""), final))
    mm = None if spacing is None else (float(spacing[0]), float(spacing[1]), float(spacing[2]))
    return Variant(cast(VariantName, name), mm, tuple(parts))


def _crop(entry: Mapping[str, Any]) -> CropRule:
    return CropRule(
        entry["task"],
        entry["variant"],
        entry.get("robust_variant"),
        tuple(entry["classes"]),
        float(entry["margin_mm"]),
        float(entry["configured_margin_mm"]),
        entry["robust"],
        entry.get("whole_task", False),
    )


def _step(entry: Mapping[str, Any], labels: Mapping[str, int]) -> Step:
    match entry["step"]:
        case "keep_largest":
            return KeepLargest(tuple(labels[name] for name in entry["classes"]))
        case "remove_up_to":
            return RemoveUpTo(tuple(labels[name] for name in entry["classes"]), float(entry["mm3"]))
        case "number_vertebrae":
            return NumberVertebrae(float(entry["component_mm3"]), float(entry["dilate_mm"]))
        case "refine":
            return Refine(entry["task"], entry["variant"], int(entry["label"]), float(entry["dilate_mm"]))
        case "remove_outside":
            return RemoveOutside(tuple(entry["classes"]), float(entry["dilate_mm"]))
        case unknown:
            raise ValueError(f"unknown post-processing step {unknown}")


def _check_references(task: Task, tasks: Mapping[str, Task]) -> None:
    if bool(task.variants) == bool(task.instant):
        raise ValueError(f"task {task.name} needs either networks or an instant method")
    if task.crop is not None:
        names = {each.name for each in tasks[task.crop.task].classes}
        if not set(task.crop.classes) <= names or task.crop.variant not in tasks[task.crop.task].variants:
            raise ValueError(f"the crop of {task.name} does not fit {task.crop.task}")
    for step in task.postprocess:
        if isinstance(step, Refine) and step.variant not in tasks[step.task].variants:
            raise ValueError(f"{task.name} is refined by {step.task}, which has no {step.variant} variant")
        if isinstance(step, RemoveOutside) and task.crop is None:
            raise ValueError(f"{task.name} clears outside of a crop it does not have")
