"""Zips of networks are put in place whole or not at all, and are told in one sentence what is wrong with them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.weights.zips import (
    BAD,
    FIVE_FOLDS_FOLDER,
    ONE_FOLDER,
    TWO_TRAININGS_FOLDER,
    checkpoint_bytes,
    custom_members,
    files_in,
    good_zip,
    is_cancelled,
    members_of,
    package,
    training,
    visible,
    write_files,
    write_zip,
)
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import catalogue
from tsdesktop.weights.custom import custom_networks
from tsdesktop.weights.install import (
    import_networks,
    install_zip,
    looks_like_networks,
    verify,
)
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import nobody
from tsdesktop.weights.records import read_record
from tsdesktop.weights.staging import staging_folder
from tsdesktop.weights.stopping import Stop

_TRAINING = "nnUNetTrainer__nnUNetPlans__3d_fullres"
# What is said of each kind, without the name of the zip; the same words only where the cause is the same.
SAID = {
    "empty": "is empty.",
    "no zip": "is not a zip archive.",
    "web page": "is a web page, not a network.",
    "cut off": "ends too early: part of it is missing.",
    "wrong checksum": f"is damaged: {ONE_FOLDER}/{_TRAINING}/fold_0/checkpoint_final.pth cannot be unpacked.",
    "encrypted": "is protected with a password.",
    "outside": f"is refused: it would write {ONE_FOLDER}/../../outside outside of its folder.",
    "absolute": "is refused: /tmp/absolute names a fixed place on the disk.",
    "drive": "is refused: C:/Windows/drive names a drive.",
    "backslash": f"is refused: {ONE_FOLDER}\\plans.json has a backslash in its name.",
    "link": f"is refused: {ONE_FOLDER}/link is a link, not a file.",
    "bomb": "times its size.",
    "many files": "is refused: it holds 20004 files, far more than networks have.",
    "compression": "is compressed in a way that cannot be unpacked here.",
    "no plans": f"The network {ONE_FOLDER} is incomplete: plans.json is missing.",
    "no dataset": f"The network {ONE_FOLDER} is incomplete: dataset.json is missing.",
    "no checkpoint": f"The network {ONE_FOLDER} is incomplete: fold_0/checkpoint_final.pth is missing.",
    "checkpoint garbage": f"The network {ONE_FOLDER} is broken: its checkpoint is damaged.",
    "checkpoint cut off": f"The network {ONE_FOLDER} is broken: its checkpoint is damaged.",
    "checkpoint with half a tensor": f"The network {ONE_FOLDER} is broken: its checkpoint is damaged.",
    "checkpoint without network": f"The network {ONE_FOLDER} is broken: its checkpoint holds no network.",
    "plans broken": "its plans cannot be read (Expecting value: line 1 column 20 (char 19)).",
    "other labels": f"The network {ONE_FOLDER} finds 7 structures where a network of that name finds 1.",
    "outputs": f"The network {ONE_FOLDER} is broken: its checkpoint does not fit its plans.",
    "twice": f"is refused: {ONE_FOLDER}/{_TRAINING}/plans.json is in it twice.",
    "case": "would be one file on many computers.",
    "file and folder": f"is refused: {ONE_FOLDER}/{_TRAINING} is a file and a folder in it.",
    "reserved": f"is refused: {ONE_FOLDER}/con.txt is a name that not every computer can hold.",
    "zip in zip": f"holds only another archive: {ONE_FOLDER}.zip.",
    "nnU-Net 1": "holds a network of nnU-Net version 1.",
    "scan": "holds a scan, not a network.",
    "scan as NIfTI": "holds a scan, not a network.",
    "source code": "holds the source code of a program, not a network.",
    "body statistics": "holds models that guess weight, size, age and sex, which this program does not use.",
    "something else": "holds no network.",
    "obsolete": "was replaced by a newer one and is not used any more.",
    "runs code": f"The network {ONE_FOLDER} asks for code to be run while loading, which this program does not run.",
}
NEVER_NETWORKS = {"empty", "no zip", "web page", "zip in zip", "scan", "scan as NIfTI", "source code"}
NEVER_NETWORKS |= {"body statistics", "something else"}


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        import_networks(path, nobody, Stop())
    return caught.value


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_zip_is_told_in_one_sentence_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    path = BAD[kind](tmp_path / "bad.zip")
    before = sorted(tmp_path.rglob("*"))
    error = refusal(path)
    assert error.sentence.endswith(SAID[kind])
    assert error.sentence.startswith(("bad.zip ", "The network "))
    assert error.hint.endswith(".")
    assert "Error" not in error.sentence + error.hint
    assert visible() == []
    assert [each.name for each in own_weights_folder().glob(".records/*")] in ([], [".lock"])
    assert sorted(tmp_path.rglob("*")) == before, "nothing was written beside it, and nothing was run"


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_zip_does_not_replace_a_whole_network(tmp_path: Path, kind: str) -> None:
    install_zip(good_zip(tmp_path / "good.zip"), package(), nobody, Stop())
    before = files_in(own_weights_folder())
    bad = BAD[kind](tmp_path / "bad.zip")
    with pytest.raises(WeightsError):
        install_zip(bad, package(), nobody, Stop())
    assert files_in(own_weights_folder()) == before
    verify(package(), nobody, Stop())


def test_kinds_with_another_cause_have_another_sentence() -> None:
    assert BAD.keys() == SAID.keys()
    assert len(set(SAID.values())) >= len(SAID) - 3


@pytest.mark.parametrize("kind", BAD)
def test_only_networks_look_like_networks(tmp_path: Path, kind: str) -> None:
    assert looks_like_networks(BAD[kind](tmp_path / "bad.zip")) == (kind not in NEVER_NETWORKS)


@pytest.mark.parametrize("folder", [ONE_FOLDER, TWO_TRAININGS_FOLDER, FIVE_FOLDS_FOLDER])
@pytest.mark.parametrize("named", [True, False])
def test_a_zip_is_installed_with_its_record(tmp_path: Path, folder: str, named: bool) -> None:
    wanted = package(folder)
    path = good_zip(tmp_path / "download.part", folder)
    assert not package(folder).is_here
    installed = install_zip(path, wanted if named else None, nobody, Stop(), address="https://example.org/a.zip")
    assert (installed.package, installed.folder, installed.replaced) == (wanted, wanted.place, False)
    assert wanted.is_here
    assert visible() == [folder]
    files = {f"{folder}/{name}": content for name, content in files_in(wanted.place).items()}
    assert files == members_of(wanted)
    record = read_record(folder)
    assert record is not None
    assert (record.address, len(record.zip_sha256)) == ("https://example.org/a.zip", 64)
    assert {f"{folder}/{each.name}": each.size for each in record.files} == {n: len(c) for n, c in files.items()}
    assert path.is_file()


def in_wrapper(members: dict[str, bytes]) -> dict[str, bytes]:
    return {f"my networks/nnUNet_results/{name}": content for name, content in members.items()}


def training_alone(members: dict[str, bytes]) -> dict[str, bytes]:
    return {name.partition("/")[2]: content for name, content in members.items()}


def with_litter(members: dict[str, bytes]) -> dict[str, bytes]:
    litter = (".DS_Store", f"{ONE_FOLDER}/.DS_Store", f"__MACOSX/{ONE_FOLDER}/._plans.json", f"{ONE_FOLDER}/Thumbs.db")
    return members | dict.fromkeys(litter, b"x")


@pytest.mark.parametrize("layout", [in_wrapper, training_alone, with_litter])
def test_a_network_is_known_by_its_content(
    tmp_path: Path, layout: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    path = write_zip(tmp_path / "any name.zip", layout(members_of(package())))
    assert looks_like_networks(path)
    assert [each.package for each in import_networks(path, nobody, Stop())] == [package()]
    assert {f"{ONE_FOLDER}/{name}" for name in files_in(package().place)} == set(members_of(package()))
    assert visible() == [ONE_FOLDER]


def test_several_networks_of_one_zip(tmp_path: Path) -> None:
    members = members_of(package()) | members_of(package(TWO_TRAININGS_FOLDER)) | custom_members()
    found = install_zip(write_zip(tmp_path / "a.zip", members), None, nobody, Stop())
    assert {each.package for each in (found, *found.others)} == {package(), package(TWO_TRAININGS_FOLDER), None}
    assert package().is_here
    assert package(TWO_TRAININGS_FOLDER).is_here
    assert [each.dataset for each in custom_networks()] == ["Dataset777_kidneys"]


def test_of_several_networks_all_or_none_are_installed(tmp_path: Path) -> None:
    members = members_of(package()) | members_of(package(TWO_TRAININGS_FOLDER)) | custom_members()
    last = [name for name in members if name.startswith("Dataset777") and name.endswith(".pth")]
    refusal(write_zip(tmp_path / "a.zip", members | dict.fromkeys(last, checkpoint_bytes(9))))
    assert not package().is_here
    assert custom_networks() == ()


def test_another_network_than_the_one_asked_for(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        install_zip(good_zip(tmp_path / "a.zip", FIVE_FOLDS_FOLDER), package(), nobody, Stop())
    assert caught.value.sentence == f"{ONE_FOLDER}.zip holds {FIVE_FOLDS_FOLDER}, not {ONE_FOLDER}."
    assert visible() == []


def test_one_of_two_trainings_is_not_enough(tmp_path: Path) -> None:
    wanted = package(TWO_TRAININGS_FOLDER)
    small = wanted.networks[1].folder
    members = {name: content for name, content in members_of(wanted).items() if not name.startswith(small)}
    error = refusal(write_zip(tmp_path / "a.zip", members))
    assert error.sentence == f"The network {wanted.folder} is incomplete: {small.partition('/')[2]} is missing."


def test_any_folds_will_do_where_the_catalogue_names_none(tmp_path: Path) -> None:
    network = catalogue().networks["615"]
    path = write_zip(tmp_path / "a.zip", training(network.folder, network.labels, folds=(1, 4)))
    install_zip(path, None, nobody, Stop())
    assert package(network.dataset_folder).is_here


def test_a_zip_that_nnunet_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real exporter of nnU-Net, with what a training leaves beside its checkpoints."""
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, str(tmp_path / "results"))
    members = custom_members()
    top = next(iter(members)).rpartition("/")[0]
    members |= {f"{top}/dataset_fingerprint.json": b"{}", f"{top}/fold_0/progress.png": b"x"}
    members |= {f"{top}/fold_0/validation/summary.json": b"{}", f"{top}/fold_0/validation/case_1.nii.gz": b"x"}
    write_files(tmp_path / "results", members)
    code = (
        "from nnunetv2.model_sharing.model_export import export_pretrained_model as export; "
        f"export('Dataset777_kidneys', {str(tmp_path / 'a.zip')!r}, ('3d_fullres',), folds=(0,), "
        "export_crossval_predictions=True)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True)
    found = import_networks(tmp_path / "a.zip", nobody, Stop())
    assert [each.custom_tasks for each in found] == [("custom_kidneys",)]


def test_cancelling_at_any_moment_leaves_nothing_new(tmp_path: Path) -> None:
    install_zip(good_zip(tmp_path / "old.zip"), None, nobody, Stop())
    before, moment = files_in(own_weights_folder()), 0
    members = members_of(package()) | members_of(package(FIVE_FOLDS_FOLDER)) | custom_members()
    path = write_zip(tmp_path / "a.zip", members)
    while is_cancelled(lambda stop: install_zip(path, None, nobody, stop), moment):
        assert files_in(own_weights_folder()) == before
        moment += 1
    assert moment > 25, "once for every file and more"
    assert package(FIVE_FOLDS_FOLDER).is_here


def test_a_newer_copy_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop())
    (package().place / "of the old one").touch()
    assert install_zip(good_zip(tmp_path / "a.zip"), package(), nobody, Stop()).replaced
    assert not (package().place / "of the old one").exists()
    assert visible() == [ONE_FOLDER]


