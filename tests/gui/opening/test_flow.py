"""What happens to an opening while a person does something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tsdesktop.core.errors import ReadError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.nifti import write_label_map
from tsdesktop.gui.opening.flow import OpeningFlow
from tsdesktop.gui.session import Session

GEOMETRY = Geometry((12, 11, 10), np.diag([-2.0, 2.0, 3.0, 1.0]))


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    array = np.zeros(GEOMETRY.shape, np.uint8)
    array[2:6, 2:8, 2:8] = 1
    write_label_map(LabelMap(array, GEOMETRY, (structure_class(1, "liver"),)), tmp_path / "labels.nii.gz")
    return tmp_path / "labels.nii.gz"


@pytest.fixture
def session(qapp: object) -> Session:
    made = Session()
    made.open_volume(Volume(np.zeros(GEOMETRY.shape, np.int16), GEOMETRY, "CT"))
    return made


def test_labels_for_a_scan_that_was_closed_meanwhile_are_let_go(qtbot: QtBot, session: Session, labels: Path) -> None:
    flow = OpeningFlow(session)
    failed: list[Exception] = []
    flow.failed.connect(failed.append)
    with qtbot.waitSignal(flow.ended, timeout=10_000):
        flow.open([labels])
        session.close_volume()
    assert not flow.is_busy and failed == []
    assert session.label_map is None


def test_a_folder_that_may_not_be_read_is_told_as_such(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    flow = OpeningFlow(session)
    with qtbot.waitSignal(flow.failed, timeout=10_000) as caught:
        flow.open([tmp_path])
    assert caught.args is not None and isinstance(caught.args[0], ReadError)
