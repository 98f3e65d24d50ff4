"""Damaged at random: whatever comes of it is a scan or one sentence, never anything else."""

from __future__ import annotations

import random
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from tests.scans.files import oriented, written
from tests.scans.series import TEN, write_series
from tsdesktop.core.errors import ReadError
from tsdesktop.scans.reader import list_series, read_scan

CASES = 25


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, mostly in the header, and sometimes the end cut off."""
    out = bytearray(content)
    for _ in range(rng.choice([1, 4, 20])):
        out[rng.randrange(min(len(out), rng.choice([400, 2500, 10**9])))] = rng.randrange(256)
    return bytes(out[: rng.randrange(1, len(out))] if rng.random() < 0.3 else out)


def must_end_well(path: Path) -> None:
    for action in (read_scan, list_series):
        try:
            action(path)
        except ReadError as error:
            assert error.sentence


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mgz"])
def test_damaged_files(tmp_path: Path, name: str) -> None:
    values = np.random.default_rng(0).integers(-1000, 1000, (13, 11, 9)).astype(np.int16)
    path = tmp_path / name
    if name.endswith(("nrrd", "mha")):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values), str(path))
    elif name.endswith("mgz"):
        nib.save(nib.MGHImage(values, oriented("LIA")), path)
    else:
        written(path, values, oriented("RAS"))
    content, rng = path.read_bytes(), random.Random(name)
    for _ in range(CASES):
        path.write_bytes(damaged(content, rng))
        must_end_well(path)


def test_damaged_series(tmp_path: Path) -> None:
    contents = {path: path.read_bytes() for path in write_series(tmp_path, TEN[:5])}
    rng = random.Random(1)
    for _ in range(CASES):
        for path, content in contents.items():
            path.write_bytes(damaged(content, rng) if rng.random() < 0.4 else content)
        must_end_well(tmp_path)
