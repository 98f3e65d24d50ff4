"""Takes names and places out of texts that leave the computer: file names may name a patient as well as folders do."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

_SHORTEST_PRIVATE = 3
_FRAME = re.compile(r'File "([^"]+)"')
_ENDINGS = r"\.(?:nii(?:\.gz)?|dcm|ima|zip|nrrd|nhdr|mh[ad]|mg[zh]|hdr|img|gipl|stl)\b"
_START = r"(?:file://)?(?:[A-Za-z]:[\\/]|\\\\|~[\\/]|/)"
_LETTER = r"""[^\s"'<>|:;,()]"""
_QUOTED_PATHS = re.compile(rf"""'{_START}[^'\n]*'|"{_START}[^"\n]*\"""")
# Folders may have spaces in them, and so may the file at the end, as long as its ending tells where it stops.
_PATHS = re.compile(
    rf"{_START}{_LETTER}*(?:[ ]+{_LETTER}*[\\/]{_LETTER}*)*(?:(?:[ ]+{_LETTER}+){{1,6}}?{_ENDINGS})?", re.IGNORECASE
)
_SCAN_FILES = re.compile(rf"""[^\s"'<>|/\\]+{_ENDINGS}""", re.IGNORECASE)
_UID = re.compile(r"\b\d+(?:\.\d+){5,}\b")


def redacted(text: str, private: Iterable[str] = ()) -> str:
    """The text without paths, names of scan files, DICOM identifiers, user and host, and the words in `private`."""
    out = _FRAME.sub(lambda found: f"File {code_place(found.group(1))}", text)
    for word in sorted({each.strip() for each in (*private, *_own_names())}, key=len, reverse=True):
        if len(word) >= _SHORTEST_PRIVATE:
            out = re.sub(re.escape(word), "<private>", out, flags=re.IGNORECASE)
    out = _PATHS.sub(_path_removed, _QUOTED_PATHS.sub("<path>", out))
    return _UID.sub("<uid>", _SCAN_FILES.sub("<file>", out))


def code_place(path: str) -> str:
    """The part of a source file's path that is the same on every computer."""
    parts = Path(path.replace("\\", "/")).parts
    for top in ("tsdesktop", "site-packages"):
        if top in parts:
            at = len(parts) - 1 - parts[::-1].index(top)
            return ".".join(parts[at if top == "tsdesktop" else at + 1 :]).removesuffix(".py")
    return parts[-1].removesuffix(".py") if parts else "?"


def _path_removed(found: re.Match[str]) -> str:
    # A lone slash, as in "and/or" or a division, is no path.
    before = found.string[found.start() - 1 : found.start()]
    if found.group() == "/" or (before.isalnum() and found.group().startswith("/")):
        return found.group()
    return "<path>"


def _own_names() -> list[str]:
    """What stands in every path of this computer."""
    names = [Path.home().name, platform.node()]
    return [each for each in names if each not in ("root", "localhost", sys.platform)]
