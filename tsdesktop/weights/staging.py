"""Folders that are not whole yet stand beside the place of networks under a hidden name, and are renamed when they are.

What is not a network, but comes the same way, names the folder it stands in: `own`.
A program that was killed leaves such folders; the next one that installs something takes them away. What belongs to a
program that still runs is known by a lock that ends with it.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsdesktop.weights.hashing import not_written
from tsdesktop.weights.places import own_weights_folder

log = logging.getLogger(__name__)
_PATIENCE_S = (0.1, 0.2, 0.4, 0.8, 1.6)
_UNPACKING, _OLD, _GONE = ".unpacking-", ".old-", ".gone-"


@contextmanager
def staging_folder(name: str, own: Path | None = None) -> Iterator[Path]:
    """A hidden folder in the program's folder of networks, removed when the block ends. Raises WeightsError."""
    from filelock import FileLock

    own = own or own_weights_folder()
    # Short: networks have long names, and Windows has a limit for a whole path.
    folder = own / f"{_UNPACKING}{name[:10]}-{uuid.uuid4().hex[:6]}"
    lock = FileLock(_lock_of(folder))
    try:
        own.mkdir(parents=True, exist_ok=True)
        clear_leftovers(own)
        lock.acquire()
        folder.mkdir()
    except OSError as error:
        raise not_written(error, name) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        _lock_of(folder).unlink(missing_ok=True)


def put_in_place(staged: Path, place: Path, own: Path | None = None) -> bool:
    """Renames a whole folder to its place; says whether another was there, which is then removed.

    When renaming fails the other one is back in its place. Raises WeightsError.
    """
    own = own or own_weights_folder()
    with _renaming(own):
        old = _aside(place, _OLD, own) if place.exists() else None
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _rename(staged, place)
        except OSError as error:
            if old is not None:
                old.rename(place)
            raise not_written(error, place.name) from error
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
    return old is not None


def take_away(place: Path, own: Path | None = None) -> None:
    """Removes a folder: at once out of its place, then from the disk. Raises WeightsError."""
    own = own or own_weights_folder()
    with _renaming(own):
        gone = _aside(place, _GONE, own)
    shutil.rmtree(gone, ignore_errors=True)


def clear_leftovers(own: Path | None = None) -> None:
    """Removes what programs that were killed have left, and puts back what one had moved aside to replace it."""
    from filelock import FileLock, Timeout

    own = own or own_weights_folder()
    for folder in own.glob(f"{_UNPACKING}*"):
        if not folder.is_dir():
            continue
        try:
            with FileLock(_lock_of(folder), timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
            _lock_of(folder).unlink(missing_ok=True)
        except (Timeout, OSError):
            log.debug("%s is in use", folder.name)
    with _renaming(own):
        for folder in own.glob(f"{_OLD}*"):
            place = own / folder.name.removeprefix(_OLD)[:-9]
            if not place.exists():
                folder.rename(place)
        useless = [*own.glob(f"{_OLD}*"), *own.glob(f"{_GONE}*")]
    for folder in useless:
        shutil.rmtree(folder, ignore_errors=True)


def _aside(place: Path, prefix: str, own: Path) -> Path:
    aside = own / f"{prefix}{place.name}-{uuid.uuid4().hex[:8]}"
    try:
        return _rename(place, aside)
    except OSError as error:
        raise not_written(error, place.name) from error


def _rename(source: Path, target: Path) -> Path:
    """Windows refuses while another program looks into a new file, as those against viruses do for a moment."""
    for seconds in _PATIENCE_S if os.name == "nt" else ():
        try:
            return source.rename(target)
        except PermissionError:
            threading.Event().wait(seconds)
    return source.rename(target)


@contextmanager
def _renaming(own: Path) -> Iterator[None]:
    """Two programs never move folders aside and into place at the same moment."""
    from filelock import FileLock

    records = own / ".records"
    try:
        records.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(error, own.name) from error
    with FileLock(records / ".lock"):
        yield


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")
