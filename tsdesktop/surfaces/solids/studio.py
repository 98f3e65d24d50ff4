"""The engine of the print studio: a recipe and a label map to solid parts, remembering what every step gave.

Parts stay voxels as long as steps can be done there: neighbouring structures share their voxels' faces, so a union of
voxels has no gap, while surfaces smoothed one by one leave gaps or overlap by a part of a voxel. The first step that
needs a surface turns them into solids. The result after each step is kept, so that undo, redo and one more step
compute only what is new; the same recipe gives the same bytes however it was reached.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from tsdesktop.core.errors import Cancelled, ExportError
from tsdesktop.core.notes import Note, note
from tsdesktop.core.printing import (
    Cut,
    FillHoles,
    FitToBed,
    Hollow,
    KeepLargest,
    Label,
    LayFlat,
    Merge,
    Plate,
    PrintRecipe,
    RemoveIslands,
    Scale,
    Stand,
    Step,
    Struts,
    Thicken,
)
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.extract import extract_surface
from tsdesktop.surfaces.smoothing import Smoothing, smoothing_of
from tsdesktop.surfaces.solids import union
from tsdesktop.surfaces.solids.cut import cut
from tsdesktop.surfaces.solids.engraving import add_label
from tsdesktop.surfaces.solids.hollow import hollow
from tsdesktop.surfaces.solids.manifolds import without_crossings
from tsdesktop.surfaces.solids.placing import fit_to_bed, lay_flat, scale
from tsdesktop.surfaces.solids.plate import add_plate
from tsdesktop.surfaces.solids.stand import add_stand
from tsdesktop.surfaces.solids.steps import Frame, Parts, SolidStep, StepContext
from tsdesktop.surfaces.solids.struts import names_of_joined, struts
from tsdesktop.surfaces.solids.thicken import addition_to, thicken
from tsdesktop.surfaces.solids.voxels import VOXEL_STEPS, VoxelPart, merge, touching, voxel_part

SOLID_STEPS: dict[str, SolidStep] = {
    KeepLargest.kind: union.keep_largest,
    RemoveIslands.kind: union.remove_islands,
    FillHoles.kind: union.fill_holes,
    Thicken.kind: thicken,
    Merge.kind: union.merge,
    Struts.kind: struts,
    Hollow.kind: hollow,
    Cut.kind: cut,
    Plate.kind: add_plate,
    Stand.kind: add_stand,
    Label.kind: add_label,
    Scale.kind: scale,
    FitToBed.kind: fit_to_bed,
    LayFlat.kind: lay_flat,
}
# After one of these, parts lie in the printer's frame.
BED_STEPS = frozenset({Plate.kind, Stand.kind, Scale.kind, FitToBed.kind, LayFlat.kind})
# What is remembered: results of this many steps, but the oldest are forgotten beyond so many bytes of meshes.
_MOST_STAGES = 64
_MOST_BYTES = 600_000_000
_MOST_SMOOTHINGS = 2
_MOST_THREADS = 4
# Progress: surfaces are about as much work as all steps.
_SHARE_OF_SURFACES = 0.5


@dataclass(frozen=True, eq=False)
class PrintResult:
    """The parts of a recipe, closed and facing outward, with what is worth telling about them.

    `frame` is "RAS" (mm of the scan) or "bed" (mm of the printer, z up, the bed at z = 0).
    """

    parts: Parts
    notes: tuple[Note, ...] = ()
    frame: Frame = "RAS"


@dataclass(frozen=True, eq=False)
class _Stage:
    """What stands after some steps: voxels, as long as it can, or solids."""

    voxels: tuple[VoxelPart, ...] | None
    result: PrintResult

    @property
    def bytes(self) -> int:
        return sum(part.vertices_ras.nbytes + part.triangles.nbytes for part in self.result.parts)


class PrintStudio:
    """Makes printable parts of one label map. Calls from several threads wait for each other."""

    def __init__(self, label_map: LabelMap) -> None:
        self._label_map = label_map
        self._stages: OrderedDict[Hashable, _Stage] = OrderedDict()
        self._voxels: dict[int, VoxelPart] = {}
        self._surfaces: WeakKeyDictionary[VoxelPart, dict[Hashable, SurfaceMesh]] = WeakKeyDictionary()
        # None for a part that is as it should be: a value that held its key would keep both for good.
        self._settled: WeakKeyDictionary[SurfaceMesh, SurfaceMesh | None] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def parts(
        self,
        recipe: PrintRecipe,
        listen: Callable[[str, float], None] = lambda _what, _share: None,
        wanted: Callable[[], bool] = lambda: True,
    ) -> PrintResult:
        """The parts that the recipe makes of the label map.

        `listen` is told what is being done and the share of the work from 0 to 1; once `wanted` says no, Cancelled is
        raised soon. Raises ExportError when nothing is there to print, or when nothing is left after a step.
        """
        with self._lock:
            return _Making(self, recipe, listen, wanted).result()

    def _kept(self, key: Hashable) -> _Stage | None:
        if key in self._stages:
            self._stages.move_to_end(key)
        return self._stages.get(key)

    def _keep(self, key: Hashable, stage: _Stage) -> None:
        self._stages[key] = stage
        self._stages.move_to_end(key)
        total = sum(each.bytes for each in self._stages.values())
        while len(self._stages) > 1 and (len(self._stages) > _MOST_STAGES or total > _MOST_BYTES):
            _, oldest = self._stages.popitem(last=False)
            total -= oldest.bytes


class _Making:
    """One call of `PrintStudio.parts`."""

    def __init__(
        self, studio: PrintStudio, recipe: PrintRecipe, listen: Callable[[str, float], None], wanted: Callable[[], bool]
    ) -> None:
        self._studio, self._recipe = studio, recipe
        self._label_map = studio._label_map
        self._listen, self._wanted, self._share = listen, wanted, 0.0
        self._smoothing = smoothing_of(recipe.smoothing, recipe.smoothing_mm, self._label_map.spacing_mm)

    def result(self) -> PrintResult:
        steps = self._recipe.steps
        done = next((n for n in range(len(steps), -1, -1) if self._studio._kept(self._key(n)) is not None), -1)
        stage = self._studio._kept(self._key(done)) if done >= 0 else None
        if stage is None:
            done, stage = 0, self._first()
            self._studio._keep(self._key(0), stage)
        for n in range(done, len(steps)):
            stage = self._after(stage, steps[n], n)
            self._studio._keep(self._key(n + 1), stage)
        out = self._as_solids(stage)
        self._studio._keep(self._key(len(steps)), out)
        # Surfaces that no step has touched are made without such triangles.
        untouched = out.voxels is not None and not any(part.added for part in out.voxels)
        parts = out.result.parts if untouched else tuple(self._settled(part) for part in out.result.parts)
        self._say("", 1.0)
        return replace(out.result, parts=parts)

    def _settled(self, part: SurfaceMesh) -> SurfaceMesh:
        """The part without triangles that run through each other, as it is handed out; the steps go on from the other.

        Raises Cancelled.
        """
        if not self._wanted():
            raise Cancelled
        known = self._studio._settled
        if part not in known:
            mended = without_crossings(part)
            known[part] = None if mended is part else mended
        return known[part] or part

    def _key(self, steps: int) -> Hashable:
        done = replace(self._recipe, steps=self._recipe.steps[:steps])
        # Printer and process matter once something was fitted to the bed.
        fitted = any(step.kind in BED_STEPS for step in done.steps)
        return done if fitted else replace(done, bed="", process="", custom_bed_mm=None)

    def _context(self, frame: Frame, notes: list[Note], start: float, end: float) -> StepContext:
        def listen(what: str, share: float) -> None:
            self._say(what, start + (end - start) * min(max(share, 0.0), 1.0))

        return StepContext(self._recipe, frame, notes.append, listen, self._wanted)

    def _say(self, what: str, share: float) -> None:
        """Tells how far the work is; it never goes back."""
        self._share = max(self._share, share)
        self._listen(what, self._share)

    def _first(self) -> _Stage:
        """The chosen structures as voxels; a note names those that are not there."""
        label_map = self._label_map
        known = {each.name: each for each in _all_present(label_map)}
        chosen = self._recipe.structures or tuple(known)
        absent = [name for name in chosen if name not in known]
        if len(absent) == len(chosen):
            raise ExportError("export.nothing", reason="none of the structures is in the label map")
        notes = tuple(note("note.solid_absent", name=name.replace("_", " ")) for name in absent)
        names = dict.fromkeys(name for name in chosen if name in known)
        return _Stage(tuple(self._voxels_of(known[name]) for name in names), PrintResult((), notes))

    def _voxels_of(self, structure: StructureClass) -> VoxelPart:
        voxels = self._studio._voxels
        if structure.label not in voxels:
            voxels[structure.label] = voxel_part(self._label_map, structure)
        return voxels[structure.label]

    def _after(self, stage: _Stage, step: Step, number: int) -> _Stage:
        notes: list[Note] = []
        context = self._context(stage.result.frame, notes, *self._span(number))
        context.at(step.kind, 0.0)
        if stage.voxels is not None and step.kind in VOXEL_STEPS and _can_stay_voxels(stage.voxels, step):
            return self._after_voxels(stage, step, notes)
        if stage.voxels is not None and isinstance(step, Thicken):
            return self._thickened(stage, stage.voxels, step, context)
        if stage.voxels is not None and isinstance(step, Struts):
            stage = replace(stage, voxels=_joined(stage.voxels), result=replace(stage.result, parts=()))
        before = self._as_solids(stage).result
        parts = SOLID_STEPS[step.kind](before.parts, step, context)
        if not parts:
            raise ExportError("solid.nothing_left", step=step.kind)
        frame: Frame = "bed" if step.kind in BED_STEPS else before.frame
        return _Stage(None, PrintResult(parts, (*before.notes, *notes), frame))

    def _span(self, number: int) -> tuple[float, float]:
        each = (1.0 - _SHARE_OF_SURFACES) / len(self._recipe.steps)
        return _SHARE_OF_SURFACES + number * each, _SHARE_OF_SURFACES + (number + 1) * each

    def _after_voxels(self, stage: _Stage, step: Step, notes: list[Note]) -> _Stage:
        before = stage.voxels or ()
        after = VOXEL_STEPS[step.kind](before, step)
        kept = tuple(part for part in after if part is not None)
        if not kept:
            raise ExportError("solid.nothing_left", step=step.kind)
        if len(after) == len(before):
            gone = (old.structure.title for old, new in zip(before, after, strict=True) if new is None)
            notes += [note("note.solid_vanished", name=name, step=step.kind) for name in gone]
        return _Stage(kept, PrintResult((), (*stage.result.notes, *notes)))

    def _thickened(self, stage: _Stage, voxels: tuple[VoxelPart, ...], step: Thicken, context: StepContext) -> _Stage:
        """Still voxels, with what thickens each beside them: so that a union after it has no gaps either."""
        solids = self._as_solids(stage).result.parts
        out = []
        for n, (part, solid) in enumerate(zip(voxels, solids, strict=True)):
            context.at(solid.structure.title, n / len(voxels))
            added = addition_to(solid, step.thinnest_mm, context)
            out.append(part if added is None else part.with_added((added,)))
        return _Stage(tuple(out), PrintResult((), stage.result.notes))

    def _as_solids(self, stage: _Stage) -> _Stage:
        """The same with the surfaces of its voxels."""
        if stage.voxels is None or stage.result.parts:
            return stage
        parts: list[SurfaceMesh] = []
        with ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="solids") as pool:
            for n, mesh in enumerate(pool.map(self._surface, stage.voxels)):
                self._say(mesh.structure.title, _SHARE_OF_SURFACES * n / len(stage.voxels))
                parts.append(mesh)
        return replace(stage, result=replace(stage.result, parts=tuple(parts)))

    def _surface(self, part: VoxelPart) -> SurfaceMesh:
        """The surface of a part as the recipe wants it; made once. Raises Cancelled."""
        if not self._wanted():
            raise Cancelled
        known = self._studio._surfaces.setdefault(part, {})
        key = (self._smoothing, self._recipe.largest_error_mm)
        if key not in known:
            # Of a slider's values only the last ones are kept.
            while len(known) >= _MOST_SMOOTHINGS:
                known.pop(next(iter(known)))
            known[key] = self._made_surface(part, self._smoothing)
        return known[key]

    def _made_surface(self, part: VoxelPart, smoothing: Smoothing) -> SurfaceMesh:
        if part.bare is not None:
            quiet = StepContext(self._recipe, "RAS", lambda _note: None, wanted=self._wanted)
            return union.union_of((self._surface(part.bare), *part.added), part.structure, quiet)
        mesh = extract_surface(*part.labelled(), smoothing)
        if mesh is None:
            raise AssertionError(f"{part.structure.name} has no voxels")
        mesh = replace(mesh, structure=part.structure)
        return mesh if not self._recipe.largest_error_mm else _decimated(mesh, self._recipe.largest_error_mm)


def _decimated(mesh: SurfaceMesh, largest_error_mm: float) -> SurfaceMesh:
    from tsdesktop.surfaces.decimate import decimated

    return decimated(mesh, largest_error_mm)


def _all_present(label_map: LabelMap) -> list[StructureClass]:
    """The structures that have voxels, in label order; a label without a name is called label_N."""
    named = {each.label: each for each in label_map.classes}
    return [named.get(label) or structure_class(label, f"label_{label}") for label in sorted(label_map.boxes)]


def _joined(voxels: tuple[VoxelPart, ...]) -> tuple[VoxelPart, ...]:
    """Parts that touch as one, by their voxels: rods would make them one anyway, with gaps between their surfaces."""
    groups = touching(voxels)
    names = names_of_joined([[part.structure for part in group] for group in groups])
    out: list[VoxelPart] = []
    for group, name in zip(groups, names, strict=True):
        out += group if len(group) == 1 else [part for part in merge(group, Merge(name)) if part is not None]
    return tuple(out)


def _can_stay_voxels(voxels: tuple[VoxelPart, ...], step: Step) -> bool:
    # What thickens a piece would be left behind when the piece goes.
    return isinstance(step, Merge) or not any(part.added for part in voxels)
