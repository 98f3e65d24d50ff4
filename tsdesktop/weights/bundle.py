"""Networks in one file, to carry to a computer without internet: a zip that begins with a list of everything in it.

The list has every file's size and SHA-256, so that nothing is installed from a bundle that was damaged on its way. It
holds nothing about the computer or the person: no licence number, no user name, no path.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tsdesktop.core.errors import WeightsError
from tsdesktop.core.files import written_whole
from tsdesktop.core.structures import Rgb
from tsdesktop.core.version import __version__
from tsdesktop.weights.archive import SPARE_BYTES, UNREADABLE, open_archive, unpack
from tsdesktop.weights.custom import recolour_custom, rename_custom
from tsdesktop.weights.custom_reading import CustomNetwork, custom_networks
from tsdesktop.weights.hashing import FileFact, not_written, pour_into, sha256_of
from tsdesktop.weights.install import Installed, Origin, install_unpacked
from tsdesktop.weights.packages import Package
from tsdesktop.weights.parts import require_space
from tsdesktop.weights.places import checkpoint, folds_of
from tsdesktop.weights.progress import Listen, Meter
from tsdesktop.weights.recognising import BUNDLE_MANIFEST, is_bundle
from tsdesktop.weights.staging import staging_folder
from tsdesktop.weights.stopping import Stop

FORMAT = "tsdesktop networks"
VERSION = 1
_MOST_MANIFEST_BYTES = 1 << 24
_SMALL_FILES = ("plans.json", "dataset.json", "dataset_fingerprint.json")


@dataclass(frozen=True)
class Own:
    """What a person chose for one of their own networks: its title and colours."""

    folder: str
    title: str
    colours: Mapping[str, Rgb]


@dataclass(frozen=True)
class Manifest:
    """What a bundle says about itself."""

    program: str
    made: str
    tasks: tuple[str, ...]
    networks: tuple[str, ...]
    own: tuple[Own, ...]
    files: tuple[FileFact, ...]

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(each.size for each in self.files)


def write_bundle(path: Path, packages: Iterable[Package], tasks: Iterable[str], listen: Listen, stop: Stop) -> None:
    """Writes packages that are on this computer to a new zip at `path`, and a person's own networks among `tasks`.

    The file is whole or not there. Raises WeightsError, Cancelled.
    """
    packages, tasks = tuple(packages), tuple(tasks)
    own = [each for each in custom_networks() if each.name in tasks]
    sources = [pair for each in packages for pair in _files_of(each)] + [pair for each in own for pair in _own(each)]
    if not sources:
        raise WeightsError("weights.bundle_empty")
    try:
        total = sum(source.stat().st_size for _, source in sources)
        require_space(path.parent, total + SPARE_BYTES, path.name)
        meter = Meter(listen, "checking", 2 * total)
        facts = _facts(sources, meter, stop)
        folders = tuple(each.folder for each in packages)
        kept = tuple(Own(_own_name(each), each.title, each.colours) for each in own)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(__version__, now, tasks, folders, kept, facts)
        _write(path, manifest, sources, meter, stop)
    except OSError as error:
        raise not_written(error, path.name) from error


def read_manifest(path: Path) -> Manifest:
    """What a bundle says about itself; its files are not read. Raises WeightsError for a file that is no bundle."""
    with open_archive(path) as archive:
        if not is_bundle(archive.namelist()):
            raise WeightsError("weights.bundle_broken", name=path.name, reason="its list of files is missing")
        try:
            if archive.infolist()[0].file_size > _MOST_MANIFEST_BYTES:
                raise ValueError("too long")
            data = json.loads(archive.read(BUNDLE_MANIFEST))
            if data["format"] != FORMAT:
                raise ValueError("another kind of file")
            version = int(data["version"])
            manifest = _manifest(data) if version <= VERSION else None
        except (*UNREADABLE, LookupError, TypeError, AttributeError, RecursionError) as error:
            reason = "its list of files cannot be read"
            raise WeightsError("weights.bundle_broken", name=path.name, reason=reason) from error
    if manifest is None:
        raise WeightsError("weights.bundle_newer", name=path.name)
    return manifest


def install_bundle(path: Path, listen: Listen, stop: Stop) -> tuple[Installed, ...]:
    """Installs all networks of a bundle, once every file has the hash that its list states; all or nothing.

    Raises WeightsError, Cancelled.
    """
    manifest = read_manifest(path)
    with staging_folder("bundle") as staging:
        inside = staging / "bundle"
        inside.mkdir()
        facts = unpack(path, inside, listen, stop)
        _compare(path.name, manifest, [each for each in facts if each.name != BUNDLE_MANIFEST])
        installed = install_unpacked(inside, facts, Origin(path.name), listen, stop)
    _give_titles(installed, manifest)
    return installed


def _files_of(package: Package) -> list[tuple[str, Path]]:
    """The package's files with their names in a bundle."""
    pairs = []
    for network, found in zip(package.networks, package.presences(), strict=True):
        if found.folder is None or found.state != "here":
            raise WeightsError("weights.bundle_lacks", folder=package.folder)
        pairs += _training(f"{network.folder}", found.folder, folds_of(network, found.folder))
    return pairs


