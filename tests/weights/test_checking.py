"""Networks that are here are looked at thoroughly, removed, and known by their titles and tasks."""

from __future__ import annotations

import json
import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import torch

from tests.weights.zips import (
    FIVE_FOLDS_FOLDER,
    ONE_FOLDER,
    dataset_bytes,
    files_in,
    good_zip,
    members_of,
    package,
    saved,
    visible,
    write_files,
    write_zip,
)
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import catalogue
from tsdesktop.weights.install import (
    install_folder,
    install_zip,
    remove,
    verify,
)
from tsdesktop.weights.packages import packages, tasks_needing, title_of
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import Progress, nobody
from tsdesktop.weights.records import read_record, read_verdict
from tsdesktop.weights.stopping import Stop

_TRAINING = "nnUNetTrainer__nnUNetPlans__3d_fullres"


def test_verifying_finds_a_changed_byte_and_remembers_it_until_the_file_changes(tmp_path: Path) -> None:
    install_zip(good_zip(tmp_path / "a.zip", FIVE_FOLDS_FOLDER), None, nobody, Stop())
    wanted = package(FIVE_FOLDS_FOLDER)
    heard: list[Progress] = []
    verify(wanted, heard.append, Stop())
    assert heard[-1].share == 1.0
    verdict = read_verdict(wanted.folder, wanted.place)
    assert verdict is not None
    assert verdict.problem == ""
    path = next(wanted.place.rglob("fold_3/*.pth"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert read_verdict(wanted.folder, wanted.place) is None
    with pytest.raises(WeightsError, match=r"fold_3/checkpoint_final\.pth is not as it was installed"):
        verify(wanted, nobody, Stop())
    verdict = read_verdict(wanted.folder, wanted.place)
    assert verdict is not None
    assert "fold_3/checkpoint_final.pth" in verdict.problem
    os.utime(path, (1, 1))
    assert read_verdict(wanted.folder, wanted.place) is None


@pytest.mark.parametrize("name", ["plans.json", "dataset.json", "fold_0/checkpoint_final.pth"])
def test_verifying_finds_a_file_that_went_missing(tmp_path: Path, name: str) -> None:
    install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop())
    (package().place / _TRAINING / name).unlink()
    with pytest.raises(WeightsError, match="is incomplete"):
        verify(package(), nobody, Stop())


def test_networks_of_other_programs_are_verified_without_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOTALSEG_WEIGHTS_PATH", str(tmp_path))
    write_files(tmp_path, members_of(package()))
    before = files_in(tmp_path)
    verify(package(), nobody, Stop())
    assert files_in(tmp_path) == before
    next(tmp_path.rglob("dataset.json")).write_bytes(dataset_bytes(4))
    with pytest.raises(WeightsError, match="finds 4 structures where a network of that name finds 1"):
        verify(package(), nobody, Stop())
    with pytest.raises(WeightsError) as caught:
        remove(package())
    assert caught.value.id == "weights.not_ours"
    assert package().is_here


def test_the_network_that_comes_with_the_program_is_whole() -> None:
    verify(package("Dataset900_phantom"), nobody, Stop())


def test_verifying_and_removing_what_is_not_here() -> None:
    for work in (lambda: verify(package(), nobody, Stop()), lambda: remove(package())):
        with pytest.raises(WeightsError) as caught:
            work()
        assert caught.value.id == "weights.missing"


def test_removing_says_how_much_it_freed(tmp_path: Path) -> None:
    install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop())
    size = sum(len(each) for each in members_of(package()).values())
    assert remove(package()) == size
    assert visible() == []
    assert read_record(ONE_FOLDER) is None


def test_a_record_that_cannot_be_read_is_no_record(tmp_path: Path) -> None:
    install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop())
    file = own_weights_folder() / ".records" / f"{ONE_FOLDER}.json"
    for content in ("", "[]", "{}", '{"files": 3}', json.dumps({"files": [{}]})):
        file.write_text(content)
        assert read_record(ONE_FOLDER) is None
        verify(package(), nobody, Stop())


def test_which_tasks_need_a_package_agrees_with_what_runs_load() -> None:
    from tsdesktop.jobs.needs import networks_for_offline

    wanted: dict[str, set[str]] = {}
    for task in catalogue().tasks.values():
        for each in networks_for_offline(task, catalogue()):
            wanted.setdefault(each.dataset_folder, set()).add(task.name)
    assert {folder: set(tasks) for folder, tasks in tasks_needing(catalogue()).items()} == wanted


def test_packages_have_titles_of_their_own() -> None:
    titles = [title_of(each, catalogue()) for each in packages(catalogue())]
    assert len(set(titles)) == len(titles)
    assert title_of(package("Dataset295_TotalSegmentator_part5_ribs_1559subj"), catalogue()) == "Whole body: ribs"
    assert title_of(package("Dataset298_TotalSegmentator_total_6mm_1559subj"), catalogue()) == "Whole body (fastest)"


def test_no_checkpoint_is_ever_in_memory_as_a_whole(tmp_path: Path) -> None:
    weights = {"decoder.seg_layers.0.weight": torch.ones(2, 10_000_000, 1, 1, 1)}
    members = members_of(package())
    name = next(each for each in members if each.endswith(".pth"))
    path = write_zip(tmp_path / "a.zip", members | {name: saved({"network_weights": weights})}, zipfile.ZIP_STORED)
    source = write_files(tmp_path / "source", {})
    with zipfile.ZipFile(path) as archive:
        archive.extractall(source)
    tracemalloc.start()
    install_zip(path, None, nobody, Stop())
    verify(package(), nobody, Stop())
    install_folder(source, nobody, Stop())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000 < path.stat().st_size
