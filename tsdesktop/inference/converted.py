"""Networks converted for OpenVINO, kept in the cache folder: one folder each, whole or not there.

A conversion holds for one state of a network's files and one version of OpenVINO. Weights are mapped from the file
when a network is loaded, so that they are in memory once, whatever runs them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tsdesktop.core.settings import cache_folder
from tsdesktop.inference.heads import Head
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.weights.places import checkpoint
from tsdesktop.weights.plans import NetworkPlans, read_plans

log = logging.getLogger(__name__)
MODEL, WEIGHTS = "network.xml", "network.bin"
_HEAD, _FACTS = "head.npy", "facts.json"
# Changes when what is written here changes its meaning.
_FORMAT = 3
# Those used longest ago are removed beyond this; about forty of the largest networks.
_MOST_BYTES = 5 << 30
# No conversion takes this long: older ones were interrupted.
_LONGEST_S = 3600.0


@dataclass(frozen=True, eq=False)
class Converted:
    """A converted network: its folder in the cache, its plans, its folds, and the head to apply to its output."""

    folder: Path
    plans: NetworkPlans
    fold_count: int
    head: Head | None


def networks_folder() -> Path:
    """Where converted networks are kept."""
    return cache_folder() / "networks"


def identity(run: NetworkRun, version: str) -> str:
    """One state of a network's files and one `version` of OpenVINO, wherever the files lie. Raises OSError."""
    folder = Path(run.folder)
    parts = [str(_FORMAT), version, folder.parent.name, folder.name]
    for fold in run.folds:
        state = checkpoint(folder, fold).stat()
        parts.append(f"{fold} {state.st_size} {state.st_mtime_ns}")
    told = hashlib.sha256("\n".join(parts).encode())
    for name in ("plans.json", "dataset.json"):
        told.update((folder / name).read_bytes())
    return f"{folder.parent.name.split('_')[0]}-{told.hexdigest()[:24]}"


def find(run: NetworkRun, name: str) -> Converted | None:
    """The conversion `name` of this network, if it is here and whole. Raises WeightsError for broken plans."""
    folder = networks_folder() / name
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if any((folder / each).stat().st_size != size for each, size in facts["bytes"].items()):
            raise ValueError("a file of another size")
        head = _read_head(folder) if _HEAD in facts["bytes"] else None
        configuration = str(facts["configuration"])
        os.utime(folder)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the converted network %s is damaged and will be made again: %s", name, error)
        return None
    return Converted(folder, read_plans(Path(run.folder), configuration), len(run.folds), head)


def store(name: str, plans: NetworkPlans, head: Head | None, write_model: Callable[[Path], None]) -> None:
    """Keeps a conversion as `name`; `write_model` writes the model's two files into a folder. Raises OSError."""
    place = networks_folder()
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=".making-", ignore_cleanup_errors=True) as temporary:
        made = Path(temporary, name)
        made.mkdir()
        write_model(made)
        if head is not None:
            np.save(made / _HEAD, np.column_stack([head.weight, head.bias]))
        sizes = {each.name: each.stat().st_size for each in made.iterdir()}
        facts = {"configuration": plans.configuration, "bytes": sizes}
        (made / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
        _put(made, place / name)
    _prune(place, name)


def remove(name: str) -> None:
    """Forgets a conversion."""
    shutil.rmtree(networks_folder() / name, ignore_errors=True)


def _put(made: Path, goal: Path) -> None:
    """Moves a finished folder to its place."""
    shutil.rmtree(goal, ignore_errors=True)
    try:
        made.rename(goal)
    except OSError:
        # Another process may have been quicker; its conversion is the same.
        if not (goal / _FACTS).exists():
            raise


def _read_head(folder: Path) -> Head:
    both = np.load(folder / _HEAD)
    return Head(np.ascontiguousarray(both[:, :-1]), np.ascontiguousarray(both[:, -1]))


def _prune(place: Path, newest: str) -> None:
    """Removes conversions used longest ago while all together are too large, and what interrupted ones left behind."""
    left = _MOST_BYTES
    for folder in sorted(place.iterdir(), key=_last_used, reverse=True):
        if folder.name.startswith(".making-"):
            if _last_used(folder) < _last_used(place / newest) - _LONGEST_S:
                shutil.rmtree(folder, ignore_errors=True)
            continue
        left -= sum(_size(each) for each in folder.glob("*"))
        if left < 0 and folder.name != newest:
            shutil.rmtree(folder, ignore_errors=True)


def _last_used(path: Path) -> float:
    return float(_stat(path, "st_mtime"))


def _size(path: Path) -> int:
    return int(_stat(path, "st_size"))


def _stat(path: Path, what: str) -> Any:
    """0 for what another process has just removed."""
    try:
        return getattr(path.stat(), what)
    except OSError:
        return 0
