"""The page of the command line says what the program declares."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from installer import docs
from tsdesktop import __version__
from tsdesktop.cli.command import make_parser
from tsdesktop.core.options import NOT_OFFERED, declarations

TOP = docs.PAGE.parents[1]
PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")])


def test_the_page_is_up_to_date() -> None:
    page = docs.PAGE.read_text(encoding="utf-8")
    assert page == docs.renewed(page), "run: .venv/bin/python installer/docs.py"


def test_every_option_has_one_row() -> None:
    rows = re.findall(r"^\| `(-[^ `]+)", docs.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    flags = [each.flag for each in declarations()] + [flags.split()[0] for flags in NOT_OFFERED]
    assert sorted(rows) == sorted(flags)


def test_usage_shows_how_an_option_is_written() -> None:
    usages = {each.name: docs.usage(each) for each in declarations()}
    assert usages["fast"] == "--fast"
    assert usages["task"] == "--task TASK"
    assert usages["roi"] == "--roi NAME ..."
    assert usages["format"] == "--format multilabel|per-class"
    assert usages["meshes"] == "--meshes stl|stl-ascii|3mf|obj|ply|glb|vtp ..."


def test_commands_below_a_command_are_listed_with_their_options() -> None:
    text = docs.commands_text(make_parser(), ("weights", "license"))
    assert "| `weights bundle OUT.zip TASK ...` | **pack networks" in text
    assert r"| `weights download --quality full\|fast\|fastest ...` | several" in text
    assert "| `weights list --updates` | ask the release page" in text
    assert "| `license set NUMBER` |" in text and "--quiet" not in text


def test_bars_in_cells_do_not_end_them() -> None:
    (format_option,) = [each for each in declarations() if each.name == "format"]
    assert r"`--format multilabel\|per-class`" in docs.options_text([format_option])


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="options"):
        docs.renewed("# a page\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = (TOP / "docs" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in TOP.glob("docs/*.md") if f"({page.name})" not in index] == ["README.md"]


def test_the_version_to_cite_is_the_program_s() -> None:
    told = (TOP / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in told
