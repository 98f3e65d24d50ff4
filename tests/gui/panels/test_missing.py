"""The card of missing networks: one click gets them, how that goes is seen, and the run follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.panels.bench import LeftBench, click, put_here, put_package, scan
from tsdesktop.core.errors import LicenceError, WeightsError
from tsdesktop.core.options import Options
from tsdesktop.gui.panels.download_words import amount_text, speed_text
from tsdesktop.gui.panels.missing import MissingNetworks
from tsdesktop.weights.licence import store_licence
from tsdesktop.weights.packages import Package, packages_of
from tsdesktop.weights.places import LICENCE_PAGE, own_weights_folder
from tsdesktop.weights.progress import Progress, Stage

NUMBER = "aca_12345678901234"


@pytest.fixture
def card(with_ct: LeftBench) -> MissingNetworks:
    """The card, whose downloads begin when they are asked for, as they do where no terms are to be accepted."""
    panel = with_ct.panel
    panel.download_wanted.connect(lambda packages, then_run: panel.run.download(packages, then_run=then_run))
    return panel.run.missing


def soon(qtbot: QtBot, holds: Callable[[], bool]) -> None:
    qtbot.waitUntil(holds, timeout=5_000)


def told(stage: Stage, done_mb: int = 34, **more: float) -> Progress:
    speeds = {"bytes_per_s": 4.2e6, "seconds_left": 24.0} if stage == "downloading" else {}
    return Progress(stage, done_mb * 1_000_000, 135_000_000, **(speeds | more))


def package_of(bench: LeftBench) -> Package:
    return packages_of([bench.task("total").variants["fast"].parts[0].network], bench.choices.catalogue)[0]


def begin(qtbot: QtBot, bench: LeftBench, progress: Progress) -> None:
    """Clicks on the button and waits until the card shows this progress."""
    bench.release.progress = progress
    click(bench.panel.run.missing.download)
    soon(qtbot, lambda: (item := bench.downloads.items[0]).progress == progress and item.state == "running")


def test_a_task_without_its_network_offers_one_button(with_ct: LeftBench, card: MissingNetworks) -> None:
    assert card.isVisible() and card.download.isVisible()
    assert not with_ct.panel.run.button.isVisible()
    assert card.words.startswith("Its network is not on this computer yet: 135 MB to download.")
    assert not card.box.isVisible() and not card.ways.isVisible() and not card.licence.isVisible()
    with_ct.choose("bone")
    assert not card.isVisible() and with_ct.panel.run.button.isVisible()


def test_segment_leads_to_the_button_and_does_not_download(
    with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot
) -> None:
    with qtbot.assertNotEmitted(with_ct.panel.run_wanted), qtbot.assertNotEmitted(with_ct.panel.download_wanted):
        with_ct.panel.start()
    assert card.download.hasFocus()
    QTest.keyClick(card.download, Qt.Key.Key_Space)
    assert [each.package for each in with_ct.downloads.items] == [package_of(with_ct)]


def test_one_click_downloads_and_the_run_follows(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    begin(qtbot, with_ct, told("downloading"))
    for words in ("Downloading", "34 of 135 MB · 4.2 MB/s", "24 s left", "The run starts when all is here."):
        assert words in card.words
    assert card.box.pause.isVisible() and not card.download.isVisible() and not card.more.isVisible()
    put_here("total", "fast")
    with qtbot.waitSignal(with_ct.panel.run_wanted, timeout=5_000) as caught:
        with_ct.release.ends(package_of(with_ct))
    assert caught.args == [Options(task="total", fast=True)]
    assert not card.isVisible() and with_ct.panel.run.button.isVisible()
    assert with_ct.card("total").words.badge == "ready"


def test_no_run_follows_when_something_else_was_chosen_meanwhile(
    with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot
) -> None:
    begin(qtbot, with_ct, told("downloading"))
    package = package_of(with_ct)
    with_ct.choose("bone")
    put_here("total", "fast")
    with qtbot.assertNotEmitted(with_ct.panel.run_wanted, wait=50):
        with_ct.release.ends(package)
        soon(qtbot, lambda: not with_ct.downloads.items)
        with_ct.choose("total")
    assert with_ct.panel.run.button.isVisible()


def test_no_run_follows_on_another_scan(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    begin(qtbot, with_ct, told("downloading"))
    with_ct.open(scan("CT"))
    assert "run starts" not in card.words
    put_here("total", "fast")
    with qtbot.assertNotEmitted(with_ct.panel.run_wanted, wait=50):
        with_ct.release.ends(package_of(with_ct))
        soon(qtbot, lambda: not with_ct.downloads.items)


def test_a_download_without_a_run(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    click(card.more)
    click(card.ways.download)
    assert "run starts" not in card.words and card.box.isVisible() and not card.ways.isVisible()
    put_here("total", "fast")
    with qtbot.assertNotEmitted(with_ct.panel.run_wanted, wait=50):
        with_ct.release.ends(package_of(with_ct))
        soon(qtbot, lambda: not with_ct.downloads.items)
    assert with_ct.panel.run.button.isVisible()


def test_pause_and_resume_with_the_keyboard(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    with_ct.release.progress = told("downloading")
    card.download.setFocus()
    QTest.keyClick(card.download, Qt.Key.Key_Space)
    assert card.box.pause.hasFocus()
    soon(qtbot, lambda: "34 of 135" in card.words)
    QTest.keyClick(card.box.pause, Qt.Key.Key_Space)
    assert card.box.go_on.hasFocus() and card.box.go_on.text() == "Resume"
    assert "Paused" in card.words and "left" not in card.words and "MB/s" not in card.words
    QTest.keyClick(card.box.go_on, Qt.Key.Key_Space)
    soon(qtbot, lambda: len(with_ct.release.began) == 2)
    assert card.box.pause.hasFocus()


def test_cancel_gives_the_offer_back_and_no_run_follows(
    with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot
) -> None:
    begin(qtbot, with_ct, told("downloading"))
    card.box.cancel.setFocus()
    QTest.keyClick(card.box.cancel, Qt.Key.Key_Space)
    assert card.download.isVisible() and card.download.hasFocus() and not card.box.isVisible()
    soon(qtbot, lambda: with_ct.release.forgotten == [package_of(with_ct).folder])
    put_here("total", "fast")
    with qtbot.assertNotEmitted(with_ct.panel.run_wanted, wait=50):
        with_ct.choices.look_again()


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (told("connecting", 0), "Downloading"),
        (told("retrying", retry_in_s=7.6), "The connection was lost. Trying again in 8 s."),
        (told("waiting", 0), "Another program is downloading this network."),
        (told("unpacking", 2), "Unpacking"),
        (told("checking", 2), "Checking"),
    ],
)
def test_every_stage_in_words(
    with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot, progress: Progress, words: str
) -> None:
    begin(qtbot, with_ct, progress)
    assert words in card.words


def test_a_failure_is_one_sentence_with_what_to_do(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    begin(qtbot, with_ct, told("downloading"))
    with_ct.release.ends(package_of(with_ct), WeightsError("weights.broken", folder="Dataset297_x", reason="cut off"))
    soon(qtbot, card.box.go_on.isVisible)
    assert "The network Dataset297_x is broken: cut off." in card.words
    assert card.box.go_on.text() == "Try again" and card.more.isVisible()
    click(card.box.go_on)
    soon(qtbot, lambda: len(with_ct.release.began) == 2)
    assert "broken" not in card.words and "The run starts when all is here." in card.words


def test_several_networks_are_one_download(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    with_ct.choices.choose_quality("full")
    assert "Its 5 networks are not on this computer yet: 1.2 GB to download." in card.words
    begin(qtbot, with_ct, Progress("downloading", 100_000_000, None, 4.2e6))
    first, second = (each.package for each in with_ct.downloads.items[:2])
    assert "Downloading 1 of 5" in card.words and "0.1 of 1.2 GB" in card.words
    put_package(first)
    with_ct.release.ends(first)
    soon(qtbot, lambda: "Downloading 2 of 5" in card.words)
    sizes = [each.zip_bytes or 0 for each in with_ct.downloads.batch]
    soon(qtbot, lambda: amount_text(sizes[0] + 100_000_000, sum(sizes)) in card.words)
    click(card.box.pause)
    assert [each.state for each in with_ct.downloads.items] == ["paused"] * 4
    assert with_ct.release.began == [first.folder, second.folder]


def test_another_task_has_a_card_of_its_own(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    begin(qtbot, with_ct, told("downloading"))
    with_ct.choose("body")
    assert card.download.isVisible() and not card.box.isVisible()
    click(card.download)
    assert "Waiting for other downloads" in card.words
    with_ct.choose("total")
    assert "34 of 135 MB" in card.words


def test_a_task_of_which_only_a_part_was_asked_for_offers_the_rest(
    with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot
) -> None:
    begin(qtbot, with_ct, told("downloading"))
    with_ct.choose("lung_vessels")
    folders = [each.folder for each in with_ct.choices.state(with_ct.choices.task).packages]
    assert package_of(with_ct).folder in folders and len(folders) == 2
    assert card.download.isVisible() and "Its 2 networks" in card.words
    click(card.download)
    assert card.box.isVisible() and "Downloading 1 of 2" in card.words
    assert [each.package.folder for each in with_ct.downloads.items] == folders


def test_what_an_earlier_download_has_left_is_gone_on_with(with_ct: LeftBench, card: MissingNetworks) -> None:
    package = package_of(with_ct)
    part = own_weights_folder() / ".downloads" / f"{package.folder}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(43_000_000))
    with_ct.choices.look_again()
    assert "43 of 135 MB of its network are here." in card.words
    assert card.download.text() == "Resume and run"


def test_other_ways_name_files_and_place(with_ct: LeftBench, card: MissingNetworks) -> None:
    click(card.more)
    network = with_ct.choices.task.variants["fast"].parts[0].network
    assert f"{network.dataset_folder}.zip" in card.words
    assert str(own_weights_folder()) in card.words and "135\u00a0MB" in card.words
    click(card.ways.copy_link)
    assert QGuiApplication.clipboard().text() == network.url
    click(card.more)
    assert not card.ways.isVisible()


def test_many_missing_networks_are_counted(with_ct: LeftBench, card: MissingNetworks) -> None:
    with_ct.choices.choose_quality("full")
    click(card.more)
    assert "and 2 more" in card.words
    click(card.ways.copy_link)
    assert len(QGuiApplication.clipboard().text().splitlines()) == 5


def test_a_file_to_import_is_asked_for(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    click(card.more)
    with qtbot.waitSignal(with_ct.panel.import_wanted):
        click(card.ways.import_file)


def test_the_folder_is_made_and_opened(card: MissingNetworks, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []

    def open_once(url: QUrl) -> bool:
        opened.append(url)
        return len(opened) == 1

    monkeypatch.setattr(QDesktopServices, "openUrl", open_once)
    click(card.more)
    click(card.ways.open_folder)
    assert own_weights_folder().is_dir()
    assert Path(opened[0].toLocalFile()) == own_weights_folder()
    click(card.ways.open_folder)
    assert "Nothing here opens folders" in card.words


def test_a_folder_that_cannot_be_made(
    with_ct: LeftBench, card: MissingNetworks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(tmp_path / "file" / "weights"))
    with_ct.choices.look_again()
    click(card.more)
    click(card.ways.open_folder)
    assert "cannot be made" in card.words


def test_looking_again_goes_on_once_they_are_there(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    click(card.more)
    with qtbot.assertNotEmitted(with_ct.panel.run_wanted):
        click(card.ways.again)
    put_here("total", "fast")
    with qtbot.waitSignal(with_ct.panel.run_wanted) as caught:
        click(card.ways.again)
    assert caught.args == [Options(task="total", fast=True)]
    assert not card.isVisible()
    assert with_ct.card("total").words.badge == "ready"


def test_a_network_with_a_file_lacking(with_ct: LeftBench, card: MissingNetworks) -> None:
    put_here("total", "fast", lacking="dataset.json")
    with_ct.choices.look_again()
    assert "dataset.json is missing" in card.words and card.download.isVisible()


def test_networks_that_went_away_are_offered_anew(with_ct: LeftBench, card: MissingNetworks) -> None:
    words = {"folder": "Dataset297", "zip_name": "Dataset297.zip", "url": "u", "place": "p"}
    with_ct.panel.run.show_error(WeightsError("weights.missing", **words))
    assert card.isVisible()


def test_networks_that_went_away_while_the_button_was_shown(
    with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot
) -> None:
    put_here("total", "fast")
    with_ct.choices.look_again()
    (own_weights_folder() / package_of(with_ct).networks[0].folder / "plans.json").unlink()
    with_ct.panel.run.button.setFocus()
    with qtbot.assertNotEmitted(with_ct.panel.run_wanted):
        QTest.keyClick(with_ct.panel.run.button, Qt.Key.Key_Space)
    assert card.isVisible() and card.download.hasFocus()


def test_a_licensed_network_asks_for_the_number_first(with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot) -> None:
    with_ct.choose("heartchambers_highres")
    assert "licence number" in card.words and card.licence.isVisible() and not card.download.isVisible()
    with qtbot.waitSignal(with_ct.panel.licence_wanted):
        click(card.licence)
    store_licence(NUMBER)
    with_ct.panel.run.show_licence_entered()
    sources = [each.package.source for each in with_ct.downloads.items]
    assert sources == ["release", "licence_server"], "one finds the region first"
    assert "The run starts when all is here." in card.words
    click(card.box.cancel)
    soon(qtbot, card.download.isVisible)
    assert not card.licence.isVisible(), "the number is known now"
    click(card.more)
    click(card.ways.copy_link)
    assert LICENCE_PAGE in QGuiApplication.clipboard().text()


def test_a_number_that_the_server_rejects_is_asked_for_anew(
    with_ct: LeftBench, card: MissingNetworks, qtbot: QtBot
) -> None:
    store_licence(NUMBER)
    with_ct.choose("heartchambers_highres")
    soon(qtbot, card.download.isVisible)
    put_here("total", "fast")
    with_ct.choices.look_again()
    click(card.download)
    soon(qtbot, lambda: bool(with_ct.release.began))
    (item,) = with_ct.downloads.items
    with_ct.release.ends(item.package, LicenceError("licence.rejected"))
    soon(qtbot, card.licence.isVisible)
    assert "rejected" in card.words.lower() and not card.box.isVisible()
    with_ct.panel.run.show_licence_entered()
    soon(qtbot, lambda: len(with_ct.release.began) == 2)
    assert card.box.isVisible() and not card.licence.isVisible()


def test_amounts_and_speeds_in_words() -> None:
    assert amount_text(34_400_000, 135_000_000) == "34 of 135 MB"
    assert amount_text(0, 1_234_000_000) == "0.0 of 1.2 GB"
    assert amount_text(5_000_000, None) == "5 MB"
    assert speed_text(4_230_000) == "4.2 MB/s"
    assert speed_text(85_400) == "85 kB/s"
