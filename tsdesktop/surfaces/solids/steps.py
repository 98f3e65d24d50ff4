"""What every step on solids is given beside the parts: where they lie, whom to tell, and whether to go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.notes import Note
from tsdesktop.core.printing import PrintRecipe
from tsdesktop.core.surface import SurfaceMesh

Frame = Literal["RAS", "bed"]
Parts = tuple[SurfaceMesh, ...]


def _silent(_what: str, _share: float) -> None:
    """Progress that nobody listens to."""


def _always() -> bool:
    return True


@dataclass(frozen=True, eq=False)
class StepContext:
    """Given to every step.

    `frame` is where the parts lie before the step: "RAS" (the scan's mm) or "bed" (the printer's mm, z up). `note`
    takes what is worth telling, `listen` a text and a share from 0 to 1, `wanted` says whether the result is still
    wanted.
    """

    recipe: PrintRecipe
    frame: Frame
    note: Callable[[Note], None]
    listen: Callable[[str, float], None] = _silent
    wanted: Callable[[], bool] = _always

    def check_wanted(self) -> None:
        """Raises Cancelled when nobody wants the result any more."""
        if not self.wanted():
            raise Cancelled

    def at(self, what: str, share: float) -> None:
        """Says what is being done and how far the step is; raises Cancelled when it is not wanted any more."""
        self.check_wanted()
        self.listen(what, share)

    def in_frame(self, frame: Frame) -> StepContext:
        """The same for a step whose parts lie in another frame."""
        return replace(self, frame=frame)


# A step on solids: parts, the step (of core/printing.py) and the context to new parts. It never changes its arguments.
SolidStep = Callable[[Parts, Any, StepContext], Parts]
