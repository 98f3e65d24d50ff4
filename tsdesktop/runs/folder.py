"""The private folder of a run."""

from __future__ import annotations

import tempfile
from pathlib import Path


def private_folder(parent: Path) -> tempfile.TemporaryDirectory[str]:
    """A new folder for one run that only this user may enter, removed when it is closed."""
    parent.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=parent, prefix="run-", ignore_cleanup_errors=True)
