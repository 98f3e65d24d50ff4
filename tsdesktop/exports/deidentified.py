"""DICOM attributes without the patient: the Basic Application Level Confidentiality Profile of DICOM PS3.15, annex E.

The profile's table is assets/dicom_profile.json. What the table does not name is treated by kind: attributes that are
private or unknown go, names of persons, dates and times are emptied, identifiers are replaced. In the end, whatever
text still repeats a name, number or date that was taken out goes as well. pydicom is imported by those who call this.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from tsdesktop.core.assets import load_json

Dates = Literal["remove", "shift"]
Deed = Literal["removed", "emptied", "replaced", "new identifier", "date shifted"]

# What a compound action of the table comes to: single-frame images need these attributes at most empty, multi-frame
# ones may need a value.
_PLAIN = {"Z/D": "Z", "X/Z": "Z", "X/D": "X", "X/Z/D": "X", "X/Z/U*": "U*"}
_MULTI_FRAME = {"Z/D": "D", "X/Z": "Z", "X/D": "D", "X/Z/D": "D", "X/Z/U*": "U*"}
_DUMMIES: dict[str, Any] = {
    "AS": "000Y", "DA": "19000101", "DT": "19000101000000", "TM": "000000", "UR": "http://removed.invalid",
    "DS": "0", "IS": "0", **dict.fromkeys(("FD", "FL", "SL", "SS", "UL", "US", "SV", "UV"), 0),
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), "REMOVED"),
}  # fmt: skip
_STANDARD_UIDS = "1.2.840.10008."
_PIXEL_GROUP, _OVERLAYS, _CURVES = 0x7FE0, range(0x6000, 0x6020), range(0x5000, 0x5020)
_TEXT = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
# Texts of these attributes, and every person's name and date, must be nowhere else either.
_TELLING = {
    *("PatientID", "OtherPatientIDs", "IssuerOfPatientID", "AccessionNumber", "InstitutionName", "InstitutionAddress"),
    *("InstitutionalDepartmentName", "StationName", "DeviceSerialNumber", "PatientAddress", "PatientMotherBirthName"),
    *("PatientTelephoneNumbers", "MedicalRecordLocator", "RequestingService", "AdmissionID", "StudyID"),
}
_LEAST_CHARACTERS = 3
# Words of the standard, without which a picture cannot be read.
_STRUCTURAL = {
    *("SpecificCharacterSet", "Modality", "ImageType", "FrameType", "PhotometricInterpretation", "PatientPosition"),
    *("DimensionOrganizationType", "CodingSchemeDesignator", "RescaleType"),
}
_LEAST_DAYS, _MOST_DAYS = 365, 3650
_MARKS = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "face": ("113102", "Clean Recognizable Visual Features Option"),
    "shift": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
}


@dataclass(frozen=True)
class Alias:
    """What stands for the patient in one export: new identifiers follow from `secret`, which is kept nowhere.

    `patient_id` becomes the patient's identifier and name. `dates`: "remove" them, or "shift" all by the same number
    of whole days, one to ten years back.
    """

    secret: bytes
    patient_id: str
    dates: Dates = "remove"

    def uid(self, original: str) -> str:
        """The new unique identifier in place of `original`: the same one in the whole export."""
        digest = hashlib.blake2b(original.strip("\0 ").encode("utf-8"), key=self.secret[:64], digest_size=16).digest()
        # The form of UUIDs as integers under the root 2.25 (DICOM PS3.5 B.2), here of version 8 (RFC 9562).
        number = int.from_bytes(digest, "big") & ~(0xF << 76) | (0x8 << 76)
        return f"2.25.{number & ~(0x3 << 62) | (0x2 << 62)}"

    @property
    def days(self) -> int:
        """By how many days dates are shifted."""
        digest = hashlib.blake2b(b"days", key=self.secret[:64], digest_size=8).digest()
        return -(_LEAST_DAYS + int.from_bytes(digest, "big") % (_MOST_DAYS - _LEAST_DAYS))

    def shifted(self, date: str) -> str:
        """A DICOM date (or date and time) that many days away; "" where it is none."""
        try:
            moved = datetime.strptime(date[:8], "%Y%m%d") + timedelta(days=self.days)
        except ValueError:
            return ""
        return f"{moved:%Y%m%d}{date[8:]}"


@dataclass
class Tally:
    """What was done to the attributes of an export: how often, by deed and name of the attribute. Never a value."""

    deeds: dict[Deed, Counter[str]] = field(default_factory=dict)

    def count(self, deed: Deed, name: str) -> None:
        """One more."""
        self.deeds.setdefault(deed, Counter())[name] += 1


def deidentify(dataset: Any, alias: Alias, tally: Tally) -> None:
    """Takes the patient out of a pydicom data set, in place; pixel data stay. `tally` hears what was done."""
    telling = _telling(dataset, alias)
    groups = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
    has_groups = any(keyword in dataset for keyword in groups)
    work = _Work(alias, tally, _MULTI_FRAME if has_groups else _PLAIN)
    work.clean(dataset)
    if telling is not None:
        _sweep(dataset, telling, tally)
    dataset.PatientID = alias.patient_id
    dataset.PatientName = alias.patient_id


def mark(dataset: Any, alias: Alias, *, face: Literal["changed", "kept", "none"], method: str) -> None:
    """States in the data set that it was de-identified, and how (CID 7050). `method` is words for people."""
    from pydicom.dataset import Dataset

    kinds = ["basic", *(["face"] if face == "changed" else []), *(["shift"] if alias.dates == "shift" else [])]
    items = []
    for kind in kinds:
        item = Dataset()
        item.CodeValue, item.CodeMeaning = _MARKS[kind]
        item.CodingSchemeDesignator = "DCM"
        items.append(item)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = method[:64]
    dataset.DeidentificationMethodCodeSequence = items
    dataset.LongitudinalTemporalInformationModified = "MODIFIED" if alias.dates == "shift" else "REMOVED"
    if face != "none":
        dataset.RecognizableVisualFeatures = "NO" if face == "changed" else "YES"


@cache
def _table() -> dict[int, str]:
    """The actions of the profile by tag."""
    return {int(tag, 16): action for tag, action in load_json("dicom_profile.json")["actions"].items()}


@dataclass(frozen=True)
class _Work:
    """One data set under the profile; nested ones alike."""

    alias: Alias
    tally: Tally
    compounds: dict[str, str]

    def clean(self, dataset: Any) -> None:
        for tag in list(dataset.keys()):
            if tag.group == _PIXEL_GROUP:
                continue
            try:
                element = dataset[tag]
            except Exception:  # pydicom meets damaged values with whatever its parser stumbled over
                del dataset[tag]
                self.tally.count("removed", "damaged attributes")
                continue
            self._apply(dataset, element, self._action(element))

    def _action(self, element: Any) -> str:
        """X remove, Z empty, D dummy, U new identifier, S shift, R look inside, K keep."""
        tag, vr = element.tag, str(element.VR)
        if tag.is_private or tag.group in _OVERLAYS or tag.group in _CURVES or tag.elem == 0 or tag.group == 0xFFFC:
            return "X"
        listed = _table().get(int(tag), "")
        if self.alias.dates == "shift" and vr in ("DA", "DT", "TM") and not _is_of_person(element.keyword):
            return "K" if vr == "TM" else "S"
        action = self.compounds.get(listed, listed) or self._unlisted(element, vr)
        if vr == "SQ":
            return {"U*": "R", "K": "R", "D": "X"}.get(action, action)
        if action == "U" and vr != "UI":
            return "X"
        return "K" if action == "U*" else action

    def _unlisted(self, element: Any, vr: str) -> str:
        if vr == "UN" or not element.keyword:
            return "X"
        if vr in ("PN", "DA", "DT", "TM"):
            return "Z"
        return "U" if vr == "UI" and not element.keyword.endswith("ClassUID") else "K"

    def _apply(self, dataset: Any, element: Any, action: str) -> None:
        name = _name_of(element)
        match action:
            case "X":
                del dataset[element.tag]
                self.tally.count("removed", name)
            case "R":
                for item in element.value:
                    self.clean(item)
            case "Z" if not _is_empty(element):
                element.value = [] if element.VR == "SQ" else None
                self.tally.count("emptied", name)
            case "D" if not _is_empty(element):
                element.value = _DUMMIES.get(str(element.VR), b"")
                self.tally.count("replaced", name)
            case "U" if not _is_empty(element):
                self._renew(element, name)
            case "S" if not _is_empty(element):
                element.value = _each(element.value, lambda text: self.alias.shifted(text))
                self.tally.count("date shifted", name)

    def _renew(self, element: Any, name: str) -> None:
        def renewed(uid: str) -> str:
            return uid if not uid or uid.startswith(_STANDARD_UIDS) else self.alias.uid(uid)

        before = str(element.value)
        element.value = _each(element.value, renewed)
        if str(element.value) != before:
            self.tally.count("new identifier", name)


def _is_of_person(keyword: str) -> bool:
    """Whether a date is about the person and not about the examination: those are never shifted but taken out."""
    return any(part in keyword for part in ("Birth", "Menstrual", "Death", "Admi", "Discharge"))


def _is_empty(element: Any) -> bool:
    return element.value is None or (hasattr(element.value, "__len__") and len(element.value) == 0)


def _each(value: Any, change: Any) -> Any:
    # A person's name can be walked through as well, letter by letter.
    if isinstance(value, MutableSequence):
        return [change(str(each)) for each in value]
    return change(str(value))


def _name_of(element: Any) -> str:
    if element.tag.is_private:
        return "private attributes"
    if element.tag.group in _OVERLAYS:
        return "overlays"
    return str(element.keyword) or f"({element.tag.group:04X},{element.tag.elem:04X})"


def _elements(dataset: Any) -> Iterator[tuple[Any, Any]]:
    """Every element with the data set it lies in, nested ones included; not pixels, nor what cannot be read."""
    for tag in list(dataset.keys()):
        if tag.group == _PIXEL_GROUP:
            continue
        try:
            element = dataset[tag]
        except Exception:  # noqa: S112 - as in _Work.clean, which removes and counts it
            continue
        yield dataset, element
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)


def _telling(dataset: Any, alias: Alias) -> re.Pattern[str] | None:
    """Words that tell who it is, from names, numbers, places and dates of the data set; None where there are none."""
    words: set[str] = set()
    for _, element in _elements(dataset):
        vr, value = str(element.VR), element.value
        if value is None or element.tag.is_private:
            continue
        texts = [str(each) for each in value] if isinstance(value, MutableSequence) else [str(value)]
        if vr == "PN":
            words |= {part for text in texts for part in re.split(r"[\^=,\s]+", str(text))}
        elif element.keyword in _TELLING:
            words |= {text.strip() for text in texts}
        elif vr == "UI":
            words |= {text for text in texts if not text.startswith(_STANDARD_UIDS)}
        elif vr in ("DA", "DT") and alias.dates == "remove":
            words |= {text[:8] for text in texts if len(text) >= 8}
    told = sorted((re.escape(word) for word in words if len(word) >= _LEAST_CHARACTERS), key=len, reverse=True)
    return re.compile(r"(?<![^\W_])(?:" + "|".join(told) + r")(?![^\W_])", re.IGNORECASE) if told else None


def _sweep(dataset: Any, telling: re.Pattern[str], tally: Tally) -> None:
    """Empties what still repeats one of these words."""
    for _, element in _elements(dataset):
        if str(element.VR) not in _TEXT or element.keyword in _STRUCTURAL or _is_empty(element):
            continue
        if telling.search(str(element.value)):
            element.value = None
            tally.count("emptied", _name_of(element))
