"""A patient of boxes whose places are known, in a session, and 3D views of it that are closed when a test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui.scene.probe import PROCESSOR, Graphics, graphics
from tsdesktop.gui.scene.view import SceneView
from tsdesktop.gui.session import Session
from tsdesktop.measures.statistics import structure_statistics

Shape = tuple[int, int, int]
FRONT_BOX, BACK_BOX, LEFT_BOX = 1, 2, 300
RED, GREEN, BLUE = (230, 20, 20), (20, 220, 20), (20, 20, 230)
CLASSES = (
    StructureClass(FRONT_BOX, "front_box", RED),
    StructureClass(BACK_BOX, "back_box", GREEN),
    StructureClass(LEFT_BOX, "left_box", BLUE),
)
# Voxels i (to the patient's left), j (to the back), k (up) of 2 mm; the smaller box hides behind the front one.
BOXES: dict[int, tuple[slice, ...]] = {
    FRONT_BOX: np.s_[8:28, 6:14, 10:34],
    BACK_BOX: np.s_[12:24, 26:36, 14:28],
    LEFT_BOX: np.s_[36:50, 10:30, 12:32],
}
SHAPE: Shape = (58, 46, 42)


def geometry() -> Geometry:
    """Both first axes run against RAS, as in most DICOM series."""
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    affine[:3, 3] = (60.0, 40.0, -300.0)
    return Geometry(SHAPE, affine)


def boxes_map(boxes: Mapping[int, tuple[slice, ...]] | None = None) -> LabelMap:
    array = np.zeros(SHAPE, np.uint16)
    for label, box in (BOXES if boxes is None else boxes).items():
        array[box] = label
    return LabelMap(array, geometry(), CLASSES)


def patient() -> Volume:
    """A body of tissue 4 voxels inside the border of the scan, air around it."""
    array = np.full(SHAPE, -1000, np.int16)
    array[4:-4, 4:-4, :] = 40
    return Volume(array, geometry(), "CT")


def middle_of(label: int) -> NDArray[np.float64]:
    """The centroid of a box in RAS mm."""
    return geometry().world_ras([(each.start + each.stop - 1) / 2 for each in BOXES[label]])


@pytest.fixture
def session(qapp: object) -> Session:
    """The patient with all boxes and their numbers."""
    made = Session()
    made.open_volume(patient())
    made.show_labels(boxes_map())
    made.set_statistics(structure_statistics(patient(), boxes_map()))
    return made


@pytest.fixture
def gl() -> Graphics:
    """What draws with OpenGL here."""
    found = graphics()
    if not found.window_class:
        pytest.skip("no OpenGL here")
    return found


@pytest.fixture(params=["gl", "processor"])
def each_graphics(request: pytest.FixtureRequest) -> Graphics:
    """OpenGL where there is one, and the processor alone."""
    if request.param == "processor":
        return PROCESSOR
    found: Graphics = request.getfixturevalue("gl")
    return found


Open = Callable[..., SceneView]


@pytest.fixture
def open_view(qtbot: QtBot, session: Session) -> Iterator[Open]:
    """Opens a view of the session 320 by 240 pixels large and waits until its picture is the final one."""
    views: list[SceneView] = []

    def open_(found: Graphics = PROCESSOR, wait: bool = True) -> SceneView:
        view = SceneView(session, graphics=found)
        views.append(view)
        view.resize(320, 240)
        view.show()
        if wait:
            settle(qtbot, view)
        return view

    yield open_
    for view in views:
        view.close_scene()
        view.close()
        view.deleteLater()


def settle(qtbot: QtBot, view: SceneView) -> None:
    """Waits until all that was asked for is in the picture."""
    qtbot.waitUntil(lambda: view.is_still, timeout=20_000)


def pixels(image: QImage) -> NDArray[np.uint8]:
    """(height, width, 3)."""
    ready = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(ready.constBits(), np.uint8).reshape(ready.height(), ready.bytesPerLine())
    return rows[:, : ready.width() * 3].reshape(ready.height(), ready.width(), 3).copy()


def coloured(view: SceneView, rgb: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Where the picture has the hue of one of the three boxes, in light or in shade."""
    picture = pixels(view.screenshot()).astype(int)
    channel = int(np.argmax(rgb))
    others = np.delete(picture, channel, axis=2).max(axis=2)
    return np.asarray((picture[:, :, channel] > 45) & (picture[:, :, channel] > 1.8 * others))
