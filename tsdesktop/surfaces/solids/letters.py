"""Text as flat outlines in mm: letters of the bundled font as polygons that can be extruded.

The outlines are those of the font's own glyphs; curves become sixteen chords each.
"""

from __future__ import annotations

import math
import unicodedata
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.assets import asset
from tsdesktop.core.errors import OptionsError

if TYPE_CHECKING:
    from manifold3d import CrossSection

Polygon = NDArray[np.float64]
_FONT = "fonts/Inter-SemiBold.otf"
_LINE_DISTANCE = 1.6
# Engraved letters that stand as close as printed ones run into one another.
_TRACKING = 0.04
_CHORDS = 16


def text_outline(text: str, height_mm: float) -> CrossSection:
    """The text as an outline whose capital letters are `height_mm` tall, centred at the origin; lines are centred.

    A new line begins at every line feed. Raises OptionsError naming the characters the font does not have.
    """
    from manifold3d import CrossSection, FillRule

    contours = [np.asarray(each) * height_mm for each in _contours(_lines(text))]
    outline = CrossSection(contours, FillRule.NonZero)
    left, low, right, high = outline.bounds()
    return outline.translate((-(left + right) / 2.0, -(low + high) / 2.0))


def _lines(text: str) -> list[str]:
    """The lines of the text, composed (ü is one character). Raises OptionsError for unknown characters."""
    composed = unicodedata.normalize("NFC", text).replace("\t", " ").strip()
    lines = [line.strip() for line in composed.split("\n")]
    known = _font().getBestCmap()
    unknown = dict.fromkeys(each for line in lines for each in line if ord(each) not in known)
    if unknown:
        names = ", ".join(each if each.isprintable() else f"U+{ord(each):04X}" for each in unknown)
        raise OptionsError("label.unknown_letters", letters=names)
    if not _contours(lines):
        raise OptionsError("label.empty")
    return lines


def _contours(lines: list[str]) -> list[Polygon]:
    """The closed outlines of all letters in units of the capitals' height, lines below one another."""
    out = []
    for number, line in enumerate(lines):
        letters, width = _line(line)
        out += [each - np.array([width / 2.0, _LINE_DISTANCE * number]) for each in letters]
    return out


def _line(line: str) -> tuple[list[Polygon], float]:
    names = _font().getBestCmap()
    out, place = [], 0.0
    for letter in line:
        contours, advance = _glyph(names[ord(letter)])
        out += [each + np.array([place, 0.0]) for each in contours]
        place += advance + _TRACKING
    return out, max(0.0, place - _TRACKING)


@cache
def _glyph(name: str) -> tuple[tuple[Polygon, ...], float]:
    """The outlines of a glyph and how far the next one stands, in units of the capitals' height."""
    from fontTools.pens.recordingPen import DecomposingRecordingPen

    font = _font()
    glyphs = font.getGlyphSet()
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    capital = float(font["OS/2"].sCapHeight)
    contours = tuple(np.array(each) / capital for each in _flattened(pen.value))
    return contours, font["hmtx"][name][0] / capital


def _flattened(drawn: list[tuple[str, tuple[Any, ...]]]) -> list[list[tuple[float, float]]]:
    """What a pen drew as closed polygons."""
    contours: list[list[tuple[float, float]]] = []
    for verb, points in drawn:
        if verb == "moveTo":
            contours.append([points[0]])
        elif verb == "lineTo":
            contours[-1].append(points[0])
        elif verb == "curveTo":
            contours[-1] += _cubic(contours[-1][-1], *points)
    return [each for each in contours if len(each) > 2]


def _cubic(start: Any, first: Any, second: Any, end: Any) -> list[tuple[float, float]]:
    """Points on a cubic Bezier curve, its end among them."""
    share = np.linspace(0.0, 1.0, _CHORDS + 1)[1:, None]
    weights = [math.comb(3, n) * share**n * (1.0 - share) ** (3 - n) for n in range(4)]
    curve = sum(w * np.asarray(p, float) for w, p in zip(weights, (start, first, second, end), strict=True))
    return [(float(x), float(y)) for x, y in np.asarray(curve)]


@cache
def _font() -> Any:
    from fontTools.ttLib import TTFont

    return TTFont(BytesIO(asset(_FONT).read_bytes()))
