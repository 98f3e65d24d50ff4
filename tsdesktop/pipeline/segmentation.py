"""Segment a scan: plan the run, hand the scan to the inference process, take its labels back as a LabelMap."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import InferenceError, ReadError, WeightsError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.notes import Note, note
from tsdesktop.core.options import Options
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.tasks import Task, catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.jobs.arrays import load_array, save_array
from tsdesktop.jobs.job import LABELS_FILE, ROUGH_FILE, SCAN_FILE, Choices, Job, write_job
from tsdesktop.jobs.messages import Draft, Finished, Noted, Progress, Warm
from tsdesktop.jobs.plan import NetworkRun, Plan, make_plan
from tsdesktop.pipeline.earlier import Earlier, EarlierResults, Question
from tsdesktop.pipeline.probabilities import AboutProbabilities
from tsdesktop.runs.engine import Engine
from tsdesktop.runs.folder import private_folder, runs_folder
from tsdesktop.weights.catalogue import full_catalogue, refusal
from tsdesktop.weights.terms import check_terms

log = logging.getLogger(__name__)
Listener = Callable[[Progress], None]
DraftListener = Callable[[LabelMap], None]
Check = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A finished run: the scan, its labels, and how they came about.

    `notes` are those of the scan and of the run. `device` is where networks ran, `torch` the version of torch there.
    `networks` are all that ran, in order. `seconds` is how long it took to get the labels; where they were computed
    before, `made_at` (UTC) and `computing_seconds` are still those of the run that computed them.
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
    made_at: datetime | None = None
    computing_seconds: float = 0.0
    torch: str = ""


def segment_volume(
    volume: Volume,
    options: Options,
    *,
    engine: Engine | None = None,
    listen: Listener = lambda _: None,
    drafts: DraftListener | None = None,
    probabilities_folder: Path | None = None,
    earlier: EarlierResults | None = None,
) -> Segmentation:
    """Runs the task of `options` on `volume` in the inference process.

    `engine` is a process to use and keep; without one a process is started and ended. `drafts` gets coarse and partial
    labels while the run goes on, on grids of their own; a quick network may be run first for it, and the result is the
    same. Probabilities, when asked for, are moved to `probabilities_folder`. `earlier` is where results are kept: the
    same run is made once. `listen` and `drafts` are called on this thread. Raises Cancelled, OptionsError, WeightsError
    and InferenceError.
    """
    order = _Order(volume, options, listen, drafts, earlier)
    if engine is None:
        with Engine() as own:
            return _segmented(order, own, probabilities_folder)
    return _segmented(order, engine, probabilities_folder)


@dataclass(frozen=True, eq=False)
class _Order:
    """What is to be computed, and who wants to hear of it."""

    volume: Volume
    options: Options
    listen: Listener
    drafts: DraftListener | None
    earlier: EarlierResults | None = None

    @cached_property
    def task(self) -> Task:
        """The task of the options."""
        return full_catalogue().task(self.options.task)

    @cached_property
    def plan(self) -> Plan | None:
        """The networks to run; None for instant tasks."""
        return _plan(self.task, self.options, drafts=self.drafts is not None)


def _segmented(order: _Order, engine: Engine, probabilities_folder: Path | None) -> Segmentation:
    started = time.monotonic()
    _refuse_flat(order.volume, order.plan)
    with engine.under_way():
        question = None
        # Likelihoods are large, and asked for once.
        if order.earlier is not None and not order.options.probabilities:
            question = order.earlier.about(_job(order, Path()), order.volume.array)
        known = question.answer(engine.check_cancelled) if question is not None else None
        if known is not None:
            return _segmentation(order, known, (note("note.earlier_result"),), time.monotonic() - started)
        result, probabilities = _computed(order, engine, question, probabilities_folder)
    made = _segmentation(order, result, (), time.monotonic() - started)
    return replace(made, probabilities=probabilities)


def _segmentation(order: _Order, result: Earlier, told: tuple[Note, ...], seconds: float) -> Segmentation:
    volume, plan = order.volume, order.plan
    return Segmentation(
        volume,
        _named(result.labels, result.finished, order),
        order.task,
        order.options,
        (*volume.notes, *_task_notes(volume, order.task), *result.notes, *told),
        result.finished.device,
        seconds,
        plan.all_networks if plan else (),
        made_at=result.made_at,
        computing_seconds=result.finished.seconds,
        torch=result.finished.torch,
    )


def _computed(
    order: _Order, engine: Engine, question: Question | None, goal: Path | None
) -> tuple[Earlier, tuple[Path, ...]]:
    """The result of a run of the inference process, and its probabilities in the folder `goal`."""
    plan = order.plan
    notes: list[Note] = []
    with private_folder(runs_folder()) as name:
        engine.check_cancelled()
        folder = Path(name)
        if plan is not None:
            # The libraries take seconds to load; meanwhile the scan is written.
            engine.warm()
        job = replace(_job(order, folder), keep_rough=question is not None)
        job_file = _write_scan_and_job(order, job, engine.check_cancelled)
        rough = None
        if question is not None:
            question.prepare()
            rough = _rough_question(order, question, folder, engine.check_cancelled)
        finished = _run(order, job_file, engine, notes)
        labels = load_array(folder / LABELS_FILE, engine.check_cancelled)
        engine.check_cancelled()
        probabilities = _moved(finished, order, folder, goal)
        engine.check_cancelled()
        if rough is not None and (folder / ROUGH_FILE).exists():
            _keep_rough(rough, order, folder, finished)
    result = Earlier(labels, finished, tuple(notes), _now())
    if question is not None:
        question.keep(result)
    return result, probabilities


def _rough_question(order: _Order, question: Question, folder: Path, check: Check) -> Question | None:
    """Hands over the rough labels of an earlier run that looked first in the same way; the question to keep new ones.

    Tasks that begin with the same look at the same scan share it.
    """
    crop = order.plan.crop if order.plan else None
    if crop is None:
        return None
    job = _job(order, Path())
    # The crop's plan is run without the choices for the labels themselves.
    choices = Choices(resampling_order=order.options.resampling_order)
    rough = question.about_same_voxels(replace(job, task=crop.plan.task, plan=crop.plan, choices=choices))
    known = rough.answer(check)
    if known is None:
        return rough
    save_array(folder / ROUGH_FILE, known.labels, check)
    return None


def _keep_rough(rough: Question, order: _Order, folder: Path, finished: Finished) -> None:
    try:
        labels = np.load(folder / ROUGH_FILE)
    except (OSError, ValueError) as error:
        log.warning("rough labels could not be read: %s", type(error).__name__)
        return
    affine = tuple(float(value) for value in order.volume.affine.ravel())
    about = Finished(order.volume.geometry.shape, affine, finished.device, 0.0, torch=finished.torch)
    rough.keep(Earlier(labels, about, (), _now()))


def _now() -> datetime:
    """The time as exports state it: UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def check_run(options: Options) -> Task:
    """The task of `options`, checked before a scan is read: options fit it, its terms are accepted, its networks here.

    Raises OptionsError, LicenceError and WeightsError.
    """
    task = full_catalogue().task(options.task)
    check_terms(task)
    _plan(task, options)
    return task


