"""From a zip or a folder to networks in their place: unpacked beside it, checked, then renamed."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZipFile

from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import catalogue
from tsdesktop.weights.archive import SPARE_BYTES, UNREADABLE, open_archive, unpack
from tsdesktop.weights.checking import check_package, verify
from tsdesktop.weights.checkpoints import check_every_byte
from tsdesktop.weights.custom import CustomNetwork, add_custom, remove_custom
from tsdesktop.weights.hashing import FileFact, Tell, not_written, pour, sha256_of
from tsdesktop.weights.packages import Package, package_named, title_of
from tsdesktop.weights.parts import require_space
from tsdesktop.weights.places import checkpoint, find_network, folds_of, own_weights_folder
from tsdesktop.weights.progress import Listen, Meter
from tsdesktop.weights.recognising import (
    dataset_of,
    files_in,
    has_network,
    is_bundle,
    is_dicom,
    is_scan,
    looks_like_networks,
    model_folders,
    not_a_network,
)
from tsdesktop.weights.records import forget, new_record, write_record
from tsdesktop.weights.staging import put_in_place, staging_folder, take_away
from tsdesktop.weights.stopping import Stop

__all__ = [
    "Installed",
    "check_package",
    "import_networks",
    "install_folder",
    "install_zip",
    "looks_like_networks",
    "remove",
    "verify",
]
log = logging.getLogger(__name__)
_NOT_IN_NAMES = re.compile(r"[^\w+-]+")


@dataclass(frozen=True)
class Installed:
    """What was put in place: a package of the catalogue, or networks of one's own as `custom_tasks`.

    `replaced`: another copy was there before. `others`: what else came with the same zip.
    """

    title: str
    folder: Path
    package: Package | None
    custom_tasks: tuple[str, ...] = ()
    replaced: bool = False
    others: tuple[Installed, ...] = ()


@dataclass(frozen=True)
class Origin:
    """Where networks come from: what errors call it, the address and SHA-256 of a zip as far as known."""

    name: str
    address: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class _Ready:
    """A package that is whole and checked, not yet in its place."""

    package: Package
    folder: Path
    files: tuple[FileFact, ...]


def import_networks(path: Path, listen: Listen, stop: Stop) -> tuple[Installed, ...]:
    """Installs whatever networks a zip, a bundle or a folder holds. Raises as `install_zip` and `install_folder`."""
    if path.is_dir():
        return install_folder(path, listen, stop)
    first = install_zip(path, None, listen, stop)
    return (replace(first, others=()), *first.others)


def install_zip(
    path: Path, package: Package | None, listen: Listen, stop: Stop, *, address: str = "", sha256: str = ""
) -> Installed:
    """Installs the networks of a zip; without `package` whatever networks it holds, bundles included.

    `sha256` is that of the zip where the caller has compared it already. All or nothing is installed. Raises
    WeightsError that says what is wrong with the zip, Cancelled.
    """
    name = package.zip_name if package else path.name
    if is_scan(path):
        raise WeightsError("weights.is_scan", name=name)
    with open_archive(path, name) as archive:
        names = archive.namelist()
        _require_network(archive, name)
    if package is None and is_bundle(names):
        from tsdesktop.weights.bundle import install_bundle

        found = install_bundle(path, listen, stop)
    else:
        digest = sha256 or sha256_of(path, Meter(listen, "checking", path.stat().st_size).moved, stop)
        with staging_folder(package.folder if package else _plain(path)) as staging:
            inside = staging / _plain(path)
            inside.mkdir()
            facts = unpack(path, inside, listen, stop, name)
            origin = Origin(name, address, digest)
            found = install_unpacked(inside, facts, origin, listen, stop, package)
    return replace(found[0], others=found[1:])


def install_folder(path: Path, listen: Listen, stop: Stop) -> tuple[Installed, ...]:
    """Copies the networks of a folder: a results folder, a dataset, several of them, or a home of TotalSegmentator.

    Of many, those this program does not use any more and those that are in their place already are passed over. All or
    nothing is installed. Raises WeightsError that says what is wrong, Cancelled.
    """
    path = path.resolve()
    if not path.is_dir():
        raise WeightsError("weights.not_readable", name=path.name, reason="it is not there")
    groups = _by_dataset(model_folders(path))
    if not groups:
        members = files_in(path)
        raise not_a_network(path.name, members, looks_like_dicom=bool(members) and is_scan(path / members[0]))
    if len(groups) > 1:
        obsolete = set(catalogue().obsolete_folders)
        groups = {name: models for name, models in groups.items() if name not in obsolete and not _is_ours(models[0])}
    if not groups or any(_is_ours(models[0]) for models in groups.values()):
        raise WeightsError("weights.already_here", folder=path.name)
    with staging_folder(_plain(path)) as staging:
        ready, custom = _copied(groups, staging, listen, stop)
        return _checked_and_put(ready, custom, Origin(path.name), listen, stop)


def install_unpacked(
    inside: Path,
    facts: Iterable[FileFact],
    origin: Origin,
    listen: Listen,
    stop: Stop,
    wanted: Package | None = None,
) -> tuple[Installed, ...]:
    """Checks the networks of a folder in a staging folder, where `facts` are its files, and puts them in place.

    Of other networks than those of `wanted` nothing is installed. Raises WeightsError, Cancelled.
    """
    groups = _by_dataset(model_folders(inside))
    if not groups:
        raise WeightsError("weights.no_network", name=origin.name)
    if wanted is not None and wanted.folder not in groups:
        found = next(iter(groups))
        raise WeightsError("weights.is_another", name=origin.name, found=found, folder=wanted.folder)
    ready, custom = [], []
    for dataset, models in groups.items():
        package = wanted or _package_of(dataset, models)
        if package is None:
            custom += _to_add(dataset, models)
        elif package.folder == dataset:
            ready.append(_gathered(package, models, inside, facts))
    return _checked_and_put(ready, custom, origin, listen, stop)


def remove(package: Package) -> int:
    """Deletes a network that this program keeps and says how many bytes that freed.

    Raises WeightsError when it is not here, belongs to another program, or cannot be deleted.
    """
    place = package.place
    if not place.is_dir():
        elsewhere = find_network(package.networks[0]).parent
        raise WeightsError("weights.not_ours", folder=package.folder, place=str(elsewhere))
    freed = sum(each.stat().st_size for each in place.rglob("*") if each.is_file())
    take_away(place)
    _forget(package.folder)
    return freed


def _checked_and_put(
    ready: list[_Ready], custom: Iterable[Path], origin: Origin, listen: Listen, stop: Stop
) -> tuple[Installed, ...]:
    for each in ready:
        check_package(each.folder, each.package)
    stop.check()
    added = _added(custom, listen, stop)
    return (*(_put(each, origin) for each in ready), *added)


def _added(folders: Iterable[Path], listen: Listen, stop: Stop) -> list[Installed]:
    """Networks of one's own from these folders; when one cannot be added, those before it are removed again."""
    networks: list[CustomNetwork] = []
    try:
        for folder in folders:
            networks += add_custom(folder, listen, stop)
    except BaseException:
        for each in networks:
            if not each.replaced:
                remove_custom(each.name)
        raise
    return [Installed(each.title, each.folder, None, (each.name,), each.replaced) for each in networks]


