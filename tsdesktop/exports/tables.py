"""Statistics as files: JSON in TotalSegmentator's schema and in our own, and CSV with units in its column names."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tsdesktop.core.statistics import StructureStatistics
from tsdesktop.core.version import __version__
from tsdesktop.core.volume import Modality
from tsdesktop.exports.writing import write_json, written

_INDENT = 4
Cell = str | int | float


def write_statistics_json(table: Mapping[str, Mapping[str, float]], path: Path, *, overwrite: bool = False) -> None:
    """Writes {class: {"volume": mm3, "intensity": average}}, as `measures` makes it. Raises ExportError."""
    write_json({name: dict(values) for name, values in table.items()}, path, indent=_INDENT, overwrite=overwrite)


def write_full_json(
    statistics: Iterable[StructureStatistics], path: Path, modality: Modality, *, overwrite: bool = False
) -> None:
    """Writes everything the CSV table has, with units, as JSON; absent structures have null. Raises ExportError."""
    write_json(full_table(statistics, modality), path, overwrite=overwrite)


def full_table(statistics: Iterable[StructureStatistics], modality: Modality) -> dict[str, Any]:
    """The content of our own JSON as plain data: units once, then an entry per structure in their order."""
    return {
        "program": "tsdesktop",
        "version": __version__,
        "modality": modality,
        "units": {
            "volume_ml": "ml",
            "intensity": "HU" if modality == "CT" else "the scan's own",
            "centroid_ras_mm": "mm; right, anterior and superior are positive",
            "box_voxels": "voxel indices i, j, k of the scan's grid from 0, both included",
        },
        "structures": [_entry(each) for each in statistics],
    }


def write_statistics_csv(
    statistics: Iterable[StructureStatistics], path: Path, modality: Modality, *, overwrite: bool = False
) -> None:
    """Writes one row per structure (RFC 4180, UTF-8); absent structures have empty cells. Raises ExportError."""
    with written(path, overwrite=overwrite) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(csv_columns(modality))
        writer.writerows(_row(each) for each in statistics)


def csv_columns(modality: Modality) -> list[str]:
    """The names of the columns; intensities are in HU only for CT."""
    unit = "hu" if modality == "CT" else "intensity"
    return [
        "name",
        "label",
        "voxels",
        "volume_ml",
        *(f"{what}_{unit}" for what in ("mean", "sd", "median", "min", "max")),
        *(f"centroid_{axis}_mm" for axis in "ras"),
        *(f"bbox_{axis}_{end}" for axis in "ijk" for end in ("first", "last")),
        "touches_border",
    ]


def _entry(each: StructureStatistics) -> dict[str, Any]:
    inside, centroid, box = each.intensity, each.centroid_ras_mm, each.box
    return {
        "name": each.structure.name,
        "label": each.structure.label,
        "title": each.structure.title,
        "voxels": each.voxels,
        "volume_ml": round(each.volume_ml, 6),
        "intensity": {key: round(value, 5) for key, value in vars(inside).items()} if inside else None,
        "centroid_ras_mm": [round(value, 3) for value in centroid] if centroid else None,
        "box_voxels": {"first": list(box.start), "last": [stop - 1 for stop in box.stop]} if box else None,
        "touches_border": each.touches_border,
    }


def _row(each: StructureStatistics) -> list[Cell]:
    size: list[Cell] = [each.structure.name, each.structure.label, each.voxels, round(each.volume_ml, 6)]
    if each.intensity is None or each.centroid_ras_mm is None or each.box is None:
        return [*size, *[""] * 14, "no"]
    inside = each.intensity
    values = (inside.mean, inside.sd, inside.median, inside.minimum, inside.maximum)
    box = [end for start, stop in zip(each.box.start, each.box.stop, strict=True) for end in (start, stop - 1)]
    return [
        *size,
        *(round(value, 5) for value in values),
        *(round(value, 3) for value in each.centroid_ras_mm),
        *box,
        "yes" if each.touches_border else "no",
    ]
