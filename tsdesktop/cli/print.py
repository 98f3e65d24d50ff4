"""`tsdesktop print`: labels in, parts for a 3D printer out."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tsdesktop.cli.printing import Line, say_note, table
from tsdesktop.cli.recipes import ORDER, add_step_flags, needs_extent, recipe_of
from tsdesktop.core.errors import OptionsError
from tsdesktop.core.printers import beds, processes
from tsdesktop.core.settings import load_settings
from tsdesktop.pipeline.origin import run_beside
from tsdesktop.pipeline.printing import (
    Prepared,
    PrintPlace,
    check_place,
    place_within,
    prepare_print,
    read_for_print,
    write_print,
)

if TYPE_CHECKING:
    from tsdesktop.core.volume import LabelMap
    from tsdesktop.surfaces.preflight import Preflight

FORMATS = ("stl", "stl-ascii", "3mf", "obj", "ply", "glb", "vtp")
LAYOUTS = ("per-structure", "merged", "parts")
_EPILOG = f"""examples:
  tsdesktop print labels.nii.gz -o parts                             one STL per structure
  tsdesktop print RUN_FOLDER -o spine --structures vertebrae_L1 vertebrae_L2 --struts 4 --plate --label "L1 - L2"
  tsdesktop print labels.nii.gz -o liver --structures liver --cut x@50% --pins 2 --lay-flat --format 3mf
  tsdesktop print other.nii.gz -o parts --recipe parts/recipe.json   the same with another scan

LABELS is a label map (NIfTI, NRRD, MHA, MGZ, DICOM SEG), a folder with a mask per structure, or the folder of a run.

{ORDER}

Every part is looked at before it is written, and read again after. recipe.json and print_manifest.json lie beside."""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "print",
        help="make parts for a 3D printer from labels",
        description="Makes parts for a 3D printer from labels: no scan is needed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("labels", metavar="LABELS", nargs="?", type=Path, help="label map, or folder of masks or a run")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, help="where to write")
    add_step_flags(parser)
    group = parser.add_argument_group("the files")
    group.add_argument("--format", choices=FORMATS, default="stl", help="kind of file (default: stl)")
    group.add_argument(
        "--layout",
        choices=LAYOUTS,
        default="per-structure",
        help="a file per part, or one file (default: per-structure)",
    )
    group.add_argument("--frame", choices=("LPS", "RAS"), help="frame of parts that are not on the bed (default: LPS)")
    group.add_argument("--overwrite", action="store_true", help="replace files that exist")
    parser.add_argument("--list-beds", action="store_true", help="list printers and ways of printing instead")
    parser.set_defaults(command=run)
    return parser


def run(given: argparse.Namespace) -> None:
    """Makes, checks and writes the parts, or lists the printers."""
    if given.list_beds:
        _print_beds()
        return
    if given.labels is None or given.output is None:
        raise OptionsError("print.no_input")
    frame = given.frame or load_settings().mesh_frame
    place = PrintPlace(given.output, given.format, given.layout, frame, given.overwrite)
    check_place(place)
    line = Line(given.quiet)
    try:
        prepared = _prepared(given, line)
        line.end()
        _say_prepared(prepared, given)
        files = write_print(prepared, place, lambda what, share: line.say(_progress(what, share)))
    finally:
        line.end()
    for path in () if given.quiet else files:
        print(path)


def _prepared(given: argparse.Namespace, line: Line) -> Prepared:
    """The parts that the flags describe. What is wrong with the flags is said before the labels are read."""
    if not needs_extent(given):
        recipe_of(given, lambda _axis, _share: 0.0)
    line.say("reading")
    label_map = read_for_print(given.labels)
    recipe = recipe_of(given, lambda axis, share: _within(label_map, given, axis, share))
    prepared = prepare_print(label_map, recipe, lambda what, share: line.say(_progress(what, share)))
    return replace(prepared, run=run_beside(given.labels))


def _within(label_map: LabelMap, given: argparse.Namespace, axis: int, share: float) -> float:
    return place_within(label_map, given.structures or (), axis, share)


def _progress(what: str, share: float) -> str:
    return f"{share:4.0%} · {what}".removesuffix(" · ")


def _say_prepared(prepared: Prepared, given: argparse.Namespace) -> None:
    """Notes, then a line for each part with what the preflight found."""
    if given.quiet:
        return
    for each in prepared.notes:
        say_note(each)
    rows = [("part", "size mm", "ml", "triangles", "preflight")]
    for part, found in zip(prepared.parts, prepared.preflights, strict=True):
        size = " x ".join(f"{side:.1f}" for side in np.ptp(part.bounds_mm, axis=0))
        rows.append((part.name, size, f"{part.volume_ml:.1f}", str(len(part.triangles)), found.light))
    print(table(rows))
    for part, found in zip(prepared.parts, prepared.preflights, strict=True):
        _say_findings(part.name, found, everything=given.verbose)


def _say_findings(name: str, found: Preflight, *, everything: bool) -> None:
    """What is not good about a part, or with `everything` all that was looked at."""
    for each in found.findings:
        if everything or each.light != "good":
            print(f"{name}: {each.light}: {each.sentence}")


def _print_beds() -> None:
    rows = [("bed", "width x depth x height mm", "printer")]
    rows += [(each.id, " x ".join(f"{side:g}" for side in each.size_mm), each.title) for each in beds()]
    print(table(rows))
    ways = [("process", "thinnest wall mm", "materials", "way of printing")]
    for each in processes():
        materials = ", ".join(material.name for material in each.materials)
        ways.append((each.id, f"{each.smallest_wall_mm:g}", materials, each.title))
    print("\n" + table(ways))
