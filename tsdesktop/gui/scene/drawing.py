"""The thread that draws the 3D view. It alone touches VTK's window; the view hands it orders and gets images back.

Only the newest order counts: an order that comes while a picture is drawn replaces one that waits.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal, SignalInstance
from PySide6.QtGui import QImage

from tsdesktop.gui.scene.content import Order
from tsdesktop.gui.scene.painter import Painter, Pixels, painter_for, processor_painter
from tsdesktop.gui.scene.probe import Graphics, graphics

log = logging.getLogger(__name__)
_CLOSING_PATIENCE_S = 3.0


@dataclass(frozen=True, eq=False)
class Frame:
    """A drawn picture, the order it answers, and how long it took in ms."""

    image: QImage
    order: Order
    milliseconds: float


class Drawing(QObject):
    """Draws orders in a thread of its own. `drawn` and `started` are heard on the thread this object lives in."""

    drawn = Signal(object)
    started = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = threading.Condition()
        self._order: Order | None = None
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def is_started(self) -> bool:
        """Whether the thread was started (or is not to be any more)."""
        return self._thread is not None or self._closing

    def start(self, found: Graphics | None = None) -> None:
        """Starts the thread, once. `found` skips the probe."""
        if self._thread is None and not self._closing:
            # A daemon: a graphics driver that hangs does not keep the program from ending.
            self._thread = threading.Thread(target=self._run, args=(found,), name="drawing", daemon=True)
            self._thread.start()

    def ask(self, order: Order) -> None:
        """Wants this picture next."""
        with self._changed:
            self._order = order
            self._changed.notify()

    def close(self) -> None:
        """Ends the thread after the picture it is drawing."""
        with self._changed:
            self._closing = True
            self._order = None
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_CLOSING_PATIENCE_S)
            if self._thread.is_alive():
                log.warning("the drawing thread did not end in time")

    def _run(self, found: Graphics | None) -> None:
        painter: Painter | None = None
        try:
            painter = painter_for(graphics() if found is None else found)
            self._tell(self.started, painter.graphics)
            while (order := self._next()) is not None:
                painter, frame = _drawn(painter, order)
                self._tell(self.drawn, frame)
        except RuntimeError:
            # The view was deleted with its window while a picture was drawn.
            log.debug("nobody hears the drawing any more", exc_info=True)
        finally:
            if painter is not None:
                painter.close()

    def _tell(self, signal: SignalInstance, what: object) -> None:
        """Tells the view, unless it is closing: one that is being deleted waits for the thread, and is gone after."""
        with self._changed:
            if not self._closing:
                signal.emit(what)

    def _next(self) -> Order | None:
        """Waits for an order; None when there will be none."""
        with self._changed:
            while self._order is None and not self._closing:
                self._changed.wait()
            order, self._order = self._order, None
            return order


def _drawn(painter: Painter, order: Order) -> tuple[Painter, Frame]:
    """The picture, and the painter to go on with: a painter that fails is replaced by the processor's."""
    began = time.perf_counter()
    try:
        pixels = painter.draw(order)
    except Exception:
        if not painter.graphics.window_class:
            raise
        log.warning("drawing failed; the processor draws instead", exc_info=True)
        painter = processor_painter()
        pixels = painter.draw(order)
    milliseconds = (time.perf_counter() - began) * 1e3
    return painter, Frame(_image(pixels, order), order, milliseconds)


def _image(pixels: Pixels, order: Order) -> QImage:
    """The pixels as an image; what was drawn twice as large is averaged."""
    height, width = pixels.shape[:2]
    if order.detail.scale == 2.0 and (width, height) == (order.width * 2, order.height * 2):
        four = pixels.reshape(order.height, 2, order.width, 2, 3).astype(np.uint16)
        pixels = ((four[:, 0, :, 0] + four[:, 0, :, 1] + four[:, 1, :, 0] + four[:, 1, :, 1] + 2) >> 2).astype(np.uint8)
        height, width = pixels.shape[:2]
    return QImage(np.ascontiguousarray(pixels).data, width, height, width * 3, QImage.Format.Format_RGB888).copy()
