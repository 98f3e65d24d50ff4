"""Probabilities of a run open again as labels, where they belong; those of other programs with the file beside them."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nibabel.affines import from_matvec
from scipy.spatial.transform import Rotation

from tests.networks import BandNetwork, CtRange, band_centres, write_band_network
from tsdesktop.core.errors import ExportError, GeometryError, OptionsError, ReadError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import Volume
from tsdesktop.jobs.plan import Plan
from tsdesktop.pipeline import segment_volume
from tsdesktop.pipeline.exporting import check_outputs, outputs_at
from tsdesktop.pipeline.probabilities import AboutProbabilities
from tsdesktop.scans.labels import content_of, read_label_map
from tsdesktop.weights.custom import add_custom
from tsdesktop.weights.stopping import Stop

SHAPE = (24, 22, 20)
AFFINE = from_matvec(
    Rotation.from_euler("xyz", [8, -12, 100], degrees=True).as_matrix() @ np.diag([-2.5, 3.1, 4.0]), [40, -70, 30]
)


@pytest.fixture
def volume() -> Volume:
    array = np.random.default_rng(3).integers(-300, 300, SHAPE).astype(np.int16)
    return Volume(array, Geometry(SHAPE, AFFINE), "CT")


def test_our_own_open_as_the_labels_of_the_run(volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = catalogue().networks["297"]
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(tmp_path / "weights"))
    # Whole numbers never lie halfway between two of these, and the bands are far apart: no two layers are alike.
    centres = band_centres(range(network.labels + 1), -400.0, 7.0, network.labels + 1)
    band = BandNetwork(network.folder, (centres,), CtRange(-1000, 1000, 0, 2), (3.0, 3.0, 3.0))
    write_band_network(tmp_path / "weights", band)
    options = Options(fast=True, keep_model_resolution=True, probabilities=True)
    result = segment_volume(volume, options, probabilities_folder=tmp_path)
    assert [each.name for each in result.probabilities] == ["probabilities_297.npz", "probabilities_297.json"]
    labels = result.label_map
    assert not labels.geometry.matches(volume.geometry)
    coarse = Volume(np.zeros(labels.geometry.shape, np.int16), labels.geometry, "CT")
    read = read_label_map(result.probabilities[0], coarse)
    assert content_of(result.probabilities[0]) == "labels"
    assert np.array_equal(read.array, labels.array)
    assert (read.present, read.task) == (labels.present, "total")


def test_of_a_part_of_the_scan_they_say_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks leave out what is zero around the scan, may turn its axes, and have a spacing of their own."""
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(tmp_path / "weights"))
    turned = BandNetwork(
        "Dataset903_Turned/nnUNetTrainer__nnUNetPlans__3d_fullres",
        ((-150.0, 0.0, 300.0),),
        CtRange(-1000, 1000, 0, 2),
        (3.5, 5.0, 2.0),
        transpose=(1, 0, 2),
    )
    (custom,) = add_custom(write_band_network(tmp_path, turned), lambda _: None, Stop())
    array = np.zeros(SHAPE, np.int16)
    array[4:21, 3:20, 2:15] = -150
    array[8:16, 6:17, 5:12] = 300
    scan = Volume(array, Geometry(SHAPE, AFFINE), "CT")
    result = segment_volume(scan, Options(task=custom.name, probabilities=True), probabilities_folder=tmp_path)
    read = read_label_map(result.probabilities[0], scan)
    # The likeliest layer of a coarser grid, against labels that were interpolated back.
    both = np.sum((read.array == 2) & (result.label_map.array == 2))
    assert 2 * both / (np.sum(read.array == 2) + np.sum(result.label_map.array == 2)) > 0.9


def test_what_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    task, options = catalogue().task("total"), Options(fast=True, probabilities=True, save_labels=False, report=False)
    check_outputs(tmp_path, task, options)
    (tmp_path / "probabilities_297.npz").write_bytes(b"mine")
    with pytest.raises(ExportError, match=r"probabilities_297\.npz"):
        check_outputs(tmp_path, task, options)
    check_outputs(tmp_path, task, replace(options, overwrite=True))
    check_outputs(tmp_path, task, replace(options, fast=False))
    assert outputs_at(tmp_path / "LABELS.NII.GZ", "total").folder == tmp_path


