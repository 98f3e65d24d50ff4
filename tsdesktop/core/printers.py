"""Printers and ways of printing that a person can choose from. The table is assets/printers.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tsdesktop.core.assets import load_json
from tsdesktop.core.errors import OptionsError


@dataclass(frozen=True)
class Bed:
    """A printer and the space it prints in: width, depth and height in mm."""

    id: str
    title: str
    size_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        if len(self.size_mm) != 3 or not all(0.0 < each < float("inf") for each in self.size_mm):
            raise ValueError(f"a bed needs three lengths above 0 mm, got {self.size_mm}")


@dataclass(frozen=True)
class Material:
    """What is printed with, and its density in g/ml."""

    name: str
    density_g_per_ml: float


@dataclass(frozen=True)
class Process:
    """A way of printing: the thinnest wall in mm that holds, and its materials, the usual one first."""

    id: str
    title: str
    smallest_wall_mm: float
    materials: tuple[Material, ...]

    def material(self, name: str = "") -> Material:
        """The material of that name, the usual one without a name. Raises OptionsError."""
        for each in self.materials:
            if name in ("", each.name):
                return each
        raise _unknown("material", name, [each.name for each in self.materials])


@cache
def beds() -> tuple[Bed, ...]:
    """The printers of the table, maker by maker."""
    return tuple(Bed(each["id"], each["title"], _three(each["size_mm"])) for each in load_json("printers.json")["beds"])


@cache
def processes() -> tuple[Process, ...]:
    """The ways of printing of the table, the most common one first."""
    return tuple(
        Process(
            each["id"], each["title"], each["smallest_wall_mm"], tuple(Material(**one) for one in each["materials"])
        )
        for each in load_json("printers.json")["processes"]
    )


def bed(id: str) -> Bed:
    """The printer `id`. Raises OptionsError."""
    found = next((each for each in beds() if each.id == id), None)
    if found is None:
        raise _unknown("bed", id, [each.id for each in beds()])
    return found


def process(id: str = "") -> Process:
    """The way of printing `id`, the most common one without an id. Raises OptionsError."""
    found = next((each for each in processes() if id in ("", each.id)), None)
    if found is None:
        raise _unknown("process", id, [each.id for each in processes()])
    return found


def custom_bed(size_mm: tuple[float, float, float]) -> Bed:
    """A printer that is not in the table. Raises ValueError for lengths that are not above 0 mm."""
    return Bed("custom", " x ".join(f"{each:g}" for each in size_mm) + " mm", size_mm)


@dataclass(frozen=True)
class PrintLimits:
    """What a part is checked against: the bed (None: not chosen), the way of printing and its material."""

    bed: Bed | None
    process: Process
    material: Material

    @property
    def smallest_wall_mm(self) -> float:
        """The thinnest wall that holds, in mm."""
        return self.process.smallest_wall_mm

    def grams(self, volume_ml: float) -> float:
        """The weight of a part that is printed solid."""
        return volume_ml * self.material.density_g_per_ml


def print_limits(
    bed_id: str = "", process_id: str = "", material: str = "", custom_bed_mm: tuple[float, float, float] | None = None
) -> PrintLimits:
    """The limits of ids of the table; "" is no bed, the most common process, its usual material.

    A bed of one's own goes before one of the table. Raises OptionsError for ids that are not in the table, ValueError
    for an impossible bed.
    """
    own = None if custom_bed_mm is None else custom_bed(custom_bed_mm)
    chosen = process(process_id)
    return PrintLimits(own or (bed(bed_id) if bed_id else None), chosen, chosen.material(material))


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    width, depth, height = (float(each) for each in values)
    return width, depth, height


def _unknown(option: str, value: str, allowed: Sequence[str]) -> OptionsError:
    return OptionsError("options.value", value=value, option=option, allowed=", ".join(allowed))
