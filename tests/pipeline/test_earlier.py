"""The same run of the same scan is made once; anything else is computed; what is kept can be damaged and lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.networks import BandNetwork, CtRange, band_centres, write_band_network
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import Volume
from tsdesktop.jobs.job import LABELS_FILE, ROUGH_FILE, read_job
from tsdesktop.jobs.messages import Finished, Progress, Warm
from tsdesktop.pipeline import Engine, Segmentation, segment_volume
from tsdesktop.pipeline.earlier import EarlierResults

OPTIONS = Options(task="total", fast=True)
NETWORK = catalogue().networks["297"]


@pytest.fixture
def scan() -> Volume:
    array = np.random.default_rng(2).integers(-300, 300, (34, 30, 26)).astype(np.int16)
    return Volume(np.asfortranarray(array), Geometry(array.shape, np.diag([3.0, 3.0, 3.0, 1.0])), "CT")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as one:
        yield one


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(tmp_path / "weights"))
    centres = band_centres(range(NETWORK.labels + 1), -400.0, 8.0, NETWORK.labels + 1)
    band = BandNetwork(NETWORK.folder, (centres,), CtRange(-1000, 1000, 0, 300), (3.0, 3.0, 3.0))
    return write_band_network(tmp_path / "weights", band)


class Runs:
    """Runs the task and tells whether anything was computed."""

    def __init__(self, engine: Engine, results: EarlierResults) -> None:
        self._engine = engine
        self._results = results

    def __call__(self, scan: Volume, options: Options = OPTIONS) -> tuple[Segmentation, bool]:
        heard: list[Progress] = []
        made = segment_volume(scan, options, engine=self._engine, listen=heard.append, earlier=self._results)
        remembered = "note.earlier_result" in {each.id for each in made.notes}
        assert remembered == (not heard)
        return made, bool(heard)


@pytest.fixture
def results(tmp_path: Path) -> EarlierResults:
    return EarlierResults(tmp_path / "results")


@pytest.fixture
def run(engine: Engine, results: EarlierResults, network: Path) -> Runs:
    return Runs(engine, results)


def test_asked_again_the_same_labels_come_without_computing(
    run: Runs, scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, computed = run(scan)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    monkeypatch.setattr("tsdesktop.pipeline.segmentation._now", lambda: tomorrow)
    again, computed_again = run(scan)
    assert first.made_at is not None and first.made_at < tomorrow
    assert (again.made_at, again.computing_seconds) == (first.made_at, first.computing_seconds)
    assert (computed, computed_again) == (True, False)
    assert len(first.label_map.present) > 50
    np.testing.assert_array_equal(again.label_map.array, first.label_map.array)
    assert again.label_map.array.strides == first.label_map.array.strides
    assert again.label_map.geometry.matches(first.label_map.geometry)
    assert (again.device, again.networks, again.task) == (first.device, first.networks, first.task)


def test_what_changes_no_label_of_the_networks_does_not_count(run: Runs, scan: Volume) -> None:
    first, _ = run(scan)
    turned = replace(scan, array=np.asarray(scan.array, np.int16, order="C"))
    _, computed = run(turned, replace(OPTIONS, statistics=True, threads=1))
    assert not computed
    old, computed = run(scan, replace(OPTIONS, v1_order=True))
    assert not computed and not np.array_equal(old.label_map.array, first.label_map.array)


def test_another_voxel_grid_choice_or_network_is_another_run(run: Runs, scan: Volume, network: Path) -> None:
    run(scan)
    array = np.array(scan.array, np.int16)
    array[33, 29, 25] += 1
    assert run(replace(scan, array=array))[1]
    moved = np.array(scan.affine)
    moved[0, 3] += 0.5
    assert run(replace(scan, geometry=Geometry(scan.geometry.shape, moved)))[1]
    assert run(scan, replace(OPTIONS, remove_small_blobs=100.0))[1]
    checkpoint = network / "fold_0" / "checkpoint_final.pth"
    os.utime(checkpoint, ns=(1, 1))
    assert run(scan)[1]
    assert not run(scan)[1]


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign"])
def test_a_damaged_entry_is_removed_and_the_run_is_made(run: Runs, scan: Volume, tmp_path: Path, damage: str) -> None:
    first, _ = run(scan)
    (entry,) = (tmp_path / "results").iterdir()
    content = bytearray(entry.read_bytes())
    if damage == "changed":
        content[len(content) // 2] ^= 0xFF
    entry.write_bytes({"cut": bytes(content[: len(content) // 2]), "foreign": b"labels"}.get(damage, bytes(content)))
    again, computed = run(scan)
    assert computed
    np.testing.assert_array_equal(again.label_map.array, first.label_map.array)
    assert not run(scan)[1]


def test_kept_results_are_private_bounded_and_cleared(engine: Engine, network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    rng = np.random.default_rng(0)
    geometry = Geometry((30, 30, 30), np.diag([3.0, 3.0, 3.0, 1.0]))
    scans = [Volume(rng.integers(-300, 300, (30, 30, 30)).astype(np.int16), geometry, "CT") for _ in range(3)]
    wide = EarlierResults(folder)
    for n, each in enumerate(scans[:2]):
        Runs(engine, wide)(each)
        for entry in folder.iterdir():
            os.utime(entry, ns=(n, n))
    if os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0
    # The first is used again, so the second is the one to go.
    assert not Runs(engine, wide)(scans[0])[1]
    tight = EarlierResults(folder, limit_bytes=wide.used_bytes + 100)
    Runs(engine, tight)(scans[2])
    assert [Runs(engine, EarlierResults(folder))(each)[1] for each in (scans[0], scans[2])] == [False, False]
    assert len(list(folder.iterdir())) == 2
    wide.clear()
    assert (list(folder.iterdir()), wide.used_bytes) == ([], 0)


def test_without_a_folder_nothing_is_kept_and_nothing_fails(
    engine: Engine, network: Path, scan: Volume, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    nowhere = Runs(engine, EarlierResults(tmp_path / "file" / "results"))
    assert [nowhere(scan)[1] for _ in range(2)] == [True, True]


class LookingEngine(Engine):
    """Stands in for the inference process: looks first unless the look is known, and leaves it to be kept."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: list[bool] = []

    def warm(self, wanted: Warm | None = None) -> None:
        pass

    def run(self, job_file: Path, listen: object) -> Finished:
        job, rough = read_job(job_file), job_file.with_name(ROUGH_FILE)
        self.looked.append(not rough.exists())
        labels = np.asfortranarray(np.full(job.shape, 3, np.uint8))
        if rough.exists():
            assert np.array_equal(np.load(rough), labels)
        else:
            np.save(rough, labels)
        np.save(job_file.with_name(LABELS_FILE), labels)
        return Finished(job.shape, job.affine, "cpu", 1.0)


