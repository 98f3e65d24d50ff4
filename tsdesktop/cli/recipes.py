"""The flags of `tsdesktop print` as a recipe, and the order in which their steps are done."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from tsdesktop.core.errors import OptionsError, ReadError
from tsdesktop.core.printers import bed, custom_bed, process
from tsdesktop.core.printing import (
    SMOOTHINGS,
    Cut,
    Face,
    FillHoles,
    FitToBed,
    Hollow,
    KeepLargest,
    Label,
    LayFlat,
    Merge,
    Plate,
    PlateShape,
    Point,
    PrintRecipe,
    RemoveIslands,
    Scale,
    Stand,
    Step,
    Struts,
    Thicken,
    recipe_from_json,
)

ORDER = """the steps are done in this order, whatever the order of the flags:
  keep largest, remove islands; merge, fill holes, struts; thicken; hollow; cut; scale;
  base plate, stand; labels; lay flat; fit to bed"""
_CUT = re.compile(r"^([xyz])@(-?[0-9.]+)(%?)$", re.IGNORECASE)
_BED = re.compile(r"^([0-9.]+)x([0-9.]+)x([0-9.]+)$", re.IGNORECASE)
_AXES = "xyz"
# Where a share of the structures' extent lies: axis and share to a coordinate in mm.
Place = Callable[[int, float], float]
# Flags that only say how another one's step is done.
_NEEDS = {
    "strut_length": "struts", "drains": "hollow", "drain_mm": "hollow", "pins": "cut", "pin_mm": "cut",
    "clearance_mm": "cut", "plate_margin": "plate", "plate_shape": "plate", "stand_diameter": "stand",
    "label_mm": "label", "label_depth": "label", "label_raised": "label", "label_face": "label",
}  # fmt: skip
_STEPS = (
    "keep_largest", "remove_islands", "fill_holes", "thicken", "merge", "struts", "hollow", "cut", "plate", "stand",
    "label", "scale", "lay_flat", "fit_to_bed",
)  # fmt: skip


def add_step_flags(parser: argparse.ArgumentParser) -> None:
    """Adds every flag that a recipe is made from."""
    _add_surface_flags(parser.add_argument_group("the surfaces"))
    _add_shape_flags(parser.add_argument_group("the parts"))
    _add_base_flags(parser.add_argument_group("what they stand on, and labels"))
    _add_bed_flags(parser.add_argument_group("the printer"))


def _add_surface_flags(group: Any) -> None:
    group.add_argument("--structures", nargs="+", metavar="NAME", help="which structures (default: all that are there)")
    group.add_argument("--recipe", type=Path, metavar="FILE", help="do what a recipe.json of another print says")
    group.add_argument("--smoothing", choices=SMOOTHINGS, help="how smooth (default: faithful)")
    group.add_argument("--smoothing-mm", type=float, metavar="MM", help="how smooth, as its effect in mm")
    group.add_argument(
        "--largest-error-mm", type=float, metavar="MM", help="save triangles; no place moves farther than this"
    )


def _add_shape_flags(group: Any) -> None:
    flag = group.add_argument
    flag("--keep-largest", action="store_true", help="of every structure only the largest piece")
    flag("--remove-islands", type=float, metavar="MM3", help="no pieces smaller than this")
    flag("--fill-holes", action="store_true", help="fill cavities inside structures, or inside all of them merged")
    flag("--merge", nargs="?", const="merged", metavar="NAME", help="unite all parts to one solid of that name")
    flag("--struts", type=float, metavar="MM", help="connect separate pieces by rods of this diameter")
    flag("--strut-length", type=float, metavar="MM", help="the longest rod (default: 20)")
    flag("--thicken", type=float, metavar="MM", help="what is thinner becomes that thick")
    flag("--hollow", type=float, metavar="MM", help="hollow parts, with walls this thick")
    flag("--drains", type=int, metavar="N", help="drain holes of a hollow part (default: 2)")
    flag("--drain-mm", type=float, metavar="MM", help="their diameter (default: 4)")
    flag(
        "--cut",
        action="append",
        metavar="PLANE",
        help="cut parts in two: z@50%% is the middle of their height, x@-12 the plane x = -12 mm, "
        "x,y,z,nx,ny,nz a point and a direction (RAS; write --cut=-1,2,... when it begins with a minus)",
    )
    flag("--pins", type=int, metavar="N", help="pins and sockets that align the halves (default: 0)")
    flag("--pin-mm", type=float, metavar="MM", help="their diameter (default: 6)")
    flag("--clearance-mm", type=float, metavar="MM", help="how much wider sockets are all around (default: 0.2)")


def _add_base_flags(group: Any) -> None:
    flag = group.add_argument
    flag("--plate", nargs="?", const=3.0, type=float, metavar="MM", help="a base plate of this thickness (default: 3)")
    flag("--plate-margin", type=float, metavar="MM", help="how far it reaches beyond the parts (default: 5)")
    flag("--plate-shape", choices=get_args(PlateShape), help="its shape (default: rectangle)")
    flag("--stand", nargs="?", const=15.0, type=float, metavar="MM", help="a stand; how high it holds (default: 15)")
    flag("--stand-diameter", type=float, metavar="MM", help="the diameter of its columns (default: 6)")
    flag("--label", action="append", metavar="TEXT", help=r"a text; \n begins a line, {name} is the part's name")
    flag("--label-mm", type=float, metavar="MM", help="height of its capital letters (default: 6)")
    flag("--label-depth", type=float, metavar="MM", help="how deep or high it is (default: 0.8)")
    flag("--label-raised", action="store_true", help="raised instead of engraved")
    flag("--label-face", choices=get_args(Face), help="where (default: the plate or foot, else the bottom)")


def _add_bed_flags(group: Any) -> None:
    flag = group.add_argument
    flag("--scale", type=float, metavar="PERCENT", help="another size (default: 100)")
    flag("--lay-flat", action="store_true", help="turn every part onto its best side")
    flag("--fit-to-bed", action="store_true", help="shrink what is too large for the bed")
    flag("--bed", metavar="ID", help="the printer, of --list-beds, or its size as 250x210x220 (mm)")
    flag("--process", metavar="ID", help="the way of printing, of --list-beds (default: fdm_0.4)")


def needs_extent(given: argparse.Namespace) -> bool:
    """Whether a flag names a share of the structures' extent, which only the labels tell."""
    return any("%" in each for each in given.cut or ())


