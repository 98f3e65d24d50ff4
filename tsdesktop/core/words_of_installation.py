"""The part of the table of `core.words` about what a check of the installation finds wrong."""

from __future__ import annotations

_AGAIN = "Install the program again."

WORDS_OF_INSTALLATION: dict[str, tuple[str, str]] = {
    "check.library_missing": ("The library {name} is not installed.", _AGAIN),
    "check.library_broken": ("The library {name} cannot be loaded: {reason}.", _AGAIN),
    "check.system_library": (
        "{name} cannot be loaded: the system has no {file}.",
        "Install the system's package that holds {file}.",
    ),
    "check.codec": ("DICOM files with {name} cannot be decoded: no decoder of it can be loaded.", _AGAIN),
    "check.file_missing": ("{name} is missing among the files of the program.", _AGAIN),
    "check.file_damaged": ("{name} among the files of the program is not what was packed.", _AGAIN),
    "check.crashed": (
        "The program ended unexpectedly at this step: {what} ({how}).",
        "Install the program again and update the graphics driver; where that does not help, please report this.",
    ),
    "check.broke_off": ("This step could not be finished: {what} ({reason}).", _AGAIN),
    "check.silent": (
        "This step did not end within {seconds} seconds: {what}.",
        "Close other programs and check again; where that does not help, please report this.",
    ),
    "check.other_volume": (
        "The demo network found {found} ml of {what} in the sample instead of {expected} ml.",
        "Networks compute wrongly on this computer: please report this.",
    ),
    "check.mesh_open": (
        "The STL file that was written is not closed: {count} edges lack a triangle.",
        "Please report this.",
    ),
    "check.mesh_volume": (
        "The STL file that was written encloses {found} ml instead of {expected} ml.",
        "Please report this.",
    ),
    "check.window_part": ("The window lacks a part: {part}.", _AGAIN),
    "check.empty_picture": (
        "The picture of {what} stays empty.",
        "Update the graphics driver, then check again.",
    ),
}
