"""The line above everything: chips that look like menus, stay where they are, and menus that tell what is in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.volume import Modality, Volume
from tsdesktop.gui.actions import ActionMaker, ShowActions
from tsdesktop.gui.header import Header
from tsdesktop.gui.session import Session
from tsdesktop.gui.windowing import CT_PRESETS, Window

SHAPE = (20, 20, 20)


def scan(modality: Modality) -> Volume:
    return Volume(np.zeros(SHAPE, np.int16), Geometry(SHAPE, np.eye(4)), modality)


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def header(qtbot: QtBot, session: Session) -> Header:
    made = Header(session)
    qtbot.addWidget(made)
    made.set_menus(*(QMenu(made) for _ in range(4)))
    made.resize(1500, 40)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def shown(qtbot: QtBot, session: Session) -> Iterator[ShowActions]:
    window = QWidget()
    qtbot.addWidget(window)
    yield ShowActions(session, ActionMaker(window, window, [window]), window)
    del window


def ticked(actions: list[QAction]) -> list[int]:
    return [n for n, action in enumerate(actions) if action.isChecked()]


def test_the_window_chip_stays_as_wide_whatever_the_window(qtbot: QtBot, header: Header, session: Session) -> None:
    session.open_volume(scan("CT"))
    chip = header.window_chip
    wide = chip.sizeHint().width()
    for window in (*(window for _, window in CT_PRESETS), Window(-1024, 1), Window(3071, 4096)):
        session.set_window(window)
        assert chip.sizeHint().width() == wide
        assert chip.fontMetrics().horizontalAdvance(chip.text()) < wide
    qtbot.waitUntil(lambda: chip.width() == wide)


def test_chips_hold_icon_words_and_arrow_and_nothing_else(header: Header, session: Session) -> None:
    session.open_volume(scan("CT"))
    words = header.measure.fontMetrics().horizontalAdvance(header.measure.text())
    assert 0 < header.measure.sizeHint().width() - words <= 16 + 14 + 2 * 6 + 2 * 10


def test_words_go_where_there_is_no_room(header: Header, session: Session) -> None:
    session.open_volume(scan("CT"))
    with_words = header.measure.sizeHint().width()
    header.resize(600, 40)
    assert header.measure.sizeHint().width() < with_words


def test_the_preset_in_force_is_ticked_and_none_after_a_drag(shown: ShowActions, session: Session) -> None:
    session.open_volume(scan("CT"))
    assert ticked(shown.presets) == [0]
    shown.presets[3].trigger()
    assert session.window == CT_PRESETS[3][1] and ticked(shown.presets) == [3]
    shown.presets[3].trigger()
    assert ticked(shown.presets) == [3]
    session.set_window(Window(77, 333))
    assert ticked(shown.presets) == []


def test_the_look_of_labels_is_ticked(shown: ShowActions, session: Session) -> None:
    assert shown.filled.isChecked() and [each.data() for each in shown.opacities if each.isChecked()] == [45]
    shown.opacities[2].trigger()
    assert [each.data() for each in shown.opacities if each.isChecked()] == [70]
    session.set_display(replace(session.display, style="outlined"))
    assert shown.outlined.isChecked() and not shown.filled.isChecked() and ticked(shown.opacities) == []
    shown.filled.trigger()
    assert [each.data() for each in shown.opacities if each.isChecked()] == [70]
