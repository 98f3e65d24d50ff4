"""The licence number: its form, and that nobody else may read it."""

from __future__ import annotations

import os
import stat
from typing import Literal

import pytest

from tsdesktop.core.errors import LicenceError
from tsdesktop.weights.licence import (
    enter_licence,
    forget_licence,
    licence_file,
    state_of,
    store_licence,
    stored_licence,
)

NUMBER = "aca_" + "A1b2C3d4E5f6G7"


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (NUMBER, "valid"),
        (f"  {NUMBER}\n", "valid"),
        ("", "not entered"),
        ("   ", "not entered"),
        (NUMBER[:-1], "rejected"),
        (NUMBER + "x", "rejected"),
        ("xyz_" + NUMBER[4:], "rejected"),
        (NUMBER[:-1] + "-", "rejected"),
    ],
)
def test_the_form_decides(number: str, state: str) -> None:
    assert state_of(number) == state


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
    assert [enter_licence("aca_1", ask), enter_licence(" ", ask), enter_licence(NUMBER)] == [
        "rejected", "not entered", "valid",
    ]  # fmt: skip
    assert stored_licence() == NUMBER
