"""Write what a person chose of labels that are on the screen, from a run or from a file: plain values in, files out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsdesktop.core.errors import ExportError
from tsdesktop.core.options import DicomSegForm, Frame, LabelFormat, MeshFormatName, MeshLayout
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.writing import existing_folder, file_names, refuse_existing
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline.export_plan import LABEL_ENDINGS, TABLE_NAMES, ExportPlan, MeshPlan, Table
from tsdesktop.pipeline.export_work import Exported, Material, write_all
from tsdesktop.pipeline.exporting import check_series, run_of, run_of_file
from tsdesktop.pipeline.segmentation import Listener, Segmentation

if TYPE_CHECKING:
    from tsdesktop.exports.manifest import Run


@dataclass(frozen=True)
class ExportChoice:
    """What is written of which structures (`names`; empty means all that occur), and into which folder.

    `meshes` are the formats of surfaces, `layouts` in which files they go; `smoothing` names a preset;
    `dicom_seg_form` is how a DICOM segmentation is stored.
    """

    folder: Path
    names: tuple[str, ...] = ()
    labels: tuple[LabelFormat, ...] = ()
    masks: bool = False
    meshes: tuple[MeshFormatName, ...] = ()
    layouts: tuple[MeshLayout, ...] = ("per-structure",)
    smoothing: str = "faithful"
    frame: Frame = "LPS"
    tables: tuple[Table, ...] = ()
    preview: bool = False
    overwrite: bool = False
    dicom_seg_form: DicomSegForm = "binary"

    @property
    def manifest(self) -> Path:
        """The file that tells how the others were made; where there is one from an earlier export, a number follows."""
        return self.folder / "manifest.json"

    @property
    def is_empty(self) -> bool:
        """Whether nothing is chosen to be written."""
        return not (self.labels or self.masks or (self.meshes and self.layouts) or self.tables or self.preview)


def chosen_structures(choice: ExportChoice, label_map: LabelMap) -> tuple[StructureClass, ...]:
    """The structures that were chosen and occur, in label order."""
    return tuple(each for each in label_map.present if not choice.names or each.name in choice.names)


def planned_files(choice: ExportChoice, label_map: LabelMap) -> list[Path]:
    """The files that `write_chosen` would write, in order; none when nothing is chosen or left. No voxel is touched."""
    chosen = chosen_structures(choice, label_map)
    if not chosen or choice.is_empty:
        return []
    return _plan(choice, label_map).files(chosen, chosen)


def write_chosen(
    choice: ExportChoice,
    volume: Volume,
    label_map: LabelMap,
    listen: Listener = lambda _: None,
    result: Segmentation | None = None,
) -> Exported:
    """Writes the chosen files and a manifest. `listen` hears what is being written, with the share that is done.

    `result` is the run the labels come from, None for labels that were opened from a file. Whatever `listen` raises
    ends the work; files that were written before stay. Raises ExportError; for files in the way, and where the scan's
    files lack what DICOM results refer to, before anything is written.
    """
    chosen = chosen_structures(choice, label_map)
    if not chosen:
        raise ExportError("export.nothing", reason="no chosen structure is in the label map")
    if choice.is_empty:
        raise ExportError("export.nothing", reason="nothing was chosen")
    plan = _plan(choice, label_map)
    check_series(plan, volume.source)
    # First: a place that cannot be reached cannot be looked into either.
    existing_folder(choice.folder)
    in_the_way = [each for each in plan.files(chosen, chosen) if each != choice.manifest]
    refuse_existing(in_the_way, overwrite=choice.overwrite)
    if not choice.overwrite:
        plan = replace(plan, manifest=_free(choice.manifest))
    some = label_map.only(each.name for each in chosen) if choice.names else label_map
    run: Run = run_of(result) if result is not None else run_of_file(volume, label_map)
    material = Material(volume, some, run, some.present, choices=_told(choice, some))
    return write_all(plan, material, listen)


def check_chosen(choice: ExportChoice, label_map: LabelMap, listen: Listener = lambda _: None) -> Exported:
    """Makes the chosen surfaces and looks at them as for printing; nothing is written.

    `listen` hears of every surface; whatever it raises ends the work. Raises ExportError where none is chosen.
    """
    plan = _plan(choice, label_map).meshes
    labels = [each.label for each in chosen_structures(choice, label_map)]
    if plan is None or not labels:
        raise ExportError("export.nothing", reason="no surface was chosen")
    from tsdesktop.pipeline.mesh_exports import looked_at, surfaces_of

    checked = []
    for n, mesh in enumerate(surfaces_of(plan, label_map, labels)):
        listen(Progress(f"surface of {mesh.structure.title}", n / len(labels)))
        checked.append(looked_at(mesh, label_map))
    listen(Progress("done", 1.0))
    return Exported((), tuple(checked))


def _plan(choice: ExportChoice, label_map: LabelMap) -> ExportPlan:
    folder = choice.folder
    stem = file_names([label_map.task or "labels"], "")[0]
    meshes = MeshPlan(folder / "meshes", folder, choice.meshes, choice.layouts, choice.smoothing, choice.frame)
    return ExportPlan(
        labels={key: folder / (stem + LABEL_ENDINGS[key]) for key in choice.labels},
        masks=folder / "structures" if choice.masks else None,
        meshes=meshes if choice.meshes and choice.layouts else None,
        tables={key: folder / TABLE_NAMES[key] for key in choice.tables},
        preview=folder / "preview.png" if choice.preview else None,
        manifest=choice.manifest,
        overwrite=choice.overwrite,
        dicom_seg_form=choice.dicom_seg_form,
    )


def _told(choice: ExportChoice, chosen: LabelMap) -> dict[str, Any]:
    """What a manifest says of the choice: not where to."""
    return {
        "structures": [each.name for each in chosen.present] if choice.names else "all",
        "label_formats": list(choice.labels),
        "dicom_seg_form": choice.dicom_seg_form,
        "masks": choice.masks,
        "mesh_formats": list(choice.meshes),
        "mesh_layout": list(choice.layouts),
        "mesh_smoothing": choice.smoothing,
        "mesh_frame": choice.frame,
        "tables": list(choice.tables),
        "picture": choice.preview,
    }


def _free(path: Path) -> Path:
    """The path, or the first one with a number that is not there yet."""
    names = (path, *(path.with_stem(f"{path.stem}_{n}") for n in range(2, 10_000)))
    return next((each for each in names if not each.exists()), path)
