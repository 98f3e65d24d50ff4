"""Where real scans are, and phantoms whose truth is known."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_TOP = Path(__file__).resolve().parents[1]
# Folders and files of tests that open windows, or draw with Qt.
_WINDOWS = {"gui", "window", "test_icons.py"}


def test_data() -> Path:
    return Path(os.environ.get("TSDESKTOP_TEST_DATA", _TOP / "../shared/data")).resolve()


def has_windows(path: Path) -> bool:
    return not _WINDOWS.isdisjoint(path.parts)


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Gives whole files to processes, and all tests with windows to one: on a screen without a window manager two
    windows would take the keyboard from each other.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "windows" if has_windows(Path(file)) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    return _ByFile(config, log)


@pytest.fixture(autouse=True)
def away_from_the_screen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps programs that other tests start off the screen, for the same reason."""
    if not has_windows(request.path):
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def data() -> Path:
    """The folder of real scans; tests that need it are skipped in a clone without it."""
    if not test_data().is_dir():
        pytest.skip("no real scans here (TSDESKTOP_TEST_DATA)")
    return test_data()


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps the program's data folder, settings and networks of the person who runs the tests out of the tests."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("TSDESKTOP_DATA_DIR", str(folder))
    monkeypatch.delenv("TOTALSEG_HOME_DIR", raising=False)
    monkeypatch.delenv("TOTALSEG_WEIGHTS_PATH", raising=False)
    # Nor is their password store opened, or the licence server asked: nobody listens there.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("TSDESKTOP_LICENCE_SERVER", "http://127.0.0.1:1")
    return folder


@pytest.fixture(autouse=True)
def computed_by_torch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves the seconds that a network's conversion takes, where a test is not about what networks compute."""
    if "inference" not in request.path.parts and request.path.name != "test_straight_line.py":
        monkeypatch.setenv("TSDESKTOP_BACKEND", "torch")


@pytest.fixture(autouse=True, scope="session")
def collected_between_tests_only() -> Iterator[None]:
    """Keeps Python's collector off other threads, as the program does: widgets freed there bring Qt down."""
    gc.disable()
    # All test modules have been imported: the collections below need not look at what stays for good.
    gc.collect()
    gc.freeze()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def collect_afterwards() -> Iterator[None]:
    """Frees what a test leaves in cycles, on the main thread."""
    yield
    if gc.get_count()[0] > 2_000:
        gc.collect()
