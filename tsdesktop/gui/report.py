"""Reports for bug trackers: what the program is and what happened, without patients and without places on the disk.

No Qt here. A report holds only what `redacted` let through: file names may name a patient as well as folders do.
"""

from __future__ import annotations

import logging
import platform
import re
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import tsdesktop

LIBRARIES = (
    "PySide6-Essentials", "numpy", "scipy", "nibabel", "SimpleITK", "pydicom", "vtk", "pyvista", "torch", "nnunetv2",
)  # fmt: skip
_KEPT_LINES = 500
_REPORTED_LINES = 60
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
_QUOTED = re.compile(r"""'[^'\n]*'|"[^"\n]*\"""")
_UID = re.compile(r"\b\d+(?:\.\d+){5,}\b")


class RecentLines(logging.Handler):
    """Keeps the last lines of the log for the log viewer. The entry point adds it to the root logger."""

    def __init__(self, most: int = _KEPT_LINES) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))
        self._lines: deque[str] = deque(maxlen=most)
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one record."""
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        with self._guard:
            self._lines.append(line)

    @property
    def lines(self) -> list[str]:
        """The lines, the oldest first."""
        with self._guard:
            return list(self._lines)


def report_text(lines: Iterable[str] = (), private: Iterable[str] = (), what: str = "") -> str:
    """A report with versions, system, what happened and the last lines of the log; `private` words are left out."""
    known = list(private)
    parts = [
        f"tsdesktop {tsdesktop.__version__}",
        f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {platform.machine()}",
        ", ".join(f"{name} {version}" for name, version in versions().items()),
    ]
    if what:
        parts += ["", redacted(what, known)]
    kept = list(lines)[-_REPORTED_LINES:]
    if kept:
        parts += ["", "Last lines of the log:", *(redacted(line, known) for line in kept)]
    return "\n".join(parts) + "\n"


def versions() -> dict[str, str]:
    """The installed versions of the libraries that matter; none is imported for it."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def told_exception(error: BaseException) -> str:
    """An exception for a report: where it happened in the code, its kind, and its message without what it quotes."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {_code_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    # What a message quotes is data: a file's name, a header's value.
    message = redacted(_QUOTED.sub("'...'", str(error)))
    return "\n".join([*lines, f"{type(error).__name__}: {message}".rstrip(": ")])


def redacted(text: str, private: Iterable[str] = ()) -> str:
    """The text without paths, names of scan files, DICOM identifiers and the words in `private`."""
    out = _FRAME.sub(lambda found: f"File {_code_place(found.group(1))}", text)
    for word in sorted({each.strip() for each in (*private, *_own_names())}, key=len, reverse=True):
        if len(word) >= _SHORTEST_PRIVATE:
            out = re.sub(re.escape(word), "<private>", out, flags=re.IGNORECASE)
    out = _PATHS.sub(_path_removed, _QUOTED_PATHS.sub("<path>", out))
    return _UID.sub("<uid>", _SCAN_FILES.sub("<file>", out))


def _path_removed(found: re.Match[str]) -> str:
    # A lone slash, as in "and/or" or a division, is no path.
    before = found.string[found.start() - 1 : found.start()]
    if found.group() == "/" or (before.isalnum() and found.group().startswith("/")):
        return found.group()
    return "<path>"


def _code_place(path: str) -> str:
    """The part of a source file's path that is the same on every computer."""
    parts = Path(path.replace("\\", "/")).parts
    for top in ("tsdesktop", "site-packages"):
        if top in parts:
            at = len(parts) - 1 - parts[::-1].index(top)
            return ".".join(parts[at if top == "tsdesktop" else at + 1 :]).removesuffix(".py")
    return parts[-1].removesuffix(".py") if parts else "?"


def _own_names() -> list[str]:
    """What stands in every path of this computer."""
    names = [Path.home().name, platform.node()]
    return [each for each in names if each not in ("root", "localhost", sys.platform)]
