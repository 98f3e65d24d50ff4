"""`tsdesktop convert`: what was read from a scan, as NIfTI."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tsdesktop.cli.printing import say_note, table
from tsdesktop.pipeline import SeriesSummary, list_series, read, write_volume

_EPILOG = """examples:
  tsdesktop convert DICOM_FOLDER --list
  tsdesktop convert DICOM_FOLDER -o scan.nii.gz --series 2"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "convert",
        help="write a scan as NIfTI, or list the series in a folder",
        description="Reads a scan and writes it as NIfTI; with --list only lists what is there.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scan", metavar="SCAN", help="a file, a DICOM folder or a zip archive")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-o", "--output", metavar="VOLUME.nii.gz", type=Path, help="the file to write")
    what.add_argument("--list", action="store_true", help="list the series instead")
    parser.add_argument("--series", default="", help="which series: its number, UID or description")
    parser.add_argument("--volume-index", type=int, metavar="N", help="which volume of several, from 0")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that exists")
    parser.add_argument("--json", action="store_true", help="with --list: machine-readable")
    parser.set_defaults(command=run)
    return parser


def run(given: argparse.Namespace) -> None:
    """Writes the volume, or prints the series."""
    if given.list:
        _print_series(given)
        return
    volume = read(given.scan, series=given.series, volume_index=given.volume_index)
    for each in () if given.quiet else volume.notes:
        say_note(each)
    write_volume(volume, given.output, overwrite=given.overwrite)
    if not given.quiet:
        size = " x ".join(str(n) for n in volume.geometry.shape)
        spacing = " x ".join(f"{mm:g}" for mm in volume.spacing_mm)
        print(f"{volume.modality}, {size} voxels of {spacing} mm, axes {volume.geometry.axis_codes}\n{given.output}")


def _print_series(given: argparse.Namespace) -> None:
    found = list_series(given.scan)
    if given.json:
        print(json.dumps([_as_json(each) for each in found], indent=2))
        return
    rows = [("", "series", "scan", "slices", "size", "spacing mm", "description")]
    for each in found:
        spacing = " x ".join(f"{mm:.3g}" for mm in each.spacing_mm) if each.spacing_mm else "-"
        about = f"{each.description} ({each.problem.sentence})" if each.problem else each.description
        size = f"{each.columns}x{each.rows}"
        rows.append(("*" if each.best else "", str(each.number), each.modality, str(each.slices), size, spacing, about))
    print(table(rows))
    print("\n* is opened when no series is named.")


def _as_json(summary: SeriesSummary) -> dict[str, Any]:
    problem = summary.problem.sentence if summary.problem else ""
    return {**vars(summary), "problem": problem, "files": len(summary.files)}
