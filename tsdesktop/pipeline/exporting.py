"""Write what a run gave: label maps, meshes, statistics, a picture and the manifest, as the options say.

What writes each of them is loaded when it is asked for: VTK takes longer to load than most runs take to write.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tsdesktop.core.errors import ExportError
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Task
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.manifest import Run, UsedNetwork, write_manifest
from tsdesktop.exports.writing import existing_folder, file_names, refuse_existing
from tsdesktop.jobs.messages import Progress
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.pipeline.segmentation import Listener, Segmentation

_ENDINGS = (".nii.gz", ".nii")


@dataclass(frozen=True)
class Outputs:
    """Where the results of a run go. In a folder they have plain names; beside a label file its stem comes first."""

    folder: Path
    label_file: Path
    prefix: str

    def named(self, name: str) -> Path:
        """The path of one result."""
        return self.folder / f"{self.prefix}{name}"


def outputs_at(path: Path, task: str) -> Outputs:
    """The places for an output path: a folder, or a label file ending in .nii.gz or .nii."""
    for ending in _ENDINGS:
        if path.name.lower().endswith(ending):
            return Outputs(path.parent, path, path.name[: -len(ending)] + "_")
    return Outputs(path, path / f"{task}.nii.gz", "")


def check_outputs(path: Path | str, task: Task, options: Options) -> None:
    """Refuses an output path before anything is computed: files in the way, or a folder that may not be written to.

    Raises ExportError. Makes nothing.
    """
    places = outputs_at(Path(path), task.name)
    _refuse_unwritable(places.folder)
    wanted = {
        places.label_file: options.save_labels and options.format == "multilabel",
        places.named("statistics.json"): options.statistics,
        places.named("statistics.csv"): options.statistics,
        places.named("preview.png"): options.preview,
        places.named("manifest.json"): options.report,
        places.named("all_structures.stl"): bool(options.meshes),
    }
    if options.save_labels and options.format == "per-class":
        folder = _class_folder(places)
        wanted |= {folder / name: True for name in file_names([each.name for each in task.classes], ".nii.gz")}
    refuse_existing([file for file, is_wanted in wanted.items() if is_wanted], overwrite=options.overwrite)


def export(result: Segmentation, path: Path | str, listen: Listener = lambda _: None) -> list[Path]:
    """Writes what the options of the run ask for to `path` and returns the files, the manifest last.

    `listen` hears what is being written; whatever it raises ends the work. Raises ExportError; files that were written
    before stay.
    """
    options = result.options
    places = outputs_at(Path(path), result.task.name)
    existing_folder(places.folder)
    written: list[Path] = []
    volume = on_label_grid(result.volume, result.label_map)
    if options.save_labels:
        listen(Progress("writing labels", 1.0))
        written += _write_labels(result, volume, places)
    written += result.probabilities
    if options.statistics:
        listen(Progress("writing statistics", 1.0))
        written += _write_statistics(result, volume, places)
    if options.meshes:
        written += _write_meshes(result, places, listen)
    if options.preview:
        listen(Progress("drawing the picture", 1.0))
        written += _write_preview(result, volume, places)
    if options.report:
        manifest = places.named("manifest.json")
        write_manifest(manifest, _run(result), written, overwrite=options.overwrite)
        written.append(manifest)
    return written


def on_label_grid(volume: Volume, label_map: LabelMap) -> Volume:
    """The scan on the grid of its labels, where those were kept at the model's resolution."""
    if volume.geometry.shape == label_map.geometry.shape:
        return volume
    from tsdesktop.core.resampling import resample_intensities

    array = resample_intensities(volume.array, label_map.geometry.shape)
    return replace(volume, array=array, geometry=label_map.geometry)


def _write_labels(result: Segmentation, volume: Volume, places: Outputs) -> list[Path]:
    from tsdesktop.exports.nifti import write_label_map, write_per_class

    options, source = result.options, result.volume.source
    if options.format == "multilabel":
        return write_label_map(result.label_map, places.label_file, source, overwrite=options.overwrite)
    folder = _class_folder(places)
    written = write_per_class(result.label_map, folder, source, overwrite=options.overwrite)
    if options.derived_masks and result.task.derived:
        from tsdesktop.pipeline.derived import derived_masks

        for mask in derived_masks(volume, result.label_map, result.task.derived):
            written += write_per_class(mask, folder, source, overwrite=options.overwrite)
    return written


def _refuse_unwritable(folder: Path) -> None:
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not there.is_dir():
        raise ExportError("export.not_written", name=folder.name, reason=f"{there.name} is a file, not a folder")
    if not os.access(there, os.W_OK):
        raise ExportError("export.not_written", name=folder.name, reason=f"{there.name} may not be changed")


def _class_folder(places: Outputs) -> Path:
    return places.named("structures") if places.prefix else places.folder


def _write_statistics(result: Segmentation, volume: Volume, places: Outputs) -> list[Path]:
    from tsdesktop.exports.tables import write_statistics_csv, write_statistics_json
    from tsdesktop.measures.statistics import in_upstream_schema, structure_statistics

    options = result.options
    statistics = structure_statistics(volume, result.label_map)
    table = in_upstream_schema(statistics, options.statistics_average, options.statistics_include_border)
    paths = [places.named("statistics.json"), places.named("statistics.csv")]
    write_statistics_json(table, paths[0], overwrite=options.overwrite)
    write_statistics_csv(statistics, paths[1], volume.modality, overwrite=options.overwrite)
    return paths


def _write_meshes(result: Segmentation, places: Outputs, listen: Listener) -> list[Path]:
    from tsdesktop.exports.meshes.writing import MeshPlace, write_mesh_file, write_meshes
    from tsdesktop.surfaces.extract import extract_surfaces

    options = result.options
    meshes = []
    for each in extract_surfaces(result.label_map):
        listen(Progress(f"surface of {each.structure.title}", 1.0))
        meshes.append(each)
    if not meshes:
        return []
    folder = places.named("meshes")
    frame, overwrite = options.mesh_frame, options.overwrite
    paths = write_meshes(meshes, MeshPlace(folder), "stl", "per-structure", frame, overwrite=overwrite)
    if len(meshes) > 1:
        merged = places.named("all_structures.stl")
        write_mesh_file(meshes, merged, "stl", frame, merged=True, overwrite=overwrite)
        paths.append(merged)
    return paths


def _write_preview(result: Segmentation, volume: Volume, places: Outputs) -> list[Path]:
    from tsdesktop.surfaces.preview import render_preview

    path = places.named("preview.png")
    render_preview(volume, result.label_map, path, overwrite=result.options.overwrite)
    return [path]


def _run(result: Segmentation) -> Run:
    return Run(
        result.task,
        result.options,
        result.volume,
        tuple(_used(result.networks)),
        result.device,
        result.seconds,
        result.notes,
        result.label_map.classes,
    )


def _used(networks: tuple[NetworkRun, ...]) -> Iterator[UsedNetwork]:
    for each in networks:
        folder = Path(each.folder)
        digest = hashlib.sha256((folder / "plans.json").read_bytes()).hexdigest()
        yield UsedNetwork(f"{folder.parent.name}/{folder.name}", digest, each.folds)
