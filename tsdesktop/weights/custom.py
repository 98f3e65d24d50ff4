"""A person's own networks: results folders of nnU-Net v2, added, renamed, recoloured and removed.

A folder is copied beside its place, checked, and renamed into it. Nothing in it is ever run here.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tsdesktop.core.errors import OptionsError, WeightsError
from tsdesktop.core.files import written_whole
from tsdesktop.core.structures import Rgb
from tsdesktop.core.tasks import nearest
from tsdesktop.weights.custom_reading import (
    KEPT_FILE,
    CustomNetwork,
    custom_folder,
    custom_network,
    custom_networks,
    name_and_title,
    network_folders,
    read_json,
    read_network,
    slug,
)
from tsdesktop.weights.places import checkpoint, folds_here
from tsdesktop.weights.plans import read_plans
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

__all__ = [
    "CustomNetwork",
    "add_custom",
    "custom_folder",
    "custom_network",
    "custom_networks",
    "network_folders",
    "recolour_custom",
    "remove_custom",
    "rename_custom",
    "replaced_by",
]

_CHUNK = 1 << 22
_ADDING, _REMOVING = ".adding-", ".removing-"
# What a program that was ended in the middle left behind.
_ABANDONED_S = 24 * 3600.0
_DATASET = re.compile(r"Dataset\d{3,}_[\w .+-]*[\w+-]")


def replaced_by(folder: Path) -> tuple[CustomNetwork, ...]:
    """The networks that `add_custom(folder)` would replace."""
    here = {each.folder.relative_to(custom_folder()): each for each in custom_networks()}
    wanted = [Path(_dataset_name(each)) / each.name for each in network_folders(folder)]
    return tuple(here[each] for each in wanted if each in here)


def add_custom(folder: Path, listen: Listen, stop: Stop) -> tuple[CustomNetwork, ...]:
    """Copies every network in `folder`: a DatasetNNN_x or trainer__plans__configuration folder of nnU-Net's results.

    Only plans.json, dataset.json and the folds' checkpoints are copied. Networks of the same folder names are replaced
    (`replaced`) and keep their names, titles and colours. Raises Cancelled, and WeightsError for the first network that
    is not whole; then nothing was changed.
    """
    found = network_folders(folder)
    if not found:
        raise WeightsError("weights.no_network", name=folder.name)
    try:
        custom_folder().mkdir(parents=True, exist_ok=True)
        _clear_abandoned(custom_folder())
        with tempfile.TemporaryDirectory(prefix=_ADDING, dir=custom_folder()) as name:
            return _added(found, Path(name), listen, stop)
    except OSError as error:
        raise _not_written(folder.name, error) from error


def rename_custom(name: str, title: str) -> None:
    """Gives a network another title; its task keeps its name. Raises OptionsError, WeightsError."""
    network, title = custom_network(name), " ".join(title.split())
    if not title:
        raise OptionsError("options.value", value="", option="title", allowed="at least one letter")
    _keep(replace(network, title=title))


def recolour_custom(name: str, structure: str, rgb: Rgb) -> None:
    """Gives a structure of a network another colour, 0 to 255. Raises OptionsError, WeightsError."""
    network = custom_network(name)
    if structure not in network.labels:
        near = nearest(structure, list(network.labels))
        raise OptionsError("options.unknown_class", task=name, name=structure, near=near)
    if not all(0 <= value <= 255 for value in rgb):
        raise OptionsError("options.value", value=str(rgb), option="colour", allowed="0 to 255")
    _keep(replace(network, colours={**network.colours, structure: rgb}))


def remove_custom(name: str) -> int:
    """Deletes a network's files and returns how many bytes that freed. Raises OptionsError, WeightsError."""
    network = custom_network(name)
    freed = sum(each.stat().st_size for each in network.folder.rglob("*") if each.is_file())
    dataset = network.folder.parent
    try:
        gone = Path(tempfile.mkdtemp(prefix=_REMOVING, dir=custom_folder()))
        network.folder.rename(gone / network.folder.name)
        shutil.rmtree(gone)
        if not any(dataset.iterdir()):
            dataset.rmdir()
    except OSError as error:
        raise _not_written(dataset.name, error) from error
    return freed


