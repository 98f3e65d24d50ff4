"""Writes what an export plan asks for, step by step, with progress and a way to stop between any two files.

What writes each kind is loaded when it is asked for: VTK takes longer to load than most runs take to write.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tsdesktop.core.options import LabelFormat
from tsdesktop.core.provenance import Provenance, provenance_of
from tsdesktop.core.statistics import StructureStatistics
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.manifest import Run, write_manifest
from tsdesktop.exports.writing import existing_folder
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline.export_plan import ExportPlan, Table
from tsdesktop.pipeline.segmentation import Listener

if TYPE_CHECKING:
    from tsdesktop.pipeline.mesh_exports import CheckedMesh

# How long each kind takes beside the others, for even progress: the labels, one surface, the tables, the picture.
_LABELS, _SURFACE, _TABLES, _PICTURE = 6.0, 2.0, 4.0, 6.0
_BATCH = 12
_LISTENING_S = 0.1


@dataclass(frozen=True, eq=False)
class Exported:
    """The files that were written, and what the check of the surfaces among them found."""

    files: tuple[Path, ...]
    meshes: tuple[CheckedMesh, ...] = ()

    @property
    def lights(self) -> Counter[str]:
        """How many surfaces were "good", had a "warning" or were "bad"; empty where none were looked at."""
        return Counter(each.light for each in self.meshes if each.light)


@dataclass(frozen=True, eq=False)
class Material:
    """What is exported: the scan, labels (perhaps of some structures only), and the run they come from.

    `masks` are the structures that get a mask file each; `more_masks` are label maps of masks besides; `ready` are
    files that the run wrote itself; `choices` is what the manifest says of how this is exported.
    """

    volume: Volume
    label_map: LabelMap
    run: Run
    masks: tuple[StructureClass, ...]
    more_masks: tuple[LabelMap, ...] = ()
    ready: tuple[Path, ...] = ()
    choices: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def on_grid(self) -> Volume:
        """The scan on the grid of its labels, where those were kept at the model's resolution."""
        return on_label_grid(self.volume, self.label_map)

    @cached_property
    def provenance(self) -> Provenance:
        """The run's own identifiers and time."""
        networks = tuple(Path(each.folder).parts[0] for each in self.run.networks)
        return replace(provenance_of(self.label_map, self.run.time), networks=tuple(dict.fromkeys(networks)))


def on_label_grid(volume: Volume, label_map: LabelMap) -> Volume:
    """The scan on the grid of its labels, where those were kept at the model's resolution."""
    if volume.geometry.shape == label_map.geometry.shape:
        return volume
    from tsdesktop.core.resampling import resample_intensities

    array = resample_intensities(volume.array, label_map.geometry.shape)
    return replace(volume, array=array, geometry=label_map.geometry)


def write_all(plan: ExportPlan, material: Material, listen: Listener) -> Exported:
    """Writes everything in `plan`, the manifest last. `listen` hears what is being written; whatever it raises ends the
    work, and files that were written before stay. Raises ExportError.

    The picture is drawn beside the rest: neither keeps all cores of the processor busy.
    """
    plan.check_source(material.volume.source)
    work = _Work(plan, material, _Steps(plan, material, listen))
    with _Picture(plan, material) as picture:
        written = [*work.labels(), *material.ready, *work.surfaces(), *work.tables(), *work.picture(picture)]
    if plan.manifest is not None:
        choices = dict(material.choices)
        if work.checked:
            choices["meshes"] = [each.told() for each in work.checked]
        write_manifest(plan.manifest, material.run, written, choices, overwrite=plan.overwrite)
        written.append(plan.manifest)
    listen(Progress("done", 1.0))
    return Exported(tuple(written), tuple(work.checked))


class _Steps:
    """Turns steps of known weight into progress from 0 to 1."""

    def __init__(self, plan: ExportPlan, material: Material, listen: Listener) -> None:
        self._listen, self._what = listen, ""
        self._total = max(
            1.0,
            _LABELS * (len(plan.labels) + (plan.masks is not None))
            + _SURFACE * (plan.meshes is not None) * len(material.label_map.present)
            + _TABLES * bool(plan.tables)
            + _PICTURE * (plan.preview is not None),
        )
        self._done = self._begun = 0.0

    def begin(self, what: str, weight: float) -> None:
        """Tells of a step that begins now; the weights of those before are done."""
        self._what, self._begun = what, min(1.0, self._done / self._total)
        self._done += weight
        self.again()

    def again(self) -> None:
        """The step goes on; whoever listens may end the work."""
        self._listen(Progress(self._what, self._begun))


class _LeftError(Exception):
    """Nobody waits for the picture any more."""


class _Picture:
    """The picture, drawn in a thread from the beginning of the `with` block on; leaving it by an error ends that."""

    def __init__(self, plan: ExportPlan, material: Material) -> None:
        self._plan, self._material = plan, material
        self._left = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="picture")
        self._drawn: Future[None] | None = None

    def __enter__(self) -> Self:
        if self._plan.preview is not None:
            # Found once, before two threads ask for them.
            _ = self._material.label_map.boxes, self._material.on_grid
            self._drawn = self._pool.submit(self._draw, self._plan.preview)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self._left.set()
        self._pool.shutdown()

    def wait(self, still_wanted: Callable[[], None]) -> None:
        """Returns once it is written; what `still_wanted` raises ends that. Raises ExportError."""
        if self._drawn is None:
            return
        while wait([self._drawn], _LISTENING_S).not_done:
            still_wanted()
        self._drawn.result()

    def _draw(self, path: Path) -> None:
        from tsdesktop.surfaces.preview import render_preview

        existing_folder(path.parent)
        volume, label_map = self._material.on_grid, self._material.label_map
        render_preview(volume, label_map, path, overwrite=self._plan.overwrite, check=self._check)

    def _check(self) -> None:
        if self._left.is_set():
            raise _LeftError


