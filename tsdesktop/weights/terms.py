"""Terms of use that are confirmed once, before a network is downloaded or run: CC BY-NC 4.0 of some tasks."""

from __future__ import annotations

from dataclasses import replace

from tsdesktop.core.errors import LicenceError
from tsdesktop.core.settings import Settings, load_settings, save_settings
from tsdesktop.core.tasks import Catalogue, Task

TERMS_NAME = "CC BY-NC 4.0"
TERMS_URL = "https://creativecommons.org/licenses/by-nc/4.0/"


def needs_terms(task: Task, settings: Settings | None = None) -> bool:
    """Whether the task has terms that nobody has accepted yet, by `settings`, else by those on the disk."""
    return task.licence == "non_commercial" and task.name not in _accepted(settings or load_settings())


def check_terms(task: Task, settings: Settings | None = None) -> None:
    """Raises LicenceError where `needs_terms`."""
    if needs_terms(task, settings):
        raise LicenceError("licence.terms", title=task.title, task=task.name, terms=TERMS_NAME)


def with_terms_accepted(task: Task, settings: Settings) -> Settings:
    """The settings of a person who has accepted the task's terms."""
    return replace(settings, terms_accepted=",".join(sorted({*_accepted(settings), task.name})))


def accept_terms(task: Task) -> None:
    """Keeps on the disk that the task's terms were accepted. Raises LicenceError when it cannot be written."""
    try:
        save_settings(with_terms_accepted(task, load_settings()))
    except OSError as error:
        raise LicenceError("licence.terms_not_kept", reason=error.strerror or "no access") from error


def tasks_with_terms(folder: str, catalogue: Catalogue, settings: Settings | None = None) -> tuple[Task, ...]:
    """The tasks whose terms are to be accepted before the dataset folder `folder` is downloaded; mostly none."""
    return tuple(each for each in catalogue.tasks.values() if _runs(each, folder) and needs_terms(each, settings))


def _runs(task: Task, folder: str) -> bool:
    parts = (part for variant in task.variants.values() for part in variant.parts)
    return any(part.network.dataset_folder == folder for part in parts)


def _accepted(settings: Settings) -> set[str]:
    return {each.strip() for each in settings.terms_accepted.split(",")} - {""}
