"""What draws an order into an array of pixels, and which of the two ways there are this computer can take."""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tsdesktop.gui.scene.content import Order
from tsdesktop.gui.scene.probe import PROCESSOR, Graphics

log = logging.getLogger(__name__)
Pixels = NDArray[np.uint8]


class Painter(Protocol):
    """Draws orders. Made, used and closed in one thread."""

    graphics: Graphics

    def draw(self, order: Order) -> Pixels:
        """The picture as (height, width, 3) at the order's `pixels`, first row on top."""
        ...

    def close(self) -> None:
        """Gives everything back."""
        ...


def painter_for(graphics: Graphics) -> Painter:
    """The painter for what the probe found; the processor's own where VTK cannot open what it promised."""
    if graphics.window_class:
        try:
            from tsdesktop.gui.scene.gl import GlPainter

            return GlPainter(graphics)
        except Exception:
            log.warning("3D graphics did not start; the processor draws instead", exc_info=True)
    return processor_painter()


def processor_painter() -> Painter:
    """The painter that needs neither OpenGL nor a display."""
    from tsdesktop.gui.scene.processor import ProcessorPainter

    return ProcessorPainter(PROCESSOR)
