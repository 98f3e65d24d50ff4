"""Fetches a set, checks it and puts it in its place; verifies and removes one. Whatever ends it, no half set counts."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tsdesktop.core.errors import LibraryError, WeightsError
from tsdesktop.runtimes.index import Wheel
from tsdesktop.runtimes.manifest import (
    Installed,
    installed_sets,
    lacking_file,
    new_manifest,
    read_files,
    read_manifest,
    write_manifest,
)
from tsdesktop.runtimes.metadata import is_metadata, requirements_in
from tsdesktop.runtimes.pages import in_our_words
from tsdesktop.runtimes.places import parts_folder, runtimes_folder
from tsdesktop.runtimes.planning import Plan, missing_requirement, part_name
from tsdesktop.runtimes.wheels import unpack_wheel
from tsdesktop.weights.answers import Source
from tsdesktop.weights.connection import Patience
from tsdesktop.weights.fetch import fetch
from tsdesktop.weights.hashing import FileFact, not_written, sha256_of
from tsdesktop.weights.parts import forget, length_of, require_space, writing
from tsdesktop.weights.progress import Listen, Meter, Progress
from tsdesktop.weights.staging import clear_leftovers, put_in_place, staging_folder, take_away
from tsdesktop.weights.stopping import Stop

log = logging.getLogger(__name__)
_LOOK_S = 0.2
_TITLE = "The libraries"


def install(plan: Plan, listen: Listen, stop: Stop, patience: Patience | None = None) -> Installed:
    """Fetches what a plan names, going on with what an earlier try has left, and installs it as one set.

    Waits for another program that is at it. A whole set that is here is left as it is. It is not used before a trial.
    Raises Cancelled when stopped (what has arrived is kept), LibraryError, WeightsError.
    """
    with in_our_words(), _alone(listen, stop):
        clear_leftovers(runtimes_folder())
        here = _here(plan)
        if here is None:
            require_space(runtimes_folder(), plan.space_bytes, _TITLE)
            _fetch_all(plan, listen, stop, patience or Patience())
            here = _unpack_all(plan, listen, stop)
        _forget_parts()
        _remove_others(here)
        return here


def partial_bytes() -> int:
    """How much an interrupted fetching has left."""
    folder = parts_folder()
    return sum(length_of(each) for each in folder.glob("*.part")) if folder.is_dir() else 0


def forget_partial() -> None:
    """Removes what an interrupted fetching has left, unless some program is at it. Raises LibraryError."""
    from filelock import FileLock, Timeout

    if parts_folder().is_dir():
        with in_our_words(), writing(runtimes_folder()), suppress(Timeout), FileLock(_lock(), timeout=0):
            _forget_parts()


def verify(installed: Installed, listen: Listen, stop: Stop) -> None:
    """Reads every file of a set and compares it with what was installed. Raises LibraryError for one that differs."""
    facts = read_files(installed.folder)
    if facts is None:
        raise LibraryError("runtime.broken", member="its list of files")
    meter, done = Meter(listen, "checking", sum(each.size for each in facts)), 0
    for fact in facts:
        stop.check()

        def tell(count: int, before: int = done) -> None:
            meter.moved(before + count)

        try:
            is_right = sha256_of(installed.folder / fact.name, tell, stop) == fact.sha256
        except OSError:
            is_right = False
        if not is_right:
            raise LibraryError("runtime.broken", member=fact.name)
        done += fact.size


def remove(installed: Installed) -> int:
    """Removes a set and returns how many bytes that freed. Raises LibraryError, on Windows also while it is in use."""
    try:
        take_away(installed.folder, runtimes_folder())
    except WeightsError as error:
        raise LibraryError("runtime.not_removed", reason=error.arguments.get("reason", "no access")) from error
    return installed.manifest.bytes


def _remove_others(kept: Installed) -> None:
    """Sets of earlier versions of the program would take their gigabytes for nothing."""
    for each in installed_sets():
        if each.folder != kept.folder and each.manifest.fits_this_python:
            try:
                remove(each)
            except LibraryError as error:
                log.warning("an earlier set stays: %s", error.sentence)


def _here(plan: Plan) -> Installed | None:
    """The planned set when it is in its place and whole."""
    found = next((each for each in installed_sets() if each.folder.name == plan.name), None)
    return found if found is not None and not lacking_file(found) else None


def _fetch_all(plan: Plan, listen: Listen, stop: Stop, patience: Patience) -> None:
    """Brings every wheel, told as one download."""
    before = 0
    for wheel in plan.wheels:

        def tell(told: Progress, before: int = before) -> None:
            listen(_of_all(told, before, plan.total_bytes))

        source = Source(wheel.address, wheel.file_name, wheel.size, wheel.sha256)
        fetch(source, parts_folder() / part_name(wheel), tell, stop, patience)
        before += wheel.size or 0


def _of_all(told: Progress, before: int, total: int) -> Progress:
    """What is told of one wheel, as told of all of them."""
    if told.stage not in ("connecting", "downloading", "retrying"):
        return told
    done = min(total, before + told.done_bytes)
    left = (total - done) / told.bytes_per_s if told.bytes_per_s else None
    return replace(told, done_bytes=done, total_bytes=total, seconds_left=left)


def _unpack_all(plan: Plan, listen: Listen, stop: Stop) -> Installed:
    """Unpacks the wheels into one hidden folder and renames it when it is whole."""
    with staging_folder("libraries", runtimes_folder()) as staged:
        whole = staged / "whole"
        facts: dict[str, FileFact] = {}
        before = 0
        for number, wheel in enumerate(plan.wheels):
            single = staged / str(number)
            path = parts_folder() / part_name(wheel)

            def tell(told: Progress, wheel: Wheel = wheel, before: int = before) -> None:
                done = before + round((told.share or 0.0) * (wheel.size or 0))
                listen(Progress("unpacking", done, plan.total_bytes))

            before += wheel.size or 0
            try:
                found = unpack_wheel(path, single, wheel.file_name, tell, stop)
            except LibraryError:
                forget(path)
                raise
            _merge(single, whole, found)
            facts.update({each.name: each for each in found})
        _require_all(plan, whole, facts)
        _describe(plan, whole, tuple(facts.values()))
        place = runtimes_folder() / plan.name
        put_in_place(whole, place, runtimes_folder())
    manifest = read_manifest(place)
    if manifest is None:
        raise LibraryError("runtime.broken", member=place.name)
    return Installed(place, manifest)


def _merge(single: Path, whole: Path, facts: tuple[FileFact, ...]) -> None:
    """Moves the files of a wheel to those of the others; of files with one name the last stays, as pip has it."""
    with _writing():
        for fact in facts:
            target = whole / fact.name
            target.parent.mkdir(parents=True, exist_ok=True)
            (single / fact.name).replace(target)
        shutil.rmtree(single, ignore_errors=True)


def _require_all(plan: Plan, whole: Path, facts: dict[str, FileFact]) -> None:
    """The wheels' own METADATA asks for nothing that is not there. Raises LibraryError."""
    names = [each.name for each in plan.wheels]
    for wheel in plan.wheels:
        start = wheel.file_name.split("-")[0]
        name = next((each for each in facts if each.startswith(f"{start}-") and is_metadata(each)), None)
        text = (whole / name).read_text(encoding="utf-8", errors="replace") if name else ""
        lacking = missing_requirement(requirements_in(text, wheel), names)
        if name is None or lacking:
            raise LibraryError("runtime.incomplete", name=wheel.file_name, requirement=lacking or "METADATA")


def _describe(plan: Plan, whole: Path, facts: tuple[FileFact, ...]) -> None:
    wheels = [(each.name, str(each.version), each.sha256) for each in plan.wheels]
    with _writing():
        write_manifest(whole, new_manifest(plan.release, plan.build, wheels, facts), facts)


def _forget_parts() -> None:
    folder = parts_folder()
    for each in folder.glob("*.part") if folder.is_dir() else ():
        forget(each)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise not_written(error, _TITLE) from error


@contextmanager
def _alone(listen: Listen, stop: Stop) -> Iterator[None]:
    """While the block runs, no other program installs a set. Raises Cancelled, WeightsError."""
    from filelock import FileLock, Timeout

    with writing(runtimes_folder()):
        parts_folder().mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        while True:
            try:
                with writing(runtimes_folder()):
                    held.enter_context(FileLock(_lock(), timeout=0))
                break
            except Timeout:
                listen(Progress("waiting"))
                stop.wait(_LOOK_S)
            except NotImplementedError:
                log.warning("this disk cannot lock files; two programs must not fetch libraries at the same time")
                break
        yield


def _lock() -> Path:
    return runtimes_folder() / ".lock"
