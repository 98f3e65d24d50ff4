"""The plan of a run: which networks in which order, where they look first, and what is done with their labels.

Plain data. A plan may hold other plans: the one that finds the region to compute (crop), and the one that refines.
"""

from __future__ import annotations

from dataclasses import dataclass

from tsdesktop.core.errors import OptionsError
from tsdesktop.core.geometry import AxisOrder, Geometry, to_ras_order
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import (
    Catalogue,
    CropRule,
    Part,
    Refine,
    RemoveOutside,
    Spacing,
    Step,
    Task,
    Variant,
    VariantName,
)
from tsdesktop.weights.places import find_network, folds_of, presence

ROI_MARGIN_MM = 20.0
BODY_CROP_MARGIN_MM = 3.0
_QUICKEST_FIRST: tuple[VariantName, ...] = ("fastest", "fast")


@dataclass(frozen=True)
class NetworkRun:
    """One network to run: its folder on this computer, its folds, and the table from its labels to the task's."""

    key: str
    folder: str
    folds: tuple[int, ...]
    part: str
    final_labels: tuple[int, ...]


@dataclass(frozen=True)
class CropPlan:
    """Look first: run `plan`, keep the box around `labels` (all labels when empty) grown by `margin_mm`."""

    plan: Plan
    labels: tuple[int, ...]
    margin_mm: float
    what: str


@dataclass(frozen=True)
class RefinePlan:
    """Grow the labels by `dilate_mm`, then keep them only where `plan`, run on the whole scan, gives `label`."""

    plan: Plan
    label: int
    dilate_mm: float


@dataclass(frozen=True)
class OutsidePlan:
    """Keep labels only inside these labels of the crop's plan, grown by `dilate_mm`."""

    labels: tuple[int, ...]
    dilate_mm: float


@dataclass(frozen=True)
class DraftPlan:
    """A coarse result to show first: of `plan`, or of the crop's plan where that gives the task's own structures.

    `final_labels` pairs labels of that plan with the task's; what is not named is not shown.
    """

    plan: Plan | None
    final_labels: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Plan:
    """A task made concrete. `spacing_mm` None: the networks' own spacing, by nnU-Net's resampling.

    `steps` are the task's own post-processing on the model grid; `keep_labels` empty keeps all. `draft` changes what is
    shown during the run, never its result. `turned` False: the networks see the scan in its own order of axes, as
    nnU-Net hands it to them, not turned to RAS order.
    """

    task: str
    spacing_mm: Spacing | None
    step_size: float
    networks: tuple[NetworkRun, ...]
    crop: CropPlan | None = None
    steps: tuple[Step, ...] = ()
    refine: RefinePlan | None = None
    outside: OutsidePlan | None = None
    keep_labels: tuple[int, ...] = ()
    draft: DraftPlan | None = None
    turned: bool = True

    def order(self, geometry: Geometry) -> AxisOrder:
        """How a scan with this grid is turned for the networks."""
        return to_ras_order(geometry) if self.turned else AxisOrder((0, 1, 2), (False, False, False))

    @property
    def all_networks(self) -> tuple[NetworkRun, ...]:
        """Every network the result comes from, those of crop and refinement included, in running order."""
        before = self.crop.plan.all_networks if self.crop else ()
        after = self.refine.plan.all_networks if self.refine else ()
        return (*before, *self.networks, *after)


def make_plan(task: Task, options: Options, catalogue: Catalogue, *, drafts: bool = False) -> Plan:
    """The plan of `task` under `options`; with `drafts` it begins with a coarse result where one can be had.

    Raises OptionsError for what the task cannot do and WeightsError for the first network that is not here.
    """
    options.check_for(task, catalogue.roi_tasks)
    variant = task.variant(options.variant_name(task))
    crop = _crop_plan(task, options, catalogue)
    networks = tuple(_network_run(part) for part in _needed_parts(variant, task, options))
    return Plan(
        task=task.name,
        spacing_mm=None if options.smooth_labels else variant.spacing_mm,
        step_size=task.step_size,
        networks=networks,
        crop=crop,
        steps=_model_steps(task),
        refine=_refine_plan(task, catalogue),
        outside=_outside_plan(task, catalogue),
        keep_labels=tuple(task.structure(name).label for name in options.roi),
        draft=_draft_plan(task, options, catalogue) if drafts else None,
        turned=all(part.network.turned for part in variant.parts),
    )


def bare_plan(task: Task, variant: Variant) -> Plan:
    """The networks of a variant as crops use them: no crop of its own, the corrections on the model's grid alone."""
    networks = tuple(_network_run(part) for part in variant.parts)
    return Plan(task.name, variant.spacing_mm, task.step_size, networks, steps=_model_steps(task))