def test_the_older_copy_stays_when_the_newer_one_cannot_be_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop())
    (package().place / "of the old one").touch()
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if "ready" in self.parts and target == package().place:
            raise PermissionError(13, "in use", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    error = refusal(tmp_path / "a.zip")
    assert error.sentence == f"{ONE_FOLDER} could not be put in its place: in use."
    assert (package().place / "of the old one").exists()
    assert visible() == [ONE_FOLDER]


def test_a_killed_program_leaves_nothing_for_long(tmp_path: Path) -> None:
    path = good_zip(tmp_path / "a.zip", FIVE_FOLDS_FOLDER)
    code = (
        "import os, sys; from pathlib import Path; from tsdesktop.weights import staging, install; "
        "from tsdesktop.weights.stopping import Stop; "
        "install._checked_and_put = lambda *_: os.kill(os.getpid(), 9); "
        f"install.install_zip(Path({str(path)!r}), None, lambda _: None, Stop())"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert len(visible()) == 2, "its unpacked files and their lock"
    assert all(each.startswith(".unpacking-") for each in visible())
    install_zip(good_zip(tmp_path / "b.zip"), None, nobody, Stop())
    assert visible() == [ONE_FOLDER]


def test_what_another_program_is_unpacking_is_left_alone(tmp_path: Path) -> None:
    with staging_folder("another") as staging:
        (staging / "file").touch()
        install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop())
        assert (staging / "file").exists()
    assert visible() == [ONE_FOLDER]


def test_a_copy_that_was_only_moved_aside_comes_back(tmp_path: Path) -> None:
    """A program that was killed between the two renamings."""
    install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop())
    package().place.rename(own_weights_folder() / f".old-{ONE_FOLDER}-0123abcd")
    assert not package().is_here
    install_zip(good_zip(tmp_path / "b.zip", FIVE_FOLDS_FOLDER), None, nobody, Stop())
    assert package().is_here
    assert visible() == sorted([ONE_FOLDER, FIVE_FOLDS_FOLDER])
