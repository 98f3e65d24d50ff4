"""`tsdesktop runtime`: torch for NVIDIA's graphics cards, listed, fetched, verified and removed."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tsdesktop.cli.download import confirm
from tsdesktop.cli.printing import size_text
from tsdesktop.cli.transfers import TransferLine, until_interrupted
from tsdesktop.core.errors import LibraryError
from tsdesktop.core.torch_build import torch_build
from tsdesktop.runs.engine import inference_command
from tsdesktop.runtimes.active import find_active, fitting_set
from tsdesktop.runtimes.builds import builds_for
from tsdesktop.runtimes.cards import Driver, find_driver
from tsdesktop.runtimes.install import forget_partial, install, partial_bytes, remove, verify
from tsdesktop.runtimes.manifest import Installed, Verdict, installed_sets, lacking_file, read_verdict
from tsdesktop.runtimes.places import runtimes_folder
from tsdesktop.runtimes.planning import Plan, make_plan, obstacle
from tsdesktop.runtimes.trial import try_out
from tsdesktop.weights.progress import Listen
from tsdesktop.weights.stopping import Stop

_EPILOG = """examples:
  tsdesktop runtime list                 the cards here, and what is installed for them
  tsdesktop runtime install              says how much it is, asks, fetches and tries it
  tsdesktop runtime remove

