"""From labels in the window to a file for a printer, by the print studio, as a person would go."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from tests.end2end.window.conftest import wait_for_scan
from tsdesktop.core.assets import asset
from tsdesktop.core.printing import Plate, PrintRecipe
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap
from tsdesktop.exports.meshes.reading import read_meshes
from tsdesktop.gui.studio.window import Studio
from tsdesktop.gui.studio_flow import first_recipe
from tsdesktop.gui.window import MainWindow

LIVER, KIDNEY, RIB = 1, 2, 3


def three_balls(window: MainWindow) -> LabelMap:
    """A liver and a kidney as balls in the open scan, and a rib of a few voxels."""
    volume = window.session.volume
    assert volume is not None
    shape = volume.geometry.shape
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1) * np.array(volume.spacing_mm)
    middle = np.array(shape) * np.array(volume.spacing_mm) / 2
    array = np.zeros(shape, np.uint8)
    for label, offset, radius in ((LIVER, -50.0, 35.0), (KIDNEY, 40.0, 25.0)):
        array[np.linalg.norm(places - (middle + np.array([offset, 0.0, 0.0])), axis=-1) < radius] = label
    array[2:4, 2:12, 2:4] = RIB
    classes = (structure_class(1, "liver"), structure_class(2, "kidney_left"), structure_class(3, "rib_left_1"))
    return LabelMap(array, volume.geometry, classes, "total")


@pytest.fixture
def labelled(qtbot: QtBot, window: MainWindow) -> MainWindow:
    window.open_paths([asset("sample/ct.nii.gz")])
    wait_for_scan(qtbot, window)
    window.session.show_labels(three_balls(window))
    qtbot.waitUntil(lambda: bool(window.session.statistics), timeout=20_000)
    return window


def opened(qtbot: QtBot, window: MainWindow) -> Studio:
    studio = window.studio.studio
    assert studio is not None
    qtbot.waitUntil(lambda: studio.bench.is_current and not studio.bench.is_checking, timeout=60_000)
    return studio


def is_open(window: MainWindow) -> bool:
    return window.studio.studio is not None


def test_without_labels_the_studio_cannot_be_opened(qtbot: QtBot, window: MainWindow) -> None:
    window.open_paths([asset("sample/ct.nii.gz")])
    wait_for_scan(qtbot, window)
    QTest.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    assert window.studio.studio is None
    assert not window.header.print.isEnabled()


def test_structures_become_one_solid_on_a_plate_in_a_file(qtbot: QtBot, labelled: MainWindow, tmp_path: Path) -> None:
    window = labelled
    window.session.mark((LIVER, KIDNEY), LIVER)
    QTest.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    studio = opened(qtbot, window)
    assert studio.bench.recipe.structures == ("liver", "kidney_left")
    for kind in ("struts", "plate"):
        studio.recipe_panel.steps.add_step(kind)
    length = studio.recipe_panel.steps.cards[0].fields["longest_mm"]
    length.setProperty("value", 60.0)
    opened(qtbot, window)
    qtbot.waitUntil(lambda: studio.view.is_still, timeout=60_000)
    made = studio.bench.whole
    assert made is not None and made.frame == "bed" and len(made.parts) == 1
    assert studio.bench.checks[0].is_whole
    colours = studio.view.screenshot()
    assert len({colours.pixel(x, colours.height() // 2) for x in range(0, colours.width(), 3)}) > 10

    studio.export.folder.line.setText(str(tmp_path / "print"))
    qtbot.waitUntil(studio.export.export.isEnabled, timeout=20_000)
    with qtbot.waitSignal(studio.exported, timeout=60_000):
        QTest.mouseClick(studio.export.export, Qt.MouseButton.LeftButton)
    (read,) = read_meshes(tmp_path / "print" / "all_structures.3mf")
    assert len(read.triangles) == len(made.parts[0].triangles)
    assert read.vertices[:, 2].min() == pytest.approx(0.0, abs=1e-4)
    # Two balls of 35 and 25 mm are 245 ml; a plate as wide as both is less than that again.
    assert 245 < made.numbers[0].volume_ml < 400
    recipe = json.loads((tmp_path / "print" / "recipe.json").read_text())
    assert [step["kind"] for step in recipe["steps"]] == ["struts", "plate"]
    assert window.memory.settings.export_folder == str(tmp_path / "print")


def test_selected_structure_is_printed_from_its_details_and_the_recipe_is_kept(
    qtbot: QtBot, labelled: MainWindow
) -> None:
    window = labelled
    window.session.select(KIDNEY)
    print_button = window.right.details.print
    qtbot.waitUntil(print_button.isVisible, timeout=5_000)
    QTest.mouseClick(print_button, Qt.MouseButton.LeftButton)
    studio = opened(qtbot, window)
    assert studio.bench.recipe.structures == ("kidney_left",)
    studio.recipe_panel.steps.add_step("plate")
    studio.bench.change_values("printer", bed="prusa_mini")
    studio.close()
    assert not is_open(window)
    assert first_recipe(window.memory.settings) == PrintRecipe(bed="prusa_mini")
    window.session.select(LIVER)
    window.studio.open()
    again = opened(qtbot, window)
    assert again.bench.recipe.structures == ("liver",)
    assert again.bench.recipe.steps == (Plate(),)


def test_studio_follows_the_labels_and_survives_their_end(qtbot: QtBot, labelled: MainWindow) -> None:
    window = labelled
    window.session.select(RIB)
    window.studio.open()
    studio = opened(qtbot, window)
    liver_only = three_balls(window).only(["liver"])
    window.session.show_labels(liver_only)
    qtbot.waitUntil(lambda: studio.bench.error is not None, timeout=30_000)
    assert studio.recipe_panel.structures.missing.text() == "Not in these labels: rib left 1"
    window.session.close_labels()
    assert studio.bench.label_map is None
    assert not studio.export.export.isEnabled()
    buttons = studio.findChildren(QPushButton)
    assert any(each.text() == "Add step" and each.isEnabled() for each in buttons)
