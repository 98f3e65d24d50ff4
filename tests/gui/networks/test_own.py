"""The window of networks: import by drop and by choice, networks of one's own, bundles for other computers."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from tests.gui.networks.bench import BRAIN, ROUGH, Bench, titles
from tests.weights.zips import custom_members, members_of, package, write_files, write_zip
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.networks.choosing import BundleChooser
from tsdesktop.gui.networks.rows import line_words, state_word
from tsdesktop.gui.panels.structure_colour import PALETTE
from tsdesktop.jobs.needs import networks_for_offline
from tsdesktop.weights.custom import custom_networks
from tsdesktop.weights.licence import enter_licence
from tsdesktop.weights.packages import packages_of

NUMBER = "aca_" + "A1b2C3d4E5f6G7"


def own_key(bench: Bench) -> str:
    return next(row.key for row in bench.window.rows if row.group == "custom")


def test_a_dropped_zip_is_installed_and_shown(qtbot: QtBot, bench: Bench) -> None:
    bench.show()
    QTest.keyClicks(bench.window.search, "liver")
    bench.drop(bench.zip_of(BRAIN))
    qtbot.waitUntil(lambda: bench.changes == 1)
    bench.settle()
    assert bench.said() == ("message", "Brain haemorrhage is here.")
    assert titles(bench.window.list.selected) == ["Brain haemorrhage"] and bench.row(BRAIN).state == "here"


def test_a_dropped_folder_of_networks_is_installed(qtbot: QtBot, bench: Bench, tmp_path: Path) -> None:
    write_files(tmp_path / "results", members_of(package(BRAIN)) | members_of(package(ROUGH)))
    bench.show()
    bench.drop(tmp_path / "results")
    qtbot.waitUntil(lambda: bench.changes == 1)
    bench.settle()
    assert bench.said()[1] == "2 networks are here." and len(bench.window.list.selected) == 2


def test_what_is_dropped_and_holds_no_network_is_left_alone(qtbot: QtBot, bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    bench.show()
    bench.drop(tmp_path / "notes.txt")
    qtbot.waitUntil(lambda: bench.said() == ("message", "notes.txt holds no networks."))
    assert bench.changes == 0


def test_a_bad_zip_is_refused_in_one_sentence(bench: Bench, tmp_path: Path) -> None:
    members = members_of(package(BRAIN))
    bad = write_zip(tmp_path / "bad.zip", {name: each[: len(each) // 2] for name, each in members.items()})
    bench.show()
    bench.window.deeds.bring_in(bad)
    bench.settle()
    showing, text = bench.said()
    assert showing == "message" and BRAIN in text and bench.window.line.text.property("role") == "error"
    assert bench.row(BRAIN).state == "missing"
    QTest.mouseClick(bench.window.line.away, Qt.MouseButton.LeftButton)
    assert bench.said()[0] == "offer"


def test_the_import_button_offers_zips_and_folders(bench: Bench) -> None:
    bench.show()
    menu = bench.window.import_button.menu()
    assert isinstance(menu, QMenu)
    assert [each.text() for each in menu.actions()] == ["Zip or bundle…", "Folder…"]


# networks of one's own


@pytest.fixture
def own(bench: Bench, tmp_path: Path) -> Bench:
    """With a network of three structures that the catalogue does not know."""
    bench.show()
    bench.window.deeds.bring_in(write_zip(tmp_path / "mine.zip", custom_members()))
    bench.settle()
    return bench


def test_a_network_of_ones_own_is_listed_with_what_it_needs(own: Bench) -> None:
    row = own.row(own_key(own))
    assert line_words(row) == "Dataset777_kidneys · 3d_fullres" and state_word(row) == ("here", "good")
    custom = own.window.details.custom
    assert custom.isVisible() and custom.channels.text() == "CT" and custom.folds.text() == "0"
    assert custom.spacing.text().endswith("mm") and custom.classes.count() == 3
    assert own.possible == ("open", "delete")


def test_it_is_renamed_by_typing(qtbot: QtBot, own: Bench) -> None:
    before = own.changes
    name = own.window.details.custom.name
    name.selectAll()
    QTest.keyClicks(name, "Kidneys of our clinic")
    QTest.keyClick(name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: own.changes == before + 1)
    own.settle()
    assert own.row(own_key(own)).title == "Kidneys of our clinic" == own.window.details.title.text()
    assert [each.title for each in custom_networks()] == ["Kidneys of our clinic"]
    name.clear()
    QTest.keyClick(name, Qt.Key.Key_Return)
    assert name.text() == "Kidneys of our clinic"


def test_a_structure_gets_another_colour_by_keyboard(qtbot: QtBot, own: Bench) -> None:
    before = own.changes
    custom = own.window.details.custom
    custom.classes.setFocus()
    custom.classes.setCurrentRow(1)
    custom.classes.itemActivated.emit(custom.classes.item(1))
    box = custom.colours
    assert box is not None and box.isVisible()
    QTest.mouseClick(box.buttons[7], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: own.changes == before + 1)
    own.settle()
    red, green, blue = (int(PALETTE[7][n : n + 2], 16) for n in (1, 3, 5))
    assert custom_networks()[0].colours == {"structure_2": (red, green, blue)}


def test_it_is_deleted_after_a_question(own: Bench) -> None:
    own.press("delete")
    QTest.mouseClick(own.window.line.yes, Qt.MouseButton.LeftButton)
    own.settle()
    assert custom_networks() == () and all(row.group != "custom" for row in own.window.rows)
    assert not own.window.details.custom.isVisible()


def test_one_that_cannot_run_says_why(bench: Bench, tmp_path: Path) -> None:
    members = custom_members("Dataset778_two/nnUNetTrainer__nnUNetPlans__3d_fullres")
    name = next(each for each in members if each.endswith("dataset.json"))
    members[name] = members[name].replace(b'{"0": "CT"}', b'{"0": "T2", "1": "ADC"}')
    bench.show()
    bench.window.deeds.bring_in(write_zip(tmp_path / "two.zip", members))
    bench.settle()
    row = bench.row(own_key(bench))
    assert state_word(row) == ("cannot run", "warning")
    assert bench.window.details.state.text().startswith("It cannot be run here: it needs 2 ")
    assert bench.window.details.custom.channels.text() == "T2 · ADC"


# bundles


def chooser_of(bench: Bench) -> BundleChooser:
    QTest.mouseClick(bench.window.bundle_button, Qt.MouseButton.LeftButton)
    chooser = bench.window.findChild(BundleChooser)
    assert isinstance(chooser, BundleChooser)
    return chooser


def test_selected_networks_are_carried_to_another_computer(
    qtbot: QtBot, bench: Bench, own: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_licence(NUMBER)
    bench.install(BRAIN, ROUGH)
    bench.window.read()
    bench.settle()
    bench.select(BRAIN, own_key(bench))
    chooser = chooser_of(bench)
    assert chooser.scope.current == "rows" and chooser.sum.text().startswith("2 networks, ")
    path = tmp_path / "bundle.zip"
    chooser.save(str(path))
    bench.settle()
    assert bench.said() == ("message", "bundle.zip is ready to be carried to another computer.")
    assert NUMBER.encode() not in path.read_bytes()
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(tmp_path / "elsewhere"))
    bench.window.read()
    bench.settle()
    assert bench.row(BRAIN).state == "missing"
    bench.drop(path)
    qtbot.waitUntil(lambda: bench.row(BRAIN).state == "here")
    bench.settle()
    assert bench.row(ROUGH).state == "missing" and own_key(bench)


def test_a_bundle_for_tasks_says_what_is_not_here(bench: Bench) -> None:
    bench.install(ROUGH)
    bench.show()
    chooser = chooser_of(bench)
    assert chooser.scope.current == "tasks" and not chooser.go.isEnabled()
    chooser.tick(["total"])
    known = catalogue()
    count = len(packages_of(networks_for_offline(known.task("total"), known), known))
    left_out = f"{count - 1} of {count} are not here and are left out: download them first."
    assert chooser.sum.text() == f"1 network, 1 MB. {left_out}"
    assert chooser.sum.property("role") == "warning" and chooser.go.isEnabled()


def test_a_bundle_that_cannot_be_written_is_said(bench: Bench, tmp_path: Path) -> None:
    bench.install(BRAIN)
    bench.show()
    bench.select(BRAIN)
    chooser_of(bench).save(str(tmp_path / "no folder" / "bundle.zip"))
    bench.settle()
    assert bench.said()[0] == "message" and bench.window.line.text.property("role") == "error"


def test_a_bundle_holds_the_networks_and_a_list(bench: Bench, tmp_path: Path) -> None:
    bench.install(BRAIN)
    bench.show()
    chooser = chooser_of(bench)
    chooser.tick(["cerebral_bleed"])
    chooser.save(str(tmp_path / "bundle.zip"))
    bench.settle()
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        names = archive.namelist()
    assert names[0] == "manifest.json" and any(name.startswith(BRAIN) for name in names)