def _model_steps(task: Task) -> tuple[Step, ...]:
    """The corrections on the model's grid."""
    return tuple(step for step in task.postprocess if not isinstance(step, Refine | RemoveOutside))


def _draft_plan(task: Task, options: Options, catalogue: Catalogue) -> DraftPlan | None:
    """The crop's own labels of the chosen structures, else the quickest variant whose networks are here."""
    if options.roi:
        rough = _rough_task(task, catalogue)
        labels = {each.name: each.label for each in rough.classes}
        shown = [(labels[each], task.structure(each).label) for each in options.roi if each in labels]
        return DraftPlan(None, tuple(shown)) if shown else None
    variant = _quicker_variant(task, options)
    if task.crop is not None or variant is None:
        return None
    return DraftPlan(bare_plan(task, variant), tuple((each.label, each.label) for each in task.classes))


def _quicker_variant(task: Task, options: Options) -> Variant | None:
    """The coarsest variant whose networks are here, if it is coarser than the chosen one."""
    chosen = task.variant(options.variant_name(task)).spacing_mm
    for name in _QUICKEST_FIRST:
        variant = task.variants.get(name)
        if variant is None or variant.spacing_mm is None or chosen is None or variant.spacing_mm <= chosen:
            continue
        if all(presence(part.network).state == "here" for part in variant.parts):
            return variant
    return None


def _needed_parts(variant: Variant, task: Task, options: Options) -> list[Part]:
    wanted = {task.structure(name).label for name in options.roi}
    return [part for part in variant.parts if not wanted or wanted & set(part.final_labels)]


def _network_run(part: Part) -> NetworkRun:
    folder = find_network(part.network)
    return NetworkRun(
        part.network.key, str(folder), folds_of(part.network, folder), part.name or part.network.key, part.final_labels
    )


def _crop_plan(task: Task, options: Options, catalogue: Catalogue) -> CropPlan | None:
    if task.crop is not None:
        return _crop_by_rule(task.crop, options, catalogue)
    if options.roi:
        return _crop_to_roi(task, options, catalogue)
    if options.body_crop and task.modality == "CT":
        return _crop_to_body(catalogue)
    if options.body_crop:
        raise OptionsError("options.conflict", option="--body-crop", other=f"the MR task {task.name}")
    return None


def _crop_by_rule(rule: CropRule, options: Options, catalogue: Catalogue) -> CropPlan:
    other = catalogue.task(rule.task)
    labels = tuple(other.structure(name).label for name in rule.classes)
    what = ", ".join(other.structure(name).title for name in rule.classes[:3])
    if rule.whole_task:
        whole = Options(task=other.name, device=options.device, robust_crop=options.robust_crop)
        return CropPlan(make_plan(other, whole, catalogue), labels, rule.margin_mm, what)
    robust = rule.robust_variant if rule.robust or options.robust_crop else None
    plan = bare_plan(other, other.variant(robust or rule.variant))
    return CropPlan(plan, labels, rule.margin_mm, what)


def _crop_to_roi(task: Task, options: Options, catalogue: Catalogue) -> CropPlan:
    """The rough network of `total` (6 mm, or 3 mm when robust) or `total_mr` (3 mm) finds the chosen structures."""
    rough = _rough_task(task, catalogue)
    variant = rough.variant("fast" if task.modality == "MR" or options.robust_crop else "fastest")
    # total_v3 tells vertebrae_L6 apart, which the rough network of total calls S1.
    names = ["vertebrae_S1" if name == "vertebrae_L6" else name for name in options.roi]
    labels = tuple(sorted({rough.structure(name).label for name in names}))
    return CropPlan(bare_plan(rough, variant), labels, ROI_MARGIN_MM, ", ".join(options.roi[:3]))


def _rough_task(task: Task, catalogue: Catalogue) -> Task:
    """The task whose rough network finds chosen structures of `task`."""
    return catalogue.task("total_mr" if task.modality == "MR" else "total")


def _crop_to_body(catalogue: Catalogue) -> CropPlan:
    body = catalogue.task("body")
    return CropPlan(bare_plan(body, body.variant("fast")), (), BODY_CROP_MARGIN_MM, "the body")


def _refine_plan(task: Task, catalogue: Catalogue) -> RefinePlan | None:
    for step in task.postprocess:
        if isinstance(step, Refine):
            other = catalogue.task(step.task)
            return RefinePlan(bare_plan(other, other.variant(step.variant)), step.label, step.dilate_mm)
    return None


def _outside_plan(task: Task, catalogue: Catalogue) -> OutsidePlan | None:
    for step in task.postprocess:
        if isinstance(step, RemoveOutside) and task.crop is not None:
            other = catalogue.task(task.crop.task)
            return OutsidePlan(tuple(other.structure(name).label for name in step.classes), step.dilate_mm)
    return None
