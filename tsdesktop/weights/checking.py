"""Whether networks are whole and are those of the catalogue: their files, plans, checkpoints, labels and hashes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import Network
from tsdesktop.weights.checkpoints import check_every_byte, checkpoint_facts
from tsdesktop.weights.hashing import FileFact, sha256_of
from tsdesktop.weights.packages import Package
from tsdesktop.weights.places import checkpoint, find_network, folds_of, lacking_file
from tsdesktop.weights.plans import read_plans
from tsdesktop.weights.progress import Listen, Meter
from tsdesktop.weights.records import read_record, write_verdict
from tsdesktop.weights.stopping import Stop

log = logging.getLogger(__name__)


def check_package(folder: Path, package: Package) -> None:
    """Looks whether the dataset folder `folder` holds the networks of `package`, whole and with the right labels.

    Quick: no checkpoint is read as a whole. Raises WeightsError that says what is wrong.
    """
    for network in package.networks:
        _check_network(folder / network.folder.split("/")[-1], network)


def verify(package: Package, listen: Listen, stop: Stop) -> None:
    """Looks at every byte of a network that is here, and remembers what it found until a file changes.

    What this program installed is compared with the hashes taken then, what others did with the checksums inside the
    checkpoints. Raises WeightsError that says what is wrong, Cancelled.
    """
    place = find_network(package.networks[0]).parent
    try:
        _verify(package, place, listen, stop)
    except WeightsError as error:
        _remember(package, place, error.sentence)
        raise
    _remember(package, place, "")


def _check_network(folder: Path, network: Network) -> None:
    name = network.dataset_folder
    if lacking := lacking_file(folder, network) if folder.is_dir() else folder.name:
        raise WeightsError("weights.incomplete", folder=name, what=lacking)
    for fold in folds_of(network, folder):
        facts = checkpoint_facts(checkpoint(folder, fold))
        plans = read_plans(folder, facts.configuration)
        found = len([label for label in plans.labels.values() if label > 0])
        if found != network.labels:
            raise WeightsError("weights.other_labels", folder=name, found=found, wanted=network.labels)
        if plans.regions:
            raise WeightsError("weights.broken", folder=name, reason="its structures overlap, which was not expected")
        if facts.outputs != plans.outputs:
            raise WeightsError("weights.broken", folder=name, reason="its checkpoint does not fit its plans")


def _verify(package: Package, place: Path, listen: Listen, stop: Stop) -> None:
    record = read_record(package.folder) if place == package.place else None
    if record is not None:
        _compare(package.folder, place, record.files, listen, stop)
    check_package(place, package)
    if record is None:
        _check_checkpoints(package, place, listen, stop)


def _compare(name: str, place: Path, files: Iterable[FileFact], listen: Listen, stop: Stop) -> None:
    facts = tuple(files)
    meter, done = Meter(listen, "checking", sum(each.size for each in facts)), 0
    for fact in facts:
        path = place / fact.name

        def tell(count: int, before: int = done) -> None:
            meter.moved(before + count)

        try:
            same = path.stat().st_size == fact.size and sha256_of(path, tell, stop) == fact.sha256
        except FileNotFoundError as error:
            raise WeightsError("weights.incomplete", folder=name, what=fact.name) from error
        except OSError as error:
            reason = f"{path.name} cannot be read ({error.strerror or 'no access'})"
            raise WeightsError("weights.broken", folder=name, reason=reason) from error
        if not same:
            raise WeightsError("weights.altered", folder=name, what=fact.name)
        done += fact.size


def _check_checkpoints(package: Package, place: Path, listen: Listen, stop: Stop) -> None:
    folders = [(place / each.folder.split("/")[-1], each) for each in package.networks]
    paths = [checkpoint(folder, fold) for folder, network in folders for fold in folds_of(network, folder)]
    meter, done = Meter(listen, "checking", sum(each.stat().st_size for each in paths)), 0
    for path in paths:

        def tell(count: int, before: int = done) -> None:
            meter.moved(before + count)

        check_every_byte(path, tell, stop)
        done += path.stat().st_size


def _remember(package: Package, place: Path, problem: str) -> None:
    try:
        write_verdict(package.folder, place, problem)
    except OSError as error:
        log.warning("what was found about %s could not be written down: %s", package.folder, error.strerror)
