"""Choosing a task: by itself for a scan, by click, by key, among all."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.panels.bench import LeftBench, click, put_here, scan
from tsdesktop.core.assets import asset
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import Modality
from tsdesktop.gui import theme
from tsdesktop.gui.panels.task_page import TaskPage


def test_without_a_scan_nothing_can_run(left: LeftBench) -> None:
    assert not left.panel.run.button.isEnabled()
    assert left.panel.run.button.toolTip() == "Open a scan first"


def test_a_ct_gets_whole_body_where_its_networks_are(left: LeftBench) -> None:
    put_here("total", "fast")
    left.open(scan("CT"))
    assert left.choices.options() == Options(task="total", fast=True)
    assert left.panel.run.button.isEnabled()


def test_a_ct_gets_what_needs_no_network_where_they_are_not(left: LeftBench) -> None:
    left.open(scan("CT"))
    assert left.choices.options() == Options(task="bone")
    assert left.card("bone").words.badge == "instant"


def test_an_mr_gets_whole_body_of_mr(left: LeftBench) -> None:
    left.open(scan("MR"))
    assert left.choices.task.name == "total_mr"


def test_the_sample_gets_the_demonstration_and_the_next_scan_does_not(left: LeftBench) -> None:
    left.open(scan("CT", str(asset("sample/ct.nii.gz"))))
    assert left.choices.options() == Options(task="demo")
    left.open(scan("CT"))
    assert left.choices.task.name == "bone"


def test_what_a_person_chose_stays_where_it_fits(left: LeftBench) -> None:
    left.open(scan("CT"))
    click(left.card("skin"))
    left.open(scan("CT"))
    assert left.choices.task.name == "skin"
    left.open(scan("MR"))
    assert left.choices.task.name == "total_mr"


def test_a_click_chooses(with_ct: LeftBench) -> None:
    click(with_ct.card("skin"))
    assert with_ct.choices.task.name == "skin"
    assert with_ct.card("skin").isChecked() and not with_ct.card("total").isChecked()


def test_keys_go_from_the_box_to_the_cards_and_choose(with_ct: LeftBench) -> None:
    with_ct.panel.focus_search()
    QTest.keyClick(with_ct.panel.tasks.search, Qt.Key.Key_Down)
    assert with_ct.card("total").hasFocus()
    QTest.keyClick(with_ct.card("total"), Qt.Key.Key_Down)
    assert with_ct.card("bone").hasFocus()
    QTest.keyClick(with_ct.card("bone"), Qt.Key.Key_Return)
    assert with_ct.choices.task.name == "bone"
    QTest.keyClick(with_ct.card("bone"), Qt.Key.Key_Up)
    QTest.keyClick(with_ct.card("total"), Qt.Key.Key_Up)
    assert with_ct.panel.tasks.search.hasFocus()


def test_all_tasks_are_one_click_away_in_their_groups(with_ct: LeftBench) -> None:
    names = with_ct.open_all()
    assert sorted(names) == sorted(catalogue().tasks)
    first_unfit = names.index("body_mr")
    special = {each.name for each in catalogue().tasks.values() if each.status == "more"}
    assert set(names[-len(special) :]) == special, "what is for special purposes comes after all groups"
    assert {with_ct.task(name).modality for name in names[:first_unfit]} == {"CT"}
    assert all(with_ct.card(name).words.dim for name in names[first_unfit : -len(special)])
    assert with_ct.card("body_mr").words.line == "Made for MR; this scan is CT"


def test_for_an_mr_its_group_comes_first(left: LeftBench) -> None:
    left.open(scan("MR"))
    names = left.open_all()
    count = sum(each.modality == "MR" for each in catalogue().tasks.values())
    assert {left.task(name).modality for name in names[:count]} == {"MR"}


@pytest.mark.parametrize("name", list(catalogue().tasks))
def test_every_task_can_be_chosen_and_gives_options_that_fit_it(with_ct: LeftBench, name: str) -> None:
    with_ct.choose(name)
    options = with_ct.choices.options()
    options.check_for(with_ct.task(name), [])
    assert options.task == name
    assert with_ct.choices.cost(with_ct.choices.task, with_ct.choices.quality) is not None


def test_cards_say_what_counts(with_ct: LeftBench) -> None:
    put_here("liver_segments")
    put_here("total", "fastest")
    with_ct.choices.look_again()
    with_ct.open_all()
    ready, download, licensed = (
        with_ct.card(name).words for name in ("liver_segments", "vertebrae_body", "heartchambers_highres")
    )
    assert ready.badge == "ready" and ready.line.startswith("CT · 8 structures · 0.8 mm · ")
    assert "little data" in ready.tooltip and ready.marks
    assert (download.badge, download.line) == ("234 MB", "CT · 2 structures · 1.5 mm")
    assert licensed.badge == "licence" and "licence number" in licensed.tooltip and licensed.marks
    assert with_ct.card("bone").words.line == "CT · 1 structure · no download"
    assert "non-commercial" in with_ct.card("brain_aneurysm").words.tooltip


def test_the_chosen_card_says_how_many_structures_are_chosen(with_ct: LeftBench) -> None:
    with_ct.choices.choose_structures(("liver", "spleen"))
    assert with_ct.card("total").words.line.startswith("CT · 2 of 117 structures")


def page(left: LeftBench) -> TaskPage:
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, TaskPage)
    return popup


def test_a_key_opens_the_page_about_a_task(with_ct: LeftBench) -> None:
    QTest.keyClicks(with_ct.card("total"), "i")
    text = page(with_ct).text.toPlainText()
    for words in ("117 structures", "Vessels 16", "doi.org/10.1148/ryai.230024", "GB of memory", "3 mm", "Apache"):
        assert words in text
    assert page(with_ct).picture is not None
    assert "33 of its structures in the program's own phantom, which is no patient" in text


def test_the_page_chooses(with_ct: LeftBench) -> None:
    with_ct.panel.open_page(with_ct.task("liver_segments"))
    text = page(with_ct).text.toPlainText()
    assert "Trained on little data" in text and "10.1007/978-3-030-32692-0_32" in text
    assert "to download" in text
    click(page(with_ct).choose)
    assert with_ct.choices.task.name == "liver_segments"
    assert QApplication.activePopupWidget() is None


def test_the_page_of_the_chosen_task_and_of_one_that_does_not_fit(with_ct: LeftBench) -> None:
    with_ct.panel.open_page(with_ct.task("total"))
    assert not page(with_ct).choose.isEnabled()
    page(with_ct).close()
    with_ct.panel.open_page(with_ct.task("total_mr"))
    assert "Made for MR; this scan is CT" in page(with_ct).text.toPlainText()
    assert "GB of memory" not in page(with_ct).text.toPlainText()


def test_the_small_button_on_a_card_opens_the_page(with_ct: LeftBench, qtbot: QtBot) -> None:
    with qtbot.waitSignal(with_ct.panel.tasks.details_wanted) as caught:
        click(with_ct.card("total").about)
    assert caught.args == [with_ct.task("total")]


def test_pictures_are_small_and_belong_to_tasks() -> None:
    pictures = sorted(asset("pictures").iterdir())
    assert {each.stem for each in pictures} <= set(catalogue().tasks)
    assert {"total", "demo", "bone", "skin", "lungs"} <= {each.stem for each in pictures}
    assert max(each.stat().st_size for each in pictures) < 60_000


def test_a_scan_of_which_nobody_knows_whether_it_is_ct_or_mr_waits_for_a_choice(left: LeftBench) -> None:
    left.open(scan("CT"))
    click(left.card("skin"))
    left.open(scan("unknown"))
    assert left.names == ["total", "total_mr", "body", "body_mr"]
    assert not any(card.isChecked() for card in left.panel.tasks.cards)
    assert left.panel.run.question.isVisible() and not left.panel.run.button.isEnabled()
    assert not left.panel.quality.isVisible() and not left.panel.structures.isVisible()
    left.panel.open_structure_picker()
    assert QApplication.activePopupWidget() is None


@pytest.mark.parametrize("name", ["total", "total_mr"])
def test_a_task_that_is_chosen_then_can_run(left: LeftBench, name: str) -> None:
    left.open(scan("unknown"))
    click(left.card(name))
    assert left.card(name).isChecked() and left.choices.task.name == name
    assert left.panel.run.button.isEnabled() and not left.panel.run.question.isVisible()
    assert left.panel.quality.isVisible()


@pytest.mark.parametrize(("modality", "name"), [("CT", "total"), ("MR", "total_mr")])
def test_saying_what_it_is_chooses(left: LeftBench, modality: Modality, name: str) -> None:
    put_here("total", "fast")
    left.open(scan("unknown"))
    left.session.set_modality(modality)
    assert left.choices.task.name == name and left.card(name).isChecked()
    assert left.panel.run.button.isEnabled()


def test_the_keyboard_and_the_choice_are_seen_apart(with_ct: LeftBench) -> None:
    card, other = with_ct.card("total"), with_ct.card("bone")

    def edges() -> list[list[int]]:
        pictures = [each.grab().toImage() for each in (card, other)]
        return [[picture.pixel(n, picture.height() // 2) for n in range(8)] for picture in pictures]

    other.setFocus()
    chosen, focused = edges()
    card.setFocus()
    both, neither = edges()
    accent = theme.current().colour("accent").rgb()
    assert accent in chosen and accent in both and accent not in focused and accent not in neither
    assert focused != neither and both != chosen
