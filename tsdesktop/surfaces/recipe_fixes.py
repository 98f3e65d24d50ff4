"""What a recipe is told for a finding of the preflight, so that it is repeated on another scan."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from tsdesktop.core.printing import (
    SMOOTHINGS,
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
from tsdesktop.surfaces.preflight import SMALL_PIECE

# Where in a recipe a step belongs that is added for a finding; the order of the command line.
STEP_ORDER: tuple[type[Step], ...] = (
    KeepLargest, RemoveIslands, Merge, FillHoles, Struts, Thicken, Hollow, Cut, Scale, Plate, Stand, Label, LayFlat,
    FitToBed,
)  # fmt: skip
# A tenth of what the finest printers draw.
SAVED_ERROR_MM = 0.05
_FIRST_DRAINS = 2


@dataclass(frozen=True)
class Ailing:
    """The part that a fix is for: its volume, the spacing of its labels, and the smallest wall of the process in mm."""

    volume_ml: float
    spacing_mm: tuple[float, float, float]
    smallest_wall_mm: float


def recipe_with(recipe: PrintRecipe, fix: str, part: Ailing) -> PrintRecipe:
    """The recipe with one of RECIPE_FIXES, the `fix` of a finding; the same where it has that already.

    Raises KeyError for another.
    """
    return RECIPE_FIXES[fix](recipe, part)


def with_step(recipe: PrintRecipe, step: Step) -> PrintRecipe:
    """The recipe with a step where it belongs, in the place of one of the same kind where there is one."""
    steps = list(recipe.steps)
    same = next((n for n, each in enumerate(steps) if type(each) is type(step)), None)
    if same is not None:
        steps[same] = step
        return replace(recipe, steps=tuple(steps))
    rank = STEP_ORDER.index(type(step))
    at = next((n for n, each in enumerate(steps) if STEP_ORDER.index(type(each)) > rank), len(steps))
    steps.insert(at, step)
    return replace(recipe, steps=tuple(steps))


def _thickened(recipe: PrintRecipe, part: Ailing) -> PrintRecipe:
    scale = math.prod(each.percent / 100 for each in recipe.steps if isinstance(each, Scale))
    return with_step(recipe, Thicken(math.ceil(part.smallest_wall_mm / scale * 100 - 1e-6) / 100))


def _without_small(recipe: PrintRecipe, part: Ailing) -> PrintRecipe:
    """What a cut or a cavity leaves behind is no island of the labels: it goes after the last of them."""
    step = RemoveIslands(math.ceil(SMALL_PIECE * part.volume_ml * 1000))
    last = max((n for n, each in enumerate(recipe.steps) if isinstance(each, Cut | Hollow)), default=None)
    if last is None:
        return with_step(recipe, step)
    before, after = recipe.steps[: last + 1], recipe.steps[last + 1 :]
    rest = after[1:] if after and isinstance(after[0], RemoveIslands) else after
    return replace(recipe, steps=(*before, step, *rest))


def _filled(recipe: PrintRecipe, _part: Ailing) -> PrintRecipe:
    """Of a part that was made hollow the cavity is meant: it gets one hole more."""
    hollow = next((each for each in recipe.steps if isinstance(each, Hollow)), None)
    if hollow is None:
        return with_step(recipe, FillHoles())
    return with_step(recipe, replace(hollow, drains=hollow.drains + 1 if hollow.drains else _FIRST_DRAINS))


def _connected(recipe: PrintRecipe, _part: Ailing) -> PrintRecipe:
    known = next((each for each in recipe.steps if isinstance(each, Struts)), None)
    # Struts that left pieces apart reach further.
    return with_step(recipe, replace(known, longest_mm=2 * known.longest_mm) if known is not None else Struts())


def _laid_flat(recipe: PrintRecipe, _part: Ailing) -> PrintRecipe:
    return with_step(recipe, LayFlat())


def _fitted(recipe: PrintRecipe, _part: Ailing) -> PrintRecipe:
    return with_step(recipe, FitToBed())


def _saving(recipe: PrintRecipe, _part: Ailing) -> PrintRecipe:
    return replace(recipe, largest_error_mm=max(SAVED_ERROR_MM, 2 * recipe.largest_error_mm))


def _less_smooth(recipe: PrintRecipe, part: Ailing) -> PrintRecipe:
    """The preset before, after the first half the effect in mm; and half the error that saves triangles."""
    recipe = replace(recipe, largest_error_mm=recipe.largest_error_mm / 2)
    at = SMOOTHINGS.index(recipe.smoothing)
    if recipe.smoothing_mm is None and at > 0:
        return replace(recipe, smoothing=SMOOTHINGS[at - 1])
    if recipe.smoothing_mm is None:
        return replace(recipe, smoothing_mm=round(max(part.spacing_mm), 1))
    return replace(recipe, smoothing_mm=round(recipe.smoothing_mm / 2, 2))


RECIPE_FIXES: Mapping[str, Callable[[PrintRecipe, Ailing], PrintRecipe]] = MappingProxyType(
    {
        "thicken": _thickened,
        "remove-small-pieces": _without_small,
        "fill-holes": _filled,
        "struts": _connected,
        "lay-flat": _laid_flat,
        "fit-to-bed": _fitted,
        "save-triangles": _saving,
        "smooth-less": _less_smooth,
    }
)
