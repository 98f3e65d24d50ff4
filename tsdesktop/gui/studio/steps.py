"""The steps of a recipe as a person meets them: what each is called, what can be set, what a new one begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QCoreApplication

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
    RemoveIslands,
    Scale,
    Stand,
    Step,
    Struts,
    Thicken,
)
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.words import QT_TRANSLATE_NOOP

translate = QCoreApplication.translate
FieldKind = Literal["number", "count", "text", "choice", "tick"]
Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Field:
    """One value of a step: its name in the recipe, its title, its unit and range, or its choices with their titles."""

    name: str
    title: str
    kind: FieldKind = "number"
    unit: str = "mm"
    least: float = 0.0
    most: float = 100.0
    decimals: int = 1
    choices: Choices = ()


@dataclass(frozen=True)
class StepWords:
    """What a kind of step is called, what it does in one line, and its fields."""

    title: str
    help: str
    fields: tuple[Field, ...] = ()


_FACES: Choices = (
    ("front", QT_TRANSLATE_NOOP("PrintSteps", "Front")),
    ("back", QT_TRANSLATE_NOOP("PrintSteps", "Back")),
    ("left", QT_TRANSLATE_NOOP("PrintSteps", "Left side")),
    ("right", QT_TRANSLATE_NOOP("PrintSteps", "Right side")),
    ("top", QT_TRANSLATE_NOOP("PrintSteps", "Top")),
    ("bottom", QT_TRANSLATE_NOOP("PrintSteps", "Bottom")),
    ("plate", QT_TRANSLATE_NOOP("PrintSteps", "Base plate")),
)
_SHAPES: Choices = (
    ("rectangle", QT_TRANSLATE_NOOP("PrintSteps", "Rectangle")),
    ("ellipse", QT_TRANSLATE_NOOP("PrintSteps", "Ellipse")),
)
STEPS: Mapping[str, StepWords] = {
    Merge.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Merge into one solid"),
        QT_TRANSLATE_NOOP("PrintSteps", "A true union: what overlaps becomes one, without walls inside"),
        (Field("name", QT_TRANSLATE_NOOP("PrintSteps", "Name"), "text"),),
    ),
    KeepLargest.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Keep the largest piece"),
        QT_TRANSLATE_NOOP("PrintSteps", "Of every structure, all pieces but the largest are left out"),
    ),
    RemoveIslands.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Remove islands"),
        QT_TRANSLATE_NOOP("PrintSteps", "Pieces smaller than this are left out"),
        (Field("smallest_mm3", QT_TRANSLATE_NOOP("PrintSteps", "Smaller than"), unit="mm³", most=1e6, decimals=0),),
    ),
    FillHoles.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Fill holes"),
        QT_TRANSLATE_NOOP("PrintSteps", "Cavities inside a structure become solid"),
    ),
    Hollow.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Hollow"),
        QT_TRANSLATE_NOOP("PrintSteps", "A shell instead of a solid, with holes through which resin or powder leaves"),
        (
            Field("wall_mm", QT_TRANSLATE_NOOP("PrintSteps", "Wall"), least=0.2),
            Field("drains", QT_TRANSLATE_NOOP("PrintSteps", "Drain holes"), "count", "", most=20),
            Field("drain_mm", QT_TRANSLATE_NOOP("PrintSteps", "Width of a hole"), least=0.5),
        ),
    ),
    Thicken.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Thicken"),
        QT_TRANSLATE_NOOP("PrintSteps", "What is thinner than this becomes that thick; the rest stays as it is"),
        (Field("thinnest_mm", QT_TRANSLATE_NOOP("PrintSteps", "At least"), least=0.05, most=50.0, decimals=2),),
    ),
    Cut.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Cut"),
        QT_TRANSLATE_NOOP("PrintSteps", "Every part in two, closed where it is cut; pins keep the halves in place"),
        (
            Field("pins", QT_TRANSLATE_NOOP("PrintSteps", "Pins"), "count", "", most=20),
            Field("pin_mm", QT_TRANSLATE_NOOP("PrintSteps", "Width of a pin"), least=0.5),
            Field("clearance_mm", QT_TRANSLATE_NOOP("PrintSteps", "Play around it"), most=5.0, decimals=2),
        ),
    ),
    Plate.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Base plate"),
        QT_TRANSLATE_NOOP("PrintSteps", "A plate under the lowest point, on which the parts stand"),
        (
            Field("thickness_mm", QT_TRANSLATE_NOOP("PrintSteps", "Thickness"), least=0.2),
            Field("margin_mm", QT_TRANSLATE_NOOP("PrintSteps", "Margin around"), most=500.0),
            Field("shape", QT_TRANSLATE_NOOP("PrintSteps", "Shape"), "choice", choices=_SHAPES),
        ),
    ),
    Stand.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Stand"),
        QT_TRANSLATE_NOOP("PrintSteps", "A foot with columns that hold the parts above it"),
        (
            Field("height_mm", QT_TRANSLATE_NOOP("PrintSteps", "Height"), least=0.5, most=1000.0),
            Field("diameter_mm", QT_TRANSLATE_NOOP("PrintSteps", "Width of a column"), least=0.5, most=200.0),
        ),
    ),
    Label.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Text label"),
        QT_TRANSLATE_NOOP("PrintSteps", "Letters engraved into a face, or raised from it"),
        (
            Field("text", QT_TRANSLATE_NOOP("PrintSteps", "Text"), "text"),
            Field("face", QT_TRANSLATE_NOOP("PrintSteps", "On"), "choice", choices=_FACES),
            Field("height_mm", QT_TRANSLATE_NOOP("PrintSteps", "Height of letters"), least=0.5, most=500.0),
            Field("depth_mm", QT_TRANSLATE_NOOP("PrintSteps", "Depth"), least=0.05, most=50.0, decimals=2),
            Field("raised", QT_TRANSLATE_NOOP("PrintSteps", "Raised"), "tick"),
        ),
    ),
    Struts.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Struts"),
        QT_TRANSLATE_NOOP("PrintSteps", "Rods between separate pieces, so that they are printed as one"),
        (
            Field("diameter_mm", QT_TRANSLATE_NOOP("PrintSteps", "Width"), least=0.2, most=200.0),
            Field("longest_mm", QT_TRANSLATE_NOOP("PrintSteps", "Over gaps up to"), most=1000.0),
        ),
    ),
    Scale.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Scale"),
        QT_TRANSLATE_NOOP("PrintSteps", "All parts larger or smaller; 100 % is the size of the body"),
        (Field("percent", QT_TRANSLATE_NOOP("PrintSteps", "Size"), unit="%", least=0.1, most=10_000.0),),
    ),
    FitToBed.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Fit to the bed"),
        QT_TRANSLATE_NOOP("PrintSteps", "Parts that are too large shrink together until they fit; others stay"),
    ),
    LayFlat.kind: StepWords(
        QT_TRANSLATE_NOOP("PrintSteps", "Lay flat"),
        QT_TRANSLATE_NOOP("PrintSteps", "Every part is turned so that its largest flat side lies on the bed"),
    ),
}
# The menu of steps: pieces, walls, parts, what holds them, size.
MENU: tuple[tuple[str, ...], ...] = (
    (Merge.kind, KeepLargest.kind, RemoveIslands.kind, FillHoles.kind),
    (Hollow.kind, Thicken.kind, Cut.kind),
    (Plate.kind, Stand.kind, Label.kind, Struts.kind),
    (Scale.kind, FitToBed.kind, LayFlat.kind),
)


@dataclass(frozen=True)
class Beginning:
    """What a new step may begin with: the middle of what is shown, the thinnest wall that holds, a text, a plate."""

    middle_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    smallest_wall_mm: float = 0.8
    text: str = "1"
    has_plate: bool = False


def new_step(kind: str, beginning: Beginning) -> Step:
    """A step of this kind with values to begin with. Raises KeyError for a kind that is not known."""
    wall = beginning.smallest_wall_mm
    made: dict[str, Step] = {
        Merge.kind: Merge(),
        KeepLargest.kind: KeepLargest(),
        RemoveIslands.kind: RemoveIslands(),
        FillHoles.kind: FillHoles(),
        Hollow.kind: Hollow(wall_mm=max(2.0, 2 * wall)),
        Thicken.kind: Thicken(wall),
        Cut.kind: Cut(beginning.middle_mm, (0.0, 0.0, 1.0), pins=2),
        Plate.kind: Plate(),
        Stand.kind: Stand(),
        Label.kind: Label(beginning.text, face="plate" if beginning.has_plate else "bottom"),
        Struts.kind: Struts(diameter_mm=max(3.0, 2 * wall)),
        Scale.kind: Scale(),
        FitToBed.kind: FitToBed(),
        LayFlat.kind: LayFlat(),
    }
    return made[kind]


def step_title(kind: str) -> str:
    """What a kind of step is called."""
    return translate("PrintSteps", STEPS[kind].title)


def step_help(kind: str) -> str:
    """What a kind of step does."""
    return translate("PrintSteps", STEPS[kind].help)


def field_title(field: Field) -> str:
    """What a value of a step is called."""
    return translate("PrintSteps", field.title)


def choice_title(title: str) -> str:
    """What a choice of a step's value is called."""
    return translate("PrintSteps", title)


def step_summary(step: Step) -> str:
    """The values of a step in a few words, for where its fields are not shown; may be empty."""
    match step:
        case RemoveIslands():
            return f"< {decimal(step.smallest_mm3, 0)} mm³"
        case Thicken():
            return f"{decimal(step.thinnest_mm, 2)} mm"
        case Struts():
            return f"{decimal(step.diameter_mm, 1)} mm"
        case Hollow():
            return f"{decimal(step.wall_mm, 1)} mm"
        case Plate():
            return f"{decimal(step.thickness_mm, 1)} mm"
        case Stand():
            return f"{decimal(step.height_mm, 1)} mm"
        case Label() | Merge():
            return step.text if isinstance(step, Label) else step.name
        case Scale():
            return f"{decimal(step.percent, 1)} %"
        case Cut() if step.pins:
            return translate("PrintSteps", "{count} pins").format(count=step.pins)
    return ""
