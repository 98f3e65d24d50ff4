"""A package of networks, from its address into its place: one program at a time, in as many tries as it takes.

Nothing is asked of anybody before `download` or `release_digests` is called, and those only because somebody asked.
"""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from tsdesktop.core.errors import LicenceError, TsDesktopError, WeightsError
from tsdesktop.core.tasks import catalogue
from tsdesktop.weights.answers import Source
from tsdesktop.weights.connection import Patience, download_address, mirror, open_client, send, shown_address
from tsdesktop.weights.fetch import fetch
from tsdesktop.weights.install import Installed, install_zip
from tsdesktop.weights.licence import stored_licence
from tsdesktop.weights.licence_server import server_address
from tsdesktop.weights.packages import Package, title_of
from tsdesktop.weights.parts import forget, length_of, require_space, writing
from tsdesktop.weights.places import find_network, own_weights_folder
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.staging import clear_leftovers
from tsdesktop.weights.stopping import Stop

log = logging.getLogger(__name__)
RELEASE_API = "https://api.github.com/repos/wasserth/TotalSegmentator/releases/tags"
RELEASE_API_VARIABLE = "TSDESKTOP_RELEASE_API"
UNPACKED_TIMES = 1.2
_SERVED_VERSION = "2.18.0"
_API_PATIENCE = Patience(connect_s=4.0, read_s=4.0)
_API_S = 10.0
_MOST_API_BYTES = 8_000_000
_GOOD_FOR_S, _SILENT_FOR_S = 600.0, 60.0
_LOOK_S = 0.2
# Those that say nothing about what has arrived.
_OF_THE_DISK = ("weights.disk_full", "weights.disk_space", "weights.not_written", "weights.not_writable")
_told: dict[str, tuple[float, Mapping[str, str]]] = {}


def download(
    package: Package, listen: Listen, stop: Stop, patience: Patience | None = None, *, again: bool = False
) -> Installed:
    """Downloads a package, going on with what an earlier try has left, checks it and puts it in its place.

    Waits for another program that is at the same one, and finds it here afterwards. A package that is here is left as
    it is unless `again`. Raises Cancelled when stopped (what has arrived is kept), WeightsError, LicenceError.
    """
    with _alone(package, listen, stop):
        clear_leftovers()
        if package.is_here and not again:
            # A program that was killed just after installing it leaves what it had brought.
            forget(package.part)
            return _here(package)
        source = _source(package, stop)
        _require_space(package)
        return _fetched_and_installed(package, source, listen, stop, patience or Patience())


def needed_bytes(packages: Iterable[Package]) -> int | None:
    """How much is to be downloaded for packages, what is here of them left out; None when nobody knows."""
    needed = 0
    for package in packages:
        if package.zip_bytes is None:
            return None
        needed += max(0, package.zip_bytes - partial_bytes(package))
    return needed


def partial_bytes(package: Package) -> int:
    """How much an interrupted download has brought."""
    return length_of(package.part)


def forget_partial(package: Package) -> None:
    """Removes what an interrupted download has left, unless some program is at it. Raises WeightsError."""
    from filelock import FileLock, Timeout

    if not package.part.parent.is_dir():
        return
    with writing(package.part.parent), suppress(Timeout), FileLock(_lock(package), timeout=0):
        forget(package.part)
        _lock(package).unlink(missing_ok=True)


def digest_of(package: Package, stop: Stop | None = None) -> str:
    """The SHA-256 the release page states for the zip of a package; "" when nobody says. Slow; raises Cancelled."""
    if package.source != "release" or not package.url:
        return ""
    tag = Path(urlsplit(package.url).path).parent.name
    return release_digests(tag, stop or Stop()).get(package.zip_name, "")


def release_digests(tag: str, stop: Stop, *, fresh: bool = False) -> Mapping[str, str]:
    """The SHA-256 of every file of a release that its page states one for; nothing when it cannot be asked.

    Not asked when networks come from elsewhere. What was told is good for ten minutes unless `fresh`, and a page that
    could not be asked is left alone for one. Raises Cancelled.
    """
    given = os.environ.get(RELEASE_API_VARIABLE, "").strip().rstrip("/")
    if mirror() and not given:
        return {}
    address = f"{given or RELEASE_API}/{tag}"
    until, told = _told.get(address, (-math.inf, {}))
    if fresh or time.monotonic() >= until:
        told = _ask_for_digests(address, stop)
        _told[address] = (time.monotonic() + (_GOOD_FOR_S if told else _SILENT_FOR_S), told)
    return told


