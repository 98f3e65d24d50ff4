"""The report beside a shared scan: what was changed, what was not, how the face was found. Names, never values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsdesktop.core.notes import Note
from tsdesktop.core.version import __version__
from tsdesktop.exports.deidentified import Dates, Tally
from tsdesktop.exports.writing import write_json, written

REPORT_JSON, REPORT_TEXT = "share_report.json", "share_report.txt"
_METHODS = {
    "blur": "averaged over cells of {cell_mm:g} mm and interpolated between their middles",
    "remove": "set to air ({air:g})",
}
_PROFILE = "DICOM PS3.15 Basic Application Level Confidentiality Profile"


@dataclass(frozen=True)
class ChangedPixels:
    """Which voxels were changed: how many, their volume, and how: "blur", or "remove", which wrote `air`."""

    voxels: int
    ml: float
    treatment: str
    cell_mm: float
    air: float

    @property
    def method(self) -> str:
        """How, in words."""
        return _METHODS[self.treatment].format(cell_mm=self.cell_mm, air=self.air)


@dataclass(frozen=True)
class ShareRecord:
    """What was done. `found` says how the face was found, `not_done` what a person must still look at.

    `pixels` is None where none were changed, `tally` None for NIfTI, which has no attributes of a patient.
    """

    format: str
    found: Note
    pixels: ChangedPixels | None
    dates: Dates
    tally: Tally | None
    not_done: tuple[Note, ...]
    files: tuple[str, ...]


def write_share_report(record: ShareRecord, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Writes the report as JSON and as text for people. Raises ExportError."""
    data, text = folder / REPORT_JSON, folder / REPORT_TEXT
    write_json(report_data(record), data, overwrite=overwrite)
    with written(text, overwrite=overwrite) as temporary:
        temporary.write_text(report_text(record), encoding="utf-8", newline="\n")
    return [data, text]


def report_data(record: ShareRecord) -> dict[str, Any]:
    """The report as plain data."""
    pixels = record.pixels
    return {
        "program": "tsdesktop",
        "version": __version__,
        "format": record.format,
        "face": {
            "found_by": record.found.id.removeprefix("share."),
            "words": record.found.sentence,
            "voxels": pixels.voxels if pixels else 0,
            "ml": round(pixels.ml, 1) if pixels else 0.0,
            "method": pixels.method if pixels else "",
        },
        "attributes": _attributes(record),
        "not_done": [_words(each) for each in record.not_done],
        "files": list(record.files),
    }


def report_text(record: ShareRecord) -> str:
    """The report as text."""
    pixels = record.pixels
    lines = [f"Scan shared with tsdesktop {__version__} as {record.format}", "", "The face", record.found.sentence]
    if pixels is not None:
        lines.append(f"{pixels.voxels} voxels ({pixels.ml:.1f} ml) were {pixels.method}. All others are as they were.")
    lines += ["", "The patient", *_attribute_lines(record), "", "What was not done"]
    lines += [_words(each) for each in record.not_done]
    lines += ["", f"Files: {len(record.files)}", *_some(record.files)]
    return "\n".join(lines) + "\n"


def _words(told: Note) -> str:
    return f"{told.sentence} {told.hint}".rstrip()


def _attributes(record: ShareRecord) -> dict[str, Any]:
    if record.tally is None:
        return {"header": "new, without text of the source"}
    deeds = {
        deed: {"count": sum(names.values()), "names": sorted(names)}
        for deed, names in sorted(record.tally.deeds.items())
    }
    return {"profile": _PROFILE, "dates": _dates_words(record.dates), "deeds": deeds}


def _dates_words(dates: Dates) -> str:
    if dates == "shift":
        return "shifted by one random number of days, which is kept nowhere; birth dates were taken out"
    return "taken out"


def _attribute_lines(record: ShareRecord) -> list[str]:
    if record.tally is None:
        return ["The header is new: no text of the source was taken over."]
    lines = [f"Attributes were treated by the {_PROFILE}.", f"Dates were {_dates_words(record.dates)}."]
    for deed, names in sorted(record.tally.deeds.items()):
        lines.append(f"{deed} ({sum(names.values())}): {', '.join(sorted(names))}")
    return lines


def _some(files: Sequence[str], most: int = 6) -> list[str]:
    return list(files) if len(files) <= most else [*files[: most - 1], "...", files[-1]]