def _own(network: CustomNetwork) -> list[tuple[str, Path]]:
    return _training(f"custom/{_own_name(network)}", network.folder, network.folds)


def _own_name(network: CustomNetwork) -> str:
    return f"{network.folder.parent.name}/{network.folder.name}"


def _training(name: str, folder: Path, folds: Iterable[int]) -> list[tuple[str, Path]]:
    paths = [folder / each for each in _SMALL_FILES] + [checkpoint(folder, fold) for fold in folds]
    return [(f"{name}/{each.relative_to(folder).as_posix()}", each) for each in paths if each.is_file()]


def _facts(sources: Iterable[tuple[str, Path]], meter: Meter, stop: Stop) -> tuple[FileFact, ...]:
    facts, done = [], 0
    for name, path in sources:

        def tell(count: int, before: int = done) -> None:
            meter.moved(before + count)

        facts.append(FileFact(name, path.stat().st_size, sha256_of(path, tell, stop)))
        done += facts[-1].size
    return tuple(facts)


def _write(path: Path, manifest: Manifest, sources: Iterable[tuple[str, Path]], meter: Meter, stop: Stop) -> None:
    done = manifest.bytes
    with written_whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(BUNDLE_MANIFEST, _text_of(manifest))
        for fact, (_, source) in zip(manifest.files, sources, strict=True):

            def tell(count: int, before: int = done) -> None:
                meter.moved(before + count)

            with source.open("rb") as file, archive.open(zipfile.ZipInfo(fact.name), "w", force_zip64=True) as out:
                digest = pour_into(file, out, path.name, tell, stop)
            if digest != fact.sha256:
                raise WeightsError("weights.altered", folder=fact.name.split("/")[0], what=source.name)
            done += fact.size


def _text_of(manifest: Manifest) -> str:
    return json.dumps({"format": FORMAT, "version": VERSION, **asdict(manifest)}, indent=1, ensure_ascii=False)


def _manifest(data: Mapping[str, Any]) -> Manifest:
    files = tuple(FileFact(str(each["name"]), int(each["size"]), str(each["sha256"])) for each in data["files"])
    own = tuple(Own(str(each["folder"]), str(each["title"]), _colours(each["colours"])) for each in data["own"])
    return Manifest(
        str(data["program"]),
        str(data["made"]),
        tuple(str(each) for each in data["tasks"]),
        tuple(str(each) for each in data["networks"]),
        own,
        files,
    )


def _colours(data: Mapping[str, Sequence[int]]) -> dict[str, Rgb]:
    return {str(name): (int(rgb[0]), int(rgb[1]), int(rgb[2])) for name, rgb in data.items()}


def _compare(name: str, manifest: Manifest, facts: Iterable[FileFact]) -> None:
    wanted, found = {each.name: each for each in manifest.files}, {each.name: each for each in facts}
    for each in sorted(wanted.keys() | found.keys()):
        if each not in found:
            reason = f"{each} is missing"
        elif each not in wanted:
            reason = f"{each} is not in its list"
        elif wanted[each] != found[each]:
            reason = f"{each} is not what was packed"
        else:
            continue
        raise WeightsError("weights.bundle_broken", name=name, reason=reason)


def _give_titles(installed: Iterable[Installed], manifest: Manifest) -> None:
    """Titles and colours for a person's own networks, unless these were here before and have some."""
    chosen = {each.folder: each for each in manifest.own}
    for each in installed:
        own = chosen.get(f"{each.folder.parent.name}/{each.folder.name}")
        if own is None or each.replaced:
            continue
        for name in each.custom_tasks:
            rename_custom(name, own.title)
            for structure, rgb in own.colours.items():
                recolour_custom(name, structure, rgb)