@dataclass(eq=False)
class _Work:
    plan: ExportPlan
    material: Material
    steps: _Steps
    checked: list[CheckedMesh] = field(default_factory=list)

    def labels(self) -> Iterator[Path]:
        for key in self.plan.labels:
            self.steps.begin("writing labels", _LABELS)
            yield from self._labels_as(key)
        if self.plan.masks is not None:
            yield from self._masks(self.plan.masks)

    def _labels_as(self, key: LabelFormat) -> list[Path]:
        material, overwrite = self.material, self.plan.overwrite
        path = self.plan.labels[key]
        existing_folder(path.parent)
        source, label_map = material.volume.source, material.label_map
        if key == "nifti":
            from tsdesktop.exports.nifti import write_label_map

            return write_label_map(label_map, path, source, overwrite=overwrite)
        if key == "nrrd":
            from tsdesktop.exports.nrrd import write_nrrd

            write_nrrd(label_map, path, overwrite=overwrite)
        elif key == "dicom-seg":
            from tsdesktop.exports.dicom.segmentation import FORMS, write_dicom_segmentation

            form = FORMS[self.plan.dicom_seg_form]
            write_dicom_segmentation(label_map, source, path, material.provenance, form=form, overwrite=overwrite)
        else:
            from tsdesktop.exports.dicom.structure_set import write_structure_set

            write_structure_set(label_map, source, path, material.provenance, overwrite=overwrite)
        return [path]

    def _masks(self, folder: Path) -> Iterator[Path]:
        from tsdesktop.exports.nifti import write_per_class

        material, overwrite = self.material, self.plan.overwrite
        source = material.volume.source
        for batch in _batches(material.masks):
            self.steps.begin("writing labels", _LABELS * len(batch) / max(1, len(material.masks)))
            some = _with_classes(material.label_map, batch)
            yield from write_per_class(some, folder, source, overwrite=overwrite)
        for each in material.more_masks:
            yield from write_per_class(each, folder, source, overwrite=overwrite)

    def surfaces(self) -> Iterator[Path]:
        if self.plan.meshes is None:
            return
        from tsdesktop.pipeline.mesh_exports import MeshWriter

        writer = MeshWriter(self.plan.meshes, self.material.label_map, overwrite=self.plan.overwrite)
        yield from writer.write(lambda title: self.steps.begin(f"surface of {title}", _SURFACE))
        self.checked += writer.checked

    def tables(self) -> Iterator[Path]:
        if not self.plan.tables:
            return
        from tsdesktop.measures.statistics import structure_statistics

        self.steps.begin("writing statistics", _TABLES)
        statistics = structure_statistics(self.material.on_grid, self.material.label_map)
        for key, path in self.plan.tables.items():
            existing_folder(path.parent)
            self._table(key, path, statistics)
            yield path

    def _table(self, key: Table, path: Path, statistics: Sequence[StructureStatistics]) -> None:
        from tsdesktop.exports import tables
        from tsdesktop.measures.statistics import in_upstream_schema

        plan, material, overwrite = self.plan, self.material, self.plan.overwrite
        modality = material.volume.modality
        match key:
            case "csv":
                tables.write_statistics_csv(statistics, path, modality, overwrite=overwrite)
            case "json":
                table = in_upstream_schema(statistics, plan.average, plan.include_border)
                tables.write_statistics_json(table, path, overwrite=overwrite)
            case "json-full":
                tables.write_full_json(statistics, path, modality, overwrite=overwrite)
            case "xlsx":
                from tsdesktop.exports.workbook import write_workbook

                write_workbook(statistics, path, material.run, overwrite=overwrite)
            case "dicom-sr":
                self._report(path, statistics)

    def _report(self, path: Path, statistics: Sequence[StructureStatistics]) -> None:
        from tsdesktop.exports.dicom.report import write_measurement_report

        material = self.material
        write_measurement_report(
            statistics,
            material.label_map,
            material.volume.source,
            path,
            material.provenance,
            segmentation=self.plan.labels.get("dicom-seg"),
            overwrite=self.plan.overwrite,
        )

    def picture(self, drawn: _Picture) -> Iterator[Path]:
        if self.plan.preview is None:
            return
        self.steps.begin("drawing the picture", _PICTURE)
        drawn.wait(self.steps.again)
        yield self.plan.preview


def _with_classes(label_map: LabelMap, classes: tuple[StructureClass, ...]) -> LabelMap:
    some = replace(label_map, classes=classes)
    # Boxes depend on the voxels alone. Finding them anew for every batch takes long, and keeps the window from moving.
    vars(some)["boxes"] = label_map.boxes
    return some


def _batches(structures: Sequence[StructureClass]) -> Iterator[tuple[StructureClass, ...]]:
    """A few at a time, so that stopping is heard; all at once where file names have to be told apart."""
    alike = len({each.name.lower() for each in structures}) < len(structures)
    size = len(structures) if alike else _BATCH
    for n in range(0, len(structures), size):
        yield tuple(structures[n : n + size])
