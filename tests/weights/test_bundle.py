"""A bundle carries networks to another computer: whole, checked file by file, and without a word about the person."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    write_zip,
)
from tsdesktop import __version__
from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.bundle import install_bundle, read_manifest, write_bundle
from tsdesktop.weights.custom import custom_networks, recolour_custom, rename_custom
from tsdesktop.weights.install import import_networks, install_zip, looks_like_networks
from tsdesktop.weights.licence import store_licence
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import Progress, nobody
from tsdesktop.weights.stopping import Stop

_PACKAGES = (package(), package(TWO_TRAININGS_FOLDER))
Edit = Callable[[dict[str, bytes]], Any]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle of two packages and a network of one's own, made on this computer."""
    for each in (ONE_FOLDER, TWO_TRAININGS_FOLDER):
        install_zip(good_zip(tmp_path / "a.zip", each), None, nobody, Stop())
    install_zip(write_zip(tmp_path / "a.zip", custom_members()), None, nobody, Stop())
    rename_custom("custom_kidneys", "Both kidneys")
    recolour_custom("custom_kidneys", "structure_2", (1, 2, 3))
    (tmp_path / "a.zip").unlink()
    write_bundle(tmp_path / "bundle.zip", _PACKAGES, ["cerebral_bleed", "custom_kidneys"], nobody, Stop())
    return tmp_path / "bundle.zip"


@pytest.fixture
def elsewhere(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bundle on another computer."""
    monkeypatch.setenv("TSDESKTOP_DATA_DIR", str(tmp_path / "other"))
    assert not package().is_here
    return bundle


def edited(path: Path, edit: Edit) -> Path:
    """The bundle with its members changed; what is not in them is lost."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    edit(members)
    return write_zip(path, members, zipfile.ZIP_STORED)


def edit_manifest(members: dict[str, bytes], **changes: Any) -> None:
    members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | changes).encode()


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        import_networks(path, nobody, Stop())
    return caught.value


def test_networks_arrive_as_they_left(bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = {each: files_in(each.place) for each in _PACKAGES}
    own = {each.name: files_in(each.folder) for each in custom_networks()}
    monkeypatch.setenv("TSDESKTOP_DATA_DIR", str(tmp_path / "other"))
    assert looks_like_networks(bundle)
    installed = import_networks(bundle, nobody, Stop())
    assert {each.package for each in installed} == {*_PACKAGES, None}
    assert {each: files_in(each.place) for each in _PACKAGES} == before
    assert all(each.is_here for each in _PACKAGES)
    assert {each.name: files_in(each.folder) for each in custom_networks()} == own
    assert [(each.title, each.colours) for each in custom_networks()] == [("Both kidneys", {"structure_2": (1, 2, 3)})]
    assert visible() == sorted(["custom", ONE_FOLDER, TWO_TRAININGS_FOLDER])


def test_the_list_comes_first_and_nothing_is_packed_twice(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        assert archive.namelist()[0] == "manifest.json"
        assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.testzip() is None
    manifest = read_manifest(bundle)
    assert manifest.program == __version__
    assert manifest.tasks == ("cerebral_bleed", "custom_kidneys")
    assert manifest.networks == (ONE_FOLDER, TWO_TRAININGS_FOLDER)
    names = {each.name for each in manifest.files}
    assert names == {*members_of(package()), *members_of(package(TWO_TRAININGS_FOLDER))} | {
        f"custom/{name}" for name in custom_members()
    }
    assert manifest.bytes < bundle.stat().st_size < manifest.bytes + 20_000


def test_a_bundle_says_nothing_about_the_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "mustermann")
    store_licence("aca_ABCDEFGHIJKLMN")
    install_zip(good_zip(tmp_path / "a.zip"), None, nobody, Stop(), address="https://example.org/mustermann")
    write_bundle(tmp_path / "bundle.zip", [package()], ["cerebral_bleed"], nobody, Stop())
    content = (tmp_path / "bundle.zip").read_bytes()
    for word in (b"aca_", b"mustermann", str(tmp_path).encode(), str(own_weights_folder()).encode(), b"licence"):
        assert word not in content


def test_networks_that_another_program_keeps_can_be_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOTALSEG_WEIGHTS_PATH", str(tmp_path / "results"))
    litter = {f"{ONE_FOLDER}/nnUNetTrainer__nnUNetPlans__3d_fullres/fold_0/checkpoint_best.pth": b"x"}
    write_files(tmp_path / "results", members_of(package()) | litter)
    write_bundle(tmp_path / "bundle.zip", [package()], [], nobody, Stop())
    assert {each.name for each in read_manifest(tmp_path / "bundle.zip").files} == set(members_of(package()))


def test_what_is_not_here_cannot_be_bundled(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        write_bundle(tmp_path / "bundle.zip", [package()], [], nobody, Stop())
    assert caught.value.sentence == f"The bundle cannot be made: {ONE_FOLDER} is not on this computer."
    assert list(tmp_path.iterdir()) == []


def test_an_empty_bundle_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        write_bundle(tmp_path / "bundle.zip", [], ["no task of one's own"], nobody, Stop())
    assert caught.value.sentence == "The bundle would be empty."
    assert list(tmp_path.iterdir()) == []


def test_a_scan_with_a_list_of_its_own_is_no_bundle(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"manifest.json": b"{}", "1.dcm": b"x", "2.dcm": b"x"})
    assert not looks_like_networks(path)
    assert refusal(path).sentence == "a.zip holds a scan, not a network."


def test_making_a_bundle_can_be_cancelled_at_any_moment(bundle: Path, tmp_path: Path) -> None:
    path, moment = tmp_path / "second.zip", 0
    path.write_bytes(b"an older one")
    while is_cancelled(lambda stop: write_bundle(path, _PACKAGES, [], nobody, stop), moment):
        assert path.read_bytes() == b"an older one"
        assert sorted(each.name for each in tmp_path.iterdir()) == ["bundle.zip", "second.zip"]
        moment += 1
    assert moment > 15, "twice for every file"
    assert read_manifest(path).networks == (ONE_FOLDER, TWO_TRAININGS_FOLDER)


def test_progress_runs_from_nothing_to_all(bundle: Path, tmp_path: Path) -> None:
    heard: list[Progress] = []
    write_bundle(tmp_path / "second.zip", _PACKAGES, [], heard.append, Stop())
    done = [each.done_bytes for each in heard]
    assert done == sorted(done)
    assert heard[-1].share == 1.0


def test_a_bundle_that_cannot_be_written(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        write_bundle(tmp_path / "nowhere" / "a.zip", _PACKAGES, [], nobody, Stop())
    assert caught.value.sentence == "a.zip could not be put in its place: No such file or directory."


def test_installing_a_bundle_can_be_cancelled_at_any_moment(elsewhere: Path) -> None:
    moment = 0
    while is_cancelled(lambda stop: install_bundle(elsewhere, nobody, stop), moment):
        assert not package().is_here
        assert custom_networks() == ()
        moment += 1
    assert moment > 15


def _other_byte(members: dict[str, bytes]) -> None:
    name = next(each for each in members if each.endswith(".pth"))
    members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])


