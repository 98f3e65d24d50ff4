"""`tsdesktop weights`: the networks on this computer, listed, downloaded, imported, verified, removed and bundled."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tsdesktop.cli import download
from tsdesktop.cli.network_names import add_deciding_flags, named_packages
from tsdesktop.cli.printing import size_text, table
from tsdesktop.cli.transfers import until_interrupted
from tsdesktop.cli.upkeep import bundle, import_paths, remove, verify
from tsdesktop.core.tasks import Network, catalogue
from tsdesktop.weights.inventory import Entry, find_updates, inventory
from tsdesktop.weights.places import own_weights_folder

_EPILOG = """examples:
  tsdesktop weights list
  tsdesktop weights download total --fast
  tsdesktop weights download total --roi liver spleen      only the networks that find these
  tsdesktop weights download total liver_vessels --for-offline
  tsdesktop weights bundle networks.zip total              to carry to a computer without internet
  tsdesktop weights import networks.zip                    there

TASK is a task (`tsdesktop info` lists them). A dataset folder (Dataset297_...) or its number may stand for it."""
_STATES = {"here": "here", "update": "newer one", "partial": "begun", "missing": "-"}
_MOST_TASKS = 3
_Runner = Callable[[argparse.Namespace], None]


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Adds the subcommand and its own subcommands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "weights",
        help="list, download, import, verify, remove and bundle networks",
        description="The networks on this computer.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for add in (_add_list, _add_download, _add_import, _add_verify, _add_remove, _add_bundle):
        add(actions)
    return parser


def _add_list(actions: Any) -> None:
    parser = _action(actions, "list", "list networks and what is here of them", _list)
    parser.add_argument("--task", metavar="TASK", help="only the networks that this task may load")
    parser.add_argument("--updates", action="store_true", help="ask the release page whether there are newer ones")
    parser.add_argument("--json", action="store_true", help="machine-readable: an array, one entry per network")


def _add_download(actions: Any) -> None:
    parser = _action(actions, "download", "download what tasks need and is not here", download.run)
    _add_names(parser)
    parser.add_argument(
        "--all", action="store_true", help="everything that is open; what needs a licence too when a number is stored"
    )
    parser.add_argument(
        "--for-offline", action="store_true", help="everything the tasks can ever load: every quality and crop"
    )
    add_deciding_flags(parser.add_argument_group("only what such a run needs"))
    _add_yes(parser)


def _add_import(actions: Any) -> None:
    parser = _action(actions, "import", "install networks from zips, folders or bundles", import_paths)
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="a zip, a folder or a bundle")


def _add_verify(actions: Any) -> None:
    parser = _action(actions, "verify", "check every file of networks", verify)
    _add_names(parser)
    parser.add_argument("--repair", action="store_true", help="download those again that are not whole")


def _add_remove(actions: Any) -> None:
    parser = _action(actions, "remove", "remove networks that this program installed", remove)
    _add_names(parser)
    parser.add_argument("--obsolete", action="store_true", help="also those that newer networks have replaced")
    _add_yes(parser)


def _add_bundle(actions: Any) -> None:
    parser = _action(actions, "bundle", "pack networks for a computer without internet", bundle)
    parser.add_argument("output", metavar="OUT.zip", type=Path, help="the file to write")
    _add_names(parser)
    parser.add_argument("--all", action="store_true", help="every network that is here")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that exists")


def _action(actions: Any, name: str, about: str, command: _Runner) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=about, description=f"{about.capitalize()}.")
    parser.set_defaults(command=command)
    # Also before the action, where the other commands have them; not given here must not take back what was said there.
    for short, long, what in (
        ("-q", "--quiet", "print results and errors only"),
        ("-v", "--verbose", "print what happens inside"),
    ):
        parser.add_argument(short, long, action="store_true", default=argparse.SUPPRESS, help=what)
    return parser


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="TASK", nargs="*", help="a task, or a dataset folder or its number")


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _list(given: argparse.Namespace) -> None:
    """Prints the table, or every network as JSON."""
    known = catalogue()
    updates: Mapping[str, str] = until_interrupted(lambda stop: find_updates(known, stop)) if given.updates else {}
    entries = inventory(known, updates=updates)
    if given.task:
        folders = {each.folder for each in named_packages([given.task], known)}
        entries = tuple(each for each in entries if each.folder in folders)
    if given.json:
        print(json.dumps([facts for each in entries for facts in entry_facts(each)], indent=2))
        return
    rows = [("network", "state", "here", "zip", "for")]
    rows += [_row(each) for each in entries]
    print(table(rows))
    here = sum(each.bytes_here + each.partial_bytes for each in entries if each.ours)
    print(f"\n{size_text(here)} in {own_weights_folder()}")


def entry_facts(entry: Entry) -> list[dict[str, Any]]:
    """An entry as plain data, once for each of its networks: some zips hold two, which share folder and sizes."""
    networks: tuple[Network | None, ...] = entry.package.networks if entry.package else (None,)
    return [_facts(entry, each) for each in networks]


def _facts(entry: Entry, network: Network | None) -> dict[str, Any]:
    return {
        "key": network.key if network else None,
        "dataset_id": network.dataset_id if network else None,
        "folder": entry.folder,
        "model_folder": network.folder if network else None,
        "title": entry.title,
        "tasks": list(entry.tasks),
        "state": entry.state,
        "problem": entry.problem or None,
        "bytes": entry.bytes_here,
        "partial_bytes": entry.partial_bytes,
        "zip_bytes": entry.zip_bytes,
        "source": network.source if network else "custom" if entry.custom else None,
        "licensed": entry.licensed,
        "place": str(entry.place) if entry.place else None,
        "read_only": entry.place is not None and not entry.ours,
    }


def _row(entry: Entry) -> tuple[str, str, str, str, str]:
    here = entry.bytes_here or entry.partial_bytes
    zip_size = size_text(entry.zip_bytes) if entry.zip_bytes else "licensed" if entry.licensed else "-"
    state = _STATES.get(entry.state, entry.state)
    return entry.folder, state, size_text(here) if here else "-", zip_size, _purpose(entry)


def _purpose(entry: Entry) -> str:
    """Which tasks need it, the first of many, and where it is when that is not this program's own place."""
    tasks = ", ".join(entry.tasks[:_MOST_TASKS])
    if len(entry.tasks) > _MOST_TASKS:
        tasks += f" and {len(entry.tasks) - _MOST_TASKS} more"
    if entry.package is not None and entry.package.source == "bundled":
        return f"{tasks} (comes with the program)"
    return tasks if entry.ours or entry.place is None else f"{tasks} (only read: {entry.place})"
