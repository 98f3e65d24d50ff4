"""`tsdesktop weights import`, `verify`, `remove` and `bundle`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Container, Sequence
from functools import partial
from pathlib import Path

from tsdesktop.cli.download import confirm, download_all
from tsdesktop.cli.network_names import named_packages, networks_here, still_needed
from tsdesktop.cli.printing import say_error, size_text
from tsdesktop.cli.transfers import TransferLine, until_interrupted
from tsdesktop.core.errors import ExportError, OptionsError, TsDesktopError, WeightsError
from tsdesktop.weights import install
from tsdesktop.weights.bundle import write_bundle
from tsdesktop.weights.catalogue import full_catalogue
from tsdesktop.weights.checkpoints import check_every_byte
from tsdesktop.weights.custom import CustomNetwork, custom_networks, remove_custom
from tsdesktop.weights.downloads import forget_partial, partial_bytes
from tsdesktop.weights.inventory import inventory, remove_obsolete
from tsdesktop.weights.packages import Package
from tsdesktop.weights.places import checkpoint
from tsdesktop.weights.plans import read_plans
from tsdesktop.weights.progress import Listen, Meter
from tsdesktop.weights.stopping import Stop

Check = Callable[[Listen, Stop], None]


def import_paths(given: argparse.Namespace) -> None:
    """Installs from each path; where one fails, the others are installed all the same. Raises WeightsError."""
    line, failed = TransferLine(given.quiet), []
    for number, path in enumerate(given.paths, 1):
        line.begin(path.name, number, len(given.paths))
        try:
            installed = until_interrupted(partial(_import, path, line.show))
        except TsDesktopError as error:
            line.end()
            if len(given.paths) == 1:
                raise
            say_error(error)
            failed.append(path.name)
            continue
        line.end()
        for each in installed:
            print(f"{each.title}: {'replaced' if each.replaced else 'installed'} in {each.folder}")
    if failed:
        raise WeightsError("weights.not_imported", names=", ".join(failed))


def verify(given: argparse.Namespace) -> None:
    """Reads every file of the networks and says of each whether it is whole. Raises WeightsError when one is not."""
    here = networks_here(given.names)
    checks: dict[str, Check] = {each.folder: partial(_verify, each) for each in here.packages}
    checks |= {each.name: partial(_verify_own, each) for each in here.own}
    line, broken = TransferLine(given.quiet), []
    for number, (name, check) in enumerate(checks.items(), 1):
        line.begin(name, number, len(checks))
        try:
            until_interrupted(partial(check, line.show))
        except WeightsError as error:
            said = error.sentence
            broken.append(name)
        else:
            said = "ok"
        line.end()
        print(f"{name}: {said}")
    again = [each for each in here.packages if each.folder in broken]
    if again and given.repair:
        download_all(again, given.quiet, again=True)
        broken = [name for name in broken if name not in {each.folder for each in again}]
    if broken:
        raise WeightsError("weights.some_broken", folders=", ".join(broken))


def remove(given: argparse.Namespace) -> None:
    """Removes networks from this program's own folder; those that other tasks can run with here stay."""
    known = full_catalogue()
    if not (given.names or given.obsolete):
        raise OptionsError("options.nothing_named")
    obsolete = [each for each in inventory(known) if each.state == "obsolete" and each.ours and given.obsolete]
    own = [each.name for each in custom_networks() if each.name in given.names]
    shared = still_needed(given.names, known)
    asked = named_packages(given.names, known)
    leaving = [each for each in asked if each.folder not in shared and (each.place.is_dir() or partial_bytes(each))]
    for package in asked:
        if package.folder in shared:
            print(f"{package.folder} stays: {', '.join(shared[package.folder])} can run with it here.")
    if not (own or leaving or obsolete):
        _say_why_nothing_leaves(asked, shared, given.names)
        return
    if not given.yes:
        gone = [*own, *(each.folder for each in leaving), *(each.folder for each in obsolete)]
        confirm(f"Remove {', '.join(gone)}?")
    freed = sum(remove_custom(each) for each in own) + sum(_remove(each) for each in leaving)
    freed += sum(remove_obsolete(each) for each in obsolete)
    if not given.quiet:
        print(f"{size_text(freed)} are free again.")


def bundle(given: argparse.Namespace) -> None:
    """Writes what is here of the named tasks into one zip. Raises ExportError, OptionsError, WeightsError."""
    if given.output.suffix.lower() != ".zip":
        raise ExportError("export.ending", name=given.output.name, endings=".zip")
    if given.output.exists() and not given.overwrite:
        raise ExportError("export.exists", name=given.output.name)
    if not (given.names or given.all):
        raise OptionsError("options.nothing_named")
    here = networks_here(() if given.all else given.names)
    whole = [each for each in here.packages if each.is_here and each.source != "bundled"]
    if not (whole or here.own):
        raise WeightsError("weights.nothing_here", names=", ".join(given.names) or "any network")
    _say_what_lacks(given, whole)
    tasks = [each for each in full_catalogue().tasks if each in given.names] + [each.name for each in here.own]
    line = TransferLine(given.quiet)
    line.begin(given.output.name)
    try:
        until_interrupted(partial(_write_bundle, given.output, whole, list(dict.fromkeys(tasks)), line.show))
    finally:
        line.end()
    count = len(whole) + len(here.own)
    print(f"{given.output}: {count} network{'s' * (count > 1)}, {size_text(given.output.stat().st_size)}")


def _import(path: Path, listen: Listen, stop: Stop) -> Sequence[install.Installed]:
    return install.import_networks(path, listen, stop)


def _verify(package: Package, listen: Listen, stop: Stop) -> None:
    install.verify(package, listen, stop)


def _verify_own(network: CustomNetwork, listen: Listen, stop: Stop) -> None:
    read_plans(network.folder)
    for fold in network.folds:
        path = checkpoint(network.folder, fold)
        check_every_byte(path, Meter(listen, "checking", path.stat().st_size).moved, stop)


def _remove(package: Package) -> int:
    """Removes a package and what an interrupted download has left of it; the bytes that freed."""
    freed = partial_bytes(package)
    forget_partial(package)
    return freed + (install.remove(package) if package.place.is_dir() else 0)


def _say_why_nothing_leaves(asked: Sequence[Package], shared: Container[str], names: Sequence[str]) -> None:
    """Raises WeightsError when nothing is here, or only another program's; when all of it stays that has been said."""
    elsewhere = [each for each in asked if each.folder not in shared and each.is_here]
    if elsewhere:
        install.remove(elsewhere[0])
    if not any(each.folder in shared for each in asked):
        raise WeightsError("weights.nothing_here", names=", ".join(names) or "obsolete networks")


def _say_what_lacks(given: argparse.Namespace, whole: Sequence[Package]) -> None:
    folders = {each.folder for each in whole}
    asked = named_packages(given.names, full_catalogue())
    lacking = [each.folder for each in asked if each.folder not in folders and each.source != "bundled"]
    if lacking and not given.quiet:
        print(f"Not on this computer, so not in the bundle: {', '.join(lacking)}.", file=sys.stderr)


def _write_bundle(path: Path, chosen: Sequence[Package], tasks: Sequence[str], listen: Listen, stop: Stop) -> None:
    write_bundle(path, chosen, tasks, listen, stop)
