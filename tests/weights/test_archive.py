"""Zips are unpacked as they are, or refused before a file of them is written."""

from __future__ import annotations

import errno
import hashlib
import shutil
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.weights.zips import BAD, members_of, package, write_zip
from tsdesktop.core.errors import Cancelled, WeightsError
from tsdesktop.weights.archive import unpack
from tsdesktop.weights.hashing import FileFact
from tsdesktop.weights.progress import Progress, nobody
from tsdesktop.weights.stopping import Stop

_Usage = namedtuple("_Usage", "total used free")
UNSAFE = ["outside", "absolute", "drive", "backslash", "link", "bomb", "many files", "twice", "case", "reserved"]
UNSAFE += ["encrypted", "compression", "file and folder"]


def files_in(folder: Path) -> dict[str, bytes]:
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_was_packed_is_unpacked(tmp_path: Path, target: Path, method: int) -> None:
    members = members_of(package()) | {
        "Dataset150_icb_v0/empty": b"",
        "Dataset150_icb_v0/größe ä.txt": b"x" * 3_000_000,
    }
    facts = unpack(write_zip(tmp_path / "a.zip", members, method), target, nobody, Stop())
    assert files_in(target) == members
    assert set(facts) == {FileFact(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in members.items()}


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "Dataset1/.DS_Store",
        "__MACOSX/Dataset1/._plans.json",
        "Dataset1/Thumbs.db",
        "Dataset1/._plans.json",
    ],
)
def test_what_systems_add_is_left_out(tmp_path: Path, target: Path, name: str) -> None:
    facts = unpack(write_zip(tmp_path / "a.zip", {"Dataset1/plans.json": b"{}", name: b"x"}), target, nobody, Stop())
    assert list(files_in(target)) == ["Dataset1/plans.json"]
    assert [each.name for each in facts] == ["Dataset1/plans.json"]


def test_a_damaged_file_that_would_be_left_out_counts(tmp_path: Path, target: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": b"x", ".DS_Store": b"something"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"something", b"somewhere", 1))
    with pytest.raises(WeightsError, match=r"damaged: \.DS_Store"):
        unpack(path, target, nobody, Stop())


@pytest.mark.parametrize("kind", UNSAFE)
def test_an_unsafe_zip_is_refused_before_anything_is_written(tmp_path: Path, target: Path, kind: str) -> None:
    path = BAD[kind](tmp_path / "bad.zip")
    with pytest.raises(WeightsError, match=r"bad\.zip"):
        unpack(path, target, nobody, Stop())
    assert list(target.iterdir()) == []
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "name",
    [
        *("con", "NUL.txt", "a/aux", "Com1.json", "lpt9", "a./b", "a /b", "aa:b", "a?b", "a<b", 'a"b', "a|b", "a*b"),
        *("a\x07b", "a//b", "x" * 256),
    ],
)
def test_names_that_not_every_system_can_hold(tmp_path: Path, target: Path, name: str) -> None:
    with pytest.raises(WeightsError) as caught:
        unpack(write_zip(tmp_path / "a.zip", {name: b"x"}), target, nobody, Stop())
    assert caught.value.id == "weights.archive_reserved"


@pytest.mark.parametrize("name", ["console", "a/nulls.txt", "auxiliary", "x" * 255, "a b", "a.b.c", "com10", "./a"])
def test_names_that_only_look_like_those(tmp_path: Path, target: Path, name: str) -> None:
    unpack(write_zip(tmp_path / "a.zip", {name: b"x"}), target, nobody, Stop())
    assert files_in(target) == {name.removeprefix("./"): b"x"}


@pytest.mark.parametrize(("first", "second"), [("a/ß.txt", "A/SS.txt"), ("é", "e\u0301"), ("Plans.json", "plans.json")])
def test_names_that_are_one_on_some_systems(tmp_path: Path, target: Path, first: str, second: str) -> None:
    with pytest.raises(WeightsError) as caught:
        unpack(write_zip(tmp_path / "a.zip", {first: b"x", second: b"y"}), target, nobody, Stop())
    assert caught.value.id == "weights.archive_case"


