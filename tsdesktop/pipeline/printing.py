"""Labels to files that print: read, make the parts of a recipe, look at them as a slicer would, write, read back.

What writes and what makes solids is loaded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError, OptionsError, ReadError
from tsdesktop.core.notes import Note, note
from tsdesktop.core.printers import print_limits
from tsdesktop.core.printing import FillHoles, KeepLargest, PrintRecipe, RemoveIslands, recipe_json
from tsdesktop.core.provenance import provenance_of
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap
from tsdesktop.pipeline.origin import run_beside

if TYPE_CHECKING:
    from tsdesktop.surfaces.preflight import Preflight

Layout = Literal["per-structure", "merged", "parts"]
Listen = Callable[[str, float], None]
RECIPE_FILE = "recipe.json"
MANIFEST_FILE = "print_manifest.json"
# Steps after which a part still is a structure of the label map, at its place.
_STILL_LABELS = (KeepLargest, RemoveIslands, FillHoles)
# What is wrong with a part that is not whole.
_REASONS = {
    "closed": "the surface is not closed",
    "manifold": "sheets of the surface meet in an edge or a point",
    "degenerate": "triangles have no area or are there twice",
    "outward": "triangles face inward",
    "self-intersections": "the surface runs through itself",
}
# A hash of labels takes no part of the time of a run.
_NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)
_SHARE_OF_PARTS, _SHARE_OF_PREFLIGHT = 0.5, 0.4


def _silent(_what: str, _share: float) -> None:
    """Progress that nobody listens to."""


def _always() -> bool:
    return True


@dataclass(frozen=True)
class PrintPlace:
    """Where the files of a print go, and in which form; `frame` is for parts that still lie where the scan has them."""

    folder: Path
    format: str = "stl"
    layout: Layout = "per-structure"
    frame: Literal["LPS", "RAS"] = "LPS"
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class Prepared:
    """Parts that were made and looked at, but not written. `frame` is "RAS" (mm of the scan) or "bed" (the printer's).

    `preflights` holds what was found in each part; `run` is what is known of the run that made the labels.
    """

    label_map: LabelMap
    recipe: PrintRecipe
    parts: tuple[SurfaceMesh, ...]
    frame: Literal["RAS", "bed"]
    preflights: tuple[Preflight, ...]
    notes: tuple[Note, ...] = ()
    cite: tuple[str, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unprintable(self) -> tuple[SurfaceMesh, ...]:
        """The parts that are not whole: open, inside out, through themselves."""
        both = zip(self.parts, self.preflights, strict=True)
        return tuple(part for part, found in both if not found.is_whole)

    def mended(self) -> Prepared:
        """The same with every part mended that is not whole; where that is in vain the part stays as it is.

        A note names those that were. The same parts give the same, so a recipe still repeats the print.
        """
        whole = [found.is_whole for found in self.preflights]
        if all(whole):
            return self
        parts = tuple(part if fine else _mended(part) for part, fine in zip(self.parts, whole, strict=True))
        found, notes = list(self.preflights), list(self.notes)
        for n, (old, new) in enumerate(zip(self.parts, parts, strict=True)):
            if new is not old:
                (found[n],) = look_at(self.label_map, self.recipe, [new], self.frame)
                notes.append(note("note.part_mended", name=new.structure.title))
        return replace(self, parts=parts, preflights=tuple(found), notes=tuple(notes))


@dataclass(frozen=True, eq=False)
class Printed:
    """What was made, and the files that were written and read back."""

    prepared: Prepared
    files: tuple[Path, ...]


def print_parts(
    source: Path | str | LabelMap, recipe: PrintRecipe, place: PrintPlace, listen: Listen = _silent
) -> Printed:
    """Writes the parts that `recipe` makes of labels (a file, a folder or a LabelMap), a recipe.json and a manifest.

    Raises ReadError, OptionsError and ExportError; where a part has a defect that cannot be mended nothing is written.
    """
    check_place(place)
    label_map = source if isinstance(source, LabelMap) else read_for_print(source)
    run = {} if isinstance(source, LabelMap) else run_beside(Path(source))
    prepared = replace(prepare_print(label_map, recipe, listen), run=run)
    return Printed(prepared, tuple(write_print(prepared, place, listen)))


def read_for_print(source: Path | str) -> LabelMap:
    """The labels of a label map, a folder of masks or the folder of a run, on their own grid. Raises ReadError."""
    from tsdesktop.scans.own_grid import read_labels

    label_map = read_labels(Path(source))
    if not label_map.boxes:
        raise ReadError("labels.not_labels", name=Path(source).name, reason="it is empty")
    return label_map


def prepare_print(
    label_map: LabelMap, recipe: PrintRecipe, listen: Listen = _silent, wanted: Callable[[], bool] = _always
) -> Prepared:
    """Makes the parts, looks at them and mends defects.

    `wanted` is asked now and then; once it says no, Cancelled is raised. Raises OptionsError for names no task knows,
    ExportError when nothing is left to print.
    """
    from tsdesktop.surfaces.solids.studio import PrintStudio

    check_structures(label_map, recipe)
    made = PrintStudio(label_map).parts(recipe, _scaled(listen, 0.0, _SHARE_OF_PARTS), wanted)
    found = look_at(label_map, recipe, made.parts, made.frame, _scaled(listen, _SHARE_OF_PARTS, _SHARE_OF_PREFLIGHT))
    return Prepared(label_map, recipe, made.parts, made.frame, found, made.notes, cited(label_map)).mended()


def look_at(
    label_map: LabelMap,
    recipe: PrintRecipe,
    parts: Sequence[SurfaceMesh],
    frame: Literal["RAS", "bed"],
    listen: Listen = _silent,
) -> tuple[Preflight, ...]:
    """The preflight of every part, for the printer and the process of the recipe. Raises OptionsError."""
    from tsdesktop.surfaces.preflight import preflight

    limits = print_limits(recipe.bed, recipe.process, custom_bed_mm=recipe.custom_bed_mm)
    out = []
    for n, part in enumerate(parts):
        listen(f"looking at {part.structure.title}", n / len(parts))
        out.append(preflight(part, limits, _truth(label_map, recipe, part, frame)))
    return tuple(out)


def write_print(prepared: Prepared, place: PrintPlace, listen: Listen = _silent) -> list[Path]:
    """Writes the parts, reads them back and compares, then writes the recipe and the manifest; returns the files.

    Raises ExportError, also when a part is not whole (nothing is written) and when a file is not what was to be
    written (it is removed).
    """
    from tsdesktop.exports.meshes.writing import MeshPlace, write_meshes

    _refuse_unprintable(prepared)
    check_place(place, prepared.parts)
    frame = "bed" if prepared.frame == "bed" else place.frame
    listen("writing", _SHARE_OF_PARTS + _SHARE_OF_PREFLIGHT)
    target = MeshPlace(place.folder)
    files = write_meshes(prepared.parts, target, place.format, place.layout, frame, overwrite=place.overwrite)
    listen("reading back", 0.95)
    check_written(files, prepared.parts, place.layout)
    return [*files, *_write_records(prepared, place, frame, files)]


def check_place(place: PrintPlace, parts: Sequence[SurfaceMesh] = ()) -> None:
    """Refuses a place before anything is written: a format or layout that is not known, files in the way.

    Raises ExportError. Makes nothing.
    """
    from tsdesktop.exports.meshes.writing import MeshPlace, mesh_format, planned_mesh_files
    from tsdesktop.exports.writing import refuse_existing

    mesh_format(place.format)
    names = [part.name for part in parts]
    planned = planned_mesh_files(names, MeshPlace(place.folder), place.format, place.layout) if names else []
    records = [place.folder / RECIPE_FILE, place.folder / MANIFEST_FILE]
    refuse_existing([*planned, *records], overwrite=place.overwrite)


def check_structures(label_map: LabelMap, recipe: PrintRecipe) -> None:
    """Refuses structures that neither the label map nor any task knows; those of other tasks are only absent.

    Raises OptionsError with the most similar name.
    """
    here = [each.name for each in label_map.classes] + [f"label_{label}" for label in label_map.boxes]
    known = {each.name for task in catalogue().tasks.values() for each in task.classes}.union(here)
    for name in recipe.structures:
        if name not in known:
            near = get_close_matches(name, here, 1, 0.0) or ["another name"]
            raise OptionsError("print.unknown_structure", name=name, near=near[0])


def place_within(label_map: LabelMap, structures: Sequence[str], axis: int, share: float) -> float:
    """Where a share (0 to 1) of the extent of these structures (empty: all) is along a world axis, in RAS mm.

    Raises ExportError when none of them is there.
    """
    names = {each.label: each.name for each in label_map.classes}
    chosen = [label for label in label_map.boxes if not structures or names.get(label, f"label_{label}") in structures]
    if not chosen:
        raise ExportError("export.nothing", reason="none of the structures is in the label map")
    places = np.concatenate([_ends_of_rows(label_map, label)[:, axis] for label in chosen])
    return float(places.min() + share * np.ptp(places))


def _ends_of_rows(label_map: LabelMap, label: int) -> NDArray[np.float64]:
    """World places (n, 3) of the first and last voxel of a label in every row: its extreme voxels are among them."""
    found = label_map.cropped_mask(label)
    assert found is not None  # noqa: S101
    mask, box = found
    i, j = np.nonzero(mask.any(axis=2))
    first = mask.argmax(axis=2)[i, j]
    last = mask.shape[2] - 1 - mask[:, :, ::-1].argmax(axis=2)[i, j]
    ends = np.concatenate([np.stack([i, j, k], axis=1) for k in (first, last)])
    return label_map.geometry.world_ras(ends + np.array(box.start))


def check_written(files: Sequence[Path], parts: Sequence[SurfaceMesh], layout: Layout) -> None:
    """Reads the files again and compares them with the parts. Raises ExportError; a file that differs is removed."""
    from tsdesktop.exports.meshes.reading import READERS, read_meshes
    from tsdesktop.surfaces.read_back import compare

    meshes = [path for path in files if path.suffix in READERS]
    wanted = [[part] for part in parts] if layout == "per-structure" else [list(parts)]
    for path, those in zip(meshes, wanted, strict=True):
        try:
            reason = compare(read_meshes(path), those)
        except ReadError as error:
            reason = error.sentence
        if reason:
            path.unlink(missing_ok=True)
            raise ExportError("print.read_back", name=path.name, reason=reason)


def _refuse_unprintable(prepared: Prepared) -> None:
    if prepared.unprintable:
        names = ", ".join(part.structure.title for part in prepared.unprintable)
        first = next(found for found in prepared.preflights if not found.is_whole)
        wrong = next((each.id for each in first.findings if each.id in _REASONS and each.light != "good"), "closed")
        raise ExportError("print.not_sound", names=names, reason=_REASONS[wrong])


def _mended(part: SurfaceMesh) -> SurfaceMesh:
    from tsdesktop.surfaces.fixes import mended

    try:
        return mended(part)
    except ExportError:
        return part


def _write_records(prepared: Prepared, place: PrintPlace, frame: str, files: Sequence[Path]) -> list[Path]:
    from tsdesktop.exports.print_manifest import PrintRecord, write_print_manifest

    recipe, manifest = place.folder / RECIPE_FILE, place.folder / MANIFEST_FILE
    _write_text(recipe, recipe_json(prepared.recipe), overwrite=place.overwrite)
    record = PrintRecord(
        prepared.recipe,
        prepared.label_map,
        provenance_of(prepared.label_map, _NO_TIME).seed,
        prepared.parts,
        tuple(each.to_data() for each in prepared.preflights),
        frame,
        prepared.notes,
        prepared.cite,
        prepared.run,
    )
    write_print_manifest(manifest, record, [*files, recipe], overwrite=place.overwrite)
    return [recipe, manifest]


def _write_text(path: Path, text: str, *, overwrite: bool) -> None:
    from tsdesktop.exports.writing import written

    with written(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def _truth(label_map: LabelMap, recipe: PrintRecipe, part: SurfaceMesh, frame: str) -> tuple[LabelMap, int] | None:
    """The labels that a part should look like; None once a step has changed its shape or place."""
    same = frame == "RAS" and all(isinstance(step, _STILL_LABELS) for step in recipe.steps)
    return (label_map, part.structure.label) if same and part.structure.label in label_map.boxes else None


def cited(label_map: LabelMap) -> tuple[str, ...]:
    """What to cite for labels of a task of the catalogue; nothing for others."""
    from tsdesktop.exports.manifest import task_citations

    task = catalogue().tasks.get(label_map.task)
    return tuple(task_citations(task, networks=task.instant is None)) if task else ()


def _scaled(listen: Listen, start: float, width: float) -> Listen:
    def scaled(what: str, share: float) -> None:
        listen(what, start + width * share)

    return scaled
