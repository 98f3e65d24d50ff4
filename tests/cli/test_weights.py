"""`tsdesktop weights` as a person types it, against a release server on this computer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.slow_network import write_slow_network
from tests.weights.server import Fault, ReleaseServer
from tests.weights.zips import custom_members, good_zip, members_of, package, write_files, write_zip
from tsdesktop.cli import download
from tsdesktop.cli.command import make_parser, run
from tsdesktop.cli.network_names import download_command, packages_of_names
from tsdesktop.cli.transfers import transfer_text
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.weights.connection import Patience
from tsdesktop.weights.licence import store_licence
from tsdesktop.weights.progress import Progress

FAST, COARSE = "Dataset297_TotalSegmentator_total_3mm_1559subj", "Dataset298_TotalSegmentator_total_6mm_1559subj"
VESSELS = "Dataset008_HepaticVessel"
Said = pytest.CaptureFixture[str]


def tag_of(folder: str) -> str:
    return (package(folder).url or "").split("/")[-2]


@pytest.fixture(scope="session")
def zips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Zips as the release page has them, by their folders."""
    place = tmp_path_factory.mktemp("zips")
    return {folder: good_zip(place / f"{folder}.zip", folder) for folder in (FAST, COARSE, VESSELS)}


@pytest.fixture
def server(zips: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    with ReleaseServer() as server:
        for folder, path in zips.items():
            server.add_file(path.name, path, tag=tag_of(folder))
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        # These zips are smaller than the published ones, about which a download is in doubt at first.
        hurried = partial(Patience, first_wait_s=0.01, most_wait_s=0.01)
        monkeypatch.setattr("tsdesktop.weights.downloads.Patience", hurried)
        yield server


def fetched(server: ReleaseServer) -> list[str]:
    """The zips that were asked for, each once."""
    return list(dict.fromkeys(Path(path).name for path in server.paths if path.startswith("/download/")))


def chosen(*arguments: str) -> list[int]:
    given = make_parser().parse_args(["weights", "download", *arguments])
    return [each.networks[0].dataset_id for each in packages_of_names(given, catalogue())]


def test_download_fetches_what_the_run_needs_and_says_how_much_first(server: ReleaseServer, capsys: Said) -> None:
    assert run(["weights", "download", "total", "--fast"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith(f"To download: {FAST}, 1") and "Free on this disk" in said.out
    assert said.out.splitlines()[-1] == f"{FAST} is here."
    assert fetched(server) == [f"{FAST}.zip"] and package(FAST).is_here
    asked = len(server.requests)
    assert run(["weights", "download", "total", "--fast"]) == 0
    assert "here already" in capsys.readouterr().out and len(server.requests) == asked


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ("total", [291, 292, 293, 294, 295]),
        ("total --fast", [297]),
        ("total --quality fast fastest", [297, 298]),
        ("total --roi liver rib_left_1", [298, 291, 295]),
        ("total --roi liver --robust-crop", [297, 291]),
        ("liver_vessels", [298, 8]),
        ("liver_vessels total --fastest", None),
        ("liver_vessels lung_vessels", [298, 8, 297, 117]),
        ("total --for-offline", [291, 292, 293, 294, 295, 297, 298, 300]),
        ("total_v3 --fast --model-size small", [836]),
        (f"{FAST} 298 Dataset008", [297, 298, 8]),
        ("bone", []),
    ],
)
def test_only_what_is_needed_is_chosen(arguments: str, ids: list[int] | None, capsys: Said) -> None:
    if ids is None:
        assert run(["weights", "download", *arguments.split()]) == 2
        assert "liver_vessels has no fastest version" in capsys.readouterr().err
    else:
        assert set(chosen(*arguments.split())) == set(ids)


def test_a_crop_network_comes_with_the_task_and_a_folder_may_stand_for_it(server: ReleaseServer, capsys: Said) -> None:
    assert run(["weights", "download", "liver_vessels"]) == 0
    assert "To download: 2 networks" in capsys.readouterr().out
    assert fetched(server) == [f"{COARSE}.zip", f"{VESSELS}.zip"]
    assert run(["weights", "download", "297", "-q"]) == 0
    assert capsys.readouterr() == ("", "") and package(FAST).is_here


def test_one_that_fails_does_not_keep_the_others_away(server: ReleaseServer, capsys: Said) -> None:
    assert run(["weights", "download", "150", "liver_vessels"]) == 1
    said = capsys.readouterr()
    assert "does not have Dataset150_icb_v0.zip" in said.err
    assert said.err.splitlines()[-2] == "Not downloaded: Dataset150_icb_v0."
    assert package(COARSE).is_here and package(VESSELS).is_here and "Traceback" not in said.err


def test_a_full_disk_ends_all_of_it(server: ReleaseServer, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1_000_000))
    assert run(["weights", "download", "liver_vessels"]) == 1
    said = capsys.readouterr().err
    assert "The download needs" in said and "0.0 GB are free" in said
    assert server.requests == []


