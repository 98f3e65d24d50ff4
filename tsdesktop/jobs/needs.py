"""Which networks a run needs, without needing them here: in running order, those that look first and refine included.

The order and rules are those of `jobs.plan`, which builds a plan only when every network is on this computer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Catalogue, Network, Part, Refine, Spacing, Task, Variant


@dataclass(frozen=True)
class Stage:
    """One network of a run, and the grid it runs on; `looks_first`: it only finds the region to compute."""

    network: Network
    spacing_mm: Spacing | None
    step_size: float
    looks_first: bool


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


def networks_of_run(task: Task, options: Options, catalogue: Catalogue) -> tuple[Network, ...]:
    """Every network that a run under `options` loads, each once. Raises OptionsError for an unknown variant."""
    return tuple({stage.network.key: stage.network for stage in stages(task, options, catalogue)}.values())


def networks_for_offline(task: Task, catalogue: Catalogue) -> tuple[Network, ...]:
    """Every network that any version of `task` may load: all qualities, all crops (of the body too), refinements."""
    found: dict[str, Network] = {}
    for name in task.variants:
        fast, fastest, small = name.startswith("fast") and name != "fastest", name == "fastest", name.endswith("_small")
        plain = Options(task=task.name, fast=fast, fastest=fastest, model_size="small" if small else "big")
        for options in (plain, replace(plain, robust_crop=True), replace(plain, body_crop=True)):
            found |= {each.key: each for each in networks_of_run(task, options, catalogue)}
    if task.roi_subset:
        rough = catalogue.task("total_mr" if task.modality == "MR" else "total")
        rough_variants = [each for name, each in rough.variants.items() if name in ("fast", "fastest")]
        found |= {part.network.key: part.network for each in rough_variants for part in each.parts}
    return tuple(found.values())


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
