"""A recipe for printing as data: which structures, how smooth, and the steps one after the other. No geometry here.

A recipe is written as JSON (`recipe_json`) and read back (`recipe_from_json`), so that a print can be repeated on
another scan. Lengths are mm; `_ras` marks places and directions of the scan.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin

from tsdesktop.core.errors import ReadError

if TYPE_CHECKING:
    from cattrs.preconf.json import JsonConverter

RECIPE_VERSION = 1
_LONGEST_MM = 10_000.0
Point = tuple[float, float, float]
PlateShape = Literal["rectangle", "ellipse"]
Face = Literal["front", "back", "left", "right", "top", "bottom", "plate"]
SMOOTHINGS = ("faithful", "smooth", "very smooth")


@dataclass(frozen=True)
class KeepLargest:
    """Of every structure only its largest piece is kept."""

    kind: ClassVar[str] = "keep-largest"


@dataclass(frozen=True)
class RemoveIslands:
    """Pieces of a structure smaller than `smallest_mm3` are removed. Raises ValueError."""

    smallest_mm3: float = 100.0
    kind: ClassVar[str] = "remove-islands"

    def __post_init__(self) -> None:
        _check("smallest_mm3", self.smallest_mm3, 0.0, 1e9)


@dataclass(frozen=True)
class FillHoles:
    """Cavities inside a structure are filled."""

    kind: ClassVar[str] = "fill-holes"


@dataclass(frozen=True)
class Thicken:
    """What is thinner than `thinnest_mm` becomes that thick; the rest stays. Raises ValueError."""

    thinnest_mm: float = 1.0
    kind: ClassVar[str] = "thicken"

    def __post_init__(self) -> None:
        _check("thinnest_mm", self.thinnest_mm, 0.05, 50.0)


@dataclass(frozen=True)
class Merge:
    """All parts become one solid of that name. Raises ValueError for an empty name."""

    name: str = "merged"
    kind: ClassVar[str] = "merge"

    def __post_init__(self) -> None:
        _check_text("name", self.name, 80)


@dataclass(frozen=True)
class Struts:
    """Separate pieces are connected by rods, over gaps up to `longest_mm`, and become one solid. Raises ValueError."""

    diameter_mm: float = 3.0
    longest_mm: float = 20.0
    kind: ClassVar[str] = "struts"

    def __post_init__(self) -> None:
        _check("diameter_mm", self.diameter_mm, 0.2, 200.0)
        _check("longest_mm", self.longest_mm, 0.0, _LONGEST_MM)


@dataclass(frozen=True)
class Hollow:
    """Every part becomes a shell `wall_mm` thick with `drains` round holes `drain_mm` wide. Raises ValueError."""

    wall_mm: float = 2.0
    drains: int = 2
    drain_mm: float = 4.0
    kind: ClassVar[str] = "hollow"

    def __post_init__(self) -> None:
        _check("wall_mm", self.wall_mm, 0.2, 100.0)
        _check("drains", self.drains, 0, 20)
        _check("drain_mm", self.drain_mm, 0.5, 100.0)


@dataclass(frozen=True)
class Cut:
    """Every part is cut in two by a plane and closed there, with up to `pins` alignment pins of `pin_mm` diameter.

    Side A lies where `normal_ras` points and carries the pins; the sockets of side B are wider by `clearance_mm` all
    around. Raises ValueError.
    """

    point_ras: Point
    normal_ras: Point
    pins: int = 0
    pin_mm: float = 6.0
    clearance_mm: float = 0.2
    kind: ClassVar[str] = "cut"

    def __post_init__(self) -> None:
        _check_point("point_ras", self.point_ras)
        _check_point("normal_ras", self.normal_ras)
        if math.hypot(*self.normal_ras) < 1e-6:
            raise ValueError("normal_ras must point somewhere, got 0, 0, 0")
        _check("pins", self.pins, 0, 20)
        _check("pin_mm", self.pin_mm, 0.5, 100.0)
        _check("clearance_mm", self.clearance_mm, 0.0, 5.0)


@dataclass(frozen=True)
class Plate:
    """A base plate under the lowest point, `margin_mm` larger than the parts all around. Raises ValueError."""

    thickness_mm: float = 3.0
    margin_mm: float = 5.0
    shape: PlateShape = "rectangle"
    kind: ClassVar[str] = "plate"

    def __post_init__(self) -> None:
        _check("thickness_mm", self.thickness_mm, 0.2, 100.0)
        _check("margin_mm", self.margin_mm, 0.0, 500.0)
        _check_choice("shape", self.shape, get_args(PlateShape))


@dataclass(frozen=True)
class Stand:
    """A foot with columns of `diameter_mm` that hold the parts `height_mm` above it. Raises ValueError."""

    height_mm: float = 15.0
    diameter_mm: float = 6.0
    kind: ClassVar[str] = "stand"

    def __post_init__(self) -> None:
        _check("height_mm", self.height_mm, 0.5, 1000.0)
        _check("diameter_mm", self.diameter_mm, 0.5, 200.0)


@dataclass(frozen=True)
class Label:
    """A text with letters `height_mm` tall, raised by or sunk to `depth_mm` on one face. Raises ValueError."""

    text: str
    height_mm: float = 6.0
    depth_mm: float = 0.8
    raised: bool = False
    face: Face = "bottom"
    kind: ClassVar[str] = "label"

    def __post_init__(self) -> None:
        _check_text("text", self.text, 200)
        _check("height_mm", self.height_mm, 0.5, 500.0)
        _check("depth_mm", self.depth_mm, 0.05, 50.0)
        _check_choice("face", self.face, get_args(Face))


@dataclass(frozen=True)
class Scale:
    """All parts become `percent` of their size, the same in every direction. Raises ValueError."""

    percent: float = 100.0
    kind: ClassVar[str] = "scale"

    def __post_init__(self) -> None:
        _check("percent", self.percent, 0.1, 10_000.0)


@dataclass(frozen=True)
class FitToBed:
    """Parts that are larger than the printer's bed shrink together until they fit; others stay."""

    kind: ClassVar[str] = "fit-to-bed"


