"""A job from scan to labels: look first, turn, resample, predict, correct, and go back to the scan's own grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.files import written_whole
from tsdesktop.core.geometry import AxisOrder, Box, Geometry, Shape, margin_voxels
from tsdesktop.core.notes import note
from tsdesktop.core.resampling import resample_intensities, resample_labels, resampled_shape, true_geometry
from tsdesktop.core.volume import Intensities
from tsdesktop.inference.drafts import Drafts
from tsdesktop.inference.heads import Finisher
from tsdesktop.inference.merge import (
    merged_with,
    on_ras_grid,
    renumber,
    resampled_labels,
    smooth_labels,
    smooth_masks,
    splits,
    table_of,
)
from tsdesktop.inference.predictor import AS_IT_IS, Networks, predict_labels, predict_logits
from tsdesktop.inference.preprocess import network_geometry, network_input
from tsdesktop.inference.probabilities import probabilities_file, save_probabilities
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.room import give_back
from tsdesktop.jobs.arrays import save_array
from tsdesktop.jobs.estimate import (
    Work,
    back_s,
    finishing_s,
    guessed_after_crop,
    network_s,
    own_work,
    preparing_s,
    whole_run,
)
from tsdesktop.jobs.job import Choices
from tsdesktop.jobs.plan import CropPlan, NetworkRun, Plan
from tsdesktop.weights.plans import NetworkPlans

Labels = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scan:
    """Intensities [i, j, k] on their grid."""

    array: Intensities
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class Engine:
    """What every step may need: the choices of the run, its networks, the meter, and a folder for extra results.

    `drafts` shows labels while the run goes on; without it nothing is shown. `rough_file` holds the labels of the look
    before the crop, or gets them with `keep_rough`.
    """

    choices: Choices
    networks: Networks
    meter: Meter
    folder: Path
    drafts: Drafts | None = None
    rough_file: Path | None = None
    keep_rough: bool = False

    def quiet(self, choices: Choices) -> Engine:
        """For a plan inside the plan: other choices, nothing shown, nothing kept."""
        return replace(self, choices=choices, drafts=None, rough_file=None)


@dataclass(frozen=True, eq=False)
class Result:
    """Labels on the grid `geometry`: the scan's own, or the model's when that was asked for."""

    labels: Labels
    geometry: Geometry


def segment(scan: Scan, plan: Plan, engine: Engine) -> Result:
    """Runs `plan` on `scan`. Raises Cancelled, WeightsError and what torch raises when memory does not suffice."""
    later = whole_run(replace(plan, draft=None), scan.geometry)
    _show_draft(scan, plan, engine, later)
    engine.meter.plan(later)
    return _run(scan, plan, engine, Work())


def _show_draft(scan: Scan, plan: Plan, engine: Engine, later: Work) -> None:
    """Runs the plan of the draft, if it has one of its own, and shows its labels on that model's grid."""
    if engine.drafts is None or plan.draft is None or plan.draft.plan is None:
        return
    engine.meter.plan(whole_run(plan.draft.plan, scan.geometry) + later)
    choices = Choices(resampling_order=engine.choices.resampling_order, keep_model_resolution=True)
    coarse = _run(scan, plan.draft.plan, engine.quiet(choices), later)
    engine.drafts.show_coarse(renumber(coarse.labels, plan.draft.final_labels), coarse.geometry)


def _run(scan: Scan, plan: Plan, engine: Engine, later: Work) -> Result:
    """One plan; `later` is the work that comes after it, for the meter."""
    after = later + (whole_run(plan.refine.plan, scan.geometry) if plan.refine else Work())
    rough, box = _look_first(scan, plan, engine, after)
    if box is None:
        engine.meter.plan(later)
        engine.meter.note(note("note.empty_crop", what=plan.crop.what if plan.crop else "the body"))
        return Result(np.zeros(scan.geometry.shape, np.uint8), scan.geometry)
    part = Scan(scan.array[box.slices], scan.geometry.cropped(box))
    engine.meter.plan(own_work(plan, part.geometry) + after)
    order = plan.order(part.geometry)
    upright = Scan(order.apply(part.array), order.apply_geometry(part.geometry))
    labels, spacing_mm = _on_model_grid(upright, plan, engine, order)
    with engine.meter.around("restoring", finishing_s(plan, part.geometry)):
        labels = _corrected(labels, plan, spacing_mm, engine.choices)
        if engine.choices.keep_model_resolution and plan.spacing_mm is not None:
            geometry = _model_geometry(labels, upright, order)
            return Result(order.undo(_finished(labels, plan)), geometry)
        labels = _enlarged(labels, upright.geometry.shape, plan, engine.choices)
        whole = _pasted(order.undo(labels), box, scan.geometry.shape)
    return Result(_finished(_refined(whole, scan, plan, rough, engine, later), plan), scan.geometry)


