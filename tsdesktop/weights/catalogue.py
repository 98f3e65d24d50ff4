"""The catalogue with a person's own networks: each is a task "Custom: name" that runs like any other."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import Catalogue, Network, Part, Task, Variant, catalogue
from tsdesktop.weights.custom_reading import FOLDER, CustomNetwork, custom_networks

TITLE = "Custom: {title}"
_NNUNET = "https://doi.org/10.1038/s41592-020-01008-z"


def full_catalogue() -> Catalogue:
    """The program's catalogue and a person's own networks. The same object as before while none came or changed."""
    return _joined(custom_networks())


def refusal(task: Task) -> WeightsError | None:
    """Why `task` cannot be run here, as the error a run would end with; None where it can."""
    if not task.problem:
        return None
    return WeightsError(
        "weights.unsupported", folder=task.title.removeprefix(TITLE.format(title="")), reason=task.problem
    )


@lru_cache(maxsize=2)
def _joined(customs: tuple[CustomNetwork, ...]) -> Catalogue:
    core = catalogue()
    if not customs:
        return core
    tasks = {each.name: _task(each) for each in customs}
    networks = {name: part.network for name, each in tasks.items() for part in each.variants["full"].parts}
    return replace(core, tasks={**core.tasks, **tasks}, networks={**core.networks, **networks})


@lru_cache(maxsize=256)
def _task(custom: CustomNetwork) -> Task:
    part = Part(_network(custom), "", custom.regions or tuple(custom.labels.values()))
    trainer, plans, configuration = custom.folder.name.split("__")[:3]
    return Task(
        name=custom.name,
        title=TITLE.format(title=custom.title),
        group="custom",
        modality=custom.modality,
        description=f"Your own network {custom.dataset} ({trainer}, {plans}, {configuration}).",
        status="public",
        licence="open",
        small_dataset=False,
        papers=(_NNUNET,),
        credits=(),
        classes=custom.classes,
        step_size=0.5,
        variants={"full": Variant("full", None, (part,))},
        crop=None,
        postprocess=(),
        roi_subset=False,
        derived=(),
        instant=None,
        problem=custom.problem,
    )


def _network(custom: CustomNetwork) -> Network:
    return Network(
        key=custom.name,
        dataset_id=custom.dataset_id,
        folder=f"{FOLDER}/{custom.dataset}/{custom.folder.name}",
        source="own",
        url=None,
        zip_bytes=None,
        licence_server_task=None,
        folds=None,
        labels=len(custom.labels),
        turned=custom.turned,
    )