@dataclass(frozen=True)
class LayFlat:
    """Every part is turned so that its largest flat side on which it stands lies on the bed."""

    kind: ClassVar[str] = "lay-flat"


Step = (
    KeepLargest | RemoveIslands | FillHoles | Thicken | Merge | Struts | Hollow | Cut
    | Plate | Stand | Label | Scale | FitToBed | LayFlat
)  # fmt: skip
STEP_KINDS: dict[str, type[Step]] = {each.kind: each for each in get_args(Step)}
_KINDS_OF_STEPS: dict[type, str] = {each: kind for kind, each in STEP_KINDS.items()}


@dataclass(frozen=True)
class PrintRecipe:
    """What is printed and how.

    `structures` names them (empty: all that are there), `smoothing` is a preset and `smoothing_mm` a stated effect in
    mm instead, `largest_error_mm` how far a surface may move when triangles are saved (0: none are). `bed` and
    `process` are ids of the list of printers; `custom_bed_mm` is x, y, z of a bed that is not in it.
    Raises ValueError.
    """

    structures: tuple[str, ...] = ()
    smoothing: str = "faithful"
    smoothing_mm: float | None = None
    largest_error_mm: float = 0.0
    steps: tuple[Step, ...] = ()
    bed: str = ""
    process: str = ""
    custom_bed_mm: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if not all(self.structures):
            raise ValueError("structures must have names")
        _check_choice("smoothing", self.smoothing, SMOOTHINGS)
        if self.smoothing_mm is not None:
            _check("smoothing_mm", self.smoothing_mm, 0.0, 100.0)
        _check("largest_error_mm", self.largest_error_mm, 0.0, 100.0)
        if self.custom_bed_mm is not None:
            for size in self.custom_bed_mm:
                _check("custom_bed_mm", size, 1.0, _LONGEST_MM)


def recipe_json(recipe: PrintRecipe) -> str:
    """The recipe as JSON text; the same recipe gives the same text."""
    data = {"print_recipe": RECIPE_VERSION, **_converter().unstructure(recipe, PrintRecipe)}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def recipe_from_json(text: str, name: str = "The recipe") -> PrintRecipe:
    """The recipe of such a text; `name` is what errors call it.

    Raises ReadError with one sentence for text that is no JSON, no recipe, of a newer version, or holds a value that
    no step takes.
    """
    data = _parsed(text, name)
    version = data.pop("print_recipe", None)
    if not isinstance(version, int) or isinstance(version, bool):
        raise ReadError("recipe.not_one", name=name)
    if version > RECIPE_VERSION:
        raise ReadError("recipe.newer", name=name)
    for step in data.get("steps", ()):
        kind = str(step.get("kind") if isinstance(step, dict) else step)
        if kind not in STEP_KINDS:
            raise ReadError("recipe.unknown_step", name=name, step=kind[:40], known=", ".join(STEP_KINDS))
    return _structured(data, name)


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError("recipe.not_json", name=name, reason=str(error)) from error
    if not isinstance(data, dict) or not all(isinstance(data.get(key, []), list) for key in ("structures", "steps")):
        raise ReadError("recipe.not_one", name=name)
    return data


def _structured(data: dict[str, Any], name: str) -> PrintRecipe:
    from cattrs import transform_error
    from cattrs.errors import BaseValidationError

    try:
        return _converter().structure(data, PrintRecipe)
    except BaseValidationError as error:
        reason = transform_error(error, format_exception=_in_words)[0].split(" @ ")[0]
        raise ReadError("recipe.bad_value", name=name, reason=reason) from error


def _in_words(error: BaseException, _type: type | None) -> str:
    from cattrs.errors import ForbiddenExtraKeysError

    if isinstance(error, ForbiddenExtraKeysError):
        return f"{', '.join(sorted(error.extra_fields))} is not known"
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return str(error)


@cache
def _converter() -> JsonConverter:
    from cattrs.preconf.json import make_converter
    from cattrs.strategies import configure_tagged_union

    made = make_converter(forbid_extra_keys=True)
    for kind in (bool, int, str):
        made.register_structure_hook(kind, _exactly)
    made.register_structure_hook(float, _number)
    made.register_structure_hook_func(lambda kind: kind == Point, _point)
    # Each step checks its choices itself, and says which there are.
    made.register_structure_hook_func(_is_choice, lambda value, _kind: value)
    configure_tagged_union(Step, made, tag_name="kind", tag_generator=_KINDS_OF_STEPS.__getitem__)
    return made


def _is_choice(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Literal


def _exactly(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{value!r} is not of the kind {kind.__name__}")
    return value


def _number(value: Any, _kind: type) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _point(value: Any, _kind: type) -> Point:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError(f"{value!r} is not three numbers")
    x, y, z = (_number(each, float) for each in value)
    return x, y, z


def _check(name: str, value: float, least: float, most: float) -> None:
    """Refuses what is not from `least` to `most`, NaN too."""
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least:g} to {most:g}, got {value}")


def _check_point(name: str, point: Point) -> None:
    if len(point) != 3 or not all(math.isfinite(value) and abs(value) < 1e6 for value in point):
        raise ValueError(f"{name} must be three numbers, got {point}")


def _check_text(name: str, text: str, most: int) -> None:
    if not text.strip() or len(text) > most:
        raise ValueError(f"{name} must have 1 to {most} letters, got {len(text.strip())}")


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