def test_a_licensed_network_without_a_number_is_told_before_anything_is_fetched(
    server: ReleaseServer, capsys: Said
) -> None:
    assert run(["weights", "download", "liver_vessels", "face"]) == 1
    assert "Dataset303_face_1559subj is handed out for a licence number only" in capsys.readouterr().err
    assert server.requests == []


def test_a_licensed_network_comes_with_a_number(
    server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    number = "aca_12345678901234"
    server.licences[number] = "valid_license"
    server.add_licensed("face", good_zip(tmp_path / "face.zip", "Dataset303_face_1559subj"))
    store_licence(number)
    assert run(["weights", "download", "face"]) == 0
    said = capsys.readouterr()
    assert "of unknown size" in said.out and package("Dataset303_face_1559subj").is_here
    assert number not in said.out + said.err


def test_all_is_what_is_open_and_with_a_number_everything() -> None:
    given = make_parser().parse_args(["weights", "download", "--all"])
    open_ones = download.wanted(given, catalogue())
    assert {each.source for each in open_ones} == {"release"}
    store_licence("aca_12345678901234")
    everything = download.wanted(given, catalogue())
    assert {each.source for each in everything} == {"release", "licence_server"} and len(everything) == 67


def test_terms_are_accepted_before_a_network_is_fetched(
    server: ReleaseServer, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    folder = "Dataset615_MAXIMUS"
    for name in ("brain_aneurysm", folder):
        assert run(["weights", "download", name]) == 1
        assert "tsdesktop license accept brain_aneurysm" in capsys.readouterr().err
    assert server.requests == []
    taken: list[str] = []
    monkeypatch.setattr(download, "download_all", lambda missing, _: taken.extend(each.folder for each in missing))
    assert run(["weights", "download", "--all"]) == 0
    assert f"Left out: {folder}" in capsys.readouterr().err and folder not in taken and FAST in taken
    assert run(["license", "accept", "brain_aneurysm"]) == 0
    assert run(["weights", "download", "brain_aneurysm"]) == 0 and taken[-1] == folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("download", "No task was named."),
        ("download totl", "Did you mean total?"),
        ("download total --roi livr", "Did you mean liver?"),
        ("download total_fast", "Use total --fast."),
        ("download total_fast_mr", "Use total_mr --fast."),
        ("download lung_vessels --fast", "lung_vessels has no fast version."),
        ("bundle x.zip", "No task was named."),
        ("remove livr_vessels", "Did you mean liver_vessels?"),
        ("list --task totl", "Did you mean total?"),
    ],
)
def test_slips_are_told_with_what_was_meant(arguments: str, words: str, capsys: Said) -> None:
    assert run(["weights", *arguments.split()]) == 2
    said = capsys.readouterr()
    assert words in said.err and "Traceback" not in said.err


