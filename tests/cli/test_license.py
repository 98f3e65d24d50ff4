"""`tsdesktop license`: each state in one sentence, the number never shown whole, and nothing in the shell's history."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.weights.licence_stand_in import REJECTED, VALID, LicenceServer, address_of, running
from tests.weights.password_stores import LockedStore, OpenStore, use
from tsdesktop.cli.command import run
from tsdesktop.core.settings import load_settings
from tsdesktop.weights.licence import store_licence, stored_licence
from tsdesktop.weights.licence_server import SERVER_VARIABLE

NUMBER = "aca_" + "A1b2C3d4E5f6G7"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LicenceServer]:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    with running() as made:
        monkeypatch.setenv(SERVER_VARIABLE, address_of(made))
        yield made


def put_number_of_totalsegmentator(home: Path, number: str = NUMBER) -> None:
    (home / ".totalsegmentator").mkdir()
    (home / ".totalsegmentator" / "config.json").write_text(json.dumps({"license_number": number}))


def test_a_valid_number_is_stored(server: LicenceServer, capsys: Capture) -> None:
    assert run(["license", "set", NUMBER]) == 0
    assert capsys.readouterr() == ("Valid.\nThe number is stored in a file that only you can read.\n", "")
    assert stored_licence() == NUMBER and len(server.asked) == 1


def test_a_rejected_number_is_not_stored(server: LicenceServer, capsys: Capture) -> None:
    server.body = REJECTED
    assert run(["license", "set", NUMBER]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("The licence server rejected the licence number.\n")
    assert NUMBER not in said.err and stored_licence() == ""


def test_a_server_that_fails_keeps_the_number_and_says_so(server: LicenceServer, capsys: Capture) -> None:
    server.code = 500
    assert run(["license", "set", NUMBER]) == 0
    assert capsys.readouterr().out.startswith("The licence server cannot be reached. The number is kept")
    assert run(["license", "status"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("The licence server cannot be reached. The number is kept") and "ejected" not in said
    assert stored_licence() == NUMBER


def test_another_form_is_refused_without_asking(server: LicenceServer, capsys: Capture) -> None:
    assert run(["license", "set", "aca_short"]) == 1
    assert "aca_short" not in capsys.readouterr().err and server.asked == []


def test_without_asking(server: LicenceServer, capsys: Capture) -> None:
    assert run(["license", "set", NUMBER, "--offline"]) == 0
    assert capsys.readouterr().out.startswith("The licence server was not asked.\nThe number is stored")
    assert run(["license", "status", "--offline"]) == 0
    assert capsys.readouterr().out.startswith("The licence server was not asked.\nThe number that ends in f6G7 is")
    assert (stored_licence(), server.asked) == (NUMBER, [])


def test_a_number_comes_from_a_pipe(server: LicenceServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{NUMBER}\nmore\n"))
    assert run(["license", "set", "-", "-q"]) == 0
    assert stored_licence() == NUMBER and capsys.readouterr() == ("", "")


def test_a_number_is_typed_unseen(server: LicenceServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr("getpass.getpass", lambda prompt: NUMBER if prompt == "Licence number: " else "")
    assert run(["license", "-q", "set", "-"]) == 0
    assert stored_licence() == NUMBER and capsys.readouterr() == ("", "")


def test_the_number_of_totalsegmentator_is_offered_and_taken(
    server: LicenceServer, tmp_path: Path, capsys: Capture
) -> None:
    assert run(["license", "set", "--found"]) == 1
    assert "No TotalSegmentator on this computer has a licence number." in capsys.readouterr().err
    put_number_of_totalsegmentator(tmp_path)
    assert run(["license", "status"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("No licence number is entered.\nTotalSegmentator has a number") and "set --found" in said
    assert server.asked == []
    assert run(["license", "set", "--found"]) == 0
    assert stored_licence() == NUMBER
    capsys.readouterr()
    assert run(["license", "status"]) == 0
    assert "TotalSegmentator" not in capsys.readouterr().out


@pytest.mark.parametrize(("body", "state"), [(VALID, "valid"), (REJECTED, "rejected"), (b"<html>", "unreachable")])
def test_the_state_for_other_programs(
    server: LicenceServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture, body: bytes, state: str
) -> None:
    use(OpenStore(), monkeypatch)
    store_licence(NUMBER)
    server.body = body
    assert run(["license", "status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"state": state, "stored": "keyring", "ends_in": "f6G7", "found_totalsegmentator": False}


def test_nothing_is_asked_where_nothing_is_entered(server: LicenceServer, capsys: Capture) -> None:
    assert run(["license", "status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["stored"], told["ends_in"], server.asked) == ("not entered", "", "", [])


def test_a_number_is_removed(server: LicenceServer, capsys: Capture) -> None:
    store_licence(NUMBER)
    assert run(["license", "remove"]) == 0
    assert capsys.readouterr().out == "The number was removed.\n" and stored_licence() == ""
    assert run(["license", "remove"]) == 0
    assert capsys.readouterr().out == "No licence number is entered.\n" and server.asked == []


def test_a_locked_password_store_is_said(
    server: LicenceServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    store = LockedStore()
    store.locked = False
    use(store, monkeypatch)
    store_licence(NUMBER)
    store.locked = True
    assert run(["license", "status"]) == 1
    assert "password store is locked" in capsys.readouterr().err


def test_terms_are_accepted(capsys: Capture) -> None:
    assert run(["license", "accept", "brain_aneurysm"]) == 0
    said = capsys.readouterr().out
    assert "non-commercial purposes only (CC BY-NC 4.0" in said and "Confirmed.\n" in said
    assert "https://doi.org/10.1007/s10278-025-01533-3" in said
    assert load_settings().terms_accepted == "brain_aneurysm"
    assert run(["license", "accept", "brain_aneurysm"]) == 0
    assert "Confirmed already.\n" in capsys.readouterr().out


def test_a_task_without_terms_has_none_to_accept(capsys: Capture) -> None:
    assert run(["license", "accept", "total"]) == 0
    assert capsys.readouterr().out == "total has no terms to confirm.\n"
    assert load_settings().terms_accepted == ""
    assert run(["license", "accept", "totl"]) == 2
    assert "Did you mean total?" in capsys.readouterr().err


def test_a_run_says_how_to_accept_terms(tmp_path: Path, capsys: Capture) -> None:
    assert run(["segment", str(tmp_path / "mr.nii.gz"), "-o", str(tmp_path), "--task", "brain_aneurysm"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert "non-commercial use only" in said[0] and "tsdesktop license accept brain_aneurysm" in said[1]


@pytest.mark.parametrize(
    "arguments", [["license"], ["license", "set"], ["license", "set", NUMBER, "--found"], ["license", "accept"]]
)
def test_wrong_usage_ends_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(arguments)
    assert caught.value.code == 2


def test_nothing_of_the_number_is_printed_whole(server: LicenceServer, tmp_path: Path, capsys: Capture) -> None:
    put_number_of_totalsegmentator(tmp_path, NUMBER[:-1] + "8")
    for arguments in (
        ["set", NUMBER],
        ["status"],
        ["status", "--json"],
        ["status", "--offline"],
        ["remove"],
        ["status"],
    ):
        assert run(["license", *arguments, "-v"]) == 0
    said = capsys.readouterr()
    assert NUMBER[4:10] not in said.out + said.err
