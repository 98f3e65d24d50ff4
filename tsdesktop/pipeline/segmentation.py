"""Segment a scan: plan the run, hand the scan to the inference process, take its labels back as a LabelMap."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tsdesktop.core.errors import InferenceError, ReadError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.notes import Note, note
from tsdesktop.core.options import Options
from tsdesktop.core.settings import cache_folder
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.tasks import Task, catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.jobs.job import LABELS_FILE, SCAN_FILE, Choices, Job, write_job
from tsdesktop.jobs.messages import Finished, Noted, Progress
from tsdesktop.jobs.plan import NetworkRun, Plan, make_plan
from tsdesktop.runs.engine import Engine, private_folder

Listener = Callable[[Progress], None]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A finished run: the scan, its labels, and how they came about.

    `notes` are those of the scan and of the run. `device` is where networks ran. `networks` are all that ran, in order.
    """

    volume: Volume
    label_map: LabelMap
    task: Task
    options: Options
    notes: tuple[Note, ...]
    device: str
    seconds: float
    networks: tuple[NetworkRun, ...]
    probabilities: tuple[Path, ...] = ()


def segment_volume(
    volume: Volume,
    options: Options,
    *,
    engine: Engine | None = None,
    listen: Listener = lambda _: None,
    probabilities_folder: Path | None = None,
) -> Segmentation:
    """Runs the task of `options` on `volume` in the inference process.

    `engine` is a process to use and keep; without one a process is started and ended. Probabilities, when asked for,
    are moved to `probabilities_folder`. Raises Cancelled, OptionsError, WeightsError and InferenceError.
    """
    started = time.monotonic()
    task = catalogue().task(options.task)
    plan = _plan(task, options)
    notes = list(_task_notes(volume, task))
    _refuse_flat(volume, plan)
    with private_folder(cache_folder() / "runs") as name:
        folder = Path(name)
        job_file = _write_scan_and_job(volume, task, plan, options, folder)
        finished = _run(job_file, engine, listen, notes)
        label_map = _label_map(folder, finished, task, options)
        probabilities = _moved(finished, folder, probabilities_folder)
    return Segmentation(
        volume,
        label_map,
        task,
        options,
        (*volume.notes, *notes),
        finished.device,
        time.monotonic() - started,
        plan.all_networks if plan else (),
        probabilities,
    )


def check_run(options: Options) -> Task:
    """The task of `options`, checked before a scan is read: options fit it and its networks are here.

    Raises OptionsError and WeightsError.
    """
    task = catalogue().task(options.task)
    _plan(task, options)
    return task


def _plan(task: Task, options: Options) -> Plan | None:
    if task.instant is None:
        return make_plan(task, options, catalogue())
    options.check_for(task, [])
    return None


def _task_notes(volume: Volume, task: Task) -> list[Note]:
    notes = []
    if volume.modality != "unknown" and volume.modality != task.modality:
        better = "total_mr" if volume.modality == "MR" else "total"
        wanted = {"scan": volume.modality, "task": task.name, "wanted": task.modality, "better": better}
        notes.append(note("note.modality", **wanted))
    if task.group == "demo":
        notes.append(note("note.demo"))
    return notes


def _refuse_flat(volume: Volume, plan: Plan | None) -> None:
    """Networks need at least two voxels in every direction."""
    if plan is not None and min(volume.geometry.shape) < 2:
        shape = "x".join(str(n) for n in volume.geometry.shape)
        raise ReadError("geometry.too_small", name=volume.source.name, shape=shape)


def _write_scan_and_job(volume: Volume, task: Task, plan: Plan | None, options: Options, folder: Path) -> Path:
    choices = Choices(
        options.resampling_order,
        options.smooth_labels,
        options.smooth_labels_legacy,
        options.force_split,
        options.remove_small_blobs,
        options.keep_model_resolution,
        options.probabilities,
        options.bone_threshold_hu,
    )
    affine = tuple(float(value) for value in volume.affine.ravel())
    shape, instant = volume.geometry.shape, task.instant
    job = Job(str(folder), task.name, shape, affine, plan, instant, choices, options.device, options.threads)
    try:
        np.save(folder / SCAN_FILE, volume.array)
        return write_job(job)
    except OSError as error:
        raise InferenceError("run.not_started", reason=error.strerror or str(error)) from error


def _run(job_file: Path, engine: Engine | None, listen: Listener, notes: list[Note]) -> Finished:
    def hear(told: Progress | Noted) -> None:
        if isinstance(told, Noted):
            notes.append(Note(told.id, told.arguments))
        else:
            listen(told)

    if engine is not None:
        return engine.run(job_file, hear)
    with Engine() as own:
        return own.run(job_file, hear)


def _label_map(folder: Path, finished: Finished, task: Task, options: Options) -> LabelMap:
    labels = np.load(folder / LABELS_FILE)
    geometry = Geometry(finished.shape, np.reshape(finished.affine, (4, 4)))
    label_map = LabelMap(labels, geometry, task.classes, task.name)
    if options.v1_order:
        label_map = in_v1_order(label_map)
    return label_map.only(options.roi) if options.roi else label_map


def in_v1_order(label_map: LabelMap) -> LabelMap:
    """Labels of `total` with the numbers of TotalSegmentator 1; structures it did not have become background."""
    order: dict[int, str] = dict(catalogue().v1_order)
    names = {each.name: each.label for each in label_map.classes}
    table = np.zeros(256, np.uint8)
    for new, name in order.items():
        if name in names:
            table[names[name]] = new
    classes: tuple[StructureClass, ...] = tuple(structure_class(new, name) for new, name in order.items())
    return replace(label_map, array=table[label_map.array], classes=classes)


def _moved(finished: Finished, folder: Path, goal: Path | None) -> tuple[Path, ...]:
    if goal is None:
        return ()
    return tuple(Path(shutil.move(folder / name, goal / name)) for name in finished.probabilities)
