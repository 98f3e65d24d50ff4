"""Structures in coded form: SNOMED CT where there is a code, else a code of our own scheme that claims nothing."""

from __future__ import annotations

from typing import Any

from tsdesktop.core.structures import Code, Codes, Rgb, StructureClass, structure_class
from tsdesktop.exports.dicom.study import short

SCHEME = "99TSDESKTOP"
_ANATOMY = Code("123037004", "Anatomical Structure")
# For names that no table knows: a network of one's own may find anything.
_STRUCTURE = Code("structure", "Structure", SCHEME)


def codes_of(structure: StructureClass) -> Codes:
    """The structure's codes; without any, its own name in the scheme 99TSDESKTOP."""
    if structure.codes is not None:
        return structure.codes
    is_known = structure_class(1, structure.name).system != "other"
    return Codes(_ANATOMY if is_known else _STRUCTURE, Code(structure.name, structure.title, SCHEME))


def is_ours(structure: StructureClass) -> bool:
    """Whether the structure's code comes from our own scheme."""
    return structure.codes is None


def concept(code: Code) -> Any:
    """A code as highdicom's CodedConcept."""
    from highdicom.sr.coding import CodedConcept

    return CodedConcept(code.value, code.scheme, short(code.meaning))


def colour_lab(structure: StructureClass) -> Any:
    """The published recommended colour, or the screen colour where there is none, as highdicom's CIELabColor."""
    from highdicom.color import CIELabColor

    red, green, blue = display_rgb(structure)
    return CIELabColor.from_rgb(red, green, blue)


def display_rgb(structure: StructureClass) -> Rgb:
    """The published recommended colour, or the screen colour where there is none, 0 to 255."""
    return structure.dicom_rgb or structure.rgb


def scheme_item() -> Any:
    """What our own coding scheme is, for objects that use it."""
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return CodingSchemeIdentificationItem(
        designator=SCHEME, name="Names of structures in tsdesktop", responsible_organization="tsdesktop"
    )