def recipe_of(given: argparse.Namespace, place: Place) -> PrintRecipe:
    """The recipe that parsed flags describe; `place` tells where shares of the extent are.

    Raises OptionsError for values and combinations that make no sense, ReadError for a recipe that cannot be read.
    """
    _check_combinations(given)
    try:
        start = _stored(given.recipe) if given.recipe else PrintRecipe(steps=tuple(_steps(given, place)))
        return replace(start, **dict(_settings(given)))
    except ValueError as error:
        raise OptionsError("print.bad_value", reason=str(error)) from error


def _stored(path: Path) -> PrintRecipe:
    try:
        return recipe_from_json(path.read_text(encoding="utf-8"), path.name)
    except UnicodeDecodeError as error:
        raise ReadError("recipe.not_one", name=path.name) from error
    except FileNotFoundError as error:
        raise ReadError("read.missing", name=path.name) from error
    except OSError as error:
        raise ReadError("read.not_allowed", name=path.name, reason=error.strerror or "no access") from error


def _check_combinations(given: argparse.Namespace) -> None:
    for name, needed in _NEEDS.items():
        if _was_given(given, name) and not _was_given(given, needed):
            raise OptionsError("options.needs", option=_flag(name), other=_flag(needed))
    if given.recipe:
        clash = next((name for name in _STEPS if _was_given(given, name)), None)
        if clash:
            raise OptionsError("options.conflict", option="--recipe", other=_flag(clash))
    if given.plate is not None and given.stand is not None:
        raise OptionsError("options.conflict", option="--plate", other="--stand")
    if given.smoothing and given.smoothing_mm is not None:
        raise OptionsError("options.conflict", option="--smoothing", other="--smoothing-mm")


