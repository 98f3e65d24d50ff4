"""The line above the views: notes of the scan, messages in their place, and how both go away."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from tsdesktop.core.notes import Note, note
from tsdesktop.core.volume import Volume
from tsdesktop.gui.notes_line import NotesLine, NotesPopup, by_importance
from tsdesktop.gui.session import Session

THICK = note("note.thick_slices", spacing_mm=5)
TURNED = note("note.orientation", reason="the head seems to be down")
VOLUMES = note("note.first_volume", count=60, index=0)
SERIES = note("note.other_series", count=3, name="Thorax")


@pytest.fixture
def line(qtbot: QtBot, session: Session, window: QWidget) -> NotesLine:
    made = NotesLine(session, window)
    made.resize(900, 40)
    window.resize(900, 100)
    window.show()
    return made


def noted(session: Session, *notes: Note) -> None:
    session.notes = notes
    session.notes_changed.emit()


def link(widget: QWidget, text: str) -> QPushButton:
    return next(each for each in widget.findChildren(QPushButton) if each.text() == text and each.isVisible())


def test_without_notes_it_is_not_there(line: NotesLine) -> None:
    assert line.isHidden() and line.said == ""


def test_what_may_make_results_wrong_comes_first(line: NotesLine, session: Session) -> None:
    noted(session, VOLUMES, THICK, TURNED)
    assert line.said.startswith("The scan's orientation looks implausible")
    assert any(each.text() == "and 2 more" and each.isVisible() for each in line.findChildren(QLabel))
    assert by_importance([VOLUMES, THICK, TURNED]) == [TURNED, THICK, VOLUMES]


def test_it_stays_away_until_there_is_something_new(line: NotesLine, session: Session) -> None:
    noted(session, THICK)
    QTest.mouseClick(
        next(each for each in line.findChildren(QToolButton) if each.accessibleName() == "Dismiss"),
        Qt.MouseButton.LeftButton,
    )
    assert line.isHidden()
    noted(session, THICK, TURNED)
    assert line.said == TURNED.sentence


def test_it_comes_again_with_another_scan(line: NotesLine, session: Session, volume: Volume) -> None:
    session.open_volume(replace(volume, notes=(THICK,)))
    QTest.keyClick(line, Qt.Key.Key_Escape)
    assert line.isHidden()
    session.open_volume(replace(volume, notes=(THICK,)))
    assert line.said == THICK.sentence


def test_details_list_every_note_with_its_hint(qtbot: QtBot, line: NotesLine, session: Session) -> None:
    noted(session, THICK, TURNED)
    QTest.mouseClick(link(line, "Details"), Qt.MouseButton.LeftButton)
    popup = line.findChild(NotesPopup)
    assert popup is not None and popup.isVisible()
    texts = {each.text() for each in popup.findChildren(QLabel)}
    assert {THICK.sentence, THICK.hint, TURNED.sentence, TURNED.hint} <= texts
    QTest.keyClick(popup, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: line.findChild(NotesPopup) is None)


def test_another_volume_or_series_is_one_click_away(qtbot: QtBot, line: NotesLine, session: Session) -> None:
    noted(session, VOLUMES, THICK)
    with qtbot.waitSignal(line.volume_wanted) as caught:
        QTest.mouseClick(link(line, "Choose volume…"), Qt.MouseButton.LeftButton)
    assert caught.args == [60, 0]
    noted(session, SERIES, THICK)
    QTest.mouseClick(link(line, "Details"), Qt.MouseButton.LeftButton)
    popup = line.findChild(NotesPopup)
    assert popup is not None
    with qtbot.waitSignal(line.series_wanted):
        QTest.mouseClick(link(popup, "Choose series…"), Qt.MouseButton.LeftButton)


def test_an_error_takes_the_place_of_notes_until_dismissed(line: NotesLine, session: Session) -> None:
    noted(session, THICK)
    line.show_message("scan.nii is empty.", "Copy it again.")
    assert line.said == "scan.nii is empty."
    assert not any(each.text() == "Details" and each.isVisible() for each in line.findChildren(QPushButton))
    line.dismiss()
    assert line.said == THICK.sentence


def test_messages_queue_and_good_ones_give_way(line: NotesLine) -> None:
    line.show_message("first")
    line.show_message("12 files written.", role="good")
    line.show_message("second")
    line.show_message("second")
    assert line.said == "second"
    line.dismiss()
    assert line.said == "first"
    line.dismiss()
    assert line.isHidden()


def test_a_message_can_offer_something(line: NotesLine) -> None:
    done: list[str] = []
    line.show_message("This is a bug.", action=("Show report", lambda: done.append("shown")))
    QTest.mouseClick(link(line, "Show report"), Qt.MouseButton.LeftButton)
    assert done == ["shown"] and line.said == "This is a bug."


def test_messages_of_the_scan_before_go_with_it(line: NotesLine, session: Session, volume: Volume) -> None:
    line.show_message("scan.nii is empty.")
    session.open_volume(volume)
    assert line.isHidden()


def test_a_long_sentence_does_not_ask_for_width(line: NotesLine) -> None:
    line.show_message("word " * 200, "hint " * 100)
    assert line.minimumSizeHint().width() < 500
    assert line.said == "word " * 200


def test_a_message_that_is_cut_can_be_read_whole(qtbot: QtBot, line: NotesLine) -> None:
    text, hint = "Labels of another scan. " * 6, "Open the scan from which they were made."
    line.show_message(text, hint)
    QTest.mouseClick(link(line, "Details"), Qt.MouseButton.LeftButton)
    popup = line.findChild(NotesPopup)
    assert popup is not None and popup.isVisible()
    assert {each.text() for each in popup.findChildren(QLabel)} == {text, hint}
    popup.close()
    line.resize(3000, 40)
    qtbot.waitUntil(
        lambda: not any(each.text() == "Details" and each.isVisible() for each in line.findChildren(QPushButton))
    )


@pytest.mark.parametrize(("words", "modality"), [("It is CT", "CT"), ("It is MR", "MR")])
def test_what_a_file_does_not_say_is_answered_with_a_click(
    qtbot: QtBot, line: NotesLine, session: Session, words: str, modality: str
) -> None:
    noted(session, THICK, note("note.unknown_modality", guess="neither"))
    assert line.said.startswith("The file does not say whether it is CT or MR")
    with qtbot.waitSignal(line.modality_chosen) as caught:
        QTest.mouseClick(link(line, words), Qt.MouseButton.LeftButton)
    assert caught.args == [modality]
    QTest.mouseClick(link(line, "Details"), Qt.MouseButton.LeftButton)
    popup = line.findChild(NotesPopup)
    assert popup is not None
    with qtbot.waitSignal(line.modality_chosen) as caught:
        QTest.mouseClick(link(popup, words), Qt.MouseButton.LeftButton)
    assert caught.args == [modality]


def test_answers_go_with_their_note(line: NotesLine, session: Session) -> None:
    noted(session, note("note.unknown_modality", guess="neither"))
    noted(session, VOLUMES)
    titles = [each.text() for each in line.findChildren(QPushButton) if each.isVisible()]
    assert titles == ["Choose volume…", "Details"]
