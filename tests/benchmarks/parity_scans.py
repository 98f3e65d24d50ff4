"""The scans the hand-set networks are run on: small, oblique, anisotropic, made for the tests of the inference room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import CTImageStorage

from tests.inference.bands import band_networks, class_labels
from tests.inference.examples import blocks, example, level_of, oblique_affine
from tests.inference.expected import How
from tests.inference.test_corrected_tasks import FROM_TOP, spine_affine, spine_of
from tests.scans.series import save, slice_dataset

Array = NDArray[Any]
Scanned = tuple[Array, Array]
_ANISOTROPIC_MM = (1.4, 1.1, 6.5)
_BODY_MM = (7.2, 6.1, 5.3)


def write_dicom(scan: Array, affine: Array, folder: Path) -> Path:
    """A CT series of the slices along k; the affine's first two axes are the series' rows."""
    lps = np.diag([-1.0, -1.0, 1.0]) @ affine[:3]
    spacing = np.linalg.norm(lps[:, :3], axis=0)
    i, j = lps[:, 0] / spacing[0], lps[:, 1] / spacing[1]
    for k in range(scan.shape[2]):
        plane = scan[:, :, k].T
        corner = lps[:, 3] + k * lps[:, 2]
        dataset = slice_dataset(
            corner, orientation=[*i, *j], spacing=(float(spacing[1]), float(spacing[0])), field=lambda x, y, z: 0 * x,
            Rows=plane.shape[0], Columns=plane.shape[1], RescaleIntercept=0, InstanceNumber=k + 1,
            SOPClassUID=CTImageStorage, SliceThickness=float(spacing[2]),
        )  # fmt: skip
        dataset.PixelData = np.ascontiguousarray(plane.astype("<i2")).tobytes()
        save(dataset, folder / f"slice{k:03d}.dcm")
    return folder


def bands(task: str, how: How, affine: Array | None = None) -> Callable[[], Scanned]:
    return lambda: (example(task, how), oblique_affine() if affine is None else affine)


def body(key: str) -> Callable[[], Scanned]:
    """A trunk and a piece of one, a large and a small extremity, in the bands of a network of the task body."""
    return lambda: (_body(key), oblique_affine(_BODY_MM))


def _body(key: str) -> Array:
    trunk, arm = (level_of(key, class_labels("body")[name]) for name in ("body_trunc", "body_extremities"))
    scan = np.full((20, 22, 18), -40, np.int16)
    scan[1:11, 2:14, 2:14] = trunk
    scan[14:18, 2:5, 3:7] = trunk
    scan[12:18, 8:17, 1:8] = arm
    scan[13:17, 17:21, 11:16] = arm
    return scan


def long() -> Scanned:
    scan = blocks((8, 112, 7), (2, 4, 2), sorted({round(c) for c in band_networks()["297"].centres[0]}), _chance(5))
    return scan, oblique_affine()


def thick_slices(task: str, how: How) -> Callable[[], Scanned]:
    """Slices of 6.5 mm, stored from the head down and from the left."""
    affine = np.diag([-_ANISOTROPIC_MM[0], _ANISOTROPIC_MM[1], -_ANISOTROPIC_MM[2], 1.0])
    affine[:3, 3] = [20.0, -31.0, 44.0]
    return bands(task, how, affine)


def spine() -> Scanned:
    """Four mixed-up vertebrae, one of them too small to be one."""
    return spine_of(FROM_TOP), spine_affine()


def fractions() -> Scanned:
    """An MR scan as some programs store it: from 0 to 1."""
    scan = example("total_mr", How("fast")).astype(np.float32)
    return scan / scan.max(), oblique_affine()


def straight() -> Scanned:
    affine = np.diag([-2.4, -1.9, 3.4, 1.0])
    affine[:3, 3] = [20.0, 31.0, -44.0]
    return example("total", How("fast")), affine


def _chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def brightest(key: str) -> tuple[str, ...]:
    """Two structures of total that its rough network sees at the highest intensities, above all others."""
    order = np.argsort(band_networks()[key].centres[0])
    names = {label: name for name, label in class_labels("total").items()}
    return names[int(order[-1])], names[int(order[-3])]