@pytest.mark.skipif(os.name != "posix", reason="signals as a terminal sends them")
def test_ctrl_c_keeps_what_is_there_and_the_same_command_goes_on(
    server: ReleaseServer, own_data_folder: Path, zips: dict[str, Path]
) -> None:
    half = zips[FAST].stat().st_size // 2
    server.fail(*[Fault("hold", at=half)] * 3)
    command = [sys.executable, "-m", "tsdesktop", "weights", "download", "total", "--fast"]
    part = own_data_folder / "weights" / ".downloads" / f"{FAST}.part"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        until = time.monotonic() + 60
        while (not part.exists() or part.stat().st_size < half) and time.monotonic() < until:
            time.sleep(0.02)
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=10)
    assert program.returncode == 1 and "Traceback" not in said
    assert "What was fetched is kept; the same command goes on from there." in said
    assert said.rstrip().endswith("Cancelled.")
    assert part.stat().st_size >= half and not package(FAST).is_here
    server.go_on()
    assert run(["weights", "download", "total", "--fast"]) == 0
    assert any("Range" in each.headers for each in server.requests) and package(FAST).is_here
    assert not part.exists()


def test_list_shows_states_and_json_has_an_entry_for_each_network(
    server: ReleaseServer, capsys: Said, own_data_folder: Path
) -> None:
    assert run(["weights", "download", "298", "-q"]) == 0
    assert run(["weights", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    by_key = {each["key"]: each for each in listed}
    assert set(by_key) >= set(catalogue().networks)
    assert by_key["298"]["state"] == "here" and by_key["298"]["bytes"] > 10_000
    assert by_key["298"]["place"] == str(own_data_folder / "weights" / COARSE)
    assert not by_key["298"]["read_only"] and "total" in by_key["298"]["tasks"]
    assert by_key["297"]["state"] == "missing" and by_key["297"]["zip_bytes"] == catalogue().networks["297"].zip_bytes
    assert by_key["831"]["folder"] == by_key["831-small"]["folder"]
    assert by_key["831"]["model_folder"] != by_key["831-small"]["model_folder"]
    assert by_key["303"]["licensed"] and by_key["303"]["source"] == "licence_server"
    assert run(["weights", "list"]) == 0
    table = capsys.readouterr().out.splitlines()
    (row,) = [line for line in table if line.startswith(COARSE)]
    assert row.split()[1] == "here"
    assert str(own_data_folder / "weights") in table[-1]
    assert run(["weights", "list", "--task", "liver_vessels"]) == 0
    rows = capsys.readouterr().out
    assert VESSELS in rows and COARSE in rows and "Dataset291" not in rows


def test_another_programs_networks_are_listed_as_only_read_and_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    write_files(tmp_path, members_of(package(FAST)))
    monkeypatch.setenv("TOTALSEG_WEIGHTS_PATH", str(tmp_path))
    assert run(["weights", "list", "--task", "total"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(FAST)]
    assert f"only read: {tmp_path}" in row
    assert run(["weights", "remove", FAST, "--yes"]) == 1
    assert "belongs to another program" in capsys.readouterr().err
    assert package(FAST).is_here


def test_import_takes_zips_and_folders_and_says_what_is_wrong_with_others(tmp_path: Path, capsys: Said) -> None:
    good = good_zip(tmp_path / "renamed by a browser (1).zip", COARSE)
    folder = write_files(tmp_path / "copied", members_of(package(VESSELS)))
    bad = tmp_path / "letter.zip"
    bad.write_text("Dear colleague")
    assert run(["weights", "import", str(good), str(bad), str(folder)]) == 1
    said = capsys.readouterr()
    assert "letter.zip is not a zip archive." in said.err and "Not imported: letter.zip." in said.err
    assert package(COARSE).is_here and package(VESSELS).is_here
    assert str(package(COARSE).place) in said.out
    assert run(["weights", "import", str(good)]) == 0
    assert "replaced" in capsys.readouterr().out


def test_a_network_of_ones_own_is_imported_listed_verified_and_removed(tmp_path: Path, capsys: Said) -> None:
    zipped = write_zip(tmp_path / "kidneys.zip", custom_members())
    assert run(["weights", "import", str(zipped)]) == 0
    capsys.readouterr()
    assert run(["weights", "list", "--json"]) == 0
    (own,) = [each for each in json.loads(capsys.readouterr().out) if each["source"] == "custom"]
    (name,) = own["tasks"]
    assert own["state"] == "here" and own["bytes"] > 0
    assert run(["weights", "verify", name]) == 0
    assert capsys.readouterr().out == f"{name}: ok\n"
    assert run(["info"]) == 0
    assert name in capsys.readouterr().out
    assert run(["weights", "remove", name, "--yes"]) == 0
    assert "are free again" in capsys.readouterr().out
    assert run(["weights", "verify", name]) == 2


def test_verify_names_each_and_repairs_what_is_broken(server: ReleaseServer, capsys: Said) -> None:
    assert run(["weights", "download", "liver_vessels", "-q"]) == 0
    assert run(["weights", "verify", "liver_vessels"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{COARSE}: ok", f"{VESSELS}: ok"]
    (checkpoint,) = package(VESSELS).place.rglob("checkpoint_final.pth")
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 0xFF
    checkpoint.write_bytes(content)
    assert run(["weights", "verify", "liver_vessels"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == f"{COARSE}: ok" and said.out.splitlines()[1].startswith(
        f"{VESSELS}: The network"
    )
    assert f"Not whole: {VESSELS}." in said.err
    assert run(["weights", "verify", VESSELS, "--repair"]) == 0
    assert run(["weights", "verify"]) == 0
    assert fetched(server).count(f"{COARSE}.zip") == 1


def test_remove_keeps_what_other_tasks_run_with_unless_it_is_named(server: ReleaseServer, capsys: Said) -> None:
    assert run(["weights", "download", "liver_vessels", "-q"]) == 0
    assert run(["weights", "remove", "liver_vessels", "--yes"]) == 0
    said = capsys.readouterr().out
    assert f"{COARSE} stays: total can run with it here." in said and "are free again" in said
    assert package(COARSE).is_here and not package(VESSELS).place.exists()
    assert run(["weights", "remove", COARSE, "--yes"]) == 0
    assert not package(COARSE).place.exists()
    assert run(["weights", "remove", COARSE, "--yes"]) == 1
    assert f"Nothing of {COARSE} is on this computer." in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "code", "here"), [("n", 1, True), ("", 1, True), ("y", 0, False)])
def test_remove_asks_on_a_terminal(
    answer: str, code: int, here: bool, server: ReleaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["weights", "download", FAST, "-q"]) == 0
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def reply(question: str) -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr("builtins.input", reply)
    assert run(["weights", "remove", FAST]) == code
    assert asked == [f"Remove {FAST}? [y/N] "] and package(FAST).is_here == here


def test_obsolete_networks_are_listed_and_removed_when_asked_for(own_data_folder: Path, capsys: Said) -> None:
    old = own_data_folder / "weights" / "Dataset302_vertebrae_body_1559subj"
    write_files(old, {"plans.json": b"{}"})
    assert run(["weights", "list", "--json"]) == 0
    (entry,) = [each for each in json.loads(capsys.readouterr().out) if each["state"] == "obsolete"]
    assert entry["folder"] == old.name and entry["key"] is None
    assert run(["weights", "remove", "--obsolete", "--yes"]) == 0 and not old.exists()


def test_updates_are_asked_for_only_when_told_to(server: ReleaseServer, tmp_path: Path, capsys: Said) -> None:
    assert run(["weights", "download", COARSE, "-q"]) == 0
    server.add_file(f"{COARSE}.zip", b"PK a newer one", tag=tag_of(COARSE))
    asked = len(server.requests)
    assert run(["weights", "list"]) == 0 and len(server.requests) == asked
    assert "newer one" not in capsys.readouterr().out
    assert run(["weights", "list", "--updates"]) == 0 and len(server.requests) > asked
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(COARSE)]
    assert "newer one" in row


def test_a_bundle_carries_networks_to_another_computer(
    server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    bundle = tmp_path / "to carry.zip"
    assert run(["weights", "download", "liver_vessels", "-q"]) == 0
    assert run(["weights", "bundle", str(bundle), "liver_vessels", "150"]) == 0
    said = capsys.readouterr()
    assert "2 networks" in said.out and "Not on this computer, so not in the bundle: " in said.err
    assert "Dataset150_icb_v0" in said.err
    assert run(["weights", "bundle", str(bundle), "liver_vessels"]) == 1
    assert "exists already" in capsys.readouterr().err
    monkeypatch.setenv("TSDESKTOP_DATA_DIR", str(tmp_path / "other computer"))
    assert not package(VESSELS).is_here
    asked = len(server.requests)
    assert run(["weights", "import", str(bundle)]) == 0
    assert package(VESSELS).is_here and package(COARSE).is_here and len(server.requests) == asked
    assert run(["weights", "verify", "liver_vessels"]) == 0


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    array = np.random.default_rng(7).integers(-100, 200, (24, 24, 24)).astype(np.int16)
    nib.save(nib.Nifti1Image(array, np.diag([3.0, 3.0, 3.0, 1.0])), tmp_path / "ct.nii.gz")
    return tmp_path / "ct.nii.gz"


def test_a_run_names_the_command_that_downloads_all_it_lacks(ct: Path, tmp_path: Path, capsys: Said) -> None:
    asked = ["segment", str(ct), "-o", str(tmp_path / "out"), "--roi", "liver", "rib_left_1", "--robust-crop"]
    assert run(asked) == 1
    said = capsys.readouterr().err
    assert "`tsdesktop weights download total --roi liver rib_left_1 --robust-crop`" in said
    assert f"{FAST}.zip" in said and "github.com" in said
    assert chosen("total", "--roi", "liver", "rib_left_1", "--robust-crop") == [297, 291, 295]


def test_segment_downloads_first_when_told_to(server: ReleaseServer, ct: Path, tmp_path: Path, capsys: Said) -> None:
    network = catalogue().networks["297"]
    write_slow_network(tmp_path / "made" / network.folder, network.labels, patch=16, features=2)
    made = tmp_path / "made" / network.dataset_folder
    files = {str(each.relative_to(made.parent)): each.read_bytes() for each in made.rglob("*") if each.is_file()}
    server.add_file(f"{FAST}.zip", write_zip(tmp_path / "made.zip", files), tag=tag_of(FAST))
    out = tmp_path / "out"
    asked = ["segment", str(ct), "-o", str(out), "--fast", "--download"]
    assert run([*asked, "--roi", "livr"]) == 2 and run(["segment", "nowhere.nii", *asked[2:]]) == 1
    assert server.requests == []
    assert run(asked) == 0
    assert fetched(server) == [f"{FAST}.zip"] and (out / "total.nii.gz").is_file()
    assert f"To download: {FAST}" in capsys.readouterr().err
    asked_for = len(server.requests)
    assert run([*asked, "--overwrite"]) == 0 and len(server.requests) == asked_for


def test_the_command_that_is_named_is_the_one_that_works() -> None:
    assert download_command(Options()) == "tsdesktop weights download total"
    assert download_command(Options(task="body", fast=True)) == "tsdesktop weights download body --fast"
    small = Options(task="total_v3", model_size="small", device="cpu", roi=("liver", "spleen"))
    command = "tsdesktop weights download total_v3 --model-size small --roi liver spleen"
    assert download_command(small) == command
    make_parser().parse_args(command.split()[1:])


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (
            Progress("downloading", 60_400_000, 135_000_000, 4_500_000.0, 16.6),
            " 45% · 60 MB of 135 MB · 4 MB/s · 17 s left · name",
        ),
        (Progress("downloading", 1_260_000_000), "1.3 GB · name"),
        (Progress("retrying", 10, 100, retry_in_s=4.2), " 10% · the connection was lost · next try in 4 s · name"),
        (Progress("connecting", 0, 100), "connecting · name"),
        (Progress("waiting"), "another program is at it, waiting · name"),
        (Progress("unpacking", 50, 100), " 50% · unpacking · name"),
    ],
)
def test_progress_of_downloads_reads_well(told: Progress, text: str) -> None:
    assert transfer_text(told, "name") == text


def test_in_a_log_there_are_few_lines(server: ReleaseServer, capsys: Said) -> None:
    assert run(["weights", "download", "total", "--fast"]) == 0
    assert "\r" not in capsys.readouterr().err
