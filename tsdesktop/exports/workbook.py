"""Statistics as a workbook (XLSX): a table with units in its headings, and a sheet that tells how it was made.

The time of the run stands in the file instead of the clock's, so that two exports of one run are the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsdesktop.core.statistics import StructureStatistics
from tsdesktop.core.version import __version__
from tsdesktop.exports.manifest import NOTICE, Run, manifest_data
from tsdesktop.exports.writing import written

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_HEAD_HEIGHT = 32
_BORDER_FILL = "#FFF2CC"
_HEAD_FILL = "#E7ECF2"
_BORDER_MARK = "part may be missing"
_WIDEST = 100
Cell = str | int | float | None


@dataclass(frozen=True)
class _Column:
    """A heading with its unit, the number format of its cells, and its width in characters."""

    title: str
    number_format: str
    width: int


def write_workbook(statistics: Iterable[StructureStatistics], path: Path, run: Run, *, overwrite: bool = False) -> None:
    """Writes one row per structure and how the labels were made. Intensities are in HU only for CT.

    Structures that touch the border of the scan are marked; cells of what was not found are empty. Raises ExportError.
    """
    from xlsxwriter import Workbook  # only here: few runs write a workbook

    content = io.BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        properties = {"title": "Statistics of structures", "comments": f"Written by tsdesktop {__version__}. {NOTICE}"}
        book.set_properties({**properties, "created": run.time.astimezone(UTC).replace(tzinfo=None)})
        _write_table(book, list(statistics), columns(run.volume.modality == "CT"))
        _write_making(book, making(run))
    with written(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(content.getvalue())


def columns(is_ct: bool) -> list[_Column]:
    """The columns of the table, in order."""
    unit = "HU" if is_ct else "scan's own unit"
    return [
        _Column("Structure", "@", 34),
        _Column("Label", "0", 8),
        _Column("Voxels", "#,##0", 13),
        _Column("Volume (ml)", "#,##0.000", 14),
        *(_Column(f"{what} ({unit})", "0.0", 12) for what in ("Mean", "SD", "Median", "Minimum", "Maximum")),
        *(_Column(f"Centroid, {axis} (mm)", "0.0", 12) for axis in ("to right", "to front", "to head")),
        *(_Column(f"{end} voxel, {axis}", "0", 9) for axis in "ijk" for end in ("First", "Last")),
        _Column("Touches the border", "@", 20),
    ]


def making(run: Run) -> list[tuple[str, str]]:
    """How the labels were made, as lines of a name and a value; nobody is named in it."""
    told = manifest_data(run, (), Path())
    return [
        ("Notice", NOTICE),
        ("Program", f"tsdesktop {__version__}"),
        ("Time of the run", told["made_at"] or "not known: the labels were opened from a file"),
        *_pairs("Task", told["task"] or {}),
        *((f"Network {n}", _network(each)) for n, each in enumerate(told["networks"], 1)),
        *_pairs("Option", told["options"]),
        *([("Device", told["device"]), ("Duration (s)", f"{told['runtime_seconds']:.1f}")] if told["device"] else ()),
        *_pairs("Scan", told["source"]),
        *(("Note", each["sentence"]) for each in told["notes"]),
        ("Volume", "number of voxels times the volume of a voxel"),
        (
            "Touches the border",
            "a voxel lies in the outermost layer of the scan: a part may be missing",
        ),
        ("Coordinates", "patient's right, front and head are positive; voxels count from 0, both ends included"),
        *(("Please cite", each) for each in told["cite"]),
        ("Python", f"{told['python']} on {told['system']}"),
        *_pairs("Library", told["libraries"]),
    ]


def _pairs(title: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((f"{title}: {key.replace('_', ' ')}", _text(value)) for key, value in values.items())


def _network(entry: Mapping[str, Any]) -> str:
    return f"{entry['folder']}, folds {_text(entry['folds'])}, SHA-256 of its plans {entry['plans_sha256']}"


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(each) for each in value)
    return str(value)


def _write_table(book: Workbook, statistics: Sequence[StructureStatistics], all_columns: Sequence[_Column]) -> None:
    sheet = book.add_worksheet("Statistics")
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": _HEAD_FILL, "bottom": 1})
    plain = [book.add_format({"num_format": each.number_format}) for each in all_columns]
    marked = [book.add_format({"num_format": each.number_format, "bg_color": _BORDER_FILL}) for each in all_columns]
    sheet.set_row(0, _HEAD_HEIGHT)
    for n, each in enumerate(all_columns):
        sheet.set_column(n, n, each.width)
        sheet.write_string(0, n, each.title, head)
    for line, found in enumerate(statistics, 1):
        _write_row(sheet, line, _cells(found), marked if found.touches_border else plain)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(1, len(statistics)), len(all_columns) - 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _write_row(sheet: Worksheet, line: int, cells: Sequence[Cell], formats: Sequence[Format]) -> None:
    for n, (cell, form) in enumerate(zip(cells, formats, strict=True)):
        if cell is None:
            sheet.write_blank(line, n, None, form)
        elif isinstance(cell, str):
            sheet.write_string(line, n, cell, form)
        else:
            sheet.write_number(line, n, cell, form)


def _cells(each: StructureStatistics) -> list[Cell]:
    size: list[Cell] = [each.structure.name, each.structure.label, each.voxels, each.volume_ml]
    if each.intensity is None or each.centroid_ras_mm is None or each.box is None:
        return [*size, *[None] * 14, None]
    inside = each.intensity
    values = (inside.mean, inside.sd, inside.median, inside.minimum, inside.maximum)
    ends = [end for start, stop in zip(each.box.start, each.box.stop, strict=True) for end in (start, stop - 1)]
    return [*size, *values, *each.centroid_ras_mm, *ends, _BORDER_MARK if each.touches_border else "no"]


def _write_making(book: Workbook, lines: Sequence[tuple[str, str]]) -> None:
    sheet = book.add_worksheet("How it was made")
    name = book.add_format({"bold": True, "valign": "top"})
    value = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, _WIDEST)
    for line, (title, text) in enumerate(lines):
        sheet.write_string(line, 0, title, name)
        sheet.write_string(line, 1, text, value)