_UNREADABLE = "its list of files cannot be read."
BAD: dict[str, tuple[Edit, str]] = {
    "newer": (
        lambda members: edit_manifest(members, version=2),
        "bundle.zip was made by a newer version of this program.",
    ),
    "another list": (lambda members: edit_manifest(members, format="x"), _UNREADABLE),
    "broken list": (lambda members: members.update({"manifest.json": b"{"}), _UNREADABLE),
    "list of nothing": (
        lambda members: members.update({"manifest.json": b"null"}),
        "its list of files cannot be read.",
    ),
    "hashes of nothing": (lambda members: edit_manifest(members, files=[3]), _UNREADABLE),
    "changed": (_other_byte, "checkpoint_final.pth is not what was packed."),
    "missing": (lambda members: members.pop(f"{next(reversed(members))}"), "is missing."),
    "surplus": (lambda members: members.update({"Dataset1/x": b"y"}), "Dataset1/x is not in its list."),
    "outside": (
        lambda members: members.update({"../outside": b"y"}),
        "bundle.zip is refused: it would write ../outside outside of its folder.",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_bundle_installs_nothing(elsewhere: Path, kind: str) -> None:
    edit, said = BAD[kind]
    error = refusal(edited(elsewhere, edit))
    assert error.sentence.endswith(said)
    assert error.sentence.startswith("bundle.zip ")
    assert visible() == []
    assert not (elsewhere.parent / "outside").exists()


def test_a_bundle_that_was_cut_off(elsewhere: Path) -> None:
    content = elsewhere.read_bytes()
    elsewhere.write_bytes(content[: len(content) // 2])
    assert looks_like_networks(elsewhere)
    assert refusal(elsewhere).sentence == "bundle.zip ends too early: part of it is missing."


def test_an_ordinary_zip_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="its list of files is missing"):
        install_bundle(good_zip(tmp_path / "a.zip"), nobody, Stop())


def test_titles_and_colours_that_are_here_stay(bundle: Path) -> None:
    rename_custom("custom_kidneys", "Mine")
    installed = import_networks(bundle, nobody, Stop())
    assert all(each.replaced for each in installed)
    assert [each.title for each in custom_networks()] == ["Mine"]
