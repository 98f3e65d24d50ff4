"""Where real scans are, and phantoms whose truth is known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_TOP = Path(__file__).resolve().parents[1]


def test_data() -> Path:
    return Path(os.environ.get("TSDESKTOP_TEST_DATA", _TOP / "../shared/data")).resolve()


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
    return folder
