"""File names that every system allows, and files in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsdesktop.core.errors import ExportError
from tsdesktop.exports.writing import file_names, safe_name, written


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("liver", "liver"),
        ("a/b\\c:d", "a_b_c_d"),
        ("con", "con_"),
        ("NUL.txt", "NUL_.txt"),
        ("com1 .stl", "com1 _.stl"),
        (" lead and tail. ", "lead and tail"),
        ("..", "structure"),
        ("x" * 300, "x" * 100),
        ("肝" * 100, "肝" * 66),
    ],
)
def test_names_that_every_system_allows(name: str, safe: str) -> None:
    assert safe_name(name) == safe
    # Plans are made of names that may have been made safe before.
    assert safe_name(safe) == safe


def test_no_two_files_have_one_name_where_case_does_not_count() -> None:
    assert file_names(["a/b", "A:b", "A_b_2", "c"], ".stl") == ["a_b.stl", "A_b_2.stl", "A_b_2_2.stl", "c.stl"]


def test_a_place_that_cannot_be_looked_at_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(ExportError, match="could not be written"),
        written(tmp_path / ("x" * 5000), overwrite=False) as temporary,
    ):
        temporary.write_bytes(b"whole")
    assert not list(tmp_path.iterdir())
