"""A person's own networks among the tasks: they come, change and go while the window is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gui.panels.bench import LeftBench, click, scan
from tests.networks import BandNetwork, CtRange, write_band_network
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.weights.custom import CustomNetwork, add_custom, recolour_custom, remove_custom, rename_custom
from tsdesktop.weights.progress import nobody
from tsdesktop.weights.stopping import Stop

LIVER = BandNetwork(
    "Dataset501_Tumour/nnUNetTrainer__nnUNetPlans__3d_fullres",
    ((0.0, 40.0, 80.0),),
    CtRange(-200, 300, 10, 100),
    (1.5, 2.0, 2.5),
    dataset={"labels": {"background": 0, "liver": 1, "tumour": 2}},
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_band_network(tmp_path, LIVER)


def add(folder: Path) -> CustomNetwork:
    (added,) = add_custom(folder, nobody, Stop())
    return added


def test_one_that_was_added_can_be_found_chosen_and_run(left: LeftBench, results: Path) -> None:
    left.open(scan("CT"))
    name = add(results).name
    left.choices.look_again()
    left.panel.tasks.search.setText("tumour")
    assert left.card(name).words.badge == "ready"
    click(left.card(name))
    assert left.choices.options().task == name and left.choices.quality == "full"
    assert left.panel.run.button.isEnabled()
    cost = left.choices.cost(left.choices.task, "full")
    assert cost is not None and cost.seconds > 0


def test_another_title_and_colour_are_seen_at_once(left: LeftBench, results: Path) -> None:
    left.open(scan("CT"))
    name = add(results).name
    left.choices.look_again()
    left.choices.choose_task(left.choices.catalogue.task(name))
    heard: list[str] = []
    left.choices.task_changed.connect(lambda: heard.append(left.choices.task.title))
    rename_custom(name, "Liver lesions")
    recolour_custom(name, "tumour", (200, 30, 40))
    left.choices.look_again()
    assert heard == ["Custom: Liver lesions"]
    assert left.choices.task.structure("tumour").rgb == (200, 30, 40)
    assert left.card(name).task is left.choices.task and left.card(name).isChecked()


def test_one_that_was_removed_is_no_task_any_more(left: LeftBench, results: Path) -> None:
    left.open(scan("CT"))
    name = add(results).name
    left.choices.look_again()
    left.choices.choose_task(left.choices.catalogue.task(name))
    remove_custom(name)
    left.choices.look_again()
    assert left.choices.task.name == "bone" and left.choices.catalogue is catalogue()


def test_it_is_looked_for_when_a_scan_is_opened(left: LeftBench, results: Path) -> None:
    name = add(results).name
    left.open(scan("CT"))
    assert name in left.choices.catalogue.tasks


def test_a_catalogue_that_was_given_stays(left: LeftBench, results: Path) -> None:
    choices = RunChoices(left.session, catalogue())
    add(results)
    choices.look_again()
    assert choices.catalogue is catalogue()
