"""A job from scan to labels: look first, turn, resample, predict, correct, and go back to the scan's own grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tsdesktop.core.files import written_whole
from tsdesktop.core.geometry import Box, Geometry, Shape, margin_voxels, to_ras_order
from tsdesktop.core.notes import note
from tsdesktop.core.resampling import resample_intensities, resample_labels, resampled_shape, true_geometry
from tsdesktop.core.volume import Intensities
from tsdesktop.inference.merge import (
    merge_part,
    on_ras_grid,
    resampled_labels,
    smooth_labels,
    smooth_masks,
    splits,
)
from tsdesktop.inference.networks import LoadedNetwork, load_network
from tsdesktop.inference.postprocess import (
    apply_steps,
    box_of,
    clip_to,
    dilate_labels,
    near,
    remove_up_to,
    renumber,
)
from tsdesktop.inference.predictor import predict_labels, predict_logits
from tsdesktop.inference.preprocess import network_input
from tsdesktop.inference.progress import Meter
from tsdesktop.jobs.estimate import own_work, total_work
from tsdesktop.jobs.job import Choices
from tsdesktop.jobs.plan import NetworkRun, Plan

Labels = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scan:
    """Intensities [i, j, k] on their grid."""

    array: Intensities
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class Engine:
    """What every step may need: the choices of the run, the device, the meter, and a folder for extra results."""

    choices: Choices
    device: torch.device
    meter: Meter
    folder: Path


@dataclass(frozen=True, eq=False)
class Result:
    """Labels on the grid `geometry`: the scan's own, or the model's when that was asked for."""

    labels: Labels
    geometry: Geometry


def segment(scan: Scan, plan: Plan, engine: Engine) -> Result:
    """Runs `plan` on `scan`. Raises Cancelled, WeightsError and what torch raises when memory does not suffice."""
    engine.meter.plan(total_work(plan, scan.geometry))
    return _run(scan, plan, engine, 0)


def _run(scan: Scan, plan: Plan, engine: Engine, later: int) -> Result:
    """One plan; `later` is the work (in window voxels) that comes after it, for the meter."""
    later += total_work(plan.refine.plan, scan.geometry) if plan.refine else 0
    rough, box = _look_first(scan, plan, engine, later)
    if box is None:
        engine.meter.note(note("note.empty_crop", what=plan.crop.what if plan.crop else "the body"))
        return Result(np.zeros(scan.geometry.shape, np.uint8), scan.geometry)
    part = Scan(scan.array[box.slices], scan.geometry.cropped(box))
    engine.meter.plan(own_work(plan, part.geometry) + later)
    order = to_ras_order(part.geometry)
    upright = Scan(order.apply(part.array), order.apply_geometry(part.geometry))
    labels, spacing_mm = _on_model_grid(upright, plan, engine)
    labels = _corrected(labels, plan, spacing_mm, engine.choices)
    if engine.choices.keep_model_resolution and plan.spacing_mm is not None:
        i, j, k = labels.shape
        geometry = order.undo_geometry(true_geometry(upright.geometry, (i, j, k)))
        return Result(np.asfortranarray(order.undo(_finished(labels, plan))), geometry)
    engine.meter.stage("restoring")
    labels = _enlarged(labels, upright.geometry.shape, plan, engine.choices)
    whole = _pasted(order.undo(labels), box, scan.geometry.shape)
    return Result(_finished(_refined(whole, scan, plan, rough, engine), plan), scan.geometry)


def _look_first(scan: Scan, plan: Plan, engine: Engine, later: int) -> tuple[Labels | None, Box | None]:
    """The rough labels of the crop's plan (None without one), and the box to compute; no box when nothing was found."""
    if plan.crop is None:
        return None, Box((0, 0, 0), scan.geometry.shape)
    quiet = Engine(
        Choices(resampling_order=engine.choices.resampling_order), engine.device, engine.meter, engine.folder
    )
    rough = _run(scan, plan.crop.plan, quiet, later + own_work(plan, scan.geometry)).labels
    box = box_of(rough, plan.crop.labels)
    if box is None:
        return rough, None
    return rough, box.grown(margin_voxels(plan.crop.margin_mm, scan.geometry.spacing_mm), scan.geometry.shape)


