"""The workbook of statistics, read by openpyxl: numbers with units, marks at the border, and how it was made."""

from __future__ import annotations

import time
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from tests.exports.test_tables import ABSENT, LIVER
from tsdesktop import __version__
from tsdesktop.core.errors import ExportError
from tsdesktop.core.geometry import Box
from tsdesktop.core.options import Options
from tsdesktop.core.statistics import Intensity, StructureStatistics
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import ScanSource, Volume
from tsdesktop.exports.manifest import Run, UsedNetwork
from tsdesktop.exports.workbook import write_workbook

MADE_AT = datetime(2026, 3, 1, 14, 5, 9, tzinfo=UTC)
FORMULA = StructureStatistics(
    StructureClass(7, "=1+1", (0, 0, 0)), 8, 216.0, Intensity(-3.0, 0.5, -3.0, -4.0, 2.0), (1.0, 2.0, -3.0),
    Box((1, 1, 1), (3, 3, 3)), touches_border=False, near_border=True,
)  # fmt: skip


@pytest.fixture
def run(volume: Volume) -> Run:
    task = catalogue().task("total")
    source = ScanSource("dicom", "DOE^JANE", "/scans/DOE^JANE/1")
    return Run(
        task,
        Options(fast=True, series="DOE JANE abdomen"),
        replace(volume, source=source),
        (UsedNetwork("Dataset297_TotalSegmentator_total_3mm_1559subj", "ab" * 32, (0,)),),
        "cpu",
        12.3,
        (),
        task.classes,
        MADE_AT,
    )


def sheets(path: Path) -> tuple[openpyxl.worksheet.worksheet.Worksheet, dict[str, str]]:
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Statistics", "How it was made"]
    return book["Statistics"], dict(book["How it was made"].iter_rows(values_only=True))


def test_numbers_have_units_formats_and_their_full_precision(tmp_path: Path, run: Run) -> None:
    write_workbook([LIVER, ABSENT, FORMULA], tmp_path / "s.xlsx", run)
    table, _ = sheets(tmp_path / "s.xlsx")
    rows = list(table.iter_rows(values_only=True))
    assert rows[0][:6] == ("Structure", "Label", "Voxels", "Volume (ml)", "Mean (HU)", "SD (HU)")
    assert rows[0][9:12] == ("Centroid, to right (mm)", "Centroid, to front (mm)", "Centroid, to head (mm)")
    assert rows[1] == (
        "liver", 5, 1000, 27, 44.858551, 12.25, 45, -20, 130, 10.12345, -20, 300.5, 3, 9, 4, 11, 0, 19,
        "part may be missing",
    )  # fmt: skip
    assert rows[2] == ("brain", 90, 0, 0, *[None] * 15)
    assert rows[3][0] == "=1+1" and table["A4"].data_type == "s"
    assert table["D2"].number_format == "#,##0.000"


def test_the_head_stays_in_sight_and_the_border_is_marked(tmp_path: Path, run: Run) -> None:
    write_workbook([LIVER, FORMULA], tmp_path / "s.xlsx", run)
    table, _ = sheets(tmp_path / "s.xlsx")
    assert table.freeze_panes == "B2" and table.auto_filter.ref == "A1:S3"
    assert table["A2"].fill.fgColor.rgb == "FFFFF2CC" and table["A3"].fill.fill_type is None


def test_the_second_sheet_tells_how_it_was_made_and_names_nobody(tmp_path: Path, run: Run) -> None:
    write_workbook([LIVER], tmp_path / "s.xlsx", run)
    _, made = sheets(tmp_path / "s.xlsx")
    assert made["Program"] == f"tsdesktop {__version__}"
    assert made["Time of the run"] == "2026-03-01T14:05:09Z"
    assert made["Network 1"].startswith("Dataset297_TotalSegmentator_total_3mm_1559subj, folds 0")
    assert (made["Task: name"], made["Option: fast"], made["Scan: shape"]) == ("total", "True", "17, 13, 11")
    assert "not for diagnosis" in made["Notice"]
    assert made["Please cite"].startswith("https://doi.org/")
    with zipfile.ZipFile(tmp_path / "s.xlsx") as packed:
        text = b"".join(packed.read(name) for name in packed.namelist())
    assert not any(secret in text for secret in (b"DOE", b"JANE", b"/scans"))


def test_mr_has_no_hounsfield_units(tmp_path: Path, run: Run) -> None:
    write_workbook([LIVER], tmp_path / "s.xlsx", replace(run, volume=replace(run.volume, modality="MR")))
    table, _ = sheets(tmp_path / "s.xlsx")
    assert table["E1"].value == "Mean (scan's own unit)"


def test_labels_from_a_file_say_so(tmp_path: Path, run: Run) -> None:
    write_workbook([], tmp_path / "s.xlsx", Run(None, None, run.volume, (), "", 0.0))
    table, made = sheets(tmp_path / "s.xlsx")
    assert made["Time of the run"] == "not known: the labels were opened from a file"
    assert table.max_row == 1


def test_another_day_gives_the_same_bytes(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_workbook([LIVER], tmp_path / "a.xlsx", run)
    later = time.time() + 100_000
    monkeypatch.setattr(time, "time", lambda: later)
    write_workbook([LIVER], tmp_path / "b.xlsx", run)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as packed:
        assert b"2026-03-01T14:05:09Z" in packed.read("docProps/core.xml")
        assert {each.date_time[:3] for each in packed.infolist()} == {(1980, 1, 1)}


def test_a_file_in_the_way_stays(tmp_path: Path, run: Run) -> None:
    (tmp_path / "s.xlsx").write_text("mine")
    with pytest.raises(ExportError, match="exists already"):
        write_workbook([LIVER], tmp_path / "s.xlsx", run)
    assert (tmp_path / "s.xlsx").read_text() == "mine"
