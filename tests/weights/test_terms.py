"""Terms of use: asked for once, kept in the settings, and named before a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsdesktop.core.errors import LicenceError
from tsdesktop.core.options import Options
from tsdesktop.core.settings import Settings, load_settings, save_settings
from tsdesktop.core.tasks import catalogue
from tsdesktop.pipeline import check_run
from tsdesktop.weights.terms import accept_terms, check_terms, needs_terms, tasks_with_terms, with_terms_accepted

TASK = catalogue().task("brain_aneurysm")


def test_only_tasks_for_non_commercial_use_have_terms() -> None:
    asking = {name for name, task in catalogue().tasks.items() if needs_terms(task)}
    assert asking == {"brain_aneurysm"}


def test_terms_are_accepted_once_and_for_all() -> None:
    save_settings(Settings(theme="light", terms_accepted="another_task"))
    assert needs_terms(TASK)
    accept_terms(TASK)
    accept_terms(TASK)
    assert not needs_terms(TASK)
    assert load_settings() == Settings(theme="light", terms_accepted="another_task,brain_aneurysm")


def test_the_settings_in_force_count_before_those_on_the_disk() -> None:
    accepted = with_terms_accepted(TASK, Settings(terms_accepted=" other , "))
    assert accepted.terms_accepted == "brain_aneurysm,other"
    assert needs_terms(TASK) and not needs_terms(TASK, accepted)
    check_terms(TASK, accepted)


def test_a_name_that_only_begins_alike_is_not_accepted() -> None:
    assert needs_terms(TASK, Settings(terms_accepted="brain_aneurysm_2,brain"))


def test_a_run_is_refused_until_they_are_accepted() -> None:
    with pytest.raises(LicenceError) as caught:
        check_run(Options(task="brain_aneurysm"))
    assert caught.value.id == "licence.terms"
    assert caught.value.hint.endswith("tsdesktop license accept brain_aneurysm")
    accept_terms(TASK)
    with pytest.raises(Exception, match="is not on this computer"):
        check_run(Options(task="brain_aneurysm"))


def test_a_download_asks_for_the_terms_of_the_tasks_it_serves() -> None:
    assert tasks_with_terms("Dataset615_MAXIMUS", catalogue()) == (TASK,)
    others = {each.dataset_folder for each in catalogue().networks.values()} - {"Dataset615_MAXIMUS"}
    assert not [each for each in others if tasks_with_terms(each, catalogue())]
    accept_terms(TASK)
    assert tasks_with_terms("Dataset615_MAXIMUS", catalogue()) == ()


def test_settings_that_cannot_be_written_are_said(own_data_folder: Path) -> None:
    (own_data_folder / "settings.json").mkdir()
    with pytest.raises(LicenceError) as caught:
        accept_terms(TASK)
    assert caught.value.id == "licence.terms_not_kept"
