"""Networks in the real window, from a real server on this computer: one click, progress, run, result; and mishaps."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tests.end2end.window.conftest import Open, drop, wait_for_labels, wait_for_scan
from tests.inference.bands import band_networks
from tests.networks import BandNetwork, CtRange, write_band_network
from tests.weights.server import Fault, ReleaseServer
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.dialogs.licence_dialog import LicenceDialog
from tsdesktop.gui.dialogs.terms import TermsDialog
from tsdesktop.gui.networks.window import Networks
from tsdesktop.gui.window import MainWindow
from tsdesktop.weights.packages import Package, packages_of
from tsdesktop.weights.places import own_weights_folder

MB = 1_000_000
SIZE = 6 * MB
# In how large pieces bytes come.
ROUND = 131_072
NUMBER = "aca_12345678901234"
OWN = BandNetwork(
    "Dataset501_Tumour/nnUNetTrainer__nnUNetPlans__3d_fullres",
    ((-1000.0, 0.0, 100.0),),
    CtRange(-1100, 300, 10, 100),
    (2.0, 2.0, 2.0),
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    with ReleaseServer() as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes the zip of a network of the catalogue: a hand-set one, with a log that makes it as large as SIZE."""
    made: dict[str, Path] = {}

    def pack(key: str) -> Path:
        if key not in made:
            folder = tmp_path_factory.mktemp("zips")
            model = write_band_network(folder, band_networks()[key])
            (model / "fold_0" / "training_log.txt").write_bytes(os.urandom(SIZE))
            made[key] = zipped(folder, model.parent)
        return made[key]

    return pack


def zipped(folder: Path, inside: Path) -> Path:
    path = folder / f"{inside.name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each in sorted(inside.rglob("*")):
            archive.write(each, each.relative_to(inside.parent))
    return path


def package_of(key: str) -> Package:
    return packages_of([catalogue().networks[key]], catalogue())[0]


@pytest.fixture
def served(server: ReleaseServer, packed: Callable[[str], Path]) -> ReleaseServer:
    """The 3 mm network of total on the server."""
    server.add_package(package_of("297"), packed("297"))
    # Slow enough to be seen.
    server.bytes_per_s = 8 * MB
    return server


@pytest.fixture
def scan(tmp_path: Path, write_small_scan: Callable[[Path], Path]) -> Path:
    return write_small_scan(tmp_path)


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, scan: Path) -> MainWindow:
    """A window with a scan and whole body chosen, whose network is not here."""
    return open_scan(qtbot, window, scan)


def open_scan(qtbot: QtBot, window: MainWindow, scan: Path) -> MainWindow:
    drop(window, scan)
    wait_for_scan(qtbot, window)
    if window.left.choices.modality == "unknown":
        window.session.set_modality("CT")
    choose(window, "total")
    return window


def choose(window: MainWindow, name: str) -> None:
    card = next(each for each in window.left.tasks.cards if each.task.name == name)
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)


def click(widget: QWidget) -> None:
    # What has appeared beside it may have moved it.
    QApplication.processEvents()
    assert widget.isVisible()
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def words_of(window: MainWindow) -> str:
    return window.left.run.missing.words


def soon(qtbot: QtBot, holds: Callable[[], bool]) -> None:
    qtbot.waitUntil(holds, timeout=20_000)


def wait_for_part(qtbot: QtBot, size: int) -> None:
    """Until so much has arrived."""
    soon(qtbot, lambda: sum(each.stat().st_size for each in own_weights_folder().rglob("*.part")) >= size - ROUND)


def badge(window: MainWindow, name: str) -> str:
    return next(each for each in window.left.tasks.cards if each.task.name == name).words.badge


def no_boxes(window: MainWindow) -> bool:
    return not any(each.isVisible() for each in window.findChildren(QMessageBox))


def test_one_click_from_a_task_without_its_network_to_the_result(
    qtbot: QtBot, opened: MainWindow, served: ReleaseServer
) -> None:
    run = opened.left.run
    assert badge(opened, "total") == "135 MB"
    assert run.missing.isVisible() and not run.button.isVisible()
    seen: list[str] = []
    opened.downloads.changed.connect(lambda: seen.append(words_of(opened)))
    click(run.missing.download)
    soon(qtbot, lambda: any("of 6 MB ·" in each and "MB/s" in each for each in seen))
    soon(qtbot, lambda: any(" s left" in each for each in seen))
    assert "The run starts when all is here." in words_of(opened)
    assert not opened.transfers.isVisible(), "it is seen once"
    wait_for_labels(qtbot, opened)
    assert opened.session.label_map is not None and opened.session.label_map.present
    assert opened.session.result is not None and opened.session.result.options.task == "total"
    assert badge(opened, "total") == "ready" and run.button.isVisible()
    assert no_boxes(opened)


