"""The licence number: its form, where it is kept, that nobody else may read it, and that it is told nobody."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from tests.weights.licence_stand_in import REJECTED, VALID, address_of, running
from tests.weights.password_stores import (
    EmptyChain,
    FileStore,
    ForgetfulStore,
    LockedStore,
    OpenStore,
    SilentStore,
    WeakChain,
    use,
)
from tsdesktop.core.errors import LicenceError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import Volume
from tsdesktop.exports.manifest import Run, manifest_data
from tsdesktop.gui.report import RecentLines, report_text, told_exception
from tsdesktop.weights.licence import (
    enter_licence,
    forget_licence,
    found_licence,
    has_form,
    licence_file,
    store_licence,
    stored_licence,
    where_stored,
)
from tsdesktop.weights.licence_server import SERVER_VARIABLE

NUMBER = "aca_" + "A1b2C3d4E5f6G7"


@pytest.mark.parametrize(
    ("number", "right"),
    [
        (NUMBER, True),
        (f"  {NUMBER}\n", True),
        (NUMBER[:-1] + "-", True),
        ("", False),
        ("   ", False),
        (NUMBER[:-1], False),
        (NUMBER + "x", False),
        ("xyz_" + NUMBER[4:], False),
        (NUMBER[:-2] + " x", False),
        (NUMBER[:-1] + "\u00e4", False),
    ],
)
def test_what_has_the_form_of_a_number(number: str, right: bool) -> None:
    assert has_form(number) is right


def test_a_number_is_kept_and_forgotten() -> None:
    assert stored_licence() == ""
    store_licence(f" {NUMBER} ")
    assert stored_licence() == NUMBER
    forget_licence()
    forget_licence()
    assert stored_licence() == ""


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_only_the_owner_may_read_it() -> None:
    store_licence(NUMBER)
    assert stat.S_IMODE(licence_file().stat().st_mode) == 0o600
    assert [each.name for each in licence_file().parent.iterdir()] == ["licence"]


def test_a_number_of_another_form_is_not_stored(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(LicenceError) as caught:
        store_licence("aca_short")
    assert caught.value.id == "licence.form" and "aca_short" not in caught.value.sentence
    assert stored_licence() == "" and not caplog.text


@pytest.mark.parametrize(("answer", "kept"), [("valid", NUMBER), ("unreachable", NUMBER), ("rejected", "")])
def test_what_a_server_says_decides_whether_it_is_kept(
    answer: Literal["valid", "unreachable", "rejected"], kept: str
) -> None:
    asked: list[str] = []

    def ask(number: str) -> Literal["valid", "unreachable", "rejected"]:
        asked.append(number)
        return answer

    assert enter_licence(f" {NUMBER} ", ask) == answer
    assert (asked, stored_licence()) == ([NUMBER], kept)


def test_nobody_is_asked_about_another_form() -> None:
    def ask(number: str) -> Literal["valid"]:
        raise AssertionError(number)

    store_licence(NUMBER)
    assert [enter_licence("aca_1", ask), enter_licence(" ", ask)] == ["rejected", "not entered"]
    assert stored_licence() == NUMBER


def test_the_systems_password_store_keeps_it_where_there_is_one(
    own_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = OpenStore()
    use(store, monkeypatch)
    assert (stored_licence(), where_stored(), store.calls) == ("", "", [])
    store_licence(NUMBER)
    assert (stored_licence(), where_stored()) == (NUMBER, "keyring")
    assert list(store.kept.values()) == [NUMBER]
    assert not any(NUMBER in each.read_text() for each in own_data_folder.rglob("*") if each.is_file())
    forget_licence()
    assert (stored_licence(), where_stored(), store.kept) == ("", "", {})
    assert threading.get_ident() not in store.threads


def test_a_number_in_the_file_moves_into_the_store_when_it_is_stored_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store_licence(NUMBER)
    assert where_stored() == "file"
    store = OpenStore()
    use(store, monkeypatch)
    assert stored_licence() == NUMBER and store.calls == []
    store_licence(NUMBER)
    assert (where_stored(), stored_licence()) == ("keyring", NUMBER)
    assert NUMBER not in licence_file().read_text()


@pytest.mark.parametrize("store", [LockedStore, ForgetfulStore, FileStore, WeakChain, EmptyChain, null.Keyring])
def test_a_store_that_is_of_no_use_leaves_it_to_the_file(
    store: type[KeyringBackend], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use(store(), monkeypatch)
    store_licence(NUMBER)
    assert (where_stored(), stored_licence()) == ("file", NUMBER)
    forget_licence()
    assert (where_stored(), stored_licence()) == ("", "")
    assert NUMBER not in caplog.text


def test_a_store_that_stays_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsdesktop.weights.password_store._PATIENCE_S", 0.1)
    store = SilentStore()
    use(store, monkeypatch)
    store_licence(NUMBER)
    assert (where_stored(), stored_licence()) == ("file", NUMBER)
    store.person.set()


def test_a_store_that_was_locked_since_is_said_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    store = LockedStore()
    store.locked = False
    use(store, monkeypatch)
    store_licence(NUMBER)
    store.locked = True
    with pytest.raises(LicenceError) as caught:
        stored_licence()
    assert caught.value.id == "licence.locked" and where_stored() == "keyring"
    with pytest.raises(LicenceError) as caught:
        forget_licence()
    assert caught.value.id == "licence.not_removed"
    store.locked = False
    assert stored_licence() == NUMBER


def test_a_number_entered_while_the_store_is_locked_takes_the_place_of_the_one_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = LockedStore()
    store.locked = False
    use(store, monkeypatch)
    store_licence(NUMBER)
    store.locked = True
    other = NUMBER[:-1] + "8"
    store_licence(other)
    store.locked = False
    assert stored_licence() == other
    forget_licence()
    assert store.kept == {}


def test_a_broken_choice_of_store_leaves_it_to_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> KeyringBackend:
        raise ModuleNotFoundError("no such backend")

    monkeypatch.setattr("keyring.get_keyring", fail)
    store_licence(NUMBER)
    assert (where_stored(), stored_licence()) == ("file", NUMBER)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


def write_config(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(text)
    return folder / "config.json"


def test_the_number_of_totalsegmentator_is_found_and_only_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_licence() == ""
    config = write_config(home / ".totalsegmentator", json.dumps({"license_number": NUMBER, "prediction_counter": 7}))
    before = config.read_bytes(), config.stat().st_mtime_ns
    assert found_licence() == NUMBER and stored_licence() == ""
    assert (config.read_bytes(), config.stat().st_mtime_ns) == before
    assert [each.name for each in config.parent.iterdir()] == ["config.json"]
    other = NUMBER[:-1] + "8"
    write_config(home / "elsewhere", json.dumps({"license_number": f" {other}\n"}))
    monkeypatch.setenv("TOTALSEG_HOME_DIR", str(home / "elsewhere"))
    assert found_licence() == other
    write_config(home / "elsewhere", "{}")
    assert found_licence() == NUMBER


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", '"aca_"', "{}", '{"license_number": null}', '{"license_number": 12}',
        '{"license_number": "aca_12345678910"}', "[" * 100_000, " " * 1_000_001,
    ],
    ids=lambda text: text[:30].strip(),
)  # fmt: skip
def test_a_configuration_without_a_number_has_none(home: Path, text: str) -> None:
    write_config(home / ".totalsegmentator", text)
    assert found_licence() == ""


def test_a_configuration_that_is_no_text_has_none(home: Path) -> None:
    write_config(home / ".totalsegmentator", "").write_bytes(b"\xff\xfe\x00{")
    assert found_licence() == ""


def test_the_number_is_in_no_log_report_or_manifest(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    lines = RecentLines()
    logging.getLogger().addHandler(lines)
    stores: list[KeyringBackend] = [OpenStore(), LockedStore(), fail.Keyring()]  # type: ignore[no-untyped-call]
    told: list[str] = []
    try:
        with caplog.at_level(logging.DEBUG), running() as server:
            for name in ("httpx", "httpcore", "keyring", "urllib3"):
                caplog.set_level(logging.DEBUG, name)
            monkeypatch.setenv(SERVER_VARIABLE, address_of(server))
            for store in stores:
                use(store, monkeypatch)
                for code, body in ((200, VALID), (200, REJECTED), (500, NUMBER.encode()), (200, NUMBER.encode())):
                    server.code, server.body = code, body
                    enter_licence(NUMBER)
                with pytest.raises(LicenceError) as caught:
                    store_licence(NUMBER + "x")
                told += [str(caught.value), told_exception(caught.value), repr(caught.value.to_data())]
            monkeypatch.setenv(SERVER_VARIABLE, "http://127.0.0.1:1")
            enter_licence(NUMBER)
    finally:
        logging.getLogger().removeHandler(lines)
    assert len(server.asked) == 12 and caplog.records
    told += [caplog.text, *(repr(vars(each)) for each in caplog.records), report_text(lines.lines)]
    told.append(json.dumps(manifest_data(a_run(), [], tmp_path)))
    assert not [each for each in told if NUMBER[4:] in each]


def a_run() -> Run:
    volume = Volume(np.zeros((4, 4, 4), np.int16), Geometry((4, 4, 4), np.eye(4)), "CT")
    return Run(catalogue().task("lung_vessels"), Options(task="lung_vessels"), volume, (), "cpu", 1.0)
