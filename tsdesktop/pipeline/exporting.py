"""Write what a run gave: label maps, meshes, statistics, a picture and the manifest, as the options say."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tsdesktop.core.errors import ExportError, OptionsError
from tsdesktop.core.options import LabelFormat, Options
from tsdesktop.core.tasks import Task
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.exports.manifest import Run, UsedNetwork
from tsdesktop.exports.writing import existing_folder, refuse_existing
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.pipeline.export_plan import (
    DICOM_TITLES,
    LABEL_ENDINGS,
    MESH_ENDINGS,
    TABLE_NAMES,
    ExportPlan,
    MeshPlan,
    Table,
    sidecar_of,
)
from tsdesktop.pipeline.export_work import Exported, Material, on_label_grid, write_all
from tsdesktop.pipeline.probabilities import probability_files
from tsdesktop.pipeline.segmentation import Listener, Segmentation

__all__ = [
    "check_outputs",
    "check_scan",
    "check_series",
    "export",
    "on_label_grid",
    "outputs_at",
    "run_of",
    "run_of_file",
    "write_results",
]
_ENDINGS = (".nii.gz", ".nii")
_OUTPUTS = "a folder, or a name ending in .nii.gz for the labels"
# A folder of such a name that does not exist was hardly meant.
_OF_FILES = {
    "." + each.rsplit(".")[-1] for table in (LABEL_ENDINGS, MESH_ENDINGS, TABLE_NAMES) for each in table.values()
}
_TABLES: tuple[Table, ...] = ("json", "csv", "xlsx", "json-full")
_REPORT: tuple[Table, ...] = ("dicom-sr",)


@dataclass(frozen=True)
class Outputs:
    """Where the results of a run go. In a folder they have plain names; beside a label file its stem comes first."""

    folder: Path
    label_file: Path
    prefix: str

    def named(self, name: str) -> Path:
        """The path of one result."""
        return self.folder / f"{self.prefix}{name}"

    def labels(self, key: LabelFormat) -> Path:
        """The path of the labels in one format."""
        if key == "nifti":
            return self.label_file
        return self.folder / (sidecar_of(self.label_file).stem + LABEL_ENDINGS[key])


def outputs_at(path: Path, task: str) -> Outputs:
    """The places for an output path: a folder, or a label file ending in .nii.gz or .nii."""
    for ending in _ENDINGS:
        if path.name.lower().endswith(ending):
            return Outputs(path.parent, path, path.name[: -len(ending)] + "_")
    return Outputs(path, path / f"{task}.nii.gz", "")


def check_outputs(path: Path | str, task: Task, options: Options) -> None:
    """Refuses an output path before anything is computed: files in the way, a folder that may not be written to, or
    the name of a file where a folder is meant.

    Raises ExportError and OptionsError. Makes nothing.
    """
    places = outputs_at(Path(path), task.name)
    if places.folder.suffix.lower() in _OF_FILES and not places.folder.is_dir():
        raise OptionsError("options.value", value=places.folder.name, option="-o", allowed=_OUTPUTS)
    _refuse_unwritable(places.folder)
    classes = tuple(each for each in task.classes if not options.roi or each.name in options.roi)
    files = [*_plan(options, places).files(classes, classes), *probability_files(task, options, places.folder)]
    refuse_existing(files, overwrite=options.overwrite)


def check_scan(source: ScanSource, options: Options) -> None:
    """Refuses, before anything is computed, DICOM results of a scan that was not read from DICOM, or whose files lack
    what such results refer to. Raises ExportError.
    """
    check_series(_plan(options, outputs_at(Path(), options.task)), source)


def check_series(plan: ExportPlan, source: ScanSource) -> None:
    """Refuses DICOM results of a scan that was not read from DICOM, or whose files are gone or lack what such results
    refer to. Reads the headers of the series where there are such results. Raises ExportError.
    """
    plan.check_source(source)
    if plan.of_dicom:
        from tsdesktop.exports.dicom.sources import source_series

        source_series(source, DICOM_TITLES[plan.of_dicom])


def export(result: Segmentation, path: Path | str, listen: Listener = lambda _: None) -> list[Path]:
    """Writes what the options of the run ask for to `path` and returns the files, the manifest last.

    `listen` hears what is being written; whatever it raises ends the work. Raises ExportError; files that were written
    before stay.
    """
    return list(write_results(result, path, listen).files)


def write_results(result: Segmentation, path: Path | str, listen: Listener = lambda _: None) -> Exported:
    """As `export`; tells also what the check of the surfaces found."""
    places = outputs_at(Path(path), result.task.name)
    existing_folder(places.folder)
    volume = on_label_grid(result.volume, result.label_map)
    material = Material(
        result.volume,
        result.label_map,
        run_of(result),
        result.label_map.classes,
        tuple(_derived(result, volume)),
        result.probabilities,
    )
    return write_all(_plan(result.options, places), material, listen)


def run_of(result: Segmentation) -> Run:
    """What manifests tell of a run. It is the same whether the labels were computed now or kept from before."""
    return Run(
        result.task,
        result.options,
        result.volume,
        tuple(_used(result.networks)),
        result.device,
        result.computing_seconds or result.seconds,
        tuple(each for each in result.notes if each.id != "note.earlier_result"),
        result.label_map.classes,
        result.made_at,
        result.torch,
    )


def run_of_file(volume: Volume, label_map: LabelMap) -> Run:
    """What manifests tell of labels that were opened from a file: their structures, and the task the file names."""
    from tsdesktop.weights.catalogue import full_catalogue

    task = full_catalogue().tasks.get(label_map.task)
    return Run(task, None, volume, (), "", 0.0, volume.notes, label_map.classes)


def _plan(options: Options, places: Outputs) -> ExportPlan:
    masks = options.save_labels and options.format == "per-class" and "nifti" in options.label_formats
    wanted = [each for each in options.label_formats if options.save_labels and not (masks and each == "nifti")]
    tables = (*(_TABLES if options.statistics else ()), *(_REPORT if options.dicom_sr else ()))
    return ExportPlan(
        labels={key: places.labels(key) for key in wanted},
        masks=_class_folder(places) if masks else None,
        meshes=_meshes(options, places),
        tables={key: places.named(TABLE_NAMES[key]) for key in tables},
        preview=places.named("preview.png") if options.preview else None,
        manifest=places.named("manifest.json") if options.report else None,
        average=options.statistics_average,
        include_border=options.statistics_include_border,
        overwrite=options.overwrite,
        dicom_seg_form=options.dicom_seg_form,
    )


def _meshes(options: Options, places: Outputs) -> MeshPlan | None:
    if not options.meshes or not options.mesh_layout:
        return None
    return MeshPlan(
        places.named("meshes"),
        places.folder,
        options.meshes,
        options.mesh_layout,
        options.mesh_smoothing.replace("-", " "),
        options.mesh_frame,
        places.prefix,
        options.mesh_smoothing_mm,
        options.mesh_error_mm,
        options.mesh_check,
    )


def _derived(result: Segmentation, volume: Volume) -> Iterator[LabelMap]:
    """The masks that follow from the labels, where there is a file per structure."""
    if result.options.format == "per-class" and result.options.derived_masks and result.task.derived:
        from tsdesktop.pipeline.derived import derived_masks

        yield from derived_masks(volume, result.label_map, result.task.derived)


def _refuse_unwritable(folder: Path) -> None:
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not there.is_dir():
        raise ExportError("export.not_written", name=folder.name, reason=f"{there.name} is a file, not a folder")
    if not os.access(there, os.W_OK):
        raise ExportError("export.not_written", name=folder.name, reason=f"{there.name} may not be changed")


def _class_folder(places: Outputs) -> Path:
    return places.named("structures") if places.prefix else places.folder


def _used(networks: tuple[NetworkRun, ...]) -> Iterator[UsedNetwork]:
    for each in networks:
        folder = Path(each.folder)
        yield UsedNetwork(f"{folder.parent.name}/{folder.name}", _digest(folder / "plans.json"), each.folds)


def _digest(file: Path) -> str:
    """The SHA-256 of a file; empty where it has been removed since."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
