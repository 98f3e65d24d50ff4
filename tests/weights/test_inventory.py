"""The list of networks says of each what is true of the files on this computer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.weights.zips import (
    FIVE_FOLDS_FOLDER,
    ONE_FOLDER,
    TWO_TRAININGS_FOLDER,
    checkpoint_bytes,
    custom_members,
    good_zip,
    members_of,
    package,
    write_files,
    write_zip,
)
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import catalogue
from tsdesktop.weights import inventory as listing
from tsdesktop.weights.catalogue import full_catalogue
from tsdesktop.weights.install import install_zip, remove, verify
from tsdesktop.weights.inventory import Entry, find_updates, inventory, remove_obsolete
from tsdesktop.weights.packages import packages
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import nobody
from tsdesktop.weights.records import read_record
from tsdesktop.weights.stopping import Stop

_TRAINING = "nnUNetTrainer__nnUNetPlans__3d_fullres"
_V1 = "nnUNet/3d_fullres/Task251_TotalSegmentator_part1_organs_1139subj"
_V2 = "Dataset302_vertebrae_body_1559subj"


def entry(folder: str = ONE_FOLDER, **options: Any) -> Entry:
    return next(each for each in inventory(full_catalogue(), **options) if each.folder == folder)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder of a network that this program downloaded."""
    install_zip(good_zip(tmp_path / "a.zip"), package(), nobody, Stop(), address="https://example.org/a.zip")
    return package().place


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results folder of a TotalSegmentator on this computer."""
    monkeypatch.setenv("TOTALSEG_HOME_DIR", str(tmp_path / "home"))
    return tmp_path / "home" / "nnunet" / "results"


def test_every_package_of_the_catalogue_is_listed_once() -> None:
    entries = inventory(catalogue())
    assert [each.folder for each in entries] == [each.folder for each in packages(catalogue())]
    assert {each.state for each in entries} == {"missing", "here"}
    assert [each.folder for each in entries if each.state == "here"] == ["Dataset900_phantom"]
    assert all(each.tasks for each in entries)


def test_a_network_that_is_not_here() -> None:
    found = entry()
    assert (found.state, found.place, found.bytes_here, found.ours, found.problem) == ("missing", None, 0, False, "")
    assert (found.title, found.tasks) == ("Brain haemorrhage", ("cerebral_bleed",))
    assert (found.zip_bytes, found.licensed) == (325569459, False)
    assert entry(FIVE_FOLDS_FOLDER).licensed


def test_a_network_that_is_here(installed: Path) -> None:
    found = entry()
    assert (found.state, found.place, found.ours, found.problem) == ("here", installed, True, "")
    assert found.bytes_here == sum(len(each) for each in members_of(package()).values())
    remove(package())
    assert entry().state == "missing"


def test_a_network_of_totalsegmentator_is_only_read(home: Path) -> None:
    write_files(home, members_of(package()))
    found = entry()
    assert (found.state, found.place, found.ours) == ("here", home / ONE_FOLDER, False)


def test_an_interrupted_download() -> None:
    part = own_weights_folder() / ".downloads" / f"{ONE_FOLDER}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1234))
    assert (entry().state, entry().partial_bytes, entry().bytes_here) == ("partial", 1234, 0)


BREAKS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no plans": (lambda place: (place / _TRAINING / "plans.json").unlink(), "is incomplete: plans.json is missing."),
    "no checkpoint": (
        lambda place: (place / _TRAINING / "fold_0" / "checkpoint_final.pth").unlink(),
        "is incomplete: fold_0/checkpoint_final.pth is missing.",
    ),
    "empty": (lambda place: os.truncate(place / _TRAINING / "plans.json", 0), "is broken: plans.json is empty."),
    "shorter": (
        lambda place: os.truncate(place / _TRAINING / "fold_0" / "checkpoint_final.pth", 99),
        f"is broken: {_TRAINING}/fold_0/checkpoint_final.pth is not as it was installed.",
    ),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_a_network_that_is_broken(installed: Path, kind: str) -> None:
    damage, said = BREAKS[kind]
    damage(installed)
    found = entry()
    assert (found.state, found.ours) == ("broken", True)
    assert found.problem == f"The network {ONE_FOLDER} {said}"


def test_one_of_two_trainings_is_broken(home: Path) -> None:
    wanted = package(TWO_TRAININGS_FOLDER)
    small = wanted.networks[1].folder
    write_files(home, {name: data for name, data in members_of(wanted).items() if not name.startswith(small)})
    found = entry(TWO_TRAININGS_FOLDER)
    assert found.state == "broken"
    assert found.problem.endswith(f"{small.partition('/')[2]} is missing.")


def test_what_verifying_found_is_remembered_until_the_files_change(installed: Path) -> None:
    path = installed / _TRAINING / "fold_0" / "checkpoint_final.pth"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert entry().state == "here", "a quick look cannot tell"
    with pytest.raises(WeightsError):
        verify(package(), nobody, Stop())
    assert entry().state == "broken"
    assert entry().problem.endswith("is not as it was installed.")
    path.write_bytes(whole)
    assert entry().state == "here"


def test_obsolete_folders_are_listed_and_only_ours_can_be_removed(home: Path) -> None:
    own = own_weights_folder()
    for place in (own, home):
        write_files(place, {f"{_V1}/a/model": b"12345", f"{_V2}/b/c": b"123"})
    found = [each for each in inventory(catalogue()) if each.state == "obsolete"]
    assert {(each.place, each.bytes_here, each.ours) for each in found} == {
        (own / _V1, 5, True), (own / _V2, 3, True), (home / _V1, 5, False), (home / _V2, 3, False)
    }  # fmt: skip
    assert {each.title for each in found} == {"Task251_TotalSegmentator_part1_organs_1139subj", _V2}
    freed = [remove_obsolete(each) for each in found if each.ours]
    assert sorted(freed) == [3, 5]
    assert sorted(each.name for each in own.iterdir()) == [".records"]
    for each in found:
        if not each.ours:
            with pytest.raises(WeightsError) as caught:
                remove_obsolete(each)
            assert caught.value.id == "weights.not_ours"
    assert (home / _V1 / "a" / "model").is_file()


def test_what_lies_beside_an_obsolete_folder_stays() -> None:
    own = own_weights_folder()
    write_files(own, {f"{_V1}/a": b"x", "nnUNet/3d_fullres/Task999_mine/a": b"x"})
    remove_obsolete(next(each for each in inventory(catalogue()) if each.state == "obsolete"))
    assert (own / "nnUNet/3d_fullres/Task999_mine/a").is_file()


def test_networks_of_ones_own_are_listed(tmp_path: Path) -> None:
    install_zip(write_zip(tmp_path / "a.zip", custom_members()), None, nobody, Stop())
    found = inventory(full_catalogue())[-1]
    assert (found.title, found.state, found.ours, found.package) == ("kidneys", "here", True, None)
    assert found.custom is not None
    assert (found.tasks, found.place) == ((found.custom.name,), found.custom.folder)
    assert found.bytes_here > len(checkpoint_bytes(4))
    (found.custom.folder / "fold_0" / "checkpoint_final.pth").unlink()
    found = inventory(full_catalogue())[-1]
    assert (found.state, found.problem.endswith("checkpoint_final.pth is missing.")) == ("broken", True)


def test_updates_are_where_the_release_states_another_hash(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stated: dict[str, str] = {}
    asked: list[str] = []

    def release_digests(tag: str, _: Stop, *, fresh: bool = False) -> Mapping[str, str]:
        asked.append(tag)
        return stated

    monkeypatch.setattr(listing, "release_digests", release_digests)
    record = read_record(ONE_FOLDER)
    assert record is not None
    assert find_updates(catalogue(), Stop()) == {}
    stated[f"{ONE_FOLDER}.zip"] = record.zip_sha256
    assert find_updates(catalogue(), Stop()) == {}
    stated[f"{ONE_FOLDER}.zip"] = "0" * 64
    updates = find_updates(catalogue(), Stop())
    assert updates == {ONE_FOLDER: "0" * 64}
    assert set(asked) == {"v2.0.0-weights"}
    assert (entry(updates=updates).state, entry().state) == ("update", "here")
    os.truncate(installed / _TRAINING / "plans.json", 0)
    assert entry(updates=updates).state == "broken"


def test_no_update_is_looked_for_of_what_was_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop())
    monkeypatch.setattr(listing, "release_digests", lambda *_, **__: pytest.fail("asked"))
    assert find_updates(catalogue(), Stop()) == {}


def test_listing_changes_no_file(installed: Path, home: Path) -> None:
    write_files(home, members_of(package(FIVE_FOLDS_FOLDER)))
    before = {each: each.stat().st_mtime_ns for each in (*own_weights_folder().rglob("*"), *home.rglob("*"))}
    inventory(full_catalogue())
    assert {each: each.stat().st_mtime_ns for each in (*own_weights_folder().rglob("*"), *home.rglob("*"))} == before