def test_cut_off_waited_for_paused_and_resumed(qtbot: QtBot, opened: MainWindow, served: ReleaseServer) -> None:
    card = opened.left.run.missing
    served.fail(Fault("cut", at=2 * MB), Fault("hold", at=1 * MB))
    seen: list[str] = []
    opened.downloads.changed.connect(lambda: seen.append(words_of(opened)))
    click(card.download)
    soon(qtbot, lambda: any("The connection was lost. Trying again in" in each for each in seen))
    wait_for_part(qtbot, 3 * MB)
    click(card.box.pause)
    assert "Paused" in words_of(opened) and badge(opened, "total") == "135 MB"
    served.go_on()
    QTest.keyClick(opened, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert card.box.go_on.hasFocus()
    QTest.keyClick(card.box.go_on, Qt.Key.Key_Space)
    wait_for_labels(qtbot, opened)
    starts = [each.headers.get("Range", "") for each in served.requests if "/store/" in each.path]
    assert starts[0] == "" and starts[1] == f"bytes={2 * MB}-"
    assert int(starts[2].removeprefix("bytes=").removesuffix("-")) >= 3 * MB - ROUND


def test_what_is_not_on_the_server_is_said_and_can_be_tried_again(
    qtbot: QtBot, opened: MainWindow, served: ReleaseServer
) -> None:
    card = opened.left.run.missing
    served.always = Fault("status", code=404)
    click(card.download)
    soon(qtbot, card.box.go_on.isVisible)
    assert card.box.go_on.text() == "Try again"
    assert "does not have" in words_of(opened) and "A newer version" in words_of(opened)
    assert opened.centre.notes.said == "", "it is said once"
    served.always = Fault("none")
    click(card.box.go_on)
    wait_for_labels(qtbot, opened)


def test_cancelled_leaves_nothing(qtbot: QtBot, opened: MainWindow, served: ReleaseServer) -> None:
    card = opened.left.run.missing
    served.fail(Fault("hold", at=2 * MB))
    click(card.download)
    wait_for_part(qtbot, 2 * MB)
    click(card.box.cancel)
    soon(qtbot, lambda: not list(own_weights_folder().rglob("*.part")))
    soon(qtbot, card.download.isVisible)
    assert card.download.text() == "Download and run"


def test_the_window_is_closed_while_it_downloads_and_the_next_one_goes_on(
    qtbot: QtBot, opened: MainWindow, open_window: Open, served: ReleaseServer, scan: Path
) -> None:
    served.fail(Fault("hold", at=3 * MB))
    click(opened.left.run.missing.download)
    wait_for_part(qtbot, 3 * MB)
    opened.close()
    assert not opened.isVisible(), "no question is asked"
    (part,) = own_weights_folder().rglob("*.part")
    kept = part.stat().st_size

    again = open_scan(qtbot, open_window(), scan)
    card = again.left.run.missing
    assert "3 of 135 MB of its network are here." in card.words and card.download.text() == "Resume and run"
    click(card.download)
    wait_for_labels(qtbot, again)
    assert served.requests[-1].headers["Range"] == f"bytes={kept}-"


def test_another_task_is_chosen_meanwhile(qtbot: QtBot, opened: MainWindow, served: ReleaseServer) -> None:
    served.fail(Fault("hold", at=2 * MB))
    click(opened.left.run.missing.download)
    wait_for_part(qtbot, 2 * MB)
    choose(opened, "bone")
    soon(qtbot, lambda: "Downloading" in opened.transfers.said and "%" in opened.transfers.said)
    click(opened.transfers.show_link)
    (networks,) = opened.findChildren(Networks)
    assert networks.isVisible()
    networks.close()
    served.go_on()
    soon(qtbot, lambda: badge(opened, "total") == "ready")
    soon(qtbot, lambda: not opened.transfers.isVisible())
    assert "is ready" in opened.status.said
    assert not opened.runs.is_running and opened.left.choices.task.name == "bone"


def test_a_failure_that_nobody_looks_at_becomes_a_line(qtbot: QtBot, opened: MainWindow, served: ReleaseServer) -> None:
    served.fail(Fault("hold", at=2 * MB))
    served.always = Fault("status", code=404)
    click(opened.left.run.missing.download)
    wait_for_part(qtbot, 2 * MB)
    choose(opened, "bone")
    opened.downloads.pause(package_of("297").folder)
    opened.downloads.resume(package_of("297").folder)
    soon(qtbot, lambda: opened.centre.notes.said != "")
    assert not opened.transfers.isVisible()


def test_a_licence_number_is_asked_for_and_the_download_goes_on(
    qtbot: QtBot, opened: MainWindow, served: ReleaseServer, packed: Callable[[str], Path]
) -> None:
    task = catalogue().task("heartchambers_highres")
    key = task.variants["full"].parts[0].network.key
    served.add_package(package_of(key), packed(key))
    served.licences[NUMBER] = "valid_license"
    opened.left.choices.choose_task(task)
    card = opened.left.run.missing
    click(card.licence)
    (dialog,) = opened.findChildren(LicenceDialog)
    (line,) = dialog.findChildren(QLineEdit)
    QTest.keyClicks(line, NUMBER)
    store = next(each for each in dialog.findChildren(QPushButton) if each.isDefault())
    soon(qtbot, store.isEnabled)
    click(store)
    qtbot.waitUntil(lambda: opened.session.result is not None, timeout=90_000)
    assert opened.session.result is not None and opened.session.result.options.task == task.name
    assert package_of(key).is_here and opened.findChildren(LicenceDialog) == []


def test_terms_of_use_are_accepted_before_anything_is_downloaded(
    qtbot: QtBot, opened: MainWindow, served: ReleaseServer
) -> None:
    opened.left.choices.choose_task(catalogue().task("brain_aneurysm"))
    card = opened.left.run.missing
    click(card.download)
    (dialog,) = opened.findChildren(TermsDialog)
    dialog.reject()
    assert not opened.downloads.items and not served.requests
    click(card.download)
    dialog = next(each for each in opened.findChildren(TermsDialog) if each.isVisible())
    dialog.accept()
    assert "The run starts when all is here." in words_of(opened)
    soon(qtbot, card.box.go_on.isVisible)


# dropped


def test_a_zip_dropped_on_an_open_scan_makes_its_task_ready(
    qtbot: QtBot, opened: MainWindow, packed: Callable[[str], Path]
) -> None:
    volume = opened.session.volume
    drop(opened, packed("297"))
    soon(qtbot, lambda: badge(opened, "total") == "ready")
    assert "is ready" in opened.status.said
    assert opened.session.volume is volume and opened.left.run.button.isVisible()
    assert not opened.transfers.isVisible() and not opened.runs.is_running


def test_a_zip_dropped_on_the_empty_window_is_told(
    qtbot: QtBot, window: MainWindow, packed: Callable[[str], Path]
) -> None:
    drop(window.centre.empty, packed("297"))
    soon(qtbot, lambda: "is ready" in window.centre.notes.said)
    assert window.centre.empty.isVisible()


def test_a_zip_and_a_scan_dropped_together(
    qtbot: QtBot, window: MainWindow, packed: Callable[[str], Path], scan: Path
) -> None:
    drop(window, packed("297"), scan)
    wait_for_scan(qtbot, window)
    soon(qtbot, lambda: package_of("297").is_here)
    assert window.session.volume is not None and window.session.volume.source.name == scan.name
    assert "Not opened" not in window.centre.notes.said


def test_a_network_of_ones_own_is_chosen_and_runs(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    model = write_band_network(tmp_path / "own", OWN)
    drop(opened, model.parent)
    soon(qtbot, lambda: opened.left.choices.task.group == "custom")
    assert "is a task now" in opened.status.said and "Custom: " in opened.status.said
    opened.left.tasks.search.setText("tumour")
    (card,) = [each for each in opened.left.tasks.cards if each.task.group == "custom"]
    assert card.isChecked() and card.words.badge == "ready"
    click(opened.left.run.button)
    wait_for_labels(qtbot, opened)
    assert opened.session.label_map is not None
    assert [each.name for each in opened.session.label_map.classes] == ["structure_1", "structure_2"]


def test_an_own_network_that_cannot_run_here_says_why(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    two = BandNetwork(
        OWN.folder, OWN.centres, OWN.ct, OWN.spacing_mm, dataset={"channel_names": {"0": "CT", "1": "PET"}}
    )
    drop(opened, write_band_network(tmp_path / "own", two).parent)
    soon(qtbot, lambda: opened.centre.notes.said != "")
    assert opened.left.choices.task.name == "total"
    opened.left.tasks.search.setText("tumour")
    (card,) = [each for each in opened.left.tasks.cards if each.task.group == "custom"]
    assert card.words.badge == "cannot run"
    soon(qtbot, card.isVisible)
    click(card)
    run = opened.left.run
    assert not run.button.isEnabled() and run.question.isVisible() and "2 images at once" in run.question.text()


def test_a_zip_that_is_not_whole_is_one_sentence(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path, packed: Callable[[str], Path]
) -> None:
    cut = tmp_path / "cut.zip"
    data = bytearray(packed("297").read_bytes())
    data[3 * MB] ^= 1
    cut.write_bytes(data)
    drop(opened, cut)
    soon(qtbot, lambda: opened.centre.notes.said != "")
    assert badge(opened, "total") == "135 MB" and no_boxes(opened)
    assert not list(own_weights_folder().glob("Dataset*"))


def test_networks_dropped_during_a_run_do_not_stop_it(
    qtbot: QtBot, opened: MainWindow, packed: Callable[[str], Path]
) -> None:
    choose(opened, "bone")
    click(opened.left.run.button)
    drop(opened, packed("297"))
    assert no_boxes(opened)
    soon(qtbot, lambda: badge(opened, "total") == "ready")
    wait_for_labels(qtbot, opened)


def test_files_are_chosen_in_the_menu(
    qtbot: QtBot, opened: MainWindow, packed: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "PySide6.QtWidgets.QFileDialog.open", lambda self: self.filesSelected.emit([str(packed("297"))])
    )
    click(opened.left.run.missing.more)
    click(opened.left.run.missing.ways.import_file)
    soon(qtbot, lambda: badge(opened, "total") == "ready")