def _on_model_grid(upright: Scan, plan: Plan, engine: Engine) -> tuple[Labels, tuple[float, float, float]]:
    """The plan's labels on the model's grid (RAS order) and its nominal spacing in mm."""
    engine.meter.stage("resampling")
    spacing = plan.spacing_mm or upright.geometry.spacing_mm
    array = upright.array
    if plan.spacing_mm is not None:
        shape = resampled_shape(upright.geometry, spacing)
        array = resample_intensities(array, shape, engine.choices.resampling_order)
    i, j, k = array.shape
    merged = np.zeros((i, j, k), np.uint8, order="F")
    for box, kept, filled in splits((i, j, k), engine.choices.force_split and bool(plan.networks)):
        part = _predicted(array[box.slices], spacing, plan, engine)
        merged[:, :, filled] = part[:, :, kept]
    return merged, spacing


def _predicted(array: Intensities, spacing: tuple[float, float, float], plan: Plan, engine: Engine) -> Labels:
    merged = np.zeros(array.shape, np.uint8, order="F")
    for number, run in enumerate(plan.networks, 1):
        part = (number, len(plan.networks), f"{plan.task} {run.part}" if len(plan.networks) > 1 else plan.task)
        labels = _network_labels(array, spacing, run, plan.step_size, (engine, part))
        merge_part(merged, labels, run.final_labels)
    return merged


def _network_labels(
    array: Intensities,
    spacing: tuple[float, float, float],
    run: NetworkRun,
    step: float,
    how: tuple[Engine, tuple[int, int, str]],
) -> NDArray[np.uint8]:
    engine, part = how
    network = load_network(run, engine.device)
    given = network_input(array, spacing, network.plans)
    if not given.is_resampled and not engine.choices.probabilities:
        labels = predict_labels(given.image, network, step, engine.meter, part)
        return on_ras_grid(labels, given, network.plans)
    logits = predict_logits(given.image, network, step, engine.meter, part)
    if engine.choices.probabilities:
        _save_probabilities(logits, run, network, engine.folder)
    if not given.is_resampled:
        return on_ras_grid(logits.argmax(0).astype(np.uint8), given, network.plans)
    engine.meter.stage("resampling back")
    bring_back = smooth_labels if engine.choices.smooth_labels else resampled_labels
    return on_ras_grid(bring_back(logits, given, network.plans), given, network.plans)


def _save_probabilities(logits: NDArray[np.float32], run: NetworkRun, network: LoadedNetwork, folder: Path) -> None:
    """Softmax of a network as float16, classes x z x y x x of the model's grid, in the run's folder."""
    chances = torch.softmax(torch.from_numpy(logits), 0).to(torch.float16).numpy()
    path = folder / f"probabilities_{run.key}.npz"
    with written_whole(path) as temporary:
        np.savez_compressed(temporary, probabilities=chances, labels=np.array(list(network.plans.labels)))


def _corrected(labels: Labels, plan: Plan, spacing_mm: tuple[float, float, float], choices: Choices) -> Labels:
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


def _refined(labels: Labels, scan: Scan, plan: Plan, rough: Labels | None, engine: Engine) -> Labels:
    if plan.refine is not None:
        inner = _run(scan, plan.refine.plan, engine, 0).labels == plan.refine.label
        labels = clip_to(dilate_labels(labels, plan.refine.dilate_mm, scan.geometry.spacing_mm), inner)
    if plan.outside is not None and rough is not None:
        around = near(np.isin(rough, plan.outside.labels), plan.outside.dilate_mm, scan.geometry.spacing_mm)
        labels = clip_to(labels, around)
    return labels


def _finished(labels: Labels, plan: Plan) -> Labels:
    """Only the structures that were asked for."""
    return renumber(labels, [(label, label) for label in plan.keep_labels]) if plan.keep_labels else labels
