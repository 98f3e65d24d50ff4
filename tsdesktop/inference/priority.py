"""Steps back behind the window: a computation that takes all cores must not make anybody wait for a repaint."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import psutil

NICENESS = 10
_AUTOGROUP = Path("/proc/self/autogroup")


def step_back() -> None:
    """Lowers the priority of this process for good. Nothing happens where the system does not allow it."""
    with contextlib.suppress(OSError, psutil.Error):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            os.nice(NICENESS)
    # This process leads a session of its own, and Linux shares the processor out between sessions first: niceness
    # alone would only count inside this one.
    if _AUTOGROUP.exists():
        with contextlib.suppress(OSError):
            _AUTOGROUP.write_text(str(NICENESS), encoding="ascii")
