"""Every network with what is known of it: whether it is here and whole, how large it is, which tasks need it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tsdesktop.core.assets import assets_folder
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import Catalogue
from tsdesktop.weights.custom import CustomNetwork
from tsdesktop.weights.custom_reading import custom_networks
from tsdesktop.weights.downloads import partial_bytes, release_digests
from tsdesktop.weights.packages import Package, packages, tasks_needing, title_of
from tsdesktop.weights.places import Presence, checkpoint, folds_of, own_weights_folder, weights_folders
from tsdesktop.weights.records import read_record, read_verdict
from tsdesktop.weights.staging import take_away
from tsdesktop.weights.stopping import Stop

State = Literal["here", "partial", "missing", "broken", "update", "obsolete"]


@dataclass(frozen=True)
class Entry:
    """One line of the list of networks.

    `place` is its folder on this computer, `problem` what is wrong with it in one sentence, `partial_bytes` what an
    interrupted download has brought. `tasks` are those that may ever need it. Only what is `ours` may be changed.
    """

    title: str
    folder: str
    place: Path | None
    state: State
    package: Package | None = None
    bytes_here: int = 0
    zip_bytes: int | None = None
    partial_bytes: int = 0
    tasks: tuple[str, ...] = ()
    problem: str = ""
    ours: bool = False
    licensed: bool = False
    custom: CustomNetwork | None = None


def inventory(catalogue: Catalogue, *, updates: Mapping[str, str] | None = None) -> tuple[Entry, ...]:
    """All packages of the catalogue, folders on this computer that newer ones replaced, and a person's own networks.

    `updates` as `find_updates` gave them. Looks at lists of files and at what `verify` found last, never into
    checkpoints; still slow on a folder that is far away.
    """
    needed = tasks_needing(catalogue)
    entries = [_entry(each, catalogue, needed.get(each.folder, ()), updates or {}) for each in packages(catalogue)]
    return (*entries, *_obsolete(catalogue), *(_custom(each) for each in custom_networks()))


def find_updates(catalogue: Catalogue, stop: Stop) -> Mapping[str, str]:
    """Asks the release pages: the hashes they state now, by folder, where these are not those of what is installed.

    Networks that this program did not download say nothing about themselves. Slow; raises Cancelled.
    """
    installed = [(each, read_record(each.folder)) for each in packages(catalogue) if each.place.is_dir()]
    told: dict[str, Mapping[str, str]] = {}
    updates = {}
    for package, record in installed:
        if record is None or not record.address or not record.zip_sha256 or not package.url:
            continue
        tag = Path(urlsplit(package.url).path).parent.name
        if tag not in told:
            told[tag] = release_digests(tag, stop, fresh=True)
        stated = told[tag].get(package.zip_name, "")
        if stated and stated != record.zip_sha256:
            updates[package.folder] = stated
    return updates


def remove_obsolete(entry: Entry) -> int:
    """Deletes a folder that newer networks replaced and says how many bytes that freed.

    Raises WeightsError when it belongs to another program or cannot be deleted.
    """
    place = entry.place
    if place is None or not entry.ours or entry.state != "obsolete":
        raise WeightsError("weights.not_ours", folder=entry.title, place=str(place))
    freed = bytes_in(place)
    take_away(place)
    for parent in place.relative_to(own_weights_folder()).parents:
        folder = own_weights_folder() / parent
        if parent != Path():
            # One that holds something else stays.
            with suppress(OSError):
                folder.rmdir()
    return freed


def bytes_in(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _entry(package: Package, catalogue: Catalogue, tasks: tuple[str, ...], updates: Mapping[str, str]) -> Entry:
    presences = package.presences()
    place = next((each.folder.parent for each in presences if each.folder is not None), None)
    problem = "" if place is None else _problem(package, presences, place)
    partial = partial_bytes(package)
    ours = place is not None and place == package.place
    state: State = "broken" if problem else "here"
    if place is None:
        state = "partial" if partial else "missing"
    elif not problem and ours and package.folder in updates:
        state = "update"
    return Entry(
        title_of(package, catalogue),
        package.folder,
        place,
        state,
        package,
        0 if place is None else bytes_in(place),
        package.zip_bytes,
        partial,
        tasks,
        problem,
        ours,
        package.source == "licence_server",
    )


def _problem(package: Package, presences: tuple[Presence, ...], place: Path) -> str:
    """What is wrong as far as a quick look tells, in one sentence; "" when nothing is."""
    name = package.folder
    for each in presences:
        if each.folder is None or each.state != "here":
            lacking = each.lacking or each.network.folder.split("/")[-1]
            return WeightsError("weights.incomplete", folder=name, what=lacking).sentence
        paths = [each.folder / "plans.json", each.folder / "dataset.json"]
        paths += [checkpoint(each.folder, fold) for fold in folds_of(each.network, each.folder)]
        if empty := next((path.name for path in paths if path.stat().st_size == 0), ""):
            return WeightsError("weights.broken", folder=name, reason=f"{empty} is empty").sentence
    record = read_record(name) if place == package.place else None
    for fact in record.files if record else ():
        path = place / fact.name
        if not path.is_file() or path.stat().st_size != fact.size:
            return WeightsError("weights.altered", folder=name, what=fact.name).sentence
    verdict = read_verdict(name, place)
    return verdict.problem if verdict else ""


def _obsolete(catalogue: Catalogue) -> Iterator[Entry]:
    own = own_weights_folder()
    for folder in dict.fromkeys(weights_folders()):
        if folder.is_relative_to(assets_folder()):
            continue
        for name in catalogue.obsolete_folders:
            place = folder / name
            if place.is_dir():
                title = name.rpartition("/")[2]
                yield Entry(title, name, place, "obsolete", bytes_here=bytes_in(place), ours=folder == own)


def _custom(network: CustomNetwork) -> Entry:
    folder = f"{network.folder.parent.parent.name}/{network.dataset}/{network.folder.name}"
    problem = network.problem
    if not network.folds:
        what = "fold_0/checkpoint_final.pth"
        problem = WeightsError("weights.incomplete", folder=network.dataset, what=what).sentence
    return Entry(
        network.title,
        folder,
        network.folder,
        "here" if network.folds else "broken",
        bytes_here=bytes_in(network.folder),
        tasks=(network.name,),
        problem=problem,
        ours=True,
        custom=network,
    )
