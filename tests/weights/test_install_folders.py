"""Folders of networks are copied into place whole or not at all; folders of anything else say what they hold."""

from __future__ import annotations

import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.weights.zips import (
    ONE_FOLDER,
    TWO_TRAININGS_FOLDER,
    custom_members,
    files_in,
    good_zip,
    is_cancelled,
    members_of,
    package,
    visible,
    write_files,
)
from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.custom import custom_networks
from tsdesktop.weights.install import (
    import_networks,
    install_folder,
    install_zip,
    looks_like_networks,
    verify,
)
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import Progress, nobody
from tsdesktop.weights.stopping import Stop

_TRAINING = "nnUNetTrainer__nnUNetPlans__3d_fullres"


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        import_networks(path, nobody, Stop())
    return caught.value


@pytest.mark.parametrize("below", ["", f"{ONE_FOLDER}", f"{ONE_FOLDER}/{_TRAINING}"])
def test_a_folder_is_copied(tmp_path: Path, below: str) -> None:
    litter = {f"{ONE_FOLDER}/{_TRAINING}/fold_0/checkpoint_best.pth": b"x", f"{ONE_FOLDER}/{_TRAINING}/debug.json": b""}
    source = write_files(tmp_path / "source", members_of(package()) | litter)
    before = files_in(source)
    heard: list[Progress] = []
    assert looks_like_networks(source / below)
    assert [each.package for each in install_folder(source / below, heard.append, Stop())] == [package()]
    files = {f"{ONE_FOLDER}/{name}": content for name, content in files_in(package().place).items()}
    assert files == members_of(package()), "without what a training leaves beside it"
    assert files_in(source) == before
    assert heard[-1].share == 1.0
    verify(package(), nobody, Stop())


def test_a_home_of_totalsegmentator_is_copied(tmp_path: Path) -> None:
    obsolete = custom_members(f"Dataset302_vertebrae_body_1559subj/{_TRAINING}")
    members = members_of(package()) | members_of(package(TWO_TRAININGS_FOLDER)) | custom_members() | obsolete
    write_files(tmp_path / "nnunet" / "results", members)
    write_files(tmp_path, {"config.json": b"{}"})
    install_folder(tmp_path, nobody, Stop())
    assert visible() == sorted(["custom", ONE_FOLDER, TWO_TRAININGS_FOLDER])
    assert package(TWO_TRAININGS_FOLDER).is_here


def test_a_folder_that_is_linked_is_copied_as_files(tmp_path: Path) -> None:
    write_files(tmp_path / "far", members_of(package()))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / ONE_FOLDER).symlink_to(tmp_path / "far" / ONE_FOLDER, target_is_directory=True)
    install_folder(tmp_path / "results", nobody, Stop())
    assert not any(each.is_symlink() for each in own_weights_folder().rglob("*"))
    shutil.rmtree(tmp_path / "far")
    verify(package(), nobody, Stop())


def test_a_folder_with_a_checkpoint_that_is_damaged_inside(tmp_path: Path) -> None:
    source = write_files(tmp_path / "source", members_of(package()))
    path = next(source.rglob("*.pth"))
    with ZipFile(path) as archive:
        info = next(each for each in archive.infolist() if each.filename.endswith("data/0"))
    content = bytearray(path.read_bytes())
    content[info.header_offset + 130] ^= 1
    path.write_bytes(content)
    assert refusal(source).sentence == f"The network {ONE_FOLDER} is broken: its checkpoint is damaged."
    assert visible() == []


def test_copying_can_be_cancelled_at_any_moment(tmp_path: Path) -> None:
    source, moment = write_files(tmp_path / "source", members_of(package()) | custom_members()), 0
    while is_cancelled(lambda stop: install_folder(source, nobody, stop), moment):
        assert [each for each in visible() if each != "custom"] == []
        assert custom_networks() == ()
        moment += 1
    assert moment > 6, "once for every file and more"


FOLDERS: dict[str, tuple[dict[str, bytes], str]] = {
    "nothing": ({}, "holds no network."),
    "scan": ({"IM1": bytes(128) + b"DICM"}, "holds a scan, not a network."),
    "nnU-Net 1": ({"Task251_a/x/fold_0/a.model.pkl": b""}, "holds a network of nnU-Net version 1."),
    "code": ({"setup.py": b""}, "holds the source code of a program, not a network."),
    "zip": ({"a.zip": b""}, "holds only another archive: a.zip."),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_holds_something_else(tmp_path: Path, kind: str) -> None:
    members, said = FOLDERS[kind]
    (tmp_path / "chosen").mkdir()
    source = write_files(tmp_path / "chosen", members)
    assert not looks_like_networks(source)
    assert refusal(source).sentence == f"chosen {said}"


@pytest.mark.parametrize(("name", "content"), [("ct.nii.gz", b"\x1f\x8b"), ("IM0001", bytes(128) + b"DICM")])
def test_a_file_that_is_a_scan(tmp_path: Path, name: str, content: bytes) -> None:
    write_files(tmp_path, {name: content})
    assert not looks_like_networks(tmp_path / name)
    assert refusal(tmp_path / name).sentence == f"{name} holds a scan, not a network."


def test_what_is_in_its_place_is_not_imported_again(tmp_path: Path) -> None:
    install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop())
    for folder in (own_weights_folder(), package().place):
        assert refusal(folder).id == "weights.already_here"


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    assert not looks_like_networks(tmp_path / "none")
    assert refusal(tmp_path / "none").id == "weights.not_readable"
    with pytest.raises(WeightsError, match="cannot be read"):
        install_folder(tmp_path / "none", nobody, Stop())


def test_a_large_folder_of_scans_is_looked_at_quickly(tmp_path: Path) -> None:
    for n in range(60):
        write_files(tmp_path / f"patient_{n}" / "study" / "series", {f"{k}.dcm": b"" for k in range(5)})
    assert not looks_like_networks(tmp_path)