def warm(engine: Engine, options: Options) -> None:
    """Starts the process and lets it load what a run with `options` needs first, while the scan is read.

    Nothing is loaded for instant tasks. Raises OptionsError and InferenceError.
    """
    task = full_catalogue().task(options.task)
    if task.instant is not None:
        return
    first = None
    # A network that is not here may be downloaded first.
    with suppress(WeightsError):
        plan = _plan(task, options)
        first = plan.all_networks[0] if plan else None
    engine.warm(Warm(first, options.device, options.threads, options.precision))


def _plan(task: Task, options: Options, *, drafts: bool = False) -> Plan | None:
    if refused := refusal(task):
        raise refused
    if task.instant is None:
        return make_plan(task, options, full_catalogue(), drafts=drafts)
    options.check_for(task, full_catalogue().roi_tasks)
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


def _job(order: _Order, folder: Path) -> Job:
    volume, options = order.volume, order.options
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
    return Job(
        folder=str(folder),
        task=order.task.name,
        shape=volume.geometry.shape,
        affine=tuple(float(value) for value in volume.affine.ravel()),
        plan=order.plan,
        instant=order.task.instant,
        choices=choices,
        device=options.device,
        threads=options.threads,
        precision=options.precision,
        drafts=order.drafts is not None,
    )


def _write_scan_and_job(order: _Order, job: Job, check: Check) -> Path:
    try:
        save_array(Path(job.folder) / SCAN_FILE, order.volume.array, check)
        return write_job(job)
    except OSError as error:
        raise InferenceError("run.not_started", reason=error.strerror or str(error)) from error


def _run(order: _Order, job_file: Path, engine: Engine, notes: list[Note]) -> Finished:
    def hear(told: Progress | Noted | Draft) -> None:
        match told:
            case Noted(id, arguments):
                notes.append(Note(id, arguments))
            case Draft():
                _show_draft(order, told, job_file.parent)
            case _:
                order.listen(told)

    return engine.run(job_file, hear)


def _show_draft(order: _Order, draft: Draft, folder: Path) -> None:
    """Hands a draft on. One that cannot be read is left out: the result does not depend on it."""
    file = folder / draft.labels_file
    try:
        labels = np.load(file)
        file.unlink()
    except (OSError, ValueError) as error:
        log.warning("a coarse result could not be read: %s", type(error).__name__)
        return
    if order.drafts is not None:
        order.drafts(_named(labels, draft, order))


def _named(labels: NDArray[Any], place: Finished | Draft, order: _Order) -> LabelMap:
    """Labels of the other half with their place and names; it has left out already what was not asked for."""
    options, classes = order.options, order.task.classes
    geometry = Geometry(place.shape, np.reshape(place.affine, (4, 4)))
    label_map = LabelMap(labels, geometry, classes, order.task.name)
    if options.v1_order:
        label_map = in_v1_order(label_map)
    if not options.roi:
        return label_map
    return replace(label_map, classes=tuple(each for each in label_map.classes if each.name in options.roi))


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


def _moved(finished: Finished, order: _Order, folder: Path, goal: Path | None) -> tuple[Path, ...]:
    if goal is None or order.plan is None:
        return ()
    about = AboutProbabilities(order.task, order.plan)
    return about.moved([folder / name for name in finished.probabilities], goal)
