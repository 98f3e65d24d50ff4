"""The search box: which task has it?"""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QTranslator
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.panels.bench import LeftBench, click, scan
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.panels.finder import find_structures, find_tasks
from tsdesktop.gui.panels.pinned import LackingLine


def test_the_task_with_the_pancreas_and_why(with_ct: LeftBench) -> None:
    names = with_ct.search("pancreas")
    assert names[0] == "total"
    assert "has pancreas" in with_ct.card("total").words.line
    assert names[-1] == "total_mr", "what does not fit the scan comes last"
    assert with_ct.card("total_mr").words.line == "Made for MR; this scan is CT"


@pytest.mark.parametrize("typed", ["pancraes", "pankreas", "pancrea", "panceas", "PANCREAS", "pancer"])
def test_slips_of_the_finger(with_ct: LeftBench, typed: str) -> None:
    assert with_ct.search(typed)[0] == "total"


@pytest.mark.parametrize(
    ("typed", "structure"),
    [
        ("kidny", "kidney right"),
        ("suprarenal", "adrenal gland right (suprarenal gland)"),
        ("small intestine", "small bowel (small intestine)"),
        ("left kidney", "kidney left"),
        ("vertebrae L3", "vertebra L3"),
        ("oesophagus", "esophagus"),
    ],
)
def test_other_names_of_a_structure(with_ct: LeftBench, typed: str, structure: str) -> None:
    assert with_ct.search(typed)[0] == "total"
    assert f"has {structure}" in with_ct.card("total").words.line


def test_a_snomed_name(with_ct: LeftBench) -> None:
    assert with_ct.search("insula")[0] == "brain_structures"
    assert "insular cortex" in with_ct.card("brain_structures").words.line


def test_the_organ_comes_before_its_diseases(with_ct: LeftBench) -> None:
    names = with_ct.search("liver")
    assert names[0] == "total"
    assert names.index("liver_lesions") < names.index("demo")


def test_mr_tasks_come_first_for_mr_scans(left: LeftBench) -> None:
    left.open(scan("MR"))
    names = left.search("pancreas")
    assert names[0] == "total_mr"
    assert "Made for CT; this scan is MR" in left.card("total").words.line


def test_a_word_that_nothing_has(with_ct: LeftBench) -> None:
    assert with_ct.search("xyzzy") == []
    assert "xyzzy" in with_ct.panel.tasks.nothing.text()
    assert with_ct.panel.tasks.nothing.isVisible()


def test_return_takes_the_first_and_escape_goes_back(with_ct: LeftBench) -> None:
    with_ct.search("teeth")
    QTest.keyClick(with_ct.panel.tasks.search, Qt.Key.Key_Return)
    assert with_ct.choices.task.name == "teeth"
    QTest.keyClick(with_ct.panel.tasks.search, Qt.Key.Key_Escape)
    assert with_ct.panel.tasks.search.text() == ""
    assert with_ct.names[0] == "teeth", "the chosen task is always among the suggested ones"
    assert with_ct.card("teeth").isChecked()


def test_similar_words_only_for_want_of_others() -> None:
    found = find_tasks("heart", catalogue().tasks.values(), "CT")
    assert {match.reason for match in found} <= {"title", "structure", "code", "description"}
    assert not find_tasks("qq", catalogue().tasks.values())


def test_every_task_in_order_for_nothing_typed() -> None:
    assert [match.task.name for match in find_tasks("  ", catalogue().tasks.values())] == list(catalogue().tasks)


def test_structures_are_found_by_number_and_side() -> None:
    total = catalogue().task("total").classes
    assert next(each.name for each in find_structures("rib left 1", total)) == "rib_left_1"
    assert all("left" in each.name for each in find_structures("left lung", total))


class German(QTranslator):
    """Knows two words."""

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        return {("Structures", "spleen"): "Milz", ("Structures", "gallbladder"): "Gallenblase"}.get(
            (context, text), text
        )

    def isEmpty(self) -> bool:
        return False


def test_the_window_s_language_is_understood_beside_english(with_ct: LeftBench, qapp: QApplication) -> None:
    translator = German()
    qapp.installTranslator(translator)
    try:
        assert with_ct.search("gallenblase")[0] == "total"
        assert "has Gallenblase" in with_ct.card("total").words.line
        with_ct.panel.tasks.search.clear()
        assert with_ct.search("spleen")[0] == "total"
        assert "has Milz" in with_ct.card("total").words.line
    finally:
        qapp.removeTranslator(translator)


def test_what_will_run_is_in_sight_while_others_are_shown(with_ct: LeftBench) -> None:
    pinned = with_ct.panel.tasks.pinned
    assert not pinned.isVisible()
    with_ct.search("teeth")
    assert "total" not in with_ct.names
    assert pinned.isVisible() and pinned.card.task.name == "total" and pinned.card.isChecked()
    assert pinned.card.words.title == "Whole body"
    QTest.mouseClick(pinned.card, Qt.MouseButton.LeftButton)
    assert pinned.card.isChecked() and with_ct.choices.task.name == "total"
    QTest.keyClick(with_ct.panel.tasks.search, Qt.Key.Key_Return)
    assert with_ct.choices.task.name == with_ct.names[0] and not pinned.isVisible()
    QTest.keyClick(with_ct.panel.tasks.search, Qt.Key.Key_Escape)
    assert not pinned.isVisible()


def test_the_pinned_task_tells_more_about_itself(with_ct: LeftBench, qtbot: QtBot) -> None:
    with_ct.search("teeth")
    with qtbot.waitSignal(with_ct.panel.tasks.details_wanted) as caught:
        QTest.keyClicks(with_ct.panel.tasks.pinned.card, "i")
    assert caught.args == [with_ct.task("total")]


def lacking(left: LeftBench) -> list[LackingLine]:
    return [each for each in left.panel.tasks.findChildren(LackingLine) if each.isVisible()]


def test_a_found_structure_that_is_not_chosen_is_told_and_added(with_ct: LeftBench) -> None:
    with_ct.choices.choose_structures(("liver", "spleen"))
    with_ct.search("spleen")
    assert lacking(with_ct) == []
    with_ct.panel.tasks.search.clear()
    with_ct.search("pancreas")
    (line,) = lacking(with_ct)
    assert line.text.text() == "pancreas is not among the 2 chosen structures."
    click(line.add)
    assert set(with_ct.choices.roi) == {"liver", "spleen", "pancreas"}
    assert lacking(with_ct) == []


def test_nothing_lacks_where_all_structures_are_computed(with_ct: LeftBench) -> None:
    with_ct.search("pancreas")
    assert lacking(with_ct) == []