def _look_first(scan: Scan, plan: Plan, engine: Engine, later: Work) -> tuple[Labels | None, Box | None]:
    """The rough labels of the crop's plan (None without one), and the box to compute; no box when nothing was found."""
    if plan.crop is None:
        return None, Box((0, 0, 0), scan.geometry.shape)
    rough = _rough_labels(scan, plan.crop, engine, later + guessed_after_crop(plan, scan.geometry))
    from tsdesktop.inference.postprocess import box_of  # only here: scipy is slow to load

    box = box_of(rough, plan.crop.labels)
    if box is None:
        return rough, None
    box = box.grown(margin_voxels(plan.crop.margin_mm, scan.geometry.spacing_mm), scan.geometry.shape)
    if engine.drafts is not None and plan.draft is not None and plan.draft.plan is None:
        shown = renumber(rough[box.slices], plan.draft.final_labels)
        engine.drafts.show_coarse(shown, scan.geometry.cropped(box))
    return rough, box


def _rough_labels(scan: Scan, crop: CropPlan, engine: Engine, later: Work) -> Labels:
    """What looking first gives, or gave in an earlier run on the same scan."""
    file = engine.rough_file
    if file is not None and file.exists():
        known: Labels = np.load(file)
        return known
    rough = _run(scan, crop.plan, engine.quiet(Choices(resampling_order=engine.choices.resampling_order)), later).labels
    if file is not None and engine.keep_rough:
        with written_whole(file) as temporary:
            save_array(temporary, rough)
    return rough


def _on_model_grid(
    upright: Scan, plan: Plan, engine: Engine, order: AxisOrder
) -> tuple[Labels, tuple[float, float, float]]:
    """The plan's labels on the model's grid (turned as the plan wants it) and its nominal spacing in mm."""
    spacing = plan.spacing_mm or upright.geometry.spacing_mm
    array = upright.array
    for run in plan.networks[:1]:
        engine.networks.expect(run)
    with engine.meter.around("resampling", preparing_s(plan, upright.geometry)):
        if plan.spacing_mm is not None:
            shape = resampled_shape(upright.geometry, spacing)
            array = resample_intensities(array, shape, engine.choices.resampling_order)
            give_back(upright.array)
    i, j, k = array.shape
    parts = splits((i, j, k), engine.choices.force_split and bool(plan.networks))
    if len(parts) == 1:
        return _predicted(Grid(array, spacing, upright, order), plan, engine), spacing
    merged = np.zeros((i, j, k), np.uint8, order="F")
    for box, kept, filled in parts:
        grid = Grid(array[box.slices], spacing, upright, order)
        merged[:, :, filled] = _predicted(grid, plan, engine.quiet(engine.choices))[:, :, kept]
    return merged, spacing


@dataclass(frozen=True, eq=False)
class Grid:
    """An image on the model's grid (turned as the plan wants it), its nominal spacing in mm, and its origin."""

    array: Intensities
    spacing_mm: tuple[float, float, float]
    upright: Scan
    order: AxisOrder


def _predicted(grid: Grid, plan: Plan, engine: Engine) -> Labels:
    merged: NDArray[np.uint8] | None = None
    count = len(plan.networks)
    for number, run in enumerate(plan.networks, 1):
        part = (number, count, f"{plan.task} {run.part}" if count > 1 else plan.task)
        merged = merged_with(merged, _network_labels(grid, run, plan, engine, part))
        if engine.drafts is not None and number < count:
            shown = grid.order.undo(_finished(merged, plan))
            geometry = _model_geometry(merged, grid.upright, grid.order)
            computed = {label for each in plan.networks[:number] for label in each.final_labels}
            engine.drafts.show_parts(shown, geometry, computed, (number, count))
    return np.zeros(grid.array.shape, np.uint8, order="F") if merged is None else merged


