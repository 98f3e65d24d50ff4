"""Exports that a person chose: the files that were announced are written, hold the truth, and can be stopped."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tsdesktop.core.errors import Cancelled, ExportError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import MeshLayout
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.meshes import reading
from tsdesktop.exports.meshes.glb import read_glb
from tsdesktop.exports.meshes.reading import WrittenMesh
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline.chosen_exports import ExportChoice, planned_files, write_chosen
from tsdesktop.scans.labels import read_label_map
from tsdesktop.surfaces import preview
from tsdesktop.surfaces.display import DisplayMesh
from tsdesktop.surfaces.smoothing import PRESETS

SHAPE = (30, 28, 26)
AFFINE = np.array([[-1.5, 0, 0, 20], [0, 1.5, 0, -10], [0, 0, 2.0, 100], [0, 0, 0, 1.0]])


@pytest.fixture
def volume() -> Volume:
    array = np.random.default_rng(1).integers(-100, 200, SHAPE).astype(np.int16)
    return Volume(array, Geometry(SHAPE, AFFINE), "CT")


@pytest.fixture
def label_map(volume: Volume) -> LabelMap:
    """A liver, a spleen and an aorta that is not there; from a file, so without a task."""
    array = np.zeros(SHAPE, np.uint8)
    array[4:14, 5:20, 6:20], array[18:26, 8:16, 8:18] = 1, 2
    classes = tuple(structure_class(n, name) for n, name in ((1, "liver"), (2, "spleen"), (3, "aorta")))
    return LabelMap(array, volume.geometry, classes)


def everything(folder: Path) -> ExportChoice:
    return ExportChoice(
        folder,
        labels=("nifti", "nrrd"),
        masks=True,
        meshes=("stl", "3mf", "obj"),
        layouts=("per-structure", "merged"),
        tables=("csv", "json", "json-full", "xlsx"),
        preview=True,
    )


def corners_of(path: Path) -> np.ndarray:
    facets = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    return np.frombuffer(path.read_bytes()[84:], facets)["corners"].reshape(-1, 3)


def test_what_was_announced_is_written_and_nothing_else(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    choice = everything(tmp_path / "out")
    written = write_chosen(choice, volume, label_map).files
    there = {each for each in (tmp_path / "out").rglob("*") if each.is_file()}
    assert set(written) == set(planned_files(choice, label_map)) == there
    assert len(written) == len(set(written)) == (2 + 1) + 2 + 4 * (2 + 1) + 4 + 1 + 1


def test_the_label_map_opens_again(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    write_chosen(ExportChoice(tmp_path, labels=("nifti",)), volume, label_map)
    read = read_label_map(tmp_path / "labels.nii.gz", volume)
    assert np.array_equal(read.array, label_map.array) and read.classes == label_map.classes


def test_only_the_chosen_structures_are_written(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    choice = replace(everything(tmp_path), names=("spleen", "aorta"))
    write_chosen(choice, volume, label_map)
    assert [each.name for each in (tmp_path / "structures").iterdir()] == ["spleen.nii.gz"]
    assert sorted(each.suffix for each in (tmp_path / "meshes").iterdir()) == [".3mf", ".mtl", ".obj", ".stl"]
    assert {each.stem for each in (tmp_path / "meshes").iterdir()} == {"spleen"}
    assert np.unique(nib.load(tmp_path / "labels.nii.gz").dataobj).tolist() == [0, 2]
    rows = list(csv.DictReader((tmp_path / "statistics.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["spleen"]
    assert float(rows[0]["volume_ml"]) == pytest.approx(label_map.volume_ml("spleen"))
    assert list(json.loads((tmp_path / "statistics.json").read_text())) == ["spleen"]


@pytest.mark.parametrize("frame", ["LPS", "RAS"])
def test_meshes_lie_where_the_labels_lie(tmp_path: Path, volume: Volume, label_map: LabelMap, frame: str) -> None:
    choice = ExportChoice(tmp_path, meshes=("stl",), frame="LPS" if frame == "LPS" else "RAS")
    write_chosen(choice, volume, label_map)
    middle = label_map.geometry.world_ras(np.argwhere(label_map.array == 1)).mean(axis=0)
    turn = np.array([-1, -1, 1] if frame == "LPS" else [1, 1, 1])
    found = corners_of(tmp_path / "meshes" / "liver.stl")
    assert np.linalg.norm((found.min(axis=0) + found.max(axis=0)) / 2 - middle * turn) < 1.0


def test_smoother_is_smoother(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    reach = []
    for name in PRESETS:
        choice = ExportChoice(tmp_path / name, ("liver",), meshes=("stl",), layouts=("merged",), smoothing=name)
        write_chosen(choice, volume, label_map)
        corners = corners_of(tmp_path / name / "all_structures.stl")
        # The corners of a box are what smoothing takes away first.
        reach.append(np.linalg.norm(corners - corners.mean(axis=0), axis=1).max())
    assert reach[0] > reach[1] > reach[2]


def test_files_in_the_way_are_refused_before_anything_is_written(
    tmp_path: Path, volume: Volume, label_map: LabelMap
) -> None:
    (tmp_path / "preview.png").write_text("mine")
    with pytest.raises(ExportError) as caught:
        write_chosen(everything(tmp_path), volume, label_map)
    assert caught.value.id == "export.exists"
    assert [each.name for each in tmp_path.iterdir()] == ["preview.png"]
    write_chosen(replace(everything(tmp_path), overwrite=True), volume, label_map)
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("names", [("aorta",), ("nothing",)])
def test_nothing_to_write_is_said(tmp_path: Path, volume: Volume, label_map: LabelMap, names: tuple[str, ...]) -> None:
    with pytest.raises(ExportError) as caught:
        write_chosen(ExportChoice(tmp_path, names, tables=("csv",)), volume, label_map)
    assert caught.value.id == "export.nothing"
    assert planned_files(ExportChoice(tmp_path, names, tables=("csv",)), label_map) == []


def test_progress_rises_to_one_and_cancelling_leaves_whole_files(
    tmp_path: Path, volume: Volume, label_map: LabelMap
) -> None:
    heard: list[Progress] = []
    write_chosen(everything(tmp_path / "whole"), volume, label_map, heard.append)
    shares = [each.share for each in heard]
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] == 1.0

    def stop(told: Progress) -> None:
        if "spleen" in told.stage:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_chosen(everything(tmp_path / "part"), volume, label_map, stop)
    assert (tmp_path / "part" / "meshes" / "liver.stl").stat().st_size > 84
    assert not list((tmp_path / "part").rglob(".tsdesktop-*"))


def test_surfaces_are_looked_at_and_the_manifest_tells(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    exported = write_chosen(ExportChoice(tmp_path, meshes=("3mf",), layouts=("parts",)), volume, label_map)
    assert [each.structure.name for each in exported.meshes] == ["liver", "spleen"]
    assert all(each.preflight is not None and each.preflight.is_whole for each in exported.meshes)
    assert exported.lights.total() == 2
    told = json.loads((tmp_path / "manifest.json").read_text())["export"]["meshes"]
    assert [each["name"] for each in told] == ["liver", "spleen"] and told[0]["values"]["closed"] == {"edges": 0}


@pytest.mark.parametrize("layout", ["per-structure", "merged", "parts"])
def test_a_file_that_is_not_what_was_to_be_written_is_removed_and_told(
    tmp_path: Path, volume: Volume, label_map: LabelMap, layout: MeshLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(path: Path) -> list[WrittenMesh]:
        return [replace(each, vertices=each.vertices + np.array([0.0, 0.5, 0.0])) for each in read_glb(path)]

    readers = {**reading.READERS, ".glb": shifted}
    monkeypatch.setattr(reading, "READERS", readers)
    with pytest.raises(ExportError) as caught:
        write_chosen(ExportChoice(tmp_path, meshes=("glb",), layouts=(layout,)), volume, label_map)
    assert caught.value.id == "print.read_back"
    assert not list(tmp_path.rglob("*.glb"))


def endless(check: Callable[[], None]) -> Iterator[tuple[int, DisplayMesh]]:
    """Surfaces that never come, as long as somebody waits for them."""
    until = time.monotonic() + 20.0
    while time.monotonic() < until:
        check()
        time.sleep(0.005)
    yield from ()


@pytest.mark.parametrize("at", ["writing labels", "drawing the picture"])
def test_stopping_ends_the_picture_that_is_drawn_beside(
    tmp_path: Path, volume: Volume, label_map: LabelMap, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    monkeypatch.setattr(preview, "fine_meshes", lambda labels, blur, check: endless(check))
    heard: list[str] = []

    def listen(told: Progress) -> None:
        heard.append(told.stage)
        if heard.count(at) == 2:
            raise Cancelled

    choice = ExportChoice(tmp_path, labels=("nifti", "nrrd"), preview=True)
    with pytest.raises(Cancelled):
        write_chosen(choice, volume, label_map, listen=listen)
    assert not (tmp_path / "preview.png").exists()
    assert not [each for each in threading.enumerate() if each.name.startswith("picture")]


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path, volume: Volume, label_map: LabelMap) -> None:
    (tmp_path / "preview.png").mkdir()
    with pytest.raises(ExportError, match=r"preview\.png"):
        write_chosen(ExportChoice(tmp_path, preview=True, overwrite=True), volume, label_map)
