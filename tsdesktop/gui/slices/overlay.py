"""What is painted over every slice: title, letters of the patient's directions, crosshair and scale bar."""

from __future__ import annotations

import math
from functools import cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from tsdesktop.gui import theme
from tsdesktop.gui.slices.halo import INK, paint_words, words_size
from tsdesktop.gui.slices.pane import Pane
from tsdesktop.gui.slices.plane import Edges, PlaneName

COLOURS: dict[PlaneName, QColor] = {
    "axial": theme.AXIAL,
    "sagittal": theme.SAGITTAL,
    "coronal": theme.CORONAL,
}
_MARGIN = 10
# Free of the scroll mark on the right edge.
_RIGHT_MARGIN = 14
# How far a hairline stops short, and how near to it a letter would be crossed.
_GAP, _LETTER = 10, 10
_HAIRLINE = QColor(232, 236, 242, 140)
_SHADE = QColor(0, 0, 0, 64)
_BAR_ROOM = 180
# Where the title and the scale bar reach the middle, the letters of top and bottom step aside by a line.
_NARROW, _ASIDE = 270, 17.0
_NICE_MM = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def paint_title(painter: QPainter, pane: Pane, name: str) -> None:
    """Which slice of how many, in the plane's colour."""
    words = f"{name} {pane.number + 1} / {pane.plane.size[2]}"
    paint_words(painter, QPointF(_MARGIN, _MARGIN - 2), words, COLOURS[pane.plane.name])


def letter_places(edges: Edges, width: float, height: float) -> list[tuple[str, QPointF]]:
    """The letters and where their middles are painted; in a narrow view below the title and above the scale bar."""
    inset = _MARGIN + 6 + (_ASIDE if width < _NARROW else 0.0)
    return [
        (edges.left, QPointF(_MARGIN + 4, height / 2)),
        (edges.right, QPointF(width - _RIGHT_MARGIN - 4, height / 2)),
        (edges.top, QPointF(width / 2, inset)),
        (edges.bottom, QPointF(width / 2, height - inset)),
    ]


def paint_letters(painter: QPainter, pane: Pane) -> None:
    """The letters of the patient's directions on the four edges."""
    for letter, place in letter_places(pane.plane.edges, pane.viewport.width, pane.viewport.height):
        size = words_size(letter, bold=True)
        paint_words(painter, place - QPointF(size.width() / 2, size.height() / 2), letter, INK, bold=True)


def paint_crosshair(painter: QPainter, pane: Pane, x: float, y: float) -> None:
    """Hairlines through a widget position that stop short of it and leave out the letters on the edges."""
    ratio = painter.device().devicePixelRatioF()
    # On whole device pixels a hairline stays one pixel wide.
    pixel = 1.0 / ratio
    x, y = (math.floor(place * ratio) / ratio for place in (x, y))
    width, height = pane.viewport.width, pane.viewport.height
    letters = [place for _, place in letter_places(pane.plane.edges, width, height)]
    for start, end in _between([x, *(each.x() for each in letters if abs(each.y() - y) < _LETTER)], width):
        _paint_bar(painter, QRectF(start, y, end - start, pixel), _HAIRLINE, QRectF(0, -pixel, 0, 2 * pixel))
    for start, end in _between([y, *(each.y() for each in letters if abs(each.x() - x) < _LETTER)], height):
        _paint_bar(painter, QRectF(x, start, pixel, end - start), _HAIRLINE, QRectF(-pixel, 0, 2 * pixel, 0))


def _between(gaps: list[float], length: float) -> list[tuple[float, float]]:
    """What is left of 0 to `length` when something is left out around each of the gaps."""
    middles = sorted(gaps)
    starts = [0.0, *(each + _GAP for each in middles)]
    return list(zip(starts, [*(each - _GAP for each in middles), length], strict=True))


def _paint_bar(painter: QPainter, bar: QRectF, colour: QColor, more: QRectF) -> None:
    """A bar on a shade that is `more` to the left and above, and larger by its size: it sets it off from bright bone.

    Stretched images of one pixel: upright lines and rectangles take Qt ten times as long.
    """
    if bar.width() <= 0 or bar.height() <= 0:
        return
    shade = QRectF(bar.x() + more.x(), bar.y() + more.y(), bar.width() + more.width(), bar.height() + more.height())
    painter.drawImage(shade, _solid(_SHADE.rgba()))
    painter.drawImage(bar, _solid(colour.rgba()))


@cache
def _solid(rgba: int) -> QImage:
    image = QImage(1, 1, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor.fromRgba(rgba))
    return image


def scale_bar_mm(pane: Pane) -> float:
    """The longest round length that takes less than a quarter of the view."""
    most = min(140.0, pane.viewport.width / 4) / pane.viewport.pixels_per_mm
    return float(max((each for each in _NICE_MM if each <= most), default=_NICE_MM[0]))


def paint_scale_bar(painter: QPainter, pane: Pane) -> None:
    """A bar of a round length in the lower left corner, where there is room."""
    if pane.viewport.width < _BAR_ROOM:
        return
    mm = scale_bar_mm(pane)
    length = round(mm * pane.viewport.pixels_per_mm)
    left, base = float(_MARGIN), round(pane.viewport.height) - _MARGIN - 1.0
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    around = QRectF(-1, -1, 2, 2)
    for bar in (QRectF(left, base, length, 1), QRectF(left, base - 4, 1, 4), QRectF(left + length - 1, base - 4, 1, 4)):
        _paint_bar(painter, bar, INK, around)
    words = f"{mm / 10:g} cm" if mm >= 10 else f"{mm:g} mm"
    size = words_size(words)
    paint_words(painter, QPointF(left + length + 7, base - size.height() + 3), words)


def paint_region(painter: QPainter, region: QRectF) -> None:
    """The rectangle that is being dragged."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    inside = theme.DARK.colour("accent")
    inside.setAlphaF(0.15)
    painter.fillRect(region, inside)
    painter.setPen(theme.DARK.colour("accent"))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(region)