def _network_labels(
    grid: Grid, run: NetworkRun, plan: Plan, engine: Engine, part: tuple[int, int, str]
) -> NDArray[np.uint8]:
    """Labels of the task that one network finds, on the whole grid."""
    geometry, step, table = grid.upright.geometry, plan.step_size, table_of(run.final_labels)
    back = back_s(run, plan, geometry)
    with engine.meter.around("resampling", network_s(run, plan, geometry) - back):
        opened = engine.networks.open(run)
        plans = opened.plans
        given = network_input(grid.array, grid.spacing_mm, plans)
    network = opened.ready(given.image, step)
    if not given.is_resampled and not engine.choices.probabilities:
        labels = predict_labels(given.image, network, step, engine.meter, part, table)
        return on_ras_grid(labels, given, plans)
    logits = predict_logits(given.image, network, step, engine.meter, part)
    if engine.choices.probabilities:
        own = true_geometry(geometry, (grid.array.shape[0], grid.array.shape[1], grid.array.shape[2]))
        save_probabilities(logits, plans, network_geometry(own, given, plans), probabilities_file(engine.folder, run))
    if not given.is_resampled:
        return on_ras_grid(table[_winning(logits, plans)], given, plans)
    with engine.meter.around("resampling back", back):
        bring_back = smooth_labels if engine.choices.smooth_labels else resampled_labels
        return on_ras_grid(table[bring_back(logits, given, plans)], given, plans)


def _winning(logits: NDArray[np.float32], plans: NetworkPlans) -> NDArray[np.uint8]:
    labels = np.empty(logits.shape[1:], np.uint8)
    finisher = Finisher(None, bool(plans.regions))
    finisher.write_labels(np.moveaxis(logits, 0, -1), np.ones(labels.shape, np.float32), AS_IT_IS, labels)
    return labels


def _model_geometry(labels: Labels, upright: Scan, order: AxisOrder) -> Geometry:
    """The true place of labels on the model's grid, in the scan's own order of axes."""
    i, j, k = labels.shape
    return order.undo_geometry(true_geometry(upright.geometry, (i, j, k)))


def _corrected(labels: Labels, plan: Plan, spacing_mm: tuple[float, float, float], choices: Choices) -> Labels:
    if not plan.steps and choices.remove_small_blobs_mm3 <= 0:
        return labels
    from tsdesktop.inference.postprocess import apply_steps, remove_up_to  # only here: scipy is slow to load

    labels = apply_steps(labels, plan.steps, spacing_mm)
    if choices.remove_small_blobs_mm3 > 0:
        present = [int(label) for label in np.unique(labels) if label > 0]
        labels = remove_up_to(labels, present, choices.remove_small_blobs_mm3 / float(np.prod(spacing_mm)))
    return labels


def _enlarged(labels: Labels, shape: Shape, plan: Plan, choices: Choices) -> Labels:
    if choices.smooth_labels_legacy and labels.shape != shape:
        return smooth_masks(_finished(labels, plan), shape)
    return resample_labels(labels, shape)


def _pasted(labels: Labels, box: Box, shape: Shape) -> Labels:
    if box.shape == shape:
        return labels
    whole = np.zeros(shape, labels.dtype, order="F")
    whole[box.slices] = labels
    return whole


def _refined(labels: Labels, scan: Scan, plan: Plan, rough: Labels | None, engine: Engine, later: Work) -> Labels:
    if plan.refine is None and plan.outside is None:
        return labels
    from tsdesktop.inference.postprocess import clip_to, dilate_labels, near  # only here: scipy is slow to load

    if plan.refine is not None:
        inner = _run(scan, plan.refine.plan, engine.quiet(engine.choices), later).labels == plan.refine.label
        labels = clip_to(dilate_labels(labels, plan.refine.dilate_mm, scan.geometry.spacing_mm), inner)
    if plan.outside is not None and rough is not None:
        around = near(np.isin(rough, plan.outside.labels), plan.outside.dilate_mm, scan.geometry.spacing_mm)
        labels = clip_to(labels, around)
    return labels


def _finished(labels: Labels, plan: Plan) -> Labels:
    """Only the structures that were asked for."""
    return renumber(labels, [(label, label) for label in plan.keep_labels]) if plan.keep_labels else labels
