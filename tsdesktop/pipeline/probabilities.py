"""The file beside a network's probabilities that says what its layers stand for and where its voxels lie."""

from __future__ import annotations

import logging
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.resampling import resampled_shape, true_geometry
from tsdesktop.core.tasks import Task
from tsdesktop.core.version import __version__
from tsdesktop.exports.writing import write_json
from tsdesktop.jobs.plan import NetworkRun, Plan

log = logging.getLogger(__name__)
_PREFIX = "probabilities_"
_MEMBER = "probabilities.npy"


@dataclass(frozen=True, eq=False)
class AboutProbabilities:
    """What is known of the networks whose probabilities were kept: their task, plan and the grid of the scan."""

    task: Task
    plan: Plan
    geometry: Geometry

    def moved(self, files: Iterable[Path], goal: Path) -> tuple[Path, ...]:
        """Moves the files to the folder `goal`, and writes a JSON file beside each; all of them.

        Raises OSError and ExportError.
        """
        out: list[Path] = []
        for file in files:
            here = Path(shutil.move(file, goal / file.name))
            beside = here.with_suffix(".json")
            write_json(self.described(here), beside, overwrite=True)
            out += [here, beside]
        return tuple(out)

    def described(self, file: Path) -> dict[str, Any]:
        """What stands in the JSON file beside `file`. `affine_ras` is None where only a part of the scan was computed.

        Raises OSError.
        """
        network = next((each for each in self.plan.all_networks if file.stem == _PREFIX + each.key), None)
        return {
            "program": "tsdesktop",
            "version": __version__,
            "task": self.task.name,
            "array": "probabilities",
            "axes": "layer, k, j, i",
            "labels": self._labels(network) if network else [],
            "affine_ras": self._affine_ras(file),
        }

    def _labels(self, network: NetworkRun) -> list[dict[str, Any]]:
        """The structure of every layer that stands for one; layer 0 is the background."""
        known = {each.label: each for each in self.task.classes}
        return [
            {"layer": layer, "id": label, "name": known[label].name, "rgb": list(known[label].rgb)}
            for layer, label in enumerate(network.final_labels, 1)
            if label in known
        ]

    def _affine_ras(self, file: Path) -> list[list[float]] | None:
        """Where the voxels [i, j, k] lie, as far as that follows from the plan."""
        plan = self.plan
        upright = plan.order(self.geometry).apply_geometry(self.geometry)
        k, j, i = _shape_of(file)[1:]
        expected = upright.shape if plan.spacing_mm is None else resampled_shape(upright, plan.spacing_mm)
        if plan.crop is not None or (i, j, k) != expected:
            return None
        affine: list[list[float]] = true_geometry(upright, (i, j, k)).affine.tolist()
        return affine


def _shape_of(file: Path) -> tuple[int, ...]:
    """The shape of the stored array, from its header alone."""
    with zipfile.ZipFile(file) as packed, packed.open(_MEMBER) as stream:
        np.lib.format.read_magic(stream)
        shape, _, _ = np.lib.format.read_array_header_1_0(stream)
    return tuple(int(n) for n in shape)
