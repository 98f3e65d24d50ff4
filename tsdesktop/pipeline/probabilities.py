"""The file beside a network's probabilities that says what its layers stand for and where its voxels lie."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Task
from tsdesktop.core.version import __version__
from tsdesktop.exports.writing import write_json, written
from tsdesktop.jobs.plan import NetworkRun, Plan

log = logging.getLogger(__name__)
_PREFIX = "probabilities_"


def probability_files(task: Task, options: Options, folder: Path) -> list[Path]:
    """The files that a run puts into `folder` when probabilities are asked for. Raises OptionsError."""
    if not options.probabilities or task.instant is not None:
        return []
    parts = task.variant(options.variant_name(task)).parts
    return [folder / f"{_PREFIX}{part.network.key}{ending}" for part in parts for ending in (".npz", ".json")]


@dataclass(frozen=True)
class AboutProbabilities:
    """What is known of the networks whose probabilities were kept: their task and its plan."""

    task: Task
    plan: Plan

    def moved(self, files: Iterable[Path], goal: Path) -> tuple[Path, ...]:
        """Moves the files to the folder `goal`, and writes a JSON file beside each; all of them. Raises ExportError."""
        out: list[Path] = []
        for file in files:
            here = goal / file.name
            # The goal may be on another disk, where moving means copying.
            with written(here, overwrite=True) as temporary:
                shutil.move(file, temporary)
            beside = here.with_suffix(".json")
            write_json(self.described(here), beside, overwrite=True)
            out += [here, beside]
        return tuple(out)

    def described(self, file: Path) -> dict[str, Any]:
        """What stands in the JSON file beside `file`. Raises OSError."""
        network = next((each for each in self.plan.all_networks if file.stem == _PREFIX + each.key), None)
        return {
            "program": "tsdesktop",
            "version": __version__,
            "task": self.task.name,
            "array": "probabilities",
            "axes": "layer, k, j, i",
            "labels": self._labels(network) if network else [],
            "affine_ras": _affine_ras(file),
        }

    def _labels(self, network: NetworkRun) -> list[dict[str, Any]]:
        """The structure of every layer that stands for one; layer 0 is the background."""
        known = {each.label: each for each in self.task.classes}
        return [
            {"layer": layer, "id": label, "name": known[label].name, "rgb": list(known[label].rgb)}
            for layer, label in enumerate(network.final_labels, 1)
            if label in known
        ]


def _affine_ras(file: Path) -> list[list[float]]:
    """Where the voxels [i, j, k] lie, as the file says. Raises OSError."""
    with np.load(file) as stored:
        affine: list[list[float]] = stored["affine_ras"].tolist()
    return affine
