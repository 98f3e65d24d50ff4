"""A window for dialogs to belong to: they are freed when they are closed, and it goes with the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui.session import Session

SHAPE = (30, 28, 26)
AFFINE = np.array([[-1.5, 0, 0, 20], [0, 1.5, 0, -10], [0, 0, 2.0, 100], [0, 0, 0, 1.0]])


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def volume() -> Volume:
    array = np.random.default_rng(1).integers(-100, 200, SHAPE).astype(np.int16)
    return Volume(array, Geometry(SHAPE, AFFINE), "CT")


@pytest.fixture
def label_map(volume: Volume) -> LabelMap:
    """A liver, a spleen, a right kidney and an aorta that is not there; from a file, so without a task."""
    array = np.zeros(SHAPE, np.uint8)
    array[4:14, 5:20, 6:20], array[18:26, 8:16, 8:18], array[18:24, 20:26, 3:9] = 1, 2, 4
    names = {1: "liver", 2: "spleen", 3: "aorta", 4: "kidney_right"}
    classes = tuple(structure_class(label, name) for label, name in names.items())
    return LabelMap(array, volume.geometry, classes)


@pytest.fixture
def session(volume: Volume, label_map: LabelMap) -> Session:
    """A session with labels from a file; the spleen is hidden."""
    made = Session()
    made.open_volume(volume)
    made.show_labels(label_map)
    made.set_looks({2: replace(made.looks[2], visible=False)})
    return made
