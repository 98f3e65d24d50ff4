"""Finds the data files of the program: beside the package when installed, at the top of a source checkout."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def assets_folder() -> Path:
    """The folder of assets. Raises FileNotFoundError when the installation is incomplete."""
    for folder in (_PACKAGE / "assets", _PACKAGE.parent / "assets"):
        if (folder / "tasks.json").is_file():
            return folder
    raise FileNotFoundError(f"no assets beside {_PACKAGE}: the program is not completely installed")


def asset(name: str) -> Path:
    """The path of one asset, for example "sample/ct.nii.gz". Raises FileNotFoundError when it is not there."""
    path = assets_folder() / name
    if not path.exists():
        raise FileNotFoundError(f"the asset {name} is missing: the program is not completely installed")
    return path


@cache
def load_json(name: str) -> Any:
    """A JSON asset, read once. Treat it as read-only."""
    return json.loads(asset(name).read_text(encoding="utf-8"))
