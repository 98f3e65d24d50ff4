"""`tsdesktop license`: the licence number some networks need, and the terms of use of others."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from typing import Any, Literal

from tsdesktop.core.errors import LicenceError
from tsdesktop.core.tasks import catalogue
from tsdesktop.weights.licence import (
    LICENCE_URL,
    LicenceState,
    Place,
    enter_licence,
    forget_licence,
    found_licence,
    has_form,
    store_licence,
    stored_licence,
    where_stored,
)
from tsdesktop.weights.licence_server import ask_server
from tsdesktop.weights.terms import TERMS_NAME, TERMS_URL, accept_terms, needs_terms

_EPILOG = f"""examples:
  tsdesktop license set -                    asks for the number, or reads it from a pipe
  tsdesktop license set --found              takes the one TotalSegmentator has on this computer
  tsdesktop license status
  tsdesktop license accept brain_aneurysm

A number is free for academic use: {LICENCE_URL}
It is kept in the system's password store, or where there is none in a file that only you can read. It is sent to the
licence server of the networks' makers and to nobody else: by `set` and `status` without --offline, and to download a
network that needs it. Runs ask nobody."""
_STATES: dict[LicenceState | Literal["not asked"], str] = {
    "valid": "Valid.",
    "rejected": "Rejected: the licence server does not accept this number.",
    "unreachable": "The licence server cannot be reached. The number is kept, and asked about again when it is needed.",
    "not entered": "No licence number is entered.",
    "not asked": "The licence server was not asked.",
}
_PLACES: dict[Place, str] = {
    "keyring": "in the system's password store",
    "file": "in a file that only you can read",
    "": "",
}


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "license",
        help="enter, check or remove a licence number",
        description="Keeps the licence number that some networks need, and confirms the terms of use of others.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_set(actions)
    status = actions.add_parser("status", help="whether the number is valid, and where it is kept")
    status.add_argument("--offline", action="store_true", help="do not ask the licence server")
    status.add_argument("--json", action="store_true", help="machine-readable")
    status.set_defaults(command=_show_status)
    remove = actions.add_parser("remove", help="forget the number")
    remove.set_defaults(command=_remove)
    accept = actions.add_parser("accept", help="confirm that a task is used on its terms")
    accept.add_argument("task", metavar="TASK", help="a task with terms of use, such as brain_aneurysm")
    accept.set_defaults(command=_accept)
    for each in actions.choices.values():
        # Also behind the action; what was said before it stays.
        each.add_argument(
            "-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="print results and errors only"
        )
        each.add_argument(
            "-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help="print what happens inside"
        )
    return parser


def _add_set(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "set",
        help="ask the licence server about a number and keep it",
        description="Asks the licence server about a number and keeps it, unless the server rejects it.",
    )
    number = parser.add_mutually_exclusive_group(required=True)
    number.add_argument(
        "number",
        nargs="?",
        metavar="NUMBER",
        help="aca_ and 14 more characters; - asks for it or reads it from a pipe, so that it is in no shell history",
    )
    number.add_argument("--found", action="store_true", help="the number TotalSegmentator has on this computer")
    parser.add_argument("--offline", action="store_true", help="keep it without asking the licence server")
    parser.set_defaults(command=_set)


def _set(given: argparse.Namespace) -> None:
    """Keeps a number. Raises LicenceError for one that is rejected."""
    number = _found() if given.found else _typed() if given.number == "-" else given.number
    if not has_form(number):
        raise LicenceError("licence.form")
    if given.offline:
        store_licence(number)
        said = _STATES["not asked"]
    else:
        state = enter_licence(number)
        if state == "rejected":
            raise LicenceError("licence.rejected")
        said = _STATES[state]
    if not given.quiet:
        print(f"{said}\nThe number is stored {_PLACES[where_stored()]}.")


def _found() -> str:
    number = found_licence()
    if not number:
        raise LicenceError("licence.not_found")
    return number


def _typed() -> str:
    """From a terminal without showing it, else from the pipe."""
    return getpass.getpass("Licence number: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def _show_status(given: argparse.Namespace) -> None:
    """Prints the state of the stored number; of the number itself only its end."""
    number, found = stored_licence(), found_licence()
    state: LicenceState | Literal["not asked"] = "not asked" if number else "not entered"
    if number and not given.offline:
        state = ask_server(number)
    place: Place = where_stored() if number else ""
    if given.json:
        told = {"state": state, "stored": place, "ends_in": number[-4:], "found_totalsegmentator": bool(found)}
        print(json.dumps(told, indent=2))
        return
    print(_STATES[state])
    if number:
        print(f"The number that ends in {number[-4:]} is stored {_PLACES[place]}.")
    if found and found != number:
        print(f"TotalSegmentator has a number on this computer, which ends in {found[-4:]}: license set --found")


def _remove(given: argparse.Namespace) -> None:
    """Forgets the number."""
    had = bool(where_stored())
    forget_licence()
    if not given.quiet:
        print("The number was removed." if had else _STATES["not entered"])


def _accept(given: argparse.Namespace) -> None:
    """Confirms the terms of a task. Raises OptionsError for a task there is not."""
    task = catalogue().task(given.task)
    is_new = needs_terms(task)
    if is_new:
        accept_terms(task)
    if given.quiet:
        return
    if task.licence != "non_commercial":
        print(f"{task.name} has no terms to confirm.")
        return
    print(f"{task.name} may be used for non-commercial purposes only ({TERMS_NAME}, {TERMS_URL}).")
    print("Confirmed." if is_new else "Confirmed already.")
    print("Cite: " + ", ".join((*task.papers, *task.credits)))
