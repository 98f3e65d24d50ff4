"""Which networks a run needs, without needing them: what is here, what is missing, how large it is to download.

The order and rules are those of `jobs.plan`, which builds a plan only when every network is on this computer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Catalogue, Network, Part, Refine, Spacing, Task, Variant
from tsdesktop.weights.places import Presence, presence

Kind = Literal["ready", "download", "licence", "instant"]


@dataclass(frozen=True)
class Stage:
    """One network of a run, and the grid it runs on; `looks_first`: it only finds the region to compute."""

    network: Network
    spacing_mm: Spacing | None
    step_size: float
    looks_first: bool


@dataclass(frozen=True)
class State:
    """Whether a task can run now: what is missing, and how many bytes that is (None where nobody says)."""

    kind: Kind
    missing: tuple[Presence, ...] = ()
    missing_bytes: int | None = 0


def stages(task: Task, options: Options, catalogue: Catalogue) -> tuple[Stage, ...]:
    """Every network of the run in running order. Raises OptionsError for a variant the task does not have."""
    if task.instant is not None:
        return ()
    variant = task.variant(options.variant_name(task))
    own = _stages_of(needed_parts(variant, task, options.roi), variant, task.step_size, looks_first=False)
    return (*_crop_stages(task, options, catalogue), *own, *_refine_stages(task, catalogue))


def needed_parts(variant: Variant, task: Task, roi: tuple[str, ...]) -> list[Part]:
    """The networks of a variant that find at least one of the structures `roi`; all when that is empty."""
    wanted = {each.label for each in task.classes if each.name in roi}
    return [part for part in variant.parts if not wanted or wanted & set(part.final_labels)]


class Shelf:
    """What is on this computer, asked once per network until `refresh`."""

    def __init__(self) -> None:
        self._known: dict[str, Presence] = {}

    def refresh(self) -> None:
        """Looks again at the next question."""
        self._known.clear()

    def presence(self, network: Network) -> Presence:
        """Whether `network` is here."""
        if network.key not in self._known:
            self._known[network.key] = presence(network)
        return self._known[network.key]

    def state(self, task: Task, options: Options, catalogue: Catalogue) -> State:
        """Whether a run can start now. Raises OptionsError for a variant the task does not have."""
        if task.instant is not None:
            return State("instant")
        networks = {stage.network.key: stage.network for stage in stages(task, options, catalogue)}
        missing = tuple(each for each in map(self.presence, networks.values()) if each.state != "here")
        if not missing:
            return State("ready")
        sizes = [each.network.zip_bytes for each in missing]
        total = sum(size for size in sizes if size is not None) if None not in sizes else None
        licensed = any(each.network.source == "licence_server" for each in missing)
        return State("licence" if licensed else "download", missing, total)


def _crop_stages(task: Task, options: Options, catalogue: Catalogue) -> tuple[Stage, ...]:
    rule = task.crop
    if rule is not None and rule.whole_task:
        other = catalogue.task(rule.task)
        return _as_crop(stages(other, Options(task=other.name, robust_crop=options.robust_crop), catalogue))
    if rule is not None:
        robust = rule.robust_variant if rule.robust or options.robust_crop else None
        return _bare_stages(catalogue, rule.task, robust or rule.variant)
    if options.roi:
        if task.modality == "MR":
            return _bare_stages(catalogue, "total_mr", "fast")
        return _bare_stages(catalogue, "total", "fast" if options.robust_crop else "fastest")
    if options.body_crop and task.modality == "CT":
        return _bare_stages(catalogue, "body", "fast")
    return ()


def _refine_stages(task: Task, catalogue: Catalogue) -> tuple[Stage, ...]:
    step = next((each for each in task.postprocess if isinstance(each, Refine)), None)
    return () if step is None else _bare_stages(catalogue, step.task, step.variant, looks_first=False)


def _bare_stages(catalogue: Catalogue, task: str, variant: str, *, looks_first: bool = True) -> tuple[Stage, ...]:
    found = catalogue.task(task)
    chosen = next(each for name, each in found.variants.items() if name == variant)
    return _stages_of(list(chosen.parts), chosen, found.step_size, looks_first=looks_first)


def _stages_of(parts: list[Part], variant: Variant, step: float, *, looks_first: bool) -> tuple[Stage, ...]:
    return tuple(Stage(part.network, variant.spacing_mm, step, looks_first) for part in parts)


def _as_crop(found: tuple[Stage, ...]) -> tuple[Stage, ...]:
    return tuple(Stage(each.network, each.spacing_mm, each.step_size, True) for each in found)