def _was_given(given: argparse.Namespace, name: str) -> bool:
    return getattr(given, name) not in (None, False)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _settings(given: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """What is said of the recipe besides its steps. Raises OptionsError for a printer or process that is not known."""
    if given.structures:
        yield "structures", tuple(given.structures)
    for name in ("smoothing", "smoothing_mm", "largest_error_mm"):
        if getattr(given, name) is not None:
            yield name, getattr(given, name)
    if given.process:
        yield "process", process(given.process).id
    if given.bed:
        size = _BED.match(given.bed)
        yield "bed", "" if size else bed(given.bed).id
        yield "custom_bed_mm", custom_bed(_three(size.groups())).size_mm if size else None


def _steps(given: argparse.Namespace, place: Place) -> Iterator[Step]:
    """The steps in their fixed order. Raises ValueError for values that no step takes."""
    if given.keep_largest:
        yield KeepLargest()
    if given.remove_islands is not None:
        yield RemoveIslands(given.remove_islands)
    if given.merge is not None:
        yield Merge(given.merge)
    if given.fill_holes:
        # Parts that touch may enclose what none of them does alone.
        yield FillHoles()
    if given.struts is not None:
        yield Struts(given.struts, **_said(longest_mm=given.strut_length))
    if given.thicken is not None:
        yield Thicken(given.thicken)
    if given.hollow is not None:
        yield Hollow(given.hollow, **_said(drains=given.drains, drain_mm=given.drain_mm))
    yield from _cuts(given, place)
    if given.scale is not None:
        # Before plates and labels, so that these are as thick and as tall as was said.
        yield Scale(given.scale)
    yield from _bases(given)
    if given.lay_flat:
        yield LayFlat()
    if given.fit_to_bed:
        yield FitToBed()


def _cuts(given: argparse.Namespace, place: Place) -> Iterator[Cut]:
    more = _said(pins=given.pins, pin_mm=given.pin_mm, clearance_mm=given.clearance_mm)
    for text in given.cut or ():
        point, normal = _plane(text, place)
        yield Cut(point, normal, **more)


def _plane(text: str, place: Place) -> tuple[Point, Point]:
    """A point and a direction in RAS. Raises ValueError for a text that names no plane."""
    named = _CUT.match(text)
    if named:
        axis, value = _AXES.index(named.group(1).lower()), float(named.group(2))
        at = place(axis, value / 100.0) if named.group(3) else value
        x, y, z = ((at if n == axis else 0.0) for n in range(3))
        a, b, c = ((1.0 if n == axis else 0.0) for n in range(3))
        return (x, y, z), (a, b, c)
    numbers = text.split(",")
    if len(numbers) != 6:
        raise ValueError(f"--cut {text} is no plane: write z@50%, x@-12 or x,y,z,nx,ny,nz")
    return _three(numbers[:3]), _three(numbers[3:])


def _bases(given: argparse.Namespace) -> Iterator[Step]:
    if given.plate is not None:
        yield Plate(given.plate, **_said(margin_mm=given.plate_margin, shape=given.plate_shape))
    if given.stand is not None:
        yield Stand(given.stand, **_said(diameter_mm=given.stand_diameter))
    stands = given.plate is not None or given.stand is not None
    face: Face = given.label_face or ("plate" if stands else "bottom")
    more = _said(height_mm=given.label_mm, depth_mm=given.label_depth)
    for text in given.label or ():
        yield Label(text.replace("\\n", "\n"), raised=given.label_raised, face=face, **more)


def _said(**values: Any) -> dict[str, Any]:
    """The values that were given; a step's own defaults stand for the others."""
    return {name: value for name, value in values.items() if value is not None}


def _three(values: Any) -> tuple[float, float, float]:
    x, y, z = (float(each) for each in values)
    return x, y, z