def _dataset_name(folder: Path) -> str:
    """The dataset a results folder belongs to: the folder around it, else what its plans say."""
    if _DATASET.fullmatch(folder.parent.name):
        return folder.parent.name
    try:
        stated = str(read_json(folder / "plans.json").get("dataset_name"))
    except (OSError, ValueError, RecursionError):
        stated = ""
    return stated if _DATASET.fullmatch(stated) else f"Dataset000_{slug(folder.parent.name)}"


def _added(found: list[Path], temporary: Path, listen: Listen, stop: Stop) -> tuple[CustomNetwork, ...]:
    copies = _copied(found, temporary / "new", listen, stop)
    here = {each.folder: each for each in custom_networks()}
    added: list[CustomNetwork] = []
    for number, copy in enumerate(copies):
        listen(Progress("checking", number, len(copies)))
        place = custom_folder() / copy.parent.name / copy.name
        added.append(_checked(copy, here.get(place), (*here.values(), *added)))
        stop.check()
    return tuple(_put(each, temporary / "old") for each in added)


def _copied(found: Iterable[Path], goal: Path, listen: Listen, stop: Stop) -> list[Path]:
    pairs: list[tuple[Path, Path]] = []
    copies = []
    for folder in found:
        copy = goal / _dataset_name(folder) / folder.name
        copies.append(copy)
        pairs += [(path, copy / path.relative_to(folder)) for path in _files_of(folder)]
    done, total = 0, sum(source.stat().st_size for source, _ in pairs)
    for source, target in pairs:
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as read, target.open("xb") as write:
            while chunk := read.read(_CHUNK):
                stop.check()
                write.write(chunk)
                done += len(chunk)
                listen(Progress("unpacking", done, total))
    return copies


def _files_of(folder: Path) -> list[Path]:
    folds = folds_here(folder)
    if not folds:
        raise WeightsError("weights.incomplete", folder=_dataset_name(folder), what="fold_0/checkpoint_final.pth")
    if not (folder / "dataset.json").is_file():
        raise WeightsError("weights.incomplete", folder=_dataset_name(folder), what="dataset.json")
    return [folder / "plans.json", folder / "dataset.json", *(checkpoint(folder, fold) for fold in folds)]


def _checked(copy: Path, earlier: CustomNetwork | None, others: Iterable[CustomNetwork]) -> CustomNetwork:
    """The network of a copy, with its name and colours written down. Raises WeightsError."""
    name, title = (earlier.name, earlier.title) if earlier else name_and_title(copy, others)
    network = read_network(copy, name, title)
    if not network.problem:
        _check_checkpoints(network)
    if earlier is not None:
        kept = {each: rgb for each, rgb in earlier.colours.items() if each in network.labels}
        network = replace(network, colours=kept, replaced=True)
    _keep(network)
    return network


def _check_checkpoints(network: CustomNetwork) -> None:
    # Imported here: only needed when something is added.
    from tsdesktop.weights.checkpoints import checkpoint_outputs

    wanted = read_plans(network.folder).outputs
    for fold in network.folds:
        if checkpoint_outputs(checkpoint(network.folder, fold)) != wanted:
            reason = "its checkpoint does not fit its plans"
            raise WeightsError("weights.broken", folder=network.dataset, reason=reason)


def _put(network: CustomNetwork, aside: Path) -> CustomNetwork:
    """Renames a checked copy into its place."""
    place = custom_folder() / network.dataset / network.folder.name
    place.parent.mkdir(exist_ok=True)
    before = aside / network.dataset / network.folder.name
    if place.exists():
        before.parent.mkdir(parents=True, exist_ok=True)
        place.replace(before)
    try:
        network.folder.replace(place)
    except OSError:
        if before.exists():
            before.replace(place)
        raise
    return replace(network, folder=place)


def _clear_abandoned(folder: Path) -> None:
    for each in folder.iterdir():
        is_ours = each.name.startswith((_ADDING, _REMOVING))
        if is_ours and time.time() - each.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(each, ignore_errors=True)


def _keep(network: CustomNetwork) -> None:
    """Writes down the network's name, title and colours beside its plans. Raises WeightsError."""
    colours = {structure: list(rgb) for structure, rgb in network.colours.items()}
    facts = {"name": network.name, "title": network.title, "colours": colours}
    try:
        with written_whole(network.folder / KEPT_FILE) as temporary:
            temporary.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise _not_written(network.dataset, error) from error


def _not_written(name: str, error: OSError) -> WeightsError:
    return WeightsError("weights.not_written", name=name, reason=error.strerror or type(error).__name__)
