"""Painters agree with each other; the drawing thread ends; without OpenGL the processor draws."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from tests.gui.scene.conftest import BLUE, FRONT_BOX, GREEN, RED, Open, coloured, settle
from tsdesktop.gui.scene import drawing, probe
from tsdesktop.gui.scene import painter as painters
from tsdesktop.gui.scene.content import Detail, Order
from tsdesktop.gui.scene.pace import BEST, STILL, TARGET_MS, Pace
from tsdesktop.gui.scene.painter import Painter
from tsdesktop.gui.scene.probe import PROCESSOR, Graphics
from tsdesktop.gui.session import Session


def drawing_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "drawing"]


@pytest.mark.parametrize("letter", "AS")
def test_processor_draws_the_same_silhouettes_as_opengl(
    qtbot: QtBot, open_view: Open, gl: Graphics, letter: str
) -> None:
    seen = []
    for found in (gl, PROCESSOR):
        view = open_view(found)
        # Without tools the body stands in the middle; else its sides are seen, whose deep shade one painter counts.
        view.tools.hide()
        view.look_from(letter)
        settle(qtbot, view)
        seen.append((coloured(view, RED), coloured(view, BLUE)))
    for one, other in zip(*seen, strict=True):
        assert (one & other).sum() / (one | other).sum() > 0.9


def test_closing_ends_the_thread_and_keeps_the_picture(open_view: Open) -> None:
    before = len(drawing_threads())
    view = open_view()
    assert len(drawing_threads()) == before + 1
    view.close_scene()
    assert len(drawing_threads()) == before
    assert coloured(view, RED).sum() > 1000


def test_closing_in_the_middle_of_the_work_ends_the_thread(open_view: Open) -> None:
    before = len(drawing_threads())
    view = open_view(wait=False)
    view.repaint()
    QCoreApplication.processEvents()
    view.close_scene()
    assert len(drawing_threads()) == before


def test_deleted_view_ends_its_thread(qtbot: QtBot, session: Session) -> None:
    from tsdesktop.gui.scene.view import SceneView

    before = len(drawing_threads())
    view = SceneView(session, graphics=PROCESSOR)
    view.resize(200, 150)
    view.show()
    qtbot.waitUntil(lambda: view.drawn_by is not None, timeout=10_000)
    view.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert len(drawing_threads()) == before
    QCoreApplication.processEvents()


def test_view_deleted_while_a_picture_is_drawn_does_not_hear_of_it(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsdesktop.gui.scene.view import SceneView

    draw = drawing._drawn
    under_way, let_go = threading.Event(), threading.Event()

    def slowly(painter: Painter, order: Order) -> tuple[Painter, drawing.Frame]:
        under_way.set()
        assert let_go.wait(10)
        return draw(painter, order)

    monkeypatch.setattr(drawing, "_drawn", slowly)
    view = SceneView(session, graphics=PROCESSOR)
    view.resize(200, 150)
    view.show()
    qtbot.waitUntil(under_way.is_set, timeout=10_000)
    heard: list[drawing.Frame] = []
    # Kept here: a picture that was told of while the view waits for the thread would reach this after the view.
    view._drawing.drawn.connect(heard.append)
    view.deleteLater()
    threading.Timer(0.2, let_go.set).start()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
    assert not heard


def test_picture_that_came_before_its_view_was_deleted_is_not_heard_after(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsdesktop.gui.scene.view import SceneView

    view = SceneView(session, graphics=PROCESSOR)
    view.resize(200, 150)
    view.show()
    qtbot.waitUntil(lambda: view.is_still, timeout=10_000)
    heard: list[drawing.Frame] = []
    monkeypatch.setattr(Pace, "took", lambda *told: heard.append(told[-1]))
    teller = threading.Thread(target=view._drawing.drawn.emit, args=(view._frame,))
    teller.start()
    teller.join()
    view.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
    assert not heard


def test_view_says_that_the_processor_draws(qtbot: QtBot, open_view: Open) -> None:
    view = open_view(wait=False)
    qtbot.waitUntil(lambda: view.drawn_by is not None, timeout=10_000)
    assert view.drawn_by == PROCESSOR
    settle(qtbot, view)
    assert coloured(view, RED).sum() > 1000


def test_opengl_that_does_not_start_is_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tsdesktop.gui.scene.gl", None)
    with caplog.at_level(logging.CRITICAL, logger="tsdesktop.gui.scene.painter"):
        made = painters.painter_for(Graphics("vtkNoSuchWindow", "a card", True))
    assert made.graphics == PROCESSOR
    made.close()


def test_painter_that_fails_on_the_way_is_replaced(
    qtbot: QtBot, open_view: Open, gl: Graphics, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsdesktop.gui.scene.gl import GlPainter

    def fails(*_: object) -> None:
        raise RuntimeError("the driver was updated")

    view = open_view(gl)
    monkeypatch.setattr(GlPainter, "draw", fails)
    view.look_from("P")
    settle(qtbot, view)
    assert coloured(view, BLUE).sum() > 1000


def test_painter_of_a_card_peels_translucent_layers_and_darkens_hollows(
    qtbot: QtBot, open_view: Open, session: Session, gl: Graphics, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsdesktop.gui.scene import gl as gl_painter

    monkeypatch.setattr(gl_painter, "is_software", lambda _: False)
    view = open_view(gl)
    assert view.drawn_by is not None
    assert view.drawn_by.hardware
    red = coloured(view, RED).sum()
    assert red > 1000
    session.set_looks({FRONT_BOX: replace(session.looks[FRONT_BOX], opacity=0.15)})
    settle(qtbot, view)
    assert coloured(view, GREEN).sum() > 500
    session.set_looks({FRONT_BOX: replace(session.looks[FRONT_BOX], opacity=1.0)})
    settle(qtbot, view)
    assert abs(int(coloured(view, RED).sum()) - int(red)) < 0.02 * red


def test_without_any_library_of_opengl_nothing_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_probe", lambda _: None)
    probe.graphics.cache_clear()
    assert probe.graphics() == PROCESSOR
    probe.graphics.cache_clear()


def test_probe_of_a_window_that_cannot_open_does_not_end_this_process() -> None:
    assert probe._probe("vtkNoSuchWindow") is None


def test_software_renderers_are_known_by_name() -> None:
    assert probe.is_software("llvmpipe (LLVM 15.0.6, 256 bits)")
    assert not probe.is_software("NVIDIA H100/PCIe/SSE2")
    assert probe.renderer_of("OpenGL vendor string:  x\nOpenGL renderer string:  A card\n") == "A card"


def test_slow_frames_get_coarser_and_quick_ones_finer_again() -> None:
    pace = Pace(hardware=False, has_gl=True)
    pace.begin()
    first = pace.moving
    for _ in range(4):
        pace.took(pace.moving, 3 * TARGET_MS)
    assert pace.moving.coarse
    assert pace.moving.scale < first.scale
    pace.begin()
    for _ in range(10):
        pace.took(pace.moving, 1.0)
    assert pace.moving == Detail(False, 1.0)


def test_still_picture_that_takes_long_is_the_last() -> None:
    pace = Pace(hardware=False, has_gl=True)
    pace.took(STILL, 60.0)
    assert pace.best(700, 500) == BEST
    pace.took(STILL, 900.0)
    assert pace.best(700, 500) is None
    assert Pace(hardware=False, has_gl=False).best(700, 500) is None


def test_screenshot_is_as_large_as_the_view_and_not_empty(open_view: Open, each_graphics: Graphics) -> None:
    view = open_view(each_graphics)
    image = view.screenshot()
    assert image.size() == view.size() * view.devicePixelRatioF()
    colours = {image.pixel(x, y) for x in range(0, 320, 8) for y in range(0, 240, 8)}
    assert len(colours) > 50
    assert np.isfinite(view.camera.height_mm)
