"""Write what a person chose of labels that are on the screen, from a run or from a file: plain values in, files out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from tsdesktop.core.errors import ExportError
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.meshes.parts import Frame
from tsdesktop.exports.meshes.writing import write_mesh_file
from tsdesktop.exports.nifti import write_label_map, write_per_class
from tsdesktop.exports.tables import write_statistics_csv, write_statistics_json
from tsdesktop.exports.writing import existing_folder, file_names, refuse_existing
from tsdesktop.jobs.messages import Progress
from tsdesktop.measures.statistics import in_upstream_schema, structure_statistics
from tsdesktop.pipeline.exporting import on_label_grid
from tsdesktop.pipeline.segmentation import Listener
from tsdesktop.surfaces.extract import DEFAULT_SMOOTHING, Smoothing, extract_surface
from tsdesktop.surfaces.preview import render_preview

SmoothingName = Literal["faithful", "smooth", "very smooth"]
SMOOTHINGS: dict[SmoothingName, Smoothing] = {
    "faithful": Smoothing(20, 0.12),
    "smooth": DEFAULT_SMOOTHING,
    "very smooth": Smoothing(60, 0.02),
}
# How long each kind takes beside the others, for even progress: the labels, one surface, the tables, the picture.
_LABELS, _SURFACE, _TABLES, _PICTURE = 6.0, 2.0, 4.0, 6.0
_BATCH = 12


@dataclass(frozen=True)
class ExportChoice:
    """What is written of which structures (`names`; empty means all that occur), and into which folder."""

    folder: Path
    names: tuple[str, ...] = ()
    label_map: bool = False
    masks: bool = False
    meshes: bool = False
    merged_mesh: bool = False
    smoothing: SmoothingName = "smooth"
    frame: Frame = "LPS"
    csv: bool = False
    json: bool = False
    preview: bool = False
    overwrite: bool = False

    @property
    def surfaces(self) -> bool:
        """Whether surfaces are made."""
        return self.meshes or self.merged_mesh


def chosen_structures(choice: ExportChoice, label_map: LabelMap) -> tuple[StructureClass, ...]:
    """The structures that were chosen and occur, in label order."""
    return tuple(each for each in label_map.present if not choice.names or each.name in choice.names)


def planned_files(choice: ExportChoice, label_map: LabelMap) -> list[Path]:
    """The files that `write_chosen` would write, in order; none when nothing is chosen or left. No voxel is touched."""
    chosen = chosen_structures(choice, label_map)
    if not chosen:
        return []
    files = []
    if choice.label_map:
        stem = _label_stem(label_map)
        files += [choice.folder / f"{stem}.nii.gz", choice.folder / f"{stem}.json"]
    if choice.masks:
        files += _in_folder(choice.folder / "structures", chosen, ".nii.gz")
    if choice.meshes:
        files += _in_folder(choice.folder / "meshes", chosen, ".stl")
    if choice.merged_mesh:
        files.append(choice.folder / "all_structures.stl")
    tables = {"statistics.csv": choice.csv, "statistics.json": choice.json, "preview.png": choice.preview}
    return [*files, *(choice.folder / name for name, is_wanted in tables.items() if is_wanted)]


def write_chosen(
    choice: ExportChoice, volume: Volume, label_map: LabelMap, listen: Listener = lambda _: None
) -> list[Path]:
    """Writes the chosen files and returns them. `listen` hears what is being written, with the share that is done.

    Whatever `listen` raises ends the work; files that were written before stay. Raises ExportError, also for files in
    the way, before anything is written.
    """
    if not chosen_structures(choice, label_map):
        raise ExportError("export.nothing", reason="no chosen structure is in the label map")
    planned = planned_files(choice, label_map)
    if not planned:
        raise ExportError("export.nothing", reason="nothing was chosen")
    # First: a place that cannot be reached cannot be looked into either.
    existing_folder(choice.folder)
    refuse_existing(planned, overwrite=choice.overwrite)
    chosen = _without_others(choice, label_map)
    work = _Work(choice, volume, chosen, _Steps(choice, chosen, listen))
    written = [*work.labels(), *work.surfaces(), *work.tables(), *work.picture()]
    listen(Progress("done", 1.0))
    return written


def _without_others(choice: ExportChoice, label_map: LabelMap) -> LabelMap:
    if not choice.names:
        return label_map
    return label_map.only(each.name for each in chosen_structures(choice, label_map))


class _Steps:
    """Turns steps of known weight into progress from 0 to 1."""

    def __init__(self, choice: ExportChoice, chosen: LabelMap, listen: Listener) -> None:
        self._total = (
            _LABELS * (choice.label_map + choice.masks)
            + _SURFACE * choice.surfaces * len(chosen.present)
            + _TABLES * (choice.csv or choice.json)
            + _PICTURE * choice.preview
        )
        self._done = 0.0
        self._listen = listen

    def begin(self, what: str, weight: float) -> None:
        """Tells of a step that begins now; the weights of those before are done."""
        self._listen(Progress(what, min(1.0, self._done / self._total)))
        self._done += weight


@dataclass(frozen=True, eq=False)
class _Work:
    choice: ExportChoice
    volume: Volume
    chosen: LabelMap
    steps: _Steps

    @cached_property
    def volume_on_grid(self) -> Volume:
        """The scan on the grid of its labels, for numbers and the picture."""
        return on_label_grid(self.volume, self.chosen)

    def labels(self) -> Iterator[Path]:
        choice, source = self.choice, self.volume.source
        if choice.label_map:
            self.steps.begin("writing labels", _LABELS)
            path = choice.folder / f"{_label_stem(self.chosen)}.nii.gz"
            yield from write_label_map(self.chosen, path, source, overwrite=choice.overwrite)
        if choice.masks:
            folder = choice.folder / "structures"
            for batch in _batches(self.chosen.present):
                self.steps.begin("writing labels", _LABELS * len(batch) / len(self.chosen.present))
                yield from write_per_class(
                    _with_classes(self.chosen, batch), folder, source, overwrite=choice.overwrite
                )

    def surfaces(self) -> Iterator[Path]:
        choice = self.choice
        if not choice.surfaces:
            return
        paths = _in_folder(choice.folder / "meshes", self.chosen.present, ".stl")
        kept: list[SurfaceMesh] = []
        for structure, path in zip(self.chosen.present, paths, strict=True):
            self.steps.begin(f"surface of {structure.title}", _SURFACE)
            mesh = extract_surface(self.chosen, structure.label, SMOOTHINGS[choice.smoothing])
            if mesh is None:
                continue
            if choice.meshes:
                existing_folder(path.parent)
                write_mesh_file([mesh], path, "stl", choice.frame, overwrite=choice.overwrite)
                yield path
            if choice.merged_mesh:
                kept.append(mesh)
        if choice.merged_mesh:
            merged = choice.folder / "all_structures.stl"
            write_mesh_file(kept, merged, "stl", choice.frame, merged=True, overwrite=choice.overwrite)
            yield merged

    def tables(self) -> Iterator[Path]:
        choice = self.choice
        if not (choice.csv or choice.json):
            return
        self.steps.begin("writing statistics", _TABLES)
        volume = self.volume_on_grid
        statistics = structure_statistics(volume, self.chosen)
        if choice.csv:
            path = choice.folder / "statistics.csv"
            write_statistics_csv(statistics, path, volume.modality, overwrite=choice.overwrite)
            yield path
        if choice.json:
            path = choice.folder / "statistics.json"
            write_statistics_json(in_upstream_schema(statistics), path, overwrite=choice.overwrite)
            yield path

    def picture(self) -> Iterator[Path]:
        if not self.choice.preview:
            return
        self.steps.begin("drawing the picture", _PICTURE)
        path = self.choice.folder / "preview.png"
        render_preview(self.volume_on_grid, self.chosen, path, overwrite=self.choice.overwrite)
        yield path


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


def _label_stem(label_map: LabelMap) -> str:
    return file_names([label_map.task or "labels"], "")[0]


def _in_folder(folder: Path, chosen: Iterable[StructureClass], ending: str) -> list[Path]:
    return [folder / name for name in file_names([each.name for each in chosen], ending)]
