"""DICOM segmentations and structure sets that are dropped: labels on the open scan, or a plain word without one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.scans.series import TEN, write_series
from tsdesktop.core.provenance import provenance_of
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.dicom.segmentation import write_dicom_segmentation
from tsdesktop.exports.dicom.structure_set import write_structure_set
from tsdesktop.gui.opening.drop import Dropped, sorted_out
from tsdesktop.gui.opening.flow import OpeningFlow
from tsdesktop.gui.session import Session
from tsdesktop.scans.reader import read_scan


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, TEN)
    return folder


@pytest.fixture(scope="module")
def volume(folder: Path) -> Volume:
    return read_scan(folder)


@pytest.fixture(scope="module")
def files(volume: Volume, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The liver as a segmentation and as a structure set."""
    array = np.zeros(volume.geometry.shape, np.uint8)
    array[4:20, 5:15, 2:7] = 1
    label_map = LabelMap(array, volume.geometry, (structure_class(1, "liver"),))
    run = provenance_of(label_map, datetime(2026, 3, 4, tzinfo=UTC))
    folder = tmp_path_factory.mktemp("labels")
    segmentation = write_dicom_segmentation(label_map, volume.source, folder / "seg.dcm", run)
    return segmentation, write_structure_set(label_map, volume.source, folder / "rt.dcm", run)


def test_on_an_open_scan_they_are_labels(files: tuple[Path, Path], folder: Path) -> None:
    for path in files:
        assert sorted_out([path], scan_is_open=True) == Dropped(None, (path,))
        assert sorted_out([path, folder]) == Dropped(folder, (path,))


@pytest.mark.parametrize("which", [0, 1], ids=["segmentation", "structure set"])
def test_dropped_on_the_window_they_are_shown(
    qtbot: QtBot, volume: Volume, files: tuple[Path, Path], which: int
) -> None:
    session = Session()
    session.open_volume(volume)
    flow = OpeningFlow(session)
    with qtbot.waitSignal(session.labels_changed, timeout=20_000):
        flow.open([files[which]])
    assert session.label_map is not None
    assert session.label_map.volume_ml("liver") == pytest.approx(16 * 10 * 5 * 4.5 / 1000)


@pytest.mark.parametrize("which", [0, 1], ids=["segmentation", "structure set"])
def test_without_a_scan_they_ask_for_it(qtbot: QtBot, files: tuple[Path, Path], which: int) -> None:
    flow = OpeningFlow(Session())
    with qtbot.waitSignal(flow.failed, timeout=20_000) as caught:
        flow.open([files[which]])
    assert caught.args is not None
    assert str(caught.args[0]).endswith("open the scan it was made from first, then this.")
