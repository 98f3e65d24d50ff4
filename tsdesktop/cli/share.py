"""`tsdesktop share`: a scan without the face and without the patient."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tsdesktop.cli.printing import ProgressLine, say_note
from tsdesktop.pipeline import read
from tsdesktop.pipeline.sharing import ShareOptions, check_share, prepare_share, write_share

_EPILOG = """examples:
  tsdesktop share scan.nii.gz -o shared                          a NIfTI file with the face blurred
  tsdesktop share DICOM_FOLDER -o shared --format dicom --face remove
  tsdesktop share DICOM_FOLDER -o shared --format dicom --dates shift --patient-id study7-003

The face is found by the network of the task face (CT) or face_mr (MR) where it is on this computer, else from the skin
of the head. Which way was used is printed, and stands in share_report.txt beside the scan.

This is no guarantee that nobody can be recognised. Look at the result before you share it."""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "share",
        help="write a scan without the face and without patient data",
        description="Writes a scan without the face and without what its files say about the patient.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scan", metavar="SCAN", help="a file, a DICOM folder or a zip archive")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True, help="where to write")
    parser.add_argument(
        "--format", choices=("nifti", "dicom"), default="nifti", help="DICOM needs a scan read from DICOM"
    )
    parser.add_argument(
        "--face", choices=("blur", "remove", "keep"), default="blur", help="blur it, set it to air, or keep it"
    )
    parser.add_argument(
        "--dates",
        choices=("remove", "shift"),
        default="remove",
        help="DICOM: take dates out, or shift all by one random number of days",
    )
    parser.add_argument(
        "--patient-id", default="", metavar="NEWID", help="DICOM: what the patient is called (default: a random name)"
    )
    parser.add_argument("--series", default="", help="which series: its number, UID or description")
    parser.add_argument("--volume-index", type=int, metavar="N", help="which volume of several, from 0")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    parser.set_defaults(command=run)
    return parser


def run(given: argparse.Namespace) -> None:
    """Writes the scan and says how the face was found."""
    options = ShareOptions(given.format, given.face, given.dates, given.patient_id, given.overwrite)
    volume = read(given.scan, series=given.series, volume_index=given.volume_index)
    for each in () if given.quiet else volume.notes:
        say_note(each)
    check_share(volume, given.output, options)
    line = ProgressLine(given.quiet)
    try:
        prepared = prepare_share(volume, options, listen=line.show)
        line.end()
        say_note(prepared.found)
        files = write_share(prepared, given.output, options, listen=line.show)
    finally:
        line.end()
    if given.quiet:
        return
    face = prepared.face
    if face is not None and given.face != "keep":
        print(f"{face.voxels} voxels changed ({face.ml:.0f} ml, with the air before the face)")
    for path in files:
        print(path)
