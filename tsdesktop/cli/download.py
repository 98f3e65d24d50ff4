"""`tsdesktop weights download`: says how much it is, then fetches one network after the other; what is kept goes on."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tsdesktop.cli.network_names import packages_of_names, packages_of_run
from tsdesktop.cli.printing import say_error, size_text
from tsdesktop.cli.transfers import TransferLine, until_interrupted
from tsdesktop.core.errors import Cancelled, LicenceError, OptionsError, WeightsError
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Catalogue, catalogue
from tsdesktop.weights.catalogue import full_catalogue
from tsdesktop.weights.downloads import UNPACKED_TIMES, download, needed_bytes
from tsdesktop.weights.licence import stored_licence
from tsdesktop.weights.packages import Package, packages
from tsdesktop.weights.parts import require_space
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import Listen
from tsdesktop.weights.stopping import Stop
from tsdesktop.weights.terms import check_terms, tasks_with_terms

# Without being told to go on, more than this is only downloaded after a question (on a terminal).
_ASKS_ABOVE_BYTES = 2_000_000_000
# The next network would fail the same way.
_ENDS_ALL = (
    "weights.disk_full",
    "weights.disk_space",
    "weights.not_writable",
    "weights.certificate",
    "weights.bad_certificates",
    "weights.bad_proxy",
    "weights.proxy_refused",
    "weights.login_page",
)


def run(given: argparse.Namespace) -> None:
    """Downloads what the named tasks need and is not here. Raises WeightsError that names what could not be had."""
    asked = wanted(given, catalogue())
    missing = tuple(each for each in asked if not each.is_here)
    if given.all:
        missing = _without_terms(missing)
    if not missing:
        if not given.quiet:
            print("Every network that this needs is here already.")
        return
    if not given.quiet:
        print(about(missing))
    if not given.yes:
        _ask_if_large(missing)
    download_all(missing, given.quiet)


def wanted(given: argparse.Namespace, known: Catalogue) -> tuple[Package, ...]:
    """What is asked for, here or not, each once. Raises OptionsError."""
    if given.all:
        sources = ("release", "licence_server") if stored_licence() else ("release",)
        return tuple(each for each in packages(known) if each.source in sources)
    if not given.names:
        raise OptionsError("options.nothing_named")
    return packages_of_names(given, known)


def download_for(options: Options, quiet: bool) -> None:
    """Downloads what a run under `options` needs and is not here. Raises as `run`."""
    missing = tuple(each for each in packages_of_run(options, full_catalogue()) if not each.is_here)
    if missing and not quiet:
        print(about(missing), file=sys.stderr)
    download_all(missing, quiet)


def download_all(missing: Sequence[Package], quiet: bool, *, again: bool = False) -> None:
    """Downloads one by one, also what is here when `again`; where one fails, the others are fetched nevertheless.

    Raises LicenceError before anything is fetched when a number or the acceptance of terms is missing, WeightsError
    that names what failed, and Cancelled; what was fetched is kept.
    """
    for package in missing:
        for task in tasks_with_terms(package.folder, catalogue()):
            check_terms(task)
    _refuse_without_licence(missing)
    require_space(own_weights_folder(), _space_bytes(missing), "The download")
    line, failed = TransferLine(quiet), []
    for number, package in enumerate(missing, 1):
        line.begin(package.folder, number, len(missing))
        try:
            until_interrupted(partial(_download, package, line.show, again))
        except (LicenceError, WeightsError) as error:
            line.end()
            if isinstance(error, LicenceError) or error.id in _ENDS_ALL or len(missing) == 1:
                raise
            say_error(error)
            failed.append(package.folder)
        except Cancelled:
            line.end()
            print("What was fetched is kept; the same command goes on from there.", file=sys.stderr)
            raise
        else:
            line.end()
            if not quiet:
                print(f"{package.folder} is here.")
    if failed:
        raise WeightsError("weights.not_downloaded", folders=", ".join(failed))


def about(missing: Sequence[Package]) -> str:
    """How much is to be downloaded, and how much space there is for it."""
    known = [each for each in missing if each.zip_bytes is not None]
    unknown = len(missing) - len(known)
    parts = [f"To download: {len(missing)} networks" if len(missing) > 1 else f"To download: {missing[0].folder}"]
    if known:
        parts.append(size_text(needed_bytes(known) or 0))
    if unknown:
        parts.append(f"and {unknown} of unknown size" if known else "of unknown size")
    space = f"Free on this disk: {size_text(_free_bytes())}."
    if known:
        space = f"Space needed: {size_text(_space_bytes(known))}. {space}"
    return f"{', '.join(parts)}. {space}"


def _without_terms(missing: Sequence[Package]) -> tuple[Package, ...]:
    """Without those whose terms nobody has accepted yet; says so."""
    left_out = {each.folder: tasks_with_terms(each.folder, catalogue()) for each in missing}
    for folder, tasks in left_out.items():
        for task in tasks:
            accept = f"tsdesktop license accept {task.name}"
            print(
                f"Left out: {folder} is for non-commercial use only. Confirm that first: `{accept}`.", file=sys.stderr
            )
    return tuple(each for each in missing if not left_out[each.folder])


def _ask_if_large(missing: Sequence[Package]) -> None:
    if sum(each.zip_bytes or 0 for each in missing) > _ASKS_ABOVE_BYTES:
        confirm("Download all this?")


def confirm(question: str) -> None:
    """Asks on a terminal; elsewhere nobody could answer. Raises Cancelled for anything but yes."""
    if sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise Cancelled


def _refuse_without_licence(missing: Sequence[Package]) -> None:
    licensed = [each for each in missing if each.source == "licence_server"]
    if licensed and not stored_licence():
        raise LicenceError("licence.needed", folder=licensed[0].folder)


def _download(package: Package, listen: Listen, again: bool, stop: Stop) -> None:
    download(package, listen, stop, again=again)


def _space_bytes(missing: Sequence[Package]) -> int:
    """All unpacked, and the largest zip beside them."""
    sizes = [each.zip_bytes or 0 for each in missing]
    return round(UNPACKED_TIMES * sum(sizes)) + max(sizes, default=0)


def _free_bytes() -> int:
    place: Path = own_weights_folder()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
