"""What networks are called on the command line: a task with quality and structures, a dataset folder or its number."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tsdesktop.cli.flags import add_flag, given_options
from tsdesktop.core.errors import OptionsError, WeightsError
from tsdesktop.core.options import Options, declarations
from tsdesktop.core.tasks import Catalogue, Network, Task, VariantName
from tsdesktop.jobs.needs import networks_for_offline, networks_of_run
from tsdesktop.weights.catalogue import full_catalogue
from tsdesktop.weights.custom import CustomNetwork, custom_networks
from tsdesktop.weights.packages import Package, package_named, packages, packages_of

# The options of a run that decide which networks it loads, and those that mean each version of a task.
DECIDING = ("fast", "fastest", "model_size", "roi", "robust_crop", "body_crop")
_QUALITIES = ("full", "fast", "fastest")
_VERSIONS: dict[VariantName, dict[str, Any]] = {
    "full": {},
    "fast": {"fast": True},
    "fastest": {"fastest": True},
    "full_small": {"model_size": "small"},
    "fast_small": {"fast": True, "model_size": "small"},
}


@dataclass(frozen=True)
class Here:
    """Networks on this computer: packages of the catalogue, whole or not, and a person's own."""

    packages: tuple[Package, ...]
    own: tuple[CustomNetwork, ...]


def add_deciding_flags(group: Any) -> None:
    """The flags of `segment` that decide which networks are loaded, and several qualities in one."""
    for each in declarations():
        if each.name in DECIDING:
            add_flag(group, each)
    group.add_argument(
        "--quality", nargs="+", choices=_QUALITIES, default=[], help="several of these at once, for each task"
    )


def named(name: str, catalogue: Catalogue) -> Task | Package:
    """The task, or the package by its folder, zip or dataset number. Raises OptionsError with the nearest task."""
    if name in catalogue.tasks:
        return catalogue.tasks[name]
    folder = name.rstrip("/\\").removesuffix(".zip")
    for network in catalogue.networks.values():
        if network.source != "own" and folder in (
            network.dataset_folder,
            str(network.dataset_id),
            f"Dataset{network.dataset_id:03d}",
        ):
            folder = network.dataset_folder
    package = package_named(folder, catalogue)
    if package is not None:
        return package
    _refuse_version(name, catalogue)
    return catalogue.task(name)


def packages_of_names(given: argparse.Namespace, catalogue: Catalogue) -> tuple[Package, ...]:
    """The packages that the tasks and folders of `given.names` need, with its quality and structures, each once.

    Raises OptionsError.
    """
    networks: list[Network] = []
    for name in given.names:
        found = named(name, catalogue)
        networks += found.networks if isinstance(found, Package) else _networks(found, given, catalogue)
    return packages_of(networks, catalogue)


def named_packages(names: Iterable[str], catalogue: Catalogue) -> tuple[Package, ...]:
    """The packages of these folders, and all that any version of these tasks may load. Raises OptionsError."""
    networks: list[Network] = []
    for name in names:
        found = named(name, catalogue)
        networks += found.networks if isinstance(found, Package) else networks_for_offline(found, catalogue)
    return packages_of(networks, catalogue)


def networks_here(names: Sequence[str]) -> Here:
    """What is on this computer of what these names mean; all that is here without names.

    Raises OptionsError for a name that means nothing, WeightsError when nothing of it is here.
    """
    known = full_catalogue()
    own = tuple(each for each in custom_networks() if not names or each.name in names)
    asked = named_packages(names, known) if names else packages(known)
    found = tuple(each for each in asked if any(one.state != "missing" for one in each.presences()))
    if not (found or own):
        raise WeightsError("weights.nothing_here", names=", ".join(names) or "any network")
    return Here(found, own)


def still_needed(names: Iterable[str], catalogue: Catalogue) -> dict[str, list[str]]:
    """The folders that tasks other than the named ones can run with here, each with those tasks.

    What is named as a folder is not among them: who names it means it. Raises OptionsError.
    """
    found = [named(name, catalogue) for name in names]
    meant = {each.folder for each in found if isinstance(each, Package)}
    leaving = {each.name for each in found if isinstance(each, Task)}
    here = {each.folder: each.is_here for each in packages(catalogue)}
    needed: dict[str, list[str]] = {}
    for task in catalogue.tasks.values():
        folders: set[str] = set()
        for version in () if task.name in leaving else task.variants:
            run = packages_of_run(Options(task=task.name, **_VERSIONS[version]), catalogue)
            if all(here[each.folder] for each in run):
                folders |= {each.folder for each in run}
        for folder in folders - meant:
            needed.setdefault(folder, []).append(task.name)
    return needed


def packages_of_run(options: Options, catalogue: Catalogue) -> tuple[Package, ...]:
    """The packages of one run. Raises OptionsError."""
    return packages_of(networks_of_run(catalogue.task(options.task), options, catalogue), catalogue)


def download_command(options: Options) -> str:
    """The command line that downloads what a run under `options` needs."""
    words = ["tsdesktop weights download", options.task]
    for each in declarations():
        value = getattr(options, each.name)
        if each.name in DECIDING and value != each.default:
            words.append(each.flag)
            words += value if each.many else [] if each.kind is bool else [str(value)]
    return " ".join(words)


def _networks(task: Task, given: argparse.Namespace, catalogue: Catalogue) -> Iterable[Network]:
    if given.for_offline:
        return networks_for_offline(task, catalogue)
    if task.instant is not None:
        return ()
    options = given_options(given, DECIDING, task=task.name)
    qualities = [replace(options, fast=each == "fast", fastest=each == "fastest") for each in given.quality]
    found: list[Network] = []
    for each in qualities or [options]:
        each.check_for(task, catalogue.roi_tasks)
        found += networks_of_run(task, each, catalogue)
    return found


def _refuse_version(name: str, catalogue: Catalogue) -> None:
    """TotalSegmentator's own command for downloads names versions such as total_fast and total_fast_mr."""
    task = name.replace("_fast", "", 1)
    if "_fast" in name and task in catalogue.tasks and "fast" in catalogue.tasks[task].variants:
        raise OptionsError("options.version_not_task", name=name, task=task)