def test_folders_of_different_case_are_one_place(tmp_path: Path, target: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        unpack(write_zip(tmp_path / "a.zip", {"data": b"x", "DATA/b": b"y"}), target, nobody, Stop())
    assert caught.value.id == "weights.archive_file_and_folder"


def test_small_files_may_shrink_as_much_as_they_like(tmp_path: Path, target: Path) -> None:
    unpack(write_zip(tmp_path / "a.zip", {"zeros": bytes(16_000_000)}), target, nobody, Stop())
    assert (target / "zeros").stat().st_size == 16_000_000


def test_a_size_that_is_a_lie(tmp_path: Path, target: Path) -> None:
    """The list says that a file is short; more than that is never written."""
    path = write_zip(tmp_path / "a.zip", {"zeros": bytes(5_000_000)})
    content = path.read_bytes()
    path.write_bytes(content.replace((5_000_000).to_bytes(4, "little"), (500).to_bytes(4, "little")))
    with pytest.raises(WeightsError, match="damaged"):
        unpack(path, target, nobody, Stop())
    assert sum(len(each) for each in files_in(target).values()) <= 500


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_zip_cut_off_behind_a_checkpoint(tmp_path: Path, target: Path, share: float) -> None:
    """A checkpoint is a zip itself: its table of contents must not be taken for that of the whole."""
    members = members_of(package("Dataset713_annulus_proper_48subj"))
    path = write_zip(tmp_path / "a.zip", members, zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WeightsError, match="ends too early"):
        unpack(path, target, nobody, Stop())


def test_a_zip_that_unpacks_itself(tmp_path: Path, target: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": b"x"})
    path.write_bytes(b"MZ and a program" + path.read_bytes())
    unpack(path, target, nobody, Stop())
    assert files_in(target) == {"a": b"x"}


def test_a_disk_without_room(tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": bytes(3_000_000)})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(10**9, 10**9, 130_000_000))
    with pytest.raises(WeightsError, match=r"a\.zip needs 0\.2 GB, and 0\.1 GB are free"):
        unpack(path, target, nobody, Stop())
    assert list(target.iterdir()) == []


def test_a_disk_that_fills_up_meanwhile(tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": bytes(3_000_000)})
    monkeypatch.setattr("tsdesktop.weights.hashing.os.fsync", _full)
    with pytest.raises(WeightsError) as caught:
        unpack(path, target, nobody, Stop())
    assert caught.value.sentence == "The disk is full."


def _full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_progress_runs_from_nothing_to_all(tmp_path: Path, target: Path) -> None:
    members = {str(n): bytes(2_500_000) for n in range(4)}
    heard: list[Progress] = []
    unpack(write_zip(tmp_path / "a.zip", members, zipfile.ZIP_STORED), target, heard.append, Stop())
    done = [each.done_bytes for each in heard]
    assert done == sorted(done)
    assert done[-1] == 10_000_000
    assert {(each.stage, each.total_bytes) for each in heard} == {("unpacking", 10_000_000)}


def test_unpacking_stops_within_a_file(tmp_path: Path, target: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": bytes(12_000_000)}, zipfile.ZIP_STORED)
    stop = Stop()
    with pytest.raises(Cancelled):
        unpack(path, target, lambda _: stop.set(), stop)
    assert sum(len(each) for each in files_in(target).values()) < 3_000_000


WRONG: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: path.unlink(missing_ok=True), "weights.not_readable"),
    "folder": (lambda path: path.mkdir(), "weights.not_readable"),
    "empty": (lambda path: path.write_bytes(b""), "weights.archive_empty"),
    "page": (lambda path: path.write_bytes(b"<HTML><body>"), "weights.archive_web_page"),
    "gzip": (lambda path: path.write_bytes(b"\x1f\x8b" + bytes(600)), "weights.archive_unknown"),
    "start of a zip": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(600)), "weights.archive_truncated"),
    "end of a zip": (
        lambda path: path.write_bytes(bytes(600) + b"PK\x05\x06" + b"\x09" * 18),
        "weights.archive_unknown",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_that_is_no_zip_says_what_it_is(tmp_path: Path, target: Path, kind: str) -> None:
    make, id = WRONG[kind]
    make(tmp_path / "a.zip")
    with pytest.raises(WeightsError) as caught:
        unpack(tmp_path / "a.zip", target, nobody, Stop())
    assert caught.value.id == id
