"""Reports for bug trackers: what the program is and what happened, without patients and without places on the disk.

No Qt here. A report holds only what `redacted` let through: file names may name a patient as well as folders do.
"""

from __future__ import annotations

import logging
import platform
import re
import threading
import traceback
from collections import deque
from collections.abc import Iterable
from importlib import metadata

import tsdesktop
from tsdesktop.core.redaction import code_place, redacted

__all__ = ["RecentLines", "redacted", "report_text", "told_exception", "versions"]
LIBRARIES = (
    "PySide6-Essentials", "numpy", "scipy", "nibabel", "SimpleITK", "pydicom", "vtk", "pyvista", "torch", "nnunetv2",
)  # fmt: skip
_KEPT_LINES = 500
_REPORTED_LINES = 60
_QUOTED = re.compile(r"""'[^'\n]*'|"[^"\n]*\"""")


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
    lines = [f"  {code_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    # What a message quotes is data: a file's name, a header's value.
    message = redacted(_QUOTED.sub("'...'", str(error)))
    return "\n".join([*lines, f"{type(error).__name__}: {message}".rstrip(": ")])
