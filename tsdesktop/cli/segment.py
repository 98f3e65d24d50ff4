"""`tsdesktop segment`: a scan in, labels, meshes and numbers out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tsdesktop.cli.flags import add_flag, given_options
from tsdesktop.cli.printing import ProgressLine, say_note
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.options import Options, declarations
from tsdesktop.core.settings import load_settings
from tsdesktop.core.tasks import Task
from tsdesktop.exports.writing import existing_folder
from tsdesktop.pipeline.api import read
from tsdesktop.pipeline.earlier import earlier_results
from tsdesktop.pipeline.export_work import Exported
from tsdesktop.pipeline.exporting import check_outputs, check_scan, outputs_at, write_results
from tsdesktop.pipeline.segmentation import Segmentation, check_run, segment_volume, warm
from tsdesktop.runs.engine import Engine
from tsdesktop.weights.catalogue import full_catalogue

_EPILOG = """examples:
  tsdesktop segment ct.nii.gz -o labels.nii.gz --fast
  tsdesktop segment DICOM_FOLDER -o result --task total --roi spleen liver --meshes stl --statistics
  tsdesktop segment mr.nii.gz -o result --task total_mr --format per-class
  tsdesktop segment ct.nii.gz -o result --task bone --meshes stl      (no network needed)
  tsdesktop segment ct.nii.gz -o result --fast --download             (fetches what is missing first)

OUT is a folder, or a name ending in .nii.gz for the label map; other results go beside it.
DICOM folders, zip archives, NIfTI, NRRD, MHA and MGZ are read."""
_LIGHTS = {"good": "ready to print", "warning": "with a warning", "bad": "with a problem"}
_LACKING = ("weights.missing", "weights.missing_licensed", "weights.incomplete")
_TITLES = {"what": "what to segment", "how": "how to compute", "output": "what to write"}


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Adds the subcommand; its flags are made from the declarations of `Options`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "segment",
        help="segment a scan",
        description="Segments a scan and writes labels, meshes and statistics.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scan", metavar="SCAN", help="a file, a DICOM folder or a zip archive")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, type=Path, help="folder or name.nii.gz")
    groups = {name: parser.add_argument_group(title) for name, title in _TITLES.items()}
    for each in declarations():
        add_flag(groups[each.section], each)
    parser.add_argument("--download", action="store_true", help="download networks that are not here first")
    parser.add_argument("--no-cache", action="store_true", help="compute again what was computed before")
    parser.set_defaults(command=run)
    return parser


def run(given: argparse.Namespace) -> None:
    """Reads, segments, exports; prints where results are."""
    options = options_of(given)
    task = _checked(options, given.download)
    check_outputs(given.output, task, options)
    with Engine() as engine:
        # Loading libraries and a network takes as long as reading the scan, which goes on beside it.
        warm(engine, options)
        _segment(given, options, engine)


def _segment(given: argparse.Namespace, options: Options, engine: Engine) -> None:
    line = ProgressLine(given.quiet)
    volume = read(given.scan, series=options.series, volume_index=options.volume_index)
    check_scan(volume.source, options)
    _say_notes(volume.notes, given.quiet)
    if given.download:
        from tsdesktop.cli.download import download_for

        download_for(options, given.quiet)
    folder = _beside(given.output, options)
    try:
        result = segment_volume(
            volume,
            options,
            engine=engine,
            listen=line.show,
            probabilities_folder=folder,
            earlier=earlier_results(False if given.no_cache else None),
        )
        engine.dismiss()
        written = write_results(result, given.output, line.show)
    finally:
        line.end()
    _say_notes(result.notes[len(volume.notes) :], given.quiet)
    _say_result(result, written.files, given.quiet)
    _say_surfaces(written, given.quiet, given.verbose)


def _checked(options: Options, download: bool) -> Task:
    """The task of the run. A network that is not here is told with the command that downloads all, or will be fetched.

    Raises OptionsError, LicenceError and WeightsError.
    """
    try:
        return check_run(options)
    except WeightsError as error:
        if download and error.id in _LACKING:
            return full_catalogue().task(options.task)
        if "command" not in error.arguments:
            raise
        from tsdesktop.cli.network_names import download_command

        raise WeightsError(error.id, **{**error.arguments, "command": download_command(options)}) from error


def options_of(given: argparse.Namespace) -> Options:
    """The options of a parsed command line; what was not given comes from the settings or the defaults."""
    settings = load_settings()
    return given_options(given, device=settings.device, mesh_frame=settings.mesh_frame)


def _beside(output: Path, options: Options) -> Path | None:
    """Where the probabilities go: the folder of the results. Raises ExportError."""
    return existing_folder(outputs_at(output, options.task).folder) if options.probabilities else None


def _say_notes(notes: Any, quiet: bool) -> None:
    for each in () if quiet else notes:
        say_note(each)


def _say_result(result: Segmentation, written: Sequence[Path], quiet: bool) -> None:
    if quiet:
        return
    present, known = len(result.label_map.present), len(result.label_map.classes)
    print(f"{present} of {known} structures found in {result.seconds:.1f} s on {result.device}.")
    for path in written:
        print(path)


def _say_surfaces(written: Exported, quiet: bool, verbose: bool) -> None:
    """One line about what the check of the surfaces found; with -v one for everything that is not good."""
    counts = written.lights
    if quiet or not counts:
        return
    parts = [f"{counts[light]} {words}" for light, words in _LIGHTS.items() if counts[light]]
    more = "" if verbose or counts.total() == counts["good"] else " (-v says which)"
    print(f"Surfaces: {', '.join(parts)}{more}.", file=sys.stderr)
    for each in written.meshes if verbose else ():
        for found in each.concerns:
            print(f"  {each.structure.title}: {found.sentence}", file=sys.stderr)
