"""Networks that were dropped or chosen: told from scans by what is inside, installed one after another."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.weights import zips
from tsdesktop.core.errors import WeightsError
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.importing import Imports
from tsdesktop.gui.opening.networks import may_be_networks, told_apart
from tsdesktop.gui.transfer_line import TransferLine
from tsdesktop.weights.install import Installed
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

FIRST, SECOND = Path("first.zip"), Path("second.zip")


class Installer:
    """Installs when the test says so."""

    def __init__(self) -> None:
        self.began: list[Path] = []
        self.goes_on = threading.Event()
        self.error: Exception | None = None

    def install(self, path: Path, listen: Listen, stop: Stop) -> tuple[Installed, ...]:
        self.began.append(path)
        listen(Progress("unpacking", 43, 100))
        while not self.goes_on.is_set():
            stop.wait(0.005)
        if self.error is not None:
            raise self.error
        return (Installed(path.stem, path, None),)


@pytest.fixture
def installer() -> Installer:
    return Installer()


@pytest.fixture
def imports(qtbot: QtBot, installer: Installer) -> Iterator[Imports]:
    made = Imports(None, installer.install)
    yield made
    made.close()


@pytest.fixture
def line(qtbot: QtBot, imports: Imports) -> TransferLine:
    made = TransferLine(Downloads(imports), imports, lambda: False)
    qtbot.addWidget(made)
    return made


def soon(qtbot: QtBot, holds: Callable[[], bool]) -> None:
    qtbot.waitUntil(holds, timeout=5_000)


def test_one_after_another_with_a_line_that_tells(
    qtbot: QtBot, imports: Imports, installer: Installer, line: TransferLine
) -> None:
    done: list[str] = []
    imports.done.connect(lambda installed: done.append(installed[0].title))
    imports.add([FIRST, SECOND])
    soon(qtbot, lambda: line.said == "Unpacking first.zip · 43\u202f%")
    assert installer.began == [FIRST]
    installer.goes_on.set()
    soon(qtbot, lambda: done == ["first", "second"])
    assert installer.began == [FIRST, SECOND]
    assert line.said == ""


def test_cancel_stops_what_is_under_way_and_what_waits(
    qtbot: QtBot, imports: Imports, installer: Installer, line: TransferLine
) -> None:
    with qtbot.assertNotEmitted(imports.done), qtbot.assertNotEmitted(imports.failed):
        imports.add([FIRST, SECOND])
        soon(qtbot, lambda: installer.began == [FIRST])
        line.cancel.click()
        soon(qtbot, lambda: imports.path is None)
    assert installer.began == [FIRST]


def test_what_cannot_be_installed_does_not_hold_up_the_next(
    qtbot: QtBot, imports: Imports, installer: Installer
) -> None:
    installer.error = WeightsError("weights.no_network", name="first.zip")
    failed: list[Exception] = []
    imports.failed.connect(failed.append)
    imports.add([FIRST, SECOND])
    installer.goes_on.set()
    soon(qtbot, lambda: failed == [installer.error] * 2)


def test_closing_ends_it(qtbot: QtBot, imports: Imports, installer: Installer) -> None:
    imports.add([FIRST])
    soon(qtbot, lambda: installer.began == [FIRST])
    with qtbot.assertNotEmitted(imports.failed, wait=20):
        imports.close()


def test_scans_are_not_looked_at() -> None:
    for name in ("ct.nii.gz", "CT.NII", "slice.dcm", "scan.nrrd", "scan.mha"):
        assert not may_be_networks(Path(name))
    for name in ("Dataset297.zip", "a folder", "IM00001", "results.2024"):
        assert may_be_networks(Path(name))


def test_networks_are_told_from_everything_else(tmp_path: Path) -> None:
    network = zips.good_zip(tmp_path / "weights.zip")
    folder = zips.write_files(tmp_path / "results", zips.custom_members())
    slices = tmp_path / "slices"
    slices.mkdir()
    (slices / "IM0001").write_bytes(bytes(128) + b"DICM")
    packed = tmp_path / "scan.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(slices / "IM0001", "IM0001")
    letter, empty, missing = tmp_path / "letter.txt", tmp_path / "empty", tmp_path / "missing.zip"
    letter.write_text("Dear doctor", encoding="utf-8")
    empty.write_bytes(b"")
    scans = [slices, packed, letter, empty, missing]
    assert told_apart([network, *scans, folder]) == ([network, folder], scans)
