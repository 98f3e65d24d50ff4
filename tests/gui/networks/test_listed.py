"""The window of networks: what it lists, how downloads are seen in it, all that is needed without internet."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.networks.bench import (
    ANEURYSM,
    BRAIN,
    HEART,
    ORGANS,
    ROUGH,
    Bench,
    half_downloaded,
    titles,
)
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import Task, catalogue
from tsdesktop.gui.networks import reading
from tsdesktop.gui.networks.choosing import DownloadChooser
from tsdesktop.gui.networks.details import NetworkDetails
from tsdesktop.gui.networks.rows import actions_of, found, line_words, size_words, spoken
from tsdesktop.gui.words import GROUPS
from tsdesktop.jobs.needs import networks_for_offline
from tsdesktop.weights.licence import enter_licence
from tsdesktop.weights.packages import packages, packages_of
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.progress import Progress

NUMBER = "aca_" + "A1b2C3d4E5f6G7"


# the list


def test_it_is_there_at_once_and_filled_when_the_folders_were_read(bench: Bench) -> None:
    bench.window.show()
    assert bench.window.nothing.text() == "Looking…" and bench.window.nothing.isVisible()
    assert not bench.window.import_button.isEnabled()
    bench.settle()
    assert not bench.window.nothing.isVisible() and bench.window.list.isVisible()
    assert {row.key for row in bench.window.rows} == {each.folder for each in packages(catalogue())}


def test_rows_stand_under_the_headings_of_the_task_panel(bench: Bench) -> None:
    bench.show()
    groups = list(dict.fromkeys(row.group for row in bench.window.list.rows))
    assert groups == [each for each in GROUPS if each in groups]
    assert titles(bench.window.rows)[:7] == [
        "Whole body · organs", "Whole body · vertebrae", "Whole body · heart and vessels", "Whole body · muscles",
        "Whole body · ribs", "Whole body · 3 mm", "Whole body · 6 mm",
    ]  # fmt: skip
    assert bench.row(BRAIN).title == "Brain haemorrhage"


def test_states_are_said_in_words_with_their_sizes(bench: Bench) -> None:
    half_downloaded(ROUGH, 43_000_000)
    bench.install(BRAIN)
    bench.show()
    assert bench.words(ORGANS) == ("missing", "234 MB")
    assert bench.words(ROUGH) == ("partial", "43 of 135 MB")
    assert bench.words(BRAIN) == ("here", "1 MB")
    assert bench.row(HEART).lacks_licence and size_words(bench.row(HEART)) == ""
    assert spoken(bench.row(HEART)).startswith("Heart chambers, high resolution, missing, needs a licence number")
    assert "also for" in line_words(bench.row(ROUGH)) and line_words(bench.row(ROUGH)).startswith("dataset 298")
    assert "free" in bench.window.total.whole and "on this computer" in bench.window.total.whole


def test_networks_of_totalsegmentator_are_only_read(
    qtbot: QtBot, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.install(BRAIN)
    own_weights_folder().rename(tmp_path / "theirs")
    monkeypatch.setenv("TOTALSEG_WEIGHTS_PATH", str(tmp_path / "theirs"))
    bench.show()
    row = bench.row(BRAIN)
    assert row.state == "here" and "in TotalSegmentator's folder" in line_words(row)
    assert actions_of(row) == ("verify", "open")
    bench.select(BRAIN)
    assert "read only" in bench.window.details.values["place"].text()
    QTest.keyClick(bench.window.list, Qt.Key.Key_Delete)
    assert bench.window.line.showing == "offer"


def test_what_is_not_used_any_more_is_listed_last_and_can_be_deleted(bench: Bench) -> None:
    name = catalogue().obsolete_folders[0]
    old = own_weights_folder() / name
    old.mkdir(parents=True)
    (old / "file").write_bytes(b"1" * 1000)
    bench.show()
    row = bench.window.rows[-1]
    assert (row.group, row.state, row.title) == ("obsolete", "obsolete", name.split("/")[-1])
    bench.select(row.key)
    bench.press("delete")
    QTest.mouseClick(bench.window.line.yes, Qt.MouseButton.LeftButton)
    bench.settle()
    assert not old.exists() and all(each.group != "obsolete" for each in bench.window.rows)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("297", ["Whole body · 3 mm"]),
        # What a task looks with belongs to it.
        ("airways Lung", ["Whole body · 3 mm", "Lung vessels and airways"]),
        ("Dataset150", ["Brain haemorrhage"]),
    ],
)
def test_the_search_finds_names_numbers_and_tasks(bench: Bench, query: str, expected: list[str]) -> None:
    bench.show()
    QTest.keyClicks(bench.window.search, query)
    assert titles(bench.window.list.rows) == expected
    QTest.keyClick(bench.window.search, Qt.Key.Key_Escape)
    assert len(bench.window.list.rows) == len(bench.window.rows)


def test_the_search_finds_states_and_says_when_it_finds_nothing(bench: Bench) -> None:
    bench.install(BRAIN)
    bench.show()
    assert titles(found(bench.window.rows, "brain here")) == ["Brain haemorrhage"]
    QTest.keyClicks(bench.window.search, "xylophone")
    assert bench.window.nothing.text() == "Nothing is called “xylophone”." and not bench.window.list.isVisible()


def test_the_selection_stays_while_rows_change(bench: Bench) -> None:
    bench.show()
    bench.select(ORGANS, BRAIN)
    bench.install(ROUGH)
    bench.window.read()
    bench.settle()
    assert [row.key for row in bench.window.list.selected] == [ORGANS, BRAIN]
    QTest.keyClicks(bench.window.search, "brain haem")
    assert [row.key for row in bench.window.list.selected] == [BRAIN]


def test_a_click_on_a_heading_folds_it(bench: Bench) -> None:
    bench.show()
    heading = bench.window.list.topLevelItem(0)
    assert heading is not None and heading.isExpanded()
    place = bench.window.list.visualItemRect(heading).center()
    QTest.mouseClick(bench.window.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert not heading.isExpanded()
    bench.install(BRAIN)
    bench.window.read()
    bench.settle()
    again = bench.window.list.topLevelItem(0)
    assert again is not None and not again.isExpanded()


# downloads


def test_a_download_is_seen_in_its_row_paused_resumed_and_here_at_last(qtbot: QtBot, bench: Bench) -> None:
    bench.release.progress = Progress("downloading", 65_000_000, 325_000_000, 12.3e6, 20.0)
    bench.show()
    bench.select(BRAIN)
    bench.press("download")
    qtbot.waitUntil(lambda: bench.words(BRAIN) == ("downloading 20 %", "65 of 325 MB · 12.3 MB/s · 20 s left"))
    details = bench.window.details
    assert set(bench.possible) == {"pause", "cancel"} and details.bar.isVisible() and details.bar.value() == 200
    bench.press("pause")
    qtbot.waitUntil(lambda: bench.row(BRAIN).state == "paused" and bench.release.at_once == 0)
    assert bench.possible[:2] == ("resume", "cancel")
    bench.press("resume")
    qtbot.waitUntil(lambda: bench.row(BRAIN).state == "running")
    bench.release.ends(bench.row(BRAIN).item.package)  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: bench.row(BRAIN).state == "here")
    assert bench.changes == 1 and bench.possible == ("verify", "open", "delete")
    assert details.state.text() == "On this computer, ready to run."


def test_a_cancelled_download_is_missing_again(qtbot: QtBot, bench: Bench) -> None:
    bench.show()
    bench.select(BRAIN)
    bench.press("download")
    qtbot.waitUntil(lambda: bench.row(BRAIN).state == "running")
    bench.press("cancel")
    qtbot.waitUntil(lambda: bench.release.forgotten == [BRAIN] and bench.row(BRAIN).state == "missing")
    assert bench.changes == 0


def test_a_failed_download_says_why_and_can_be_tried_again(qtbot: QtBot, bench: Bench) -> None:
    bench.show()
    bench.select(BRAIN)
    bench.press("download")
    qtbot.waitUntil(lambda: bench.row(BRAIN).state == "running")
    package = bench.row(BRAIN).entry.package
    assert package is not None
    error = WeightsError("weights.broken", folder=BRAIN, reason="nobody knows")
    bench.release.ends(package, error)
    qtbot.waitUntil(lambda: bench.row(BRAIN).state == "failed")
    details = bench.window.details
    assert "nobody knows" in details.state.accessibleName() and details.state.property("role") == "error"
    assert bench.possible == ("try_again", "cancel", "copy_link")
    bench.press("try_again")
    qtbot.waitUntil(lambda: bench.release.began == [BRAIN, BRAIN])
    assert bench.row(BRAIN).state == "running"


def test_several_tell_their_sizes_as_far_as_these_are_known(bench: Bench) -> None:
    bench.install(BRAIN)
    # Nobody knows how large this one is before its licence number is shown.
    half_downloaded(HEART, 40_000_000)
    bench.show()
    bench.select(BRAIN, HEART)
    assert "to download" not in bench.window.details.state.text()
    bench.select(BRAIN, HEART, ROUGH)
    assert bench.window.details.state.text().endswith("135 MB to download")


def test_several_are_downloaded_at_once_with_the_return_key(qtbot: QtBot, bench: Bench) -> None:
    bench.install(BRAIN)
    bench.show()
    bench.select(ORGANS, ROUGH, BRAIN)
    assert bench.window.details.title.text() == "3 networks"
    assert bench.window.details.buttons["download"].text() == "Download (2)"
    assert bench.window.details.buttons["verify"].text() == "Verify (1)"
    QTest.keyClick(bench.window.list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bench.release.began == [ORGANS])
    assert bench.queued() == [ORGANS, ROUGH]
    assert bench.row(ROUGH).state == "queued" and bench.row(BRAIN).item is None


def test_what_is_here_of_an_interrupted_download_goes_on_or_is_discarded(qtbot: QtBot, bench: Bench) -> None:
    half_downloaded(ROUGH, 43_000_000)
    bench.show()
    bench.select(ROUGH)
    assert bench.possible == ("resume", "discard", "copy_link")
    bench.press("discard")
    bench.settle()
    assert bench.row(ROUGH).state == "missing" and bench.window.line.text.accessibleName() == "43 MB are free again."


def test_the_link_of_a_zip_is_copied(bench: Bench) -> None:
    bench.show()
    bench.select(BRAIN)
    bench.press("copy_link")
    assert QGuiApplication.clipboard().text().endswith(f"/{BRAIN}.zip")


def test_licensed_networks_ask_for_a_number_first(qtbot: QtBot, bench: Bench) -> None:
    bench.show()
    bench.select(HEART)
    assert bench.possible == ("licence",)
    with qtbot.waitSignal(bench.window.licence_wanted):
        bench.press("licence")
    enter_licence(NUMBER)
    bench.window.read()
    bench.settle()
    assert bench.possible == ("download",)
    bench.press("download")
    qtbot.waitUntil(lambda: bench.release.began == [HEART])


def test_terms_of_use_come_before_the_download(qtbot: QtBot, bench: Bench) -> None:
    bench.show()
    bench.select(ANEURYSM)
    assert bench.window.details.values["terms"].text().startswith("Non-commercial use only")
    asked: list[tuple[Task, object]] = []
    bench.window.terms_wanted.connect(lambda task, go_on: asked.append((task, go_on)))
    bench.press("download")
    assert [task.name for task, _ in asked] == ["brain_aneurysm"] and bench.queued() == []
    go_on = asked[0][1]
    assert callable(go_on)
    go_on()
    qtbot.waitUntil(lambda: bench.release.began == [ANEURYSM])


# for use without internet


def test_everything_is_downloaded_after_a_question_with_size_and_room(qtbot: QtBot, bench: Bench) -> None:
    bench.install(BRAIN)
    bench.show()
    button, line = bench.window.everything, bench.window.line
    assert button.text() == "Download everything for offline use (12.2 GB)"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert bench.said()[0] == "question" and "12.2 GB to download and 1 of unknown size" in line.text.accessibleName()
    assert line.text.accessibleName().endswith("What needs a licence number is left out.")
    QTest.mouseClick(line.no, Qt.MouseButton.LeftButton)
    assert bench.said()[0] == "offer" and bench.queued() == []
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(line.yes, Qt.MouseButton.LeftButton)
    asked = set(bench.queued())
    known = {each.folder: each for each in packages(catalogue())}
    # Its terms are asked for first, of whoever listens.
    assert asked == {name for name, each in known.items() if each.source == "release"} - {BRAIN, ANEURYSM}


def test_with_a_licence_number_everything_is_really_everything(bench: Bench) -> None:
    enter_licence(NUMBER)
    bench.show()
    folders = {each.folder for each in bench.window.deeds.everything}
    assert HEART in folders and not any(each.startswith("Dataset900") for each in folders)


def test_a_full_disk_is_said_before_anything_is_downloaded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "free_bytes", lambda _: 3_000_000_000)
    bench.show()
    QTest.mouseClick(bench.window.everything, Qt.MouseButton.LeftButton)
    line = bench.window.line
    assert "only 3.0 GB are free on this disk" in line.text.accessibleName() and not line.yes.isVisible()
    assert line.text.property("role") == "error"


def test_downloading_for_a_task_gets_all_that_it_can_ever_need(qtbot: QtBot, bench: Bench) -> None:
    bench.show()
    QTest.mouseClick(bench.window.for_tasks, Qt.MouseButton.LeftButton)
    chooser = bench.window.findChild(DownloadChooser)
    assert isinstance(chooser, DownloadChooser)
    assert not chooser.go.isEnabled() and chooser.sum.text() == "No task is chosen."
    chooser.tick(["lung_vessels", "heartchambers_highres"])
    assert "left out: none is stored" in chooser.sum.text()
    QTest.mouseClick(chooser.go, Qt.MouseButton.LeftButton)
    known = catalogue()
    tasks = [known.task("lung_vessels"), known.task("heartchambers_highres")]
    networks = [network for task in tasks for network in networks_for_offline(task, known)]
    wanted = {each.folder for each in packages_of(networks, known)}
    assert set(bench.queued()) == wanted - {HEART}


def test_the_choice_of_tasks_can_be_searched_and_ticked_by_keyboard(qtbot: QtBot, bench: Bench) -> None:
    bench.show()
    bench.window.deeds.choose_downloads()
    chooser = bench.window.findChild(DownloadChooser)
    assert isinstance(chooser, DownloadChooser)
    QTest.keyClicks(chooser.search, "haemorrhage")
    QTest.keyClick(chooser.search, Qt.Key.Key_Down)
    QTest.keyClick(chooser.tree, Qt.Key.Key_Space)
    assert chooser.ticked == ("cerebral_bleed",)


# the keyboard, and the end


def test_the_keyboard_goes_from_the_search_into_the_list(qtbot: QtBot, bench: Bench) -> None:
    bench.show()
    bench.window.activateWindow()
    qtbot.waitUntil(bench.window.isActiveWindow)
    QTest.keyClick(bench.window.search, Qt.Key.Key_Down)
    assert bench.window.list.hasFocus()
    QTest.keyClick(bench.window.list, Qt.Key.Key_Down)
    assert titles(bench.window.list.selected) == ["Whole body · vertebrae"]


def test_every_control_has_a_name_and_what_is_done_has_a_help(bench: Bench) -> None:
    bench.show()
    details = bench.window.findChild(NetworkDetails)
    assert details is not None
    assert all(each.toolTip() and each.text() for each in details.buttons.values())
    for each in (bench.window.list, bench.window.search, bench.window.line.away):
        assert each.accessibleName()


def test_escape_closes_and_nothing_is_heard_afterwards(qtbot: QtBot, bench: Bench) -> None:
    bench.window.show()
    assert bench.window.is_reading
    QTest.keyClick(bench.window, Qt.Key.Key_Escape)
    qtbot.wait(50)
    assert bench.changes == 0
