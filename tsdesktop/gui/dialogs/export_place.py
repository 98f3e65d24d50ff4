"""Which folder to propose for results: beside the scan or where results went before, never inside the program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QStandardPaths

import tsdesktop
from tsdesktop.core.assets import assets_folder
from tsdesktop.core.volume import Volume
from tsdesktop.exports.writing import safe_name
from tsdesktop.gui.folders import is_there
from tsdesktop.scans.label_names import bare_name

_ENDING = "_segmentation"


def proposed_folder(volume: Volume, last: str) -> Path:
    """A folder for the results of `volume`, which need not exist; `last` is where results went before, or "".

    A folder that was chosen by hand is proposed again; one that was named after a scan gives way to one beside it that
    is named after this scan, so that results of two patients are not mixed.
    """
    name = safe_name(_own_name(volume)) + _ENDING
    before = Path(last) if last else None
    if before is not None and _is_usable(before):
        return before.with_name(name) if before.name.endswith(_ENDING) else before
    beside = Path(volume.source.path).absolute().parent if volume.source.path else None
    if beside is not None and _is_usable(beside):
        return beside / name
    return documents_folder() / name


def documents_folder() -> Path:
    """The person's folder of documents."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(place) if place else Path.home()


def is_inside_program(folder: Path) -> bool:
    """Whether a folder belongs to the installed program, where updates would remove it."""
    program = (Path(tsdesktop.__file__).parent, assets_folder(), Path(sys.prefix))
    return any(folder.absolute().is_relative_to(each.absolute()) for each in program)


def _own_name(volume: Volume) -> str:
    source = volume.source
    return bare_name(Path(source.path or source.name)) or "scan"


def _is_usable(folder: Path) -> bool:
    if is_inside_program(folder):
        return False
    there = next((each for each in (folder.absolute(), *folder.absolute().parents) if is_there(each)), None)
    return there is not None and there.is_dir() and os.access(there, os.W_OK)
