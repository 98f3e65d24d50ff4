"""Which set the inference half is to use, if any. Asked at each of its starts, so nothing heavy is loaded here."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsdesktop.core.torch_build import TorchBuild, torch_build
from tsdesktop.runtimes.places import runtimes_folder
from tsdesktop.runtimes.trial import TryOut, driver_text

if TYPE_CHECKING:
    from tsdesktop.runtimes.manifest import Installed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Active:
    """The folder to put first on sys.path; for None `problem` is the reason, "" where nothing is installed."""

    path: Path | None = None
    problem: str = ""


def active_path() -> Path | None:
    """The set for the inference half when it is whole, made for this torch and Python, and its trial went well."""
    return find_active().path


def fitting_set(sets: Iterable[Installed], build: TorchBuild | None) -> Installed | None:
    """The newest set that was made for the torch that comes with the program, and for this Python."""
    release = None if build is None else build.release
    return next((each for each in sets if each.manifest.release == release and each.manifest.fits_this_python), None)


def find_active(try_out: TryOut | None = None) -> Active:
    """As `active_path`, with the reason. `try_out` is called where nobody has tried the set under this driver."""
    if not runtimes_folder().is_dir():
        return Active()
    from tsdesktop.runtimes.manifest import installed_sets, lacking_file, read_verdict

    sets = installed_sets()
    build = torch_build()
    if not sets or build is None or build.knows_cards:
        return Active()
    chosen = fitting_set(sets, build)
    if chosen is None:
        return Active(None, "the libraries fetched for it belong to another version of this program")
    driver = driver_text()
    if not driver:
        return Active(None, "no card or no driver was found")
    if lacking := lacking_file(chosen):
        log.warning("%s is missing or has another size", lacking)
        return Active(None, "the libraries fetched for it are not whole")
    verdict = read_verdict(chosen.folder)
    if (verdict is None or verdict.driver != driver) and try_out is not None:
        verdict = try_out(chosen.folder)
    if verdict is None or verdict.driver != driver:
        return Active(None, "the libraries fetched for it have not been tried yet")
    if not verdict.works:
        return Active(None, f"the libraries fetched for it do not work ({verdict.reason})")
    return Active(chosen.folder)
