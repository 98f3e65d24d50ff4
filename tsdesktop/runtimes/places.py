"""Where fetched libraries lie: a folder for each set in the program's own data folder."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from tsdesktop.core.settings import data_folder

RUNTIMES_VARIABLE = "TSDESKTOP_RUNTIMES_DIR"
MANIFEST, FILES, VERDICT = "tsdesktop-libraries.json", "tsdesktop-files.json", "tsdesktop-trial.json"


def runtimes_folder() -> Path:
    """The folder of all sets; a self-test, whose data folder is its own, names it in a variable."""
    given = os.environ.get(RUNTIMES_VARIABLE)
    return Path(given) if given else data_folder() / "runtimes"


def parts_folder() -> Path:
    """Where files lie while they arrive."""
    return runtimes_folder() / ".partial"


def python_tag() -> str:
    """The Python that compiled libraries must be made for: "cp311"."""
    return f"cp{sys.version_info.major}{sys.version_info.minor}"


def platform_tag() -> str:
    """The system and processor: "linux_x86_64", "win_amd64"."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def set_name(release: str, build: str) -> str:
    """The folder of a set: "torch-2.13.0-cu130-cp311-linux_x86_64"."""
    return f"torch-{release}-{build}-{python_tag()}-{platform_tag()}"
