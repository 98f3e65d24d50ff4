"""What the print studio asks of the rooms that do the work: parts of a recipe, checks of them, and mending.

One for each label map, used by one worker thread at a time. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol
from weakref import WeakKeyDictionary

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.notes import Note
from tsdesktop.core.printing import PrintRecipe
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.studio.newest import Wanted
from tsdesktop.gui.studio.shown import Places, box_of, shown_part

if TYPE_CHECKING:
    from tsdesktop.surfaces.display import DisplaySurface
    from tsdesktop.surfaces.preflight import Preflight
    from tsdesktop.surfaces.solids.studio import PrintStudio

Frame = Literal["RAS", "bed"]


@dataclass(frozen=True)
class Told:
    """How far the work is: what is being done, in words of the engine, and the share of it from 0 to 1."""

    stage: str
    share: float


@dataclass(frozen=True)
class PartNumbers:
    """How large a part is: its sides in mm, its volume in ml, its triangles."""

    size_mm: tuple[float, float, float]
    volume_ml: float
    triangles: int


@dataclass(frozen=True, eq=False)
class Made:
    """The parts that a recipe makes, as they are shown, with what is worth telling about them.

    `surfaces` and `numbers` are those of `parts`, in the same order; vertices are in the scan's RAS mm or in the bed's.
    `box_mm` (2, 3) is around all of them.
    """

    recipe: PrintRecipe
    parts: tuple[SurfaceMesh, ...]
    surfaces: tuple[DisplaySurface, ...]
    numbers: tuple[PartNumbers, ...]
    notes: tuple[Note, ...] = ()
    frame: Frame = "RAS"
    box_mm: Places | None = None


class Engine(Protocol):
    """Does the work for one label map, away from the main thread."""

    def make(self, recipe: PrintRecipe, listen: Callable[[Told], None], wanted: Wanted) -> Made:
        """The parts of a recipe. Raises Cancelled once they are not wanted, TsDesktopError where there are none."""
        ...

    def check(self, made: Made, recipe: PrintRecipe, found: Callable[[int, Preflight], None], wanted: Wanted) -> None:
        """Checks the parts, one after the other, and tells what was `found` on each."""
        ...

    def mend(self, made: Made, number: int) -> Made:
        """The same with one part mended. Raises ExportError when that is in vain."""
        ...


class LabelsEngine:
    """The engine of the program for one label map: it remembers what steps have made."""

    def __init__(self, label_map: LabelMap) -> None:
        self._label_map = label_map
        self._studio: PrintStudio | None = None
        self._shown: WeakKeyDictionary[SurfaceMesh, tuple[DisplaySurface, PartNumbers]] = WeakKeyDictionary()

    def make(self, recipe: PrintRecipe, listen: Callable[[Told], None], wanted: Wanted) -> Made:
        """As `Engine.make`."""
        from tsdesktop.surfaces.solids.studio import PrintStudio

        if self._studio is None:
            self._studio = PrintStudio(self._label_map)
        result = self._studio.parts(recipe, listen=lambda what, share: listen(Told(what, share)), wanted=wanted)
        return self._made(Made(recipe, result.parts, (), (), result.notes, result.frame), wanted)

    def _made(self, made: Made, wanted: Wanted) -> Made:
        """The same with surfaces to show and numbers. Raises Cancelled."""
        ready = [self._ready(mesh, number, wanted) for number, mesh in enumerate(made.parts, 1)]
        surfaces, numbers = tuple(each for each, _ in ready), tuple(each for _, each in ready)
        return replace(made, surfaces=surfaces, numbers=numbers, box_mm=box_of(surfaces))

    def _ready(self, mesh: SurfaceMesh, number: int, wanted: Wanted) -> tuple[DisplaySurface, PartNumbers]:
        if not wanted():
            raise Cancelled
        known = self._shown.get(mesh)
        if known is None:
            low, high = mesh.bounds_mm
            x, y, z = (float(each) for each in high - low)
            known = shown_part(mesh, number), PartNumbers((x, y, z), mesh.volume_ml, len(mesh.triangles))
            self._shown[mesh] = known
        # Bodies are told apart by their numbers.
        surface = known[0] if known[0].label == number else replace(known[0], label=number)
        return surface, known[1]

    def check(self, made: Made, recipe: PrintRecipe, found: Callable[[int, Preflight], None], wanted: Wanted) -> None:
        """As `Engine.check`."""
        from tsdesktop.pipeline.printing import look_at

        for number, part in enumerate(made.parts):
            if not wanted():
                raise Cancelled
            found(number, look_at(self._label_map, recipe, [part], made.frame)[0])

    def mend(self, made: Made, number: int) -> Made:
        """As `Engine.mend`."""
        from tsdesktop.surfaces.fixes import mended

        parts = (*made.parts[:number], mended(made.parts[number]), *made.parts[number + 1 :])
        return self._made(replace(made, parts=parts), lambda: True)
