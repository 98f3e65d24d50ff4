"""A job: everything the inference process needs to know for one run, as plain data in the run's private folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tsdesktop.core.files import written_whole
from tsdesktop.core.geometry import Geometry, Shape
from tsdesktop.core.options import Precision
from tsdesktop.core.tasks import Instant
from tsdesktop.jobs.plan import Plan
from tsdesktop.jobs.wire import converter

JOB_FILE = "job.json"
SCAN_FILE = "scan.npy"
LABELS_FILE = "labels.npy"
# Labels of the plan that looks first, on the scan's grid: there before the run when they are known, else left by it.
ROUGH_FILE = "rough.npy"
# Environment of the inference process: it yields to a window on the same processor cores when it is told so.
PRIORITY_VARIABLE, LOW_PRIORITY = "TSDESKTOP_PRIORITY", "low"


@dataclass(frozen=True)
class Choices:
    """The options that change what the inference process computes; meanings as in `core.options.Options`."""

    resampling_order: int = 1
    smooth_labels: bool = False
    smooth_labels_legacy: bool = False
    force_split: bool = False
    remove_small_blobs_mm3: float = 0.0
    keep_model_resolution: bool = False
    probabilities: bool = False
    bone_threshold_hu: float = 200.0


@dataclass(frozen=True)
class Job:
    """One run: a plan of networks or an instant method, on the scan in `folder`, on a device.

    `affine` is the scan's, row by row, from voxel index to RAS+ mm. `threads` 0 takes all processors. With `drafts`
    coarse and partial labels are handed out while the run goes on. The labels of the look before a crop are taken from
    ROUGH_FILE in `folder` where that is there; else, with `keep_rough`, they are written to it.
    """

    folder: str
    task: str
    shape: Shape
    affine: tuple[float, ...]
    plan: Plan | None
    instant: Instant | None
    choices: Choices
    device: str = "auto"
    threads: int = 0
    precision: Precision = "single"
    drafts: bool = False
    keep_rough: bool = False

    @property
    def geometry(self) -> Geometry:
        """The scan's grid."""
        return Geometry(self.shape, np.reshape(self.affine, (4, 4)))


def write_job(job: Job) -> Path:
    """Writes the job into its folder and returns the file. Raises OSError."""
    path = Path(job.folder) / JOB_FILE
    with written_whole(path) as temporary:
        temporary.write_text(converter().dumps(job), encoding="utf-8")
    return path


def read_job(path: Path) -> Job:
    """The job that `write_job` wrote. Raises OSError or ValueError."""
    job: Job = converter().loads(path.read_text(encoding="utf-8"), Job)
    return job