def _ask_for_digests(address: str, stop: Stop) -> Mapping[str, str]:
    import httpx

    end, body = time.monotonic() + _API_S, b""
    try:
        with open_client(_API_PATIENCE) as client:
            response = send(client, client.build_request("GET", address), stop)
            with closing(response):
                for piece in response.iter_bytes():
                    stop.check()
                    body += piece
                    if response.status_code != 200 or len(body) > _MOST_API_BYTES or time.monotonic() > end:
                        return {}
        assets = json.loads(body)["assets"]
        found = {str(each["name"]): str(each.get("digest") or "") for each in assets}
    except (
        httpx.HTTPError,
        httpx.InvalidURL,
        TsDesktopError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        log.info("the release page states no hashes: %s", type(error).__name__)
        return {}
    return {name: told.removeprefix("sha256:") for name, told in found.items() if told.startswith("sha256:")}


def _fetched_and_installed(
    package: Package, source: Source, listen: Listen, stop: Stop, patience: Patience
) -> Installed:
    part, address = package.part, shown_address(source.address)
    for times in range(1, patience.whole_again + 2):
        fetch(source, part, listen, stop, patience)
        try:
            installed = install_zip(part, package, listen, stop, address=address, sha256=source.sha256)
        except WeightsError as error:
            if error.id in _OF_THE_DISK:
                raise
            forget(part)
            # Whoever has stated the hash of these bytes has sent them as they are.
            if source.sha256 or not error.id.startswith("weights.archive_"):
                raise
            log.warning("%s arrived damaged (%d): %s", source.name, times, error.id)
        else:
            forget(part)
            return installed
    raise WeightsError("weights.wrong_bytes", name=source.name, count=patience.whole_again + 1)


def _source(package: Package, stop: Stop) -> Source:
    """Where the package comes from. Raises LicenceError when a number is needed, WeightsError for no address."""
    if package.source == "licence_server":
        number = stored_licence()
        if not number:
            raise LicenceError("licence.needed", folder=package.folder)
        task = package.networks[0].licence_server_task or ""
        body = {"license_number": number, "task": task, "version": _SERVED_VERSION}
        return Source(server_address("download_weights"), package.zip_name, package.zip_bytes, body=body)
    address = download_address(package)
    if not address:
        # Says what lacks, and where it belongs.
        find_network(package.networks[0])
    return Source(address, package.zip_name, package.zip_bytes, digest_of(package, stop))


def _require_space(package: Package) -> None:
    if package.zip_bytes is not None:
        needed = (1.0 + UNPACKED_TIMES) * package.zip_bytes - partial_bytes(package)
        require_space(own_weights_folder(), needed, package.folder)


@contextmanager
def _alone(package: Package, listen: Listen, stop: Stop) -> Iterator[None]:
    """While the block runs, no other program downloads the same package. Raises Cancelled, WeightsError."""
    from filelock import FileLock, Timeout

    folder = package.part.parent
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(_lock(package))
    while not lock.is_locked:
        try:
            with writing(folder), suppress(Timeout):
                lock.acquire(timeout=0)
                break
        except NotImplementedError:
            log.warning("this disk cannot lock files; two programs must not download at the same time")
            break
        listen(Progress("waiting"))
        stop.wait(_LOOK_S)
    try:
        yield
    finally:
        if not package.part.exists():
            # While it is held, so that nobody gets one that is about to go; Windows removes it when it is released.
            with suppress(OSError):
                _lock(package).unlink(missing_ok=True)
        lock.release()


def _here(package: Package) -> Installed:
    folder = package.presences()[0].folder or package.place
    return Installed(title_of(package, catalogue()), folder.parent, package)


def _lock(package: Package) -> Path:
    return package.part.with_suffix(".lock")
