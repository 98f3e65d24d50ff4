"""Numbers as people read them, and what a run costs."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QLocale

from tests.gui.panels.bench import LeftBench, put_here, scan
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.figures import SPACE, about_text, countdown_text, decimal, size_text, volume_text
from tsdesktop.gui.panels.costs import Prices, Speeds
from tsdesktop.gui.panels.needs import Shelf
from tsdesktop.pipeline import Segmentation


@pytest.fixture
def german_numbers() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    yield
    QLocale.setDefault(before)


@pytest.fixture(autouse=True)
def english_numbers() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English))
    yield
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (4.4, "4 s"), (17, "15 s"), (57, "55 s"), (58, "1 min"), (130, "2 min"), (4800, "1 h 20 min")],
)
def test_a_time_to_expect_is_no_finer_than_it_is_known(seconds: float, text: str) -> None:
    assert about_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 s"), (45.4, "45 s"), (60, "1 min"), (75, "1 min 15 s"), (188, "3 min 10 s"), (3720, "1 h 2 min")],
)
def test_a_time_that_runs_down(seconds: float, text: str) -> None:
    assert countdown_text(seconds) == text


def test_sizes_and_volumes() -> None:
    assert [size_text(n) for n in (2e5, 135e6, 999.9e6, 1.24e9)] == ["1 MB", "135 MB", "1.0 GB", "1.2 GB"]
    assert [volume_text(ml) for ml in (0, 0.004, 1.234, 61.44, 402.3)] == [
        "0 ml", f"<{SPACE}0.01 ml", "1.23 ml", "61.4 ml", "402 ml",
    ]  # fmt: skip
    assert volume_text(1092) == f"1{SPACE}092 ml"


@pytest.mark.usefixtures("german_numbers")
def test_the_decimal_mark_is_the_language_s() -> None:
    assert decimal(1234.56, 1) == f"1{SPACE}234,6"
    assert volume_text(61.44) == "61,4 ml"
    assert size_text(1.24e9) == "1,2 GB"


def finished(seconds: float, **options: object) -> Segmentation:
    """A run of the demonstration on a scan, as it would have come back."""
    volume, task = scan("CT"), catalogue().task("demo")
    labels = LabelMap(np.zeros(volume.array.shape, np.uint8), volume.geometry, task.classes, task.name)
    chosen = Options(task="demo", **options)  # type: ignore[arg-type]
    return Segmentation(volume, labels, task, chosen, (), "cpu", seconds, ())


def test_costs_learn_from_a_finished_run(left: LeftBench) -> None:
    left.open(scan("CT"))
    left.choose("demo")
    before = left.choices.cost(left.choices.task, "full")
    assert before is not None and not before.measured
    left.session.show_labels(finished(90.0).label_map, finished(90.0))
    after = left.choices.cost(left.choices.task, "full")
    assert after is not None and after.measured
    assert after.seconds == pytest.approx(90.0, rel=0.1)
    assert "1 min" in left.card("demo").words.line or "2 min" in left.card("demo").words.line


def test_a_result_that_is_closed_is_held_by_nobody(left: LeftBench) -> None:
    left.open(scan("CT"))
    result = finished(90.0)
    left.session.show_labels(result.label_map, result)
    held = weakref.ref(result)
    left.session.close_labels()
    del result
    assert held() is None


def test_what_was_learned_is_there_after_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    Speeds(file).learn("cpu", 10_000_000, 5.0)
    assert Speeds(file).of("cpu") == (2_000_000.0, True)
    assert Speeds(file).of("gpu:0")[1] is False
    Speeds(file).learn("cpu", 10_000_000, 2.5)
    assert Speeds(file).of("cpu") == (3_000_000.0, True)


def test_a_damaged_file_of_speeds_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    file.write_text("[1, 2", encoding="utf-8")
    assert not Speeds(file).of("cpu")[1]
    Speeds(file).learn("cpu", 1000, 1.0)
    assert Speeds(file).of("cpu")[1]


def test_runs_with_chosen_threads_teach_nothing(left: LeftBench) -> None:
    left.choices.prices.learn_from(finished(90.0, threads=1))
    left.open(scan("CT"))
    cost = left.choices.cost(left.task("demo"), "full")
    assert cost is not None and not cost.measured


def test_finer_networks_and_larger_scans_cost_more(tmp_path: Path) -> None:
    shelf = Shelf()
    prices = Prices(catalogue(), shelf, Speeds(tmp_path / "speeds.json"))
    total = catalogue().task("total")
    small = Geometry((200, 200, 100), np.diag([2.0, 2.0, 2.0, 1.0]))
    large = Geometry((400, 400, 400), np.diag([1.0, 1.0, 2.0, 1.0]))
    fast, full = Options(fast=True), Options()
    assert prices.of(total, full, small).seconds > 3 * prices.of(total, fast, small).seconds
    assert prices.of(total, fast, large).seconds > prices.of(total, fast, small).seconds
    assert prices.of(total, fast, large).memory_gb > prices.of(total, fast, small).memory_gb
    on_card = Options(fast=True, device="gpu:0")
    assert prices.of(total, on_card, large).seconds < prices.of(total, fast, large).seconds


def test_chosen_structures_of_one_part_cost_less(with_ct: LeftBench) -> None:
    total = with_ct.task("total")
    some, whole = with_ct.choices.cost(total, "full", ("hip_left",)), with_ct.choices.cost(total, "full")
    assert some is not None and whole is not None and some.seconds < whole.seconds


def test_a_run_with_a_crop_is_never_called_measured(with_ct: LeftBench) -> None:
    Speeds().learn("cpu", 10_000_000, 5.0)
    prices = Prices(catalogue(), Shelf())
    geometry = scan("CT").geometry
    assert prices.of(with_ct.task("total"), Options(fast=True, device="cpu"), geometry).measured
    restricted = Options(fast=True, device="cpu", roi=("liver",))
    assert not prices.of(with_ct.task("total"), restricted, geometry).measured


def test_the_look_for_the_region_is_counted(with_ct: LeftBench) -> None:
    total = with_ct.task("total")
    draft, some = with_ct.choices.cost(total, "fastest"), with_ct.choices.cost(total, "fast", ("liver",))
    assert draft is not None and some is not None and some.seconds > draft.seconds


def test_crops_learn_how_far_they_were_off(tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    assert Speeds(file).cropped("cpu") == 1.0
    Speeds(file).learn_cropped("cpu", 7.0, 14.0)
    assert Speeds(file).cropped("cpu") == 2.0
    Speeds(file).learn_cropped("cpu", 7.0, 7.0)
    assert Speeds(file).cropped("cpu") == 1.5
    Speeds(file).learn_cropped("cpu", 7.0, 0.7)
    assert Speeds(file).cropped("cpu") == 1.0, "a crop that found nothing tells little"
    assert not Speeds(file).of("cpu")[1]


def test_the_first_measured_speed_forgets_what_was_said_by_a_guessed_one(tmp_path: Path) -> None:
    speeds = Speeds(tmp_path / "speeds.json")
    speeds.learn_cropped("cpu", 7.0, 14.0)
    speeds.learn("cpu", 10_000_000, 5.0)
    assert speeds.cropped("cpu") == 1.0
    speeds.learn_cropped("cpu", 7.0, 14.0)
    speeds.learn("cpu", 10_000_000, 5.0)
    assert speeds.cropped("cpu") == 2.0


def test_a_saving_that_did_not_come_is_not_promised_again(with_ct: LeftBench) -> None:
    with_ct.choices.choose_quality("full")
    with_ct.choices.choose_structures(("liver", "aorta", "vertebrae_L1", "humerus_left", "rib_left_1"))
    first = with_ct.choices.cost(with_ct.choices.task, "full", with_ct.choices.roi)
    note = with_ct.panel.structures.note
    assert first is not None and note.whole.startswith("About ") and note.whole.endswith(".")
    with_ct.choices.prices.speeds.learn_cropped("cpu", first.seconds, 4 * first.seconds)
    with_ct.choices.look_again()
    assert not note.isVisible()


def test_networks_that_cannot_be_read_are_guessed(left: LeftBench) -> None:
    put_here("total", "fast")
    left.open(scan("CT"))
    cost = left.choices.cost(left.task("total"), "fast")
    assert cost is not None and cost.seconds > 0
