"""Intensities and labels of a slice become the colours of a picture: two table lookups in numpy. Never Qt.

A picture is a uint32 array [row, column], 0xffRRGGBB.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.structures import Rgb
from tsdesktop.gui.session import Display, Look
from tsdesktop.gui.windowing import Window

Picture = NDArray[np.uint32]
Grey = NDArray[np.uint8]
_OPAQUE = np.uint32(0xFF000000)
_GREYS = np.arange(256)
# Beside a marked structure the others step back, and the marked one comes forward.
OTHERS = 0.62
SELECTED = 1.25


@dataclass(frozen=True)
class Paint:
    """How a structure is painted on slices: colour 0 to 255, opacity of its fill 0 to 1."""

    rgb: Rgb
    fill: float
    selected: bool = False


def paints(looks: Mapping[int, Look], display: Display, marked: Collection[int]) -> dict[int, Paint]:
    """Label -> paint for every structure that is visible on slices; those that are marked stand out."""
    if not display.show_labels:
        return {}
    standing_out = {label for label in marked if label in looks and looks[label].visible}
    out = {}
    for label, look in looks.items():
        if look.visible:
            factor = 1.0 if not standing_out else SELECTED if label in standing_out else OTHERS
            fill = min(1.0, display.fill_opacity * factor) if display.style == "filled" else 0.0
            out[label] = Paint(look.rgb, fill, label in standing_out)
    return out


@lru_cache(maxsize=4)
def grey_table(window: Window) -> Grey:
    """The window's greys for all int16 values; a drag of the window asks for each table once for all views."""
    return window.table()


def grey(values: NDArray[Any], window: Window, out: Grey | None = None) -> Grey:
    """Grey 0 to 255 of int16, int32 or float32 intensities, into `out` where it has their shape."""
    if out is None or out.shape != values.shape:
        out = np.empty(values.shape, np.uint8)
    if values.dtype == np.int16:
        bits = np.ascontiguousarray(values).view(np.uint16)
        return np.take(grey_table(window), bits, out=out, mode="clip")
    scaled = (values - np.float32(window.low)) * np.float32(255.0 / window.width)
    scaled += np.float32(0.5)
    np.clip(scaled, 0, 255, out=scaled)
    out[...] = scaled
    return out


def colour_table(painted: Mapping[int, Paint], rows: int = 256) -> Picture:
    """The colours of [label, grey] for labels 0 to rows - 1; labels that are not painted stay grey."""
    table = np.tile(_OPAQUE | (_GREYS * 0x010101).astype(np.uint32), (rows, 1))
    for label, paint in painted.items():
        if paint.fill > 0 and label < rows:
            table[label] = _blend(paint)
    return table


def colours(
    greys: Grey, labels: NDArray[Any] | None = None, table: Picture | None = None, out: Picture | None = None
) -> Picture:
    """The picture of a slice: greys, tinted by `table` where there are labels of the same shape.

    `table` comes from `colour_table`; labels beyond its rows are taken for its last row.
    """
    if out is None or out.shape != greys.shape:
        out = np.empty(greys.shape, np.uint32)
    if labels is None or table is None:
        return np.take(_grey_row(), greys, out=out, mode="clip")
    if labels.dtype == np.uint8 and len(table) == 256:
        index = labels.astype(np.uint16)
    else:
        index = np.minimum(labels, len(table) - 1).astype(np.intp)
    index <<= 8
    index |= greys
    np.take(table.reshape(-1), index, out=out, mode="clip")
    return out


def table_rows(labels: NDArray[Any], highest: int) -> int:
    """How many rows a colour table needs for these labels, when structures have labels up to `highest`."""
    return 256 if labels.dtype == np.uint8 else highest + 2


@lru_cache(maxsize=1)
def _grey_row() -> Picture:
    row: Picture = colour_table({}, 1)[0]
    return row


def _blend(paint: Paint) -> Picture:
    """The structure's colour over the 256 greys."""
    out = np.full(256, _OPAQUE, np.uint32)
    for shift, channel in zip((16, 8, 0), paint.rgb, strict=True):
        mixed = np.rint(_GREYS + (channel - _GREYS) * paint.fill).astype(np.uint32)
        out |= mixed << np.uint32(shift)
    return out
