"""Writes the tables of docs/command-line.md from what the program declares: `.venv/bin/python installer/docs.py`.

A test fails when the page is not what this writes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tsdesktop.cli.command import make_parser
from tsdesktop.core.options import NOT_OFFERED, Declaration, Section, declarations

PAGE = Path(__file__).resolve().parents[1] / "docs" / "command-line.md"
TITLES: dict[Section, str] = {"what": "What is segmented", "how": "How it is computed", "output": "What is written"}


def main() -> None:
    """Brings the page up to date."""
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE} is up to date")


def renewed(page: str) -> str:
    """The page with fresh tables between its markers. Raises ValueError where a marker is missing."""
    page = _between(page, "options", options_text(declarations()))
    page = _between(page, "printing", flags_text(make_parser(), "print"))
    page = _between(page, "sharing", flags_text(make_parser(), "share"))
    page = _between(page, "networks", commands_text(make_parser(), ("weights", "license")))
    page = _between(page, "graphics cards", commands_text(make_parser(), ("runtime",)))
    return _between(page, "not offered", not_offered_text(NOT_OFFERED.items()))


def options_text(all_options: Sequence[Declaration]) -> str:
    """A table of the options for each section."""
    parts = []
    for section, title in TITLES.items():
        rows = [_row(each) for each in all_options if each.section == section]
        parts.append(f"### {title}\n\n{_table(['Option', 'Default', 'Meaning', 'TotalSegmentator'], rows)}")
    return "\n\n".join(parts)


def commands_text(parser: argparse.ArgumentParser, names: Iterable[str]) -> str:
    """A table of the actions of these commands with their options, as their parsers have them."""
    rows: list[list[str]] = []
    for name in names:
        for action, (about, inner) in _actions(_actions(parser)[name][1]).items():
            rows.append([f"`{name} {_with_places(action, inner)}`", f"**{about}**"])
            rows += [[f"`{name} {action} {' '.join(_written(each))}`", str(each.help)] for each in _flags(inner)]
    return _table(["Command or option", "Meaning"], rows)


def flags_text(parser: argparse.ArgumentParser, name: str) -> str:
    """A table of the options of one command, as its parser has them."""
    rows = [[f"`{name} {' '.join(_written(each))}`", _help(each)] for each in _flags(_actions(parser)[name][1])]
    return _table(["Option", "Meaning"], rows)


def not_offered_text(reasons: Iterable[tuple[str, str]]) -> str:
    """A table of upstream's options without a counterpart."""
    return _table(["TotalSegmentator", "Instead, or why not"], [[_code(flags), why] for flags, why in reasons])


def usage(each: Declaration) -> str:
    """How the option is written on the command line, for example `--roi NAME ...`."""
    if each.kind is bool:
        return each.flag
    value = each.metavar or each.name.upper()
    if each.choices:
        value = "|".join(choice for choice in each.choices if choice)
    return f"{each.flag} {value}{' ...' if each.many else ''}"


def _actions(parser: argparse.ArgumentParser) -> Mapping[str, tuple[str, argparse.ArgumentParser]]:
    """The commands below a parser, each with one line about it."""
    for each in parser._actions:
        if isinstance(each, argparse._SubParsersAction):
            about = {choice.dest: str(choice.help) for choice in each._choices_actions}
            return {name: (about[name], inner) for name, inner in each.choices.items()}
    raise ValueError("a command without commands below it")


def _flags(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options that not every command has."""
    common = ("-h", "-q", "-v")
    return (each for each in parser._actions if each.option_strings and each.option_strings[0] not in common)


def _help(each: argparse.Action) -> str:
    return str(each.help).replace("%%", "%")


def _with_places(action: str, parser: argparse.ArgumentParser) -> str:
    """The action with what it takes besides options, for example `bundle OUT.zip TASK ...`."""
    places = [each for each in parser._actions if not each.option_strings]
    return " ".join([action, *(f"{each.metavar}{' ...' if each.nargs in ('*', '+') else ''}" for each in places)])


def _written(each: argparse.Action) -> Iterator[str]:
    """How an option is written, for example `--quality full|fast|fastest ...`."""
    yield each.option_strings[-1]
    if each.nargs != 0:
        value = str(each.metavar or "|".join(each.choices or ()) or each.dest.upper())
        yield f"[{value}]" if each.nargs == "?" else value
    if each.nargs == "+":
        yield "..."


def _row(each: Declaration) -> list[str]:
    return [f"`{usage(each)}`", _default(each), each.help, _code(" ".join(each.upstream))]


def _default(each: Declaration) -> str:
    # A flag says what differs from the default, so it is off whichever value the field has.
    if each.kind is bool or each.default in ((), "", None):
        return ""
    if each.many:
        return " ".join(f"`{one}`" for one in each.default)
    return f"`{each.default:g}`" if isinstance(each.default, float) else f"`{each.default}`"


def _code(flags: str) -> str:
    return " ".join(f"`{flag}`" for flag in flags.split())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def _between(page: str, marker: str, text: str) -> str:
    start, end = f"<!-- {marker}: written by installer/docs.py -->", f"<!-- end of {marker} -->"
    if start not in page or end not in page:
        raise ValueError(f"the page has no place for {marker}: {start} ... {end}")
    return page.partition(start)[0] + f"{start}\n\n{text}\n\n{end}" + page.partition(end)[2]


if __name__ == "__main__":
    main()
