"""`tsdesktop segment`: a scan in, labels, meshes and numbers out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tsdesktop.cli.printing import ProgressLine, say_note
from tsdesktop.core.options import Declaration, Options, declarations
from tsdesktop.core.settings import load_settings
from tsdesktop.pipeline import check_outputs, check_run, export, read, segment_volume
from tsdesktop.pipeline.segmentation import Segmentation

_EPILOG = """examples:
  tsdesktop segment ct.nii.gz -o labels.nii.gz --fast
  tsdesktop segment DICOM_FOLDER -o result --task total --roi spleen liver --meshes stl --statistics
  tsdesktop segment mr.nii.gz -o result --task total_mr --format per-class
  tsdesktop segment ct.nii.gz -o result --task bone --meshes stl      (no network needed)

OUT is a folder, or a name ending in .nii.gz for the label map; other results go beside it.
DICOM folders, zip archives, NIfTI, NRRD, MHA and MGZ are read."""
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
        _add_flag(groups[each.section], each)
    parser.set_defaults(command=run)
    return parser


def run(given: argparse.Namespace) -> None:
    """Reads, segments, exports; prints where results are."""
    options = options_of(given)
    check_outputs(given.output, check_run(options), options)
    line = ProgressLine(given.quiet)
    volume = read(given.scan, series=options.series, volume_index=options.volume_index)
    _say_notes(volume.notes, given.quiet)
    try:
        result = segment_volume(volume, options, listen=line.show, probabilities_folder=_beside(given.output, options))
        written = export(result, given.output, line.show)
    finally:
        line.end()
    _say_notes(result.notes[len(volume.notes) :], given.quiet)
    _say_result(result, written, given.quiet)


def options_of(given: argparse.Namespace) -> Options:
    """The options of a parsed command line; what was not given comes from the settings or the defaults."""
    settings = load_settings()
    chosen: dict[str, Any] = {"device": settings.device, "mesh_frame": settings.mesh_frame}
    for each in declarations():
        value = getattr(given, each.name)
        if value is not None:
            chosen[each.name] = tuple(value) if each.many else value
    return Options(**chosen)


def _add_flag(group: Any, each: Declaration) -> None:
    """One flag; everything defaults to None, so that what was given can be told from what was not."""
    if each.kind is bool:
        value = not each.default
        group.add_argument(each.flag, dest=each.name, action="store_const", const=value, help=each.help)
        return
    more: dict[str, Any] = {"metavar": each.metavar} if each.metavar else {}
    if each.choices:
        more["choices"] = [choice for choice in each.choices if choice]
        more.pop("metavar", None)
    if each.many:
        more["nargs"] = "+"
    if each.name == "remove_small_blobs":
        more |= {"nargs": "?", "const": 200.0}
    default = f" (default: {each.default})" if each.default not in ("", (), None, 0.0, 0) else ""
    group.add_argument(each.flag, dest=each.name, type=each.kind, help=each.help + default, **more)


def _beside(output: Path, options: Options) -> Path | None:
    """Where the probabilities go: the folder of the results."""
    if not options.probabilities:
        return None
    folder = output.parent if output.name.endswith((".nii", ".nii.gz")) else output
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _say_notes(notes: Any, quiet: bool) -> None:
    for each in () if quiet else notes:
        say_note(each)


def _say_result(result: Segmentation, written: list[Path], quiet: bool) -> None:
    if quiet:
        return
    present, known = len(result.label_map.present), len(result.label_map.classes)
    print(f"{present} of {known} structures found in {result.seconds:.1f} s on {result.device}.")
    for path in written:
        print(path)
