"""The whole line with the real processes: a DICOM series in, STL out, volumes and sides as in the phantom."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from phantom import CLASSES, Phantom, make_phantom

from tests.scans.series import slice_dataset

Array = NDArray[np.float64]
_SPACING = (1.0, 1.0, 2.0)
_SHAPE = (200, 160, 90)
_RIGHT_BALL = (np.array([-45.0, 0.0, 10.0]), 26.0)
_LEFT_BALL = (np.array([48.0, 10.0, -5.0]), 17.0)
# An upright person without noise that training has not met.
_PHANTOM_SEED = 810_004


def oblique_axes() -> Array:
    """Directions of columns, rows and slices in LPS: turned by 20 degrees about one axis and 12 about another."""
    a, b = np.radians([20.0, 12.0])
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return np.asarray(about_x @ about_z)


def two_balls_hu(x: Array, y: Array, z: Array) -> Array:
    """A body of water with a large ball of bone on the patient's right, a small one on the left, and a table behind.

    LPS mm. Bone is 400 HU in 0 HU, so that the threshold of 200 HU lies in the middle of every edge.
    """
    places = np.stack([x, y, z], axis=-1)
    hu = np.where((x / 85) ** 2 + (y / 60) ** 2 < 1, 0.0, -1000.0)
    hu[(np.abs(y - 72) < 2) & (np.abs(x) < 60)] = 350.0
    for center, radius in (_RIGHT_BALL, _LEFT_BALL):
        share = np.clip(radius - np.linalg.norm(places - center, axis=-1) + 0.5, 0, 1)
        hu = np.where(share > 0, 400 * share, hu)
    return hu


def write_oblique_series(folder: Path) -> None:
    """90 slices with names out of order."""
    folder.mkdir()
    axes = oblique_axes()
    corner = -axes @ (np.array(_SHAPE) * _SPACING / 2)
    for k in range(_SHAPE[2]):
        orientation = [*axes[:, 0], *axes[:, 1]]
        ds = slice_dataset(
            list(corner + axes[:, 2] * k * _SPACING[2]),
            orientation=orientation,
            spacing=(_SPACING[1], _SPACING[0]),
            field=two_balls_hu,
            Rows=_SHAPE[1],
            Columns=_SHAPE[0],
            InstanceNumber=(k * 37) % _SHAPE[2] + 1,
        )
        ds.save_as(folder / f"{(k * 53) % _SHAPE[2]:03d}", enforce_file_format=True)


def triangles_of(path: Path) -> Array:
    """Corners (n, 3, 3) of a binary STL."""
    raw = path.read_bytes()
    facet = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")])
    facets = np.frombuffer(raw, facet, offset=84)
    assert len(facets) == int.from_bytes(raw[80:84], "little")
    return np.asarray(facets["corners"], np.float64)


def volume_ml(corners: Array) -> float:
    """Signed volume inside triangles, positive when they face outward."""
    a, b, c = (corners[:, n] - corners.mean(axis=(0, 1)) for n in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6000)


def run_tsdesktop(*arguments: str) -> None:
    command = [sys.executable, "-m", "tsdesktop", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_oblique_series_becomes_bones_of_the_right_size_on_the_right_side(tmp_path: Path) -> None:
    write_oblique_series(tmp_path / "series")
    out = tmp_path / "out"
    run_tsdesktop("segment", str(tmp_path / "series"), "-o", str(out), "--task", "bone", "--meshes", "stl")
    corners = triangles_of(out / "meshes" / "bone.stl")
    on_the_right = corners[:, :, 0].mean(axis=1) < 0  # LPS: left is positive
    for part, (center, radius) in ((on_the_right, _RIGHT_BALL), (~on_the_right, _LEFT_BALL)):
        assert volume_ml(corners[part]) == pytest.approx(4 / 3 * np.pi * radius**3 / 1000, rel=0.02)
        assert np.linalg.norm(corners[part].mean(axis=(0, 1)) - center) < 1.0
    manifest = json.loads((out / "manifest.json").read_text())
    assert "Never" not in json.dumps(manifest) and "secret" not in json.dumps(manifest)


def person() -> Phantom:
    return make_phantom(_PHANTOM_SEED, spacing_mm=(3.0, 3.0, 3.0), pose=False, noise=False)


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom as a DICOM series, segmented by the demonstration network."""
    folder = tmp_path_factory.mktemp("demo")
    phantom = person()
    (folder / "series").mkdir()
    ni, nj, nk = phantom.hu.shape
    spacing = np.linalg.norm(phantom.affine[:3, :3], axis=0)
    for k in range(nk):
        corner_ras = phantom.affine[:3] @ [ni - 1, nj - 1, k, 1]
        ds = slice_dataset(
            [-corner_ras[0], -corner_ras[1], corner_ras[2]],
            spacing=(float(spacing[1]), float(spacing[0])),
            Rows=nj,
            Columns=ni,
            RescaleIntercept=0,
        )
        ds.PixelData = np.ascontiguousarray(phantom.hu[::-1, ::-1, k].T).astype("<i2").tobytes()
        ds.save_as(folder / "series" / f"{k:04d}.dcm", enforce_file_format=True)
    arguments = ["--task", "demo", "--meshes", "stl", "--statistics", "--preview"]
    run_tsdesktop("segment", str(folder / "series"), "-o", str(folder / "out"), *arguments)
    return folder / "out"


def test_the_demonstration_finds_the_sizes_of_the_phantom(demo_run: Path) -> None:
    phantom = person()
    voxel_ml = abs(np.linalg.det(phantom.affine[:3, :3])) / 1000
    wrong = {}
    for label, name in enumerate(CLASSES, 1):
        truth = np.count_nonzero(phantom.labels == label) * voxel_ml
        if truth > 20:
            found = volume_ml(triangles_of(demo_run / "meshes" / f"{name}.stl"))
            if abs(found / truth - 1) > 0.1:
                wrong[name] = round(found / truth, 3)
    assert not wrong


def test_the_right_kidney_lies_on_the_patients_right(demo_run: Path) -> None:
    right, left = (triangles_of(demo_run / "meshes" / f"kidney_{side}.stl") for side in ("right", "left"))
    phantom = person()
    for corners, name in ((right, "kidney_right"), (left, "kidney_left")):
        index = np.argwhere(phantom.labels == CLASSES.index(name) + 1).mean(axis=0)
        truth_ras = phantom.affine[:3] @ [*index, 1]
        assert np.linalg.norm(corners.mean(axis=(0, 1)) - truth_ras * [-1, -1, 1]) < 6.0
    assert right[..., 0].mean() < 0 < left[..., 0].mean()


def test_the_picture_is_there_and_not_empty(demo_run: Path) -> None:
    assert (demo_run / "preview.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (demo_run / "preview.png").stat().st_size > 50_000