Nothing is fetched, and nobody is asked, but by `install`."""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Adds the subcommand and its own subcommands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "runtime",
        help="fetch, verify and remove torch for NVIDIA graphics cards",
        description="Torch for NVIDIA graphics cards, which the program does not bring along for its size.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = _action(actions, "list", "list the cards here and what is installed for them", _list)
    listing.add_argument("--json", action="store_true", help="machine-readable")
    _add_yes(_action(actions, "install", "fetch torch for the graphics card and try it", _install))
    _action(actions, "verify", "check every file of what is installed, and try it again", _verify)
    _add_yes(_action(actions, "remove", "remove what is installed, and what an interrupted download has left", _remove))
    return parser


def _action(
    actions: Any, name: str, about: str, command: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=about, description=f"{about.capitalize()}.")
    parser.set_defaults(command=command)
    # Also before the action; not given here must not take back what was said there.
    for short, long, what in (
        ("-q", "--quiet", "print results and errors only"),
        ("-v", "--verbose", "print what happens inside"),
    ):
        parser.add_argument(short, long, action="store_true", default=argparse.SUPPRESS, help=what)
    return parser


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _list(given: argparse.Namespace) -> None:
    driver, sets = find_driver(), installed_sets()
    if given.json:
        print(json.dumps(_facts(driver, sets), indent=2))
        return
    build = torch_build()
    print(f"Installed with the program: torch {build.version if build else '(none)'}")
    for card in driver.cards if driver else ():
        capability = ".".join(map(str, card.capability))
        print(f"Card: {card.name}, {card.memory_gb:.1f} GB, compute capability {capability}")
    for each in sets:
        print(_set_text(each))
    if rest := partial_bytes():
        print(f"Begun: {size_text(rest)} of a download are kept; `tsdesktop runtime install` goes on.")
    if not sets:
        _say_what_can_be_had(driver)
    elif problem := find_active().problem:
        print(f"Not used: {problem}.")


def _say_what_can_be_had(driver: Driver | None) -> None:
    problem = obstacle(driver)
    if problem is not None:
        print(f"{problem.sentence} {problem.hint}".rstrip())
    else:
        print("`tsdesktop runtime install` fetches torch for it, some 2.5 GB.")


def _set_text(each: Installed) -> str:
    verdict = read_verdict(each.folder)
    state = "not tried yet" if verdict is None else f"works with {verdict.card}" if verdict.works else verdict.reason
    told = each.manifest
    return f"Fetched: torch {told.release} for CUDA ({told.build}), {size_text(told.bytes)} in {each.folder}: {state}"


def _facts(driver: Driver | None, sets: Sequence[Installed]) -> dict[str, Any]:
    build, active = torch_build(), find_active()
    return {
        "torch": build.version if build else None,
        "driver_cuda": ".".join(map(str, driver.cuda)) if driver else None,
        "cards": [
            {"name": each.name, "capability": ".".join(map(str, each.capability)), "memory_gb": each.memory_gb}
            for each in (driver.cards if driver else ())
        ],
        "builds": [each.name for each in builds_for(driver)] if driver else [],
        "sets": [_set_facts(each) for each in sets],
        "partial_bytes": partial_bytes(),
        "active": str(active.path) if active.path else None,
        "problem": active.problem or None,
    }


def _set_facts(each: Installed) -> dict[str, Any]:
    verdict, told = read_verdict(each.folder), each.manifest
    return {
        "folder": str(each.folder),
        "release": told.release,
        "build": told.build,
        "python": told.python,
        "platform": told.platform,
        "bytes": told.bytes,
        "installed": told.installed,
        "wheels": [{"name": name, "version": version, "sha256": sha256} for name, version, sha256 in told.wheels],
        "works": None if verdict is None else verdict.works,
        "card": verdict.card if verdict else None,
        "reason": verdict.reason or None if verdict else None,
    }


def _install(given: argparse.Namespace) -> None:
    """Says how much it is, fetches it and tries it. Raises LibraryError when it does not work."""
    here = fitting_set(installed_sets(), torch_build())
    if here is not None and not lacking_file(here):
        if not given.quiet:
            print(f"{here.folder.name} is here already.")
        _try(here, given.quiet)
        return
    plan = until_interrupted(lambda stop: make_plan(find_driver(), stop))
    if not given.quiet:
        print(about(plan))
    if not given.yes:
        confirm("Fetch it?")
    line = TransferLine(given.quiet)
    line.begin("torch for the graphics card")
    try:
        installed = until_interrupted(partial(_fetch, plan, line.show))
    finally:
        line.end()
    _try(installed, given.quiet)


def about(plan: Plan) -> str:
    """What is to be fetched, from where, how much, and how much space there is for it."""
    place = next(each for each in (runtimes_folder(), *runtimes_folder().parents) if each.is_dir())
    lines = [
        f"torch {plan.release} for CUDA ({plan.build}), {len(plan.wheels)} files from {plan.host}.",
        f"To fetch: {size_text(plan.needed_bytes)}. Space needed meanwhile: {size_text(plan.space_bytes)}, later about"
        f" {size_text(plan.installed_bytes)}. Free on this disk: {size_text(shutil.disk_usage(place).free)}.",
        "NVIDIA's libraries in it come under NVIDIA's own licence.",
    ]
    return "\n".join(lines)


def _verify(given: argparse.Namespace) -> None:
    """Reads every file and tries the libraries. Raises LibraryError when they are broken or do not work."""
    sets = installed_sets()
    if not sets:
        raise LibraryError("runtime.none")
    broken: list[LibraryError] = []
    for each in sets:
        line = TransferLine(given.quiet)
        line.begin(each.folder.name)
        try:
            until_interrupted(partial(_check, each, line.show))
        except LibraryError as error:
            line.end()
            broken.append(error)
            print(f"{each.folder.name}: {error.sentence}")
            continue
        line.end()
        print(f"{each.folder.name}: every file is as it was fetched")
        _try(each, given.quiet)
    if broken:
        raise broken[0]


def _try(installed: Installed, quiet: bool) -> None:
    def trial(stop: Stop) -> Verdict:
        return try_out(installed.folder, inference_command(), stop)

    verdict = until_interrupted(trial)
    if not verdict.works:
        raise LibraryError("runtime.not_working", reason=verdict.reason)
    if not quiet:
        print(f"{verdict.card} works. Runs use it from now on.")


def _remove(given: argparse.Namespace) -> None:
    sets, rest = installed_sets(), partial_bytes()
    if not sets and not rest:
        raise LibraryError("runtime.none")
    if not given.yes:
        confirm("Remove the libraries for the graphics card?")
    freed = rest
    forget_partial()
    for each in sets:
        freed += remove(each)
    if not given.quiet:
        print(f"{size_text(freed)} are free again.")


def _fetch(plan: Plan, listen: Listen, stop: Stop) -> Installed:
    return install(plan, listen, stop)


def _check(installed: Installed, listen: Listen, stop: Stop) -> None:
    verify(installed, listen, stop)