def test_a_copy_that_fails_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on another disk that is full."""
    stored(tmp_path / "probabilities_297.npz", probabilities=np.zeros(4, np.float16), affine_ras=AFFINE)
    goal = tmp_path / "goal"
    goal.mkdir()

    def half(_: Path, target: Path) -> None:
        target.write_bytes(b"PK")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "move", half)
    about = AboutProbabilities(catalogue().task("total"), Plan("total", None, 0.5, ()))
    with pytest.raises(ExportError, match=r"probabilities_297\.npz could not be written: No space left"):
        about.moved([tmp_path / "probabilities_297.npz"], goal)
    assert not list(goal.iterdir())


def test_parts_would_overwrite_each_other(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="--force-split"):
        Options(force_split=True, probabilities=True)


def stored(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def chances(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Three layers k, j, i and the labels [i, j, k] they mean."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:9, 4:8, 5:15], labels[12:20, 10:14, 2:6] = 1, 2
    layers = np.full((3, *SHAPE), 0.1, np.float16)
    for n in range(3):
        layers[n][labels == n] = 0.8
    return layers.transpose(0, 3, 2, 1), labels


def sitk_stuff(volume: Volume) -> dict[str, Any]:
    lps = np.diag([-1, -1, 1, 1]) @ volume.affine
    direction = lps[:3, :3] / volume.spacing_mm
    return {
        "spacing": tuple(volume.spacing_mm), "origin": tuple(lps[:3, 3]), "direction": tuple(direction.ravel()),
    }  # fmt: skip


def test_totalsegmentators_open_with_the_geometry_of_their_pickle(volume: Volume, tmp_path: Path) -> None:
    layers, labels = chances(volume)
    path = stored(tmp_path / "probs.npz", probabilities=layers)
    told = {"sitk_stuff": sitk_stuff(volume), "class_locations": {1: np.arange(8).reshape(2, 4)}, "n": np.float64(1.5)}
    (tmp_path / "probs.pkl").write_bytes(pickle.dumps(told))
    read = read_label_map(path, volume)
    assert np.array_equal(read.array, labels)
    assert [each.name for each in read.classes] == ["label_1", "label_2"]
    affine = volume.affine.copy()
    (tmp_path / "probs.pkl").write_bytes(pickle.dumps({"nibabel_stuff": {"reoriented_affine": affine}}))
    assert np.array_equal(read_label_map(path, volume).array, labels)


class Evil:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._path),)


def test_a_pickle_that_runs_a_program_is_not_obeyed(volume: Volume, tmp_path: Path) -> None:
    path = stored(tmp_path / "probs.npz", probabilities=chances(volume)[0])
    (tmp_path / "probs.pkl").write_bytes(pickle.dumps({"sitk_stuff": Evil(tmp_path / "ran")}))
    with pytest.raises(GeometryError, match=r"probs\.npz does not say where its voxels lie"):
        read_label_map(path, volume)
    assert not (tmp_path / "ran").exists()


def test_without_a_file_beside_the_sentence_names_what_is_missing(volume: Volume, tmp_path: Path) -> None:
    path = stored(tmp_path / "probs.npz", probabilities=chances(volume)[0])
    with pytest.raises(GeometryError) as caught:
        read_label_map(path, volume)
    assert "probs.json or probs.pkl" in caught.value.hint


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": np.array(["vessel", "branch", "leaf"])}, "no single label"),
        ({"probabilities": np.zeros((3, 4, 5), np.float16)}, "do not form layers"),
        ({"probabilities": np.zeros((3, 20, 22, 24), np.int16)}, "do not form layers"),
    ],
)
def test_what_is_no_set_of_layers_is_refused(
    volume: Volume, tmp_path: Path, arrays: dict[str, Any], words: str
) -> None:
    path = stored(tmp_path / "p.npz", **{"probabilities": chances(volume)[0], **arrays})
    (tmp_path / "p.pkl").write_bytes(pickle.dumps({"sitk_stuff": sitk_stuff(volume)}))
    with pytest.raises(ReadError, match=words):
        read_label_map(path, volume)


def test_a_file_that_ends_too_early_is_told(volume: Volume, tmp_path: Path) -> None:
    path = stored(tmp_path / "p.npz", probabilities=chances(volume)[0])
    (tmp_path / "p.pkl").write_bytes(pickle.dumps({"sitk_stuff": sitk_stuff(volume)}))
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[200:260] = bytes(60)
    path.write_bytes(bytes(damaged))
    with pytest.raises(ReadError, match=r"damaged|too early"):
        read_label_map(path, volume)
    path.write_bytes(whole[: len(whole) // 2])
    assert content_of(path) == ""


def test_a_run_that_computed_a_part_says_that_the_place_is_not_known(volume: Volume, tmp_path: Path) -> None:
    path = stored(tmp_path / "p.npz", probabilities=chances(volume)[0])
    told: dict[str, Any] = {
        "program": "tsdesktop",
        "array": "probabilities",
        "labels": [],
        "affine_ras": None,
        "task": "total",
    }
    (tmp_path / "p.json").write_text(json.dumps(told))
    with pytest.raises(GeometryError):
        read_label_map(path, volume)
