from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tsdesktop.core.errors import ExportError
from tsdesktop.core.geometry import Box
from tsdesktop.core.statistics import Intensity, StructureStatistics
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.exports.tables import write_full_json, write_statistics_csv, write_statistics_json

LIVER = StructureStatistics(
    structure_class(5, "liver"), 1000, 27000.0, Intensity(44.858551, 12.25, 45.0, -20.0, 130.0),
    (10.12345, -20.0, 300.5), Box((3, 4, 0), (10, 12, 20)), touches_border=True, near_border=True,
)  # fmt: skip
ABSENT = StructureStatistics(structure_class(90, "brain"), 0, 0.0, None, None, None, False, False)
ODD = StructureStatistics(StructureClass(7, 'a "b", c', (0, 0, 0)), 0, 0.0, None, None, None, False, False)


def test_csv_names_units_and_leaves_absent_values_empty(tmp_path: Path) -> None:
    path = tmp_path / "statistics.csv"
    write_statistics_csv([LIVER, ABSENT, ODD], path, "CT")
    raw = path.read_bytes()
    assert raw.count(b"\r\n") == 4 == raw.count(b"\n")
    with path.open(newline="", encoding="utf-8") as stream:
        liver, brain, odd = csv.DictReader(stream)
    assert liver == {
        "name": "liver", "label": "5", "voxels": "1000", "volume_ml": "27.0",
        "mean_hu": "44.85855", "sd_hu": "12.25", "median_hu": "45.0", "min_hu": "-20.0", "max_hu": "130.0",
        "centroid_r_mm": "10.123", "centroid_a_mm": "-20.0", "centroid_s_mm": "300.5",
        "bbox_i_first": "3", "bbox_i_last": "9", "bbox_j_first": "4", "bbox_j_last": "11",
        "bbox_k_first": "0", "bbox_k_last": "19", "touches_border": "yes",
    }  # fmt: skip
    assert (brain["voxels"], brain["volume_ml"], brain["mean_hu"], brain["touches_border"]) == ("0", "0.0", "", "no")
    assert odd["name"] == 'a "b", c'
    assert None not in odd


@pytest.mark.parametrize("modality", ["MR", "unknown"])
def test_only_ct_is_in_hounsfield_units(tmp_path: Path, modality: str) -> None:
    write_statistics_csv([LIVER], tmp_path / "s.csv", modality)  # type: ignore[arg-type]
    header = (tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "mean_intensity" in header
    assert "hu" not in header


def test_json_has_upstreams_schema(tmp_path: Path) -> None:
    table = {"liver": {"volume": 1062450.0, "intensity": 44.85855}, "brain": {"volume": 0.0, "intensity": 0.0}}
    write_statistics_json(table, tmp_path / "statistics.json")
    text = (tmp_path / "statistics.json").read_text(encoding="utf-8")
    assert json.loads(text) == table
    assert text.startswith('{\n    "liver": {\n        "volume": 1062450.0,')


def test_our_json_has_units_and_all_that_the_table_has(tmp_path: Path) -> None:
    write_full_json([LIVER, ABSENT], tmp_path / "statistics_full.json", "CT")
    told = json.loads((tmp_path / "statistics_full.json").read_text(encoding="utf-8"))
    assert told["units"]["intensity"] == "HU" and told["units"]["volume_ml"] == "ml"
    liver, brain = told["structures"]
    assert liver == {
        "name": "liver", "label": 5, "title": "liver", "voxels": 1000, "volume_ml": 27.0,
        "intensity": {"mean": 44.85855, "sd": 12.25, "median": 45.0, "minimum": -20.0, "maximum": 130.0},
        "centroid_ras_mm": [10.123, -20.0, 300.5], "box_voxels": {"first": [3, 4, 0], "last": [9, 11, 19]},
        "touches_border": True,
    }  # fmt: skip
    assert (brain["intensity"], brain["centroid_ras_mm"], brain["box_voxels"]) == (None, None, None)
    write_full_json([LIVER], tmp_path / "mr.json", "MR")
    assert "HU" not in (tmp_path / "mr.json").read_text()


def test_existing_tables_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "statistics.csv"
    path.write_text("mine")
    with pytest.raises(ExportError, match="exists already"):
        write_statistics_csv([LIVER], path, "CT")
    with pytest.raises(ExportError, match="exists already"):
        write_statistics_json({}, path)
    assert path.read_text() == "mine"
