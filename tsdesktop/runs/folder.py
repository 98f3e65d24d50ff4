"""The private folder of a run, and what runs have left that were killed.

A file in the folder is kept open, and locked where the system has such locks, for as long as the run lasts: whatever
ends the program ends the lock, too.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsdesktop.core.settings import cache_folder

_PREFIX = "run-"
_IN_USE = "in_use"
# A folder this young may not have been locked yet.
_YOUNG_S = 60.0


def runs_folder() -> Path:
    """Where the folders of runs lie."""
    return cache_folder() / "runs"


@contextmanager
def private_folder(parent: Path) -> Iterator[str]:
    """A new folder for one run that only this user may enter, removed when it is closed.

    Folders of earlier runs whose program was killed are removed first: they hold scans.
    """
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent)
    with (
        tempfile.TemporaryDirectory(dir=parent, prefix=_PREFIX, ignore_cleanup_errors=True) as name,
        Path(name, _IN_USE).open("wb") as held,
    ):
        _lock(held.fileno())
        yield name


def remove_abandoned(parent: Path) -> None:
    """Removes folders of runs in `parent` that no program is using any more."""
    for folder in parent.glob(f"{_PREFIX}*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    held = folder / _IN_USE
    try:
        if time.time() - folder.stat().st_mtime < _YOUNG_S:
            return False
        if sys.platform == "win32":
            # A file that a program has open cannot be removed there.
            held.unlink(missing_ok=True)
            return True
        with held.open("ab") as file:
            return _lock(file.fileno())
    except OSError:
        return False


def _lock(file: int) -> bool:
    """Locks an open file until it is closed. False where another program has it, or the disk knows no locks."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