def write_parts(weights: Path) -> None:
    for number in ("291", "292", "298"):
        network = catalogue().networks[number]
        centres = band_centres(range(network.labels + 1), -400.0, 8.0, network.labels + 1)
        band = BandNetwork(network.folder, (centres,), CtRange(-1000, 1000, 0, 300), (3.0, 3.0, 3.0))
        write_band_network(weights, band)


def damage_unseen(checkpoint: Path) -> None:
    """Other bytes, of the same length and date."""
    before = checkpoint.stat()
    checkpoint.write_bytes(bytes(before.st_size))
    os.utime(checkpoint, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_look_that_is_known_is_not_computed_again(
    scan: Volume, results: EarlierResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts(tmp_path / "weights")
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(tmp_path / "weights"))
    # Where the look finds the vertebra, and what the network of vertebrae takes for it, beside each other.
    array = np.full(scan.array.shape, -152, np.int16, order="F")
    array[17:] = -344
    scan = replace(scan, array=array)
    spleen, vertebra = Options(task="total", roi=("spleen",)), Options(task="total", roi=("vertebrae_L1",))
    with Engine() as one:
        segment_volume(scan, spleen, engine=one, earlier=results)
        expected = segment_volume(scan, vertebra, engine=one).label_map.array
    damage_unseen(tmp_path / "weights" / catalogue().networks["298"].folder / "fold_0" / "checkpoint_final.pth")
    with Engine() as other:
        # The network that looks cannot run any more, and need not.
        np.testing.assert_array_equal(
            segment_volume(scan, vertebra, engine=other, earlier=results).label_map.array, expected
        )
        with pytest.raises(WeightsError):
            segment_volume(scan, vertebra, engine=other)
    assert expected.any()


def test_tasks_that_look_first_in_the_same_way_share_the_look(
    scan: Volume, results: EarlierResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts(tmp_path / "weights")
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(tmp_path / "weights"))
    engine = LookingEngine()
    for options, expected in (
        (Options(task="total", roi=("spleen",)), [True]),
        # The same look for other structures, then for the same run with other choices.
        (Options(task="total", roi=("vertebrae_L1",)), [True, False]),
        (Options(task="total", roi=("spleen",), remove_small_blobs=50.0), [True, False, False]),
        (Options(task="total", roi=("spleen",), resampling_order=0), [True, False, False, True]),
        (Options(task="total", roi=("spleen",)), [True, False, False, True]),
    ):
        segment_volume(scan, options, engine=engine, earlier=results)
        assert engine.looked == expected
    segment_volume(scan, Options(task="total", roi=("spleen",)), engine=engine)
    assert engine.looked[-1]
