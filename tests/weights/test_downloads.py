"""From an address to a network in its place: one program at a time, checked, and nothing left over."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from tests.weights import zips
from tests.weights.interruptions import cut_often, kill_often
from tests.weights.server import Fault, ReleaseServer
from tsdesktop.core.errors import Cancelled, LicenceError, WeightsError
from tsdesktop.core.settings import Settings, save_settings
from tsdesktop.weights import downloads
from tsdesktop.weights.connection import Patience, download_address
from tsdesktop.weights.downloads import (
    digest_of,
    download,
    forget_partial,
    needed_bytes,
    partial_bytes,
    release_digests,
)
from tsdesktop.weights.packages import Package
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import Progress
from tsdesktop.weights.stopping import Stop

QUICK = Patience(tries=3, first_wait_s=0, most_wait_s=0, connect_s=2, read_s=0.5)
NUMBER = "aca_12345678901234"
LICENSED_FOLDER = "Dataset303_face_1559subj"


class Served(NamedTuple):
    """A package as it stands on the server."""

    package: Package
    zip: bytes
    server: ReleaseServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    with ReleaseServer() as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


@pytest.fixture
def served(server: ReleaseServer, tmp_path: Path) -> Served:
    package, data = packed(zips.ONE_FOLDER, tmp_path)
    server.add_package(package, data)
    return Served(package, data, server)


def packed(folder: str, tmp_path: Path) -> tuple[Package, bytes]:
    """A package of the catalogue and its zip, of which the catalogue says the true size."""
    package = zips.package(folder)
    data = zips.write_zip(tmp_path / package.zip_name, zips.members_of(package)).read_bytes()
    return replace(package, networks=tuple(replace(each, zip_bytes=len(data)) for each in package.networks)), data


def left() -> set[str]:
    """All files in the folder of networks but those of installed networks and what is written down of them."""
    own = own_weights_folder()
    files = {each.relative_to(own).as_posix() for each in own.rglob("*") if each.is_file()}
    return {each for each in files if not each.startswith(("Dataset", ".records/"))}


def run(package: Package, patience: Patience = QUICK, *, again: bool = False) -> list[Progress]:
    heard: list[Progress] = []
    download(package, heard.append, Stop(), patience, again=again)
    return heard


def interrupted(served: Served, at: int = 1000) -> None:
    served.server.fail(Fault("status", code=500), Fault("cut", at=at), Fault("status", code=404))
    with pytest.raises(WeightsError):
        run(served.package)
    assert partial_bytes(served.package) == at


def test_from_the_address_into_its_place(served: Served) -> None:
    heard = run(served.package)
    assert served.package.is_here
    assert left() == set()
    assert {"connecting", "downloading", "checking", "unpacking"} <= {each.stage for each in heard}
    assert [each.split("/")[1] for each in served.server.paths] == ["releases", "download", "store"]


def test_what_is_here_is_not_asked_for(served: Served) -> None:
    run(served.package)
    before = len(served.server.requests)
    heard: list[Progress] = []
    installed = download(served.package, heard.append, Stop(), QUICK)
    assert installed.folder == served.package.place
    assert len(served.server.requests) == before
    assert left() == set()


def test_what_is_here_is_fetched_again_on_demand(served: Served) -> None:
    run(served.package)
    before = len(served.server.requests)
    run(served.package, again=True)
    assert len(served.server.requests) > before
    assert served.package.is_here
    assert left() == set()


def test_an_interrupted_download_goes_on(served: Served) -> None:
    interrupted(served)
    assert needed_bytes([served.package]) == len(served.zip) - 1000
    assert not served.package.is_here
    run(served.package)
    assert [each.headers.get("Range") for each in served.server.requests if "Range" in each.headers][
        -1
    ] == "bytes=1000-"
    assert left() == set()


def test_nobody_knows_how_much_where_one_size_is_unknown(served: Served) -> None:
    unknown = replace(served.package, networks=(replace(served.package.networks[0], zip_bytes=None),))
    assert needed_bytes([served.package, unknown]) is None
    assert needed_bytes([served.package]) == len(served.zip)
    assert needed_bytes([]) == 0


def test_what_has_arrived_can_be_forgotten(served: Served) -> None:
    forget_partial(served.package)
    interrupted(served)
    forget_partial(served.package)
    assert partial_bytes(served.package) == 0
    assert left() == set()


def test_what_another_program_is_at_is_not_forgotten(served: Served) -> None:
    interrupted(served)
    lock = own_weights_folder() / ".downloads" / f"{served.package.folder}.lock"
    with FileLock(lock):
        forget_partial(served.package)
    assert partial_bytes(served.package) == 1000


# ------------------------------------------------------------------ damaged


def test_a_file_that_differs_from_the_stated_hash_is_fetched_again(served: Served) -> None:
    served.server.fail(Fault("wrong_bytes", at=2_000))
    run(served.package)
    assert len([each for each in served.server.paths if "/store/" in each]) == 2
    assert served.package.is_here


@pytest.mark.parametrize("stated", [True, False])
def test_a_file_that_is_always_damaged_is_said_and_nothing_is_left(stated: bool, served: Served) -> None:
    served.server.add_package(served.package, served.zip, digest=None if stated else "")
    served.server.always = Fault("wrong_bytes", at=len(served.zip) // 2)
    with pytest.raises(WeightsError) as caught:
        run(served.package)
    assert caught.value.id == "weights.wrong_bytes"
    assert caught.value.arguments["count"] == 3
    assert not served.package.is_here
    assert left() <= {f".downloads/{served.package.folder}.lock"}


def test_a_damaged_file_without_a_stated_hash_is_fetched_again(served: Served) -> None:
    served.server.add_package(served.package, served.zip, digest="")
    served.server.fail(Fault("wrong_bytes", at=len(served.zip) // 2))
    run(served.package)
    assert served.package.is_here
    assert left() == set()


def test_another_network_than_the_one_asked_for_is_not_installed(served: Served, tmp_path: Path) -> None:
    _, other = packed("Dataset260_hip_implant_71subj", tmp_path)
    served.server.add_package(served.package, other)
    with pytest.raises(WeightsError) as caught:
        run(served.package)
    assert caught.value.id == "weights.is_another"
    assert not [each for each in own_weights_folder().iterdir() if each.name.startswith("Dataset")]
    assert partial_bytes(served.package) == 0


# ------------------------------------------------------------------ the disk


def test_space_is_looked_for_before_anything_is_fetched(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2 * len(served.zip)))
    with pytest.raises(WeightsError) as caught:
        run(served.package)
    assert caught.value.id == "weights.disk_space"
    assert not [each for each in served.server.paths if "/store/" in each]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=40 * len(served.zip) + 10**9))
    run(served.package)


def test_a_disk_that_fills_up_while_unpacking_keeps_what_has_arrived(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise WeightsError("weights.disk_full")

    with monkeypatch.context() as patched:
        patched.setattr(downloads, "install_zip", full)
        with pytest.raises(WeightsError, match="full"):
            run(served.package)
    assert partial_bytes(served.package) == len(served.zip)
    before = len([each for each in served.server.paths if "/store/" in each])
    run(served.package)
    assert len([each for each in served.server.paths if "/store/" in each]) == before


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="an administrator may write anywhere")
def test_a_folder_that_may_not_be_written_is_said(served: Served) -> None:
    own_weights_folder().mkdir(parents=True)
    own_weights_folder().chmod(0o500)
    with pytest.raises(WeightsError) as caught:
        run(served.package)
    own_weights_folder().chmod(0o700)
    assert caught.value.id == "weights.not_writable"


def test_a_file_where_the_folder_should_be_is_said(served: Served) -> None:
    own_weights_folder().parent.mkdir(parents=True, exist_ok=True)
    own_weights_folder().write_text("a file")
    with pytest.raises(WeightsError) as caught:
        run(served.package)
    assert caught.value.id == "weights.not_writable"


# ------------------------------------------------------------------ two programs


def test_the_second_of_two_waits_and_finds_it_here(served: Served) -> None:
    served.server.fail(Fault("hold", at=1000))
    stages: dict[str, list[str]] = {"first": [], "second": []}
    waiting, failed = threading.Event(), []

    def work(name: str) -> None:
        def listen(progress: Progress) -> None:
            stages[name].append(progress.stage)
            if progress.stage == "waiting":
                waiting.set()

        try:
            download(served.package, listen, Stop(), replace(QUICK, read_s=10))
        except Exception as error:
            failed.append(error)

    first = threading.Thread(target=work, args=("first",))
    first.start()
    while "downloading" not in stages["first"] and first.is_alive():
        first.join(0.01)
    second = threading.Thread(target=work, args=("second",))
    second.start()
    assert waiting.wait(5)
    served.server.go_on()
    first.join(5)
    second.join(5)
    assert not failed
    assert set(stages["second"]) == {"waiting"}
    assert len([each for each in served.server.paths if "/store/" in each]) == 1
    assert left() == set()


def test_waiting_for_another_program_ends_when_stopped(served: Served) -> None:
    folder = own_weights_folder() / ".downloads"
    folder.mkdir(parents=True)
    stop, heard = Stop(), list[Progress]()

    def listen(progress: Progress) -> None:
        heard.append(progress)
        stop.set()

    with FileLock(folder / f"{served.package.folder}.lock"), pytest.raises(Cancelled):
        download(served.package, listen, stop)
    assert [each.stage for each in heard] == ["waiting"]
    assert not served.server.requests


# ------------------------------------------------------------------ hashes of the release page


def test_the_release_page_states_the_hash(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert digest_of(served.package) == hashlib.sha256(served.zip).hexdigest()
    asked = len(served.server.requests)
    assert digest_of(served.package)
    assert len(served.server.requests) == asked
    (tag,) = {each.path.rpartition("/")[2] for each in served.server.requests}
    assert release_digests(tag, Stop(), fresh=True)
    assert len(served.server.requests) == asked + 1


def test_no_hash_is_not_fatal(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSDESKTOP_RELEASE_API", f"{served.server.url}/nowhere")
    assert digest_of(served.package) == ""
    monkeypatch.setenv("TSDESKTOP_RELEASE_API", "nowhere")
    assert digest_of(served.package) == ""
    run(served.package)
    assert served.package.is_here


def test_with_a_mirror_nobody_else_is_asked(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSDESKTOP_RELEASE_API")
    monkeypatch.setattr(downloads, "RELEASE_API", f"{served.server.url}/never")
    assert digest_of(served.package) == ""
    assert not served.server.requests


def test_the_mirror_of_the_settings_and_of_the_environment(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert served.package.url is not None
    name = "/".join(served.package.url.rsplit("/", 2)[1:])
    assert download_address(served.package) == f"{served.server.mirror}/{name}"
    monkeypatch.delenv("TSDESKTOP_DOWNLOAD_MIRROR")
    assert download_address(served.package) == served.package.url
    save_settings(Settings(download_mirror="https://mirror.example/networks/"))
    assert download_address(served.package) == f"https://mirror.example/networks/{name}"


# ------------------------------------------------------------------ licensed networks


def test_a_licensed_network_is_handed_out_for_the_stored_number(
    server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, data = packed(LICENSED_FOLDER, tmp_path)
    server.add_package(package, data)
    server.licences[NUMBER] = "valid_license"
    with pytest.raises(LicenceError) as caught:
        run(package)
    assert caught.value.id == "licence.needed"
    assert not server.requests
    monkeypatch.setattr(downloads, "stored_licence", lambda: NUMBER)
    run(package)
    assert package.is_here
    assert server.requests[-1].json == {
        "license_number": NUMBER,
        "task": package.networks[0].licence_server_task,
        "version": "2.18.0",
    }
    assert left() == set()
    records = "".join(each.read_text() for each in (own_weights_folder() / ".records").glob("*.json"))
    assert NUMBER not in records


def test_a_rejected_number_is_said_as_that(
    server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, _ = packed(LICENSED_FOLDER, tmp_path)
    monkeypatch.setattr(downloads, "stored_licence", lambda: NUMBER)
    with pytest.raises(LicenceError) as caught:
        run(package)
    assert caught.value.id == "licence.rejected"
    server.always = Fault("status", code=503)
    with pytest.raises(WeightsError) as failed:
        run(package)
    assert failed.value.id == "weights.busy"


def test_the_number_never_goes_out_unencrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, _ = packed(LICENSED_FOLDER, tmp_path)
    monkeypatch.setattr(downloads, "stored_licence", lambda: NUMBER)
    monkeypatch.setenv("TSDESKTOP_LICENCE_SERVER", "http://licence.example")
    with pytest.raises(LicenceError) as caught:
        run(package)
    assert caught.value.id == "licence.address"


# ------------------------------------------------------------------ a share of the long run


def test_many_interruptions_in_a_row_end_with_the_same_file(tmp_path: Path) -> None:
    table = cut_often(tmp_path, cuts=40, megabytes=2, seed=3)
    assert table.tried == 40
    assert table.whole >= 1


def test_a_program_that_is_killed_goes_on_later(tmp_path: Path) -> None:
    table = kill_often(tmp_path, kills=2, megabytes=2, seed=4)
    assert table.tried == 2
    assert table.whole >= 1


def test_nothing_heavy_is_imported_before_something_is_downloaded() -> None:
    lines = "import sys, tsdesktop.weights.downloads as _; print({'httpx', 'keyring', 'truststore'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
