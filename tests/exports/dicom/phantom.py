"""Structures whose place in the world is known, as labels of series of every orientation."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from tests.scans.series import world_grid
from tsdesktop.core.provenance import Provenance, provenance_of
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume

NOON = datetime(2026, 3, 4, 12, 0, 5, tzinfo=UTC)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
TURN, LEAN = np.cos(0.3), np.sin(0.3)
ORIENTATIONS = {
    "axial": AXIAL,
    "negated column": (1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
    "negated row": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    "sagittal": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
    "coronal": (1.0, 0.0, 0.0, 0.0, 0.0, -1.0),
    "oblique": (TURN, LEAN, 0.0, -LEAN * 0.8, TURN * 0.8, 0.6),
}
NAMES = ("liver", "kidney_left", "vertebrae_L4")
SIZE: dict[str, Any] = {"Rows": 44, "Columns": 52}
SIXTEEN = [2.0 * n for n in range(16)]
# Offsets in mm from the middle of the scan: no two alike, in no mirror plane.
LIVER, KIDNEY, VERTEBRA = np.array([9.0, 4.0, 3.0]), np.array([-13.0, -5.0, -4.0]), np.array([2.0, -12.0, 6.0])


def structures_at(world_ras: NDArray[np.float64], middle_ras: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """A ball with a cavity, a longish ellipsoid and a cube, at RAS positions."""
    at = world_ras - middle_ras
    ball = np.linalg.norm(at - LIVER, axis=-1)
    longish = np.linalg.norm((at - KIDNEY) / (5.0, 8.0, 6.0), axis=-1)
    cube = np.abs(at - VERTEBRA).max(axis=-1)
    return {"liver": (ball < 9.0) & (ball > 3.5), "kidney_left": longish < 1.0, "vertebrae_L4": cube < 4.0}


def middle_of(volume: Volume) -> NDArray[np.float64]:
    return volume.geometry.world_ras((np.array(volume.geometry.shape) - 1) / 2)


def labels_on(volume: Volume, middle_ras: NDArray[np.float64] | None = None) -> LabelMap:
    """The structures with the labels of the task total on the scan's grid."""
    task = catalogue().task("total")
    labels = {each.name: each.label for each in task.classes}
    middle = middle_of(volume) if middle_ras is None else middle_ras
    array = np.zeros(volume.geometry.shape, np.uint8)
    for name, mask in structures_at(world_grid(array.shape, volume.affine), middle).items():
        array[mask] = labels[name]
    return LabelMap(array, volume.geometry, task.classes, "total")


def provenance(label_map: LabelMap) -> Provenance:
    return provenance_of(label_map, NOON)


def segment_voxels(path: Path) -> dict[str, list[tuple[NDArray[np.float64], NDArray[np.bool_], str]]]:
    """By segment: RAS positions of the pixels, the mask and the source image of each frame, by hand from the file."""
    ds = pydicom.dcmread(path)
    shared = ds.SharedFunctionalGroupsSequence[0]
    row, column = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
    down, across = (float(each) for each in shared.PixelMeasuresSequence[0].PixelSpacing)
    bits = np.unpackbits(np.frombuffer(ds.PixelData, np.uint8), bitorder="little")
    pixels = bits[: ds.NumberOfFrames * ds.Rows * ds.Columns].reshape(-1, ds.Rows, ds.Columns)
    j, i = np.meshgrid(np.arange(ds.Rows), np.arange(ds.Columns), indexing="ij")
    names = {each.SegmentNumber: each.SegmentLabel for each in ds.SegmentSequence}
    out: dict[str, Any] = {name: [] for name in names.values()}
    for groups, picture in zip(ds.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        corner = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        lps = corner + i[..., None] * row * across + j[..., None] * column * down
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        name = names[groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber]
        out[name].append((lps * (-1, -1, 1), picture.astype(bool), source.ReferencedSOPInstanceUID))
    return out


def centroid(parts: list[tuple[NDArray[np.float64], NDArray[np.bool_], str]]) -> NDArray[np.float64]:
    return np.asarray(np.concatenate([world[mask] for world, mask, _ in parts]).mean(axis=0))


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return 2.0 * float(np.count_nonzero(a & b)) / float(np.count_nonzero(a) + np.count_nonzero(b))


def dice_by_name(a: LabelMap, b: LabelMap) -> dict[str, float]:
    return {name: dice(a.mask(name), b.mask(name)) for name in NAMES}


def standard_errors(path: Path) -> list[str]:
    """What dciodvfy of David Clunie's dicom3tools finds wrong."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian's dicom3tools) is not installed")
    found = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    return [line for line in (found.stdout + found.stderr).splitlines() if "Error" in line]
