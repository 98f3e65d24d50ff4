"""What results share with the scan and with each other: patient and study, the program, identifiers and times."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import IO, Any

from tsdesktop.core.provenance import Provenance
from tsdesktop.core.version import __version__

MANUFACTURER = "tsdesktop"
MODEL = "tsdesktop"
# Enhanced equipment needs a serial number; a program has none.
SERIAL_NUMBER = "1"
# All text is written as UTF-8, whatever the source used.
CHARACTER_SET = "ISO_IR 192"
_IMPLEMENTATION_CLASS = "2.25.144946616981746968732182577200205473040"
# Kept as they are, even where they break a rule: archives find the patient and the study by them.
_IDENTITY = ("PatientID", "PatientName", "AccessionNumber", "StudyInstanceUID")
# Present in every object of a study, empty where unknown.
_ALWAYS = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName"),
)
_WHERE_STATED = (
    *("IssuerOfPatientID", "TypeOfPatientID", "OtherPatientNames", "EthnicGroup", "PatientComments"),
    *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
    *("StudyDescription", "PhysiciansOfRecord", "PatientAge", "PatientSize", "PatientWeight"),
    *("ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName", "ClinicalTrialSiteID"),
    *("ClinicalTrialSiteName", "ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID", "ClinicalTrialTimePointID"),
    *("ClinicalTrialTimePointDescription", "TimezoneOffsetFromUTC"),
)
_SEXES = ("M", "F", "O")


def study_attributes(header: Any) -> dict[str, Any]:
    """The attributes of patient and study in a source header, by keyword: the same patient, the same study.

    Values that break the rules of their type are left empty, as archives refuse them; identifiers are kept as they are.
    """
    found: dict[str, Any] = dict.fromkeys(_ALWAYS, "")
    with quiet():
        for key in ("StudyInstanceUID", *_ALWAYS, *_WHERE_STATED):
            value = header.get(key)
            if value is not None and (key in _IDENTITY or _is_valid(key, value)):
                found[key] = value
    if found["PatientSex"] not in _SEXES:
        found["PatientSex"] = ""
    return found


def _is_valid(keyword: str, value: Any) -> bool:
    from pydicom import config
    from pydicom.datadict import dictionary_VR
    from pydicom.valuerep import DA, TM, validate_value

    kind = dictionary_VR(keyword)
    if kind == "SQ":
        return True
    values = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
    try:
        for each in values:
            validate_value(kind, each if kind == "PN" else str(each), config.RAISE)
            # The 30th of February has the form of a date.
            _ = {"DA": DA, "TM": TM}.get(kind, str)(str(each))
    except (TypeError, ValueError):
        return False
    return True


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps pydicom and highdicom from remarking on values that are the source's own."""
    with warnings.catch_warnings():
        for module in ("pydicom", "highdicom"):
            warnings.filterwarnings("ignore", module=module)
        yield


def local_time(provenance: Provenance, study: dict[str, Any]) -> datetime:
    """The time of the run in the time zone the source states; in UTC where it states none."""
    text = str(study.get("TimezoneOffsetFromUTC", "")).strip()
    if len(text) != 5 or not text[1:].isdigit() or text[0] not in "+-":
        return provenance.made_at
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
    return provenance.made_at.astimezone(timezone(offset if text[0] == "+" else -offset))


def stamp(ds: Any, made: datetime, *moments: str) -> None:
    """Sets date and time of the object's creation and of each of `moments` ("Content", "Series"): the run's."""
    for moment in ("InstanceCreation", *moments):
        setattr(ds, f"{moment}Date", made.strftime("%Y%m%d"))
        setattr(ds, f"{moment}Time", made.strftime("%H%M%S"))
    for each in ds.get("ContributingEquipmentSequence", ()):
        # highdicom's entry about itself has the time of the clock.
        each.ContributionDateTime = made.strftime("%Y%m%d%H%M%S")
    ds.SpecificCharacterSet = CHARACTER_SET
    ds.file_meta.ImplementationClassUID = _IMPLEMENTATION_CLASS
    ds.file_meta.ImplementationVersionName = f"tsdesktop{__version__}"[:16]


def write_file_header(ds: Any, file: IO[bytes]) -> None:
    """Writes what stands before the data set in a DICOM file (PS3.10 7.1)."""
    from pydicom.filebase import DicomIO
    from pydicom.filewriter import write_file_meta_info

    file.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(DicomIO(file), ds.file_meta, enforce_standard=True)


def series_number(source_number: int, which: int) -> int:
    """The number of a result's series beside the source's: 301, 302, 303 beside series 3."""
    return 100 * source_number + which if 0 < source_number < 10**6 else 100 + which


def short(text: str, most: int = 64) -> str:
    """A text as short as its element allows, without the backslash that separates values."""
    return text.replace("\\", "/").strip()[:most] or "unnamed"