def _put(ready: _Ready, origin: Origin) -> Installed:
    package = ready.package
    # Without its record first: a crash in between leaves files without one rather than one of other files.
    _forget(package.folder)
    replaced = put_in_place(ready.folder, package.place)
    try:
        write_record(new_record(package.folder, ready.files, origin.address, origin.sha256))
    except OSError as error:
        log.warning("what was installed could not be written down: %s", error.strerror)
    return Installed(title_of(package, catalogue()), package.place, package, replaced=replaced)


def _package_of(dataset: str, models: Iterable[Path]) -> Package | None:
    """The package of the catalogue that these networks are; None for networks of one's own."""
    if dataset in catalogue().obsolete_folders:
        raise WeightsError("weights.is_obsolete", folder=dataset)
    package = package_named(dataset, catalogue())
    trainings = {each.folder.split("/")[-1] for each in package.networks} if package else set()
    return package if any(each.name in trainings for each in models) else None


def _by_dataset(models: Iterable[Path]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for each in models:
        groups.setdefault(dataset_of(each), []).append(each)
    return groups


def _to_add(dataset: str, models: Iterable[Path]) -> list[Path]:
    return list(dict.fromkeys(each.parent if each.parent.name == dataset else each for each in models))


def _gathered(package: Package, models: Iterable[Path], inside: Path, facts: Iterable[FileFact]) -> _Ready:
    """The trainings that the catalogue knows, moved into a dataset folder of their own."""
    trainings = {each.folder.split("/")[-1] for each in package.networks}
    folder, files = inside.parent / "ready" / package.folder, []
    folder.mkdir(parents=True)
    for model in models:
        if model.name not in trainings or (folder / model.name).exists():
            continue
        top = model.relative_to(inside).as_posix() + "/"
        files += [
            replace(each, name=f"{model.name}/{each.name[len(top) :]}") for each in facts if each.name.startswith(top)
        ]
        model.rename(folder / model.name)
    return _Ready(package, folder, tuple(files))


def _copied(
    groups: Mapping[str, list[Path]], staging: Path, listen: Listen, stop: Stop
) -> tuple[list[_Ready], list[Path]]:
    """Copies what the catalogue's networks need; networks of one's own are copied when they are added."""
    custom: list[Path] = []
    found: dict[Package, list[tuple[Path, str]]] = {}
    for dataset, models in groups.items():
        package = _package_of(dataset, models)
        if package is None:
            custom += _to_add(dataset, models)
        else:
            found[package] = _files_to_copy(package, models)
    total = sum(path.stat().st_size for files in found.values() for path, _ in files)
    require_space(staging, total + SPARE_BYTES, next(iter(groups)))
    meter, done, ready = Meter(listen, "unpacking", total), 0, []
    for package, files in found.items():
        facts, folder = [], staging / package.folder
        folder.mkdir()
        for path, name in files:

            def tell(count: int, before: int = done) -> None:
                meter.moved(before + count)

            facts.append(_copy(path, folder / name, name, tell, stop))
            if name.endswith(".pth"):
                check_every_byte(folder / name, lambda _: None, stop)
            done += facts[-1].size
        ready.append(_Ready(package, folder, tuple(facts)))
    return ready, custom


def _files_to_copy(package: Package, models: Iterable[Path]) -> list[tuple[Path, str]]:
    """The files of the package's networks and their names in its folder. What trainings leave beside them stays."""
    files = []
    for network in package.networks:
        training = network.folder.split("/")[-1]
        model = next((each for each in models if each.name == training), None)
        if model is None:
            raise WeightsError("weights.incomplete", folder=package.folder, what=training)
        wanted = [model / name for name in ("plans.json", "dataset.json", "dataset_fingerprint.json")]
        wanted += [checkpoint(model, fold) for fold in folds_of(network, model)]
        files += [(each, f"{training}/{each.relative_to(model).as_posix()}") for each in wanted if each.is_file()]
    return files


def _copy(path: Path, target: Path, name: str, tell: Tell, stop: Stop) -> FileFact:
    try:
        with path.open("rb") as source:
            digest = pour(source, target, tell, stop)
    except OSError as error:
        raise WeightsError("weights.not_readable", name=path.name, reason=error.strerror or "no access") from error
    return FileFact(name, target.stat().st_size, digest)


def _require_network(archive: ZipFile, name: str) -> None:
    """Raises WeightsError that says what the archive holds instead of a network."""
    names = archive.namelist()
    if has_network(names):
        return
    first = next((each for each in archive.infolist() if each.file_size > 132), None)
    try:
        with archive.open(first) if first else nullcontext() as file:
            start = file.read(132) if file else b""
    except UNREADABLE:
        start = b""
    raise not_a_network(name, names, is_dicom(start))


def _forget(folder: str) -> None:
    try:
        forget(folder)
    except OSError as error:
        raise not_written(error, folder) from error


def _is_ours(path: Path) -> bool:
    return path.is_relative_to(own_weights_folder().resolve())


def _plain(path: Path) -> str:
    """A short name for a folder from the name of a file."""
    return _NOT_IN_NAMES.sub("_", path.stem)[:8].strip("_") or "networks"
