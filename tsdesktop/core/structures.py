"""Structures: the names, colours and codes of what a label stands for. The table is assets/structures.json."""

from __future__ import annotations

import colorsys
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from tsdesktop.core.assets import load_json

Rgb = tuple[int, int, int]
_ONE_VERTEBRA = re.compile(r"^vertebrae_(?=[CTLS]\d)")
System = Literal[
    "vessels", "heart", "lungs", "digestive", "urinary", "glands", "spine", "ribs", "pelvis", "limbs", "muscles",
    "head", "teeth", "tissues", "other",
]  # fmt: skip


@dataclass(frozen=True)
class Code:
    """One coded concept; the scheme is SNOMED CT ("SCT") unless it says otherwise."""

    value: str
    meaning: str
    scheme: str = "SCT"


@dataclass(frozen=True)
class Codes:
    """What a structure is in coded form, as DICOM segments want it (PS3.3 C.8.20.4)."""

    category: Code
    type: Code
    type_modifier: Code | None = None
    region: Code | None = None
    region_modifier: Code | None = None


@dataclass(frozen=True)
class StructureClass:
    """A structure with the label that stands for it in one task.

    `rgb` is the screen colour, `dicom_rgb` the published recommended one (None where there is none), 0 to 255;
    `system` is the part of the body it is listed under.
    Raises ValueError for a label below 1, an empty name or a colour outside 0 to 255.
    """

    label: int
    name: str
    rgb: Rgb
    dicom_rgb: Rgb | None = None
    ta2_name: str = ""
    codes: Codes | None = None
    system: System = "other"

    def __post_init__(self) -> None:
        if self.label < 1 or not self.name:
            raise ValueError(f"a structure needs a name and a label from 1 on, got {self.label} {self.name!r}")
        if not all(0 <= value <= 255 for value in self.rgb):
            raise ValueError(f"colour of {self.name} must be 0 to 255, got {self.rgb}")

    @property
    def title(self) -> str:
        """The name for people: "kidney_right" as "kidney right", "vertebrae_L4" as "vertebra L4"."""
        return _ONE_VERTEBRA.sub("vertebra_", self.name).replace("_", " ")


def structure_class(label: int, name: str) -> StructureClass:
    """The structure `name` of the table under `label`; a name the table does not have gets a colour of its own."""
    entry = _table().get(name)
    if entry is None:
        return StructureClass(label, name, _colour_of(name))
    return StructureClass(
        label,
        name,
        _rgb(entry["rgb"]),
        _rgb(entry["dicom_rgb"]) if "dicom_rgb" in entry else None,
        entry.get("ta2", ""),
        _codes(entry["codes"]) if "codes" in entry else None,
        entry.get("system", "other"),
    )


def label_table_colour(label: int) -> Rgb:
    """The colour upstream gives a label in its NIfTI label table: twelve colours in turn, by label modulo 12."""
    palette = load_json("structures.json")["label_table_palette"]
    return _rgb(palette[label % len(palette)])


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = load_json("structures.json")["structures"]
    return table


def _rgb(values: Any) -> Rgb:
    red, green, blue = (int(value) for value in values)
    return red, green, blue


def _codes(entry: Mapping[str, list[str]]) -> Codes:
    return Codes(**{key: Code(*values) for key, values in entry.items()})


def _colour_of(name: str) -> Rgb:
    turn = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    red, green, blue = colorsys.hsv_to_rgb(turn, 0.42, 0.82)
    return round(red * 255), round(green * 255), round(blue * 255)
